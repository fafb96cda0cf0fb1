"""Which encoding a CSV file has, and the view of its bytes in which one character is one code unit.

The scanners work on bytes, so only encodings in which ASCII bytes mean ASCII are read, and UTF-16. Nothing here knows
about delimiters.
"""

from __future__ import annotations

import codecs

from transforms.core.errors import ConfigError, PermanentError

UTF16 = ("utf-16-le", "utf-16-be")
_BOMS: dict[str, bytes] = {"utf-8": codecs.BOM_UTF8, "utf-16-le": codecs.BOM_UTF16_LE, "utf-16-be": codecs.BOM_UTF16_BE}

# Multi-byte encodings whose second bytes are never ASCII; any dialect can be read in them.
_CLEAN_MULTIBYTE = frozenset({"utf-8", "euc_jp", "euc_jis_2004", "euc_jisx0213", "euc_kr", "gb2312"})
# Multi-byte encodings whose further bytes may be in TRAILING (never , ; : tab space " '); johab's may be ; and : too.
_TRAILING_MULTIBYTE = frozenset({"shift_jis", "cp932", "gbk", "gb18030", "big5", "cp950", "big5hkscs", "cp949"})
TRAILING = frozenset(map(chr, (*range(0x30, 0x3A), *range(0x40, 0x7F))))

# A NUL is every second byte of UTF-16 ASCII. Of the byte pairs, this share must have one, and always at the same place.
_NUL_SHARE = 0.1
_NUL_CONTRAST = 10
# Text that is UTF-8 but for so small a share of its non-ASCII characters is damaged UTF-8, not another encoding.
_DAMAGED_SHARE = 0.1
_CP1252_UNDEFINED = frozenset(b"\x81\x8d\x8f\x90\x9d")


def guess_encoding(sample: bytes, *, whole: bool, override: str, name: str) -> tuple[str, int]:
    """The encoding and the length of the byte order mark.

    | what the sample has                                             | encoding    |
    |-----------------------------------------------------------------|-------------|
    | an override                                                     | that one    |
    | a byte order mark                                               | the mark's  |
    | NULs in a tenth of the byte pairs, on one side only             | utf-16-le/be|
    | valid UTF-8 (all but a tenth of its non-ASCII characters is)    | utf-8       |
    | one of 81 8D 8F 90 9D, which cp1252 doesn't have                | latin-1     |
    | anything else                                                   | cp1252      |

    Text without any byte from 80 to 9F is the same in cp1252 and latin-1; it is called cp1252, which refuses what it
    doesn't have, where latin-1 would turn a later euro sign into a control character.

    Args:
        sample: The file's first bytes.
        whole: Whether that is all of it.
        override: An encoding's name, or "".
        name: The file's address, for messages.

    Returns:
        Python's name of the encoding, and 0, 2 or 3 bytes.

    Raises:
        ConfigError: The override is unknown or can't be read here.
        PermanentError: The file's own encoding can't be read here.
    """
    if not override and sample.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        raise PermanentError(_refusal("utf-32 (by its byte order mark)", name))
    marked = next((encoding for encoding, mark in _BOMS.items() if sample.startswith(mark)), "")
    encoding = _checked(override, sample, name) if override else marked or _by_content(sample, whole=whole)
    return encoding, len(_BOMS[encoding]) if encoding == marked else 0


def structure(sample: bytes, encoding: str) -> str:
    """The sample as a text whose structure can be parsed: a character a byte, or a character a UTF-16 unit pair.

    For `byte_length`, its inverse on prefixes, and `cell_text`, which gives a cell its real characters.
    """
    if encoding in UTF16:
        return codecs.getincrementaldecoder(encoding)("surrogatepass").decode(sample)
    return sample.decode("latin-1")


def byte_length(prefix: str, encoding: str) -> int:
    """How many bytes of the file a prefix of `structure` stands for."""
    return len(prefix.encode(encoding, "surrogatepass")) if encoding in UTF16 else len(prefix)


