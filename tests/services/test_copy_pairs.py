"""`hornbeam copy` between every pair of stores: every size arrives, is proved, and isn't copied twice."""

import os

import pytest

from tests.core.objects.certificates import self_signed
from tests.servers.web import run_web_server
from tests.services.copy_ends import PART, bodies, copy, verify
from transforms.core.errors import ConfigError

SIZES = {"empty": 0, "one": 1, "below a part": PART - 1, "a part": PART, "above a part": PART + 1}
KINDS = ("file", "s3", "gs")


PAIRS = [(source, destination) for source in KINDS for destination in KINDS]
BY_FILE = [("file", "s3"), ("s3", "s3"), ("s3", "gs"), ("gs", "file")]


@pytest.mark.parametrize(
    ("source", "destination", "mode"),
    [*((*pair, "auto") for pair in PAIRS), *((*pair, "traditional") for pair in BY_FILE)],
)
def test_every_size_arrives_once_and_is_verified(new_end, tmp_path, source, destination, mode):
    here, there = new_end(source, "here"), new_end(destination, "there")
    sent = {f"a folder/{name}": os.urandom(size) for name, size in SIZES.items()}
    for key, body in sent.items():
        here.put(key, body)

    first = copy(here, there, tmp_path, mode=mode, part_size_mb=5)
    assert (first.summary.exit_code, first.counts) == (0, (5, 0, 0, 0))
    assert first.summary.details["proofs"] == {"match": 5}
    assert first.summary.bytes.done == sum(SIZES.values())
    assert bodies(there) == sent

    again = copy(here, there, tmp_path, mode=mode, part_size_mb=5)
    assert (again.summary.exit_code, again.counts, again.summary.bytes.done) == (0, (0, 5, 0, 0), 0)
    compared = verify(here, there, tmp_path)
    assert (compared.summary.exit_code, compared.counts) == (0, (5, 0, 0, 0))


@pytest.mark.parametrize("kind", ["s3", "gs"])
def test_between_two_endpoints_bytes_go_through_this_process(new_end, fault_proxy, tmp_path, kind):
    here = new_end(kind, "here", fault_proxy.endpoint)
    fault_proxy.reset(here.server.endpoint)
    there = new_end(kind, "there")
    sent = {name: os.urandom(size) for name, size in SIZES.items()}
    for key, body in sent.items():
        here.put(key, body)
    run = copy(here, there, tmp_path, part_size_mb=5)
    assert (run.summary.exit_code, run.counts) == (0, (5, 0, 0, 0))
    assert run.summary.details["modes"] == {"hybrid": 5}
    assert run.summary.details["fell_back"] == {"direct_sync: the two sides have different endpoints": 5}
    assert bodies(there) == sent
    told = sum(fault_proxy.total_bytes(f"{here.prefix}{key}") for key in sent)
    assert 0 <= told - sum(SIZES.values()) < 64 << 10  # nothing is read twice; answers to questions are small


@pytest.mark.parametrize(
    ("destination", "kind"),
    [
        *((kind, "plain") for kind in KINDS),
        *((kind, "nosize") for kind in KINDS),
        *(("file", odd) for odd in ("norange", "nohead", "redirect")),
    ],
)
def test_every_size_comes_from_a_web_server(new_end, web_server, tmp_path, destination, kind):
    there = new_end(destination, "there")
    lines = ["source,destination"]
    for name, size in SIZES.items():
        web_server.put(f"sizes/{name}", os.urandom(size))
        lines.append(f"{web_server.url(f'sizes/{name}', kind)},web/{name}")
    (tmp_path / "list.csv").write_text("\n".join(lines))
    run = copy(None, there, tmp_path, manifest=str(tmp_path / "list.csv"), part_size_mb=5)
    assert (run.summary.exit_code, run.counts) == (0, (5, 0, 0, 0))
    for name in SIZES:
        assert there.got(f"web/{name}").body == (web_server.folder / "sizes" / name).read_bytes()
    assert run.summary.bytes.done == sum(SIZES.values())


