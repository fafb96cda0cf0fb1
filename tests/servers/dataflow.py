"""A Dataflow REST service on loopback: it takes jobs and template launches, and refuses what the service refuses.

By default a job goes through scripted states, one a look. With `work=True` its graph really runs (dataflow_work.py).
Asking for jobs of another project or region is a 404. HTTP errors have Google's JSON form.
"""

from __future__ import annotations

import contextlib
import json
import re
import threading
import uuid
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from tests.servers import dataflow_work

if TYPE_CHECKING:
    from collections.abc import Iterator

JOBS = r"/v1b3/projects/(?P<project>[^/]+)/locations/(?P<region>[^/]+)"
ENDED = ("JOB_STATE_DONE", "JOB_STATE_FAILED", "JOB_STATE_CANCELLED", "JOB_STATE_DRAINED")
ENVIRONMENT = {
    "serviceAccountEmail", "maxWorkers", "numWorkers", "network", "subnetwork", "machineType", "launcherMachineType",
    "tempLocation", "stagingLocation", "kmsKeyName", "ipConfiguration", "workerRegion", "workerZone",
    "enableStreamingEngine", "flexrsGoal", "additionalExperiments", "additionalUserLabels", "additionalPipelineOptions",
}  # fmt: skip


NUMBERS = {  # Beam's client sends enumerations as numbers
    "type": {1: "JOB_TYPE_BATCH", 2: "JOB_TYPE_STREAMING"},
    "requestedState": {5: "JOB_STATE_CANCELLED", 7: "JOB_STATE_DRAINING", 8: "JOB_STATE_DRAINED"},
}


class Refused(Exception):  # noqa: N818 - an answer, not a fault of this program
    def __init__(self, code: int, status: str, message: str) -> None:
        super().__init__(message)
        self.body = {"error": {"code": code, "status": status, "message": message}}
        self.code = code


