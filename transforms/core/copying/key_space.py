"""Keys as numbers, to find the middle between two of them and to guess from a few neighbours how many lie there.

Each byte (UTF-8) behind what two keys have in common is a digit; which digits there are, known keys tell. Pure.
"""

from __future__ import annotations

import os.path
import string
from bisect import bisect_left
from typing import TYPE_CHECKING, Final

from transforms.core.copying.key_merge import key_bytes

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_DEPTH: Final = 32  # bytes behind the common ones that count
_SEEN: Final = 64  # known keys that are looked at for their bytes
_HEX: Final = (frozenset(b"abcdef"), frozenset(b"ABCDEF"))
_CLASSES: Final = (
    frozenset(string.digits.encode()),
    frozenset(string.ascii_lowercase.encode()),
    frozenset(string.ascii_uppercase.encode()),
    frozenset(range(0x80, 0xC0)),
    frozenset(range(0xC2, 0xF5)),
)


class KeyScale:
    """A scale between two keys. Immutable.

    Args:
        low: The lower key.
        high: The key above; "" for no end.
        known: Keys from thereabouts, in order: their characters are expected between the two.
    """

    def __init__(self, low: str, high: str, known: Sequence[str]) -> None:
        self._low, self._high = key_bytes(low), key_bytes(high)
        self._common = _common(self._low, self._high) if high else b""
        seen = [self._low, *map(key_bytes, known[:: max(len(known) // _SEEN, 1)])]
        behind = [key[len(self._common) :] for key in seen if key.startswith(self._common)]
        self._digits = list(_digits(behind))
        self._weights = [1]
        for digits in reversed(self._digits):
            self._weights.insert(0, self._weights[0] * (len(digits) + 2))
        self._top = self._number(self._high) if high else self._weights[0]

    def between(self, low: str, high: str) -> int:
        """How far two keys are apart on this scale, 0 or more; `high` "" is the scale's own end."""
        return max((self._number(key_bytes(high)) if high else self._top) - self._number(key_bytes(low)), 0)

    def middle(self) -> str | None:
        """A text about half-way, strictly between the two keys; None when they are too close."""
        left = (self._number(self._low) + self._top) // 2
        found = bytearray(self._common)
        for digits, weight in zip(self._digits, self._weights[1:], strict=True):
            digit, left = divmod(left, weight)
            if digit == 0:
                break
            found.append(digits[min(digit, len(digits)) - 1])
        text = _text(bytes(found))
        place = key_bytes(text)
        return text if self._low < place and (not self._high or place < self._high) else None

    def _number(self, key: bytes) -> int:
        """A place's digits are 0 for the key's end, and 1 and on for its bytes; the common beginning alone is 0."""
        if not key.startswith(self._common):
            return 0 if key < self._common else self._weights[0]
        number = 0
        for byte, digits, weight in zip(key[len(self._common) :], self._digits, self._weights[1:], strict=False):
            found = bisect_left(digits, byte)
            number += (found + 1) * weight
            if found == len(digits) or digits[found] != byte:
                break
        return number


def folder_end(key: str, low: str, high: str) -> str | None:
    """The first text behind a folder that holds `key`, the largest folder whose end lies between two keys; else None.

    Args:
        key: A key between them.
        low: The lower key.
        high: The key above; "" for no end.
    """
    place = key.find("/")
    while place >= 0:
        end = key[:place] + "0"  # the character behind the slash
        if low < end and (not high or end < high):
            return end
        place = key.find("/", place + 1)
    return None


def _digits(behind: Sequence[bytes]) -> Iterable[list[int]]:
    """What to expect at each place: whole classes (digits, hex letters, letters) of what was seen, or just that."""
    for place in range(_DEPTH):
        seen = {key[place] for key in behind if len(key) > place}
        if not seen:
            return
        expected = set(seen)
        for letters in _CLASSES:
            found = seen & letters
            narrow = [hexes for hexes in _HEX if found and found <= hexes]
            if found:
                expected |= narrow[0] if narrow else letters
        yield sorted(expected)


def _common(low: bytes, high: bytes) -> bytes:
    return os.path.commonprefix([low, high]) or b""  # noqa: RUF071 - bytes are meant


def _text(found: bytes) -> str:
    """Bytes as text; a character that was cut is filled up, as far as that makes one."""
    for more in range(4):
        try:
            return (found + b"\x80" * more).decode()
        except UnicodeDecodeError:
            continue
    return found.decode(errors="ignore")
