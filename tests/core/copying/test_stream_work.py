"""A batch of notices: what stands in the source now is copied once, and its part says what became of each object."""

from __future__ import annotations

import itertools
import os
import signal
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.core.copying.copies import settings_for
from tests.core.copying.noticed import lines, listed, named, statuses, worked
from transforms.core import interrupt
from transforms.core.copying import stream_attempts, stream_work, transfer
from transforms.core.copying.copy_settings import Filters
from transforms.core.objects.local import LocalStore
from transforms.core.run_folder import RunFolder
from transforms.core.streams.stream_part import BatchTotals

PART = 5 << 20
TREE = {"a": b"a", "sub/empty": b"", "sub/é +%": b"odd", "large": b"x" * (2 * PART + 1)}
SIZE = sum(map(len, TREE.values()))


@pytest.fixture(autouse=True)
def _fresh():
    interrupt.reset()
    yield
    interrupt.reset()


@pytest.fixture
def settings(tmp_path):
    for key, data in TREE.items():
        put(tmp_path / "from" / key, data)
    (tmp_path / "to").mkdir()
    return settings_for(f"file://{tmp_path}/from/", f"file://{tmp_path}/to/", part_bytes=PART)


@pytest.fixture
def folder(tmp_path):
    return RunFolder(f"file://{tmp_path}/run", "r")


def put(path, data):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def copied(tmp_path):
    files = (path for path in (tmp_path / "to").rglob("*") if path.is_file())
    return {str(path.relative_to(tmp_path / "to")): path.read_bytes() for path in files}


def test_a_batch_copies_what_it_names_and_says_so_in_its_part(settings, folder, tmp_path):
    assert worked(listed(settings), settings, folder) == BatchTotals(told=4, done=4, bytes=SIZE)
    assert copied(tmp_path) == TREE
    assert statuses(folder, settings.source.uri) == dict.fromkeys(TREE, "done")
    outcomes = {line["item"].removeprefix(settings.source.uri): line for line in lines(folder, "outcome")}
    assert {key: line["destination"] for key, line in outcomes.items()} == {
        key: settings.destination.uri + key for key in TREE
    }
    assert {key: line["size_bytes"] for key, line in outcomes.items()} == {key: len(data) for key, data in TREE.items()}
    assert {(line["mode"], line["proof"]) for line in outcomes.values()} == {("hybrid", "match")}
    assert [line["modes"] for line in lines(folder, "sums")] == [{"hybrid": 4}]
    assert [(line["told"], line["duplicates"], line["outdated"]) for line in lines(folder, "stream")] == [(4, 0, 0)]


def test_what_stands_at_the_destination_already_is_skipped_in_another_batch_and_done_in_the_same(settings, folder):
    batch = listed(settings)
    worked(batch, settings, folder)
    assert worked(batch[:3], settings, folder) == BatchTotals(told=3, skipped=3)
    again = worked(batch[::-1], settings, folder)
    assert again == BatchTotals(told=4, done=4, bytes=SIZE)
    parts = [line["status"] for line in lines(folder, "outcome")]
    assert sorted(parts) == ["done"] * 4 + ["skipped"] * 3
    assert len({line["of"] for line in lines(folder, "outcome")}) == 4, "an object has one identity in all batches"


@pytest.mark.parametrize(
    ("versions", "present", "counts"),
    [
        (["a"], "a", (0, 0)),
        (["a", "a"], "a", (1, 0)),
        (["a", ""], "a", (1, 0)),
        ([""], "a", (0, 0)),
        (["a", "b", "a"], "b", (1, 1)),
        (["a"], "b", (0, 1)),
        (["a", "b", "b"], None, (1, 2)),
        ([""], None, (0, 1)),
    ],
)
def test_notices_of_one_object_are_counted_as_duplicates_or_outdated(versions, present, counts):
    assert stream_work.counted(versions, present) == counts


def test_late_wrong_and_repeated_notices_change_nothing(settings, folder, tmp_path):
    batch = listed(settings)
    put(tmp_path / "from/a", b"new and longer")
    (tmp_path / "from/sub/empty").unlink()
    put(tmp_path / "beside/x", b"no")
    wrong = [
        *batch,
        *batch,
        named(f"{settings.source.uri}a"),
        named(f"{settings.source.uri}never was"),
        named(f"file://{tmp_path}/beside/x"),
        named(f"{settings.source.uri}../beside/x"),
        named("s3://other/a"),
    ]
    totals = worked(wrong, settings, folder)
    size = SIZE - len(TREE["a"]) + len(b"new and longer")
    assert totals == BatchTotals(told=13, duplicates=4, outdated=3, done=3, bytes=size)
    assert copied(tmp_path) == {key: TREE[key] for key in ("large", "sub/é +%")} | {"a": b"new and longer"}
    assert {line["item"] for line in lines(folder, "outcome")} == {
        settings.source.uri + key for key in copied(tmp_path)
    }