class DataflowServer:
    """The service's state; tests read it and write its script.

    Attributes:
        states: What a new job goes through, one state a look.
        messages: What a job says, as (importance, text), from its last state on.
        metrics: User counters of a job, as {(step, name): value}.
        jobs: The jobs by id, as the service shows them.
        launches: The launch parameters of templates, in order.
        requested: The states that clients asked for, as (job, state).
    """

    def __init__(self, gcs_endpoint: str) -> None:
        self.gcs_endpoint = gcs_endpoint
        self.endpoint = ""
        self.work = False
        self.lock = threading.RLock()
        self.reset()

    def reset(self) -> None:
        self.states = ["JOB_STATE_PENDING", "JOB_STATE_RUNNING", "JOB_STATE_DONE"]
        self.messages: list[tuple[str, str]] = []
        self.metrics: dict[tuple[str, str], int] = {}
        self.jobs: dict[str, dict[str, Any]] = {}
        self.scripts: dict[str, list[str]] = {}
        self.works: dict[str, dataflow_work.Work] = {}
        self.launches: list[dict[str, Any]] = []
        self.requested: list[tuple[str, str]] = []
        self.work = False

    def create(self, project: str, region: str, body: dict[str, Any]) -> dict[str, Any]:
        """A job from its description; refused when there is no graph to run behind it."""
        graph = dataflow_work.staged_graph(body, self.gcs_endpoint)
        if graph is None:
            raise Refused(400, "INVALID_ARGUMENT", "The workflow could not be created: no pipeline at pipelineUrl")
        return self._add(project, region, body, lambda job: dataflow_work.run_graph(job, graph, self.gcs_endpoint))

    def launch(self, project: str, region: str, body: dict[str, Any]) -> dict[str, Any]:
        """A job from a template; refused when its parameters are not what the template's metadata asks for."""
        given = body["launchParameter"]
        spec = dataflow_work.read_object(given["containerSpecGcsPath"], self.gcs_endpoint)
        if spec is None:
            raise Refused(404, "NOT_FOUND", f"Unable to open template file: {given['containerSpecGcsPath']}.")
        check_parameters(json.loads(spec)["metadata"], given.get("parameters", {}))
        unknown = set(given.get("environment", {})) - ENVIRONMENT
        if unknown:
            raise Refused(400, "INVALID_ARGUMENT", f"Unknown fields of the environment: {sorted(unknown)}")
        self.launches.append(given)
        job = {"name": given["jobName"], "type": "JOB_TYPE_BATCH"}
        where = (project, region)
        return {"job": self._add(*where, job, lambda job: dataflow_work.run_template(job, given, self.gcs_endpoint))}

    def _add(self, project: str, region: str, body: dict[str, Any], start: Any) -> dict[str, Any]:
        now = datetime.now(UTC).isoformat().replace("+00:00", "Z")
        if any(j["name"] == body["name"] and j["currentState"] not in ENDED for j in self.jobs.values()):
            raise Refused(409, "ALREADY_EXISTS", f"There is already an active job named {body['name']}.")
        job = body | {
            "id": f"{datetime.now(UTC):%Y-%m-%d_%H_%M_%S}-{uuid.uuid4().int % 10**18}",
            "projectId": project,
            "location": region,
            "createTime": now,
            "currentStateTime": now,
            "currentState": "JOB_STATE_PENDING",
        }
        self.jobs[job["id"]] = job
        self.scripts[job["id"]] = list(self.states)
        if self.work:
            self.works[job["id"]] = start(job)
        return job

    def look(self, project: str, region: str, job_id: str) -> dict[str, Any]:
        """A job as it is now: the script goes one state on, or the work tells."""
        job = self.find(project, region, job_id)
        script = self.scripts[job_id]
        if job["currentState"] in ENDED:
            return job
        if job_id in self.works:
            job["currentState"] = self.works[job_id].state()
        elif script:
            job["currentState"] = script.pop(0) if len(script) > 1 else script[0]
        return job

    def find(self, project: str, region: str, job_id: str) -> dict[str, Any]:
        job = self.jobs.get(job_id)
        if job is None or (job["projectId"], job["location"]) != (project, region):
            raise Refused(404, "NOT_FOUND", f"({job_id}): Information about job {job_id} could not be found.")
        return job

    def change(self, project: str, region: str, job_id: str, body: dict[str, Any]) -> dict[str, Any]:
        job = self.find(project, region, job_id)
        asked = body.get("requestedState", "")
        ends = {"JOB_STATE_CANCELLED": "JOB_STATE_CANCELLED", "JOB_STATE_DRAINING": "JOB_STATE_DRAINED"}
        ends["JOB_STATE_DRAINED"] = "JOB_STATE_DRAINED"
        if asked not in ends:
            raise Refused(400, "INVALID_ARGUMENT", f"Cannot change the state of a job to {asked or 'nothing'}")
        if ends[asked] == "JOB_STATE_DRAINED" and job.get("type") != "JOB_TYPE_STREAMING":
            raise Refused(400, "FAILED_PRECONDITION", "Only streaming jobs can be drained.")
        self.requested.append((job_id, asked))
        if job_id in self.works:
            self.works.pop(job_id).kill()
        between = "JOB_STATE_CANCELLING" if asked == "JOB_STATE_CANCELLED" else "JOB_STATE_DRAINING"
        self.scripts[job_id] = [between, ends[asked]]
        return job

    def said(self, job_id: str) -> list[tuple[str, str]]:
        if job_id in self.works:
            return self.works[job_id].messages()
        return self.messages if len(self.scripts.get(job_id, ())) <= 1 else []

    def counted(self, job_id: str) -> dict[tuple[str, str], int]:
        return self.works[job_id].metrics() if job_id in self.works else self.metrics

    def stop(self) -> None:
        for work in self.works.values():
            work.kill()


