"""References resolve to values, passwords leave addresses, and nothing shows a value afterwards."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from transforms.core.errors import ConfigError
from transforms.core.scrubbing import scrub
from transforms.core.secret import is_reference, keep_in_environment, resolve, take_out_password

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def _restored_environment(monkeypatch):
    for number in range(1, 50):
        monkeypatch.delenv(f"HORNBEAM_SECRET_{number}", raising=False)
    yield
    for name in [name for name in os.environ if name.startswith("HORNBEAM_SECRET_")]:
        del os.environ[name]


@pytest.mark.parametrize(
    ("uri", "clean", "password"),
    [
        ("postgresql://u:s3cr3t-one@h:5432/db", "postgresql://u@h:5432/db", "s3cr3t-one"),
        ("postgresql://u:s3cr3t%2Ftwo@h/db", "postgresql://u@h/db", "s3cr3t/two"),
        ("postgresql://u:with@sign-3@h/db", "postgresql://u@h/db", "with@sign-3"),
        ("postgresql://:only-pw-4@h/db", "postgresql://@h/db", "only-pw-4"),
        ("postgresql://u@h/db?password=query-5", "postgresql://u@h/db", "query-5"),
        ("postgresql://u@h/db?password=query-6&sslmode=require", "postgresql://u@h/db?sslmode=require", "query-6"),
        ("postgresql://u@h/db?sslmode=require&password=query-7", "postgresql://u@h/db?sslmode=require", "query-7"),
        ("parquet:s3://key:secret-8@bucket/x", "parquet:s3://key@bucket/x", "secret-8"),
    ],
)
def test_a_password_is_taken_out_of_an_address_and_found_again_by_its_reference(uri, clean, password):
    taken = take_out_password(uri)
    assert taken.uri == clean
    assert resolve(taken.reference) == password
    assert password not in repr(taken)


@pytest.mark.parametrize(
    "uri",
    [
        "duckdb:///out.duckdb",
        "postgresql://u@h:5432/db",
        "postgresql://u:@h/db",
        "parquet:s3://bucket/a@b/c",
        "parquet:a:b@c",
        "bigquery://project/dataset",
        "http://host:8080/a@b",
    ],
)
def test_an_address_without_a_password_has_no_reference(uri):
    assert take_out_password(uri).reference is None


@pytest.mark.parametrize("uri", ["postgresql://u:pass/word-9@h/db", "postgresql://u:pass#word-9@h/db"])
def test_a_password_with_an_unescaped_character_is_refused_without_showing_it(uri):
    with pytest.raises(ConfigError, match="%2F") as caught:
        take_out_password(uri)
    assert "word-9" not in str(caught.value)


def test_two_passwords_in_one_address_are_refused_without_showing_them():
    with pytest.raises(ConfigError, match="two passwords") as caught:
        take_out_password("postgresql://u:first-10@h/db?password=second-10")
    assert "-10" not in str(caught.value)


def test_the_same_value_is_kept_once_and_another_one_beside_it():
    first, again, other = (keep_in_environment(value) for value in ("value-a", "value-a", "value-b"))
    assert first == again != other
    assert (resolve(first), resolve(other)) == ("value-a", "value-b")


def test_a_local_worker_process_inherits_what_was_taken_out():
    reference = take_out_password("postgresql://u:inherited-11@h/db").reference
    program = f"from transforms.core.secret import resolve; print(resolve({reference!r}))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout == "inherited-11\n"


def test_a_file_gives_its_text_without_the_last_line_end(tmp_path):
    path = tmp_path / "password"
    path.write_text("from a file \n")
    assert resolve(f"file:{path}") == "from a file "
    assert scrub("it is 'from a file '") == "it is '***'"


@pytest.mark.parametrize(
    ("reference", "remedy"),
    [
        ("env:HORNBEAM_NOT_THERE", "set HORNBEAM_NOT_THERE"),
        ("file:/nowhere/at/all", "check path"),
        ("hunter2-plain", "env:NAME"),
        ("secret://projects/p/secrets/s", "env:NAME"),
    ],
)
def test_a_reference_to_nothing_is_an_error_with_its_remedy(reference, remedy):
    with pytest.raises(ConfigError, match=remedy) as caught:
        resolve(reference)
    assert "hunter2" not in str(caught.value)


def test_an_empty_secret_is_an_error(monkeypatch):
    monkeypatch.setenv("HORNBEAM_EMPTY", "")
    with pytest.raises(ConfigError, match="empty"):
        resolve("env:HORNBEAM_EMPTY")


def test_a_binary_file_is_an_error_that_quotes_none_of_its_bytes(tmp_path):
    path = tmp_path / "key"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="UTF-8") as caught:
        resolve(f"file:{path}")
    assert caught.value.__suppress_context__


def test_a_missing_secret_manager_client_is_an_error_that_names_the_package(monkeypatch):
    monkeypatch.setitem(sys.modules, "google.cloud.secretmanager", None)
    monkeypatch.delattr("google.cloud.secretmanager", raising=False)
    with pytest.raises(ConfigError, match="pip install google-cloud-secret-manager"):
        resolve("secret://projects/p/secrets/s/versions/1")


def test_secret_manager_gives_a_version_and_a_missing_one_is_an_error_with_its_remedy(secret_manager):
    assert resolve(secret_manager.put("s", "from-the-service")) == "from-the-service"
    with pytest.raises(ConfigError, match=r"NotFound.*Secret Accessor"):
        resolve("secret://projects/p/secrets/other/versions/1")


def test_only_the_three_forms_are_references():
    assert [is_reference(text) for text in ("env:A_1", "file:/a b", "secret://projects/p/secrets/s/versions/2")] == [
        True,
        True,
        True,
    ]
    assert not any(is_reference(text) for text in ("env:", "env:A-B", "file:a", "a", "", "secret://p/s", "ENV:A"))