def test_filters_judge_what_is_really_there(settings, folder, tmp_path):
    os.utime(tmp_path / "from/sub/é +%", (1000, 1000))
    filters = Filters(exclude=("large",), min_size_bytes=1, newer_than=2000.0)
    wanted = settings._replace(filters=filters)
    told = [named(settings.source.uri + key) for key in TREE]
    assert worked(told, wanted, folder) == BatchTotals(told=4, done=1, bytes=1)
    assert copied(tmp_path) == {"a": b"a"}
    put(tmp_path / "from/sub/empty", b"no more")
    assert worked(told, wanted, folder) == BatchTotals(told=4, done=2, bytes=8)


def test_one_object_by_its_name_takes_the_name_it_was_given(tmp_path, folder):
    put(tmp_path / "from/one", b"one")
    one = settings_for(f"file://{tmp_path}/from/one", f"file://{tmp_path}/to/other")
    assert worked([*listed(one), named(f"file://{tmp_path}/from/two")], one, folder).done == 1
    assert copied(tmp_path) == {"other": b"one"}


def test_one_object_that_fails_fails_alone_and_is_copied_when_its_batch_comes_again(settings, folder, tmp_path):
    put(tmp_path / "to/a/in the way", b"")
    batch = listed(settings)
    assert worked(batch, settings, folder) == BatchTotals(told=4, done=3, failed=1, bytes=SIZE - 1)
    assert statuses(folder, settings.source.uri) == dict.fromkeys(TREE, "done") | {"a": "failed"}
    [failure] = lines(folder, "failure")
    assert failure["item"] == f"{settings.source.uri}a"
    assert failure["of"] in {line["of"] for line in lines(folder, "outcome")}
    (tmp_path / "to/a/in the way").unlink()
    (tmp_path / "to/a").rmdir()
    assert worked(batch, settings, folder) == BatchTotals(told=4, done=4, bytes=SIZE)
    assert lines(folder, "failure") == []


def test_what_cannot_be_looked_at_fails_under_the_version_that_was_told(settings, folder, monkeypatch, tmp_path):
    details = LocalStore.details

    def refused(store, uri):
        if uri.endswith("/from/a"):
            raise stream_attempts.ConflictError("no")
        return details(store, uri)

    batch = listed(settings)
    with monkeypatch.context() as patched:
        patched.setattr(LocalStore, "details", refused)
        assert worked(batch, settings, folder).failed == 1
    assert {line["of"] for line in lines(folder, "failure")} == {batch[0].identity}
    assert worked(batch, settings, folder) == BatchTotals(told=4, done=4, bytes=SIZE)
    assert copied(tmp_path) == TREE


@pytest.mark.parametrize(("if_exists", "status", "data"), [("skip", "skipped", b"old"), ("fail", "failed", b"old")])
def test_what_differs_at_the_destination_is_treated_as_asked(settings, folder, tmp_path, if_exists, status, data):
    put(tmp_path / "to/a", b"old")
    worked(listed(settings), settings._replace(if_exists=if_exists), folder)
    assert statuses(folder, settings.source.uri) == dict.fromkeys(TREE, "done") | {"a": status}
    assert copied(tmp_path) == TREE | {"a": data}


@pytest.mark.parametrize("changes", [1, 2, 3])
def test_an_object_that_changes_while_it_is_copied_is_looked_at_again(settings, folder, tmp_path, monkeypatch, changes):
    numbers, fetch = itertools.count(1), LocalStore.fetch

    def changed(store, info):
        if info.uri.endswith("/from/a") and (number := next(numbers)) <= changes:
            put(tmp_path / "from/a", b"version " + b"x" * number)
        return fetch(store, info)

    monkeypatch.setattr(LocalStore, "fetch", changed)
    totals = worked(listed(settings)[:1], settings, folder)
    assert totals == (
        BatchTotals(told=1, outdated=1, failed=1)
        if changes == stream_attempts.LOOKS
        else BatchTotals(told=1, outdated=1, done=1, bytes=8 + changes)
    )
    now = (tmp_path / "from/a").read_bytes()
    assert copied(tmp_path) == ({} if totals.failed else {"a": now})