def check_parameters(metadata: dict[str, Any], given: dict[str, str]) -> None:
    """Refuses what the metadata doesn't know, lacks, or matches with none of its regular expressions."""
    known = {one["name"]: one for one in metadata["parameters"]}
    problems = [f"Unrecognized parameter: {name}" for name in given if name not in known]
    for name, one in known.items():
        if name not in given:
            problems += [] if one.get("isOptional") else [f"Missing required parameter: {name}"]
            continue
        for regex in one.get("regexes", ()):
            if not re.fullmatch(regex, given[name]):
                problems.append(f"Parameter {name} does not match the regex {regex}")
    if problems:
        raise Refused(400, "INVALID_ARGUMENT", "The template parameters are invalid. Details: " + "; ".join(problems))


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    service: DataflowServer

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def do_PUT(self) -> None:
        self._serve()

    def _serve(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length) or b"{}")
        body |= {name: names.get(body[name], body[name]) for name, names in NUMBERS.items() if name in body}
        try:
            with self.service.lock:
                code, answer = 200, self._route(body)
        except Refused as refused:
            code, answer = refused.code, refused.body
        data = json.dumps(answer).encode()
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _route(self, body: dict[str, Any]) -> dict[str, Any]:
        path = urlsplit(self.path).path
        for (command, pattern), work in ROUTES.items():
            if command == self.command and (match := re.fullmatch(JOBS + pattern, path)):
                return work(self, match.groups(), body)
        raise Refused(404, "NOT_FOUND", f"{self.command} {path}: there is no such method")

    def _list(self, _project: str, region: str) -> dict[str, Any]:
        return {"jobs": [job for job in self.service.jobs.values() if job["location"] == region]}

    def _metrics(self, *place: str) -> dict[str, Any]:
        counted = self.service.counted(self.service.find(*place)["id"])
        return {"metrics": [one for pair in counted.items() for one in _updates(*pair)]}

    def _messages(self, *place: str) -> dict[str, Any]:
        job = self.service.find(*place)["id"]
        levels = ["JOB_MESSAGE_" + name for name in ("DEBUG", "DETAILED", "BASIC", "WARNING", "ERROR")]
        asked = parse_qs(urlsplit(self.path).query).get("minimumImportance", [levels[0]])[0]
        least = levels.index(asked) if asked in levels else int(asked) - 1 if asked.isdigit() else 0
        said = [
            {"id": str(n), "time": f"2024-05-31T00:00:{n:02}Z", "messageImportance": level, "messageText": text}
            for n, (level, text) in enumerate(self.service.said(job))
            if levels.index(level) >= least
        ]
        return {"jobMessages": said}


ROUTES: dict[tuple[str, str], Any] = {
    ("POST", "/flexTemplates:launch"): lambda handler, place, body: handler.service.launch(*place, body),
    ("POST", "/jobs"): lambda handler, place, body: handler.service.create(*place, body),
    ("GET", "/jobs"): lambda handler, place, _: handler._list(*place),
    ("GET", "/jobs/([^/]+)"): lambda handler, place, _: handler.service.look(*place),
    ("PUT", "/jobs/([^/]+)"): lambda handler, place, body: handler.service.change(*place, body),
    ("GET", "/jobs/([^/]+)/messages"): lambda handler, place, _: handler._messages(*place),
    ("GET", "/jobs/([^/]+)/metrics"): lambda handler, place, _: handler._metrics(*place),
}


def _updates(key: tuple[str, str], value: int) -> Iterator[dict[str, Any]]:
    """A counter as the service reports it: committed, and the same value as tentative."""
    step, name = key
    for context in ({"step": step, "namespace": "n"}, {"step": step, "namespace": "n", "tentative": "true"}):
        yield {"name": {"origin": "user", "name": name, "context": context}, "scalar": value}


@contextlib.contextmanager
def run_dataflow_server(gcs_endpoint: str) -> Iterator[DataflowServer]:
    """Serves until the block ends.

    Args:
        gcs_endpoint: Where the buckets are that template specs and graphs are read from.
    """
    service = DataflowServer(gcs_endpoint)
    handler = type("Handler", (_Handler,), {"service": service})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    service.endpoint = f"http://localhost:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield service
    finally:
        service.stop()
        server.shutdown()
        server.server_close()