def cell_text(cell: str, encoding: str) -> str:
    """A cell of `structure` in its real characters; what isn't valid becomes U+FFFD."""
    if encoding in UTF16:
        return cell.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return cell.encode("latin-1").decode(encoding, "replace")


def unsafe_characters(encoding: str) -> frozenset[str]:
    """The ASCII characters that can't be delimiter, quote or escape in this encoding: its second bytes hold them."""
    return TRAILING if codecs.lookup(encoding).name in _TRAILING_MULTIBYTE else frozenset()


def check_codec(encoding: str, name: str) -> str:
    """Python's name of an encoding that this reader can read.

    Raises:
        ConfigError: Python doesn't know it, or its bytes below 128 aren't ASCII.
    """
    try:
        codec = codecs.lookup(encoding)
        every = bytes(range(256)).decode(codec.name, "replace")
    except (LookupError, ValueError) as error:
        raise ConfigError(
            f"encoding {encoding!r} for {name}: Python knows no such text encoding; known are utf-8, utf-16-le,"
            " utf-16-be, cp1252, latin-1, shift_jis, gbk and Python's others that keep ASCII"
        ) from error
    known = {"utf-8-sig": "utf-8", "iso8859-1": "latin-1"}.get(codec.name, codec.name)
    if known in (*UTF16, "utf-16") or known in _CLEAN_MULTIBYTE | _TRAILING_MULTIBYTE:
        return known
    one_byte_each = len(every) == 256 and every.startswith(bytes(range(128)).decode("ascii"))
    if known.startswith("iso2022") or (known != "ascii" and not one_byte_each):
        raise ConfigError(_refusal(encoding, name))
    return known


def _refusal(encoding: str, name: str) -> str:
    return (
        f"encoding {encoding} for {name} can't be read: records are found in the bytes, so ASCII must be ASCII in it"
        f" (utf-16 is the exception); convert the file first: iconv -f {encoding.partition(' ')[0].upper()} -t UTF-8"
    )


def _checked(override: str, sample: bytes, name: str) -> str:
    encoding = check_codec(override, name)
    if encoding != "utf-16":
        return encoding
    if sample.startswith(codecs.BOM_UTF16_BE):
        return "utf-16-be"
    return "utf-16-le" if sample.startswith(codecs.BOM_UTF16_LE) else _by_nuls(sample) or "utf-16-le"


def _by_content(sample: bytes, *, whole: bool) -> str:
    return _by_nuls(sample) or _by_bytes(sample, whole=whole)


def _by_nuls(sample: bytes) -> str:
    even, odd = sample[0::2].count(0), sample[1::2].count(0)
    few = (len(sample) // 2) * _NUL_SHARE
    if odd > max(few, even * _NUL_CONTRAST) and _newlines_paired(sample[0::2], sample[1::2], sample):
        return "utf-16-le"
    swapped = even > max(few, odd * _NUL_CONTRAST) and _newlines_paired(sample[1::2], sample[0::2], sample)
    return "utf-16-be" if swapped else ""


def _newlines_paired(low: bytes, high: bytes, sample: bytes) -> bool:
    """Whether line ends have a NUL at their side: in a text in bytes that just holds NULs they have none there.

    In UTF-16 that isn't ASCII, other characters have a byte like a line end (U+4E0A, a common one): fewer will do.
    """
    newline = 10 if 10 in sample else 13
    paired = sum(unit == newline and side == 0 for unit, side in zip(low, high, strict=False))
    found = low.count(newline) + high.count(newline)
    needed = 0.5 if sample.isascii() else 0.1
    return paired > found * needed or not found


def _by_bytes(sample: bytes, *, whole: bool) -> str:
    text = codecs.getincrementaldecoder("utf-8")("replace").decode(sample, final=whole)
    damaged = text.count("\ufffd") - sample.count("\ufffd".encode())
    if damaged <= _DAMAGED_SHARE * sum(map(str.__gt__, text, "\x7f" * len(text))):
        return "utf-8"
    return "latin-1" if _CP1252_UNDEFINED.intersection(sample) else "cp1252"
