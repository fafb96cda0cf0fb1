"""The wire against a server that says, byte for byte, what a test wants it to say."""

import socket
import ssl
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from urllib3.exceptions import HTTPError

from tests.core.objects.certificates import self_signed
from tests.core.objects.scripted_server import OK, ask, talking, wire_to
from transforms.core.errors import PermanentError, TransientError
from transforms.core.objects import exchange
from transforms.core.objects.exchange import Request
from transforms.core.objects.wire import Wire


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (OK, b"hi"),
        (b"HTTP/1.1 100 Continue\r\n\r\n" + OK, b"hi"),
        (b"HTTP/1.1 200\r\ncontent-length:0\r\n\r\n", b""),
        (b"HTTP/1.1 204 No Content\r\n\r\n", b""),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", b""),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\nA\r\n0123456789\r\n0\r\nT: 1\r\n\r\n",
         b"abc0123456789"),
        (b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nup to the end", b"up to the end"),
        (b"HTTP/1.1 200 OK\r\nx: " + b"y" * 9000 + b"\r\nContent-Length: 3\r\n\r\nabc", b"abc"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n" + b"z" * 300_000, b"z" * 300_000),
    ],
)  # fmt: skip
def test_each_kind_of_body_is_read_to_its_end(answer, expected):
    with talking(answer, answer) as server:
        assert ask(wire_to(server)).read() == expected
        slowly = ask(wire_to(server))
        assert b"".join(iter(lambda: slowly.read(2), b"")) == expected


def test_one_connection_serves_request_after_request():
    with talking(OK, OK, OK) as server:
        wire = wire_to(server)
        for method, body in (("GET", b""), ("PUT", b"x" * 200_000), ("DELETE", b"")):
            answer = ask(wire, method, "/a//b/../c?d", body)
            assert (answer.status, answer.headers["x-two"], answer.read()) == (200, "a, b", b"hi")
        assert server.connections == 1
        assert server.requests[1].startswith(b"PUT /a//b/../c?d HTTP/1.1\r\nhost: h\r\ncontent-length: 200000\r\n")
        assert server.requests[1].endswith(b"\r\n\r\n" + b"x" * 200_000)
        assert b"content-length" not in server.requests[0]


def test_a_head_has_no_body_whatever_its_length_says():
    with talking(b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n", OK) as server:
        wire = wire_to(server)
        assert ask(wire, "HEAD").read() == b""
        assert ask(wire).read() == b"hi"
        assert server.connections == 1


def test_a_body_left_unread_costs_its_connection():
    with talking(OK, OK) as server:
        wire = wire_to(server)
        ask(wire).release_conn()
        assert ask(wire).read() == b"hi"
        assert server.connections == 2


def test_a_connection_that_the_server_closed_while_it_rested_is_not_used():
    with talking(OK, OK) as server:
        wire = wire_to(server)
        ask(wire).read()
        (resting,) = wire._idle
        resting._sock.shutdown(socket.SHUT_WR)  # the server sees the end, and closes
        assert resting._sock.recv(1, socket.MSG_PEEK) == b""
        resting.used_at = time.monotonic() - 10
        assert ask(wire).read() == b"hi"
        assert server.connections == 2


@pytest.mark.parametrize(
    "answer", [b"", b"HTTP/1.1 200 OK\r\nCUT", b"SSH-2.0-OpenSSH\r\n\r\n", b"HTTP/1.1 2x0 OK\r\n\r\n"]
)
def test_an_answer_that_is_none_may_pass(answer):
    with talking(answer) as server, pytest.raises(TransientError, match=r"s3://b/k: no answer from 127\.0\.0\.1"):
        ask(wire_to(server))


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nCUT",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nA\r\nCUT",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nCUT",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nno number\r\nCUT",
    ],
)
def test_a_body_that_is_cut_is_an_error_after_what_came(answer):
    with talking(answer) as server:
        opened = ask(wire_to(server))
        with pytest.raises(HTTPError):
            list(iter(lambda: opened.read(10), b""))


def test_a_silent_server_is_given_up():
    with talking(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab", b"HTTP/1.1 200 OK\r\n", OK) as server:
        wire = wire_to(server, silence_seconds=0.2)
        opened = ask(wire)
        assert opened.read(5) == b"ab"
        with pytest.raises(HTTPError, match="silent"):
            opened.read(3)
        with pytest.raises(TransientError, match="silent"):
            ask(wire)


def test_patience_is_for_one_request_only():
    with talking(OK, OK) as server:
        wire = wire_to(server, silence_seconds=3.0)
        wire.sent(Request("GET", "/", {"host": "h"}), "s3://b/k", 9.0).read()
        assert [connection.silence_seconds for connection in wire._idle] == [9.0]
        ask(wire).read()
        assert [connection.silence_seconds for connection in wire._idle] == [3.0]
        assert server.connections == 1


def test_nobody_there_may_pass():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        wire = Wire(exchange.connections(f"http://127.0.0.1:{unused.getsockname()[1]}"), 1.0)
        with pytest.raises(TransientError, match="no answer from"):
            ask(wire)


def test_threads_share_a_wire():
    with talking(*[OK] * 400) as server:
        wire = wire_to(server)
        with ThreadPoolExecutor(8) as threads:
            bodies = list(threads.map(lambda _: ask(wire).read(), range(400)))
        assert bodies == [b"hi"] * 400
        assert server.connections <= 8


def test_a_proxy_of_the_environment_is_asked_for_the_whole_address(monkeypatch):
    with talking(OK) as server:
        monkeypatch.setenv("http_proxy", server.endpoint)
        monkeypatch.setenv("no_proxy", "")
        wire = Wire(exchange.connections("http://storage.example"), 5.0)
        assert ask(wire, target="/b/k").read() == b"hi"
        assert server.requests[0].startswith(b"GET http://h/b/k HTTP/1.1\r\n")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    return self_signed(tmp_path_factory.mktemp("tls"))


def test_tls_carries_the_same(certificate):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    large = b"HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n" + b"z" * 300_000
    cut = b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nCUT"
    with talking(OK, large, cut, context=context) as server:
        wire = Wire(exchange.connections(server.endpoint, ca_file=certificate), 5.0)
        assert ask(wire, "PUT", body=b"x" * 200_000).read() == b"hi"
        assert ask(wire).read() == b"z" * 300_000
        assert server.connections == 1
        opened = ask(wire)
        assert opened.read(10) == b"CUT"
        with pytest.raises(HTTPError):
            opened.read(7)


def test_a_certificate_that_is_not_trusted_is_refused_for_good(certificate):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with talking(OK, context=context) as server, pytest.raises(PermanentError, match="no trusted connection"):
        ask(wire_to(server))
