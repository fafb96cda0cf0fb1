"""An object of a stream counts once, whatever batches an engine that restarts makes up."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from transforms.core.merging import Merged, merge_parts
from transforms.core.run_folder import RunFolder
from transforms.core.summary import RowCounts

if TYPE_CHECKING:
    from pathlib import Path


def outcome(name: str, status: str, size: int = 10, **more: Any) -> dict[str, Any]:
    of = f"file:///in/{name}\nv1"
    return {"kind": "outcome", "of": of, "item": name, "status": status, "size_bytes": size, **more}


def merged(tmp_path: Path, *parts: list[dict[str, Any]]) -> Merged:
    folder = RunFolder(f"file://{tmp_path / 'run'}", "run1")
    for number, lines in enumerate(parts):
        folder.write_part(f"batch-{number}", lines)
    (tmp_path / "temp").mkdir(exist_ok=True)
    return merge_parts(folder, str(tmp_path / "temp"), unfinished=False, stream=True)


@pytest.mark.parametrize(
    ("statuses", "counted"),
    [
        (["done"], "done"),
        (["done", "skipped"], "done"),
        (["skipped", "done"], "done"),
        (["failed", "done"], "done"),
        (["failed", "skipped"], "skipped"),
        (["failed", "failed"], "failed"),
        (["not_started", "failed"], "failed"),
        (["not_started", "done", "skipped"], "done"),
    ],
)
def test_the_best_outcome_of_an_object_counts_once(tmp_path: Path, statuses: list[str], counted: str) -> None:
    found = merged(tmp_path, *([outcome("a", status)] for status in statuses))
    assert found.items._asdict() == {"planned": 1, "done": 0, "skipped": 0, "failed": 0, "not_started": 0} | {
        counted: 1
    }
    [line] = [json.loads(text) for text in (tmp_path / "run/outcomes.jsonl").read_text().splitlines()]
    assert line == {"item": "a", "status": counted, "size_bytes": 10}


def test_another_version_is_another_item(tmp_path: Path) -> None:
    newer = outcome("a", "done") | {"of": "file:///in/a\nv2"}
    assert merged(tmp_path, [outcome("a", "done")], [newer]).items.done == 2


def test_what_belongs_to_an_outcome_counts_with_it(tmp_path: Path) -> None:
    rows = {"rows_counted": 5, "rows_loaded": 4, "rows_rejected": 1, "rows_skipped": 0}
    reject = {"kind": "reject", "of": outcome("a", "")["of"], "column": "x", "rule": "integer"}
    failure = {"kind": "failure", "of": outcome("b", "")["of"], "item": "b", "message": "gone"}
    first = [outcome("a", "done", **rows), reject, outcome("b", "failed"), failure]
    again = [outcome("a", "done", **rows), reject, outcome("b", "done")]
    found = merged(tmp_path, first, again)
    assert found.rows == RowCounts(5, 4, 1, 0)
    assert (len(found.rejects), found.failures, found.items.done) == (1, (), 2)


def test_what_batches_say_of_their_notices_adds_up(tmp_path: Path) -> None:
    told = {"kind": "stream", "told": 3, "duplicates": 1}
    assert merged(tmp_path, [told], [told, {"kind": "stream", "unreadable": 2}]).stream == {
        "told": 6,
        "duplicates": 2,
        "unreadable": 2,
    }
