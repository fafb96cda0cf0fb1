"""One pool: never more than its size at once, submitters wait, errors surface, a request to stop leaves the rest."""

import signal
import threading
from contextlib import contextmanager

import pytest

from transforms.core import interrupt, pool
from transforms.core.errors import InterruptedRunError
from transforms.core.in_flight import InFlight
from transforms.core.pool import WorkPool


class Open:
    """A gate that lets everything pass and counts what is inside."""

    def __init__(self):
        self.estimates = []
        self.inside = self.most = 0
        self.lock = threading.Lock()

    @contextmanager
    def admit(self, estimated_bytes=0):
        with self.lock:
            self.estimates.append(estimated_bytes)
            self.inside += 1
            self.most = max(self.most, self.inside)
        yield
        with self.lock:
            self.inside -= 1


@pytest.fixture(autouse=True)
def _fresh():
    interrupt.reset()
    yield
    interrupt.reset()


def drained(flight):
    return sorted((finished.context, finished.value) for finished in flight.drain())


def test_every_task_comes_back_once_with_its_context():
    flight = InFlight(WorkPool(4, Open()))
    early = []
    for number in range(50):
        flight.submit(lambda number=number: number * 2, number)
        early += [(finished.context, finished.value) for finished in flight.ready()]
    assert sorted(early + drained(flight)) == [(number, number * 2) for number in range(50)]
    assert len(flight) == 0


def test_places_that_are_held_are_missing_to_tasks_and_holders_wait_for_each_other_and_not_for_ever():
    work = WorkPool(3, Open())
    held, most, lock = [0], [0], threading.Lock()

    def hold(count):
        with work.held(count):
            with lock:
                held[0] += count
                most[0] = max(most[0], held[0])
            with lock:
                held[0] -= count

    holders = [threading.Thread(target=lambda: [hold(2) for _ in range(50)]) for _ in range(4)]
    for holder in holders:
        holder.start()
    for holder in holders:
        holder.join(30)
    assert not any(holder.is_alive() for holder in holders)
    assert 2 <= most[0] <= 3
    assert not work.busy
    with work.held(3):
        assert work.busy
        interrupt.request(signal.SIGINT)
        assert work.run(lambda: None).cancelled()
        with pytest.raises(InterruptedRunError), work.held(1):
            pass
    assert not work.busy


def test_as_many_as_the_size_work_at_once_and_no_more():
    gate, size = Open(), 5
    meet = threading.Barrier(size, timeout=120)
    flight = InFlight(WorkPool(size, gate))
    for number in range(size * 4):
        flight.submit(meet.wait, number)  # passes only when `size` of them are inside together
    assert len(drained(flight)) == size * 4
    assert gate.most == size


def test_submitting_waits_while_the_pool_is_full():
    release, submitted = threading.Event(), []
    flight = InFlight(WorkPool(2, Open()))

    def submit_three():
        for number in range(3):
            flight.submit(lambda: release.wait(30), number)
            submitted.append(number)

    thread = threading.Thread(target=submit_three)
    thread.start()
    thread.join(0.5)
    assert (submitted, thread.is_alive()) == ([0, 1], True)
    release.set()
    thread.join(30)
    assert submitted == [0, 1, 2]
    flight.abandon()


def test_tasks_wait_ahead_of_the_threads_up_to_their_number_and_each_comes_back_once():
    gate, release, submitted = Open(), threading.Event(), []
    work = WorkPool(2, gate, ahead=3)
    flight = InFlight(work)

    def submit_all():
        for number in range(50):
            flight.submit(lambda number=number: release.wait(30) and number, number)
            submitted.append(number)

    thread = threading.Thread(target=submit_all)
    thread.start()
    thread.join(0.5)
    assert (submitted, thread.is_alive()) == ([0, 1, 2, 3, 4], True)
    assert work.busy
    release.set()
    thread.join(30)
    assert drained(flight) == [(number, number) for number in range(50)]
    assert gate.most == 2
    work.wait_until_idle()
    assert not work.busy


def test_a_holder_gets_its_places_before_the_tasks_that_wait_and_gives_them_to_these():
    work = WorkPool(2, Open(), ahead=8)
    flight, first, holding = InFlight(work), threading.Event(), threading.Event()
    let_go, order = threading.Event(), []

    def hold():
        with work.held(2):
            order.append("held")
            holding.set()
            let_go.wait(30)

    for number in range(2):
        flight.submit(lambda: first.wait(30), number)
    for number in range(2, 8):
        flight.submit(lambda number=number: order.append(number), number)
    holder = threading.Thread(target=hold)
    holder.start()
    while not work._collecting:  # until it waits, behind two tasks and before six
        holder.join(0.001)
    first.set()
    assert holding.wait(30)
    assert order == ["held"]
    let_go.set()
    holder.join(30)
    assert len(drained(flight)) == 8
    assert sorted(order[1:]) == [2, 3, 4, 5, 6, 7]
    assert not work.busy


