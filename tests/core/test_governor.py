"""The governor holds tasks back while memory is over the threshold, narrows, widens, and never hangs."""

import signal
import threading
import time

import pytest

from transforms.core import interrupt
from transforms.core.errors import InterruptedRunError
from transforms.core.governor import Governor, MemoryLimitError
from transforms.core.in_flight import InFlight
from transforms.core.memory_sampler import MIB
from transforms.core.pool import WorkPool


@pytest.fixture(autouse=True)
def _fresh():
    interrupt.reset()
    yield
    interrupt.reset()


class Memory:
    """Memory whose level a test sets."""

    def __init__(self, used_mib=0):
        self.used = used_mib * MIB

    def __call__(self):
        return self.used


def governor(memory, width=4, threshold_mib=100, grace_seconds=0.3):
    made = Governor(width, threshold_mib, memory, grace_seconds)
    made.heed(memory.used)
    return made


def in_thread(action):
    done = threading.Event()
    thread = threading.Thread(target=lambda: (action(), done.set()), daemon=True)
    thread.start()
    return done


def enter_once(gate):
    with gate.admit():
        pass


def test_tasks_pass_while_memory_is_below_the_threshold():
    gate = governor(Memory(99))
    with gate.admit(), gate.admit(), gate.admit():
        pass


def test_no_new_task_starts_over_the_threshold_until_memory_falls():
    memory = Memory(10)
    gate = governor(memory)
    with gate.admit():  # one is in flight, so the governor waits for it and does not fail
        gate.heed(150 * MIB)
        entered = in_thread(lambda: enter_once(gate))
        assert not entered.wait(0.5)
        gate.heed(50 * MIB)
        assert entered.wait(30)


def test_the_width_bounds_how_many_are_inside():
    gate = governor(Memory(0), width=2)
    with gate.admit(), gate.admit():
        entered = in_thread(lambda: enter_once(gate))
        assert not entered.wait(0.3)
    assert entered.wait(30)


def test_nothing_in_flight_and_no_relief_fails_with_what_is_held():
    gate = governor(Memory(150))
    started = time.monotonic()
    with pytest.raises(MemoryLimitError, match=r"150 MiB above the start, over the threshold of 100 MiB.*objects"):
        enter_once(gate)
    assert time.monotonic() - started < 20


def test_memory_that_falls_within_the_grace_time_lets_the_run_go_on():
    memory = Memory(150)
    gate = governor(memory, grace_seconds=30)
    entered = in_thread(lambda: enter_once(gate))
    assert not entered.wait(0.3)
    memory.used = 20 * MIB
    assert entered.wait(30)


def test_a_task_that_alone_needs_more_than_the_threshold_is_refused_at_once():
    with (
        pytest.raises(MemoryLimitError, match=r"one task needs about 200 MB|one task needs about 200 MiB"),
        governor(Memory(0)).admit(200 * MIB),
    ):
        pass


def test_estimates_of_what_is_in_flight_count_before_the_memory_shows():
    gate = governor(Memory(0))
    with gate.admit(60 * MIB):
        entered = in_thread(lambda: gate.admit(60 * MIB).__enter__())
        assert not entered.wait(0.3)
    assert entered.wait(30)


def test_waiting_ends_when_the_run_is_asked_to_stop():
    gate = governor(Memory(150), grace_seconds=60)
    threading.Timer(0.1, interrupt.request, [signal.SIGTERM]).start()
    with pytest.raises(InterruptedRunError):
        enter_once(gate)


def test_a_pool_behind_the_governor_does_all_work_through_rising_and_falling_memory():
    """Every task takes 30 MiB while it runs; with 100 allowed, at most a few are in at once and none is lost."""
    memory, lock = Memory(0), threading.Lock()
    gate = governor(memory, width=16, grace_seconds=30)

    def change(mib):
        with lock:
            memory.used += mib * MIB
            gate.heed(memory.used)

    def work():
        change(30)
        change(-30)
        return "done"

    flight = InFlight(WorkPool(16, gate))
    values = []
    for number in range(300):
        flight.submit(work, number)
        values += [finished.value for finished in flight.ready()]
    values += [finished.value for finished in flight.drain()]
    assert values == ["done"] * 300


def test_the_error_reaches_whoever_submitted_to_the_pool():
    flight = InFlight(WorkPool(2, governor(Memory(150))))
    flight.submit(lambda: None, 1)
    with pytest.raises(MemoryLimitError):
        list(flight.drain())
