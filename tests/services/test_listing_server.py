"""The server of benchmarks/scale.py lists as S3 does, whatever part of its keys is asked for."""

import pytest

from benchmarks.listing_server import BUCKET, OBJECT_BYTES, PREFIX, Keys, serving
from transforms.core.copying.copy_tasks import plan_tasks
from transforms.core.objects.access import StoreAccess
from transforms.core.objects.store import open_copy_store
from transforms.objects import copy_between

COUNT = 25_000
URI = f"s3://{BUCKET}/{PREFIX}"


@pytest.fixture
def access(monkeypatch):
    for name, value in {"AWS_ACCESS_KEY_ID": "nobody", "AWS_SECRET_ACCESS_KEY": "nothing"}.items():
        monkeypatch.setenv(name, value)
    with serving(COUNT) as (endpoint, _):
        yield StoreAccess(endpoint)


def keys(access, start, stop, **more):
    listed = open_copy_store(URI, access).list_range(URI, start, stop, **more)
    return [one.info.uri.removeprefix(f"s3://{BUCKET}/") for one in listed]


def test_ranges_of_a_plan_cover_every_key_once(access, tmp_path):
    tasks = plan_tasks(copy_between(URI, f"{tmp_path}/", source_access=access))
    assert len(tasks) > 3
    assert [key for task in tasks for key in keys(access, task.start, task.stop)] == list(Keys(COUNT))


def test_a_range_and_a_limit_are_kept(access):
    assert keys(access, "day=000001/", "day=000001/000000010003.csv") == [
        f"{PREFIX}day=000001/{number:012}.csv" for number in range(10_000, 10_003)
    ]
    assert keys(access, "", "", limit=2) == list(Keys(2))
    [first] = open_copy_store(URI, access).list_range(URI, "", "", limit=1)
    assert first.info.size_bytes == OBJECT_BYTES


def test_folders_are_told_once_each(access):
    found = [info.uri for info in open_copy_store(URI, access).list(f"{URI}*/000000010000.csv")]
    assert found == [f"{URI}day=000001/000000010000.csv"]
