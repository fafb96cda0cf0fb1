"""The command line: what it prints, what it exits with, and what it doesn't import."""

import subprocess
import sys
from pathlib import Path

import pytest

from pipelines import registry
from pipelines.__main__ import console

ROOT = Path(__file__).parents[2]
HEAVY = ("apache_beam", "pyarrow", "pandas", "numpy", "duckdb", "psycopg", "obstore", "yaml", "google.api_core", "rich")


@pytest.fixture(autouse=True)
def sample(monkeypatch):
    entry = registry.PipelineEntry(
        "Try it.", "tests.pipelines.sample_settings:SampleSettings", "tests.pipelines.sample_pipeline"
    )
    monkeypatch.setitem(registry.PIPELINES, "sample", entry)


@pytest.mark.parametrize(
    "words", [["--help"], ["--version"], ["ingest", "--help"], ["ingests"], ["validate"], ["status", "--help"], []]
)
def test_help_version_and_wrong_commands_import_nothing_heavy(words):
    program = (
        "import sys; from pipelines.__main__ import console\n"
        f"console({words!r}); print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_settings_of_a_whole_ingest_command_import_nothing_heavy():
    program = (
        "import sys; from pipelines.settings_sources import parse; from pipelines.registry import settings_class\n"
        "parse(settings_class('ingest'), ['--source=a', '--destination=postgresql://u:p@h/d', '--table=t'])\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize(
    ("words", "code", "out", "err"),
    [
        (["--help"], 0, "Usage: hornbeam PIPELINE", ""),
        ([], 2, "Usage: hornbeam PIPELINE", ""),
        (["--version"], 0, "hornbeam ", ""),
        (["sample", "--help"], 0, "--batch_size N", ""),
        (["sample", "--project=a", "--batch_size=3", "--direct_num_workers=2"], 0, "ran (3, ['--direct_num", ""),
        (["sample", "--project=a", "--keep"], 1, "ran (100, [])", ""),
        (["sample", "--project=a", "--batch_size=13"], 2, "", "13 of them? Take 12 (postgresql://u:***@h).\n"),
        (["sample", "--project=a", "--batch_size=14"], 130, "", "hornbeam: interrupted before anything was done\n"),
        (["sample", "--batch_size=0"], 2, "", "hornbeam: --project is required"),
        (["sampel"], 2, "", "unknown pipeline or command 'sampel': did you mean sample? there are ingest, "),
        (["--nonsense"], 2, "", "unknown pipeline or command '--nonsense'"),
        (["validate"], 2, "", "validate needs a pipeline"),
        (["validate", "sampel"], 2, "", "unknown pipeline 'sampel': did you mean sample?"),
        (["validate", "--help"], 0, "Usage: hornbeam validate", ""),
        (["validate", "sample", "--project=a"], 0, "are well; nothing was changed", ""),
        (["validate", "sample", "--project=unreachable"], 2, "--project: postgresql://u:***@h can't be reached", ""),
        (["validate", "sample", "--config=no.yaml"], 2, "no.yaml can't be read", ""),
        (["bench"], 2, "", "bench knows memory, not 'nothing'"),
        (["bench", "speed"], 2, "", "bench knows memory, not 'speed'"),
        (["status", "--help"], 0, "hornbeam status DESTINATION", ""),
    ],
)
def test_a_command_prints_and_exits_as_it_should(capsys, words, code, out, err):
    assert console(words) == code
    printed = capsys.readouterr()
    assert out in printed.out
    assert err in printed.err
    assert bool(printed.err) == bool(err)
    assert "Traceback" not in printed.err


def test_validate_prints_one_line_for_each_finding(capsys):
    assert console(["validate", "sample", "--batch_size=0", "--codec=x", "--keeep"]) == 2
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["unknown", "--project", "--batch_size:", "--codec:"]


@pytest.mark.parametrize(
    ("words", "refused"),
    [
        (["--runner=spark"], ["--runner=spark: there is no such runner"]),
        (["--runner=PortableRunner"], ["says not what runs at --job_endpoint"]),
        (
            ["--runner=dataflow", "--region=r", "--temp_location=/tmp/t"],
            [
                "--project is required on Dataflow",
                "--temp_location takes a gs:// folder",
                "--output is required on Dataflow",
            ],
        ),
    ],
)
def test_validate_judges_the_engine_too_and_goes_on_to_the_rest(capsys, words, refused):
    assert console(["validate", "sample", "--project=unreachable", *words]) == 2
    *first, last = capsys.readouterr().out.splitlines()
    assert "can't be reached" in last
    assert len(first) == len(refused)
    assert all(text in line for text, line in zip(refused, first, strict=True)), first


@pytest.mark.parametrize("name", ["ingest", "copy", "verify"])
def test_an_engine_that_cannot_take_a_command_is_named_before_anything_is_looked_at(capsys, tmp_path, name):
    there = ["--destination=postgresql://u@127.0.0.1:1/d", "--table=t"] if name == "ingest" else []
    places = [f"--source={tmp_path}/none", f"--destination={tmp_path}/there", *there, f"--output={tmp_path}/out"]
    assert console([name, *places, "--runner=none"]) == 2
    assert capsys.readouterr().err.startswith("hornbeam: --runner=none: there is no such runner")
    assert list(tmp_path.iterdir()) == []


def test_an_error_is_one_line(capsys):
    assert console(["sample", "--batch_size=0", "--codec=x"]) == 2
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize(
    "words",
    [
        ["ingest", "--destination=postgresql://u:typed-pw-1@h/db", "--source=a", "--tabel=t"],
        ["ingest", "--destination", "postgresql://u:typed/pw-1@h/db", "--source=a", "--table=t"],
        ["ingest", "--destination=mysql://u:typed-pw-1@h/db", "--source=a", "--table=t"],
        ["ingest", "--destination_password=typed-pw-1", "--destination=parquet:o", "--source=a", "--table=t"],
        ["ingest", "--source=https://u:typed-pw-1@h/a.csv", "--destination=parquet:o", "--table=t"],
        ["validate", "ingest", "--destination=postgresql://u:typed-pw-1@h/db", "--write_mode=upsert", "--source=a"],
        ["postgresql://u:typed-pw-1@h/db"],
    ],
)
def test_a_typed_password_is_in_no_output_of_a_failing_command(words):
    command = [sys.executable, "-m", "pipelines", *words]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 2
    assert "pw-1" not in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def test_every_registered_settings_class_is_of_its_pipeline_and_every_name_is_one_word():
    for name in registry.PIPELINES:
        settings = registry.settings_class(name)
        assert name.isidentifier()
        assert {"config", "output", "dry_run"} < set(settings.model_fields)
    assert not set(registry.PIPELINES) & set(registry.COMMANDS)
