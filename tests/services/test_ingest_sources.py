"""Loads from S3, GCS and web servers whose bodies break off: the same table, no byte too many, nothing on the disk."""

import bz2
import contextlib
import gzip
import io
import lzma
import tempfile
import threading
import zipfile

import pytest
import xlsxwriter
from backports import zstd

from tests.pipelines.ingest_jobs import Job, csv_bytes
from tests.servers.fault_proxy import Fault
from tests.services.destination_cases import Place
from transforms.core.objects.store import StoreAccess, open_store
from transforms.core.summary import Counts, RowCounts
from transforms.core.tables.loads import load_steps

ROWS = 60_000
RECORDS = [(n, f'"{n}",\n' + "x" * 270 if n % 50 == 0 else f"{n} " + "x" * 270, n / 4) for n in range(ROWS)]
FEW = RECORDS[:3000]
SERVERS = ("s3", "gcs", "http")


@pytest.fixture
def job(tmp_path) -> Job:
    return Job(Place("duckdb", f"duckdb:///{tmp_path}/out.duckdb", ""), tmp_path)


@pytest.fixture
def serve(request, fault_proxy):
    """Puts a file on a server behind the fault proxy; returns its address and the settings that reach it."""

    def put(kind: str, name: str, data: bytes) -> tuple[str, dict]:
        if kind == "http":
            server = request.getfixturevalue("web_server")
            server.put(name, data)
            fault_proxy.reset(server.endpoint)
            return f"{fault_proxy.endpoint}/plain/{name}", {}
        server = request.getfixturevalue("s3_environment" if kind == "s3" else "gcs_server")
        uri = f"{'s3' if kind == 's3' else 'gs'}://{server.make_bucket('ingest-sources')}/{name}"
        open_store(uri, StoreAccess(endpoint_url=server.endpoint)).write(uri, data)
        fault_proxy.reset(server.endpoint)
        return uri, {"source_endpoint_url": fault_proxy.endpoint}

    return put


@pytest.fixture
def temp_files(tmp_path, monkeypatch, s3_server, gcs_server, web_server):
    """The largest sum of bytes in the folder for temporary files while the test ran (servers have theirs elsewhere)."""
    del s3_server, gcs_server, web_server
    folder, most, stop = tmp_path / "temp", [0], threading.Event()
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))

    def watch():
        while not stop.wait(0.005):
            with contextlib.suppress(FileNotFoundError):  # a folder that went away meanwhile
                most[0] = max(most[0], sum(path.stat().st_size for path in folder.rglob("*")))

    thread = threading.Thread(target=watch)
    thread.start()
    yield most
    stop.set()
    thread.join()


def break_bodies(fault_proxy, name: str) -> None:
    """Some of the next answers end early: by a closed connection, by a reset, by an error of the server."""
    for fault in (
        Fault(times=2, path=name, cut_after=100_000),
        Fault(path=name, cut_after=0),
        Fault(times=2, path=name, cut_after=30_000, reset=True),
        Fault(path=name, status=503, retry_after="0"),
    ):
        fault_proxy.add(fault)


@pytest.mark.parametrize("kind", SERVERS)
def test_a_csv_with_broken_bodies_is_read_twice_and_never_stored(job, serve, fault_proxy, temp_files, kind):
    data = csv_bytes(RECORDS)
    uri, access = serve(kind, "big.csv", data)
    break_bodies(fault_proxy, "big.csv")
    run = job.run(uri, chunk_rows=1000, **access)
    assert (run.summary.status, run.summary.exit_code) == ("completed", 0)
    assert run.summary.rows == RowCounts(ROWS, ROWS, 0, 0)
    assert job.rows() == RECORDS
    assert fault_proxy.pending_faults == 0
    assert len(data) < fault_proxy.total_bytes("big.csv") <= 2.02 * len(data)
    assert temp_files[0] < 100_000
    assert {path.name.partition(".")[0] for path in job.folder.iterdir()} == {"out", "run 1", "temp"}
    before = fault_proxy.total_bytes("big.csv")
    again = job.run(uri, **access)
    assert again.summary.items == Counts(1, 0, 1, 0, 0)
    assert fault_proxy.total_bytes("big.csv") - before < 2_000  # what GCS says of an object is a body too


def zipped(*members: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for number, member in enumerate(members):
            archive.writestr(f"folder/{number}.csv", member)
        archive.writestr("read me.md", b"no table")
    return file.getvalue()


def workbook(rows) -> bytes:
    file = io.BytesIO()
    with xlsxwriter.Workbook(file, {"in_memory": True}) as book:
        sheet = book.add_worksheet()
        for number, row in enumerate([("id", "name", "amount"), *rows]):
            sheet.write_row(number, 0, row)
    return file.getvalue()


WAYS = {
    "a.csv.gz": lambda rows: gzip.compress(csv_bytes(rows), 1),
    "a.csv.bz2": lambda rows: bz2.compress(csv_bytes(rows), 1),
    "a.csv.xz": lambda rows: lzma.compress(csv_bytes(rows), preset=0),
    "a.csv.zst": lambda rows: zstd.compress(csv_bytes(rows)),
    "a.zip": lambda rows: zipped(csv_bytes(rows[:1000]), csv_bytes(rows[1000:])),
    "a.xlsx": workbook,
}


@pytest.mark.parametrize(("kind", "name"), [*(("s3", name) for name in WAYS), ("gcs", "a.xlsx"), ("http", "a.xlsx")])
def test_every_packing_is_streamed_from_a_store_that_breaks_off(job, serve, fault_proxy, temp_files, kind, name):
    data = WAYS[name](FEW)
    uri, access = serve(kind, name, data)
    for cut in (0, 1, len(data) // 3):
        fault_proxy.add(Fault(path=name, cut_after=cut))
    run = job.run(uri, **access)
    assert (run.summary.status, run.summary.exit_code) == ("completed", 0)
    assert job.rows() == FEW
    assert fault_proxy.pending_faults == 0
    assert temp_files[0] < 100_000


def test_the_table_is_the_same_from_every_server_and_from_the_disk(job, serve):
    data = csv_bytes(FEW)
    path = job.folder / "few.csv"
    path.write_bytes(data)
    job.run(path, table="disk")
    for kind in SERVERS:
        uri, access = serve(kind, "few.csv", data)
        job.run(uri, table=kind, **access)
        assert job.rows(table=kind) == job.rows(table="disk") == FEW
        [columns] = {tuple(job.place.run(f"DESCRIBE {name}")) for name in ("disk", kind)}
        assert [name for name, *_ in columns] == ["id", "name", "amount"]


def test_a_source_that_changes_under_the_load_fails_it(job, serve, web_server, monkeypatch):
    uri, access = serve("http", "moving.csv", csv_bytes(FEW))
    plan = load_steps.plan

    def plan_then_change(*args):
        planned = plan(*args)
        web_server.put("moving.csv", csv_bytes([*FEW[1:], FEW[0]]))
        return planned

    monkeypatch.setattr(load_steps, "plan", plan_then_change)
    run = job.run(uri, **access)
    assert (run.summary.status, run.summary.exit_code) == ("failed", 1)
    assert "moving.csv" in run.summary.error.message
    assert "t" not in job.place.tables()
    # The new version is another load.
    monkeypatch.setattr(load_steps, "plan", plan)
    assert job.run(uri, **access).summary.rows == RowCounts(len(FEW), len(FEW), 0, 0)
    assert job.rows() == FEW
