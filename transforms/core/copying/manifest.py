"""`--manifest FILE`: a list of objects as CSV or JSON Lines, checked whole before anything is touched, cut into tasks.

Read as a stream, twice at most: to check and cut it (8 bytes a row in memory), and to name rows that want one name.
"""

from __future__ import annotations

import array
import hashlib
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from transforms.core.copying.manifest_rows import RowRules, csv_columns, read_row
from transforms.core.copying.range_sizes import MOST_RANGES
from transforms.core.errors import ConfigError
from transforms.core.objects.access import StoreAccess
from transforms.core.objects.store import open_store, stream
from transforms.core.objects.uri import shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from transforms.core.copying.manifest_rows import ManifestRow
    from transforms.core.outcome import ObjectInfo

TASK_ROWS: Final = 1000
MAX_RECORD_BYTES: Final = 64 * 1024
SHOWN_PROBLEMS: Final = 50
_JSON_ENDINGS: Final = (".jsonl", ".ndjson", ".json")


class Manifest(NamedTuple):
    """A manifest, one version of it.

    Attributes:
        info: The file.
        access: How it is reached.
        rules: What its rows are read against.
        first_byte: Where the first row starts.
        first_line: Its line number.
    """

    info: ObjectInfo
    access: StoreAccess
    rules: RowRules
    first_byte: int
    first_line: int


class ManifestTask(NamedTuple):
    """Some rows of a manifest, worked together: a range of its bytes.

    Attributes:
        number: From 0, in the manifest's order.
        start: First byte.
        stop: Byte behind the last.
        first_line: Line number at `start`.
        rows: How many rows there are.
        size_bytes: What their sizes add up to, as far as the manifest tells them.
    """

    number: int
    start: int
    stop: int
    first_line: int
    rows: int
    size_bytes: int


class ManifestError(ConfigError):
    """A manifest that can't be used as it is; nothing was touched.

    Attributes:
        problems: (line, what is wrong) of every bad line.
    """

    def __init__(self, uri: str, problems: list[tuple[int, str]]) -> None:
        lines = [f"line {line}: {text}" for line, text in problems[:SHOWN_PROBLEMS]]
        more = [f"and {len(problems) - SHOWN_PROBLEMS} more"] if len(problems) > SHOWN_PROBLEMS else []
        head = f"manifest {shown(uri)} has {len(problems)} bad line{'s' * (len(problems) != 1)}; nothing was copied"
        super().__init__("\n  ".join([f"{head}:", *lines, *more]))
        self.problems = tuple(problems)


class _Record(NamedTuple):
    line: int
    start: int
    stop: int
    data: bytes


def open_manifest(
    uri: str,
    destination: str,
    folder: str,
    access: StoreAccess = StoreAccess(),  # noqa: B008 - an immutable value
    *,
    as_named: bool = False,
) -> Manifest:
    """Finds a manifest and reads its header.

    Args:
        uri: Absolute address; `.jsonl`, `.ndjson` and `.json` hold JSON Lines, everything else CSV.
        destination: Absolute address of the destination's prefix, ending in `/`.
        folder: Absolute path that relative source paths start from, ending in `/`.
        access: How to reach it.
        as_named: See `RowRules.as_named`.

    Raises:
        ManifestError: Its header is wrong or missing.
        MissingError: There is no such file.
    """
    info = open_store(uri, access).head(uri)
    bare = Manifest(info, access, RowRules((), destination, folder, as_named), 0, 1)
    if uri.lower().endswith(_JSON_ENDINGS):
        return bare
    csv = bare._replace(rules=RowRules(("?",), destination, folder))
    header = next(_records(csv, 0, info.size_bytes, 1), None)
    try:
        columns = csv_columns(header.data if header else b"")
    except ConfigError as e:
        raise ManifestError(uri, [(1, str(e).removeprefix("line 1: ").removeprefix("line 1 "))]) from e
    assert header is not None
    lines = header.data.count(b"\n") + header.line + 1
    return Manifest(info, access, RowRules(columns, destination, folder), header.stop, lines)


