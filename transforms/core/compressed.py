"""Compressed streams: what a file is compressed with, and its bytes again, in constant memory.

Libraries: isal (gzip at twice zlib's speed), bz2, lzma, backports.zstd (3.14's compression.zstd). All share a decoder
protocol with a bound on each call's output; zstandard's decoder has none, so a bomb would decide our memory.
Reading single members of a zip lives in zip_members.py.
"""

from __future__ import annotations

import bz2
import lzma
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, NamedTuple, Protocol, cast

from transforms.core.errors import PermanentError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

# Decoders take the input in slices: what a member leaves over is copied once a member, never more than this.
SLICE_BYTES = 64 * 1024
# Most memory that a stream's own header may ask for (zstd's window, xz's dictionary): what `zstd -d` and `xz -9` need.
WINDOW_LOG_MAX = 27
DICTIONARY_LIMIT_BYTES = 160 * 1024 * 1024
OUT_BLOCK_BYTES = 4 * 1024 * 1024

# Formats whose files are zip archives by themselves: never unpacked as one.
_ZIP_BASED = frozenset({".xlsx", ".xlsm", ".xlsb", ".ods"})


class Decoder(Protocol):
    """What bz2, lzma, igzip_lib and compression.zstd agree on: one member, stream or frame is one decoder."""

    @property
    def eof(self) -> bool:
        """Whether the member has ended and its checksum was right."""

    @property
    def needs_input(self) -> bool:
        """Whether the next call must bring bytes."""

    @property
    def unused_data(self) -> bytes:
        """What followed the member's end in the last input."""

    def decompress(self, data: bytes, max_length: int) -> bytes:
        """At most max_length bytes more."""


class Codec(NamedTuple):
    """One way of compressing.

    Attributes:
        name: Its name here and in messages.
        extension: What file names end in.
        magic: Prefixes that its files begin with, any of them.
        decoder: Makes a decoder for one member; None when the file isn't one stream (zip).
        padding: Byte that may fill the space between members and after the last one (b"" = nothing may).
    """

    name: str
    extension: str
    magic: tuple[bytes, ...]
    decoder: Callable[[], Decoder] | None
    padding: bytes = b""


def _gzip() -> Decoder:
    from transforms.core.gzip_member import GzipMember  # noqa: PLC0415

    return GzipMember()


def _xz() -> Decoder:
    return lzma.LZMADecompressor(format=lzma.FORMAT_XZ, memlimit=DICTIONARY_LIMIT_BYTES)


def _zstd() -> Decoder:
    from backports import zstd  # noqa: PLC0415

    return zstd.ZstdDecompressor(options={zstd.DecompressionParameter.window_log_max: WINDOW_LOG_MAX})


_BLOCK_OR_END = (b"1AY&SY", b"\x17\x72\x45\x38\x50\x90")
_SKIPPABLE = tuple(bytes([0x50 + kind]) + b"\x2a\x4d\x18" for kind in range(16))

CODECS: dict[str, Codec] = {
    codec.name: codec
    for codec in (
        Codec("gz", ".gz", (b"\x1f\x8b\x08",), _gzip, padding=b"\0"),
        Codec(
            "bz2",
            ".bz2",
            tuple(b"BZh%d" % level + mark for level in range(1, 10) for mark in _BLOCK_OR_END),
            bz2.BZ2Decompressor,
        ),
        Codec("xz", ".xz", (b"\xfd7zXZ\0",), _xz, padding=b"\0"),
        Codec("zst", ".zst", (b"\x28\xb5\x2f\xfd", *_SKIPPABLE), _zstd),
        Codec("zip", ".zip", (b"PK\x03\x04", b"PK\x05\x06"), None),
    )
}


def codec_of(name: str, head: bytes) -> str:
    """What a file is compressed with; its content decides, its name only where the content can't.

    | content begins with   | name ends in  | codec                                       |
    |-----------------------|---------------|---------------------------------------------|
    | a codec's magic       | anything      | that codec (a workbook, itself a zip: none) |
    | text                  | anything      | none                                        |
    | other bytes, nothing  | .gz, .bz2, …  | the name's: reading it then says what fails |
    | other bytes, nothing  | anything else | none                                        |

    Args:
        name: The file's name or address.
        head: Its first bytes, 16 at least where there are so many; more help to know text from garbage.

    Returns:
        A key of CODECS, or "" for none.
    """
    extension = _extension(name)
    for codec in CODECS.values():
        if head.startswith(codec.magic) and not (codec.name == "zip" and extension in _ZIP_BASED):
            return codec.name
    named = [codec.name for codec in CODECS.values() if codec.extension == extension]
    return named[0] if named and not _is_text(head) else ""


def codec_note(name: str, codec: str) -> str:
    """A sentence for the summary when a file's content isn't what its name says; "" when they agree."""
    by_name = next((known.name for known in CODECS.values() if known.extension == _extension(name)), "")
    if by_name == codec:
        return ""
    says = f"a .{by_name} file" if by_name else "an uncompressed file"
    return f"{name} is named like {says} but its content is {codec or 'plain text'}: read as that"


