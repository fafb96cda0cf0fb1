"""Streams of the pipelines for a cluster: `ingest` into PostgreSQL and `copy` from a bucket to a disk, as processes.

Each tells what closed batches say, and what would show if anything had been done twice.
"""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING, Any

from tests.pipelines.conftest import make_place
from tests.pipelines.ingest_jobs import Job, csv_bytes, records, start, wait_until
from tests.services.copy_ends import S3Prefix
from transforms.core.objects.uri import last_name

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    import pytest

ROWS = 10
FIELDS = {"id": "integer", "name": "string", "amount": "number"}
WAIT_SECONDS = 150


class Stream:
    """A stream over objects that are called by numbers."""

    def __init__(self, folder: Path, words: Sequence[str]) -> None:
        self.words, self.output = words, folder / "run"
        self.process: subprocess.Popen[str] | None = None

    def start(self, *flags: str) -> None:
        self.process = start([*self.words, f"--output={self.output}", *flags])

    def put(self, numbers: range) -> None:
        raise NotImplementedError

    def wait_for(self, count: int) -> None:
        """Until closed batches tell of so many objects, however often."""

        def told() -> bool:
            self.is_alive()
            return len({line["item"] for line in self._lines()}) >= count

        wait_until(told, f"{count} objects", WAIT_SECONDS)

    def is_alive(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, self.process.communicate()
        return True

    def ended(self, code: int) -> dict[str, Any]:
        """The summary, once it has ended."""
        assert self.process is not None
        out, err = self.process.communicate(timeout=WAIT_SECONDS)
        assert self.process.returncode == code, out + err
        assert "Traceback" not in err
        return json.loads((self.output / "summary.json").read_text())

    def outcomes(self) -> dict[str, str]:
        """What became of each object, by its name; one line each."""
        lines = [json.loads(line) for line in (self.output / "outcomes.jsonl").read_text().splitlines()]
        found = {last_name(line["item"]): line["status"] for line in lines}
        assert len(found) == len(lines)
        return found

    def stop(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.communicate()

    def _lines(self) -> Iterator[dict[str, Any]]:
        """Of the parts that stand there: each is written whole."""
        for part in self.output.glob("parts/*/batch-*.jsonl"):
            lines = map(json.loads, part.read_text().splitlines())
            yield from (line for line in lines if line["kind"] == "outcome")


class Loading(Stream):
    """Files of ten rows into a table of PostgreSQL."""

    def __init__(self, folder: Path, request: pytest.FixtureRequest) -> None:
        self._source, place = folder / "in", make_place("postgresql", request, folder)
        self._source.mkdir(parents=True)
        self._job, self._server = Job(place, folder), request.getfixturevalue("postgres")
        self._database = place.uri.rpartition("/")[2]
        schema = folder / "schema.json"
        schema.write_text(json.dumps({"fields": [{"name": name, "type": kind} for name, kind in FIELDS.items()]}))
        words = ["ingest", f"--source={self._source}/*.csv", f"--destination={place.uri}", "--table=t"]
        super().__init__(folder, [*words, f"--schema={schema}"])

    def put(self, numbers: range) -> None:
        """Files appear whole, as a rename makes them."""
        for number in numbers:
            beside = self._source / f".{number}"
            beside.write_bytes(csv_bytes(records(ROWS, ROWS * number)))
            beside.rename(self._source / f"{number}.csv")

    def rows(self) -> list[tuple]:
        """All that is in the table."""
        return self._job.rows()

    def ledger(self) -> tuple[int, int]:
        """Entries, and the rows that they tell of."""
        with self._server.connect(self._database) as connection:
            return connection.execute("SELECT count(*), sum(counted)::int8 FROM hornbeam_ledger").fetchone()

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Lets loads wait inside of their transactions while the block runs, which begins when one does."""
        waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 't'::regclass"
        with self._server.connect(self._database) as connection, connection.transaction():
            connection.execute("LOCK TABLE t IN EXCLUSIVE MODE")
            wait_until(lambda: self.is_alive() and connection.execute(waiting).fetchone()[0], "a load", WAIT_SECONDS)
            yield


class Copying(Stream):
    """Objects from a bucket to a folder, so slowly that something happens between them."""

    def __init__(self, folder: Path, request: pytest.FixtureRequest) -> None:
        self._source, self._to = S3Prefix(request.getfixturevalue("s3_server")), folder / "out"
        words = ["copy", f"--source={self._source.root}", f"--destination={self._to}/", "--requests_per_second=20"]
        super().__init__(folder, words)

    def put(self, numbers: range) -> None:
        for number in numbers:
            self._source.put(str(number), self.body(number))

    def body(self, number: int) -> bytes:
        return f"{number}\n".encode() * (number + 1)

    def bodies(self) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in self._to.iterdir() if not path.name.startswith(".hornbeam-")}

    def wait_for_copies(self, count: int) -> None:
        """Until so many are there, whether or not a batch tells of them."""
        wait_until(lambda: self.is_alive() and len(self.there()) >= count, f"{count} copies", WAIT_SECONDS)

    def there(self) -> dict[str, int]:
        """The copies by their inodes: one that is written again is another file of that name."""
        found = self._to.iterdir() if self._to.exists() else ()
        return {path.name: path.stat().st_ino for path in found if not path.name.startswith(".hornbeam-")}
