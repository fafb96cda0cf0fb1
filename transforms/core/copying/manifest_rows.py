"""One row of a manifest: what it may hold, what it means, and what is wrong with it. Pure.

The csv module reads one record at a time: quotes as spreadsheets write them, and nothing guessed.
"""

from __future__ import annotations

import csv
import json
import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from transforms.core.copying.checksums import ALGORITHMS, hex_of
from transforms.core.errors import ConfigError
from transforms.core.objects import local_paths
from transforms.core.objects.details import Checksums
from transforms.core.objects.uri import has_scheme, last_name, parse, shown

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_UNADDRESSABLE: Final = re.compile("[\0\ud800-\udfff]")
COLUMNS: Final = ("source", "destination", "size", *ALGORITHMS)


class ManifestRow(NamedTuple):
    """One object that a manifest names.

    Attributes:
        line: Its first line in the manifest, from 1.
        source: Absolute address.
        uri: Absolute address that it takes.
        size_bytes: As the manifest says; -1 when it doesn't.
        expected: Checksums that the manifest demands, lower-case hex; all "" when it doesn't.
    """

    line: int
    source: str
    uri: str
    size_bytes: int
    expected: Checksums


class RowRules(NamedTuple):
    """What rows are read against.

    Attributes:
        columns: Of the CSV header; () for JSON Lines.
        destination: Absolute address of the destination's prefix, ending in `/` (or a bucket's root).
        folder: Absolute path of the folder that relative source paths start from, ending in `/`.
        as_named: Whether names are taken as they are, absolute addresses on both sides that a listing gave: what a
            store doesn't take it refuses itself, and the others go.
    """

    columns: tuple[str, ...]
    destination: str
    folder: str
    as_named: bool = False


def csv_columns(record: bytes) -> tuple[str, ...]:
    """The columns that a CSV header names.

    Args:
        record: The header, without its line end.

    Raises:
        ConfigError: It is none, it names unknown columns or one twice, or there is no `source`.
    """
    columns = tuple(name.strip().lower() for name in _cells(record))
    if "source" not in columns:
        raise ConfigError(f"line 1 has no column source: begin with a header of these columns: {', '.join(COLUMNS)}")
    for name in columns:
        if name not in COLUMNS:
            raise ConfigError(f"line 1: unknown column {name!r}; known: {', '.join(COLUMNS)}")
        if columns.count(name) > 1:
            raise ConfigError(f"line 1 names column {name!r} twice: name it once")
    return columns


def read_row(record: bytes, line: int, rules: RowRules) -> ManifestRow:
    """Reads one row.

    | column | holds |
    |---|---|
    | source | an address, or a path (relative ones start from `rules.folder`) |
    | destination | a key relative to the destination, or an address below it; empty: the source's last name |
    | size | bytes; empty: any |
    | md5, crc32c, crc64nvme, sha256, sha1 | in hex or base64; empty: any |

    Args:
        record: CSV or JSON, without its line end.
        line: Its number.
        rules: How to read it.

    Raises:
        ConfigError: What is wrong, without the line's number.
    """
    cells = _json_cells(record) if not rules.columns else _csv_cells(record, rules.columns)
    source, uri = _names(cells.get("source", ""), cells.get("destination", ""), rules)
    size = cells.get("size", "")
    if size and not (size.isascii() and size.isdigit()):
        raise ConfigError(f"size {size!r} is no number of bytes")
    expected = {name: hex_of(cells[name], name) for name in ALGORITHMS if cells.get(name)}
    return ManifestRow(line, source, uri, int(size or -1), Checksums(**expected))


def _cells(record: bytes) -> list[str]:
    try:
        return next(csv.reader([record.decode("utf-8-sig")], strict=True))
    except UnicodeDecodeError as e:
        raise ConfigError(f"byte {e.start} is not UTF-8: save the manifest as UTF-8") from e
    except (csv.Error, StopIteration) as e:
        raise ConfigError(f"it is not CSV ({e}): quote cells that hold commas, and double the quotes in them") from e


def _csv_cells(record: bytes, columns: Sequence[str]) -> dict[str, str]:
    cells = _cells(record)
    if len(cells) != len(columns):
        raise ConfigError(f"{len(cells)} cells, the header has {len(columns)}: quote cells that hold commas")
    return dict(zip(columns, cells, strict=True))


def _json_cells(record: bytes) -> dict[str, str]:
    try:
        found: Any = json.loads(record)
    except ValueError as e:
        raise ConfigError(f"it is not JSON ({e})") from e
    if not isinstance(found, dict):
        raise ConfigError('it is no object: write {"source": …}')
    return {name: _json_text(name, value) for name, value in _known(found).items() if value is not None}


def _known(found: Mapping[str, Any]) -> Mapping[str, Any]:
    for name in found:
        if name not in COLUMNS:
            raise ConfigError(f"unknown name {name!r}; known: {', '.join(COLUMNS)}")
    return found


def _json_text(name: str, value: Any) -> str:
    if name == "size" and isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str):
        raise ConfigError(f"{name} is {value!r}, which is no text")
    return value


def _names(source: str, destination: str, rules: RowRules) -> tuple[str, str]:
    if not rules.as_named:
        source = _source(source, rules.folder)
        return source, _destination(destination, source, rules.destination)
    _check_below(destination, rules.destination)
    return source, destination


def _source(text: str, folder: str) -> str:
    if not text:
        raise ConfigError("there is no source")
    _check_text(text)
    uri = str(parse(text)) if has_scheme(text) else f"file://{text if text.startswith('/') else folder + text}"
    if not parse(uri).key or uri.endswith("/"):
        raise ConfigError(f"source {shown(text)!r} names no object: a manifest names objects, not prefixes")
    return uri


def _destination(text: str, source: str, prefix: str) -> str:
    if not text:
        text = last_name(source)
    _check_text(text)
    if has_scheme(text):
        _check_below(text, prefix)
        text = text[len(prefix) :]
    wrong = local_paths.refusal(text) if prefix.startswith("file:") else _refusal(text)
    if wrong:
        raise ConfigError(f"destination {text!r} can't be used: {wrong}")
    return prefix + text


def _check_below(uri: str, prefix: str) -> None:
    if not uri.startswith(prefix):
        raise ConfigError(f"destination {shown(uri)!r} is not below {shown(prefix)}")


def _refusal(key: str) -> str:
    """Why a relative key may not be a destination in a bucket; "" when it may."""
    if not key or key.startswith("/"):
        return "write a name relative to the destination, without a slash in front"
    depth = 0
    for part in key.split("/"):
        depth += {"..": -1, ".": 0, "": 0}.get(part, 1)
        if depth < 0:
            return "its .. leads out of the destination"
    return ""


def _check_text(text: str) -> None:
    if _UNADDRESSABLE.search(text):
        raise ConfigError(f"{text!r} holds a NUL or half a character, which no address may")
