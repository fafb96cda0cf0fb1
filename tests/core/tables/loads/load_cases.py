"""A whole load by its step functions, without an engine: sources in a folder, a DuckDB, and what is left behind."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import duckdb

from transforms.core.run_folder import RunFolder
from transforms.core.tables.loads import load_steps
from transforms.core.tables.loads.connections import Connections
from transforms.core.tables.loads.finish_steps import finish
from transforms.core.tables.loads.load_settings import LoadSettings


class Loaded(NamedTuple):
    """What a load left.

    Attributes:
        rows: The table's, in the order of the database; [] when there is no table.
        columns: Its columns' names.
        types: Their types as DuckDB calls them.
        rejects: Rejected records, as rejects.jsonl has them.
        outcomes: (status, detail) of each file, by its name.
        account: Counted, loaded, rejected and skipped records.
        details: For the summary.
        error: (class name, message), ("", "") for none.
    """

    rows: list[tuple[Any, ...]]
    columns: list[str]
    types: list[str]
    rejects: list[dict[str, Any]]
    outcomes: dict[str, tuple[str, str]]
    account: dict[str, int]
    details: dict[str, Any]
    error: tuple[str, str]


def run_load(folder: Path, *sources: Path | str, **changes: Any) -> Loaded:
    """Loads into `folder/out.duckdb`, table `t`; one task at a time.

    Args:
        folder: For the database and the run.
        sources: Files; none = every file of `folder/in`.
        changes: Fields of LoadSettings.
    """
    given = tuple(str(source) for source in sources) or (f"{folder}/in/*",)
    settings = LoadSettings(given, f"duckdb:///{folder}/out.duckdb", "t")._replace(**changes)
    run = RunFolder(f"file://{folder}/run", _next_run(folder))
    connections = Connections(settings)
    try:
        message, results = _steps(settings, connections)
        finish(message, results, settings, connections, run)
    finally:
        connections.close()
    return _read(folder, list(run.parts()))


def _next_run(folder: Path) -> str:
    runs = folder / "run" / "parts"
    return f"run-{len(list(runs.iterdir())) if runs.exists() else 0:03}"


def _steps(
    settings: LoadSettings, connections: Connections
) -> tuple[load_steps.PlanMessage, list[load_steps.LoadResult]]:
    begun = load_steps.begin(settings, connections)
    message, tasks = begun.message, list(begun.tasks)
    if begun.head:
        inspected = [load_steps.inspect(file, settings) for file in begun.files]  # all of them before any is scanned
        found = [begun.head, *(result for _, ready in inspected for result in ready)]
        found += [load_steps.scan(task, settings) for scans, _ in inspected for task in reversed(scans)]
        message, tasks = load_steps.plan(begun.files[0].load_id, found, settings, connections)
    assert message is not None
    return message, [result for task in tasks for result in load_steps.load([task], settings, connections)]


def _read(folder: Path, lines: list[dict[str, Any]]) -> Loaded:
    by_kind: dict[str, list[dict[str, Any]]] = {}
    for line in lines:
        by_kind.setdefault(line.pop("kind"), []).append(line)
    [load] = by_kind["load"]
    [account] = by_kind["rows"]
    rows, columns, types = table(folder)
    outcomes = {Path(line["item"]).name: (line["status"], line["detail"]) for line in by_kind.get("outcome", [])}
    return Loaded(
        rows,
        columns,
        types,
        by_kind.get("reject", []),
        outcomes,
        account,
        load["details"],
        tuple(load["error"]),
    )


def table(folder: Path) -> tuple[list[tuple[Any, ...]], list[str], list[str]]:
    """The table's rows, names and types; nothing when it isn't there."""
    path = folder / "out.duckdb"
    if not path.exists():
        return [], [], []
    with duckdb.connect(str(path)) as database:
        if not database.execute("select 1 from duckdb_tables() where table_name = 't'").fetchall():
            return [], [], []
        found = database.execute("select * from t")
        names = [column[0] for column in found.description or ()]
        return found.fetchall(), names, [str(column[1]) for column in found.description or ()]


def source(folder: Path, name: str, content: str | bytes) -> Path:
    """A file in `folder/in`."""
    path = folder / "in" / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path
