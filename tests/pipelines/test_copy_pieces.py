"""Accounts of tasks with more lines than a part should hold: in pieces, exact also when a task is worked again."""

from __future__ import annotations

import itertools
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING

import pytest

from pipelines.copy_job import copy_settings
from pipelines.object_copy import Settings
from tests.pipelines.copy_jobs import Job, between, outcomes
from transforms import objects
from transforms.core.copying import copy_tasks, copy_work, task_log
from transforms.core.copying.copy_tasks import CopyTask
from transforms.core.copying.key_ranges import RangeSizes
from transforms.core.copying.outcome_lines import Item
from transforms.core.copying.planned_copy import Copied
from transforms.core.copying.task_log import TaskLog
from transforms.core.copying.workshop import workshop
from transforms.core.errors import PermanentError
from transforms.core.outcome import ObjectInfo
from transforms.core.run_folder import RunFolder, parse_lines
from transforms.core.summary import Counts

if TYPE_CHECKING:
    from pathlib import Path

MANY = 10_050
COPIED = Copied("hybrid", "match", "crc32c", "", 1, 0.1)


@pytest.fixture
def one_task(monkeypatch):
    monkeypatch.setattr(objects, "plan_tasks", partial(copy_tasks.plan_tasks, sizes=RangeSizes(50_000, 50_000, 100)))


@pytest.mark.usefixtures("one_task")
def test_objects_of_one_task_that_fill_several_pieces_are_each_told_of_once(copy_job: Job):
    copy_job.source.put({f"{n % 7}/{n:05}": str(n).encode() for n in range(MANY)})
    run = copy_job.run(beam_args=["--direct_runner_bundle_repeat=1"])
    assert (run.summary.status, run.summary.items) == ("completed", Counts(MANY, MANY, 0, 0, 0))
    assert len(list((run.folder / "parts").rglob("task-00000000.*"))) == 1 + MANY // task_log.PIECE_LINES
    assert set(outcomes(run).values()) == {"done"}, "what the first attempt told of as done stays done"
    assert len(outcomes(run)) == MANY
    again = copy_job.run()
    assert again.summary.items == Counts(MANY, 0, MANY, 0, 0)


@between("disk", "to s3", "s5cmd")
def test_two_attempts_at_once_at_a_task_of_many_pieces_leave_one_account(copy_job: Job, monkeypatch):
    """One is behind the other by some objects, so that they end in different orders and their writes interleave."""
    monkeypatch.setattr(task_log, "PIECE_LINES", 10)
    found = {f"{n % 7}/{n:05}": str(n).encode() * (n % 50) * 40 for n in range(300)}
    copy_job.source.put(found)
    wanted = copy_settings(Settings(**copy_job.settings(copy_job.folder, {"max_concurrent": 8})))
    folder = RunFolder(f"file://{copy_job.folder}", "r")
    with ThreadPoolExecutor(2) as pool:
        call = partial(copy_work.work, CopyTask("range", 0), wanted, folder, workshop(wanted, 500))
        both = [future.result() for future in [pool.submit(call), pool.submit(call)]]
    assert [(one.listed, one.failed, one.not_started) for one in both] == [(True, 0, 0)] * 2
    lines = list(folder.parts())
    outcome = [line["destination"] for line in lines if line["kind"] == "outcome"]
    assert sorted(outcome) == sorted(copy_job.destination.uri + key for key in found)
    planned = [line for line in lines if line["kind"] == "plan"]
    assert sum(line["items"] for line in planned) == len(found)
    assert sum(line["bytes"] for line in planned) == sum(map(len, found.values()))
    assert copy_job.destination.objects() == found


@between("to s3")
def test_ten_thousand_keys_go_to_a_bucket_in_one_run(copy_job: Job):
    copy_job.source.put({f"{n % 7}/{n:05}": str(n).encode() for n in range(10_000)})
    run = copy_job.run(max_concurrent=32)
    assert (run.summary.status, run.summary.items) == ("completed", Counts(10_000, 10_000, 0, 0, 0))
    assert run.summary.details["proofs"] == {"match": 10_000}
    assert copy_job.destination.keys() == copy_job.source.keys()


def item(name: str) -> Item:
    return Item(ObjectInfo(f"file:///from/{name}", 3, "", 0.0), f"file:///to/{name}")


def paths(folder: RunFolder) -> list[Path]:
    assert folder.local_path is not None
    return sorted((folder.local_path / "parts" / "r").iterdir())


def pieces(folder: RunFolder) -> dict[str, set[str]]:
    """Items by the file that tells of them."""
    return {
        path.name: {line["item"][-1] for line in parse_lines(path.read_text()) if line["kind"] == "outcome"}
        for path in paths(folder)
    }


def told(folder: RunFolder) -> tuple[dict[str, str], int]:
    lines = list(folder.parts())
    found = [(line["item"], line["status"]) for line in lines if line["kind"] == "outcome"]
    assert len(dict(found)) == len(found)
    return {name[-1]: status for name, status in found}, sum(line["items"] for line in lines if line["kind"] == "plan")


