"""What single settings of `ingest` may be and how they fit together: pure functions, one sentence a problem."""

from __future__ import annotations

import codecs
import re
from decimal import Decimal
from typing import TYPE_CHECKING

from transforms.core.scrubbing import scrub

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipelines.ingest_settings import IngestSettings

HTTP = r"^https?://[^\s@]+$"
DESTINATION = (
    r"^((duckdb|sqlite):///[^?#]+|postgres(ql)?://([^\s:@/]*@)?[^\s@]+|parquet:[^\s].*"
    r"|bigquery://[A-Za-z0-9.:_-]+/[A-Za-z0-9_]+)$"
)
_NAMED_CHARACTERS = {"tab": "\t", "\\t": "\t", "space": " ", "comma": ",", "semicolon": ";", "pipe": "|", "none": ""}
_USERINFO = re.compile(r"^[A-Za-z][\w+.-]*://[^/?#]*:[^/?#]*@")


def character(value: str) -> str:
    r"""The character that a word means: `tab` and `\t` a tabulator, `none` the empty text, `auto` itself.

    Raises:
        ValueError: It means no single character, or one that can't separate or enclose (line ends, NUL).
    """
    found = _NAMED_CHARACTERS.get(value.lower(), value)
    if found in {"auto", ""} or (len(found) == 1 and found not in "\r\n\x00"):
        return found
    raise ValueError(f"{value!r} is not one character: give auto, tab, space, none, or the character itself")


def encoding(value: str) -> str:
    """An encoding's name as Python writes it, or `auto`. Raises ValueError for one it doesn't know, or a byte codec."""
    if value == "auto":
        return value
    try:
        found = codecs.lookup(value)
        "a".encode(found.name)
    except (LookupError, TypeError) as e:
        raise ValueError(f"{value!r} is no text encoding that Python knows: utf-8, utf-16, cp1252, latin-1, ...") from e
    return found.name


def distinct(value: tuple[str, ...]) -> tuple[str, ...]:
    """The words as they are. Raises ValueError when one is empty or there twice."""
    for word in value:
        if not word.strip():
            raise ValueError("an empty word is in the list")
        if value.count(word) > 1:
            raise ValueError(f"{scrub(word)!r} is in the list twice")
    return value


def without_password(uri: str) -> str:
    """The address as it is. Raises ValueError when it holds a password."""
    if _USERINFO.match(uri):
        raise ValueError(f"{scrub(uri)} holds a password: take it out; credentials come from environment or profile")
    return uri


def share(value: str | None) -> str | None:
    """The limit as it is. Raises ValueError for a share above 100 %."""
    if value is not None and value.endswith("%") and Decimal(value[:-1]) > 100:
        raise ValueError(f"{value} is more than 100%")
    return value


def rejects_allowed(limit: str | None, counted: int) -> int | None:
    """How many rejects a limit allows.

    | limit | counted | allowed |
    |---|---|---|
    | None | any | None (no limit) |
    | "100" | any | 100 |
    | "1%" | 250 | 2 (never rounded up) |
    """
    if limit is None:
        return None
    if limit.endswith("%"):
        return int(Decimal(limit[:-1]) * counted / 100)
    return int(limit)


def _upsert_needs_a_key(s: IngestSettings) -> str | None:
    if s.write_mode == "upsert" and not s.key:
        return "--write_mode=upsert needs --key: name the columns that identify a row"
    if s.key and s.write_mode != "upsert":
        return f"--key has no meaning with --write_mode={s.write_mode}: use --write_mode=upsert or leave --key out"
    return None


def _upsert_needs_a_database(s: IngestSettings) -> str | None:
    if s.write_mode == "upsert" and s.destination.startswith("parquet:"):
        return (
            "--write_mode=upsert can't work on --destination=parquet:…, whose files are never changed: "
            "use append or replace, or a database"
        )
    return None


def _destination_stays(s: IngestSettings) -> str | None:
    if s.destination.endswith(":memory:"):
        return "--destination names a database in memory, of which nothing stays: give a file"
    return None


def _key_is_loaded(s: IngestSettings) -> str | None:
    left_out = [name for name in s.key if s.columns and name not in s.columns]
    if left_out:
        return f"--key names {', '.join(left_out)}, which --columns leaves out: add it there"
    return None


def _one_source_of_names(s: IngestSettings) -> str | None:
    if s.column_names and s.schema_file is not None:
        return "--column_names and --schema both name the columns: leave one out"
    if s.column_names and s.header == "yes":
        return "--column_names is for files without a header, --header=yes says that all have one: leave one out"
    return None


def _characters_differ(s: IngestSettings) -> str | None:
    if s.delimiter == "":
        return "--delimiter=none can't be: every file has one; for files of one column give a character they don't hold"
    for first, second in (("delimiter", "quote"), ("delimiter", "escape")):
        if getattr(s, first) not in {"auto", ""} and getattr(s, first) == getattr(s, second):
            return f"--{first} and --{second} are both {getattr(s, first)!r}: they must differ"
    return None


def _password_has_a_use(s: IngestSettings) -> str | None:
    if s.destination_password is not None and not s.destination.startswith("postgres"):
        scheme = s.destination.partition(":")[0]
        return f"--destination_password is for postgresql://, and --destination is {scheme}: leave it out"
    return None


RULES: tuple[Callable[[IngestSettings], str | None], ...] = (
    _upsert_needs_a_key,
    _upsert_needs_a_database,
    _destination_stays,
    _key_is_loaded,
    _one_source_of_names,
    _characters_differ,
    _password_has_a_use,
)
