"""A run's folder, on a disk or in any object store: parts that units write, and the files that everybody reads.

Each unit overwrites its own part, `parts/<run id>/<unit id>.jsonl`; merging them is the last step (merging.py).
"""

from __future__ import annotations

import json
import re
import secrets
import shutil
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from transforms.core.errors import ConfigError
from transforms.core.objects.expansion import absolute
from transforms.core.objects.small_files import read_whole
from transforms.core.objects.store import MissingError, StoreAccess, open_store
from transforms.core.objects.uri import shown
from transforms.core.outcome import Failure, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from transforms.core.objects.store import Store

UNIT_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}")
# A name that is no UTF-8 holds lone surrogates: in JSON their escapes say the same.
ENCODING_ERRORS: Final = "backslashreplace"
Line = dict[str, Any]
_ENCODE: Final = json.JSONEncoder(ensure_ascii=False, default=str).encode  # json.dumps would make one for every line


@dataclass(frozen=True)
class RunFolder:
    """Where a run leaves what it says. A plain value: it pickles, and opens its store when it is used.

    Attributes:
        uri: The folder's address, without a last slash.
        run_id: Parts of other runs in the same folder are left alone.
        access: How to reach the store.
    """

    uri: str
    run_id: str
    access: StoreAccess = field(default_factory=StoreAccess)

    @property
    def local_path(self) -> Path | None:
        """The folder as a path, when it is on this machine's disk."""
        return Path(self.uri.removeprefix("file://")) if self.uri.startswith("file://") else None

    @property
    def shown(self) -> str:
        """The folder as people write it: a path (relative below the working folder), or the address."""
        path = self.local_path
        if path is None:
            return self.uri
        return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)

    def write(self, name: str, text: str) -> None:
        """Writes one of the folder's files, whole.

        Args:
            name: `summary.json`, `report.html`.
            text: What it holds.
        """
        self._store().write(f"{self.uri}/{name}", text.encode(errors=ENCODING_ERRORS))

    def write_file(self, name: str, path: Path) -> None:
        """Moves a finished local file into the folder.

        Args:
            name: What it is called there.
            path: The local file; gone afterwards.
        """
        target = self.local_path
        if target is None:
            self._store().write(f"{self.uri}/{name}", path.read_bytes())
            path.unlink()
        else:
            shutil.move(path, beside := target / f".{name}.tmp")  # temporary files may be on another disk
            beside.replace(target / name)

    def read(self, name: str) -> str | None:
        """One of the folder's files, whole, or None when it isn't there.

        Args:
            name: `summary.json`, `failures.jsonl`.
        """
        data = read_whole(self._store(), f"{self.uri}/{name}")
        return None if data is None else data.decode()

    def write_part(self, unit_id: str, lines: Iterable[Mapping[str, Any]]) -> None:
        """Overwrites a unit's part: everything that it has to say, made by the functions below.

        Args:
            unit_id: Letters, digits, `.`, `_`, `-`; parts merge in the order of these ids, so pad numbers with zeros.
            lines: Plain values; each has a `kind`.

        Raises:
            ValueError: A unit id that can't be a file's name.
        """
        self.write_part_texts(unit_id, map(line_text, lines))

    def write_part_texts(self, unit_id: str, texts: Iterable[str]) -> None:
        """The same from lines that are texts already.

        Args:
            unit_id: As for `write_part`.
            texts: Of `line_text`.
        """
        self.write(self._part(unit_id), "".join(f"{text}\n" for text in texts))

    def read_part(self, unit_id: str) -> list[Line]:
        """What a unit already said in this run (an engine may repeat it); empty when it is the first time.

        Args:
            unit_id: As for `write_part`.
        """
        return list(parse_lines(self.read(self._part(unit_id)) or ""))

    def parts(self) -> Iterator[Line]:
        """All lines of all parts of this run, by unit id; holds one part at a time."""
        return (json.loads(text) for _, text in self.part_texts())

    def part_texts(self) -> Iterator[tuple[int, str]]:
        """The same as the texts that stand there, each with the number of its part."""
        store = self._store()
        for number, info in enumerate(store.list(f"{self.uri}/parts/{self.run_id}/")):
            data = read_whole(store, info.uri, info)
            if data is None:
                raise MissingError(f"{shown(info.uri)} is gone, a part of this run: its account can't be whole")
            yield from ((number, line) for line in data.decode().split("\n") if line)

    def _part(self, unit_id: str) -> str:
        if not UNIT_ID.fullmatch(unit_id):
            raise ValueError(f"unit id {unit_id!r} can't name a part: use letters, digits, '.', '_' and '-'")
        return f"parts/{self.run_id}/{unit_id}.jsonl"

    def _store(self) -> Store:
        return open_store(self.uri, self.access)


