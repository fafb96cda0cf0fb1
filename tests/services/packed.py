"""What is packed into bytes: archives, and Beam's pickles (base64 of bz2 or zlib), which hide a text from a search."""

from __future__ import annotations

import base64
import bz2
import re
import zipfile
import zlib
from contextlib import suppress
from io import BytesIO
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

PICKLES = re.compile(rb"(?:Qlpo|eN[o-r])[A-Za-z0-9+/]{16,}")  # how base64 of either begins


def layers(data: bytes) -> Iterator[bytes]:
    """The bytes, then all that is packed in them, and in that."""
    yield data
    if zipfile.is_zipfile(BytesIO(data)):
        with zipfile.ZipFile(BytesIO(data)) as archive:
            for name in archive.namelist():
                yield from layers(archive.read(name))
    for found in PICKLES.finditer(data):
        text = found[0][:-1] if len(found[0]) % 4 == 1 else found[0]  # no base64: of what stands behind it
        packed = base64.b64decode(text + b"=" * (-len(text) % 4))
        with suppress(OSError, ValueError, zlib.error):  # it only began like one
            unpack = bz2.BZ2Decompressor().decompress if packed.startswith(b"BZ") else zlib.decompressobj().decompress
            yield from layers(unpack(packed))


def holds(data: bytes, text: str) -> bool:
    """Whether a text stands in the bytes, packed or not."""
    return any(text.encode() in layer for layer in layers(data))
