"""A real Flink session cluster from templates/flink: a JobManager, two TaskManagers, a worker pool beside each.

A job names one address for all pools, `localhost:PORT` where each TaskManager has a machine. Here both are on one: each
TaskManager has a hosts file of its own, in which the name `workers` is the address of its own pool.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

from tests.pipelines.ingest_jobs import ROOT, wait_until
from tests.servers.ports import free_port, wait_until_listening

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

START = ROOT / "templates" / "flink" / "start"
MANAGERS = 2
POOLS = "127.0.0.2", "127.0.0.3"  # Linux has all of 127.0.0.0/8


class Cluster:
    """A running cluster: `flags` send a job there, `task_managers` can be killed; workers get the environment."""

    def __init__(self, folder: Path, environment: Mapping[str, str], slots: int) -> None:
        self._folder = folder
        self._environment = environment
        self._own = {
            "jobmanager.rpc.port": free_port(),
            "rest.port": free_port(),
            "blob.server.port": free_port(),
            "io.tmp.dirs": folder,
            "taskmanager.numberOfTaskSlots": slots,
        }
        self._workers_port = free_port()
        self._processes: list[subprocess.Popen] = []
        self.task_managers: list[subprocess.Popen] = []
        self.pools: list[subprocess.Popen] = []

    @property
    def flags(self) -> list[str]:
        return [
            "--runner=flink",
            f"--flink_master=127.0.0.1:{self._own['rest.port']}",
            "--environment_type=EXTERNAL",
            f"--environment_config=workers:{self._workers_port}",
            "--parallelism=2",
        ]

    def start(self) -> None:
        self._process("jobmanager", *self._settings())
        self.pools = [self._process("workers", f"{pool}:{self._workers_port}") for pool in POOLS]
        self.start_task_managers()
        for process, pool in zip(self.pools, POOLS, strict=True):
            wait_until_listening(self._workers_port, process, host=pool)

    def start_task_managers(self) -> None:
        """Starts those that are missing, and waits until the JobManager knows of all."""
        alive = dict(enumerate(self.task_managers))
        for place in range(MANAGERS):
            if place not in alive or alive[place].poll() is not None:
                alive[place] = self._process("taskmanager", *self._settings(), JAVA_TOOL_OPTIONS=self._hosts(place))
        self.task_managers = [alive[place] for place in range(MANAGERS)]
        wait_until(lambda: self._overview().get("taskmanagers", 0) >= MANAGERS, "two TaskManagers", 120)

    def kill_task_managers(self) -> None:
        for manager in self.task_managers:
            manager.kill()
            manager.wait()

    def workers(self, pool: subprocess.Popen) -> list[psutil.Process]:
        """The processes in which a pool has work done: one a job, as long as the job lasts."""
        return [worker for worker in psutil.Process(pool.pid).children(recursive=True) if _works(worker)]

    def wait_until_idle(self) -> None:
        """Waits until nobody works any more: when a command has failed, a worker may still end what it has begun."""
        wait_until(lambda: not any(map(self.workers, self.pools)), "the end of all workers", 120)

    def states(self) -> dict[str, str]:
        """The state of each job that was ever sent here, by its name."""
        return {job["name"]: job["state"] for job in self._jobs()}

    def jobs(self) -> list[str]:
        """The names of the jobs that run."""
        return [name for name, state in self.states().items() if state not in {"FINISHED", "CANCELED", "FAILED"}]

    def checkpoints(self, what: str = "completed") -> dict[str, int]:
        """How many checkpoints each running job has completed, or from how many it went on: `restored`."""
        running = [job for job in self._jobs() if job["state"] == "RUNNING"]
        answers = {job["name"]: self._asked(f"/jobs/{job['jid']}/checkpoints") for job in running}
        return {name: answer["counts"][what] for name, answer in answers.items() if answer}

    def stop(self) -> None:
        for process in self._processes:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def _settings(self) -> list[str]:
        return [word for name, value in self._own.items() for word in ("-D", f"{name}={value}")]

    def _hosts(self, place: int) -> str:
        """Java's option for a TaskManager in whose eyes `workers` is its own pool."""
        path = self._folder / f"hosts-{place}"
        path.write_text(f"127.0.0.1 localhost {socket.gethostname()}\n{POOLS[place]} workers\n")
        return f"-Djdk.net.hosts.file={path}"

    def _overview(self) -> dict[str, int]:
        return self._asked("/overview")

    def _jobs(self) -> list[dict[str, Any]]:
        return self._asked("/jobs/overview").get("jobs", [])

    def _asked(self, path: str) -> dict[str, Any]:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self._own['rest.port']}{path}", timeout=60) as answer:
                return json.load(answer)
        except OSError:
            return {}

    def _process(self, *words: str, **more: str) -> subprocess.Popen:
        programs = Path(sys.executable).parent
        environment = {
            **os.environ,
            **self._environment,
            "PATH": f"{programs}:{os.environ['PATH']}",
            "PYTHON": sys.executable,
            **more,
        }
        with (self._folder / f"{words[0]}-{len(self._processes)}.log").open("wb") as log:
            process = subprocess.Popen(
                [str(START), *words],
                cwd=ROOT,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._processes.append(process)
        return process


def _works(process: psutil.Process) -> bool:
    """A pool takes no note of a worker that ended by itself: it stays as a zombie for a while."""
    with contextlib.suppress(psutil.NoSuchProcess):
        return process.status() != psutil.STATUS_ZOMBIE
    return False


@contextlib.contextmanager
def run_flink_cluster(environment: Mapping[str, str], slots: int = 2) -> Iterator[Cluster]:
    """A cluster whose workers have that environment, and whose TaskManagers have so many slots each."""
    with tempfile.TemporaryDirectory(prefix="hornbeam-flink-") as folder:
        cluster = Cluster(Path(folder), environment, slots)
        try:
            cluster.start()
            yield cluster
        finally:
            cluster.stop()
