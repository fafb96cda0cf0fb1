"""Cuts a part's XML into blocks of whole items (rows, shared strings) and has each read the fast way or the exact way.

The fast reader gets a block of whole items. If it can't tell, the exact one gets the same bytes behind the part's own
head. Comments, CDATA, other encodings and items beyond 4 MiB send all that follows to the exact reader.
"""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from transforms.core.errors import PermanentError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

ItemsT = TypeVar("ItemsT")
ItemsT_co = TypeVar("ItemsT_co", covariant=True)
_MAX_CARRY_BYTES = 4 << 20
_ODD_ENCODING = re.compile(
    rb"""\A(?:\xff\xfe|\xfe\xff|\s*<\?xml[^>]*encoding=["'](?!utf-?8["'])[^"']*["']|[^\s<\xef])""", re.IGNORECASE
)


class Exact(Protocol[ItemsT_co]):
    """A reader of any well-formed XML, fed piece by piece."""

    def feed(self, data: bytes, *, last: bool = False) -> None:
        """Reads some more."""

    def take(self) -> ItemsT_co:
        """What was read since the last call."""


class ItemReader(Generic[ItemsT]):
    """Reads the items of one part.

    Args:
        container: The element that holds them (`sheetData`).
        item: The element that each of them is (`row`).
        fast: Gives the items of some whole elements, or None when it can't tell.
        exact: Makes a new exact reader.
        place: File and part, for messages.
    """

    def __init__(
        self,
        container: bytes,
        item: bytes,
        fast: Callable[[bytes], ItemsT | None],
        exact: Callable[[], Exact[ItemsT]],
        place: str,
    ) -> None:
        self._opening = re.compile(rb"<(?:([A-Za-z_][\w.-]*):)?" + container + rb"(?:\s[^<>]*)?/?>")
        self._container, self._item = container, item
        self._fast, self._exact, self._place = fast, exact, place
        self._head = self._prefix = b""

    def read(self, chunks: Iterator[bytes]) -> Iterator[ItemsT]:
        """The items of the part, block by block; all of its bytes are read, so that its checksum is checked.

        Raises:
            PermanentError: If the XML is broken, or ends within the items.
        """
        rest = self._read_head(chunks)
        if rest is None:
            yield from self._exactly(self._head, chunks)
            return
        ended = self._head.endswith(b"/>")
        while not ended:
            block, rest = self._cut(rest)
            if block:
                items = self._fast(self._unprefixed(block))
                if items is None and (b"<!" in block or b"<?" in block):
                    yield from self._exactly(self._head + block + rest, chunks)
                    return
                if items is None:
                    block, ended = self._before_end(block)
                    items = self._exact_block(block)
                yield items
            if len(rest) > _MAX_CARRY_BYTES or b"<!" in rest or b"<?" in rest:
                yield from self._exactly(self._head + rest, chunks)
                return
            ended = ended or self._end_tag() in rest
            rest = rest if ended else rest + self._next(chunks)
        for _ in chunks:
            pass

    def _read_head(self, chunks: Iterator[bytes]) -> bytes | None:
        """What follows the container's opening tag; None if the exact reader must do it all."""
        for chunk in chunks:
            self._head += chunk
            if _ODD_ENCODING.match(self._head) or len(self._head) > _MAX_CARRY_BYTES + len(chunk):
                return None
            if match := self._opening.search(self._head):
                rest = self._head[match.end() :]
                if b"<!" in self._head[: match.end()]:
                    return None
                self._head, self._prefix = self._head[: match.end()], (match[1] + b":" if match[1] else b"")
                self._exact().feed(self._head)  # checks that it is well-formed
                return rest
        return None

    def _cut(self, data: bytes) -> tuple[bytes, bytes]:
        tag = b"</" + self._prefix + self._item + b">"
        at = data.rfind(tag) + len(tag)
        return (data[:at], data[at:]) if at >= len(tag) else (b"", data)

    def _unprefixed(self, block: bytes) -> bytes:
        prefix = self._prefix
        return block.replace(b"<" + prefix, b"<").replace(b"</" + prefix, b"</") if prefix else block

    def _end_tag(self) -> bytes:
        return b"</" + self._prefix + self._container

    def _before_end(self, block: bytes) -> tuple[bytes, bool]:
        """A block without what may follow the container's end, and whether that is in it."""
        at = block.find(self._end_tag())
        return (block, False) if at < 0 else (block[:at], True)

    def _exact_block(self, block: bytes) -> ItemsT:
        reader = self._exact()
        reader.feed(self._head)
        reader.feed(block)
        return reader.take()

    def _exactly(self, data: bytes, chunks: Iterator[bytes]) -> Iterator[ItemsT]:
        reader = self._exact()
        reader.feed(data)
        yield reader.take()
        for chunk in chunks:
            reader.feed(chunk)
            yield reader.take()
        reader.feed(b"", last=True)

    def _next(self, chunks: Iterator[bytes]) -> bytes:
        chunk = next(chunks, None)
        if chunk is None:
            name = self._container.decode()
            raise PermanentError(f"{self._place}: ends within its <{name}>: the file is damaged; copy it again")
        return chunk


def inflated_ahead(chunks: Iterator[bytes]) -> Generator[bytes]:
    """The same chunks, each made by a thread while the one before it is worked on.

    Closed early, it doesn't wait for the thread, which ends after the chunk that it is making: closing may be the
    garbage collector's doing, in any thread and under any lock, even one that the thread needs to end.
    """
    pool = ThreadPoolExecutor(1, thread_name_prefix="inflate")
    try:
        pending = pool.submit(next, chunks, None)
        while (chunk := pending.result()) is not None:
            pending = pool.submit(next, chunks, None)
            yield chunk
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
