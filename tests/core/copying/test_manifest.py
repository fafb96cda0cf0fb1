from __future__ import annotations

import csv
import json
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from transforms.core.copying.manifest import MAX_RECORD_BYTES, ManifestError, checked_tasks, open_manifest, task_rows
from transforms.core.errors import SourceChangedError
from transforms.core.objects.access import MissingError

DESTINATION = "s3://b/out/"


def opened(path, text=None):
    if text is not None:
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return open_manifest(f"file://{path}", DESTINATION, "/home/me/")


def all_rows(manifest, rows=1000):
    return [row for task in checked_tasks(manifest, rows) for row in task_rows(manifest, task)]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "files.csv"


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("last_end", [True, False])
def test_rows_are_cut_into_tasks_that_give_them_back_with_their_lines(path, end, last_end):
    lines = ["source,size", *(f"s3://a/{number},{number}" for number in range(10))]
    lines.insert(5, "")  # a blank line is no row
    manifest = opened(path, end.join(lines) + (end if last_end else ""))
    tasks = checked_tasks(manifest, 4)
    assert [(task.number, task.rows, task.first_line, task.size_bytes) for task in tasks] == [
        (0, 4, 2, 0 + 1 + 2 + 3),
        (1, 4, 7, 4 + 5 + 6 + 7),
        (2, 2, 11, 8 + 9),
    ]
    assert all(before.stop == after.start for before, after in pairwise(tasks))
    found = [row for task in tasks for row in task_rows(manifest, task)]
    assert [(row.source, row.line) for row in found] == [
        (f"s3://a/{number}", number + 2 + (number > 3)) for number in range(10)
    ]


@pytest.mark.parametrize(("most", "rows"), [(4, [3, 3, 3, 1]), (3, [6, 4]), (2, [6, 4]), (1, [10])], ids=str)
def test_of_very_many_rows_tasks_get_more_so_that_they_are_no_more_than_there_may_be(path, most, rows):
    manifest = opened(path, "\n".join(["source,size", *(f"s3://a/{number},{number}" for number in range(10))]))
    tasks = checked_tasks(manifest, 3, most)
    assert [task.rows for task in tasks] == rows
    assert [task.number for task in tasks] == list(range(len(rows)))
    assert sum(task.size_bytes for task in tasks) == sum(range(10))
    found = [row.source for task in tasks for row in task_rows(manifest, task)]
    assert found == [f"s3://a/{number}" for number in range(10)]


def test_a_cell_may_hold_a_line_end(path):
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([["source"], ["s3://a/two\nlines"], ["s3://a/next"]])
    assert [(row.line, row.source) for row in all_rows(opened(path), 1)] == [
        (2, "s3://a/two\nlines"),
        (4, "s3://a/next"),
    ]


def test_json_lines_are_known_by_the_name(tmp_path):
    path = tmp_path / "files.JSONL"
    lines = [json.dumps({"source": f"s3://a/{number}", "size": 1}) for number in range(3)]
    manifest = opened(path, "\n".join(lines))
    assert [(row.line, row.uri) for row in all_rows(manifest, 2)] == [(n + 1, f"s3://b/out/{n}") for n in range(3)]


@pytest.mark.parametrize(("name", "text"), [("a.csv", "source\n"), ("a.jsonl", ""), ("a.jsonl", "\n\n")])
def test_a_manifest_without_rows_is_refused(tmp_path, name, text):
    with pytest.raises(ManifestError, match=r"line [12]: it names no object"):
        checked_tasks(opened(tmp_path / name, text))


def test_every_bad_line_is_named(path):
    text = "source,size\ns3://a/1,1\ns3://a/2,x\n\nno,comma,here\ns3://a/,1\ns3://a/6,6\n"
    with pytest.raises(ManifestError, match=r"has 3 bad lines; nothing was copied") as error:
        checked_tasks(opened(path, text))
    assert [line for line, _ in error.value.problems] == [3, 5, 6]
    assert "line 5: 3 cells, the header has 2" in str(error.value)


def test_a_destination_that_two_lines_want_is_refused_naming_both(path):
    text = "source,destination\ns3://a/1,x\ns3://a/2,y\ns3://a/3,x\ns3://a/dir/y,\n"
    with pytest.raises(ManifestError) as error:
        checked_tasks(opened(path, text))
    assert error.value.problems == (
        (4, "destination 's3://b/out/x' is that of line 2 too"),
        (5, "destination 's3://b/out/y' is that of line 3 too"),
    )


@pytest.mark.parametrize("text", ["", "\n\n", "s3://a/1\n", "source,etag\n"])
def test_a_header_that_is_none_is_line_one_s_fault(path, text):
    with pytest.raises(ManifestError, match=r"has 1 bad line; nothing was copied:\n  line 1: \w"):
        opened(path, text)


@pytest.mark.parametrize("name", ["files.csv", "files.jsonl"])
def test_an_open_quote_or_an_endless_line_is_named_and_not_held_in_memory(tmp_path, name):
    head = b"source\ns3://a/1\n" if name.endswith("csv") else b'{"source": "s3://a/1"}\n\n'
    with pytest.raises(ManifestError) as error:
        checked_tasks(opened(tmp_path / name, head + b'"' + b"x" * MAX_RECORD_BYTES * 2))
    assert [line for line, _ in error.value.problems] == [3]
    assert "is a quote left open?" in str(error.value)


def test_a_message_shows_the_first_fifty_bad_lines_and_counts_the_rest(path):
    text = "source\n" + "s3://a/\n" * 60
    with pytest.raises(ManifestError) as error:
        checked_tasks(opened(path, text))
    assert len(error.value.problems) == 60
    assert str(error.value).endswith("and 10 more")
    assert str(error.value).count("line ") == 50


def test_a_manifest_that_changed_after_it_was_checked_is_refused(path):
    manifest = opened(path, "source\ns3://a/1\n")
    (task,) = checked_tasks(manifest)
    path.write_text("source\ns3://a/2\ns3://a/3\n")
    with pytest.raises(SourceChangedError):
        list(task_rows(manifest, task))


def test_rows_may_lie_across_the_blocks_that_are_read(path):
    sources = [f"s3://a/{'x' * 50_000}{number}" for number in range(100)]  # more than a block of 4 MiB
    manifest = opened(path, "\n".join(["source,destination", *(f"{name},{n}" for n, name in enumerate(sources))]))
    assert [row.source for row in all_rows(manifest, 7)] == sources


def test_a_manifest_that_is_not_there_is_missing(path):
    with pytest.raises(MissingError):
        opened(path)


KEYS = st.lists(
    st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), min_size=1, max_size=12).filter(
        lambda key: not key.endswith("/")
    ),
    unique=True,
    min_size=1,
    max_size=30,
)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(KEYS, st.integers(1, 5))
def test_any_rows_come_back_whatever_the_size_of_tasks(path, keys, rows):
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["source", "destination"])
        writer.writerows([f"s3://a/{key}", f"d/{number}"] for number, key in enumerate(keys))
    manifest = opened(path)
    tasks = checked_tasks(manifest, rows)
    assert all(task.rows <= rows for task in tasks)
    assert sum(task.rows for task in tasks) == len(keys)
    found = [row for task in tasks for row in task_rows(manifest, task)]
    assert [row.source for row in found] == [f"s3://a/{key}" for key in keys]
