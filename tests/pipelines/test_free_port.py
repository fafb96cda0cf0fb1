"""Ports for servers that are about to start: free, each given out once, out of the way of outgoing connections."""

import socket

from pipelines.engines.free_port import _first_outgoing, free_port


def test_ports_are_free_and_different_and_no_outgoing_connection_gets_one():
    ports = [free_port() for _ in range(300)]
    assert len(set(ports)) == 300
    assert max(ports) < _first_outgoing()
    for port in ports[:20]:
        with socket.socket() as server:
            server.bind(("127.0.0.1", port))


def test_a_port_that_somebody_has_is_not_given_out(monkeypatch):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        monkeypatch.setattr("random.sample", lambda *_: [taken.getsockname()[1]])
        assert free_port() != taken.getsockname()[1]
