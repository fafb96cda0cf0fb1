"""What s5cmd copied wrong, or what nobody can prove: deleted, copied once more, else a failure; never left there."""

from __future__ import annotations

import time
from collections import Counter

import pytest

from tests.core.copying import copies
from tests.servers.fault_proxy import Fault
from tests.services.copy_ends import bodies, copy
from transforms.core.copying.buffer_budget import BufferBudget
from transforms.core.copying.program_proof import prove
from transforms.core.copying.s5cmd_lines import LineResult
from transforms.core.objects.access import ConflictError, ForbiddenError, StoreAccess

RIGHT = {"good": b"the good one", "k": b"the right one"}


@pytest.fixture
def ends(new_end, fault_proxy):
    here, there = (new_end("s3", name, fault_proxy.endpoint) for name in ("here", "there"))
    fault_proxy.reset(here.server.endpoint)
    for key, body in RIGHT.items():
        here.put(key, body)
    return here, there


def done_to(proxy, end, key):
    """Requests that changed an object, and those that deleted of its bucket."""
    path = f"/{end.bucket}/{end.prefix}{key}"
    found = Counter(method for method, asked, *_ in proxy.log if asked == path and method in ("PUT", "DELETE"))
    deleted = sum(method == "POST" and asked.strip("/") == end.bucket for method, asked, *_ in proxy.log)
    return found["PUT"], found["DELETE"] + deleted


def when_copied(proxy, monkeypatch, path, act):
    """Acts once, when the server has copied to a path and nobody has heard of it."""
    note, acts = proxy.note, [act]

    def noted(method, asked, status, headers):
        if method == "PUT" and asked.endswith(path) and status == 200 and acts:
            acts.pop()()
        note(method, asked, status, headers)

    monkeypatch.setattr(proxy, "note", noted)
    return acts


@pytest.mark.parametrize(("wrong", "by"), [(b"the wr0ng one", "md5"), (b"wrong", "size")])
def test_what_s5cmd_copied_wrong_is_deleted_copied_again_and_told(ends, fault_proxy, tmp_path, monkeypatch, wrong, by):
    here, there = ends
    left = when_copied(fault_proxy, monkeypatch, f"{there.prefix}k", lambda: there.put("k", wrong))
    run = copy(here, there, tmp_path, mode="direct_sync")
    assert (run.summary.exit_code, run.counts, bodies(there), left) == (0, (2, 0, 0, 0), RIGHT, [])
    assert done_to(fault_proxy, there, "k") == (2, 1)
    assert done_to(fault_proxy, there, "good")[0] == 1
    assert {key: line["mode"] for key, line in run.outcomes.items()} == {"k": "direct_sync", "good": "direct_sync"}
    details = {key: line["detail"] for key, line in run.outcomes.items()}
    assert details == {"good": "", "k": f"s5cmd: the copy that it made differed by its {by}, and was deleted"}


@pytest.mark.parametrize("times", [1, 99])
def test_what_reads_back_wrong_is_copied_once_more_and_no_more(ends, fault_proxy, tmp_path, times):
    here, there = ends
    fault_proxy.add(Fault(path=f"{there.prefix}k", flip_at=7, times=times))
    run = copy(here, there, tmp_path, mode="direct_sync", verify="full")
    healed = times == 1
    assert run.summary.exit_code == (0 if healed else 1)
    assert run.statuses() == {"good": "done", "k": "done" if healed else "failed"}
    fault_proxy._faults.clear()
    assert bodies(there) == (RIGHT if healed else {"good": RIGHT["good"]})
    if healed:
        assert "differed by its re-read" in run.outcomes["k"]["detail"]
    else:
        assert done_to(fault_proxy, there, "k") == (2, 2)
        assert "arrived wrong" in run.failures["k"]["message"]


def test_what_can_not_be_compared_is_not_left_there(ends, fault_proxy, tmp_path):
    here, there = ends
    fault_proxy.add(Fault(path=f"{there.prefix}k", method="GET", status=403, times=99))
    run = copy(here, there, tmp_path, mode="direct_sync", verify="full")
    fault_proxy._faults.clear()
    assert (run.summary.exit_code, run.statuses()) == (1, {"good": "done", "k": "failed"})
    assert "could not be checked" in run.failures["k"]["message"]
    assert bodies(there) == {"good": RIGHT["good"]}
    assert copy(here, there, tmp_path, mode="direct_sync").counts == (1, 1, 0, 0)
    assert bodies(there) == RIGHT


def test_verify_full_reads_both_sides_of_what_s5cmd_copied(ends, fault_proxy, tmp_path):
    here, there = ends
    run = copy(here, there, tmp_path, mode="direct_sync", verify="full")
    assert (run.summary.exit_code, run.outcomes["k"]["proved_by"]) == (0, "re-read")
    for end in ends:
        asked = [method for method, path, *_ in fault_proxy.log if path.endswith(f"{end.prefix}k")]
        assert asked.count("GET") == 1
    assert fault_proxy.total_bytes(f"{here.prefix}k") == len(RIGHT["k"])


@pytest.fixture
def proving(ends):
    """Proves one object, by what the program said and the listing found."""
    here, there = ends
    access = StoreAccess(endpoint_url=here.endpoint)
    settings = copies.settings_for(here.root, there.root, source_access=access, destination_access=access)
    stores = copies.stores_of(settings)
    planned = copies.plan(settings, "k")

    def found():
        return copies.listed(stores.destination, planned.uri)

    def call(word, listed):
        budget = BufferBudget(settings.buffer_bytes)
        return prove(LineResult(planned, word), listed, time.monotonic(), settings, stores, budget)

    return call, found


@pytest.mark.parametrize("word", ["unanswered", "not_started"])
def test_what_s5cmd_said_nothing_of_is_ours_only_if_it_is_the_same(ends, proving, word):
    (prove_it, found), there = proving, ends[1]
    there.put("k", RIGHT["k"])
    assert prove_it(word, found()).copied[:3] == ("direct_sync", "match", "md5")
    there.put("k", b"somebody's")
    assert isinstance(prove_it(word, found()).error, ConflictError)
    assert bodies(there) == {"k": b"somebody's"}


def test_what_somebody_wrote_since_the_listing_is_left_alone(ends, proving):
    (prove_it, found), there = proving, ends[1]
    there.put("k", b"the wr0ng one")
    wrong = found()
    there.put("k", b"somebody's")
    assert isinstance(prove_it("copied", wrong).error, ConflictError)
    assert bodies(there) == {"k": b"somebody's"}


def test_what_no_listing_told_of_is_asked_for_by_its_name(ends, proving, fault_proxy):
    (prove_it, _), there = proving, ends[1]
    there.put("k", RIGHT["k"])
    assert prove_it("copied", None).copied[:3] == ("direct_sync", "match", "md5")
    there.delete("k")
    assert prove_it("copied", None).copied[:3] == ("direct_sync", "match", "md5")
    assert bodies(there) == {"k": RIGHT["k"]}
    fault_proxy.add(Fault(path=f"{there.prefix}k", method="HEAD", status=403, times=99))
    assert isinstance(prove_it("copied", None).error, ForbiddenError)
