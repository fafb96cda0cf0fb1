"""`hornbeam status DESTINATION`: the loads that a destination remembers, newest first; reads only, makes nothing."""

from __future__ import annotations

import argparse
import json
import sys
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

from pipelines.store_options import KEY, access_of, contradiction
from transforms.core.errors import ConfigError
from transforms.core.scrubbing import remember, scrub
from transforms.core.secret import FORMS, is_reference, resolve, take_out_password
from transforms.core.tables.databases.registry import find_database, open_destination
from transforms.core.tables.loads.destination_uri import FILE_SCHEMES, parse_destination, scheme_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from transforms.core.tables.loads.destination import StoredLoad

ID_DIGITS = 12
TERMINAL_COLUMNS = 100
SHORTEST_TABLE = 7  # with counts of 8 digits the line then has 100
SECRETS = "password", *KEY
USAGE = "hornbeam status DESTINATION [--table NAME] [--limit N] [--json] [--destination_password REF]"


class LoadLine(NamedTuple):
    """One load, as it is printed; the fields are the table's columns and the keys of a line with `--json`.

    Attributes:
        load: Its id, 32 hex digits (the table shows the first 12).
        table: Its target.
        mode: append, replace or upsert.
        status: pending, processing, completed or failed.
        counted: Records that its plan counted.
        loaded: Rows in the target, or in staging as long as it isn't completed.
        rejected: Records that didn't fit.
        skipped: Blank records.
        started: When, ISO 8601, UTC.
        seconds: From there to its end; None as long as it has none.
        staging: Where its rows wait (dropping that gives the load up); "" without a plan, and once it is completed.
        error: Why it failed; "" otherwise.
    """

    load: str
    table: str
    mode: str
    status: str
    counted: int
    loaded: int
    rejected: int
    skipped: int
    started: str
    seconds: float | None
    staging: str
    error: str


def main(argv: Sequence[str]) -> int:
    """Prints the loads of a destination.

    Args:
        argv: The destination's address and the options of USAGE.

    Returns:
        0.

    Raises:
        ConfigError: The command is wrong, there is no such destination, or it can't be read.
    """
    asked = _parse(argv)
    lines = [line for line in read_loads(asked) if asked.table in {None, line.table}]
    shown = list(islice(lines, asked.limit))
    if asked.json:
        texts = [json.dumps(line._asdict(), ensure_ascii=False) for line in shown]
    else:
        texts = table_of(shown, TERMINAL_COLUMNS if sys.stdout.isatty() else None)
        if len(lines) > len(shown):
            texts.append(f"{len(shown)} of {len(lines)} loads; --limit {len(lines)} shows all")
    sys.stdout.write("".join(f"{scrub(text)}\n" for text in texts))
    return 0


def read_loads(asked: argparse.Namespace) -> list[LoadLine]:
    """All loads of the destination, newest first. Raises ConfigError as `main` does."""
    clean = take_out_password(asked.destination)
    if clean.reference and asked.destination_password:
        raise ConfigError("the address holds a password and --destination_password gives another one: keep one of them")
    _demand_there(clean.uri)
    reference = clean.reference or asked.destination_password
    if problem := contradiction(asked, "destination"):
        raise ConfigError(problem)
    access = access_of(asked, "destination")
    destination = open_destination(clean.uri, resolve(reference) if reference else "", access)
    try:
        destination.open()
        staging = find_database(clean.uri).staging
        return [line_of(load, staging) for load in destination.loads()]
    finally:
        destination.close()


def _demand_there(uri: str) -> None:
    """A database file, or a local folder, that isn't there would be an empty answer to a mistyped name."""
    scheme = scheme_of(uri)
    place = Path()
    if scheme in FILE_SCHEMES:
        place = Path(parse_destination(uri).path)
    elif scheme == "parquet" and "://" not in uri:
        place = Path(uri.removeprefix("parquet:")).expanduser()
    if not place.exists():
        kind = "folder" if scheme == "parquet" else "file"
        raise ConfigError(f"{uri}: there is no {kind} {place}, so no load went there: check the path")


