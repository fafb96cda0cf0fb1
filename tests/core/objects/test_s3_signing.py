import datetime as dt
import hashlib

import pytest

from transforms.core.errors import ConfigError
from transforms.core.objects.access import StoreAccess
from transforms.core.objects.s3_signing import (
    NO_PAYLOAD,
    UNSIGNED_PAYLOAD,
    Credentials,
    Keys,
    Signable,
    payload_mark,
    signed_headers,
)

MIDNIGHT = dt.datetime(2013, 5, 24, tzinfo=dt.UTC).timestamp()
EXAMPLE = Keys("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")


def test_the_signature_is_the_one_in_amazons_own_example():
    headers = {"host": "examplebucket.s3.amazonaws.com", "range": "bytes=0-9"}
    signed = signed_headers(Signable("GET", "/test.txt", "", headers), EXAMPLE, "us-east-1", MIDNIGHT)
    assert signed["authorization"].endswith(
        "SignedHeaders=host;range;x-amz-content-sha256;x-amz-date, "
        "Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"
    )


@pytest.mark.parametrize(
    ("body", "secure", "checksummed", "expected"),
    [
        (b"", True, False, NO_PAYLOAD),
        (b"", False, True, NO_PAYLOAD),
        (b"x", True, False, UNSIGNED_PAYLOAD),
        (b"x", True, True, UNSIGNED_PAYLOAD),
        (b"x", False, True, UNSIGNED_PAYLOAD),
        (b"x", False, False, hashlib.sha256(b"x").hexdigest()),
    ],
)
def test_a_body_is_hashed_only_where_nothing_else_guards_it(body, secure, checksummed, expected):
    assert payload_mark(body, secure=secure, checksummed=checksummed) == expected


def test_keys_do_not_show_their_secret():
    assert EXAMPLE.secret not in repr(EXAMPLE)
    assert EXAMPLE.secret not in f"{EXAMPLE}"


@pytest.fixture
def no_aws(tmp_path, monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    (tmp_path / "config").write_text("[profile other]\nregion = eu-north-1\n")
    (tmp_path / "credentials").write_text(
        "[default]\naws_access_key_id = D\naws_secret_access_key = d\n"
        "[other]\naws_access_key_id = O\naws_secret_access_key = o\naws_session_token = t\n"
    )
    return tmp_path


@pytest.mark.parametrize(
    ("access", "environment", "expected"),
    [
        (StoreAccess(anonymous=True), {"AWS_ACCESS_KEY_ID": "E", "AWS_SECRET_ACCESS_KEY": "e"}, None),
        (StoreAccess(), {"AWS_ACCESS_KEY_ID": "E", "AWS_SECRET_ACCESS_KEY": "e"}, Keys("E", "e")),
        (StoreAccess(profile="other"), {"AWS_ACCESS_KEY_ID": "E", "AWS_SECRET_ACCESS_KEY": "e"}, Keys("O", "o", "t")),
        (StoreAccess(), {"AWS_PROFILE": "other"}, Keys("O", "o", "t")),
        (StoreAccess(), {}, Keys("D", "d")),
    ],
)
def test_credentials_come_from_the_first_place_that_has_them(no_aws, monkeypatch, access, environment, expected):
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert Credentials(access).keys() == expected


@pytest.mark.parametrize("profile", ["", "other"])
def test_keys_by_reference_come_before_all_others_and_are_fetched_once(no_aws, monkeypatch, profile):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "E")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "e")
    monkeypatch.setenv("OUR_KEY", "a key by reference")
    (no_aws / "secret").write_text("a secret by reference\n")  # what was fetched is masked from now on: nothing short
    access = StoreAccess(profile=profile, access_key_id="env:OUR_KEY", secret_access_key=f"file:{no_aws}/secret")
    credentials = Credentials(access)
    assert credentials.keys() == Keys("a key by reference", "a secret by reference")
    (no_aws / "secret").unlink()
    assert credentials.keys() == Keys("a key by reference", "a secret by reference")
    (no_aws / "token").write_text("a token by reference")
    monkeypatch.setenv("OUR_SECRET", "another secret by reference")
    with_token = access._replace(secret_access_key="env:OUR_SECRET", session_token=f"file:{no_aws}/token")
    assert Credentials(with_token).keys() == Keys(
        "a key by reference", "another secret by reference", "a token by reference"
    )


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"access_key_id": "env:NOBODY", "secret_access_key": "env:NOBODY"}, "env:NOBODY isn't there"),
        ({"access_key_id": "env:NOBODY"}, "one of the two references is missing"),
        ({"secret_access_key": "env:NOBODY"}, "one of the two references is missing"),
    ],
)
def test_a_reference_that_leads_nowhere_and_half_a_key_are_named(no_aws, given, message):
    with pytest.raises(ConfigError, match=message):
        Credentials(StoreAccess(**given)).keys()


def test_the_region_of_a_profile_is_found(no_aws):
    assert Credentials(StoreAccess(profile="other")).configured("region") == "eu-north-1"
    assert Credentials(StoreAccess()).configured("region") == ""


def test_an_unknown_profile_and_no_credentials_at_all_are_named(no_aws):
    with pytest.raises(ConfigError, match=r"'nobody'; known: .*other"):
        Credentials(StoreAccess(profile="nobody")).keys()
    (no_aws / "credentials").unlink()
    with pytest.raises(ConfigError, match="AWS_ACCESS_KEY_ID"):
        Credentials(StoreAccess()).keys()
