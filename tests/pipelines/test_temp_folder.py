"""A run's temporary folder goes with the run, or, when that was killed, with the next one."""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from pipelines.temp_folder import remove_left_behind, temp_folder

HOLD = """
import sys
from pipelines.temp_folder import temp_folder
with temp_folder() as folder:
    print(folder, flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    return tmp_path


def age(folder: Path, seconds: float) -> None:
    os.utime(folder, (time.time() - seconds,) * 2)


def test_it_is_there_within_the_block_and_gone_afterwards(place):
    with temp_folder() as folder:
        assert Path(folder).parent == place
        age(Path(folder), 3600)
        remove_left_behind(place)
        assert Path(folder).exists(), "its run lives"
    assert list(place.iterdir()) == []


def test_what_a_killed_run_left_goes_with_the_next_one_and_a_living_one_s_stays(place):
    runs = [
        subprocess.Popen([sys.executable, "-c", HOLD], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    killed, living = [Path(run.stdout.readline().strip()) for run in runs]
    (killed / "outcomes.jsonl").write_text("half")
    runs[0].kill()
    runs[0].wait()
    for folder in (killed, living):
        age(folder, 3600)
    with temp_folder():
        assert not killed.exists()
        assert living.exists()
    runs[1].communicate("")
    assert list(place.iterdir()) == []


def test_what_is_no_run_s_folder_stays(place):
    (place / "hornbeam-notes.txt").write_text("mine")
    (place / "hornbeam-mine").mkdir()
    (place / "hornbeam-young").mkdir()
    (place / "hornbeam-young" / "lock").touch()
    (place / "hornbeam-link").symlink_to(place / "hornbeam-young")
    for folder in ("hornbeam-notes.txt", "hornbeam-mine"):
        age(place / folder, 3600)
    before = sorted(place.iterdir())
    remove_left_behind(place)
    assert sorted(place.iterdir()) == before
