"""The choice of a runner: what is taken, what is refused and how, before Beam is even imported."""

import subprocess
import sys

import pytest

from pipelines.launch import choose_runner
from pipelines.settings import PipelineSettings
from transforms.core.errors import ConfigError

PROCESSES = ["--direct_running_mode=multi_processing", "--direct_num_workers=2"]
TAKEN = [
    ("direct", [], "FnApiRunner", 1, "in_memory"),
    ("DirectRunner", [], "FnApiRunner", 1, "in_memory"),
    ("FnApiRunner", [], "FnApiRunner", 1, "in_memory"),
    ("BundleBasedDirectRunner", [], "BundleBasedDirectRunner", 1, "in_memory"),
    ("direct", ["--runner=BundleBasedDirectRunner"], "BundleBasedDirectRunner", 1, "in_memory"),
    ("direct", PROCESSES, "FnApiRunner", 2, "multi_processing"),
    ("direct", ["--direct_num_workers=4"], "FnApiRunner", 1, "in_memory"),
    (
        "direct",
        ["--direct_running_mode=multi_threading", "--direct_num_workers=4"],
        "FnApiRunner",
        1,
        "multi_threading",
    ),
    ("direct", ["--direct_runner_bundle_repeat=1"], "FnApiRunner", 1, "in_memory"),
]


@pytest.mark.parametrize(("asked", "flags", "name", "processes", "mode"), TAKEN)
def test_what_runs_here_is_taken(asked, flags, name, processes, mode):
    choice = choose_runner(PipelineSettings(runner=asked), flags)
    assert choice[:3] == (name, processes, mode)
    assert choice.reason


REFUSED = [
    ("DataflowRunner", [], "", "--project is required on Dataflow"),
    ("PortableRunner", [], "", "name that engine, prism or flink"),
    ("SparkRunner", [], "", "there is no such runner"),
    ("direct", PROCESSES, "DuckDB locks its file", "DuckDB locks its file. Leave that flag away"),
]


@pytest.mark.parametrize(("asked", "flags", "single", "message"), REFUSED)
def test_what_cannot_work_is_refused_with_a_remedy(asked, flags, single, message):
    with pytest.raises(ConfigError, match=message):
        choose_runner(PipelineSettings(runner=asked), flags, single)


def test_one_process_may_write_where_only_one_can():
    assert choose_runner(PipelineSettings(), [], "DuckDB locks its file").processes == 1


def test_choosing_imports_no_beam():
    code = (
        "import sys; from pipelines.launch import choose_runner; from pipelines.settings import PipelineSettings\n"
        "choose_runner(PipelineSettings(), []); assert 'apache_beam' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