def decompress(
    blocks: Iterable[bytes], codec: str, *, name: str, out_block_bytes: int = OUT_BLOCK_BYTES
) -> Iterator[bytes]:
    """Decompresses a stream, all its members one after the other.

    Checksums are verified where the format has them: always, but in zstd frames that were written without one.

    Memory: one input block, at most two output blocks, and the codec's window (128 MiB at the very most).

    Args:
        blocks: The compressed bytes, in blocks of any size.
        codec: A key of CODECS with a decoder, or "" to hand the blocks on as they are.
        name: The file's address, for messages.
        out_block_bytes: Size of each yielded block; only the last one is smaller.

    Yields:
        The decompressed bytes.

    Raises:
        PermanentError: The stream is cut off, damaged, needs too much memory, or something else follows it.
    """
    if not codec:
        yield from (block for block in blocks if block)
        return
    known = CODECS.get(codec)
    if known is None or known.decoder is None:
        streams = ", ".join(key for key, value in CODECS.items() if value.decoder)
        raise PermanentError(f"{name}: no stream codec is called {codec!r}; known: {streams}")
    yield from gathered(_pieces(Slices(blocks), known, name, out_block_bytes), out_block_bytes)


def gathered(pieces: Iterator[bytes], size: int) -> Iterator[bytes]:
    """Joins pieces to blocks of `size`, so that what comes after works on few; the last one may be smaller."""
    held: list[bytes] = []
    length = 0
    for piece in pieces:
        held.append(piece)
        length += len(piece)
        while length >= size:
            block = b"".join(held)
            yield block[:size]
            held, length = [block[size:]], length - size
    if length:
        yield b"".join(held)


class Slices:
    """The compressed bytes, slice by slice, with the offset of what was handed out, and room for what comes back."""

    def __init__(self, blocks: Iterable[bytes]) -> None:
        self.offset = 0
        self._blocks = iter(blocks)
        self._left = memoryview(b"")
        self._returned = b""

    def next(self) -> bytes:
        """The next bytes, at most SLICE_BYTES; b"" at the end."""
        data, self._returned = self._returned, b""
        while not data:
            if not self._left:
                block = next(self._blocks, None)
                if block is None:
                    return b""
                self._left = memoryview(block)
            data, self._left = bytes(self._left[:SLICE_BYTES]), self._left[SLICE_BYTES:]
        self.offset += len(data)
        return data

    def give_back(self, data: bytes) -> None:
        """Makes bytes that were taken the next ones again."""
        self._returned = data
        self.offset -= len(data)

    def skip(self, padding: bytes) -> bool:
        """Goes over padding bytes; returns whether anything follows."""
        while data := self.next():
            rest = data.lstrip(padding) if padding else data
            if rest:
                self.give_back(rest)
                return True
        return False


def _pieces(source: Slices, codec: Codec, name: str, limit: int) -> Iterator[bytes]:
    if not source.skip(b""):
        raise PermanentError(f"{name}: 0 bytes long, which no {codec.name} file is: it was cut off; fetch it again")
    assert codec.decoder is not None
    members = 0
    while not members or source.skip(codec.padding):
        start = source.offset
        if members and not _begins(source, codec):
            raise PermanentError(
                f"{name}: after the end of the {codec.name} data, at byte {start}, something follows that isn't"
                f" {codec.name}; the file is damaged or was joined with another one"
            )
        yield from decode_member(codec.decoder(), source, f"{name}: {codec.name} data", limit)
        members += 1


def _begins(source: Slices, codec: Codec) -> bool:
    """Whether a member of this codec begins here."""
    need = max(len(magic) for magic in codec.magic)
    head = source.next()
    while len(head) < need and (more := source.next()):
        head += more
    source.give_back(head)
    return head.startswith(codec.magic)


def decode_member(decoder: Decoder, source: Slices, what: str, limit: int) -> Iterator[bytes]:
    """Decodes one member, at most `limit` bytes a piece, and gives back what follows it."""
    while not decoder.eof:
        data = source.next() if decoder.needs_input else b""
        if decoder.needs_input and not data:
            raise PermanentError(
                f"{what} ends at byte {source.offset} before its end mark: it was cut off; fetch it again"
            )
        try:
            piece = decoder.decompress(data, limit)
        except _decode_errors() as error:
            raise PermanentError(f"{what} can't be read at about byte {source.offset}: {_reason(error)}") from error
        if piece:
            yield piece
    source.give_back(decoder.unused_data)


def _decode_errors() -> tuple[type[Exception], ...]:
    from backports import zstd  # noqa: PLC0415
    from isal import igzip_lib  # noqa: PLC0415

    return OSError, EOFError, ValueError, lzma.LZMAError, cast("type[Exception]", igzip_lib.error), zstd.ZstdError


def _reason(error: Exception) -> str:
    text = str(error)
    if "emory usage limit" in text or "too much memory" in text:
        return (
            f"{text}: it asks for a window above our limit ({1 << WINDOW_LOG_MAX >> 20} MiB); compress it again without"
            " --long or --ultra (zstd), or with -9 at most (xz)"
        )
    return f"{text or type(error).__name__}; it is damaged, fetch it again"


def _extension(name: str) -> str:
    return PurePosixPath(name.split("?", 1)[0]).suffix.lower()


def _is_text(head: bytes) -> bool:
    """Whether bytes can be the begin of a text: none of the control characters but those texts have."""
    return bool(head) and not any(byte < 9 or 13 < byte < 28 for byte in head)
