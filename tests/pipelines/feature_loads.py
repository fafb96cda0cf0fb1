"""One small load in this process: files in, the summary, the table and the rejects out."""

from __future__ import annotations

import contextlib
import io
import json
import sqlite3
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import duckdb
import openpyxl

from pipelines.table_ingest import Settings, run

if TYPE_CHECKING:
    from pathlib import Path

    from transforms.core.summary import Summary


@dataclass(frozen=True)
class Loaded:
    """What a load left behind."""

    summary: Summary
    folder: Path
    database: Path
    table: str

    @property
    def columns(self) -> list[str]:
        return [name for name, _ in self._query("columns")]

    @property
    def rows(self) -> list[tuple[Any, ...]]:
        return self._query("rows")

    @property
    def error(self) -> str:
        return self.summary.error.message if self.summary.error else ""

    def lines(self, name: str) -> list[dict[str, Any]]:
        path = self.folder / name
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    @property
    def rejects(self) -> list[dict[str, Any]]:
        return self.lines("rejects.jsonl")

    def _query(self, what: str) -> list[tuple[Any, ...]]:
        name = self.table.replace('"', '""')
        if self.database.suffix == ".sqlite":
            with contextlib.closing(sqlite3.connect(self.database)) as connection:
                found = connection.execute(f'SELECT * FROM "{name}"')
                return [(one[0], "") for one in found.description] if what == "columns" else found.fetchall()
        with duckdb.connect(str(self.database), read_only=True) as connection:
            found = connection.execute(f'SELECT * FROM "{name}"')
            return [(one[0], "") for one in found.description] if what == "columns" else found.fetchall()


def write(folder: Path, files: dict[str, str | bytes]) -> list[str]:
    """Writes files below a folder; returns their paths."""
    paths = []
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        paths.append(str(path))
    return paths


def load(
    folder: Path, files: dict[str, str | bytes], table: str = "t", kind: str = "duckdb", **settings: Any
) -> Loaded:
    """Writes the files and loads them (or `source`) into a database below the folder."""
    paths = write(folder, files)
    database = folder / f"out.{kind}"
    output = folder / f"run{len(list(folder.glob('run*')))}"
    given = {"source": paths, "destination": f"{kind}:///{database}", "table": table, "output": output, **settings}
    return Loaded(run(Settings(**given)), output, database, table)


def workbook(sheets: dict[str, list[list[Any]]]) -> bytes:
    """An .xlsx file."""
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()
