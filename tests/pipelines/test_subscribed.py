"""`--subscription` on this machine, as a user starts it: the Pub/Sub emulator is told of objects.

By a GCS server itself; of an S3 server's objects in S3's event JSON, which the tests publish.
"""

from __future__ import annotations

import json
import signal
from typing import TYPE_CHECKING, Any
from urllib.parse import quote_plus

import pytest

from tests.pipelines.conftest import make_place
from tests.pipelines.ingest_jobs import Job, csv_bytes, records, start
from tests.servers.gcs import GcsServer, run_gcs_server
from tests.services.copy_ends import S3Prefix
from tests.stream_jobs import SCHEMA, ask_to_stop, ended, make_stream, summary, until, with_heads

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator
    from pathlib import Path

    from tests.servers.pubsub import Feed, PubsubServer

TOLD_BY_S3 = [("copy from s3", signal.SIGINT), ("ingest from s3 to sqlite", signal.SIGTERM)]
IDLE = "--stop_after_idle_seconds=1"


class Told:
    """A bucket whose changes are told by Pub/Sub."""

    def __init__(self, server: GcsServer, feed: Feed) -> None:
        from google.auth.credentials import AnonymousCredentials  # noqa: PLC0415 - a second, for these tests only
        from google.cloud import storage  # noqa: PLC0415

        self.feed = feed
        client = storage.Client("p", AnonymousCredentials(), client_options={"api_endpoint": server.endpoint})
        self._bucket = client.bucket(server.make_bucket("in"))

    def put(self, key: str, body: bytes) -> None:
        self._bucket.blob(key).upload_from_string(body)

    def delete(self, key: str) -> None:
        self._bucket.blob(key).delete()


