"""What Prism and Flink take and refuse, each with its remedy, before anything runs; whether or not they are here."""

import json
import re
import signal

import pytest

from pipelines.copy_settings import CopySettings
from pipelines.ingest_settings import IngestSettings
from pipelines.launch import choose_runner
from tests.pipelines.ingest_jobs import start, wait_until
from transforms.core.errors import ConfigError

FAR = {"source": "s3://b/in", "destination": "gs://b/out", "output": "s3://b/run"}
SHARED = {"source": "/data", "destination": "/lake", "shared_disk": True}
POOL = ["--environment_type=EXTERNAL", "--environment_config=localhost:5000"]
CLOUD = ["--project=p", "--region=r", "--temp_location=gs://b/t"]
IDLE = {"subscription": "projects/p/subscriptions/s", "stop_after_idle_seconds": 60}
CLUSTER = ["--flink_master=flink:8081", *POOL]


@pytest.fixture
def engines(tmp_path, monkeypatch):
    """A folder like that of `make engines`, and a Java."""
    for name in ("bin/prism", "flink/beam-runners-flink-1.19-2.62.0.jar", "java/bin/java"):
        path = tmp_path / name
        path.parent.mkdir(parents=True)
        path.touch(mode=0o755)
    monkeypatch.setenv("HORNBEAM_ENGINES", str(tmp_path))
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "java"))
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


# Runner, its flags, settings; shown as, mode, what a signal asks of the engine.
TAKEN = [
    ("prism", [], FAR, "PrismRunner", "loopback", "drain"),
    ("PrismRunner", ["--environment_type=LOOPBACK"], SHARED, "PrismRunner", "loopback", "drain"),
    ("prism", ["--job_endpoint=localhost:8073"], FAR, "PrismRunner, localhost:8073", "loopback", "drain"),
    ("flink", [], FAR, "FlinkRunner, embedded", "loopback", "drain"),
    ("FlinkRunner", ["--flink_master=[local]"], SHARED, "FlinkRunner, embedded", "loopback", "drain"),
    ("direct", ["--runner=flink"], FAR, "FlinkRunner, embedded", "loopback", "drain"),
    ("flink", ["--job_endpoint", "localhost:8099"], FAR, "FlinkRunner, localhost:8099", "loopback", "drain"),
    ("flink", [*CLUSTER, "--job_endpoint=jobs:8099"], FAR, "FlinkRunner, jobs:8099", "remote", "cancel"),
    ("flink", [*POOL, "--job_endpoint=jobs:8099"], SHARED, "FlinkRunner, jobs:8099", "remote", "drain"),
    ("flink", CLUSTER, FAR, "FlinkRunner, flink:8081", "remote", "cancel"),
    ("flink", CLUSTER, SHARED, "FlinkRunner, flink:8081", "remote", "drain"),
    ("flink", CLUSTER, FAR | {"shared_disk": True}, "FlinkRunner, flink:8081", "remote", "cancel"),
]


@pytest.mark.parametrize(("asked", "flags", "settings", "shown", "mode", "stop"), TAKEN)
def test_what_can_work_there_is_taken(engines, asked, flags, settings, shown, mode, stop):
    choice = choose_runner(CopySettings(runner=asked, **settings), flags)
    assert (choice.shown, choice.mode, choice.processes) == (shown, mode, 1)
    assert f"to {stop}" in choice.stopping


REFUSED = [
    ("flink", [], FAR | {"output": None}, r"--output .*--shared_disk if all of them see the same folders"),
    ("flink", [], FAR | {"source": "/data"}, r"--source /data: on this machine's disk.*s3:// or gs:// addresses"),
    ("flink", [], FAR | {"destination": "file:///lake"}, r"--destination file:///lake: on this machine's disk"),
    ("flink", [], FAR | {"source": None, "manifest": "list.csv"}, r"--manifest list.csv: on this machine's disk"),
    ("flink", ["--flink_master=flink:8081"], FAR, r"give --environment_type=EXTERNAL --environment_config="),
    ("flink", [*POOL, "--job_endpoint=jobs:8099"], FAR, r"jobs:8099: a job server can't .* give --flink_master=HOST:P"),
    ("flink", ["--flink_job_server_jar=/none.jar"], FAR, r"/none.jar: there is no such file"),
    ("dataflow", CLOUD, FAR | IDLE, r"--stop_after_idle_seconds=60: with --subscription a job .* goes on until"),
    ("prism", ["--prism_location=/none"], FAR, r"--prism_location=/none: there is no such program.*make engines"),
    ("prism", POOL, FAR, r"on Prism this process is the worker; leave that flag away"),
]


