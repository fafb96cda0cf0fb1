import gzip
import random

import pytest

from tests.servers.fault_proxy import Fault
from tests.servers.web import PASSWORD, USER
from transforms.core.errors import ConfigError, PermanentError, SourceChangedError
from transforms.core.objects.expansion import expand
from transforms.core.objects.store import ForbiddenError, open_store, stream

DATA = random.Random(3).randbytes(300_000)


def info_of(url: str):
    return next(expand(url))


def _read_backwards(store, info) -> None:
    for start in range(200_000, 0, -5_000):
        store.read(info, start, start + 10)


@pytest.mark.parametrize("kind", ["plain", "norange", "nohead", "nosize", "redirect"])
def test_a_file_is_read_whatever_the_server_can(web_server, kind):
    web_server.put("a b.csv", DATA)
    info = info_of(web_server.url("a b.csv", kind))
    store = open_store(info.uri)
    assert info.size_bytes == (-1 if kind == "nosize" else len(DATA))
    assert b"".join(stream(store, info, block_bytes=70_000)) == DATA
    assert store.read(info, 1000, 2000) == DATA[1000:2000]
    assert store.read(info, 500, 1500) == DATA[500:1500]


@pytest.mark.parametrize("kind", ["plain", "norange"])
def test_a_body_that_breaks_off_is_read_on(web_server, fault_proxy, kind):
    web_server.put("f.csv", DATA)
    fault_proxy.reset(web_server.endpoint)
    info = info_of(f"{fault_proxy.endpoint}/{kind}/f.csv")
    fault_proxy.reset()
    fault_proxy.add(Fault(times=2, cut_after=100_000))
    assert b"".join(stream(open_store(info.uri), info, block_bytes=150_000)) == DATA
    assert fault_proxy.pending_faults == 0
    assert fault_proxy.total_bytes() <= (len(DATA) if kind == "plain" else 2 * len(DATA))


def test_without_ranges_two_passes_download_twice_and_jumping_about_is_refused(web_server, fault_proxy):
    web_server.put("g.csv", DATA)
    fault_proxy.reset(web_server.endpoint)
    info = info_of(f"{fault_proxy.endpoint}/norange/g.csv")
    store = open_store(info.uri)
    fault_proxy.reset()
    for _ in range(2):
        assert b"".join(stream(store, info, block_bytes=30_000)) == DATA
    assert fault_proxy.total_requests() == 2
    assert fault_proxy.total_bytes() == 2 * len(DATA)
    with pytest.raises(PermanentError, match=r"ignores ranges.*download it first"):
        _read_backwards(store, info)


def test_a_stored_gzip_stays_as_it_is(web_server):
    packed = gzip.compress(b"a,b\n" * 1000)
    web_server.put("a.csv.gz", packed)
    info = info_of(web_server.url("a.csv.gz", "gzip"))
    assert open_store(info.uri).read(info, 0, info.size_bytes) == packed


@pytest.mark.parametrize("kind", ["plain", "norange"])
def test_a_file_that_changed_is_not_read_on(web_server, kind):
    web_server.put("c.csv", DATA)
    info = info_of(web_server.url("c.csv", kind))
    web_server.put("c.csv", DATA[::-1])
    with pytest.raises(SourceChangedError):
        open_store(info.uri).read(info, 0, 10)


def test_an_empty_file_has_no_bytes(web_server):
    web_server.put("empty.csv", b"")
    for kind in ("plain", "nohead"):
        assert info_of(web_server.url("empty.csv", kind)).size_bytes == 0


def test_what_is_missing_and_what_cannot_be_listed_are_named(web_server):
    with pytest.raises(ConfigError, match=r"gone\.csv"):
        info_of(web_server.url("gone.csv") + "?X-Amz-Signature=s3cr3t")
    with pytest.raises(ConfigError, match="can't be listed"):
        info_of(f"{web_server.endpoint}/plain/*.csv")


def test_a_signature_in_a_url_is_never_shown(web_server):
    with pytest.raises(ConfigError) as caught:
        info_of(web_server.url("gone.csv") + "?X-Amz-Signature=s3cr3t")
    assert "s3cr3t" not in str(caught.value)


def test_a_password_comes_from_netrc_and_is_never_shown(web_server, tmp_path, monkeypatch):
    web_server.put("p.csv", DATA)
    monkeypatch.setenv("HOME", str(tmp_path))
    url = web_server.url("p.csv", "private")
    scheme, _, rest = url.partition("://")
    with pytest.raises(ConfigError, match="netrc") as caught:
        info_of(f"{scheme}://{USER}:{PASSWORD}@{rest}")
    assert PASSWORD not in str(caught.value)
    with pytest.raises(ConfigError, match=r"401.*\.netrc"):
        info_of(url)
    (tmp_path / ".netrc").write_text(f"machine localhost login {USER} password {PASSWORD}\n")
    (tmp_path / ".netrc").chmod(0o600)
    info = info_of(url.replace("127.0.0.1", "localhost"))
    assert open_store(info.uri).read(info, 0, 5) == DATA[:5]


def test_a_web_server_is_not_written(web_server):
    with pytest.raises(PermanentError, match="can only be read"):
        open_store(web_server.endpoint).write(web_server.url("x"), b"")


def test_a_redirect_away_from_the_web_is_refused(web_server, fault_proxy):
    fault_proxy.reset(web_server.endpoint)
    fault_proxy.add(Fault(times=2, status=302, method="", headers={"Location": "file:///etc/passwd"}))
    with pytest.raises((ConfigError, ForbiddenError), match="redirects"):
        info_of(f"{fault_proxy.endpoint}/plain/x.csv")
