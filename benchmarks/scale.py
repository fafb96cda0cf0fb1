"""What grows with the number of objects: planning, elements through shuffles, memory of driver and workers, account.

`python -m benchmarks.scale` copies 10^4, 10^5 and 10^6 objects of a bucket that lists and holds nothing (`--dry_run`),
in two worker processes: two minutes; `--quick` leaves 10^6 out. Elements and their bytes are counted in that very run
(counted_shuffles.py).
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import psutil

from benchmarks.listing_server import BUCKET, PREFIX, serving
from benchmarks.measuring import ROOT, end_by_sigterm, environment
from transforms.core.copying.copy_tasks import plan_tasks
from transforms.core.objects.access import StoreAccess
from transforms.objects import CopySettings, copy_between

KEYS = {"AWS_ACCESS_KEY_ID": "nobody", "AWS_SECRET_ACCESS_KEY": "nothing", "AWS_EC2_METADATA_DISABLED": "true"}
WORKERS = 2


class Planned(NamedTuple):
    """Planning alone: its seconds, requests and tasks."""

    seconds: float
    requests: int
    tasks: int


class Ran(NamedTuple):
    """A whole dry run.

    Its seconds and requests, what went through its shuffles, peak memory of driver and fullest worker, its account.
    """

    seconds: float
    requests: int
    elements: int
    element_bytes: int
    driver_mib: float
    worker_mib: float
    account_bytes: int


def planned(settings: CopySettings, requests: type) -> Planned:
    """Plans once, in this process."""
    before, began = requests.requests, time.perf_counter()
    tasks = plan_tasks(settings)
    return Planned(time.perf_counter() - began, requests.requests - before, len(tasks))


def ran(count: int, endpoint: str, folder: Path, requests: type) -> Ran:
    """Runs the command once."""
    counted = folder / "counted.json"
    command = [sys.executable, "-m", "benchmarks.counted_shuffles", str(counted)]
    command += ["copy", "--dry_run", "--source", f"s3://{BUCKET}/{PREFIX}"]
    command += ["--source_endpoint_url", endpoint, "--destination", f"{folder}/out/", "--output", f"{folder}/run"]
    command += ["--direct_running_mode=multi_processing", f"--direct_num_workers={WORKERS}"]
    before = requests.requests
    process = subprocess.Popen(
        command, cwd=ROOT, env=environment() | KEYS, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    driver, worker = _watched(process)
    _, problem = process.communicate()
    if process.returncode:
        raise RuntimeError(f"{command} ended with {process.returncode}: {problem[-2000:]}")
    summary = json.loads((folder / "run" / "summary.json").read_text())
    if summary["items"]["planned"] != count:
        raise RuntimeError(f"{summary['items']} planned, {count} served")
    size = sum(path.stat().st_size for path in (folder / "run").rglob("*.jsonl"))
    shuffled = json.loads(counted.read_text())
    if not shuffled["elements"]:
        raise RuntimeError("nothing was counted: Beam's runner groups elsewhere now (counted_shuffles.py)")
    asked = requests.requests - before
    return Ran(summary["seconds"], asked, shuffled["elements"], shuffled["bytes"], driver, worker, size)


def _watched(process: subprocess.Popen) -> tuple[float, float]:
    """The highest memory of the command's own process and of the fullest of those below it, in MiB."""
    driver = worker = 0
    tree = psutil.Process(process.pid)
    while process.poll() is None:
        try:
            driver = max(driver, tree.memory_info().rss)
            worker = max([worker, *(one.memory_info().rss for one in tree.children(recursive=True))])
        except psutil.NoSuchProcess:
            continue
        time.sleep(0.05)
    return driver / 2**20, worker / 2**20


def main() -> None:
    """Prints a line for each number of objects."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="without 10^6 objects")
    end_by_sigterm()
    counts = [10**4, 10**5, *([] if parser.parse_args().quick else [10**6])]
    os.environ.update(KEYS)
    for count in counts:
        with serving(count) as (endpoint, requests), tempfile.TemporaryDirectory() as name:
            source = f"s3://{BUCKET}/{PREFIX}"
            settings = copy_between(source, f"{name}/out/", source_access=StoreAccess(endpoint))
            plan = planned(settings, requests)
            run = ran(count, endpoint, Path(name), requests)
        print(
            f"{count:>9,} objects: planning {plan.seconds:.2f} s, {plan.requests} requests, {plan.tasks} tasks; "
            f"{run.elements} elements, {run.element_bytes:,} B through shuffles; "
            f"dry run {run.seconds:.1f} s, {run.requests} requests; "
            f"memory driver {run.driver_mib:.0f} MiB, worker {run.worker_mib:.0f} MiB; account {run.account_bytes:,} B",
            flush=True,
        )


if __name__ == "__main__":
    main()