@pytest.mark.parametrize(("asked", "flags", "settings", "message"), REFUSED)
def test_what_cannot_work_there_is_refused_with_a_remedy(engines, asked, flags, settings, message):
    with pytest.raises(ConfigError, match=message):
        choose_runner(CopySettings(runner=asked, **settings), flags)


HEADS = {"bounded": {}, "watch": {"watch": 5}, "subscription": {"subscription": "projects/p/subscriptions/s"}}
PROCESSES = ["--direct_running_mode=multi_processing", "--direct_num_workers=2"]
CHECKPOINTED = ["--checkpointing_interval=10000"]
# Engine, head, flags; the runner and whether it gets an unbounded graph, or why not.
TABLE = [
    ("direct", "bounded", [], ("FnApiRunner", False)),
    ("direct", "watch", [], ("FnApiRunner", False)),
    ("direct", "subscription", [], ("BundleBasedDirectRunner", True)),
    ("direct", "bounded", PROCESSES, ("FnApiRunner, 2 processes", False)),
    (
        "direct",
        "watch",
        PROCESSES,
        "--watch on --runner=direct: a stream runs in one process here. Leave --direct_running",
    ),
    ("direct", "subscription", PROCESSES, "--subscription on --runner=direct: a stream runs in one process here"),
    ("prism", "bounded", [], ("PrismRunner", False)),
    ("prism", "watch", [], ("PrismRunner", True)),
    (
        "prism",
        "subscription",
        [],
        "--subscription on --runner=prism: that engine can't read from Pub/Sub. Use --runner=",
    ),
    ("flink", "bounded", [], ("FlinkRunner, embedded", False)),
    ("flink", "watch", CHECKPOINTED, ("FlinkRunner, embedded", True)),
    ("flink", "watch", [*CHECKPOINTED, *CLUSTER], ("FlinkRunner, flink:8081", True)),
    ("flink", "watch", [*CHECKPOINTED, *CLUSTER, "--job_endpoint=jobs:8099"], ("FlinkRunner, jobs:8099", True)),
    ("flink", "watch", [*CHECKPOINTED, *POOL, "--job_endpoint=jobs:8099"], "give --flink_master=HOST:PORT too"),
    ("flink", "watch", [*CHECKPOINTED, "--job_endpoint=jobs:8099"], "or leave --job_endpoint away"),
    ("flink", "watch", [], "--watch on --runner=flink: without checkpoints .* give --checkpointing_interval, in milli"),
    ("flink", "watch", ["--checkpointing_interval=-1"], "give --checkpointing_interval"),
    ("flink", "subscription", CHECKPOINTED, "--subscription on --runner=flink: that engine can't read from Pub/Sub"),
    ("dataflow", "bounded", CLOUD, ("DataflowRunner", False)),
    ("dataflow", "watch", CLOUD, ("DataflowRunner", True)),
    ("dataflow", "subscription", CLOUD, ("DataflowRunner", True)),
]


@pytest.mark.parametrize(("asked", "head", "flags", "expected"), TABLE)
def test_a_stream_is_taken_by_the_engines_that_can_run_it(engines, asked, head, flags, expected):
    settings = CopySettings(runner=asked, **FAR, **HEADS[head])
    if isinstance(expected, str):
        with pytest.raises(ConfigError, match=expected):
            choose_runner(settings, flags)
    else:
        choice = choose_runner(settings, flags)
        assert (choice.shown, choice.streams, choice.head) == (*expected, head)


IN_MEMORY = r"^checkpoints are .* Flink at flink:8081 says .*; if .* give --state_backend=filesystem --state_back"
KIND, WHERE = "--state_backend=filesystem", "--state_backend_storage_path=s3://b/checkpoints"
# Where the checkpoints of a stream are kept: head, flags, what the user is warned of.
KEPT = [
    ("watch", CLUSTER, IN_MEMORY),
    ("watch", [*CLUSTER, KIND], IN_MEMORY),
    ("watch", [*CLUSTER, WHERE], IN_MEMORY),
    ("watch", [*CLUSTER, KIND, WHERE], "^$"),
    ("watch", [*CLUSTER, "--state_backend_factory=a.Factory"], "^$"),
    ("watch", [], "^$"),
    ("bounded", CLUSTER, "^$"),
]


