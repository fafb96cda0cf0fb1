"""Batches of notices between real servers: told of by their own kinds of notifications, copied, found again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote_plus

import pytest

from tests.core.copying.copies import settings_for
from tests.core.copying.noticed import lines, listed, named, statuses, worked
from tests.servers.fault_proxy import Fault
from tests.services.copy_ends import PART, bodies
from tests.services.test_copy_keys import DOTS, KEYS, LONG, MARKERS, NAMES, tree
from transforms.core.copying.copy_settings import Filters
from transforms.core.copying.stream_source import SourceListing, SourceSelects
from transforms.core.objects.access import MissingError, StoreAccess
from transforms.core.run_folder import RunFolder
from transforms.core.streams.notifications import read_message
from transforms.core.streams.stream_part import BatchTotals

if TYPE_CHECKING:
    from tests.services.copy_ends import End
    from transforms.core.copying.copy_settings import CopySettings
    from transforms.core.streams.notice import Notice

SIZES = {"empty": 0, "one": 1, "a b/é+%.bin": 5000, "above a part": PART + 1}
SENT = {key: bytes(range(256)) * (size // 256) + b"x" * (size % 256) for key, size in SIZES.items()}
TOTAL = sum(SIZES.values())


def between(here: End, there: End, **more: Any) -> CopySettings:
    def access(end: End, side: str) -> StoreAccess:
        return StoreAccess(endpoint_url=end.options(side).get(f"{side}_endpoint_url", ""))

    sides = [f"file://{end.root}" if end.kind == "file" else end.root for end in (here, there)]
    reached = {f"{side}_access": access(end, side) for end, side in ((here, "source"), (there, "destination"))}
    return settings_for(*sides, part_bytes=PART, **reached | more)


def told(end: End, *keys: str) -> list[Notice]:
    """What the store itself would tell of its objects, as read from its messages."""
    notices: list[Notice] = []
    for key in keys:
        name = end.prefix + key
        if end.kind == "gs":
            attributes = {"eventType": "OBJECT_FINALIZE", "bucketId": end.bucket, "objectId": name}
            message = read_message(b"", attributes | {"objectGeneration": end.version(key)}, 1.0)
        else:
            stored = {"key": quote_plus(name), "eTag": end.version(key)}
            record = {"eventName": "ObjectCreated:Put", "s3": {"bucket": {"name": end.bucket}, "object": stored}}
            message = read_message(json.dumps({"Records": [record]}).encode(), {}, 1.0)
        assert not message.unreadable
        notices += message.notices
    return notices


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    return RunFolder(f"file://{tmp_path}/run", "r")


@pytest.mark.parametrize(
    ("source", "destination"), [("s3", "s3"), ("s3", "file"), ("gs", "s3"), ("gs", "gs"), ("s3", "gs")]
)
def test_what_notifications_name_is_copied_and_a_listing_afterwards_finds_it_done(new_end, folder, source, destination):
    here, there = new_end(source, "here"), new_end(destination, "there")
    settings = between(here, there)
    for key, body in SENT.items():
        here.put(key, body)
    batch = told(here, *SENT)
    assert all(map(SourceSelects(settings), (one.uri for one in batch)))
    assert worked(batch, settings, folder) == BatchTotals(told=4, done=4, bytes=TOTAL)
    assert bodies(there) == SENT
    assert {line["proof"] for line in lines(folder, "outcome")} == {"match"}
    reconciled = listed(settings)
    assert {one.identity for one in reconciled} == {one.identity for one in batch}
    assert worked(reconciled[1:], settings, folder) == BatchTotals(told=3, skipped=3)
    assert worked(reconciled, settings, folder) == BatchTotals(told=4, done=4, bytes=TOTAL)


def test_from_disk_to_a_bucket_what_a_poll_finds_is_copied(new_end, folder):
    here, there = new_end("file", "here"), new_end("s3")
    settings = between(here, there)
    for key, body in SENT.items():
        here.put(key, body)
    assert worked(listed(settings), settings, folder) == BatchTotals(told=4, done=4, bytes=TOTAL)
    assert bodies(there) == SENT


@pytest.mark.parametrize("kind", ["s3", "gs"])
def test_late_notifications_of_older_versions_change_nothing(new_end, folder, kind):
    here, there = new_end(kind, "here"), new_end("s3", "there")
    settings = between(here, there)
    for body in (b"first", b"second"):
        here.put("a", body)
        here.put("gone", body)
        batch = told(here, "a", "gone")
        if body == b"first":
            older = batch
    here.delete("gone")
    newer = batch[:1]
    assert worked([*newer, *older, *newer], settings, folder) == BatchTotals(4, 1, 2, done=1, bytes=6)
    assert worked(older, settings, folder) == BatchTotals(told=2, outdated=2, skipped=1)
    assert bodies(there) == {"a": b"second"}
    assert {line["of"] for line in lines(folder, "outcome")} == {newer[0].identity}


def test_a_notification_names_no_endpoint_and_the_object_is_read_from_the_source_s_own(new_end, fault_proxy, folder):
    here = new_end("s3", "here", fault_proxy.endpoint)
    fault_proxy.reset(here.server.endpoint)
    there = new_end("s3", "there")
    here.put("a", b"bytes")
    settings = between(here, there)
    assert worked(told(here, "a"), settings, folder).done == 1
    assert fault_proxy.total_bytes(f"{here.prefix}a") >= len(b"bytes")
    assert bodies(there) == {"a": b"bytes"}


def test_an_object_that_may_not_be_read_fails_alone_until_it_may(new_end, fault_proxy, folder):
    here = new_end("s3", "here", fault_proxy.endpoint)
    fault_proxy.reset(here.server.endpoint)
    there = new_end("file", "there")
    for key, body in SENT.items():
        here.put(key, body)
    settings, batch = between(here, there), told(here, *SENT)
    for method in ("HEAD", "GET"):
        fault_proxy.add(Fault(times=100, path=f"{here.prefix}one", method=method, status=403))
    assert worked(batch, settings, folder) == BatchTotals(told=4, done=3, failed=1, bytes=TOTAL - 1)
    assert statuses(folder, settings.source.uri) == dict.fromkeys(SENT, "done") | {"one": "failed"}
    assert [line["error"] for line in lines(folder, "failure")] == ["ForbiddenError"]
    fault_proxy.reset(here.server.endpoint)
    assert worked(batch, settings, folder) == BatchTotals(told=4, done=4, bytes=TOTAL)
    assert lines(folder, "failure") == []
    assert bodies(there) == SENT


def test_the_times_that_filters_judge_are_those_that_listings_tell(new_end, folder):
    here, there = new_end("s3", "here"), new_end("file", "there")
    here.put("kept", b"k", Metadata={"mtime": "1000.5"})
    settings = between(here, there, filters=Filters(newer_than=2000.0))
    assert len(listed(settings)) == 1
    assert worked(told(here, "kept"), settings, folder).done == 1
    assert bodies(there) == {"kept": b"k"}


@pytest.mark.parametrize("destination", ["s3", "gs"])
def test_every_key_arrives_under_its_own_name_in_a_bucket(odd_end, folder, destination):
    here, there = odd_end("s3"), odd_end(destination)
    for key in KEYS:
        here.put(key, key.encode())
    settings = between(here, there)
    assert worked(told(here, *KEYS), settings, folder).done == len(KEYS)
    assert bodies(there) == {key: key.encode() for key in KEYS}


def test_what_a_disk_cant_hold_fails_by_name_and_nothing_is_written_outside(odd_end, folder, tmp_path):
    here, there = odd_end("s3"), odd_end("file", "there")
    for key in KEYS:
        here.put(key, key.encode())
    beside = tree(tmp_path)
    settings = between(here, there)
    assert worked(told(here, *KEYS), settings, folder)[3:6] == (len(NAMES) + 1, 0, len({*MARKERS, *DOTS}))
    assert bodies(there) == {key: key.encode() for key in [*NAMES, LONG]}
    found = statuses(folder, settings.source.uri)
    assert {key for key, status in found.items() if status == "failed"} == {*MARKERS, *DOTS}
    assert {path for path in tree(tmp_path) if not path.startswith(("there/", "run"))} == beside
    assert not Path("/tmp/escaped").exists()


def test_addresses_outside_of_the_source_are_no_part_of_the_stream(new_end, folder, tmp_path):
    here, there = new_end("s3"), new_end("file", "there")
    here.put("a", b"a")
    settings = between(here, there)
    bucket = f"s3://{here.bucket}/"
    wrong = [named(f"{bucket}elsewhere"), named(f"{here.root.rstrip('/')}"), named(f"s3://other/{here.prefix}a")]
    wrong.append(named(f"file://{tmp_path}/there/a"))
    assert worked(wrong, settings, folder) == BatchTotals(told=4)
    assert bodies(there) == {}


def test_a_bucket_that_is_not_there_is_an_error_of_the_listing(s3_environment):
    access = StoreAccess(endpoint_url=s3_environment.endpoint)
    settings = settings_for("s3://no-such-bucket/a/", "s3://b/", source_access=access)
    with pytest.raises(MissingError):
        list(SourceListing(settings)())