def checked_tasks(manifest: Manifest, task_rows: int = TASK_ROWS, most_tasks: int = MOST_RANGES) -> list[ManifestTask]:
    """Checks every row, and cuts the manifest into tasks.

    Args:
        manifest: From `open_manifest`.
        task_rows: Most rows in a task, as long as that doesn't make too many tasks.
        most_tasks: Never more tasks than these.

    Raises:
        ManifestError: With every line that can't be read or whose destination another line has too; it names nothing.
        SourceChangedError: It changed while it was read.
    """
    problems: list[tuple[int, str]] = []
    names = array.array("Q")
    tasks: list[ManifestTask] = []
    rows, size_bytes, first = 0, 0, (manifest.first_byte, manifest.first_line)
    for record, row in _rows(manifest, problems):
        if rows == task_rows:
            tasks.append(ManifestTask(len(tasks), first[0], record.start, first[1], rows, size_bytes))
            rows, size_bytes, first = 0, 0, (record.start, record.line)
        rows += 1
        size_bytes += max(row.size_bytes, 0)
        names.append(_name(row.uri))
    if rows:
        tasks.append(ManifestTask(len(tasks), first[0], manifest.info.size_bytes, first[1], rows, size_bytes))
    problems += _twice(manifest, names)
    if not tasks and not problems:  # a list that somebody's program failed to fill, more likely than nothing to do
        problems.append((manifest.first_line, "it names no object"))
    if problems:
        raise ManifestError(manifest.info.uri, sorted(problems))
    while len(tasks) > most_tasks:
        tasks = [_joined(number, tasks[2 * number : 2 * number + 2]) for number in range((len(tasks) + 1) // 2)]
    return tasks


def _joined(number: int, pair: list[ManifestTask]) -> ManifestTask:
    first, last = pair[0], pair[-1]
    rows, size_bytes = sum(task.rows for task in pair), sum(task.size_bytes for task in pair)
    return ManifestTask(number, first.start, last.stop, first.first_line, rows, size_bytes)


def task_rows(manifest: Manifest, task: ManifestTask) -> Iterator[ManifestRow]:
    """The rows of a task, in order.

    Args:
        manifest: From `open_manifest`.
        task: One of its `checked_tasks`.

    Raises:
        SourceChangedError: The manifest changed since it was checked.
    """
    for record in _records(manifest, task.start, task.stop, task.first_line):
        yield read_row(record.data, record.line, manifest.rules)


def _rows(manifest: Manifest, problems: list[tuple[int, str]]) -> Iterator[tuple[_Record, ManifestRow]]:
    """The rows that can be read; what is wrong with the others goes to `problems`."""
    records = _records(manifest, manifest.first_byte, manifest.info.size_bytes, manifest.first_line)
    while True:
        try:
            record = next(records, None)
        except _EndlessRecordError as e:
            problems.append((e.line, str(e)))
            return
        if record is None:
            return
        try:
            row = read_row(record.data, record.line, manifest.rules)
        except ConfigError as e:
            problems.append((record.line, str(e)))
        else:
            yield record, row


def _twice(manifest: Manifest, names: array.array[int]) -> list[tuple[int, str]]:
    """The rows whose destination an earlier row has; only where hashes meet is the manifest read once more."""
    hashes = np.sort(np.frombuffer(names, dtype=np.uint64)) if names else np.empty(0, np.uint64)
    met = set(hashes[1:][hashes[1:] == hashes[:-1]].tolist())
    if not met:
        return []
    first: dict[str, int] = {}
    found = []
    for _, row in _rows(manifest, []):
        if _name(row.uri) in met and first.setdefault(row.uri, row.line) != row.line:
            found.append((row.line, f"destination {shown(row.uri)!r} is that of line {first[row.uri]} too"))
    return found


def _name(uri: str) -> int:
    return int.from_bytes(hashlib.blake2b(uri.encode(errors="surrogatepass"), digest_size=8).digest(), "big")


class _EndlessRecordError(ConfigError):
    def __init__(self, line: int) -> None:
        super().__init__(f"it doesn't end within {MAX_RECORD_BYTES} bytes: is a quote left open?")
        self.line = line


def _records(manifest: Manifest, start: int, stop: int, line: int) -> Iterator[_Record]:
    """Records that aren't blank, each with its place: lines, or (CSV) as many as it takes to close a quote."""
    quoted = bool(manifest.rules.columns)
    begun, place, lines = b"", start, 0
    for text in _lines(manifest, start, stop):
        begun += text
        lines += 1
        if len(begun) > MAX_RECORD_BYTES:
            raise _EndlessRecordError(line)
        if quoted and begun.count(b'"') % 2 and place + len(begun) < stop:
            continue
        data = begun.removesuffix(b"\n").removesuffix(b"\r")
        if data.strip():
            yield _Record(line, place, place + len(begun), data)
        place, line, begun, lines = place + len(begun), line + lines, b"", 0


def _lines(manifest: Manifest, start: int, stop: int) -> Iterator[bytes]:
    """Lines with their ends; one that is too long comes in pieces, so that it doesn't fill the memory."""
    store = open_store(manifest.info.uri, manifest.access)
    rest = b""
    for block in stream(store, manifest.info, start, stop):
        *whole, rest = (rest + block).split(b"\n")
        yield from (text + b"\n" for text in whole)
        if len(rest) > MAX_RECORD_BYTES:
            yield rest
            rest = b""
    if rest:
        yield rest