@pytest.mark.parametrize(("source", "destination"), [("file", "gs"), ("s3", "file"), ("s3", "s3"), ("gs", "s3")])
def test_one_object_keeps_its_name_or_takes_a_new_one(new_end, tmp_path, source, destination):
    here, there = new_end(source, "here"), new_end(destination, "there")
    here.put("sub/one.txt", b"one")
    named = {"source": f"{here.root}sub/one.txt", **here.options("source")}
    assert copy(None, there, tmp_path, **named).counts == (1, 0, 0, 0)
    new_name = {"destination": f"{there.root}new/name.txt"}
    assert copy(None, there, tmp_path, **named, **new_name).counts == (1, 0, 0, 0)
    assert bodies(there) == {"one.txt": b"one", "new/name.txt": b"one"}


def test_one_web_page_keeps_its_name(new_end, web_server, tmp_path):
    there = new_end("file", "there")
    web_server.put("pages/one page.html", b"<p>")
    run = copy(None, there, tmp_path, source=f"{web_server.url('pages/one page.html')}?a=b")
    assert run.summary.exit_code == 0
    assert bodies(there) == {"one page.html": b"<p>"}


@pytest.mark.parametrize("destination", ["file", "s3"])
def test_objects_come_over_tls_from_a_server_whose_certificate_is_trusted(new_end, tmp_path, monkeypatch, destination):
    there, certificate = new_end(destination, "there"), self_signed(tmp_path)
    sent = {"small": b"small", "large": os.urandom(PART + 1)}
    for trusted in (False, True):  # each with a server of its own: a store keeps its connections
        with run_web_server(certificate) as server:
            for name, body in sent.items():
                server.put(name, body)
            (tmp_path / "list.csv").write_text("\n".join(["source", *map(server.url, sent)]))
            one = {"source": server.url("small"), "destination": f"{there.root}one"}
            if not trusted:
                with pytest.raises(ConfigError, match=r"--source: https://127\.0\.0\.1.*no trusted connection"):
                    copy(None, there, tmp_path, **one)
                continue
            monkeypatch.setenv("REQUESTS_CA_BUNDLE", certificate)
            assert copy(None, there, tmp_path, **one).counts == (1, 0, 0, 0)
            run = copy(None, there, tmp_path, manifest=str(tmp_path / "list.csv"), part_size_mb=5)
            assert (run.summary.exit_code, run.counts) == (0, (2, 0, 0, 0))
    found = bodies(there)
    assert {key.rpartition("/")[2]: body for key, body in found.items()} == sent | {"one": b"small"}


def test_the_signature_of_a_web_address_is_nowhere_in_a_run(new_end, web_server, tmp_path, capfd):
    there, manifest = new_end("file", "there"), tmp_path / "list.csv"
    web_server.put("a", b"a")
    signed = [f"{web_server.url(name)}?X-Amz-Signature=deadbeef" for name in ("a", "missing")]
    one = copy(None, there, tmp_path, source=signed[0], destination=f"{there.root}one", log_level="DEBUG")
    assert one.counts == (1, 0, 0, 0)
    manifest.write_text("\n".join(["source", *signed]))
    run = copy(None, there, tmp_path, manifest=str(manifest), log_level="DEBUG")
    assert run.counts == (1, 0, 1, 0)
    with pytest.raises(ConfigError, match="signed addresses failed there"):
        copy(None, there, tmp_path, manifest=str(manifest), retry=str(run.folder))
    files = [path for path in tmp_path.rglob("*") if path.is_file() and path != manifest]
    assert run.folder / "outcomes.jsonl" in files
    assert not [path for path in files if b"deadbeef" in path.read_bytes()]
    assert "deadbeef" not in "".join(capfd.readouterr())
