"""An S3-protocol server whose bucket holds any number of objects, none of which is stored: it lists, and nothing else.

Keys are `data/day=000000/000000000000.csv` and so on, ten thousand a day; every object has 100,000 bytes.
"""

from __future__ import annotations

import contextlib
import threading
from bisect import bisect_left, bisect_right
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, quote, urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

BUCKET, PREFIX, OBJECT_BYTES = "synthetic", "data/", 100_000


class Keys:
    """The keys in order, made when they are asked for."""

    def __init__(self, count: int) -> None:
        self.count = count

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, number: int) -> str:
        if not 0 <= number < self.count:
            raise IndexError(number)
        return f"{PREFIX}day={number // 10_000:06}/{number:012}.csv"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    keys: Sequence[str]
    requests = 0

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        type(self).requests += 1
        asked = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
        body = listing(self.keys, asked).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/xml")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def listing(keys: Sequence[str], asked: dict[str, str]) -> str:
    """A page of ListObjectsV2; a token is the key behind which it goes on."""
    prefix, delimiter = asked.get("prefix", ""), asked.get("delimiter", "")
    token = asked.get("continuation-token", "")
    behind = bytes.fromhex(token).decode() if token else asked.get("start-after", "")
    place = max(bisect_right(keys, behind), bisect_left(keys, prefix))
    most = int(asked.get("max-keys", "1000"))
    told: list[str] = []
    last = behind
    while len(told) < most and place < len(keys) and keys[place].startswith(prefix):
        key = keys[place]
        cut = key.find(delimiter, len(prefix)) if delimiter else -1
        if cut >= 0:
            folder = key[: cut + len(delimiter)]
            last = f"{folder}\U0010ffff"
            if folder > behind.rstrip("\U0010ffff"):
                told.append(f"<CommonPrefixes><Prefix>{quote(folder)}</Prefix></CommonPrefixes>")
            place = bisect_left(keys, last)
            continue
        told.append(_contents(key))
        last, place = key, place + 1
    more = place < len(keys) and keys[place].startswith(prefix)
    token = f"<NextContinuationToken>{last.encode().hex()}</NextContinuationToken>" if more else ""
    return (
        '<?xml version="1.0" encoding="UTF-8"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
        f"<Name>{BUCKET}</Name><EncodingType>url</EncodingType><KeyCount>{len(told)}</KeyCount>"
        f"<IsTruncated>{str(more).lower()}</IsTruncated>{token}{''.join(told)}</ListBucketResult>"
    )


def _contents(key: str) -> str:
    return (
        f"<Contents><Key>{quote(key)}</Key><LastModified>2026-01-01T00:00:00.000Z</LastModified>"
        f'<ETag>"{hash(key) & (1 << 128) - 1:032x}"</ETag><Size>{OBJECT_BYTES}</Size>'
        "<StorageClass>STANDARD</StorageClass></Contents>"
    )


@contextlib.contextmanager
def serving(count: int) -> Iterator[tuple[str, type[_Handler]]]:
    """Serves a bucket of so many objects: its endpoint, and the handler, which counts requests."""
    handler = type("Handler", (_Handler,), {"keys": Keys(count), "requests": 0})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", handler
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