@pytest.mark.parametrize(("head", "flags", "warned"), KEPT)
def test_a_stream_on_a_cluster_that_is_not_told_where_to_keep_checkpoints_warns(engines, head, flags, warned):
    choice = choose_runner(CopySettings(runner="flink", **FAR, **HEADS[head]), [*CHECKPOINTED, *flags])
    assert re.search(warned, choice.warning)


@pytest.mark.parametrize("lake", ["parquet:/lake", "parquet:lake", "parquet:file:///lake"])
def test_a_folder_of_tables_is_a_local_place(engines, lake):
    settings = IngestSettings(runner="flink", source="s3://b/x", table="t", destination=lake, output="s3://b/run")
    with pytest.raises(ConfigError, match=f"--destination {lake}: on this machine's disk"):
        choose_runner(settings, [])


@pytest.mark.parametrize(("runner", "refused"), [("direct", False), ("prism", False), ("flink", True)])
def test_a_database_of_one_process_is_refused_where_workers_are_many(engines, runner, refused):
    settings = CopySettings(runner=runner, **SHARED)
    if refused:
        with pytest.raises(
            ConfigError, match=r"one writer, and Flink has many\. Use --runner=direct, or load into Post"
        ):
            choose_runner(settings, [], "one writer")
    else:
        assert choose_runner(settings, [], "one writer").processes == 1


@pytest.mark.parametrize(
    ("asked", "gone", "message"),
    [
        ("prism", "bin/prism", "no Prism at .*bin/prism or on the path: build it by `make engines`"),
        ("flink", "flink/beam-runners-flink-1.19-2.62.0.jar", "no jars in .*flink: build it by `make engines`"),
        ("flink", "java/bin/java", "no Java on the path: install one"),
    ],
)
def test_an_engine_that_is_not_here_says_how_to_get_it(engines, asked, gone, message):
    (engines / gone).unlink()
    with pytest.raises(ConfigError, match=message):
        choose_runner(CopySettings(runner=asked, **FAR), [])


def test_a_prism_on_the_path_will_do(engines):
    (engines / "bin" / "prism").rename(engines / "prism")
    assert choose_runner(CopySettings(runner="prism", **FAR), []).engine == "prism"


@pytest.fixture
def begin(tmp_path):
    """Starts a pipeline on a Prism that is this shell script."""
    begun = []

    def begin(pipeline, script):
        program = tmp_path / "prism"
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
        source = tmp_path / "in"
        source.mkdir()
        (source / "a.csv").write_text("n\n1\n")
        where = {"copy": [f"--destination={tmp_path}/out"], "ingest": [f"--destination=parquet:{tmp_path}/out"]}
        words = [*where[pipeline], *(["--table=t"] if pipeline == "ingest" else []), f"--output={tmp_path}/run"]
        begun.append(start([pipeline, f"--source={source}", *words, "--runner=prism", f"--prism_location={program}"]))
        return begun[0]

    yield begin
    for process in begun:
        process.kill()
        process.communicate()


def test_an_engine_that_does_not_come_up_ends_the_command_with_what_it_said(begin, tmp_path):
    process = begin("copy", "echo no room at the inn\nexit 3")
    _, err = process.communicate(timeout=120)
    assert process.returncode == 2
    assert "Prism ended with 3; it said: no room at the inn." in err
    assert "Traceback" not in err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(("pipeline", "number"), [("copy", signal.SIGINT), ("ingest", signal.SIGTERM)])
def test_a_signal_while_an_engine_starts_ends_the_run_with_an_account_of_nothing(begin, tmp_path, pipeline, number):
    process = begin(pipeline, f"touch {tmp_path}/started\nexec sleep 300")
    wait_until(lambda: process.poll() is not None or (tmp_path / "started").exists(), "the engine's start")
    process.send_signal(number)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 128 + number, err
    assert f"{pipeline} interrupted" in out
    assert "items: 0 planned" in out
    assert "Traceback" not in err
    summary = json.loads((tmp_path / "run" / "summary.json").read_text())
    assert (summary["status"], summary["error"], set(summary["items"].values())) == ("interrupted", None, {0})
    assert not (tmp_path / "out").exists()
