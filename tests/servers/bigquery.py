"""A BigQuery REST server on loopback that the real client accepts: datasets, tables, jobs (query, Parquet load).

Job ids are taken once, as there (bqemulator 1.4 gives load jobs ids of its own). Jobs end before their insert answers;
`fault` makes requests fail before or after their work is done.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import email.parser
import email.policy
import json
import re
import tempfile
import threading
import time
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from tests.servers.bigquery_engine import Engine, QueryError

if TYPE_CHECKING:
    from collections.abc import Iterator

EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


class Fault(NamedTuple):
    """One request that fails: the first whose path and body hold `pattern`."""

    pattern: str
    status: int
    after: bool  # its work is done, only the answer is lost


class BigQueryServer:
    """The running server. `requests` are the (method, path) it saw."""

    project = "test-project"

    def __init__(self) -> None:
        self.engine = Engine()
        self.jobs: dict[str, dict] = {}
        self.results: dict[str, object] = {}
        self.uploads: dict[str, tuple[dict, bytearray]] = {}
        self.faults: list[Fault] = []
        self.requests: list[tuple[str, str]] = []
        self.lock = threading.Lock()
        self.endpoint = ""

    def fault(self, pattern: str, status: int = 503, *, after: bool = False) -> None:
        self.faults.append(Fault(pattern, status, after))

    def take_fault(self, text: str) -> Fault | None:
        with self.lock:
            for fault in self.faults:
                if re.search(fault.pattern, text):
                    self.faults.remove(fault)
                    return fault
        return None

    def make_dataset(self) -> str:
        name = f"d_{uuid.uuid4().hex[:12]}"
        self.engine.make_dataset(name)
        return name

    def insert_job(self, body: dict, data: bytes = b"") -> dict:
        reference = body.get("jobReference", {})
        job_id = reference.get("jobId") or uuid.uuid4().hex
        job = {
            "kind": "bigquery#job",
            "id": f"{self.project}:US.{job_id}",
            "jobReference": {"projectId": self.project, "jobId": job_id, "location": "US"},
            "configuration": body["configuration"],
            "status": {"state": "RUNNING"},
            "statistics": {"creationTime": "0", "startTime": "0", "endTime": "0"},
            "user_email": "test@example.com",
        }
        with self.lock:
            if job_id in self.jobs:
                raise ApiError(409, "duplicate", f"Already Exists: Job {self.project}:US.{job_id}")
            self.jobs[job_id] = job
        try:
            self._work(job_id, body["configuration"], data)
            job["status"] = {"state": "DONE"}
        except QueryError as e:
            error = {"reason": e.reason, "message": str(e), "location": "query"}
            job["status"] = {"state": "DONE", "errorResult": error, "errors": [error]}
        return job

    def _work(self, job_id: str, configuration: dict, data: bytes) -> None:
        if "load" in configuration:
            load = configuration["load"]
            target = load["destinationTable"]
            with tempfile.NamedTemporaryFile() as file:
                file.write(data)
                file.flush()
                rows = self.engine.load(
                    target["datasetId"], target["tableId"], load["schema"]["fields"], Path(file.name),
                    load.get("writeDisposition", "WRITE_APPEND"),
                )  # fmt: skip
            self.jobs[job_id]["statistics"]["load"] = {"outputRows": str(rows)}
        elif not configuration.get("dryRun"):
            query = configuration["query"]
            self.results[job_id] = self.engine.run(query["query"], _parameters(query))


class ApiError(Exception):
    def __init__(self, status: int, reason: str, message: str) -> None:
        super().__init__(message)
        self.status, self.reason = status, reason


def _parameters(query: dict) -> dict:
    found = {}
    for parameter in query.get("queryParameters", ()):
        value = parameter["parameterValue"].get("value", "")
        found[parameter["name"]] = int(value) if parameter["parameterType"]["type"] == "INT64" else value
    return found


def _cell(value) -> dict:
    if value is None or isinstance(value, str):
        return {"v": value}
    if isinstance(value, bool):
        return {"v": str(value).lower()}
    if isinstance(value, dt.datetime):
        if value.tzinfo:
            return {"v": str((value - EPOCH) // dt.timedelta(microseconds=1))}
        return {"v": value.isoformat()}
    return {"v": repr(value) if isinstance(value, float) else str(value)}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = 1 << 16  # head and body in one packet: no waiting for delayed acknowledgements
    server_state: BigQueryServer

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        self._serve()

    do_POST = do_PUT = do_DELETE = do_GET  # noqa: N815 - http.server's names

    def _serve(self) -> None:
        state, body = self.server_state, self.rfile.read(int(self.headers.get("content-length") or 0))
        url = urlsplit(self.path)
        path = unquote(url.path).removeprefix("/upload").removeprefix(f"/bigquery/v2/projects/{state.project}")
        state.requests.append((self.command, path))
        fault = state.take_fault(f"{self.command} {path} {body.decode('utf-8', 'replace')}")
        if fault and not fault.after:
            self._fail(fault.status, "backendError", "injected before the work")
            return
        try:
            answer, headers = self._route(path, parse_qs(url.query), body)
        except ApiError as e:
            self._fail(e.status, e.reason, str(e))
        else:
            if fault:
                self._fail(fault.status, "backendError", "injected after the work")
            else:
                self._answer(200, answer, headers)

    def _fail(self, status: int, reason: str, message: str) -> None:
        error = {"reason": reason, "message": message, "domain": "global"}
        self._answer(status, {"error": {"code": status, "message": message, "errors": [error]}}, {})

    def _answer(self, status: int, value: dict, headers: dict) -> None:
        data = json.dumps(value).encode()
        self.send_response(status)
        for name, text in {"content-type": "application/json", "content-length": len(data), **headers}.items():
            self.send_header(name, str(text))
        self.end_headers()
        self.wfile.write(data)

    def _route(self, path: str, query: dict, body: bytes) -> tuple[dict, dict]:
        state = self.server_state
        if path == "/jobs" and "uploadType" in query:
            return self._upload(query, body)
        if path == "/jobs":
            return state.insert_job(json.loads(body)), {}
        kind, _, name = path.lstrip("/").partition("/")
        if kind in ("jobs", "queries"):
            if name not in state.jobs:
                raise ApiError(404, "notFound", f"Not found: Job {name}")
            return (state.jobs[name] if kind == "jobs" else self._results(name)), {}
        if kind == "datasets":
            dataset, _, rest = name.partition("/")
            return self._dataset(dataset, rest), {}
        raise ApiError(404, "notFound", f"{self.command} {path} is nothing that this server has")

    def _results(self, name: str) -> dict:
        job, result = self.server_state.jobs[name], self.server_state.results.get(name)
        error = job["status"].get("errorResult")
        if error:
            status = 404 if error["reason"] == "notFound" else 400
            raise ApiError(status, error["reason"], error["message"])
        if job["status"]["state"] != "DONE":
            time.sleep(0.02)  # the real one waits too before it says so
            return {"jobReference": job["jobReference"], "jobComplete": False}
        rows = [{"f": [_cell(value) for value in row]} for row in result.rows]
        return {
            "kind": "bigquery#getQueryResultsResponse", "jobReference": job["jobReference"], "jobComplete": True,
            "schema": {"fields": result.fields}, "rows": rows, "totalRows": str(len(rows)),
        }  # fmt: skip

    def _dataset(self, dataset: str, rest: str) -> dict:
        engine, project = self.server_state.engine, self.server_state.project
        if not engine.has_dataset(dataset):
            raise ApiError(404, "notFound", f"Not found: Dataset {project}:{dataset}")
        table = rest.removeprefix("tables").lstrip("/")
        if not rest:
            reference = {"projectId": project, "datasetId": dataset}
            return {"kind": "bigquery#dataset", "datasetReference": reference, "location": "US"}
        if not table:
            items = [_table(project, dataset, name) for name in engine.tables(dataset)]
            return {"kind": "bigquery#tableList", "tables": items, "totalItems": len(items)}
        found = engine.describe(dataset, table)
        if found is None:
            raise ApiError(404, "notFound", f"Not found: Table {project}:{dataset}.{table}")
        if self.command == "DELETE":
            engine.drop(dataset, table)
            return {}
        return _table(project, dataset, table) | {"schema": {"fields": found.fields}}

    def _upload(self, query: dict, body: bytes) -> tuple[dict, dict]:
        state = self.server_state
        if query["uploadType"] == ["multipart"]:
            head = f"Content-Type: {self.headers['content-type']}\r\n\r\n".encode()
            parts = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(head + body).get_payload()
            metadata = json.loads(parts[0].get_payload(decode=True))
            return state.insert_job(metadata, _raw(body, self.headers["content-type"])), {}
        upload = query.get("upload_id", [""])[0]
        if not upload:
            upload = uuid.uuid4().hex
            state.uploads[upload] = (json.loads(body), bytearray())
            return {}, {"Location": f"{state.endpoint}{self.path}&upload_id={upload}"}
        metadata, data = state.uploads[upload]
        data += body
        return state.insert_job(metadata, bytes(data)), {}


def _raw(body: bytes, content_type: str) -> bytes:
    """The second part of a multipart body, byte for byte (the email parser may touch line ends)."""
    boundary = re.search(r"boundary=\"?([^\";]+)", content_type)[1].strip("'").encode()
    part = body.split(b"--" + boundary)[2]
    return part.split(b"\r\n\r\n", 1)[1].removesuffix(b"\r\n")


def _table(project: str, dataset: str, name: str) -> dict:
    reference = {"projectId": project, "datasetId": dataset, "tableId": name}
    return {
        "kind": "bigquery#table", "id": f"{project}:{dataset}.{name}", "tableReference": reference, "type": "TABLE",
    }  # fmt: skip


@contextlib.contextmanager
def run_bigquery_server() -> Iterator[BigQueryServer]:
    state = BigQueryServer()
    handler = type("Handler", (_Handler,), {"server_state": state})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    state.endpoint = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
        state.engine.close()


@pytest.fixture(scope="session", name="bigquery_server")
def session_bigquery_server() -> Iterator[BigQueryServer]:
    with run_bigquery_server() as server:
        yield server