def line_of(load: StoredLoad, staging: str) -> LoadLine:
    """What is printed of a stored load, whose destination has its `staging` there."""
    started, finished = load.started, load.finished
    took = None
    if started and finished:
        took = (datetime.fromisoformat(finished) - datetime.fromisoformat(started)).total_seconds()
    spec = load.spec
    totals = (spec.counted, load.loaded, load.rejected, load.skipped)
    waits = "" if load.status == "completed" or not load.planned else staging.format(load=spec.load_id)
    return LoadLine(spec.load_id, spec.table, spec.mode, load.status, *totals, started, took, waits, load.error)


def table_of(lines: Iterable[LoadLine], columns: int | None) -> list[str]:
    """The loads as an aligned table; below a load stand its error, and how it goes on if it isn't completed.

    Args:
        lines: The loads.
        columns: Longest line; names of tables and errors are cut to fit. None = nothing is cut.
    """
    loads = list(lines)
    if not loads:
        return ["no loads"]
    rows = [LoadLine._fields[:-2], *map(_cells, loads)]
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    if columns is not None:
        widths[1] = min(widths[1], max(SHORTEST_TABLE, columns - sum(widths) - len(widths) + 1 + widths[1]))
    texts = [_aligned(rows[0], widths)]
    for load, row in zip(loads, rows[1:], strict=True):
        texts.append(_aligned(row, widths))
        if load.error:
            texts.append(_cut(f"    {' '.join(load.error.split())}", columns))
        if load.staging:
            texts.append(f"    not complete: the same command goes on; {load.staging} holds its rows")
        if load.status == "pending":
            texts.append("    its sources are being scanned; if no command is at it any more, the same one goes on")
    return texts


def _cells(load: LoadLine) -> tuple[str, ...]:
    counts = (load.counted, load.loaded, load.rejected, load.skipped)
    seconds = "" if load.seconds is None else f"{load.seconds:.1f}"
    started = load.started[:16].replace("T", " ")
    name = " ".join(load.table.split())
    return (load.load[:ID_DIGITS], name, load.mode, load.status, *map(str, counts), started, seconds)


def _aligned(cells: Sequence[str], widths: Sequence[int]) -> str:
    numbers = {4, 5, 6, 7, 9}
    fitted = [_cut(cell, width) for cell, width in zip(cells, widths, strict=True)]
    pairs = enumerate(zip(fitted, widths, strict=True))
    return " ".join(cell.rjust(width) if place in numbers else cell.ljust(width) for place, (cell, width) in pairs)


def _cut(text: str, width: int | None) -> str:
    return text if width is None or len(text) <= width else text[: width - 1] + "…"


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise ConfigError(f"{scrub(message)}: {USAGE}")


def _parse(argv: Sequence[str]) -> argparse.Namespace:
    parser = _Parser(prog="hornbeam status", allow_abbrev=False, add_help=False)
    parser.add_argument("destination")
    parser.add_argument("--table")
    parser.add_argument("--limit", type=_count, default=20)
    parser.add_argument("--json", action="store_true")
    for name in ("endpoint_url", "region", "profile", *SECRETS):
        parser.add_argument(f"--destination_{name}")
    asked = parser.parse_args([_underscored(word) for word in argv])
    for name in SECRETS:
        given: Any = getattr(asked, f"destination_{name}")
        if given and not is_reference(given):
            remember(given)
            raise ConfigError(f"--destination_{name} takes a reference, not the secret itself: {FORMS}")
    return asked


def _underscored(word: str) -> str:
    name, equals, value = word.partition("=")
    return f"--{name[2:].replace('-', '_')}{equals}{value}" if word.startswith("--") else word


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError(text)
    return number
