import http.client
import threading
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.pipelines.ingest_jobs import wait_until
from tests.servers.fault_proxy import Fault


@pytest.fixture
def url(web_server, fault_proxy) -> str:
    web_server.put("proxied.txt", b"0123456789")
    fault_proxy.reset(web_server.endpoint)
    return f"{fault_proxy.endpoint}/plain/proxied.txt"


def get(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=10) as response:
        return response.read()


def test_without_faults_everything_passes_and_is_counted(url, fault_proxy):
    assert [get(url), get(url)] == [b"0123456789"] * 2
    assert (fault_proxy.total_requests(), fault_proxy.total_bytes("proxied")) == (2, 20)
    assert fault_proxy.total_bytes("other") == 0


def test_a_flipped_byte_arrives_flipped_once(url, fault_proxy):
    fault_proxy.add(Fault(flip_at=3))
    assert [get(url), get(url)] == [b"0122456789", b"0123456789"]


def test_a_delay_is_kept(url, fault_proxy):
    fault_proxy.add(Fault(delay_seconds=0.3))
    started = time.monotonic()
    get(url)
    assert time.monotonic() - started >= 0.3


def test_a_request_that_is_held_passes_when_it_is_let_go(url, fault_proxy):
    release = threading.Event()
    fault_proxy.add(Fault(until=release))
    with ThreadPoolExecutor(1) as threads:
        answer = threads.submit(get, url)
        wait_until(lambda: not fault_proxy.pending_faults, "the request")
        assert fault_proxy.total_requests() == 0
        release.set()
        assert answer.result(10) == b"0123456789"


@pytest.mark.parametrize("reset", [False, True])
def test_a_cut_body_ends_early_for_a_real_client(url, fault_proxy, reset):
    fault_proxy.add(Fault(cut_after=4, reset=reset))
    with pytest.raises((http.client.IncompleteRead, ConnectionResetError), match=r"IncompleteRead\(4 bytes|reset"):
        get(url)
    assert fault_proxy.total_bytes() == 4


def test_a_fault_waits_for_its_path_and_method(url, fault_proxy):
    fault_proxy.add(Fault(status=503, retry_after="7", path="elsewhere"))
    fault_proxy.add(Fault(status=503, retry_after="7", method="PUT"))
    assert get(url) == b"0123456789"
    fault_proxy.add(Fault(status=503, retry_after="7"))
    with pytest.raises(urllib.error.HTTPError) as caught:
        get(url)
    assert (caught.value.code, caught.value.headers["retry-after"]) == (503, "7")
