import threading

import pytest

from transforms.core import interrupt
from transforms.core.copying.buffer_budget import BufferBudget
from transforms.core.copying.transfer_spans import Turns, each_span
from transforms.core.errors import InterruptedRunError, PermanentError

SPANS = [(number * 10, number * 10 + 10) for number in range(20)]


@pytest.fixture(autouse=True)
def _not_interrupted():
    interrupt.reset()
    yield
    interrupt.reset()


def test_results_come_in_the_order_of_the_parts_and_the_budget_comes_back():
    budget = BufferBudget(35)
    assert each_span(SPANS, lambda number, start, stop: (number, start, stop), budget, 4) == [
        (number, *span) for number, span in enumerate(SPANS)
    ]
    assert budget.held_bytes == 0


def test_parts_run_at_once_but_never_more_than_the_budget_allows():
    budget, lock, now, most, together = BufferBudget(35), threading.Lock(), [0], [0], threading.Barrier(3)

    def work(number, _start, _stop):
        with lock:
            now[0] += 1
            most[0] = max(most[0], now[0])
        if number < 3:
            together.wait(10)  # passes only when three of them are here
        with lock:
            now[0] -= 1

    each_span(SPANS, work, budget, 8)
    assert most[0] == 3


def test_turns_are_taken_in_order_whatever_thread_comes_first():
    turns, seen = Turns(), []
    each_span(SPANS, lambda number, _a, _b: turns.take(number, lambda: seen.append(number)), BufferBudget(80), 8, turns)
    assert seen == list(range(20))


@pytest.mark.parametrize("bad", [0, 7, 19])
def test_the_first_error_ends_all_and_frees_those_that_wait_for_their_turn(bad):
    turns, budget, begun = Turns(), BufferBudget(40), []

    def work(number, _start, _stop):
        begun.append(number)
        if number == bad:
            raise PermanentError(f"part {number}")
        turns.take(number, lambda: None)

    with pytest.raises(PermanentError, match=f"part {bad}"):
        each_span(SPANS, work, budget, 4, turns)
    assert budget.held_bytes == 0
    assert len(begun) <= bad + 8


def test_a_stop_ends_it_once_nothing_is_under_way():
    budget, under_way = BufferBudget(20), []

    def work(number, _start, _stop):
        under_way.append(number)
        if number == 3:
            interrupt.request_locally(2)
        under_way.remove(number)

    with pytest.raises(InterruptedRunError):
        each_span(SPANS, work, budget, 2)
    assert not under_way
    assert budget.held_bytes == 0


def test_what_is_being_finished_sends_all_its_parts_after_a_request_to_stop():
    interrupt.request_locally(2)
    with interrupt.finishing():
        assert each_span(SPANS, lambda number, _a, _b: (number, interrupt.requested()), BufferBudget(20), 2) == [
            (number, 0) for number in range(len(SPANS))
        ]


def test_many_objects_of_many_parts_share_one_pool_without_standing_still():
    budget, threads, failed = BufferBudget(50), [], []

    def one_object():
        turns = Turns()
        try:
            each_span(SPANS, lambda number, _a, _b: turns.take(number, lambda: None), budget, 3, turns)
        except Exception as error:  # noqa: BLE001 - shown by the assertion
            failed.append(error)

    for _ in range(12):
        threads.append(threading.Thread(target=one_object, daemon=True))
        threads[-1].start()
    for thread in threads:
        thread.join(30)
        assert not thread.is_alive()
    assert not failed
