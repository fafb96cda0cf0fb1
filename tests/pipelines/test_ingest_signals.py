"""Ctrl-C and SIGTERM: the command ends soon with an account, nothing is published, and the same command goes on."""

import json
import signal

import psutil
import pytest

from tests.pipelines.ingest_jobs import Job, csv_bytes, end_by_signal, start, wait_until
from tests.servers.fault_proxy import Fault

ROWS = 16_000
SMALL = {"chunk_rows": 500, "range_mb": 1, "max_concurrent": 1}
PROCESSES = ["--direct_running_mode=multi_processing", "--direct_num_workers=2"]
RECORDS = [(number, f"{number} " + "x" * 300, number / 4) for number in range(ROWS)]
CASES = [
    ("duckdb", "scanning", signal.SIGINT, []),
    ("duckdb", "scanning", signal.SIGTERM, []),
    ("duckdb", "loading", signal.SIGINT, []),
    ("postgresql", "loading", signal.SIGTERM, []),
    ("postgresql", "loading", signal.SIGINT, PROCESSES),
]


@pytest.fixture
def slow_source(web_server, fault_proxy):
    """A file of five ranges on a server whose every answer takes a while, those of the second pass seconds.

    So a load can't be over before the signal comes, however late a busy machine tells of the phase.
    """
    body = csv_bytes(RECORDS)
    web_server.put("large.csv", body)
    fault_proxy.reset(web_server.endpoint)
    fault_proxy.add(Fault(times=1000, delay_seconds=5, after_bytes=len(body)))
    fault_proxy.add(Fault(times=1000, delay_seconds=0.5))
    return f"{fault_proxy.endpoint}/plain/large.csv"


def wait_for_phase(process, name: str) -> None:
    """Until the command says that it is scanning, or loading."""
    for line in process.stdout:
        if json.loads(line).get("phase") == name:
            return
    pytest.fail(f"the command ended before it was {name}: {process.stderr.read()}")


def workers_are_up(process) -> bool:
    """Whether both worker processes run Python: until then a signal to the group finds the shell that starts them."""
    lines = [child.cmdline() for child in psutil.Process(process.pid).children(recursive=True)]
    return len(lines) == 2 and all("apache_beam.runners.worker.sdk_worker_main" in words for words in lines)


@pytest.mark.parametrize(("job", "phase", "number", "flags"), CASES, indirect=["job"])
def test_a_signal_ends_a_load_with_its_account_and_the_same_command_goes_on(
    job: Job, slow_source, fault_proxy, phase, number, flags
):
    folder = job.new_folder()
    process = start([*job.command(slow_source, output=folder, json="true", **SMALL), *flags])

    def ready():
        wait_for_phase(process, phase)
        if flags:
            wait_until(lambda: workers_are_up(process), "two worker processes")

    out = end_by_signal(process, ready, number, to_group=bool(flags))
    summary = json.loads((folder / "summary.json").read_text())
    size = len(csv_bytes(RECORDS))
    assert summary["status"] == "interrupted"
    assert summary["items"] == {"planned": 1, "done": 0, "skipped": 0, "failed": 0, "not_started": 1}
    assert summary["bytes"]["planned"] == summary["bytes"]["not_started"] == size
    assert json.loads(out.splitlines()[-1])["summary"]["status"] == "interrupted"
    assert [json.loads(line)["status"] for line in (folder / "outcomes.jsonl").open()] == ["not_started"]
    assert "t" not in job.place.tables()
    stored = job.loads()
    # No database file is made only to say that a load is pending.
    expected = ["processing"] if phase == "loading" else ["pending"] if job.place.kind == "postgresql" else []
    assert [load.status for load in stored] == expected
    assert summary["details"]["load_status"] == (expected[0] if expected else "not stored")
    fault_proxy.reset()
    run = job.run(slow_source, **SMALL)
    assert (run.summary.status, run.summary.exit_code) == ("completed", 0)
    assert job.rows() == RECORDS
    [load] = job.loads()
    assert not stored or [load.spec.load_id] == [one.spec.load_id for one in stored]
    # The second command does not scan again what the first one has planned.
    assert fault_proxy.total_bytes() < (1.02 if phase == "loading" else 2.02) * size + 300_000
