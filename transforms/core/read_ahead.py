"""A stream read ahead by a thread of its own: the next block is on its way while this one is worked."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import islice
from typing import TYPE_CHECKING, TypeVar

from transforms.core import interrupt

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Item = TypeVar("Item")


@contextmanager
def ahead(items: Iterable[Item], block: int = 1000) -> Iterator[Iterator[Item]]:
    """Reads a stream ahead, two blocks at most; what it raises is raised here, behind what came before it.

    Leaving the block waits for what is being read, so that nothing goes on unseen.

    Args:
        items: The stream; is read by another thread, never by two at once.
        block: Items that the thread reads at once.

    Yields:
        The same items.
    """
    source = iter(items)
    read = interrupt.carried(lambda: _block(source, block))
    with ThreadPoolExecutor(1, "read-ahead") as thread:
        coming = thread.submit(read)

        def taken() -> Iterator[Item]:
            nonlocal coming
            while True:
                found, error = coming.result()
                if error is None and found:
                    coming = thread.submit(read)
                yield from found
                if error is not None:
                    raise error
                if not found:
                    return

        yield taken()


def _block(source: Iterator[Item], size: int) -> tuple[list[Item], BaseException | None]:
    """The next items, and what broke the stream behind them."""
    found: list[Item] = []
    try:
        found.extend(islice(source, size))
    except BaseException as error:  # noqa: BLE001 - raised where the stream is read, once what came first has been
        return found, error
    return found, None
