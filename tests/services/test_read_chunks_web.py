"""Frames over HTTP, whatever breaks on the way."""

import gzip

import pandas as pd
import pytest

from tests.servers.fault_proxy import Fault
from transforms.core.tables.loads.read_chunks import read_chunks

CSV = ("id,text\n" + "".join(f'{number},"line {number}\nof {number * 7919}"\n' for number in range(60_000))).encode()


@pytest.mark.parametrize(("name", "pack"), [("t.csv", bytes), ("t.csv.gz", gzip.compress)])
@pytest.mark.parametrize("kind", ["plain", "norange"])
def test_bodies_that_break_off_are_read_on_and_the_frames_are_whole(web_server, fault_proxy, kind, name, pack):
    data = pack(CSV)
    web_server.put(name, data)
    fault_proxy.reset(web_server.endpoint)
    fault_proxy.add(Fault(times=4, method="GET", cut_after=len(data) // 3))
    frames = list(read_chunks(f"{fault_proxy.endpoint}/{kind}/{name}", 25_000))
    assert fault_proxy.pending_faults == 0
    assert [len(frame) for frame in frames] == [25_000, 25_000, 10_000]
    found = pd.concat(frames)
    assert found["id"].tolist() == list(range(60_000))
    assert found["text"].iloc[-1] == f"line 59999\nof {59_999 * 7919}"