def new_run_folder(
    pipeline: str,
    output: str | None,
    access: StoreAccess = StoreAccess(),  # noqa: B008
    run_id: str = "",
) -> RunFolder:
    """Names the folder of a new run; a local one is made, and nothing is written yet.

    Args:
        pipeline: The pipeline's name, for the default folder.
        output: The folder asked for, or None for `runs/<pipeline>-<UTC time>-<id>`.
        access: How to reach its store.
        run_id: The run's id where somebody else has given it one.

    Raises:
        ConfigError: A local one can't be made.
    """
    run_id = run_id or new_run_id()
    folder = RunFolder(absolute(output or f"runs/{pipeline}-{run_id}").rstrip("/"), run_id, access)
    if folder.local_path is not None:
        try:
            folder.local_path.mkdir(parents=True, exist_ok=True)
        except OSError as e:
            reason = f"the run's folder {folder.local_path} can't be made ({e.strerror})"
            raise ConfigError(f"{reason}: name one that can be written with --output") from e
    return folder


def new_run_id() -> str:
    """An id for a run that starts now: its UTC time, and something random."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"


def parse_lines(text: str) -> Iterator[Line]:
    """The objects of JSON Lines; only a newline ends a line, not the other separators that `splitlines` knows.

    Args:
        text: One object a line.
    """
    return (json.loads(line) for line in text.split("\n") if line)


def line_text(line: Mapping[str, Any]) -> str:
    """A line as it stands in a part.

    Args:
        line: Plain values; one of them is its `kind`.
    """
    return _ENCODE(line)


def plan_line(items: int, size_bytes: int) -> Line:
    """Says that so much is planned; a run's plan lines add up.

    Args:
        items: How many items.
        size_bytes: How many bytes they have.
    """
    return {"kind": "plan", "items": items, "bytes": size_bytes}


def outcome_line(outcome: Outcome) -> Line:
    """Says what became of an item.

    Args:
        outcome: One a planned item.
    """
    return {"kind": "outcome", **outcome._asdict()}


def failure_line(failure: Failure) -> Line:
    """Tells of a failure.

    Args:
        failure: What failed for good.
    """
    return {"kind": "failure", **failure._asdict()}


def rows_line(counted: int, loaded: int, rejected: int, skipped: int) -> Line:
    """Counts rows; a run's row lines add up.

    Args:
        counted: Rows seen.
        loaded: Rows in the destination.
        rejected: Rows refused.
        skipped: Rows that were there already, or not asked for.
    """
    return {"kind": "rows", "counted": counted, "loaded": loaded, "rejected": rejected, "skipped": skipped}


def failed_items(run: str, access: StoreAccess = StoreAccess()) -> Iterator[Outcome]:  # noqa: B008
    """The items that failed in an earlier run, for `--retry RUN`.

    Args:
        run: The earlier run's folder.
        access: How to reach its store.

    Raises:
        MissingError: The folder has no outcomes.jsonl.
    """
    text = RunFolder(absolute(run).rstrip("/"), "", access).read("outcomes.jsonl")
    if text is None:
        raise MissingError(f"{run}: no outcomes.jsonl there; give --retry the folder of a run that has ended")
    for plain in parse_lines(text):
        if plain["status"] == "failed":
            yield Outcome(*(plain[name] for name in Outcome._fields))
