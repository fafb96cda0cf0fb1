"""`hornbeam copy --manifest`: every bad line is named before anything is touched, and what it demands is checked."""

import base64
import hashlib
import json

import pytest

from pipelines.__main__ import console
from tests.services.copy_ends import PART, bodies, copy, set_time, verify
from transforms.core.errors import ConfigError

LARGE = bytes(range(256)) * (2 * PART // 256) + b"!"


def md5(data: bytes) -> str:
    return hashlib.md5(data).hexdigest()


def write(path, rows, columns=("source", "destination", "size", "md5")):
    """A manifest, in the form that its name asks for."""
    if path.suffix == ".csv":
        cells = [",".join(columns), *(",".join(f'"{row.get(name, "")}"' for name in columns) for row in rows)]
        path.write_text("\n".join(cells) + "\n")
    else:
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return {"manifest": str(path)}


@pytest.fixture
def ends(new_end):
    here, there = new_end("file", "here"), new_end("s3")
    for key, body in (("a", b"aaa"), ("sub/b, c", b"bb"), ("large", LARGE)):
        here.put(key, body)
    return here, there


@pytest.mark.parametrize("name", ["list.csv", "list.jsonl"])
def test_each_row_goes_where_it_says_and_is_checked(ends, tmp_path, name):
    here, there = ends
    rows = [
        {"source": f"{here.root}a"},
        {"source": f"{here.root}a", "destination": "new/name ü", "size": "3", "md5": md5(b"aaa")},
        {"source": f"file://{here.root}sub/b, c", "destination": f"{there.root}below", "md5": md5(b"bb")},
        {"source": f"{here.root}large", "size": str(len(LARGE)), "md5": md5(LARGE)},
    ]
    given = write(tmp_path / name, rows)
    run = copy(None, there, tmp_path, **given, part_size_mb=5)
    assert (run.summary.exit_code, run.counts) == (0, (4, 0, 0, 0))
    assert bodies(there) == {"a": b"aaa", "new/name ü": b"aaa", "below": b"bb", "large": LARGE}
    assert run.summary.bytes.done == 8 + len(LARGE)
    again = copy(None, there, tmp_path, **given, part_size_mb=5)
    assert (again.summary.exit_code, again.counts) == (0, (0, 4, 0, 0))


def test_relative_paths_start_from_where_the_command_runs(ends, tmp_path, monkeypatch):
    here, there = ends
    monkeypatch.chdir(here.path)
    (tmp_path / "list.csv").write_text("source\nsub/../a\nlarge\n")
    run = copy(None, there, tmp_path, manifest=str(tmp_path / "list.csv"))
    assert (run.summary.exit_code, there.keys()) == (0, {"a", "large"})


def test_a_row_may_name_each_kind_of_source(ends, new_end, web_server, tmp_path):
    here, there = ends
    bucket = new_end("s3")
    bucket.put("k?x", b"bucket")
    web_server.put("page one.txt", b"web")
    rows = [f"{here.root}a", f"{bucket.root}k?x", web_server.url("page one.txt")]
    (tmp_path / "list.csv").write_text("source\n" + "\n".join(rows))
    run = copy(None, there, tmp_path, manifest=str(tmp_path / "list.csv"), source_endpoint_url=bucket.server.endpoint)
    assert (run.summary.exit_code, run.failures) == (0, {})
    assert bodies(there) == {"a": b"aaa", "k?x": b"bucket", "page one.txt": b"web"}


DEMANDS = [
    *((column, "auto", "s3") for column in ("md5", "crc32c", "sha256", "size")),
    ("md5", "traditional", "s3"),
    ("sha256", "auto", "file"),
    ("md5", "auto", "gs"),
]


@pytest.mark.parametrize(("column", "mode", "destination"), DEMANDS)
def test_what_a_row_demands_and_doesnt_get_fails_that_object_alone(ends, new_end, tmp_path, column, mode, destination):
    here, _ = ends
    there = new_end(destination, "there")
    wrong = {"md5": md5(b"other"), "crc32c": "00000000", "sha256": "0" * 64, "size": "4"}[column]
    rows = [{"source": f"{here.root}{key}", column: wrong} for key in ("a", "large")] + [
        {"source": f"{here.root}sub/b, c"}
    ]
    run = copy(None, there, tmp_path, **write(tmp_path / "list.jsonl", rows), mode=mode, part_size_mb=5)
    assert (run.summary.exit_code, run.counts) == (1, (1, 0, 2, 0))
    assert bodies(there) == {"b, c": b"bb"}
    assert all("the manifest" in failure["message"] for failure in run.failures.values())


@pytest.mark.parametrize("data", [b"12345", LARGE], ids=["small", "large"])
def test_a_size_that_the_source_doesnt_tell_is_enforced_before_anything_is_written(new_end, web_server, tmp_path, data):
    there = new_end("s3")
    web_server.put("f", data)
    there.put("longer", b"kept as it was")
    sizes = {"shorter": -1, "longer": 1, "far longer": 10**9, "right": 0}
    rows = [
        {"source": web_server.url("f", "nosize"), "destination": key, "size": str(len(data) + more)}
        for key, more in sizes.items()
    ]
    run = copy(None, there, tmp_path, **write(tmp_path / "list.jsonl", rows), part_size_mb=5)
    assert (run.summary.exit_code, run.counts) == (1, (1, 0, 3, 0))
    assert bodies(there) == {"longer": b"kept as it was", "right": data}
    told = [failure["message"] for failure in run.lines("failures.jsonl")]
    assert all(f"is {len(data)} bytes, the manifest says" in message for message in told)


@pytest.mark.parametrize(("source", "destination"), [("s3", "file"), ("gs", "gs"), ("file", "s3")])
def test_what_is_there_already_is_not_what_a_row_demands_and_never_skipped(new_end, tmp_path, source, destination):
    here, there = new_end(source), new_end(destination, "there")
    for end in (here, there):
        end.put("a", b"aaa")
    rows = [{"source": f"{here.root}a", "md5": md5(b"other")}]
    run = copy(None, there, tmp_path, **write(tmp_path / "list.jsonl", rows) | here.options("source"))
    assert (run.summary.exit_code, run.counts, bodies(there)) == (1, (0, 0, 1, 0), {"a": b"aaa"})
    [failure] = run.failures.values()
    assert f"its md5 is {md5(b'aaa')}, the manifest" in failure["message"]


FILTERED = [
    ({"include": ("in/*",)}, {"in/b", "in/large"}),
    ({"exclude": ("in/large", "a")}, {"in/b"}),
    ({"max_size": "2"}, {"in/b"}),
    ({"min_size": "3", "newer_than": "2001-01-01"}, {"in/large"}),
    ({"older_than": "2001-01-01"}, {"a"}),
    ({"exclude": ("**",)}, set()),
]


@pytest.mark.parametrize(("filters", "kept"), FILTERED)
def test_filters_hold_for_what_a_manifest_names_too(ends, tmp_path, filters, kept):
    here, there = ends
    set_time(here.path / "a", 1e8)
    rows = [
        {"source": f"{here.root}{key}", "destination": name}
        for key, name in (("a", "a"), ("sub/b, c", "in/b"), ("large", "in/large"))
    ]
    given = write(tmp_path / "list.jsonl", rows) | filters
    run = copy(None, there, tmp_path, **given)
    assert (run.summary.exit_code, run.summary.items.planned, run.counts) == (0, len(kept), (len(kept), 0, 0, 0))
    assert there.keys() == kept
    compared = verify(None, there, tmp_path, **given)
    assert (compared.summary.exit_code, compared.counts) == (0, (len(kept), 0, 0, 0))


@pytest.mark.parametrize(
    ("filters", "kept"),
    [({"include": ("b,*",), "max_size": "2"}, 1), ({"include": ("sub/*",)}, 0), ({"min_size": "3"}, 0)],
)
def test_filters_hold_for_one_object_by_its_last_name(ends, tmp_path, filters, kept):
    here, there = ends
    for command in (copy, verify):
        run = command(here, there, tmp_path, source=f"{here.root}sub/b, c", destination=f"{there.root}new", **filters)
        assert (run.summary.exit_code, run.summary.items.planned, run.counts) == (0, kept, (kept, 0, 0, 0))
    assert there.keys() == ({"new"} if kept else set())


@pytest.mark.parametrize("kind", ["s3", "gs"])
def test_what_a_row_demands_holds_for_server_side_copies_too(new_end, tmp_path, kind):
    here, there = new_end(kind), new_end(kind)
    for key in ("good", "bad"):
        here.put(key, b"data")
    rows = [
        {"source": f"{here.root}good", "sha256": hashlib.sha256(b"data").hexdigest()},
        {"source": f"{here.root}bad", "sha256": "0" * 64},
    ]
    given = write(tmp_path / "list.jsonl", rows) | here.options("source")
    run = copy(None, there, tmp_path, **given)
    assert (run.summary.exit_code, run.counts, bodies(there)) == (1, (1, 0, 1, 0), {"good": b"data"})
    assert {line["mode"] for line in run.outcomes.values() if line["status"] == "done"} == {"direct_sync"}


def test_a_source_that_is_missing_fails_alone(ends, tmp_path):
    here, there = ends
    rows = [{"source": f"{here.root}a"}, {"source": f"{here.root}nobody"}]
    run = copy(None, there, tmp_path, **write(tmp_path / "list.csv", rows))
    assert (run.summary.exit_code, run.counts, there.keys()) == (1, (1, 0, 1, 0), {"a"})
    [failure] = run.failures.values()
    assert failure["error"] == "MissingError"


def test_checksums_may_be_in_base64(ends, tmp_path):
    here, there = ends
    row = {"source": f"{here.root}a", "md5": base64.b64encode(hashlib.md5(b"aaa").digest()).decode()}
    assert copy(None, there, tmp_path, **write(tmp_path / "list.jsonl", [row])).summary.exit_code == 0


BAD = [
    ("csv", "source,size\na,x\nb,3\nc,-1\n", ["line 2: size 'x'", "line 4: size '-1'"]),
    ("csv", "source,md5\na,zz\n", ["line 2: "]),
    ("csv", "destination\na\n", ["line 1: ", "no column source"]),
    ("csv", "source,colour\na,red\n", ["line 1: ", "unknown column 'colour'"]),
    ("csv", "source,destination\na,x\nb,x\n", ["line 3: destination", "is that of line 2 too"]),
    ("csv", "source,destination\na,../x\n", ["line 2: destination '../x'"]),
    ("csv", "source,destination\na,s3://elsewhere/x\n", ["line 2: ", "is not below"]),
    ("csv", "source\na,b\n", ["line 2: 2 cells"]),
    ("csv", 'source\n"a\nb\n', ["line 2: "]),
    ("csv", "", ["line 1"]),
    ("csv", "source\n", ["line 2: it names no object", "nothing was copied"]),
    ("csv", "source,size\n\n  \n", ["line 2: it names no object"]),
    ("jsonl", "", ["line 1: it names no object"]),
    ("jsonl", "\n\n", ["line 1: it names no object"]),
    ("csv", "source\ns3://bucket/folder/\n", ["line 2: ", "names no object"]),
    ("jsonl", '{"source": "a"}\nnonsense\n{"size": 3}\n', ["line 2: it is not JSON", "line 3: there is no source"]),
    ("jsonl", '{"source": 3}\n', ["line 1: source is 3"]),
    ("jsonl", '{"source": "a", "colour": "red"}\n', ["line 1: unknown name 'colour'"]),
    ("jsonl", '["a"]\n', ["line 1: it is no object"]),
]


@pytest.mark.parametrize(("form", "text", "named"), BAD)
def test_bad_lines_end_with_2_and_nothing_is_touched(ends, tmp_path, capsys, form, text, named):
    _, there = ends
    path = tmp_path / f"list.{form}"
    path.write_text(text)
    words = ["copy", f"--manifest={path}", f"--destination={there.root}", f"--output={tmp_path / 'out'}"]
    code = console([*words, f"--destination_endpoint_url={there.endpoint}"])
    told = capsys.readouterr().err
    assert (code, there.keys()) == (2, set())
    assert all(part in told for part in named), told
    assert not (tmp_path / "out").exists()


def test_all_bad_lines_are_named_at_once(ends, tmp_path):
    _, there = ends
    (tmp_path / "list.csv").write_text("source,size\n" + "a,x\n" * 60)
    with pytest.raises(ConfigError, match="60 bad lines") as caught:
        copy(None, there, tmp_path, manifest=str(tmp_path / "list.csv"))
    assert "line 51: " in str(caught.value)
    assert "and 10 more" in str(caught.value)


def test_a_manifest_that_is_not_there_ends_with_2(ends, tmp_path, capsys):
    _, there = ends
    words = ["copy", f"--manifest={tmp_path}/nobody.csv", f"--destination={there.root}"]
    assert console([*words, f"--destination_endpoint_url={there.endpoint}"]) == 2
    assert "nobody.csv" in capsys.readouterr().err


def test_a_dry_run_of_a_manifest_writes_nothing(ends, tmp_path):
    here, there = ends
    rows = [{"source": f"{here.root}a"}, {"source": f"{here.root}large"}]
    run = copy(None, there, tmp_path, **write(tmp_path / "list.csv", rows), dry_run=True)
    assert (run.summary.exit_code, run.summary.status, there.keys()) == (0, "planned", set())
    assert (run.summary.items.planned, run.summary.bytes.planned) == (2, 3 + len(LARGE))
