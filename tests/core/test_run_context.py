"""A worker that an engine started joins a run whose folder all its workers see, and no other."""

import os

import pytest

from transforms.core import run_context
from transforms.core.run_context import VARIABLE, RunContext


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.setenv(VARIABLE, "")
    (tmp_path / "progress").mkdir()
    return RunContext("r", os.getpid(), str(tmp_path))


def test_a_worker_joins_a_run_whose_folder_it_sees(run):
    run_context.adopt(run)
    assert run_context.current() == run


@pytest.mark.parametrize(
    "change",
    [{"temp_dir": "/nowhere"}, {"shared_dir": "/nowhere"}, {"is_shared": False}],
    ids=["another machine", "no such shared folder", "others don't see it"],
)
def test_a_worker_joins_no_other(run, change):
    run_context.adopt(run._replace(**change))
    assert run_context.current() is None


def test_a_worker_of_a_run_stays_with_it(run, tmp_path):
    run_context.adopt(run)
    (tmp_path / "other" / "progress").mkdir(parents=True)
    run_context.adopt(run._replace(run_id="other", temp_dir=str(tmp_path / "other")))
    assert run_context.current() == run