@pytest.fixture
def told(pubsub_server: PubsubServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[Told]:
    feed = pubsub_server.new_feed()
    with run_gcs_server((pubsub_server.address, feed.topic)) as server:
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", server.endpoint)
        yield Told(server, feed)


def copying(told: Told, tmp_path: Path, output: Path, *more: str) -> subprocess.Popen[str]:
    words = ["copy", "--source=gs://in/data/", f"--destination={tmp_path}/out/", f"--output={output}"]
    return start([*words, f"--subscription={told.feed.subscription}", *more])


def copied(tmp_path: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir() if path.name[0] != "."}


def test_copy_takes_what_lies_there_and_what_is_told_until_it_is_stopped(told: Told, tmp_path: Path) -> None:
    output = tmp_path / "run"
    told.put("data/é 0", b"there before")
    told.put("elsewhere/0", b"not ours")
    process = copying(told, tmp_path, output)
    until(process, output, "done", 1)
    told.put("data/1", b"told of")
    told.put("data/2", b"told of, deleted")
    told.put("elsewhere/1", b"not ours")
    until(process, output, "done", 2)
    told.put("data/1", b"told of again")
    told.feed.publish(b"hello")
    until(process, output, "done", 4)
    process.send_signal(signal.SIGTERM)
    out = ended(process, 143)
    assert "1 unreadable" in out
    assert "note: a notification can't be read: " in out
    assert copied(tmp_path) == {"é 0": b"there before", "1": b"told of again", "2": b"told of, deleted"}
    assert summary(output)["status"] == "interrupted"
    left_out = {name: summary(output)["details"]["stream"][name] for name in ("unreadable", "foreign")}
    assert left_out == {"unreadable": 1, "foreign": 2}


def test_copy_ends_when_idle_and_again_moves_nothing(told: Told, tmp_path: Path) -> None:
    for number in range(30):
        told.put(f"data/{number}", b"%d" % number)
    told.put("data/30", b"")
    told.delete("data/30")
    out = ended(copying(told, tmp_path, tmp_path / "first", IDLE, "--batch_size=7"), 0)
    assert copied(tmp_path) == {str(number): b"%d" % number for number in range(30)}
    assert "30 planned = 30 done" in out
    ended(copying(told, tmp_path, tmp_path / "second", IDLE), 0)
    assert summary(tmp_path / "second")["items"]["done"] == 0


class Ingest:
    """A stream of CSV files into a database."""

    def __init__(self, told: Told, tmp_path: Path, kind: str, request: pytest.FixtureRequest) -> None:
        self.told, self.folder, self.place = told, tmp_path, make_place(kind, request, tmp_path)
        (tmp_path / "schema.json").write_text(json.dumps(SCHEMA))

    def put(self, number: int) -> None:
        self.told.put(f"data/{number}.csv", csv_bytes(records(10, number * 10)))

    def start(self, output: Path, *more: str) -> subprocess.Popen[str]:
        words = ["ingest", "--source=gs://in/data/*.csv", f"--destination={self.place.uri}", "--table=t"]
        words += [f"--output={output}", f"--schema={self.folder}/schema.json"]
        return start([*words, f"--subscription={self.told.feed.subscription}", *more])

    def rows(self) -> list[tuple[Any, ...]]:
        return Job(self.place, self.folder).rows()


@pytest.mark.parametrize("kind", ["sqlite", "duckdb", "postgresql"])
def test_ingest_loads_each_file_once(told: Told, tmp_path: Path, kind: str, request: pytest.FixtureRequest) -> None:
    ingest, output = Ingest(told, tmp_path, kind, request), tmp_path / "run"
    for number in range(5):
        ingest.put(number)
    process = ingest.start(output)
    until(process, output, "done", 5)
    told.put("data/5.txt", b"not ours")
    ingest.put(5)
    until(process, output, "done", 6)
    process.send_signal(signal.SIGTERM)
    ended(process, 143)
    assert ingest.rows() == records(60)
    assert summary(output)["rows"]["loaded"] == 60


def test_ingest_that_is_killed_and_started_again_is_exact(
    told: Told, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    ingest = Ingest(told, tmp_path, "postgresql", request)
    for number in range(30):
        ingest.put(number)
    process = ingest.start(tmp_path / "killed", "--batch_size=3", "--max_concurrent=1")
    until(process, tmp_path / "killed", "done", 6)
    process.kill()
    process.communicate()
    ingest.put(30)
    ended(ingest.start(tmp_path / "again", IDLE), 0)
    assert ingest.rows() == records(310)
    assert summary(tmp_path / "again")["items"]["failed"] == 0


def record(bucket: S3Prefix, name: str, event: str = "ObjectCreated:Put", folder: str | None = None) -> dict[str, Any]:
    """What S3 tells of an object, with its real version."""
    key = quote_plus((bucket.prefix if folder is None else folder) + name)
    version = bucket.version(name) if event.startswith("ObjectCreated") and folder is None else "gone"
    stored = {"key": key, "size": 1, "eTag": version, "sequencer": "0055AED6DCD90281E5"}
    return {"eventVersion": "2.1", "eventName": event, "s3": {"bucket": {"name": bucket.bucket}, "object": stored}}


def told_by_s3(*records: Any) -> tuple[bytes, dict[str, str]]:
    return json.dumps({"Records": records}).encode(), {}


@pytest.mark.parametrize(("which", "number"), TOLD_BY_S3)
def test_s3_s_events_are_worked_once_counted_and_a_stop_ends_what_was_taken_in(
    pubsub_server: PubsubServer, tmp_path: Path, request: pytest.FixtureRequest, which: str, number: int
) -> None:
    """Batches close by count, two notices of one object, or by the stop: what is counted doesn't hang on time."""
    stream, feed, output = make_stream(which, tmp_path, request), pubsub_server.new_feed(), tmp_path / "run"
    assert isinstance(stream.source, S3Prefix)
    stream.put("0.csv")
    feed.publish(*told_by_s3(record(stream.source, "0.csv")))  # the listing tells of it too
    words = ["--batch_size=2", "--window_seconds=3600", f"--subscription={feed.subscription}"]
    process = start(stream.command(output, *words))
    until(process, output, "done", 1)
    stream.put("1.csv")
    message = told_by_s3(record(stream.source, "1.csv"))
    others = told_by_s3(
        record(stream.source, "1.csv", "ObjectRemoved:Delete"), record(stream.source, "1.csv", folder="elsewhere/")
    )
    feed.publish_all([(b"hello", {}), others, message, message])
    until(process, output, "done", 2)
    stream.put("2.csv")
    stream.put("3.csv")
    held, twice = stream.hold(), record(stream.source, "2.csv")
    feed.publish(*told_by_s3(twice, twice, record(stream.source, "3.csv")))
    held.wait_for(process)
    ask_to_stop(process, number)
    held.release.set()
    out = ended(process, 128 + number)
    assert "4 planned = 4 done + 0 skipped + 0 failed + 0 not started" in out
    found = summary(output)
    counts = {"told": 7, "duplicates": 3, "outdated": 0, "unreadable": 1, "ignored": 1, "foreign": 1}
    assert (found["status"], found["details"]["stream"]) == ("interrupted", counts)
    assert stream.is_exact()


def test_every_pipeline_with_a_head_is_told() -> None:
    assert {which.split()[0] for which, _ in TOLD_BY_S3} == with_heads()


@pytest.mark.parametrize("command", [[], ["validate"]])
def test_a_subscription_that_is_not_there_is_refused_before_anything_runs(
    pubsub_server: PubsubServer, tmp_path: Path, command: list[str]
) -> None:
    (tmp_path / "in").mkdir()
    words = ["copy", f"--source={tmp_path}/in/", f"--destination={tmp_path}/out/", f"--output={tmp_path}/run"]
    process = start([*command, *words, "--subscription=projects/hornbeam-test/subscriptions/nothing"])
    out, err = process.communicate(timeout=120)
    assert process.returncode == 2
    assert "projects/hornbeam-test/subscriptions/nothing: there is no such subscription" in out + err
    assert "gcloud pubsub subscriptions create nothing --project=hornbeam-test --topic=TOPIC" in out + err
    assert [path.name for path in tmp_path.iterdir()] == ["in"]


def test_a_subscription_that_goes_while_it_is_read_ends_the_run_with_its_name(told: Told, tmp_path: Path) -> None:
    told.put("data/0", b"there before")
    process = copying(told, tmp_path, tmp_path / "run")
    until(process, tmp_path / "run", "done", 1)
    told.feed.delete()
    out = ended(process, 1)
    assert f"{told.feed.subscription}: reading the subscription ended" in out
    assert "Traceback" not in out
    assert copied(tmp_path) == {"0": b"there before"}
