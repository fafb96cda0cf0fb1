"""Checksums of whole objects from those of their parts: S3's multipart ETag and composites, and CRCs put together.

Parts travel in any order and at once; these say afterwards what one pass over all bytes would have said. Pure.
"""

from __future__ import annotations

import base64
import hashlib
import zlib
from typing import TYPE_CHECKING, Final

from transforms.core.copying.checksums import checksums_of
from transforms.core.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_DIGESTS: Final[dict[str, Callable[[bytes], bytes]]] = {
    "crc32": lambda data: zlib.crc32(data).to_bytes(4, "big"),
    "crc32c": lambda data: bytes.fromhex(checksums_of(data, ["crc32c"]).crc32c),
    "crc64nvme": lambda data: bytes.fromhex(checksums_of(data, ["crc64nvme"]).crc64nvme),
    "sha1": lambda data: hashlib.sha1(data, usedforsecurity=False).digest(),
    "sha256": lambda data: hashlib.sha256(data).digest(),
}
_POLYNOMIALS: Final = {  # reflected, and how many bits
    "crc32": (0xEDB88320, 32),
    "crc32c": (0x82F63B78, 32),
    "crc64nvme": (0x9A6C9329AC4BC9B5, 64),
}


def multipart_etag(part_md5s: Sequence[str]) -> str:
    """The ETag that S3 gives an object written in parts.

    Args:
        part_md5s: The md5 of each part in order, hex.
    """
    whole = hashlib.md5(b"".join(map(bytes.fromhex, part_md5s)), usedforsecurity=False).hexdigest()
    return f"{whole}-{len(part_md5s)}"


def composite(algorithm: str, part_digests: Sequence[str]) -> str:
    """The checksum that S3 gives an object written in parts with part checksums: that of its parts' checksums.

    Args:
        algorithm: crc32, crc32c, crc64nvme, sha1 or sha256.
        part_digests: That checksum of each part in order, hex.

    Returns:
        `algorithm:base64-count`, as in `Checksums.composite`.

    Raises:
        ConfigError: An unknown algorithm.
    """
    if algorithm not in _DIGESTS:
        raise ConfigError(f"no composite checksum by {algorithm!r}; known: {', '.join(_DIGESTS)}")
    whole = _DIGESTS[algorithm](b"".join(map(bytes.fromhex, part_digests)))
    return f"{algorithm}:{base64.b64encode(whole).decode()}-{len(part_digests)}"


def combined(algorithm: str, parts: Sequence[tuple[str, int]]) -> str:
    """The CRC of a whole object from those of its parts, without its bytes; some 0.2 ms a part.

    Args:
        algorithm: crc32, crc32c or crc64nvme.
        parts: (CRC in hex, length in bytes) of each part in order.

    Returns:
        Hex.

    Raises:
        ConfigError: A checksum that can't be put together, such as md5.
    """
    if algorithm not in _POLYNOMIALS:
        raise ConfigError(f"{algorithm!r} of parts can't be put together; what can: {', '.join(_POLYNOMIALS)}")
    polynomial, bits = _POLYNOMIALS[algorithm]
    whole = 0
    for digits, size_bytes in parts:
        whole = _times(_shift(size_bytes, polynomial, bits), whole, polynomial, bits) ^ int(digits, 16)
    return f"{whole:0{bits // 4}x}"


def _shift(size_bytes: int, polynomial: int, bits: int) -> int:
    """Gives x to the power of `8 * size_bytes`, modulo the polynomial: what zeros behind a CRC's bytes do to it."""
    power, square, left = 1 << (bits - 1), 1 << (bits - 9), size_bytes
    while left:
        if left & 1:
            power = _times(square, power, polynomial, bits)
        square = _times(square, square, polynomial, bits)
        left >>= 1
    return power


def _times(a: int, b: int, polynomial: int, bits: int) -> int:
    """The product of two polynomials over GF(2), reflected (the highest bit is x to the power of 0)."""
    product, bit = 0, 1 << (bits - 1)
    while bit:
        if a & bit:
            product ^= b
        b = (b >> 1) ^ (polynomial if b & 1 else 0)
        bit >>= 1
    return product
