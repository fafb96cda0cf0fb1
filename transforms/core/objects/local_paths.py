"""Which keys can be files below a folder, and which names are ours: pure decisions, no I/O.

A disk knows less than a bucket: a key that would leave the folder, or that a folder can't hold, is refused by name.
"""

from __future__ import annotations

import os
import re
import uuid

MAX_NAME_BYTES = 255
MAX_PATH_BYTES = 4095
_TEMPORARY = re.compile(r"\.hornbeam-[0-9a-f]{32}\.tmp")


def refusal(key: str) -> str:  # noqa: PLR0911 - one return a row of the table
    r"""Why a relative key can't be a file, with the remedy; "" when it can.

    | key | why not |
    |---|---|
    | `a`, `a/b`, `a b`, `.a`, `..a`, `a\b`, `…` | (it can) |
    | `` | it is empty |
    | `a/` | a folder marker |
    | `/a`, `a//b` | an empty part between slashes |
    | `.`, `a/./b` | a part `.` |
    | `..`, `a/../b` | a part `..`: it would lead elsewhere |
    | with a NUL in it | a NUL |
    | not Unicode | can't be written as UTF-8 |
    | a part of 256 bytes | too long a name |
    | 4,096 bytes in all | too long a path |
    | `a/.hornbeam-<32 hex digits>.tmp` | our temporary files are called so |
    """
    parts = key.split("/")
    if key.endswith("/"):
        return "it ends in / (a folder marker), and a file can't: leave it out with --exclude"
    if "" in parts:
        return "it is empty or has nothing between two slashes: rename it, or copy to an object store"
    if "." in parts or ".." in parts:
        return "it has a part . or .., which would lead elsewhere on a disk: rename it, or copy to an object store"
    if "\0" in key:
        return "it has a NUL in it: rename it, or copy to an object store"
    try:
        sizes = [len(os.fsencode(part)) for part in parts]
    except UnicodeEncodeError:
        return "it is not valid Unicode: rename it, or copy to an object store"
    if max(sizes) > MAX_NAME_BYTES:
        return f"a part of it has {max(sizes)} bytes, and a file's name {MAX_NAME_BYTES} at most: rename it"
    if sum(sizes) + len(sizes) - 1 > MAX_PATH_BYTES:
        return f"it is longer than {MAX_PATH_BYTES} bytes, which no path may be: rename it"
    if is_temporary(parts[-1]):
        return "Hornbeam's own temporary files are called so: rename it"
    return ""


def temporary_name(writer: str) -> str:
    """A new name for a file that is being written.

    Args:
        writer: 16 hex digits that tell who writes (local_writers.py).
    """
    return f".hornbeam-{writer}{uuid.uuid4().hex[:16]}.tmp"


def writer_of(name: str) -> str:
    """The 16 hex digits in one of `temporary_name`'s names; "" for any other name."""
    return name.removeprefix(".hornbeam-")[:16] if is_temporary(name) else ""


def is_temporary(name: str) -> bool:
    """Whether a file's name (without its folder) is one of `temporary_name`."""
    return name.startswith(".hornbeam-") and _TEMPORARY.fullmatch(name) is not None


def other_spelling(name: str, names: list[str]) -> str:
    """Under which other spelling a name that the disk finds stands in its folder; "" when under its own.

    | name | names in the folder | other spelling |
    |---|---|---|
    | `README` | `README`, `readme` | (none) |
    | `README` | `a`, `readme` | `readme` |
    | `README` | `a` | (none: it is gone again) |
    """
    if name in names:
        return ""
    return next((other for other in names if other.casefold() == name.casefold()), "")
