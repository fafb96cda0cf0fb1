"""How a side is reached: its options as an access, and those that can't be meant together."""

import pytest

from pipelines.copy_settings import CopySettings, VerifySettings
from pipelines.ingest_settings import IngestSettings
from pipelines.settings_sources import SettingsError, parse
from pipelines.store_options import access_of
from transforms.core.errors import ConfigError
from transforms.core.objects.access import StoreAccess
from transforms.core.objects.expansion import signed_apart

KEY = ("access_key_id=env:A", "secret_access_key=file:/b")
BOTH = "contradict each other"
NEEDED = {
    IngestSettings: ["--destination=parquet:o", "--table=t", "--source=s3://a/b"],
    CopySettings: ["--destination=s3://c/d/", "--source=s3://a/b/"],
    VerifySettings: ["--destination=s3://c/d/", "--source=s3://a/b/"],
}


def parsed(kind, side, given):
    return parse(kind, [*NEEDED[kind], *(f"--{side}_{word}" for word in given)], {}).settings


@pytest.mark.parametrize("kind", NEEDED)
@pytest.mark.parametrize("side", ["source", "destination"])
@pytest.mark.parametrize(
    ("given", "access"),
    [
        ((), StoreAccess()),
        (("profile=p", "region=eu", "endpoint_url=http://h"), StoreAccess("http://h", "eu", "p")),
        (KEY, StoreAccess(access_key_id="env:A", secret_access_key="file:/b")),
        (
            (*KEY, "session_token=secret://projects/p/secrets/s/versions/1"),
            StoreAccess("", "", "", False, False, "env:A", "file:/b", "secret://projects/p/secrets/s/versions/1"),
        ),
    ],
)
def test_options_of_a_side_say_how_it_is_reached(kind, side, given, access):
    settings = parsed(kind, side, given)
    assert access_of(settings, side) == access
    other = {"source": "destination", "destination": "source"}[side]
    assert access_of(settings, other) == StoreAccess()


SIDES = [(kind, side) for kind in NEEDED for side in ("source", "destination")]


@pytest.mark.parametrize(("kind", "side"), SIDES[:1] + SIDES[2:])  # a load's destination is never anonymous
@pytest.mark.parametrize(
    ("given", "named"),
    [
        (KEY[:1], ["secret_access_key is missing"]),
        (KEY[1:], ["access_key_id is missing"]),
        (("session_token=env:C",), ["access_key_id is missing"]),
        ((*KEY, "profile=p"), ["access_key_id", "profile", BOTH]),
        (("anonymous", *KEY), ["anonymous", "access_key_id", BOTH]),
        (("anonymous", "profile=p"), ["anonymous", "profile", BOTH]),
        (("anonymous", "requester_pays"), ["anonymous", "requester_pays", BOTH]),
    ],
)
def test_what_cannot_be_meant_together_is_named(kind, side, given, named):
    with pytest.raises(SettingsError) as caught:
        parsed(kind, side, given)
    assert all(one in str(caught.value) for one in named)
    assert f"--{side}_" in str(caught.value)


def test_a_key_itself_is_refused_and_not_shown():
    with pytest.raises(SettingsError) as caught:
        parsed(CopySettings, "source", ("access_key_id=env:A", "secret_access_key=hunter2secret"))
    assert "takes a reference" in str(caught.value)
    assert "hunter2secret" not in str(caught.value)


def test_web_addresses_with_a_credential_are_known_to_the_access_and_no_others():
    signed, plain = "https://h/a?X-Amz-Signature=1&n=2", ("https://h/b?n=1", "s3://b/k?sig=1", "c?sig=1.csv")
    assert signed_apart([signed, *plain], StoreAccess(region="eu")) == StoreAccess(region="eu", signed=(signed,))
    with pytest.raises(ConfigError, match=r"'https://h/a\?X-Amz-Signature=\*\*\*&n=2' is given twice") as caught:
        signed_apart([signed, signed.replace("=1", "=other")], StoreAccess())
    assert "other&" not in str(caught.value)
