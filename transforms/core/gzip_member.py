"""One gzip member, decoded by isal.

isal (python-isal 1.9, ISA-L's inflate) reads a member's header wrongly when it comes in several calls and has more than
one optional field, so that a good file fails by where its blocks begin: here a header always goes to it in one call.
"""

from __future__ import annotations

from isal import igzip_lib

# A name and a comment have no bound in the format; no real header comes near this one.
HEADER_LIMIT_BYTES = 1024 * 1024

_FIXED_BYTES = 10
_HEADER_CRC, _EXTRA, _NAME, _COMMENT = 0x02, 0x04, 0x08, 0x10


class GzipMember:
    """A decoder as compressed.Decoder describes it; length and CRC-32 are checked at the member's end."""

    def __init__(self) -> None:
        self._inner = igzip_lib.IgzipDecompressor(flag=igzip_lib.DECOMP_GZIP)
        self._header: bytes | None = b""

    @property
    def eof(self) -> bool:
        """Whether the member has ended."""
        return bool(self._inner.eof)

    @property
    def needs_input(self) -> bool:
        """Whether the next call must bring bytes."""
        return bool(self._inner.needs_input)

    @property
    def unused_data(self) -> bytes:
        """What followed the member's end in the last input."""
        return bytes(self._inner.unused_data)

    def decompress(self, data: bytes, max_length: int) -> bytes:
        """At most max_length bytes more; none before the header is there as a whole."""
        if self._header is not None:
            data = self._header + data
            if not header_ends(data) and len(data) < HEADER_LIMIT_BYTES:
                self._header = data
                return b""
            self._header = None
        return bytes(self._inner.decompress(data, max_length))


def header_ends(data: bytes) -> bool:
    """Whether a member's header lies wholly within its first bytes (RFC 1952, section 2.3)."""
    if len(data) < _FIXED_BYTES:
        return False
    flags, end = data[3], _FIXED_BYTES
    if flags & _EXTRA:
        end += 2 + int.from_bytes(data[end : end + 2], "little")
    for flag in (_NAME, _COMMENT):
        if flags & flag:
            end = data.find(b"\0", end) + 1
            if not end:
                return False
    return len(data) >= end + (2 if flags & _HEADER_CRC else 0)