def test_tasks_that_wait_come_back_as_not_started_when_the_run_is_asked_to_stop():
    flight = InFlight(WorkPool(1, Open(), ahead=10))
    release = threading.Event()
    flight.submit(lambda: release.wait(30), "first")
    for number in range(5):
        flight.submit(lambda: "worked", number)
    interrupt.request(signal.SIGTERM)
    release.set()
    assert {finished.context: finished.started for finished in flight.drain()} == {
        "first": True,
        **dict.fromkeys(range(5), False),
    }


def test_an_error_surfaces_after_the_others_have_ended():
    release, ended = threading.Event(), []

    def slow():
        release.wait(30)
        ended.append("slow")

    def bad():
        release.set()
        raise ValueError("row 3 of a.csv")

    flight = InFlight(WorkPool(2, Open()))
    flight.submit(slow, "slow")
    flight.submit(bad, "bad")
    with pytest.raises(ValueError, match="row 3"):
        list(flight.drain())
    assert (ended, len(flight)) == (["slow"], 0)


def test_a_request_to_stop_brings_the_rest_back_as_not_started():
    flight = InFlight(WorkPool(2, Open()))
    flight.submit(lambda: interrupt.request(signal.SIGINT), 0)
    for number in range(1, 20):
        flight.submit(lambda: "worked", number)
    back = list(flight.drain())
    assert sorted(finished.context for finished in back) == list(range(20))
    assert not [finished for finished in back if finished.context > 2 and finished.started]


def test_what_is_to_be_finished_is_worked_after_a_request_to_stop():
    flight = InFlight(WorkPool(2, Open()))
    interrupt.request(signal.SIGTERM)
    with interrupt.finishing():
        for number in range(20):
            flight.submit(interrupt.check, number)
    assert [finished.started for finished in flight.drain()] == [True] * 20


def test_submitting_to_a_full_pool_ends_when_the_run_is_asked_to_stop():
    release = threading.Event()
    flight = InFlight(WorkPool(1, Open()))
    flight.submit(lambda: release.wait(30), "first")
    threading.Timer(0.05, interrupt.request, [signal.SIGTERM]).start()
    flight.submit(lambda: None, "second")
    assert [(finished.context, finished.started) for finished in flight.ready()] == [("second", False)]
    release.set()
    flight.abandon()


def test_a_run_that_was_given_up_gets_its_elements_back_though_its_threads_are_gone():
    work = WorkPool(2, Open())
    flight = InFlight(work)
    flight.submit(lambda: "worked", "before")
    interrupt.give_up()
    work.wait_until_idle()
    work.close()  # as the interpreter does when it ends, while an engine's thread still feeds elements
    for name in ("one", "two", "three"):
        flight.submit(lambda: "worked", name)
    back = {finished.context: finished.started for finished in flight.drain()}
    assert {name: back[name] for name in ("one", "two", "three")} == dict.fromkeys(("one", "two", "three"), False)


def test_a_task_that_stops_itself_counts_as_not_started():
    def stops():
        raise InterruptedRunError("stopped by SIGINT")

    flight = InFlight(WorkPool(1, Open()))
    flight.submit(stops, "one")
    assert [finished.started for finished in flight.drain()] == [False]


def test_a_task_cannot_submit_to_its_own_pool():
    work = WorkPool(1, Open())
    flight = InFlight(work)
    flight.submit(lambda: work.run(lambda: None), "nested")
    with pytest.raises(RuntimeError, match="in the task itself"):
        list(flight.drain())


def test_the_gate_hears_what_a_task_will_need():
    gate = Open()
    flight = InFlight(WorkPool(1, gate))
    flight.submit(lambda: None, "one", estimated_bytes=12_345)
    drained(flight)
    assert gate.estimates == [12_345]


def test_a_process_has_one_pool():
    gate = Open()
    first = pool.shared(3, gate)
    assert pool.shared(3, gate) is first
    assert pool.shared(4, gate) is not first


def test_a_pool_without_threads_is_refused():
    with pytest.raises(ValueError, match="at least 1"):
        WorkPool(0, Open())
