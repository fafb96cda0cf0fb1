"""Why objects don't go by s5cmd where it was asked for: their outcomes say so; and how wide its runs are."""

from __future__ import annotations

import json
import threading

import pytest

from tests.servers.fault_proxy import Fault
from tests.services.copy_ends import bodies, copy
from transforms.core.copying import server_batches

FORBIDDEN = b"<Error><Code>AccessDenied</Code><Message>no</Message></Error>"
NO_LIMIT = "s5cmd knows no limit of requests a second"
NO_CLASS = "s5cmd isn't used where a storage class or tags are asked for"
SPACE = "s5cmd writes a space in a source key as +, which not every server reads as a space"
TAKEN = "s5cmd has no conditional copy, and something stood under that name"


@pytest.fixture
def ends(new_end, fault_proxy):
    here, there = (new_end("s3", name, fault_proxy.endpoint) for name in ("here", "there"))
    fault_proxy.reset(here.server.endpoint)
    return here, there


def details(run):
    return {key: (line["mode"], line["detail"]) for key, line in run.outcomes.items()}


@pytest.mark.parametrize(
    ("asked", "why"),
    [({"requests_per_second": 1000}, NO_LIMIT), ({"keep_tags": True}, NO_CLASS), ({"storage_class": "keep"}, NO_CLASS)],
)
def test_settings_that_s5cmd_can_t_keep_are_named(ends, tmp_path, asked, why):
    here, there = ends
    here.put("a b", b"1")
    here.put("c", b"2")
    run = copy(here, there, tmp_path, mode="direct_sync", **asked)
    assert (run.summary.exit_code, bodies(there)) == (0, {"a b": b"1", "c": b"2"})
    assert details(run) == dict.fromkeys(("a b", "c"), ("direct_sync", why))
    assert run.summary.details["notes"] == [f"2 objects went another way: {why}"]


def test_each_object_that_can_t_go_by_s5cmd_says_why_and_its_neighbours_go(ends, tmp_path):
    here, there = ends
    for key in ("plain", "with space", "overwritten", "same size"):
        here.put(key, key.encode())
    there.put("overwritten", b"older")
    there.put("same size", b"SAME SIZE")
    run = copy(here, there, tmp_path, mode="direct_sync", compare_by="checksum")
    assert (run.summary.exit_code, bodies(there)) == (0, {key: key.encode() for key in run.outcomes})
    assert details(run) == {
        "plain": ("direct_sync", ""),
        "with space": ("direct_sync", SPACE),
        "overwritten": ("direct_sync", TAKEN),
        "same size": ("direct_sync", TAKEN),
    }
    assert run.summary.details["fell_back"] == {SPACE: 1, TAKEN: 2}


def test_what_a_manifest_names_says_so(ends, tmp_path):
    here, there = ends
    here.put("k", b"k")
    (tmp_path / "list.jsonl").write_text(json.dumps({"source": f"{here.root}k"}) + "\n")
    given = {"manifest": str(tmp_path / "list.jsonl")} | here.options("source")
    run = copy(None, there, tmp_path, mode="direct_sync", **given)
    [line] = run.lines("outcomes.jsonl")
    assert (run.summary.exit_code, line["mode"], line["detail"]) == (0, "direct_sync", server_batches.BY_NAME)


@pytest.mark.parametrize(("times", "went"), [(1, "direct_sync"), (2, "hybrid")])
def test_a_copy_that_s5cmd_is_refused_goes_by_the_next_way(ends, fault_proxy, tmp_path, times, went):
    here, there = ends
    here.put("k", b"data")
    here.put("other", b"other")
    fault_proxy.add(Fault(path=f"{there.prefix}k", method="PUT", status=403, body=FORBIDDEN, times=times))
    run = copy(here, there, tmp_path, mode="direct_sync")
    assert (run.summary.exit_code, bodies(there)) == (0, {"k": b"data", "other": b"other"})
    found = details(run)
    assert found["other"] == ("direct_sync", "")
    assert found["k"][0] == went
    assert found["k"][1].startswith("s5cmd: AccessDenied: no status code: 403")
    assert ("; direct_sync: " in found["k"][1]) == (went == "hybrid")
    assert run.summary.details["modes"] == ({"direct_sync": 2} if times == 1 else {"direct_sync": 1, "hybrid": 1})
    [note] = run.summary.details["notes"]
    assert note.startswith("1 objects went another way: s5cmd: AccessDenied")


def test_a_copy_that_s5cmd_is_refused_fails_where_nothing_else_is_allowed(ends, fault_proxy, tmp_path):
    here, there = ends
    here.put("k", b"data")
    fault_proxy.add(Fault(path=f"{there.prefix}k", method="PUT", status=403, body=FORBIDDEN, times=9))
    run = copy(here, there, tmp_path, mode="direct_sync", fallback="none")
    assert (run.summary.exit_code, run.counts, bodies(there)) == (1, (0, 0, 1, 0), {})
    assert run.failures["k"]["error"] == "ForbiddenError"
    assert "by s5cmd: AccessDenied" in run.failures["k"]["message"]
    assert fault_proxy.pending_faults == 8


class AtOnce:
    """How many requests for objects are at the proxy at once."""

    def __init__(self, proxy, monkeypatch):
        self.lock, self.now, self.most = threading.Lock(), 0, 0
        self.take_fault, self.note = proxy.take_fault, proxy.note
        monkeypatch.setattr(proxy, "take_fault", self.come)
        monkeypatch.setattr(proxy, "note", self.go)

    def come(self, method, path, query=""):
        self.add(path, 1)
        return self.take_fault(method, path, query)

    def go(self, method, path, status, headers):
        self.add(path, -1)
        self.note(method, path, status, headers)

    def add(self, path, count):
        if "/" in path.strip("/"):  # a listing names the bucket only
            with self.lock:
                self.now += count
                self.most = max(self.most, self.now)


@pytest.mark.parametrize("wide", [1, 2, 5])
def test_runs_of_s5cmd_and_single_copies_together_are_as_wide_as_max_concurrent(
    ends, fault_proxy, tmp_path, monkeypatch, wide
):
    here, there = ends
    objects = {f"{number:02}{' ' * (number % 3 == 0)}": b"%03d" % number for number in range(48)}
    for key, body in objects.items():
        here.put(key, body)
    runs, copy_batch = [], server_batches.copy_batch

    def noticed(batch, settings):
        runs.append((len(batch), settings.max_concurrent))
        return copy_batch(batch, settings)

    monkeypatch.setattr(server_batches, "copy_batch", noticed)
    fault_proxy.add(Fault(times=1000, method="PUT", path=there.prefix, delay_seconds=0.03))
    at_once = AtOnce(fault_proxy, monkeypatch)
    run = copy(here, there, tmp_path, mode="direct_sync", max_concurrent=wide, batch_size=8)
    assert (run.summary.exit_code, run.counts, bodies(there)) == (0, (48, 0, 0, 0), objects)
    assert runs == ([] if wide == 1 else [(8, 2)] * 4), "as many objects as a batch takes, and half the width"
    assert at_once.now == 0
    assert at_once.most <= wide
    assert at_once.most > wide // 2, "and something goes beside a run"
