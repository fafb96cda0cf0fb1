"""A template's launcher and its job in one process: main.py describes the job, then the job's graph runs here."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.servers import dataflow_work


def main(described: str, words: list[str]) -> int:
    endpoint = os.environ["STORAGE_EMULATOR_HOST"]
    environ = os.environ | {"HORNBEAM_IMAGE": "registry.test/hornbeam:1"}
    launcher = [sys.executable, str(dataflow_work.ROOT / "templates/main.py"), *words]
    code = subprocess.run(launcher, env=environ, check=False).returncode
    if code:
        return code
    job = json.loads(dataflow_work.read_object(described, endpoint) or b"{}")
    graph = dataflow_work.staged_graph(job, endpoint)
    assert graph is not None, "the launcher left no graph behind"
    Path("graph").write_bytes(graph)
    return subprocess.run([sys.executable, "-P", "-c", dataflow_work.GRAPH, "graph"], check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
