"""The file that `--schema` names: its text, wherever it is, and its name as it may be told. What it says: core."""

from __future__ import annotations

from typing import TYPE_CHECKING

from transforms.core.errors import ConfigError
from transforms.core.objects.expansion import expand
from transforms.core.objects.store import open_store, stream
from transforms.core.objects.uri import shown

if TYPE_CHECKING:
    from transforms.core.objects.access import StoreAccess


def schema_where(address: str | None) -> str:
    """The address as every message and account may show it: without signatures; "" for none."""
    return shown(address or "")


def schema_text(address: str | None, access: StoreAccess) -> str:
    """The file's text; "" when none is named.

    Args:
        address: What the user typed: a path, an address, a pattern or folder with one file.
        access: How to reach it.

    Raises:
        ConfigError: There is no such file, there are several, or it isn't UTF-8.
        PermanentError: It can't be read.
        TransientError: Its store can't be reached for long.
    """
    if not address:
        return ""
    found = list(expand(address, access))
    if len(found) > 1:
        names = ", ".join(shown(info.uri) for info in found[:2])
        raise ConfigError(
            f"{schema_where(address)} means {len(found)} files, and a schema is one: name it (there are {names}"
            f"{' and others' if len(found) > 2 else ''})"
        )
    data = b"".join(stream(open_store(found[0].uri, access), found[0]))  # a server may not tell its size
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as e:
        raise ConfigError(
            f"{schema_where(address)}: the byte at {e.start} is not UTF-8, which a Table Schema is written in; convert "
            f"the file: iconv -f LATIN1 -t UTF-8, or whatever it is in"
        ) from e