def test_an_object_that_goes_while_it_is_copied_is_no_item(settings, folder, tmp_path, monkeypatch):
    fetch = LocalStore.fetch

    def gone(store, info):
        (tmp_path / "from/a").unlink()
        return fetch(store, info)

    monkeypatch.setattr(LocalStore, "fetch", gone)
    assert worked(listed(settings)[:1], settings, folder) == BatchTotals(told=1, outdated=1)
    assert (copied(tmp_path), lines(folder, "outcome"), lines(folder, "failure")) == ({}, [], [])


def test_two_versions_in_two_batches_at_once_end_with_the_newer_one(settings, folder, tmp_path, monkeypatch):
    """Both have found the name free; the older version's batch is the first to write."""
    looked, written, put_whole = threading.Event(), threading.Event(), LocalStore.put
    older = listed(settings)[:1]

    def meet(store, uri, data, *more):
        if data == b"a":
            put(tmp_path / "from/a", b"newer")
            newer.append(threads.submit(worked, listed(settings)[:1], settings, folder))
            assert looked.wait(30)
        elif not written.is_set():
            looked.set()
            assert written.wait(30)
        try:
            return put_whole(store, uri, data, *more)
        finally:
            written.set()

    newer = []
    monkeypatch.setattr(LocalStore, "put", meet)
    with ThreadPoolExecutor(1) as threads:
        totals = [worked(older, settings, folder), newer[0].result()]
    assert [one.failed for one in totals] == [0, 0]
    assert copied(tmp_path) == {"a": b"newer"}
    there = listed(settings)[0].identity
    told = [line["status"] for line in lines(folder, "outcome") if line["of"] == there]
    assert "done" in told, "of two batches that come to it, one has copied it"


def test_a_batch_that_is_worked_twice_at_once_ends_well_for_both(settings, folder, tmp_path, monkeypatch):
    copy_object, met = transfer.copy_object, threading.Barrier(2, timeout=120)

    def meet(planned, *more):
        if planned.uri.endswith("/a"):
            met.wait()  # both have looked, and found nothing there
        return copy_object(planned, *more)

    monkeypatch.setattr("transforms.core.copying.attempts.copy_object", meet)
    batch = listed(settings)
    with ThreadPoolExecutor(2) as threads:
        both = [one.result() for one in [threads.submit(worked, batch, settings, folder) for _ in range(2)]]
    for totals in both:
        assert (totals.told, totals.done + totals.skipped, totals.failed) == (4, 4, 0)
    assert copied(tmp_path) == TREE
    assert set(statuses(folder, settings.source.uri).values()) <= {"done", "skipped"}


def test_a_batch_that_was_begun_is_finished_when_the_run_is_asked_to_stop(settings, folder, tmp_path):
    interrupt.request(signal.SIGTERM)
    assert worked(listed(settings), settings, folder) == BatchTotals(told=4, done=4, bytes=SIZE)
    assert copied(tmp_path) == TREE


def test_a_run_that_was_given_up_starts_nothing_and_says_so(settings, folder, tmp_path):
    interrupt.give_up()
    assert worked(listed(settings), settings, folder) == BatchTotals(told=4, not_started=4)
    assert statuses(folder, settings.source.uri) == dict.fromkeys(TREE, "not_started")
    assert copied(tmp_path) == {}


def test_what_an_earlier_attempt_did_to_an_older_version_stays_told(settings, folder, tmp_path):
    batch = listed(settings)
    worked(batch, settings, folder)
    put(tmp_path / "from/a", b"newer")
    totals = worked(batch, settings, folder)
    assert totals == BatchTotals(told=4, outdated=1, done=5, bytes=SIZE + 5)
    assert copied(tmp_path)["a"] == b"newer"


def test_a_name_that_is_no_utf_8_is_copied_and_told_once(settings, folder, tmp_path):
    name = os.fsdecode(b"b\xff\xfe")
    put(tmp_path / "from" / name, b"fine")
    batch = [one for one in listed(settings) if one.uri.endswith(name)]
    assert worked(batch, settings, folder) == worked(batch, settings, folder) == BatchTotals(told=1, done=1, bytes=4)
    assert (tmp_path / "to" / name).read_bytes() == b"fine"
