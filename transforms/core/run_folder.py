"""A run's folder, on a disk or in any object store: parts that units write, and the files that everybody reads.

Each unit overwrites its own part, `parts/<run id>/<unit id>.jsonl`; merging them is the last step (merging.py).
"""

from __future__ import annotations

import json
import re
import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from transforms.core.errors import ConfigError
from transforms.core.objects.store import MissingError, StoreAccess, absolute, open_store
from transforms.core.outcome import Failure, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from transforms.core.objects.store import Store

UNIT_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}")
# A name that is no UTF-8 holds lone surrogates: in JSON their escapes say the same.
ENCODING_ERRORS: Final = "backslashreplace"
Line = dict[str, Any]


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
            path.replace(target / name)

    def read(self, name: str) -> str | None:
        """One of the folder's files, whole, or None when it isn't there.

        Args:
            name: `summary.json`, `failures.jsonl`.
        """
        store = self._store()
        try:
            info = store.head(f"{self.uri}/{name}")
        except MissingError:
            return None
        return store.read(info, 0, info.size_bytes).decode()

    def write_part(self, unit_id: str, lines: Iterable[Mapping[str, Any]]) -> None:
        """Overwrites a unit's part: everything that it has to say, made by the functions below.

        Args:
            unit_id: Letters, digits, `.`, `_`, `-`; parts merge in the order of these ids, so pad numbers with zeros.
            lines: Plain values; each has a `kind`.

        Raises:
            ValueError: A unit id that can't be a file's name.
        """
        text = "".join(json.dumps(line, ensure_ascii=False, default=str) + "\n" for line in lines)
        self.write(self._part(unit_id), text)

    def read_part(self, unit_id: str) -> list[Line]:
        """What a unit already said in this run (an engine may repeat it); empty when it is the first time.

        Args:
            unit_id: As for `write_part`.
        """
        return list(parse_lines(self.read(self._part(unit_id)) or ""))

    def parts(self) -> Iterator[Line]:
        """All lines of all parts of this run, by unit id; holds one part at a time."""
        store = self._store()
        for info in store.list(f"{self.uri}/parts/{self.run_id}/"):
            yield from parse_lines(store.read(info, 0, info.size_bytes).decode())

    def _part(self, unit_id: str) -> str:
        if not UNIT_ID.fullmatch(unit_id):
            raise ValueError(f"unit id {unit_id!r} can't name a part: use letters, digits, '.', '_' and '-'")
        return f"parts/{self.run_id}/{unit_id}.jsonl"

    def _store(self) -> Store:
        return open_store(self.uri, self.access)


def new_run_folder(pipeline: str, output: str | None, access: StoreAccess = StoreAccess()) -> RunFolder:  # noqa: B008
    """Names the folder of a new run; a local one is made, and nothing is written yet.

    Args:
        pipeline: The pipeline's name, for the default folder.
        output: The folder asked for, or None for `runs/<pipeline>-<UTC time>-<id>`.
        access: How to reach its store.

    Raises:
        ConfigError: A local one can't be made.
    """
    run_id = f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"
    folder = RunFolder(absolute(output or f"runs/{pipeline}-{run_id}").rstrip("/"), run_id, access)
    if folder.local_path is not None:
        try:
            folder.local_path.mkdir(parents=True, exist_ok=True)
        except OSError as e:
            reason = f"the run's folder {folder.local_path} can't be made ({e.strerror})"
            raise ConfigError(f"{reason}: name one that can be written with --output") from e
    return folder


def parse_lines(text: str) -> Iterator[Line]:
    """The objects of JSON Lines; only a newline ends a line, not the other separators that `splitlines` knows.

    Args:
        text: One object a line.
    """
    return (json.loads(line) for line in text.split("\n") if line)


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
            yield Outcome(**plain)
