"""A poll finds, and a notification may name, just what the sources of a load find."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING

import pytest

from transforms.core.errors import PermanentError
from transforms.core.objects.access import StoreAccess
from transforms.core.objects.expansion import expand
from transforms.core.tables.loads.stream_source import FilesListing, FilesSelected

if TYPE_CHECKING:
    from pathlib import Path

NAMES = ("a.csv", "b.csv", ".hidden.csv", "sub/c.csv", "sub/.d.csv", "sub/deep/e.csv", ".git/f.csv", "x[1].csv")
SOURCES = ("*.csv", "**/*.csv", "a.csv", "", "sub", "sub/", "sub/*", "x[1].csv", "[ab].csv", "s*/c.csv")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in NAMES:
        path = tmp_path / "in" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x\n1\n")
    return tmp_path / "in"


@pytest.mark.parametrize("source", SOURCES)
def test_what_is_selected_by_name_is_what_is_found(folder: Path, source: str) -> None:
    typed = f"{folder}/{source}"
    found = {info.uri for info in expand(typed)}
    every = {f"file://{folder}/{name}" for name in NAMES}
    assert {uri for uri in every if FilesSelected((typed,))(uri)} == found


def test_an_object_of_another_bucket_is_not_selected() -> None:
    selected = FilesSelected(("s3://bucket/in/*.csv", "gs://other/in/"))
    assert selected("s3://bucket/in/a.csv")
    assert selected("gs://other/in/x/y.csv")
    assert not selected("gs://bucket/in/a.csv")
    assert not selected("s3://bucket/in/x/a.csv")
    assert not selected("gs://other/in/x/")


def test_a_source_that_matches_nothing_yet_has_no_files_and_a_file_of_two_sources_comes_once(folder: Path) -> None:
    listing = FilesListing((f"{folder}/no*.csv", f"{folder}/a.csv", f"{folder}/*.csv"), StoreAccess())
    assert [info.uri.rpartition("/")[2] for info in pickle.loads(pickle.dumps(listing))()] == [
        "a.csv",
        "b.csv",
        "x[1].csv",
    ]


def test_a_place_that_cannot_be_listed_is_an_error() -> None:
    with pytest.raises(PermanentError, match="ftp"):
        list(FilesListing(("ftp://host/x.csv",), StoreAccess())())
