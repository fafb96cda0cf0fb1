"""The body of a write whose bytes come while they go: as long as was said, and to be had anew for each attempt."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from contextlib import AbstractContextManager

    from transforms.core.objects.details import Attributes, Checksums, Condition, ObjectDetails
    from transforms.core.outcome import ObjectInfo

    Slices = Generator[bytes, None, None]


class Body:
    """Bytes that are never all in memory.

    Args:
        size_bytes: How many there are.
        slices: Begins them, at the first one; raises what their source raises.
    """

    __slots__ = ("_size_bytes", "slices")

    def __init__(self, size_bytes: int, slices: Callable[[], Slices]) -> None:
        self._size_bytes = size_bytes
        self.slices = slices

    def __len__(self) -> int:
        return self._size_bytes


class Opened(NamedTuple):
    """An object that is being read.

    Attributes:
        details: What the answer with its bytes tells of it.
        slices: All of its bytes, from the first one each time. Raises TransientError where they break off,
            SourceChangedError where it is another version by now.
    """

    details: ObjectDetails
    slices: Callable[[], Slices]


@runtime_checkable
class BodySource(Protocol):
    """What a `CopyStore` has beside that can give an object away while it arrives."""

    @property
    def gives_md5s(self) -> bool:
        """Whether the md5s that it lists are the objects' own, as far as was seen: an encrypting store's are none."""

    def open_body(self, info: ObjectInfo) -> AbstractContextManager[Opened]:
        """Asks for the whole of one version; the block's end drops what wasn't read. Raises SourceChangedError."""


@runtime_checkable
class BodySink(Protocol):
    """What a `CopyStore` has beside that can take an object while it comes."""

    @property
    def tells_md5s(self) -> bool | None:
        """Whether its answer to the last write told an md5; None before the first one."""

    def put_body(
        self, uri: str, body: Body, attributes: Attributes, checksums: Checksums, condition: Condition
    ) -> ObjectDetails:
        """As `CopyStore.put`; the md5 is among the checksums, and the server compares it."""
