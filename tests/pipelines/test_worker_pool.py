"""The worker pool beside a TaskManager: one address, named; nobody else gets in there; gone with what it started."""

import signal
import socket
import subprocess
import sys

import pytest

from pipelines.engines.worker_pool import address_of, main, start
from tests.servers.ports import free_port, wait_until_listening


@pytest.mark.parametrize(
    ("word", "address"),
    [
        ("50000", "127.0.0.1:50000"),
        ("10.0.0.7:50000", "10.0.0.7:50000"),
        ("[::1]:50000", "[::1]:50000"),
        ("nowhere", None),
        ("host:", None),
        ("host:65536", None),
        ("", None),
    ],
)
def test_an_address_has_a_port_and_is_on_this_machine_alone_unless_said(word, address):
    if address is None:
        with pytest.raises(ValueError, match=r"\[ADDRESS:\]PORT"):
            address_of(word)
    else:
        assert address_of(word) == address


@pytest.mark.parametrize("words", [[], ["nowhere"], ["1", "2"]])
def test_a_wrong_command_ends_with_2(words, capsys):
    assert main(words) == 2
    assert capsys.readouterr().err.startswith("worker_pool")


def test_two_pools_share_a_port_only_at_different_addresses():
    port = free_port()
    pools = [start(f"127.0.0.{last}:{port}") for last in (2, 3)]
    try:
        with pytest.raises(RuntimeError, match=r"127\.0\.0\.2"):
            start(f"127.0.0.2:{port}")
        with pytest.raises(OSError, match="refused"):
            socket.create_connection(("127.0.0.4", port), timeout=5)
    finally:
        for pool in pools:
            pool.stop(0).wait()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_pool_ends_when_it_is_asked_to(number):
    port = free_port()
    process = subprocess.Popen([sys.executable, "-m", "pipelines.engines.worker_pool", str(port)])
    try:
        wait_until_listening(port, process)
        process.send_signal(number)
        assert process.wait(20) == 0
    finally:
        process.kill()
        process.wait()
