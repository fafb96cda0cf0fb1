"""What stands behind the Dataflow server: buckets read over HTTP, and graphs that really run.

A graph runs as it was staged: its proto from the bucket, on FnApiRunner, in a process that imports our package from
the staged wheel where there is one (as workers do), and knows nothing else of the machine that submitted it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any
from urllib.parse import quote

from apache_beam.portability.api import beam_runner_api_pb2 as api

ROOT = Path(__file__).parents[2]
GRAPH = """
import json, sys
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.portability.api import beam_runner_api_pb2
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
import pipelines
graph = beam_runner_api_pb2.Pipeline.FromString(open(sys.argv[1], "rb").read())
for environment in graph.components.environments.values():
    environment.urn, environment.payload = "beam:env:embedded_python:v1", b""
    del environment.dependencies[:]
result = FnApiRunner().run_via_runner_api(graph, PipelineOptions())
result.wait_until_finish()
counters = [[one.key.step, one.key.metric.name, one.committed] for one in result.metrics().query()["counters"]]
print(json.dumps({"package": pipelines.__file__, "counters": counters}))
"""


def read_object(uri: str, endpoint: str) -> bytes | None:
    bucket, _, key = uri.removeprefix("gs://").partition("/")
    url = f"{endpoint}/storage/v1/b/{bucket}/o/{quote(key, safe='')}?alt=media"
    try:
        with urllib.request.urlopen(url, timeout=30) as answer:
            return answer.read()
    except urllib.error.HTTPError as e:
        if e.code == 404:
            return None
        raise


def staged_graph(job: dict[str, Any], endpoint: str) -> bytes | None:
    """The graph that a job's description points to."""
    options = job.get("environment", {}).get("sdkPipelineOptions", {}).get("options", {})
    return read_object(options["pipelineUrl"], endpoint) if options.get("pipelineUrl") else None


def staged_files(graph: bytes, endpoint: str) -> dict[str, bytes]:
    """What workers are to install, by name: the artifacts of the graph's environments."""
    found = {}
    for environment in api.Pipeline.FromString(graph).components.environments.values():
        for artifact in environment.dependencies:
            uri = api.ArtifactUrlPayload.FromString(artifact.type_payload).url
            name = api.ArtifactStagingToRolePayload.FromString(artifact.role_payload).staged_name
            content = read_object(uri, endpoint)
            assert content is not None, f"{uri} was not staged"
            found[name] = content
    return found


class Work:
    """A process at work for a job."""

    def __init__(self, command: list[str], environ: dict[str, str], folder: tempfile.TemporaryDirectory) -> None:
        self._folder = folder
        self._out = Path(folder.name, "out")
        self._err = Path(folder.name, "err")
        with self._out.open("wb") as out, self._err.open("wb") as err:
            self.process = subprocess.Popen(
                command, env=environ, cwd=folder.name, stdin=subprocess.DEVNULL, stdout=out, stderr=err
            )

    def state(self) -> str:
        code = self.process.poll()
        if code is None:
            return "JOB_STATE_RUNNING"
        return "JOB_STATE_FAILED" if code else "JOB_STATE_DONE"

    def messages(self) -> list[tuple[str, str]]:
        if self.process.poll():
            return [("JOB_MESSAGE_ERROR", self._err.read_text(encoding="utf-8", errors="replace")[-8000:])]
        return []

    def metrics(self) -> dict[tuple[str, str], int]:
        if self.process.poll() != 0:
            return {}
        return {(step, name): value for step, name, value in self.report().get("counters", ())}

    def report(self) -> dict[str, Any]:
        lines = self._out.read_text(encoding="utf-8").splitlines()
        return json.loads(lines[-1]) if lines and lines[-1].startswith("{") else {}

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
        self._folder.cleanup()


def run_graph(_job: dict[str, Any], graph: bytes, endpoint: str) -> Work:
    """Starts the workers of a job: one process, with what was staged and a bare environment."""
    folder = tempfile.TemporaryDirectory(prefix="dataflow-")
    Path(folder.name, "graph").write_bytes(graph)
    packages = []
    for name, content in staged_files(graph, endpoint).items():
        path = Path(folder.name, name)
        path.write_bytes(content)
        packages += [str(path)] if name.endswith(".whl") else []
    environ = bare_environment(endpoint) | {"PYTHONPATH": os.pathsep.join(packages)}
    return Work([sys.executable, "-P", "-c", GRAPH, "graph"], environ, folder)


def run_template(job: dict[str, Any], launched: dict[str, Any], endpoint: str) -> Work:
    """Does what the launcher does: starts main.py with the parameters, then runs the job that it describes."""
    folder = tempfile.TemporaryDirectory(prefix="dataflow-")
    environment = launched.get("environment", {})
    described = f"{environment['tempLocation']}/template_launches/{job['id']}/job_object"
    words = [f"--{name}={value}" for name, value in launched["parameters"].items()]
    words += [f"--{option}" for option in environment.get("additionalPipelineOptions", ())]
    words += ["--runner=DataflowRunner", f"--project={job['projectId']}", f"--region={job['location']}"]
    words += [f"--job_name={job['name']}", f"--template_location={described}", "--no_auth"]
    words += [f"--temp_location={environment['tempLocation']}"]
    words += [f"--staging_location={environment.get('stagingLocation') or environment['tempLocation']}"]
    command = [sys.executable, "-P", "-m", "tests.servers.dataflow_launcher", described, *words]
    return Work(command, bare_environment(endpoint) | {"PYTHONPATH": str(ROOT)}, folder)


def bare_environment(endpoint: str) -> dict[str, str]:
    """What a worker's machine has: a path, and where the object store is."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR", "SECRET_MANAGER_EMULATOR_HOST")
            if name in os.environ}  # fmt: skip
    return kept | {"STORAGE_EMULATOR_HOST": endpoint, "NO_GCE_CHECK": "true"}
