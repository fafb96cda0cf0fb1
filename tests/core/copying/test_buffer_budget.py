import random
import threading
import time

import pytest

from transforms.core import interrupt
from transforms.core.copying.buffer_budget import BufferBudget
from transforms.core.errors import InterruptedRunError


@pytest.fixture(autouse=True)
def _not_interrupted():
    interrupt.reset()
    yield
    interrupt.reset()


def until(condition):
    deadline = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.001)


def test_it_never_gives_more_than_it_has_and_everybody_gets_his_share():
    budget, lock, held, most = BufferBudget(100), threading.Lock(), [0], [0]

    def work(seed):
        numbers = random.Random(seed)
        for _ in range(200):
            wanted = numbers.choice((0, 1, 30, 99, 100, 250))
            with budget.hold(wanted):
                with lock:
                    held[0] += min(wanted, 100)
                    most[0] = max(most[0], held[0])
                with lock:
                    held[0] -= min(wanted, 100)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
        assert not thread.is_alive()
    assert 30 < most[0] <= 100
    assert budget.held_bytes == 0


def test_it_serves_in_the_order_of_asking_so_that_a_large_one_is_not_passed_by():
    budget, served = BufferBudget(10), []
    budget.take(10)
    threads = []
    for wanted in (10, 1, 9, 2):

        def work(wanted=wanted):
            with budget.hold(wanted):
                served.append(wanted)

        threads.append(threading.Thread(target=work))
        threads[-1].start()
        until(lambda: len(budget._waiting) == len(threads))
    budget.give_back(5)
    assert served == []  # the first one waits for 10: those behind it don't pass
    budget.give_back(5)
    for thread in threads:
        thread.join(10)
    assert served[0] == 10
    assert sorted(served) == [1, 2, 9, 10]


def test_what_is_larger_than_the_whole_goes_alone():
    budget = BufferBudget(10)
    with budget.hold(1000):
        assert budget.held_bytes == 10
    assert budget.held_bytes == 0


def test_waiting_ends_with_the_run_and_leaves_the_others_their_place():
    budget = BufferBudget(10)
    budget.take(10)
    errors = []

    def work():
        try:
            budget.take(10)
        except InterruptedRunError as error:
            errors.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    until(lambda: budget._waiting)
    interrupt.request_locally(2)
    thread.join(10)
    assert len(errors) == 1
    budget.give_back(10)
    assert budget.held_bytes == 0
    assert budget.take(10)


def test_waiting_ends_when_the_asker_gives_up():
    budget = BufferBudget(10)
    budget.take(1)
    assert not budget.take(10, give_up=lambda: True)
    budget.give_back(1)
    assert budget.take(10)


def test_an_empty_budget_is_refused():
    with pytest.raises(ValueError, match="admits nothing"):
        BufferBudget(0)
