import datetime as dt

import pytest

from transforms.core.errors import ConfigError
from transforms.core.objects.access import StoreAccess
from transforms.core.objects.s3_signing import Credentials, Keys, Signable, signed_headers

NOON = dt.datetime(2013, 5, 24, tzinfo=dt.UTC)
EXAMPLE = Keys("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")


def test_the_signature_is_the_one_in_amazons_own_example():
    headers = {"host": "examplebucket.s3.amazonaws.com", "range": "bytes=0-9"}
    signed = signed_headers(Signable("GET", "/test.txt", "", headers), EXAMPLE, "us-east-1", NOON)
    assert signed["authorization"].endswith(
        "SignedHeaders=host;range;x-amz-content-sha256;x-amz-date, "
        "Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"
    )


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


def test_the_region_of_a_profile_is_found(no_aws):
    assert Credentials(StoreAccess(profile="other")).configured("region") == "eu-north-1"
    assert Credentials(StoreAccess()).configured("region") == ""


def test_an_unknown_profile_and_no_credentials_at_all_are_named(no_aws):
    with pytest.raises(ConfigError, match=r"'nobody'; known: .*other"):
        Credentials(StoreAccess(profile="nobody")).keys()
    (no_aws / "credentials").unlink()
    with pytest.raises(ConfigError, match="AWS_ACCESS_KEY_ID"):
        Credentials(StoreAccess()).keys()
