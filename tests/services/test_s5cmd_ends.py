"""s5cmd killed, interrupted and silent half-way through a batch: what was copied is told, the rest is not started."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.servers.fault_proxy import Fault, FaultProxy
from tests.services.s5cmd_places import got, own_places, plan, put, settings
from transforms.core import interrupt
from transforms.core.copying import s5cmd

if TYPE_CHECKING:
    from tests.servers.s3 import S3Server
    from transforms.core.copying.copy_settings import CopySettings
    from transforms.core.copying.planned_copy import PlannedCopy


@pytest.fixture
def places(s3_environment: S3Server, request: pytest.FixtureRequest) -> tuple[str, str]:
    return own_places(s3_environment, request.node.name)


def held_back(proxy: FaultProxy, server: S3Server, places: tuple[str, str]) -> list[PlannedCopy]:
    """Six objects, of which the proxy holds back the last three."""
    keys = [f"{number}-{'slow' if number > 2 else 'fast'}" for number in range(6)]
    for key in keys:
        put(server, places[0] + key, b"x")
    proxy.reset(server.endpoint)
    proxy.add(Fault(times=3, path="-slow", method="PUT", delay_seconds=5))
    return plan(places, keys)


def narrow(places: tuple[str, str], proxy: FaultProxy) -> CopySettings:
    """Three at once, so that the slow ones are sent when the fast ones are done."""
    return settings(places, proxy.endpoint, max_concurrent=3)


def children() -> list[int]:
    return [int(pid) for pid in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()]


def when_three_wait(proxy: FaultProxy, act) -> threading.Thread:
    """Acts once the three slow requests are at the proxy."""

    def watch() -> None:
        while proxy.pending_faults:
            threading.Event().wait(0.01)
        act()

    thread = threading.Thread(target=watch)
    thread.start()
    return thread


def test_killed_half_way_the_rest_is_not_started(
    s3_environment: S3Server, places: tuple[str, str], fault_proxy: FaultProxy
):
    planned = held_back(fault_proxy, s3_environment, places)
    before = set(children())

    def kill() -> None:
        (pid,) = set(children()) - before
        os.kill(pid, signal.SIGKILL)

    thread = when_three_wait(fault_proxy, kill)
    found = s5cmd.copy_batch(planned, narrow(places, fault_proxy), no_clobber=False)
    thread.join()
    assert [one.word for one in found] == ["copied"] * 3 + ["not_started"] * 3
    assert "SIGKILL" in found[5].reason


def test_an_interrupt_lets_it_answer_for_what_is_under_way_and_starts_no_more(
    s3_environment: S3Server, places: tuple[str, str], fault_proxy: FaultProxy
):
    planned = held_back(fault_proxy, s3_environment, places)
    thread = when_three_wait(fault_proxy, lambda: interrupt.request(signal.SIGINT))
    try:
        late = [f"late-{number}" for number in range(30)]
        found = s5cmd.copy_batch([*planned, *plan(places, late)], narrow(places, fault_proxy), no_clobber=False)
    finally:
        thread.join()
        interrupt.reset()
    assert [one.word for one in found[:6]] == ["copied"] * 6
    assert found[-1] == (found[-1].planned, "not_started", "stopped by SIGINT")
    assert all(got(s3_environment, one.planned.uri) is not None for one in found[:6])


def test_a_program_that_falls_silent_is_ended(
    s3_environment: S3Server, places: tuple[str, str], fault_proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(s5cmd, "STALL_SECONDS", 2.5)
    monkeypatch.setattr(s5cmd, "_GRACE_SECONDS", 0.2)
    planned = held_back(fault_proxy, s3_environment, places)
    found = s5cmd.copy_batch(planned, narrow(places, fault_proxy), no_clobber=False)
    assert [one.word for one in found] == ["copied"] * 3 + ["not_started"] * 3
    assert "said nothing" in found[5].reason


def test_no_secret_stands_on_the_command_line(
    s3_environment: S3Server, places: tuple[str, str], fault_proxy: FaultProxy
):
    planned = held_back(fault_proxy, s3_environment, places)
    before = set(children())
    seen: list[str] = []

    def look() -> None:
        (pid,) = set(children()) - before
        seen.append(Path(f"/proc/{pid}/cmdline").read_text())
        os.kill(pid, signal.SIGKILL)

    thread = when_three_wait(fault_proxy, look)
    s5cmd.copy_batch(planned, narrow(places, fault_proxy), no_clobber=False)
    thread.join()
    assert "--numworkers" in seen[0]
    assert s3_environment.secret_key not in seen[0]
    assert s3_environment.access_key not in seen[0]
