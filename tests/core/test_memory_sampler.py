"""The sampler sees this process and its children, costs next to nothing, and starts counting after start-up."""

import subprocess
import sys
import time

import pytest

from transforms.core.memory_sampler import MIB, MemorySampler, folder_bytes
from transforms.core.progress import Amounts


@pytest.fixture
def sampler(tmp_path):
    made = MemorySampler(str(tmp_path), interval_seconds=0.02, observe=lambda: Amounts(1, 2, 3))
    made.start()
    yield made
    made.stop()


def wait_for(condition):
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline, "the condition never came true"
        time.sleep(0.01)


def test_what_is_taken_after_the_start_counts_above_the_baseline(sampler):
    block = bytearray(b"x" * (80 * MIB))
    wait_for(lambda: sampler.peak_bytes - sampler.baseline_bytes > 75 * MIB)
    del block
    use = sampler.use(threshold_mb=200)
    assert use.peak_mb > use.baseline_mb + 75
    assert use.baseline_mb < use.average_mb < use.peak_mb
    assert use.threshold_mb == 200


def test_memory_of_child_processes_counts(sampler):
    code = "block = bytearray(b'x' * (60 << 20)); print('up', flush=True); input()"
    child = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert child.stdout.readline() == "up\n"
        wait_for(lambda: sampler.above_baseline() > 55 * MIB)
    finally:
        child.communicate("\n", timeout=120)
    wait_for(lambda: sampler.above_baseline() < 40 * MIB)


def test_temporary_files_count(sampler, tmp_path):
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "file").write_bytes(b"x" * (3 * MIB))
    wait_for(lambda: sampler.use().temp_peak_mb == 3.0)
    assert folder_bytes(str(tmp_path)) == 3 * MIB


def test_processor_time_is_measured(sampler):
    until = time.process_time() + 0.2
    while time.process_time() < until:
        pass
    sampler.snapshot("worked")
    assert sampler.use().cpu_seconds >= 0.15


def test_named_points_and_progress_are_in_the_timeline(sampler):
    sampler.snapshot("planned")
    sampler.stop()
    points = [point for point in sampler.use().timeline if point.label]
    assert [point.label for point in points] == ["start", "planned", "end"]
    assert (points[1].items, points[1].bytes, points[1].rows) == (1, 2, 3)
    assert 0 < points[1].percent < 100


def test_the_listener_hears_what_is_above_the_baseline(sampler):
    heard = []
    sampler.listen(heard.append)
    wait_for(lambda: len(heard) > 3)
    assert all(isinstance(value, int) for value in heard)


COST = """
import time
from transforms.core.memory_sampler import MemorySampler
MemorySampler().start()
before, started = time.process_time(), time.monotonic()
time.sleep(3)
print((time.process_time() - before) / (time.monotonic() - started))
"""


def test_sampling_every_tenth_of_a_second_costs_less_than_a_hundredth_of_a_core():
    share = float(subprocess.run([sys.executable, "-c", COST], check=True, capture_output=True, text=True).stdout)
    assert share < 0.01, f"sampling takes {100 * share:.2f} % of a core"
