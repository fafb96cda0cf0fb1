"""Whether a file is text at all: an image or a database among the sources is refused, not read into rejects."""

from __future__ import annotations

from transforms.core.errors import PermanentError

# Control characters that text has: white space, the separators of ASCII and of Hive, the end mark of DOS. A NUL pads
# fields: its records are rejected one by one, unless most of the file is NULs.
_IN_TEXT = b"\0\t\n\v\f\r\x01\x02\x03\x1a\x1c\x1d\x1e\x1f"
CONTROLS = bytes(code for code in (*range(32), 127) if code not in _IN_TEXT)
# Compressed or random bytes have 8 % of them; a damaged text has some, in a small one a large share.
_SHARE = 0.05
_FEW = 32


def demand_text(text: str, name: str) -> None:
    """Makes sure that a file's first characters are no garbage.

    | control characters (with the NULs, where these are more than half) | the file is |
    |---------------------------------------------------------------------|-------------|
    | fewer than 32, or up to 5 %                                         | text        |
    | 32 or more, and more than 5 %                                       | no text     |

    Args:
        text: `structure` of the sample.
        name: The file's address, for the message.

    Raises:
        PermanentError: It is no text.
    """
    found = len(text) - len(text.encode("latin-1", "replace").translate(None, CONTROLS))
    nulls = text.count("\0")
    found += nulls if nulls > len(text) / 2 else 0
    if found >= _FEW and found > _SHARE * len(text):
        raise PermanentError(
            f"{name}: this is no text: {found:,} of its first {len(text):,} characters are control characters; leave "
            "the file out, or give --encoding if it is to be read all the same"
        )
