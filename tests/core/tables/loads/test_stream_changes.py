"""Files, tables and destinations that change, go or can't be used while a stream loads: each file is for itself."""

import duckdb
import pytest

from tests.core.tables.loads.load_cases import run_load
from tests.core.tables.loads.stream_cases import SCHEMA, Stream, stream_into
from tests.core.tables.loads.stream_tables import KINDS, ids, loads
from transforms.core import interrupt
from transforms.core.errors import InterruptedRunError
from transforms.core.tables.loads import stream_plan
from transforms.core.tables.loads.load_settings import LoadSettings


@pytest.fixture(params=KINDS)
def stream(request, tmp_path):
    made = stream_into(tmp_path, f"{request.param}:///{tmp_path}/out.db")
    yield made
    made.connections.close()


def test_a_file_that_is_gone_or_newer_than_its_notice_is_counted_as_outdated(stream):
    stream.rows("a.csv", 0)
    gone = stream.notice(stream.rows("gone.csv", 90))
    (stream.folder / "in" / "gone.csv").unlink()
    totals = stream.load(stream.notice("a.csv", "an older version"), gone)
    assert (totals.told, totals.done, totals.outdated, totals.failed) == (2, 1, 2, 0)
    assert stream.load("a.csv").duplicates == 1
    assert ids(stream) == [0, 1]
    assert len({line["of"] for line in stream.lines("outcome")}) == 1


def test_a_file_that_changes_is_loaded_again_as_another_version(stream):
    stream.load(stream.rows("a.csv", 0))
    stream.load(stream.rows("a.csv", 5, 3))
    assert ids(stream) == [0, 1, 5, 6, 7]
    assert len({line["of"] for line in stream.lines("outcome")}) == 2


def test_a_file_that_changes_while_it_is_read_is_loaded_as_it_is_then(stream, monkeypatch):
    name = stream.rows("a.csv", 0)
    scan = stream_plan.find_parts

    def changing(number, info, settings):
        if info.etag == first:
            stream.rows("a.csv", 5, 3)
        return scan(number, info, settings)

    first = stream.notice(name).version
    monkeypatch.setattr(stream_plan, "find_parts", changing)
    totals = stream.load(name)
    assert (totals.done, totals.outdated) == (1, 1)
    assert ids(stream) == [5, 6, 7]


def test_a_file_that_cannot_be_read_fails_and_the_others_go_on(stream):
    bad = stream.write("bad.xlsx", "no workbook")
    other = stream.write("other.csv", "id,colour\n7,red\n")
    totals = stream.load(stream.rows("a.csv", 0), bad, other, stream.rows("c.csv", 10))
    assert (totals.done, totals.failed) == (2, 2)
    assert ids(stream) == [0, 1, 10, 11]
    assert {name: end[0] for name, end in stream.outcomes().items() if end[0] == "failed"} == {
        "bad.xlsx": "failed",
        "other.csv": "failed",
    }
    assert {line["error"] for line in stream.lines("failure")} == {"PermanentError", "ConfigError"}
    assert all(line["of"] for line in stream.lines("failure"))
    assert ("failed", 2, 0) in loads(stream)


def test_a_failed_file_is_tried_again_when_it_comes_again(stream):
    stream.load(stream.write("a.csv", "id,colour\n7,red\n"))
    assert stream.outcomes()["a.csv"][0] == "failed"
    assert (
        stream.restarted(schema_text=SCHEMA.replace('name", "type": "str', 'colour", "type": "str')).load("a.csv").done
        == 1
    )


def test_a_request_to_stop_does_not_break_off_what_is_under_way(stream):
    name = stream.rows("a.csv", 0)
    interrupt.request_locally(15)
    try:
        assert stream.load(name).done == 1
        with pytest.raises(InterruptedRunError):
            interrupt.check()
    finally:
        interrupt.reset()
    assert ids(stream) == [0, 1]


def test_a_table_that_another_client_changes_meanwhile_is_looked_at_again(stream):
    stream.load(stream.rows("a.csv", 0))
    names = [stream.rows("b.csv", 10), stream.rows("c.csv", 20)]
    moved = iter([True])
    describe = "describe"

    with stream.connections.borrow() as destination:
        plain = type(destination).describe

    def changing(self, table):
        columns = plain(self, table)
        if next(moved, False):
            self._change("ALTER TABLE t ADD COLUMN more BIGINT")
        return columns

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(destination), describe, changing)
        assert stream.load(*names).done == 2
    assert ids(stream) == [0, 1, 10, 11, 20, 21]


def test_a_destination_that_is_away_fails_every_file_of_the_batch(tmp_path):
    settings = LoadSettings((), f"duckdb:///{tmp_path}/none/out.db", "t", schema_text=SCHEMA)
    stream = Stream(tmp_path, settings)
    totals = stream.load(stream.rows("a.csv", 0), stream.rows("b.csv", 10))
    assert (totals.failed, totals.done) == (2, 0)
    assert [line["error"] for line in stream.lines("failure")] == ["ConfigError", "ConfigError"]


def test_a_file_that_goes_while_it_is_read_is_outdated_and_no_item(stream, monkeypatch):
    name = stream.rows("a.csv", 0)
    scan = stream_plan.find_parts

    def going(number, info, settings):
        (stream.folder / "in" / "a.csv").unlink()
        return scan(number, info, settings)

    monkeypatch.setattr(stream_plan, "find_parts", going)
    totals = stream.load(name, stream.notice(name))
    assert (totals.told, totals.duplicates, totals.outdated, totals.failed, totals.done) == (2, 1, 1, 0, 0)
    assert stream.outcomes() == {}


def test_a_destination_that_is_made_anew_is_loaded_anew_by_the_same_process(tmp_path):
    path = tmp_path / "out.duckdb"
    stream = stream_into(tmp_path, f"duckdb:///{path}")
    names = [stream.rows(f"{number}.csv", number * 10) for number in range(3)]
    files = [tmp_path / "in" / name for name in names]
    assert run_load(tmp_path, *files[:2], schema_text=SCHEMA).error == ("", "")
    assert stream.load(*names).duplicates == 2
    stream.connections.close()
    path.unlink()
    again = stream.restarted("run-2")
    assert again.load(*names).done == 3
    again.connections.close()
    with duckdb.connect(str(path)) as database:
        assert database.execute("SELECT count(*) FROM t").fetchall() == [(6,)]
