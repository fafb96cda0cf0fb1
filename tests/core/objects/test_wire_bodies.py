"""Bodies that come while they go, on the wire."""

import socket
import ssl
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.core.objects.certificates import self_signed
from tests.core.objects.scripted_server import OK, ask, talking, wire_to
from transforms.core.errors import TransientError
from transforms.core.objects import exchange
from transforms.core.objects.body import Body
from transforms.core.objects.wire import Wire


def counted(sizes: list[int], taken: list[int], ended: list[str]):
    """Slices of such sizes, that tell what was taken of them and that they were let go."""
    try:
        for size in sizes:
            taken.append(size)
            yield b"b" * size
    finally:
        ended.append("let go")


@pytest.mark.parametrize("tls", [False, True])
def test_a_body_that_comes_while_it_goes_arrives_whole(tls, tmp_path):
    certificate = self_signed(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER) if tls else None
    if context:
        context.load_cert_chain(certificate)
    sizes, taken, ended = [1, 300_000, 7], [], []
    with talking(OK, OK, context=context) as server:
        wire = Wire(exchange.connections(server.endpoint, ca_file=certificate if tls else ""), 5.0)
        body = Body(sum(sizes), lambda: counted(sizes, taken, ended))
        for _ in range(2):
            assert ask(wire, "PUT", body=body).read() == b"hi"
    assert (taken, ended, server.connections) == (2 * sizes, 2 * ["let go"], 1)
    for request in server.requests:
        head, _, sent = request.partition(b"\r\n\r\n")
        assert b"content-length: 300008" in head
        assert sent == b"b" * sum(sizes)


def test_a_body_whose_source_breaks_off_is_no_request_and_costs_its_connection():
    def broken():
        yield b"half"
        raise TransientError("the source broke off")

    with talking(OK, OK) as server:
        wire = wire_to(server)
        with pytest.raises(TransientError, match="the source broke off"):
            ask(wire, "PUT", body=Body(8, broken))
        assert ask(wire, "PUT", body=b"again").read() == b"hi"
        assert server.connections == 2


def test_a_server_that_refuses_early_lets_the_rest_of_a_body_go():
    sizes, taken, ended = [1 << 20] * 64, [], []
    listener = socket.create_server(("127.0.0.1", 0))
    with listener, ThreadPoolExecutor(1) as threads:
        wire = Wire(exchange.connections(f"http://127.0.0.1:{listener.getsockname()[1]}"), 5.0)
        body = Body(sum(sizes), lambda: counted(sizes, taken, ended))
        asked = threads.submit(ask, wire, "PUT", body=body)
        connection, _ = listener.accept()
        with connection:
            connection.recv(4096)
            connection.sendall(b"HTTP/1.1 412 No\r\nContent-Length: 0\r\n\r\n")
        error = asked.exception()  # the reset may have been faster than the answer
    assert isinstance(error, TransientError) if error else asked.result().status == 412
    assert ended == ["let go"]
    assert len(taken) < len(sizes)