@pytest.fixture
def attempt(tmp_path, monkeypatch):
    """One attempt at a task whose pieces have three lines."""
    monkeypatch.setattr(task_log, "PIECE_LINES", 3)
    folder = RunFolder(f"file://{tmp_path}", "r")

    def work(names: str, ending: str = "", *, skipped: str = "", failed: str = "", ends: bool = True) -> RunFolder:
        log = TaskLog(folder, "task-00000000", "CopyObjects")
        for name in names:
            log.plan(item(name))
        for name in ending or names:
            if name in skipped:
                log.skipped(item(name), "same")
            elif name in failed:
                log.failed(item(name), PermanentError("no"))
            else:
                log.copied(item(name), COPIED)
        if ends:
            log.close()
        return folder

    return work


def test_a_later_attempt_that_has_less_to_say_takes_the_place_of_the_earlier_one(attempt):
    attempt("abcdefgh")
    assert told(attempt("ab")) == ({"a": "done", "b": "done"}, 2)


def test_what_an_attempt_told_of_as_done_in_any_piece_stays_done(attempt):
    attempt("abcdefgh", failed="h")
    folder = attempt("abcdefgh", "hgfedcba", skipped="abcdefg")
    assert told(folder) == (dict.fromkeys("abcdefgh", "done"), 8)
    assert sum((Counter(line["modes"]) for line in folder.parts() if line["kind"] == "sums"), Counter()) == {
        "hybrid": 8
    }


ORDERS = ["abcdefgh", "hgfedcba", "cfbheadg"]


@pytest.mark.parametrize("second", ORDERS)
@pytest.mark.parametrize("first", ORDERS)
def test_pieces_hold_the_same_items_in_whatever_order_they_ended(attempt, first, second):
    folder = attempt("abcdefgh", first)
    before = pieces(folder)
    assert pieces(attempt("abcdefgh", second)) == before
    assert list(before.values()) == [set("abc"), set("def"), set("gh")]


def test_two_attempts_at_once_leave_each_item_once_in_whatever_order_they_write(attempt):
    """Of two that ended in any order, the parts of either are a whole account together with those of the other."""
    folder = attempt("abcdefgh", "cfbheadg", failed="d")
    first = {path: path.read_bytes() for path in paths(folder)}
    attempt("abcdefgh", "hgfedcba", skipped="abc")
    second = {path: path.read_bytes() for path in paths(folder)}
    for last in itertools.product((first, second), repeat=len(first)):
        for path, written in zip(first, last, strict=True):
            path.write_bytes(written[path])
        found, planned = told(folder)
        assert (found.keys(), planned) == (set("abcdefgh"), 8)


def test_a_piece_is_written_when_its_items_have_ended_and_no_line_is_held_then(attempt):
    folder = attempt("abcdefgh", "defgab", ends=False)
    assert pieces(folder) == {"task-00000000.000001.jsonl": set("def")}


def test_what_is_left_out_keeps_its_place_and_is_counted_nowhere(tmp_path, monkeypatch):
    monkeypatch.setattr(task_log, "PIECE_LINES", 3)
    folder = RunFolder(f"file://{tmp_path}", "r")
    log = TaskLog(folder, "task-00000000", "CopyObjects")
    for name in "abcdefgh":
        log.expect(item(name).uri)
    for name in "hafbdce":
        if name in "afd":
            log.plan(item(name))
            log.copied(item(name), COPIED)
        else:
            log.leave_out(item(name).uri)
    assert list(pieces(folder).values()) == [set("a"), set("df")], "those that are full are written"
    log.plan(item("g"))
    log.copied(item("g"), COPIED)
    log.close()
    assert list(pieces(folder).values()) == [set("a"), set("df"), set("g")]
    assert told(folder) == (dict.fromkeys("adfg", "done"), 4)


def test_a_full_last_piece_and_what_is_about_no_item(tmp_path, monkeypatch):
    monkeypatch.setattr(task_log, "PIECE_LINES", 2)
    folder = RunFolder(f"file://{tmp_path}", "r")
    for _ in range(2):
        log = TaskLog(folder, "task-00000000", "CopyObjects")
        for name in "abcd":
            log.plan(item(name))
            log.copied(item(name), COPIED)
        log.close({"kind": "deletion"})
        assert told(folder) == (dict.fromkeys("abcd", "done"), 4)
        assert sum(line["kind"] == "deletion" for line in folder.parts()) == 1


def test_an_attempt_that_died_between_two_pieces_leaves_nothing_behind_its_repeat(attempt):
    attempt("abcdefgh", ends=False)
    found, planned = told(attempt("abcdefgh", skipped="abcdefgh"))
    assert planned == 8
    assert found == dict.fromkeys("abcdef", "done") | dict.fromkeys("gh", "skipped")


def test_a_failure_of_an_earlier_attempt_is_forgotten_when_the_object_came_after_all(attempt):
    attempt("abc", failed="abc")
    folder = attempt("abc")
    assert told(folder) == (dict.fromkeys("abc", "done"), 3)
    assert [line for line in folder.parts() if line["kind"] == "failure"] == []
