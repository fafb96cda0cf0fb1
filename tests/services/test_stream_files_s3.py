"""A stream's files on an S3 server: a notice may be older than the object; a small file is one look and one read."""

import contextlib
import sqlite3

from tests.core.tables.loads.stream_cases import SCHEMA
from transforms.core.objects.store import StoreAccess, open_store
from transforms.core.objects.traffic import traffic
from transforms.core.run_folder import RunFolder
from transforms.core.streams.notice import NOTIFICATION, Notice
from transforms.core.tables.loads.connections import Connections
from transforms.core.tables.loads.load_settings import LoadSettings
from transforms.core.tables.loads.stream_files import load_batch


def test_small_files_are_looked_at_and_read_once_and_old_notices_change_nothing(s3_environment, tmp_path):
    access = StoreAccess(endpoint_url=s3_environment.endpoint)
    bucket = s3_environment.make_bucket("stream-files")
    settings = LoadSettings((), f"sqlite:///{tmp_path}/out.db", "t", schema_text=SCHEMA, source_access=access)
    connections, folder = Connections(settings), RunFolder(f"file://{tmp_path}/run", "r")
    store = open_store(f"s3://{bucket}/", access)

    def put(number: int, rows: int) -> str:
        uri = f"s3://{bucket}/in/{number}.csv"
        text = "id,name\n" + "".join(f"{number * 10 + row},n\n" for row in range(rows))
        store.write(uri, text.encode())
        return uri

    def load(*notices: tuple[str, str]):
        batch = [Notice(uri, version, -1, 0.0, 0.0, NOTIFICATION) for uri, version in notices]
        return load_batch(batch, settings, connections, folder)

    uris = [put(number, 2) for number in range(6)]
    load((uris[0], ""))
    before = traffic()
    totals = load(*((uri, store.head(uri).etag) for uri in uris[1:]))
    assert (totals.done, totals.outdated) == (5, 0)
    assert traffic().bytes_read - before.bytes_read == totals.bytes
    older = store.head(uris[0]).etag
    put(0, 3)
    store.delete(uris[5])
    totals = load((uris[0], older), (uris[0], store.head(uris[0]).etag), (uris[5], "gone"))
    assert (totals.told, totals.done, totals.outdated, totals.failed) == (3, 1, 2, 0)
    connections.close()
    with contextlib.closing(sqlite3.connect(tmp_path / "out.db")) as database:
        assert database.execute("SELECT count(*), count(DISTINCT id) FROM t").fetchall() == [(15, 13)]
