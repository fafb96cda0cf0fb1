"""Copies to, from and between GCS buckets, from S3 and from web servers."""

import gzip
import itertools
import os
from pathlib import Path

import pytest

from tests.core.copying.copies import MIB, copy, error_of, plan, settings_for, stores_of
from tests.servers.fault_proxy import Fault
from transforms.core import interrupt, pacing
from transforms.core.copying.planned_copy import PlannedCopy
from transforms.core.errors import SourceChangedError
from transforms.core.objects.access import AlreadyThereError, CorruptedError, StoreAccess, UnsupportedError
from transforms.core.objects.details import ABSENT, ANY, NO_CHECKSUMS, Attributes, Checksums, Listed
from transforms.core.outcome import ObjectInfo

PART = 5 * MIB
SIZES = (0, 1, PART - 1, PART, PART + 1, 2 * PART + 7)
_numbers = itertools.count()


@pytest.fixture(autouse=True)
def _fresh_process():
    interrupt.reset()
    yield
    interrupt.reset()
    pacing.limit(1)
    pacing.limit()


class Places:
    """A prefix of its own in each store, reached through the proxy where it is GCS."""

    def __init__(self, gcs, s3, proxy, folder):
        prefix = f"{next(_numbers)}/"
        self.folder, self.proxy = folder, proxy
        proxy.reset(gcs.endpoint)
        self.uris = {
            "gs": f"gs://{gcs.make_bucket('transfer')}/{prefix}",
            "s3": f"s3://{s3.make_bucket('transfer-gs')}/{prefix}",
            "file": f"file://{folder}/",
        }
        self.accesses = {"gs": StoreAccess(proxy.endpoint), "s3": StoreAccess(s3.endpoint), "file": StoreAccess()}

    def settings(self, source, destination, **more):
        more |= {"source_access": self.accesses[source], "destination_access": self.accesses[destination]}
        there = self.uris[destination] + ("copy/" if source == destination else "")
        return settings_for(self.uris[source], there, part_bytes=PART, **more)


@pytest.fixture
def places(gcs_server, s3_environment, fault_proxy, tmp_path) -> Places:
    return Places(gcs_server, s3_environment, fault_proxy, tmp_path)


PLAIN = Attributes()


def put(settings, name, data, attributes=PLAIN):
    stores_of(settings).source.put(settings.source.uri + name, data, attributes, NO_CHECKSUMS, ANY)


def got(settings, name):
    store = stores_of(settings).destination
    details = store.details(settings.destination.uri + name)
    return store.read(details.info, 0, details.info.size_bytes)


@pytest.mark.parametrize("mode", ["auto", "traditional"])
@pytest.mark.parametrize(("source", "destination"), [("file", "gs"), ("gs", "file"), ("s3", "gs"), ("gs", "s3")])
@pytest.mark.parametrize("size", SIZES)
def test_every_size_goes_between_every_pair(places, source, destination, size, mode):
    settings, data = places.settings(source, destination, mode=mode), os.urandom(size)
    put(settings, "f", data)
    copied = copy(settings, "f")
    assert copied[:2] == ("hybrid" if mode == "auto" else mode, "match")
    assert got(settings, "f") == data


@pytest.mark.parametrize("size", SIZES)
def test_every_size_goes_on_the_server(places, size):
    settings, data = places.settings("gs", "gs"), os.urandom(size)
    put(settings, "f", data)
    copied = copy(settings, "f")
    assert copied[:2] == ("direct_sync", "match")
    assert copied.bytes_through == 0
    assert got(settings, "f") == data


@pytest.mark.parametrize("size", [1000, 2 * PART + 7])
class TestFaults:
    def test_busy_servers_and_cut_bodies_are_asked_again(self, places, size):
        settings, data = places.settings("gs", "file"), os.urandom(size)
        put(settings, "f", data)
        planned = plan(settings, "f")
        places.proxy.add(Fault(path="/o/", status=503, retry_after="0"))
        places.proxy.add(Fault(path="/o/", cut_after=700))
        assert copy(settings, "f", planned).proof == "match"
        assert got(settings, "f") == data

    def test_a_source_that_changed_is_not_copied(self, places, size):
        settings = places.settings("gs", "file")
        put(settings, "f", os.urandom(size))
        planned = plan(settings, "f")
        put(settings, "f", os.urandom(size))
        assert isinstance(error_of(settings, "f", planned), SourceChangedError)
        assert not (places.folder / "f").exists()

    def test_a_name_taken_meanwhile_is_a_conflict(self, places, size):
        settings = places.settings("file", "gs")
        put(settings, "f", os.urandom(size))
        planned = plan(settings, "f")
        stores_of(settings).destination.put(planned.uri, b"theirs", Attributes(), NO_CHECKSUMS, ABSENT)
        if size < PART:  # fake-gcs-server looks at conditions of simple uploads only
            assert isinstance(error_of(settings, "f", planned), AlreadyThereError)
            assert got(settings, "f") == b"theirs"


