"""What a bounded run on this machine can't need of Beam is not imported, and can be afterwards."""

import json
import subprocess
import sys

import pytest

from pipelines.engines.lean_import import LEFT_OUT, may_be_lean

CHILD = """
import importlib, json, sys
from pipelines import launch
from tests.pipelines.sample_settings import SampleSettings
launch.start_up_for_good(SampleSettings(project=("x",)), json.loads(sys.argv[1]))
names = json.loads(sys.argv[2])
before = [name for name in names if name in sys.modules]
for name in names:
    importlib.import_module(name)
from apache_beam.io.filesystems import FileSystems
from apache_beam.io.gcp.pubsub import ReadFromPubSub
print(json.dumps([before, [type(FileSystems.get_filesystem(uri)).__name__ for uri in ("gs://b/o", "s3://b/o")]]))
"""

COMMAND = """
import json, sys
from pipelines.__main__ import console
names = json.loads(sys.argv.pop())
code = console()
print(json.dumps([code, [name for name in names if name in sys.modules]]))
"""


@pytest.mark.parametrize(
    ("engine", "head", "lean"),
    [
        ("direct", "bounded", True),
        ("direct", "watch", True),
        ("direct", "subscription", False),
        ("dataflow", "bounded", False),
        ("prism", "watch", False),
        ("", "bounded", False),
    ],
)
def test_only_what_runs_in_this_process_without_pubsub_may_leave_modules_out(engine, head, lean):
    assert may_be_lean(engine, head) is lean


@pytest.mark.parametrize(("flags", "there"), [([], []), (["--runner=PrismRunner"], list(LEFT_OUT))])
def test_modules_that_were_left_out_can_be_imported_afterwards(flags, there):
    command = [sys.executable, "-c", CHILD, json.dumps(flags), json.dumps(LEFT_OUT)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [there, ["GCSFileSystem", "S3FileSystem"]]


@pytest.mark.parametrize("scheme", ["duckdb:///", "sqlite:///", "parquet:"])
def test_a_command_does_its_work_without_what_was_left_out(scheme, tmp_path):
    source = tmp_path / "a.csv"
    source.write_text('id,at,what\n1,2024-01-02,"a, b"\n2,2024-01-03,c\n')
    words = ["ingest", f"--source={source}", f"--destination={scheme}{tmp_path}/out", f"--output={tmp_path}/run"]
    command = [sys.executable, "-c", COMMAND, *words, "--table=t", json.dumps(LEFT_OUT)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert json.loads(done.stdout.splitlines()[-1]) == [0, []], done.stderr
    assert "MongoDB" not in done.stderr
    assert "bson" not in done.stderr
