import pytest

from transforms.core.copying.between import copy_between
from transforms.core.copying.copy_settings import CopySettings, Side
from transforms.core.errors import ConfigError
from transforms.core.objects.access import StoreAccess

ELSEWHERE = StoreAccess("http://127.0.0.1:9000")


def test_paths_become_addresses_and_fields_are_given_on(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = copy_between("in/", "s3://b/out/", destination_access=ELSEWHERE, verify="full")
    expected = CopySettings(Side(f"file://{tmp_path}/in/"), Side("s3://b/out/", ELSEWHERE), verify="full")
    assert found == expected
    assert copy_between("a.csv", "s3://b/c.csv").source.uri == f"file://{tmp_path}/a.csv"


@pytest.mark.parametrize(
    ("source", "destination", "more", "message"),
    [
        ("in/", "out", {}, "end both in /"),
        ("in", "out/", {}, "end both in /"),
        ("in/", "https://a/b/", {}, "can't be written to"),
        ("in/", "in/deeper/", {}, "one inside the other"),
        ("s3://b/", "s3://b/x/", {}, "one inside the other"),
        ("s3://b/x/", "s3://b/x/", {}, "one inside the other"),
        ("in/", "out/", {"verfy": "full"}, "unknown field 'verfy'; CopySettings has source, destination, "),
    ],
)
def test_what_cannot_be_copied_is_refused(source, destination, more, message):
    with pytest.raises(ConfigError, match=message):
        copy_between(source, destination, **more)


def test_the_same_address_in_another_store_is_another_place():
    assert copy_between("s3://b/x/", "s3://b/x/", destination_access=ELSEWHERE).destination.access == ELSEWHERE
