"""A run's folder: parts overwrite themselves, merge in order, and nothing of another run gets in."""

import json
import pickle

import pytest

from transforms.core.errors import ConfigError
from transforms.core.merging import merge_parts
from transforms.core.objects.store import MissingError, StoreAccess
from transforms.core.outcome import Failure, Outcome
from transforms.core.run_folder import (
    RunFolder,
    failed_items,
    failure_line,
    new_run_folder,
    outcome_line,
    plan_line,
    rows_line,
)
from transforms.core.summary import Counts, RowCounts


def outcome(item, status="done", size=10):
    return outcome_line(Outcome(item, status, size, 0.5, ""))


FAILURE = Failure("Load", "b", "PermanentError", "bad", 1, "2026-11-22T07:00:00+00:00")


@pytest.fixture
def folder(tmp_path):
    return new_run_folder("try", str(tmp_path / "a folder"))


def merged(folder, tmp_path, *, unfinished=False, more=()):
    return merge_parts(folder, str(tmp_path), unfinished=unfinished, more_failures=more)


def lines(folder, name):
    return [json.loads(line) for line in folder.read(name).splitlines()]


def test_the_default_folder_is_named_by_pipeline_time_and_id(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = new_run_folder("ingest", None)
    assert folder.shown == f"runs/ingest-{folder.run_id}"
    assert (tmp_path / "runs" / f"ingest-{folder.run_id}").is_dir()


def test_a_folder_that_cannot_be_made_is_a_wrong_command(tmp_path):
    (tmp_path / "taken").write_text("a file\n")
    with pytest.raises(ConfigError, match=r"taken can't be made \(File exists\): name one .* --output"):
        new_run_folder("copy", str(tmp_path / "taken"))


def test_a_part_is_overwritten_and_can_be_read_back(folder):
    assert folder.read_part("u1") == []
    folder.write_part("u1", [outcome("a", "failed")])
    folder.write_part("u1", [outcome("a"), outcome("b")])
    assert [line["status"] for line in folder.read_part("u1")] == ["done", "done"]


@pytest.mark.parametrize("unit_id", ["", "a/b", "../a", ".hidden", "a b", "x" * 201])
def test_a_unit_id_that_cannot_name_a_file_is_refused(folder, unit_id):
    with pytest.raises(ValueError, match="can't name a part"):
        folder.write_part(unit_id, [])


def test_parts_merge_in_the_order_of_their_ids_however_they_were_written(folder, tmp_path):
    for unit in ("u3", "u1", "u2"):
        folder.write_part(unit, [outcome(f"{unit}-1"), outcome(f"{unit}-2", "skipped", 5)])
    result = merged(folder, tmp_path)
    first = folder.read("outcomes.jsonl")
    assert [line["item"] for line in lines(folder, "outcomes.jsonl")] == [
        f"u{u}-{i}" for u in (1, 2, 3) for i in (1, 2)
    ]
    assert "kind" not in first
    assert result.items == Counts(6, 3, 3, 0, 0)
    assert result.bytes == Counts(45, 30, 15, 0, 0)
    merged(folder, tmp_path)
    assert folder.read("outcomes.jsonl") == first


def test_failures_rejects_rows_and_others_are_kept_apart(folder, tmp_path):
    reject = {"kind": "reject", "file": "a.csv", "record": 3}
    note = {"kind": "dialect", "file": "a.csv", "delimiter": ";"}
    folder.write_part("u1", [outcome("a"), rows_line(10, 8, 1, 1), reject, note])
    folder.write_part("u2", [outcome("b", "failed"), failure_line(FAILURE), rows_line(5, 5, 0, 0)])
    result = merged(folder, tmp_path, more=[FAILURE._replace(step="run")])
    assert result.rows == RowCounts(15, 13, 1, 1)
    assert lines(folder, "rejects.jsonl") == [{"file": "a.csv", "record": 3}] == list(result.rejects)
    assert [line["step"] for line in lines(folder, "failures.jsonl")] == ["Load", "run"]
    assert result.others == (note,)


def test_what_parts_count_adds_up_by_word_and_name_and_a_word_keeps_its_first_thousand_names(folder, tmp_path):
    folder.write_part("u1", [{"kind": "sums", "modes": {"a": 2, "b": 1}, "proofs": {}}])
    folder.write_part("u2", [{"kind": "sums", "modes": {"a": 1}, "whys": {str(number): 1 for number in range(1500)}}])
    folder.write_part("u3", [{"kind": "sums", "whys": {"0": 1, "1499": 1}}])
    found = merged(folder, tmp_path)
    assert (found.sums["modes"], found.sums["proofs"], found.others) == ({"a": 3, "b": 1}, {}, ())
    assert (len(found.sums["whys"]), found.sums["whys"]["0"], found.sums["whys"]["1499"]) == (1000, 2, 0)


def test_only_the_first_hundred_rejects_are_held_and_all_are_written(folder, tmp_path):
    folder.write_part("u1", [{"kind": "reject", "record": number} for number in range(250)])
    assert len(merged(folder, tmp_path).rejects) == 100
    assert len(lines(folder, "rejects.jsonl")) == 250


def test_rejects_are_counted_by_column_and_rule_and_a_database_s_own_words_are_one_rule(folder, tmp_path):
    rules = ["required"] * 2 + ["columns 3"] + [f"database: row {number} is wrong" for number in range(3)]
    folder.write_part(
        "u1", [{"kind": "reject", "column": "a" if rule == "required" else "", "rule": rule} for rule in rules]
    )
    folder.write_part("u2", [{"kind": "reject", "column": f"c{number}", "rule": "x"} for number in range(250)])
    found = merged(folder, tmp_path).rules
    assert found[:3] == (("", "database", 3), ("a", "required", 2), ("", "columns 3", 1))
    assert len(found) == 20


def test_a_run_without_parts_has_empty_files_and_no_rejects(folder, tmp_path):
    result = merged(folder, tmp_path)
    assert (folder.read("outcomes.jsonl"), folder.read("failures.jsonl")) == ("", "")
    assert folder.read("rejects.jsonl") is None
    assert (result.items, result.rows) == (Counts(), None)


@pytest.mark.parametrize(("unfinished", "not_started"), [(True, 7), (False, 0)])
def test_planned_items_without_an_outcome_are_not_started_only_in_an_unfinished_run(
    folder, tmp_path, unfinished, not_started
):
    folder.write_part("plan", [plan_line(10, 100)])
    folder.write_part("u1", [outcome("a"), outcome("b"), outcome("c")])
    result = merged(folder, tmp_path, unfinished=unfinished)
    assert result.items == Counts(10, 3, 0, 0, not_started)
    assert result.bytes == Counts(100, 30, 0, 0, not_started * 10)


def test_parts_of_another_run_in_the_same_folder_are_left_alone(tmp_path):
    first, second = (new_run_folder("try", str(tmp_path / "out")) for _ in range(2))
    first.write_part("u1", [outcome("old")])
    second.write_part("u1", [outcome("new")])
    assert merged(second, tmp_path).items.planned == 1
    assert [line["item"] for line in lines(second, "outcomes.jsonl")] == ["new"]


def test_a_folder_travels_to_workers(folder):
    assert pickle.loads(pickle.dumps(folder)) == folder


def test_what_failed_in_an_earlier_run_can_be_planned_again(folder, tmp_path):
    folder.write_part("u1", [outcome("a"), outcome("b", "failed"), outcome("c", "skipped")])
    merged(folder, tmp_path)
    assert [one.item for one in failed_items(folder.shown)] == ["b"]


def test_retrying_a_folder_without_outcomes_is_refused(tmp_path):
    with pytest.raises(MissingError, match=r"no outcomes\.jsonl there"):
        list(failed_items(str(tmp_path)))


def test_names_with_line_separators_or_broken_bytes_survive(folder, tmp_path):
    name = "a\u2028b\x85c\x0bd\udc80é"
    folder.write_part("u1", [outcome(name)])
    assert merged(folder, tmp_path).items.done == 1
    assert [json.loads(line)["item"] for line in folder.read("outcomes.jsonl").split("\n") if line] == [name]


def test_a_folder_in_an_object_store_works_like_one_on_disk(s3_server, s3_environment, tmp_path):
    bucket = s3_server.make_bucket("run-folders")
    folder = RunFolder(f"s3://{bucket}/runs/one", "r1", StoreAccess(endpoint_url=s3_server.endpoint))
    assert (folder.local_path, folder.shown) == (None, f"s3://{bucket}/runs/one")
    assert folder.read_part("u1") == []
    for unit in ("u2", "u1"):
        folder.write_part(unit, [outcome(f"{unit} é")])
    assert merged(folder, tmp_path).items.done == 2
    assert [line["item"] for line in lines(folder, "outcomes.jsonl")] == ["u1 é", "u2 é"]
    assert folder.read("rejects.jsonl") is None
