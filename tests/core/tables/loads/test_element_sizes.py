"""However many files there are, and however large they are: no shuffle of a load carries too many elements."""

import pytest

from tests.core.tables.loads.load_cases import source
from tests.core.tables.loads.plan_cases import SETTINGS, part
from tests.core.tables.loads.test_load_chunks import LOAD, plan_of
from transforms.core.errors import ConfigError
from transforms.core.tables.loads import element_sizes, open_load, scan_parts
from transforms.core.tables.loads.element_sizes import MOST_ELEMENTS, least_bytes
from transforms.core.tables.loads.load_chunks import tasks
from transforms.core.tables.loads.load_plan import CSV, STREAM, Part

MB, GB, TB = 10**6, 10**9, 10**12


def file_of(size: int) -> Part:
    one = part(0, width=2)
    return one._replace(info=one.info._replace(size_bytes=size))


# (files, bytes of each) of a load: how many ranges
LOADS = {
    "one file": ([(1, 20 * MB)], 3),
    "some files": ([(1000, 20 * MB)], 3000),
    "many files of 20 MB": ([(80_000, 20 * MB)], 80_000),
    "as many files as may be": ([(100_000, 20 * MB)], 100_000),
    "as many, one of them huge": ([(99_999, 1), (1, 10 * TB)], 100_000),
    "fewer, one of them huge": ([(90_000, 1), (1, 10 * TB)], 99_999),
    "files of many sizes": ([(50_000, 9 * MB), (10_000, GB), (100, 100 * GB)], 89_600),
}


@pytest.mark.parametrize(("files", "ranges"), LOADS.values(), ids=LOADS)
def test_the_ranges_of_a_load_are_not_too_many(files, ranges):
    least = least_bytes(sum(count for count, _ in files), sum(count * size for count, size in files))
    found = sum(count * len(scan_parts.cut(file_of(size), SETTINGS, least)) for count, size in files)
    assert found == ranges <= MOST_ELEMENTS


# kinds and chunks of the parts
PLANS = {
    "a part of small chunks": [(CSV, [1] * 60)],
    "a part of large chunks": [(CSV, [90] * 60)],
    "two sizes by turns": [(CSV, [1, 90] * 30)],
    "parts and streams": [(CSV, [3] * 20), (STREAM, [7] * 20), (CSV, [50] * 5), (CSV, [2] * 100)],
    "as many parts as may be": [(CSV, [2] * 5)] * 10,
}


@pytest.mark.parametrize("parts", PLANS.values(), ids=PLANS)
def test_the_tasks_of_a_load_are_not_too_many(parts, monkeypatch):
    monkeypatch.setattr(element_sizes, "MOST_ELEMENTS", 10)
    plan = plan_of(*parts)
    found = list(tasks(LOAD, plan, set(), 4))
    assert len(found) <= 10
    chunks = [(task.part, index) for task in found for index in range(task.first, task.last + 1)]
    assert chunks == [(number, index) for number, (_, sizes) in enumerate(parts) for index in range(len(sizes))]


def test_more_files_than_a_shuffle_carries_are_refused_with_the_remedy(tmp_path, monkeypatch):
    monkeypatch.setattr(open_load, "MOST_FILES", 3)
    asked = SETTINGS._replace(sources=(f"{tmp_path}/in/a*", f"{tmp_path}/in/*"))
    for name in ("a.csv", "b.csv", "c.csv"):
        source(tmp_path, name, "x\n1\n")
    assert len(open_load.list_files(asked)) == 3
    source(tmp_path, "d.csv", "x\n1\n")
    with pytest.raises(ConfigError, match=r"in/\*': more than 3 files; load them in several commands"):
        open_load.list_files(asked)
