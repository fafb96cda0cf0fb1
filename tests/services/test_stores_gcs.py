import time

import pytest

from tests.servers.fault_proxy import Fault
from tests.servers.google_keys import TOKEN, key_file
from transforms.core.errors import ConfigError
from transforms.core.objects import gcs_credentials
from transforms.core.objects.expansion import expand
from transforms.core.objects.store import ForbiddenError, StoreAccess, open_store


@pytest.fixture
def no_google(tmp_path, monkeypatch):
    """A machine without any Google credentials."""
    for name in ("GOOGLE_APPLICATION_CREDENTIALS", "GCE_METADATA_HOST", "K_SERVICE", "STORAGE_EMULATOR_HOST"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path))
    monkeypatch.setattr(gcs_credentials, "_VENDOR", tmp_path / "product_name")
    return tmp_path


@pytest.mark.parametrize(
    ("file", "text", "environment", "expected"),
    [
        ("", "", {}, False),
        ("", "", {"GOOGLE_APPLICATION_CREDENTIALS": "/k.json"}, True),
        ("application_default_credentials.json", "{}", {}, True),
        ("product_name", "Google Compute Engine\n", {}, True),
        ("product_name", "Standard PC\n", {}, False),
        ("", "", {"K_SERVICE": "job"}, True),
    ],
)
def test_credentials_are_looked_for_only_where_some_are(no_google, monkeypatch, file, text, environment, expected):
    if file:
        (no_google / file).write_text(text)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert gcs_credentials.credentials_exist() is expected


def test_without_credentials_the_first_answer_comes_at_once(no_google, gcs_server, monkeypatch):
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", gcs_server.endpoint.removeprefix("http://"))
    root = f"gs://{gcs_server.make_bucket('emulated')}/"
    started = time.monotonic()
    store = open_store(root)
    store.write(f"{root}a", b"x")
    assert [info.uri for info in expand(f"{root}*")] == [f"{root}a"]
    assert time.monotonic() - started < 30


def test_a_key_file_brings_a_token_that_is_used_until_it_expires(no_google, gcs_server, fault_proxy, monkeypatch):
    fault_proxy.reset(gcs_server.endpoint)
    fault_proxy.add(Fault(path="/token", method="POST", **TOKEN))
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", key_file(no_google, f"{fault_proxy.endpoint}/token"))
    root = f"gs://{gcs_server.make_bucket('keyed')}/"
    store = open_store(root, StoreAccess(endpoint_url=fault_proxy.endpoint))
    store.write(f"{root}a", b"x")
    assert store.head(f"{root}a").size_bytes == 1
    assert [headers.get("authorization") for method, path, *_, headers in fault_proxy.log if path != "/token"] == [
        "Bearer t0ken"
    ] * 2
    assert fault_proxy.total_requests("/token") == 1


def test_a_key_file_that_cannot_be_read_is_named(no_google, gcs_server, monkeypatch):
    (no_google / "key.json").write_text("not json: s3cr3t")
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(no_google / "key.json"))
    with pytest.raises(ConfigError, match=r"key\.json") as caught:
        open_store("gs://b", StoreAccess(endpoint_url=gcs_server.endpoint)).head("gs://b/a")
    assert "s3cr3t" not in str(caught.value)


def test_a_refusal_names_the_remedy(no_google, gcs_server, fault_proxy):
    fault_proxy.reset(gcs_server.endpoint)
    fault_proxy.add(Fault(status=401))
    store = open_store("gs://private", StoreAccess(endpoint_url=fault_proxy.endpoint))
    with pytest.raises(ForbiddenError, match=r"gs://private/a: .*401.*GOOGLE_APPLICATION_CREDENTIALS"):
        store.head("gs://private/a")
