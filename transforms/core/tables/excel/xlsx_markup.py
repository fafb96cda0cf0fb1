"""Expat, set up for workbook parts: declarations refused, memory bounded. Nothing here knows what a tag means."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import lru_cache
from xml.parsers import expat

from transforms.core.errors import PermanentError

OnStart = Callable[[str, dict[str, str]], None]
_MAX_TAG_BYTES = 16 << 20


class SafeParser:
    """An expat parser that refuses any DOCTYPE, and with it every entity ("XML bombs"), and endless tags.

    Args:
        place: File and part, for messages.
    """

    def __init__(self, place: str) -> None:
        self.expat = expat.ParserCreate(namespace_separator=" ")
        self.expat.StartDoctypeDeclHandler = self._refuse
        self.expat.EntityDeclHandler = self._refuse
        self.expat.buffer_text = True
        self._place = place
        self._fed_bytes = 0

    def feed(self, data: bytes, *, last: bool = False) -> None:
        """Parses some more bytes.

        Raises:
            PermanentError: If they aren't well-formed XML, hold a DOCTYPE, or a tag longer than 16 MiB.
        """
        try:
            self.expat.Parse(data, last)
        except expat.ExpatError as e:
            raise PermanentError(
                f"{self._place}: isn't well-formed XML ({e}); open the file in Excel and save it again"
            ) from e
        self._fed_bytes += len(data)
        if self._fed_bytes - self.expat.CurrentByteIndex > _MAX_TAG_BYTES:
            raise PermanentError(
                f"{self._place}: the tag at byte {self.expat.CurrentByteIndex} is longer than {_MAX_TAG_BYTES} bytes, "
                "which no workbook needs: refused"
            )

    def _refuse(self, *_: object) -> None:
        raise PermanentError(
            f"{self._place}: has a DOCTYPE, which no workbook needs (an XML bomb?): refused; save it again in Excel"
        )


@lru_cache(256)
def local_name(name: str) -> str:
    """A name without its namespace."""
    return name.rpartition(" ")[2]


def each_start(chunks: Iterable[bytes], place: str, on_start: OnStart) -> None:
    """Calls `on_start` with the plain name and the attributes (plain names too) of each element.

    Raises:
        PermanentError: If the XML is broken or has a DOCTYPE.
    """
    parser = SafeParser(place)

    def handle(name: str, attributes: dict[str, str]) -> None:
        on_start(local_name(name), {local_name(key): value for key, value in attributes.items()})

    parser.expat.StartElementHandler = handle
    for chunk in chunks:
        parser.feed(chunk)
    parser.feed(b"", last=True)
