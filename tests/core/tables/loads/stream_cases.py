"""Batches of a stream by their function, without an engine: files in a folder, notices of them, what is left behind."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from transforms.core.objects.store import open_store
from transforms.core.run_folder import RunFolder
from transforms.core.streams.notice import LISTING, Notice
from transforms.core.tables.loads.connections import Connections
from transforms.core.tables.loads.load_settings import LoadSettings
from transforms.core.tables.loads.stream_files import load_batch

if TYPE_CHECKING:
    from pathlib import Path

    from transforms.core.streams.stream_part import BatchTotals

SCHEMA = '{"fields": [{"name": "id", "type": "integer"}, {"name": "name", "type": "string"}]}'


@dataclass
class Stream:
    """One process's stream into table `t`."""

    folder: Path
    settings: LoadSettings
    run: str = "run-1"
    connections: Connections = field(init=False)

    def __post_init__(self) -> None:
        self.connections = Connections(self.settings)

    def write(self, name: str, text: str) -> str:
        """Writes a source file; returns its name."""
        path = self.folder / "in" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        return name

    def rows(self, name: str, first: int, count: int = 2) -> str:
        """Writes a source file of (id, name)."""
        return self.write(
            name, "id,name\n" + "".join(f"{number},n{number}\n" for number in range(first, first + count))
        )

    def notice(self, name: str, version: str | None = None) -> Notice:
        """A notice of a file, as a listing gives it now."""
        uri = f"file://{self.folder}/in/{name}"
        info = open_store(uri).head(uri)
        return Notice(uri, info.etag if version is None else version, info.size_bytes, info.modified, 0.0, LISTING)

    def load(self, *names: str | Notice) -> BatchTotals:
        """Loads one batch."""
        batch = [self.notice(name) if isinstance(name, str) else name for name in names]
        return load_batch(batch, self.settings, self.connections, self.account)

    @property
    def account(self) -> RunFolder:
        """The run's folder."""
        return RunFolder(f"file://{self.folder}/run", self.run)

    def lines(self, kind: str) -> list[dict[str, Any]]:
        """The run's lines of a kind."""
        return [line for line in self.account.parts() if line["kind"] == kind]

    def outcomes(self) -> dict[str, tuple[str, int, int, int]]:
        """Status, counted, loaded and rejected rows of each file."""
        return {
            os.path.basename(line["item"]): (  # noqa: PTH119 - an address, not a path
                line["status"],
                line["rows_counted"],
                line["rows_loaded"],
                line["rows_rejected"],
            )
            for line in self.lines("outcome")
        }

    def restarted(self, run: str = "", **changes: Any) -> Stream:
        """Another process: it knows only what the destination knows."""
        self.connections.close()
        return Stream(self.folder, self.settings._replace(**changes), run or self.run)


def stream_into(folder: Path, uri: str, password: str = "", **changes: Any) -> Stream:
    """A stream into a destination; the table's columns are SCHEMA's unless `schema_text` says other."""
    settings = LoadSettings((f"{folder}/in/*",), uri, "t", schema_text=SCHEMA, password=password)
    return Stream(folder, settings._replace(**changes))
