"""A stream read ahead gives the same, in order, and breaks where it broke; nothing of it goes on unseen."""

import threading

import pytest

from transforms.core import interrupt
from transforms.core.read_ahead import ahead


@pytest.mark.parametrize("count", [0, 1, 4, 5, 6, 23])
def test_it_is_the_same_stream(count):
    with ahead(range(count), block=5) as items:
        assert list(items) == list(range(count))


def take(items, found):
    """One by one, as a stream is used."""
    for item in items:
        found.append(item)


@pytest.mark.parametrize("good", [0, 3, 5, 7])
def test_what_came_before_a_break_comes_and_then_the_break(good):
    def breaking():
        yield from range(good)
        raise OSError("the line is cut")

    found: list[int] = []
    with ahead(breaking(), block=5) as items, pytest.raises(OSError, match="cut"):
        take(items, found)
    assert found == list(range(good))


def test_the_next_block_is_read_while_one_is_worked_and_no_more():
    read, asked = [], threading.Semaphore(0)

    def source():
        for number in range(100):
            read.append(number)
            asked.release()
            yield number

    with ahead(source(), block=5) as items:
        assert next(items) == 0
        for _ in range(10):
            assert asked.acquire(timeout=120)  # the second block comes though only one item was taken
        assert next(items) == 1
        assert len(read) == 10
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("read-ahead")]


def test_the_thread_sees_of_a_request_to_stop_what_its_user_sees():
    seen = []

    def source():
        seen.append(interrupt.requested())
        yield 1

    interrupt.request_locally(2)
    try:
        with ahead(source()) as items:
            list(items)
        with interrupt.finishing(), ahead(source()) as items:
            list(items)
    finally:
        interrupt.reset()
    assert seen == [2, 0]
