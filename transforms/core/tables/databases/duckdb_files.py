"""The open DuckDB files of this process: one connection a file, shared and counted, since a file admits one process."""

from __future__ import annotations

import os
import re
import threading
from typing import TYPE_CHECKING

import duckdb

from transforms.core.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

# They hold for this process and are not kept in the file. 2,000,000 rows of 12 columns in transactions of 140,000 (one
# row group and a rest), processor seconds: 4.0 like this; 7.5 when the last checkpoint also merges the rests into full
# row groups; 9.3 when two threads share an INSERT and leave twice as many. DuckDB's own COPY FROM: 6.5 to 7.2.
# Transactions of fewer than 122,880 rows go through the log: 4.3 to 6.
# The memory limit, 2,000,000 rows by the whole command, seconds and MiB above its start: 32MB 4.2, 112; 48MB 3.7, 127;
# 64MB 3.6, 136; 128MB 3.7, 183. Where it is too little, it is doubled.
SETTINGS = {"memory_limit": "48MB", "threads": "1", "max_vacuum_tasks": "0"}


class OpenFile:
    """One file that this process has open.

    Attributes:
        connection: Its connection; destinations work on cursors of it.
        exclusive: Held by whoever makes tables or publishes: DuckDB would refuse the later one's commit.
        users: How many destinations hold it.
    """

    def __init__(self, path: Path) -> None:
        self.connection = _connect(path)
        self.exclusive = threading.Lock()
        self.users = 0


_FILES: dict[tuple[int, str], OpenFile] = {}
_GUARD = threading.Lock()


def _key(path: Path) -> tuple[int, str]:
    """A forked child must not use its parent's connection: the process is part of the key."""
    return os.getpid(), str(path.resolve())


def acquire(path: Path) -> OpenFile:
    """Opens the file, or counts one more user of it.

    Raises:
        ConfigError: It isn't a DuckDB file, can't be made, or another process has it open.
    """
    with _GUARD:
        file = _FILES.get(_key(path))
        if file is None:
            file = _FILES[_key(path)] = OpenFile(path)
        file.users += 1
        return file


def release(path: Path) -> None:
    """Counts one user less; the last one closes the file, which writes its log into it."""
    with _GUARD:
        file = _FILES[_key(path)]
        file.users -= 1
        if not file.users:
            del _FILES[_key(path)]
            file.connection.close()


def _connect(path: Path) -> duckdb.DuckDBPyConnection:
    try:
        connection = duckdb.connect(str(path))
        for name, value in SETTINGS.items():
            connection.execute(f"SET {name} = '{value}'")
    except duckdb.IOException as error:
        raise ConfigError(_explain(path, str(error))) from error
    except duckdb.Error as error:
        raise ConfigError(f"DuckDB can't open {path}: {error}; name another file") from error
    if _path_of(connection) is None:
        connection.close()
        raise ConfigError(f"{path} is not a DuckDB database: name another file")
    return connection


def _path_of(connection: duckdb.DuckDBPyConnection) -> str | None:
    """None for a CSV, JSON or Parquet file: DuckDB opens it as a database in memory, in which a load would vanish."""
    query = "SELECT path FROM duckdb_databases() WHERE database_name = current_database()"
    return next((path for [path] in connection.execute(query).fetchall()), None)


def _explain(path: Path, message: str) -> str:
    holder = re.search(r"lock is held in (.*?\(PID \d+\)[^.\n]*)", message)
    if holder:
        return f"{path} is open in another process, {holder[1]}: DuckDB admits one; wait until it ends, then try again"
    if "not a valid DuckDB" in message:
        return f"{path} is not a DuckDB database: name another file"
    return f"DuckDB can't open {path}: {message}; check that the folder is there and may be written"
