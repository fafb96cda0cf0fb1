"""A temporary file's name tells whether its writer is gone."""

import os
import subprocess
import sys

import pytest

from transforms.core.objects import local_writers

_TELL = "from transforms.core.objects.local_writers import writer; print(writer())"


def test_a_process_that_has_ended_is_gone_and_a_living_one_is_not():
    told = subprocess.run([sys.executable, "-c", _TELL], capture_output=True, text=True, check=True).stdout.strip()
    assert local_writers.is_gone(told)
    assert not local_writers.is_gone(local_writers.writer())
    assert told[:8] == local_writers.writer()[:8]


@pytest.mark.parametrize(
    "who",
    ["", f"{'0' * 8}{os.getpid():08x}", f"{'0' * 8}7ffffffe", local_writers.writer()[:8] + "f" * 8, "a" * 16],
    ids=["nothing", "another machine, this process's number", "no process", "this machine, no number", "no name"],
)
def test_what_cannot_be_told_is_not_gone(who):
    assert not local_writers.is_gone(who)
