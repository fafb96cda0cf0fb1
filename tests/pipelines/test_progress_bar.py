"""The bar shows what the counters say, on a terminal as wide as it is, and leaves no trace; elsewhere lines do."""

import io
import os
import pty
import re
import subprocess
import sys

import pytest
from rich.console import Console

from pipelines import run_output
from pipelines.progress_bar import bar, live_bar
from tests.pipelines import toy
from tests.pipelines.test_signals import ROOT
from transforms.core.progress import Amounts, Snapshot
from transforms.core.rates import pace

LOADING = pace(Snapshot("loading", Amounts(8, 75_000_000, 500_000), Amounts(3, 30_000_000, 200_000)), 4.0, 310_000_000)
MILLIONS = pace(
    Snapshot("loading", Amounts(1, 291_000_000, 2_000_000), Amounts(0, 236_000_000, 1_622_559)), 9.5, 499_000_000
)


def drawn(now, width=140):
    console = Console(file=io.StringIO(), width=width, force_terminal=True, color_system=None)
    console.print(bar(now, width))
    return console.file.getvalue()


def test_everything_is_in_one_line():
    text = drawn(LOADING)
    assert len(text.splitlines()) == 1
    wanted = ["loading", "40 %", "3/8 items", "30.0 MB/75.0 MB", "200,000/500,000 rows", "50,000 rows/s", "6.00 s left"]
    assert [word for word in [*wanted, "310 MB"] if word not in text] == []


@pytest.mark.parametrize("width", [40, 60, 80, 100, 120])
def test_a_narrow_screen_has_fewer_words_and_cuts_none(width):
    text = drawn(MILLIONS, width)
    assert len(text.splitlines()) == 1
    assert "…" not in text
    assert "81 %" in text
    wanted = ["1,622,559/2,000,000 rows"] if width >= 80 else []
    assert [word for word in wanted if word not in text] == []


def test_before_anything_is_known_it_promises_nothing():
    text = drawn(pace(Snapshot(), 0.0, 0))
    assert "starting" in text
    assert "%" not in text
    assert "left" not in text


def test_the_live_bar_calls_for_fresh_numbers():
    calls = []

    def now():
        calls.append(1)
        return LOADING

    console = Console(file=io.StringIO(), width=140, force_terminal=True)
    with live_bar(now, console):
        pass
    assert calls


def test_a_run_on_a_terminal_draws_the_bar_there_and_prints_only_four_lines(tmp_path):
    main, side = pty.openpty()
    words = [sys.executable, "-m", "tests.pipelines.toy", str(tmp_path), "60", "0.1"]
    environment = os.environ | {"TERM": "xterm-256color", "COLUMNS": "140"}
    process = subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, stderr=side, text=True, env=environment)
    os.close(side)
    seen = b""
    while True:
        try:
            block = os.read(main, 65_536)
        except OSError:  # the other side is closed
            break
        if not block:
            break
        seen += block
    out, _ = process.communicate(timeout=120)
    os.close(main)
    assert process.returncode == 0
    assert len(out.splitlines()) == 4
    assert b"/60 items" in seen


def test_a_run_without_a_terminal_says_a_line_every_ten_seconds(tmp_path, capfd, monkeypatch):
    assert run_output.LINE_SECONDS == 10
    monkeypatch.setattr(run_output, "LINE_SECONDS", 0.3)
    assert toy.run(tmp_path, items=20, seconds=0.3).exit_code == 0  # four at a time: 1.5 s and more
    printed = capfd.readouterr()
    form = r" - INFO - items (\d+)/20, .*memory [0-9.]+ [kMG]B$"
    done = [int(found[1]) for line in printed.err.splitlines() if (found := re.search(form, line))]
    assert len(done) >= 3
    assert done == sorted(done)
    assert done[0] < done[-1] <= 20
    assert len(printed.out.splitlines()) == 4
    assert re.search(form, (tmp_path / "hornbeam.log").read_text(), re.MULTILINE)
