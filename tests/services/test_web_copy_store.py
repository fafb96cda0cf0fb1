import gzip
import os
import random

import pytest

from tests.servers.fault_proxy import Fault
from transforms.core.errors import SourceChangedError
from transforms.core.objects.access import MissingError, UnsupportedError
from transforms.core.objects.details import ANY, NO_CHECKSUMS, Attributes, Part, Upload
from transforms.core.objects.store import open_copy_store

DATA = random.Random(3).randbytes(300_000)


@pytest.mark.parametrize("kind", ["plain", "norange", "nohead", "nosize", "redirect"])
@pytest.mark.parametrize("data", [b"", b"1", DATA])
def test_an_object_comes_whole_with_its_time_in_one_request(web_server, fault_proxy, kind, data):
    web_server.put("a b.csv", data)
    os.utime(web_server.folder / "a b.csv", (1_600_000_000, 1_600_000_000))
    fault_proxy.reset(web_server.endpoint)
    url = f"{fault_proxy.endpoint}/{kind}/a%20b.csv"
    store = open_copy_store(url)
    details = store.details(url)
    assert details.attributes == Attributes(mtime=1_600_000_000)
    before = fault_proxy.total_requests()
    fetched = store.fetch(details.info)
    assert fault_proxy.total_requests() - before == (2 if kind == "redirect" else 1)
    info = details.info._replace(size_bytes=len(data))
    assert fetched == (data, details._replace(info=info))
    assert store.tags(info) == ()


def test_a_gzip_object_comes_as_stored(web_server):
    packed = gzip.compress(DATA)
    web_server.put("g", packed)
    url = web_server.url("g", "gzip")
    data, details = open_copy_store(url).fetch(open_copy_store(url).head(url))
    assert data == packed
    assert details.attributes.content_encoding == "gzip"


def test_a_body_that_breaks_off_is_fetched_again(web_server, fault_proxy):
    web_server.put("f", DATA)
    fault_proxy.reset(web_server.endpoint)
    url = f"{fault_proxy.endpoint}/plain/f"
    info = open_copy_store(url).head(url)
    fault_proxy.add(Fault(cut_after=100_000))
    assert open_copy_store(url).fetch(info)[0] == DATA
    assert fault_proxy.pending_faults == 0


def test_an_object_that_changed_or_went_is_not_fetched(web_server):
    web_server.put("c", b"old")
    url = web_server.url("c")
    store = open_copy_store(url)
    info = store.head(url)
    web_server.put("c", b"new")
    with pytest.raises(SourceChangedError, match="changed since it was planned"):
        store.fetch(info)
    (web_server.folder / "c").unlink()
    with pytest.raises(MissingError):
        store.fetch(info)


def test_checksums_in_the_headers_are_told_of_the_whole_only(web_server, fault_proxy):
    web_server.put("f", b"abc")
    fault_proxy.reset(web_server.endpoint)
    url = f"{fault_proxy.endpoint}/plain/f"
    store = open_copy_store(url)
    told = {"content-md5": "kAFQmDzST7DWlj99KOF/cg==", "etag": '"1"'}
    fault_proxy.add(Fault(method="GET", status=200, body=b"abc", headers=told))
    assert store.fetch(store.head(url)._replace(etag="1"))[1].checksums.md5 == "900150983cd24fb0d6963f7d28e17f72"
    fault_proxy.add(Fault(method="HEAD", status=405))
    fault_proxy.add(Fault(method="GET", status=206, body=b"a", headers={"content-range": "bytes 0-0/3", **told}))
    assert store.details(url).checksums == NO_CHECKSUMS


def test_a_url_lists_itself_and_a_folder_cannot_be_listed(web_server):
    web_server.put("f", b"abc")
    url = web_server.url("f")
    store = open_copy_store(url)
    [listed] = store.list_range(url, "", "")
    assert (listed.info, listed.mtime) == (store.head(url), listed.info.modified)
    assert list(store.list_range(url, "a", "")) == []
    with pytest.raises(UnsupportedError, match=r"can't be listed.*--manifest"):
        list(store.list_range(f"{web_server.endpoint}/plain/", "", ""))


def test_whatever_writes_is_refused_as_source_only(web_server):
    url = web_server.url("f")
    store = open_copy_store(url)
    web_server.put("f", b"abc")
    details = store.details(url)
    upload = Upload(url, "", Attributes(), ANY)
    for write in (
        lambda: store.write(url, b""),
        lambda: store.delete(url),
        lambda: store.put(url, b"", Attributes(), NO_CHECKSUMS, ANY),
        lambda: store.begin(url, Attributes(), ANY, 1),
        lambda: store.put_part(upload, 1, 0, b"", NO_CHECKSUMS),
        lambda: store.complete(upload, [Part(1, 0, "")], NO_CHECKSUMS),
        lambda: store.abort(upload),
        lambda: store.abort_leftovers(url, 0),
        lambda: store.copy_within(details, url, Attributes(), ANY),
        lambda: store.delete_all([details.info]),
    ):
        with pytest.raises(UnsupportedError, match=r"f: http\(s\) is a source only.*s3:// or gs://"):
            write()