def test_gzip_goes_from_gcs_as_stored(places):
    settings = places.settings("gs", "s3")
    body = gzip.compress(b"text" * 100)
    put(settings, "f", body, Attributes(content_type="text/plain", content_encoding="gzip", user=(("a", "é"),)))
    assert copy(settings, "f").proof == "match"
    details = stores_of(settings).destination.details(settings.destination.uri + "f")
    assert got(settings, "f") == body
    assert details.attributes[:2] == ("text/plain", "gzip")
    assert details.attributes.user == (("a", "é"),)


@pytest.mark.parametrize("size", [1000, 2 * PART + 7])
@pytest.mark.parametrize(("times", "arrives"), [(1, True), (99, False)])
def test_a_flipped_bit_is_read_again_and_two_are_an_error(places, size, times, arrives):
    settings, data = places.settings("gs", "file"), os.urandom(size)
    put(settings, "f", data)
    planned = plan(settings, "f")
    described = places.proxy.total_bytes() + 1  # the next answer describes it, the one after holds its bytes
    places.proxy.add(Fault(path="/f", flip_at=990, times=times, after_bytes=described))
    if arrives:
        assert copy(settings, "f", planned).proof == "match"
        assert got(settings, "f") == data
    else:
        assert isinstance(error_of(settings, "f", planned), CorruptedError)
        assert not (places.folder / "f").exists()


class TestFromTheWeb:
    @pytest.fixture
    def fetch(self, web_server, places):
        def fetch(path, destination, expected=NO_CHECKSUMS, size=-1, **more):
            uri = f"{web_server.endpoint}/{path}"
            settings = settings_for(
                uri,
                places.uris[destination],
                destination_access=places.accesses[destination],
                part_bytes=PART,
                **more,
            )
            source = Listed(ObjectInfo(uri, size, "", 0.0))
            planned = PlannedCopy(source, settings.destination.uri + "f", None, "missing", expected)
            return settings, planned

        return fetch

    @pytest.mark.parametrize("size", [10, 2 * PART + 7])
    @pytest.mark.parametrize("folder", ["plain", "norange", "nohead", "nosize"])
    @pytest.mark.parametrize("destination", ["file", "s3", "gs"])
    def test_every_kind_of_server_is_a_source(self, web_server, fetch, folder, destination, size):
        data = os.urandom(size)
        (Path(web_server.folder) / "object").write_bytes(data)
        settings, planned = fetch(f"{folder}/object", destination)
        copied = copy(settings, "f", planned)
        assert copied.proof == "match"
        assert got(settings, "f") == data
        if folder == "nosize":
            assert copied.mode == "traditional"
            assert copied.fell_back == "hybrid: the source doesn't tell its size"

    def test_what_a_manifest_says_of_it_is_checked(self, web_server, fetch):
        (Path(web_server.folder) / "object").write_bytes(b"data")
        wrong = fetch("plain/object", "file", Checksums(sha256="0" * 64))
        assert isinstance(error_of(wrong[0], "f", wrong[1]), CorruptedError)
        longer = fetch("plain/object", "file", size=5)
        assert isinstance(error_of(longer[0], "f", longer[1]), SourceChangedError)

    def test_it_is_no_destination(self, web_server, places):
        (places.folder / "f").write_bytes(b"data")
        settings = settings_for(places.uris["file"], f"{web_server.endpoint}/plain/")
        planned = PlannedCopy(
            plan(
                settings_for(places.uris["file"], places.uris["gs"], destination_access=places.accesses["gs"]), "f"
            ).source,
            f"{web_server.endpoint}/plain/f",
            None,
            "missing",
            NO_CHECKSUMS,
        )
        assert isinstance(error_of(settings, "f", planned), UnsupportedError)
