"""How a copy lists: both sides and many ranges at once, ahead of the copying, and never more than some pages."""

from __future__ import annotations

import gc
import threading
import tracemalloc
from bisect import bisect_left
from concurrent.futures import ThreadPoolExecutor

import pytest

from benchmarks.listing_server import BUCKET, PREFIX, Keys, serving
from tests.core.copying.listings import listed
from tests.pipelines.copy_jobs import writes
from tests.pipelines.ingest_jobs import wait_until
from tests.servers.fault_proxy import Fault
from tests.services.copy_ends import copy
from transforms.core.copying.copy_tasks import plan_tasks
from transforms.core.copying.key_merge import merged_ahead
from transforms.core.copying.key_ranges import plan_ranges
from transforms.core.objects.access import StoreAccess
from transforms.core.objects.details import ANY, NO_CHECKSUMS, Attributes
from transforms.core.objects.store import open_copy_store
from transforms.objects import copy_between

PAGE = 1000
SYNTHETIC = f"s3://{BUCKET}/{PREFIX}"
MIB = 1 << 20


class Meeting(threading.Event):
    """Is set once two requests are under way at the same time; one that stays alone goes on after a while."""

    def __init__(self, patience_seconds):
        super().__init__()
        self.patience_seconds, self.waiting, self.lock = patience_seconds, 0, threading.Lock()

    def wait(self, _timeout=None):
        with self.lock:
            self.waiting += 1
            if self.waiting > 1:
                self.set()
        met = super().wait(self.patience_seconds)
        with self.lock:
            self.waiting -= 1
        return met


def fill(end, count):
    store = open_copy_store(end.root, StoreAccess(end.server.endpoint))

    def put(number):
        store.put(f"{end.root}{number:05}", b"x", Attributes(), NO_CHECKSUMS, ANY)

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(put, range(count)))


def test_objects_are_copied_while_the_next_page_of_the_listing_is_awaited(new_end, fault_proxy, tmp_path):
    here, there = (new_end("s3", name, fault_proxy.endpoint) for name in ("here", "there"))
    fault_proxy.reset(here.server.endpoint)
    fill(here, PAGE + 1)
    released = threading.Event()
    pages = f"max-keys={PAGE}&prefix={here.prefix}"  # the plan asks for more of them at once
    fault_proxy.add(Fault(query=pages))
    fault_proxy.add(Fault(query=pages, until=released))

    def let_go():
        try:
            wait_until(lambda: writes(fault_proxy, there.prefix), "a copy before the second page", 120)
        finally:
            released.set()

    with ThreadPoolExecutor(1) as threads:
        copied = threads.submit(let_go)
        run = copy(here, there, tmp_path, include=("0000?", f"{PAGE:05}"))
        copied.result()
    assert fault_proxy.pending_faults == 0, "the second page was held"
    assert run.counts == (11, 0, 0, 0)
    assert there.keys() == {f"{number:05}" for number in (*range(10), PAGE)}


def test_both_sides_are_listed_at_once(new_end, fault_proxy, tmp_path):
    here, there = (new_end("s3", name, fault_proxy.endpoint) for name in ("here", "there"))
    fault_proxy.reset(here.server.endpoint)
    here.put("a", b"a")
    there.put("b", b"b")
    meeting = Meeting(10)
    for end in (here, there):
        fault_proxy.add(Fault(query=f"max-keys={PAGE}&prefix={end.prefix}", until=meeting))
    assert copy(here, there, tmp_path).counts == (1, 0, 0, 0)
    assert (fault_proxy.pending_faults, meeting.is_set()) == (0, True)


@pytest.fixture
def anybody(monkeypatch):
    for name, value in {"AWS_ACCESS_KEY_ID": "nobody", "AWS_SECRET_ACCESS_KEY": "nothing"}.items():
        monkeypatch.setenv(name, value)


@pytest.mark.usefixtures("anybody")
def test_the_keys_are_cut_into_ranges_by_several_requests_at_once(fault_proxy, tmp_path):
    with serving(25_000) as (endpoint, _):
        fault_proxy.reset(endpoint)
        meeting = Meeting(0.5)  # the first cuts have nothing to go beside
        fault_proxy.add(Fault(query="max-keys=100&", until=meeting, times=10))
        access = StoreAccess(fault_proxy.endpoint)
        assert len(plan_tasks(copy_between(SYNTHETIC, f"{tmp_path}/", source_access=access))) > 3
        assert meeting.is_set()


class Endless:
    """Numbered keys, each made when it is listed: what is held of them, a reader holds."""

    def __init__(self, count):
        self.keys = Keys(count)

    def list_range(self, prefix, start, stop, *, limit=0):
        first = bisect_left(self.keys, PREFIX + start)
        last = bisect_left(self.keys, PREFIX + stop) if stop else len(self.keys)
        last = min(last, first + limit) if limit else last
        return (listed(self.keys[place].removeprefix(PREFIX), prefix=prefix) for place in range(first, last))


def peak_bytes(count):
    """The most that is held at once while so many keys of both sides are planned, listed and merged."""
    store, merged = Endless(count), 0
    gc.collect()
    tracemalloc.start()
    try:
        for piece in plan_ranges(store, SYNTHETIC):
            ours, theirs = (store.list_range(SYNTHETIC, piece.start, piece.stop) for _ in range(2))
            with merged_ahead(ours, SYNTHETIC, theirs, SYNTHETIC) as pairs:
                merged += sum(one.source is not None and one.existing is not None for one in pairs)
        assert merged == count
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_ten_times_as_many_keys_take_no_more_memory():
    few, many = peak_bytes(10_000), peak_bytes(100_000)
    assert many - few < 4 * MIB, "all keys of a side take 40 MiB"
