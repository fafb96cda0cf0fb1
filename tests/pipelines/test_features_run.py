"""What a run of `ingest` tells: summary.json, config files, dry runs, `validate`, and error texts with a remedy."""

import json
import secrets

import pytest

from pipelines.__main__ import console
from tests.pipelines.feature_loads import load, write
from tests.servers.ports import free_port

KEYS = {"pipeline", "run_id", "status", "runner", "versions", "settings", "items", "bytes", "rows", "seconds", "memory",
        "steps", "details", "output", "started", "error", "signal", "rejects_allowed", "next_steps"}  # fmt: skip


def test_the_summary_holds_the_whole_account(tmp_path):
    rows = "".join(f"{number},name {number},{number}.50\n" for number in range(25_000))
    loaded = load(tmp_path, {"a.csv": f"id,,amount\n{rows}", "b.csv": "id;;amount\n-1;x;2.25\n"}, chunk_rows=1000)
    summary = json.loads((loaded.folder / "summary.json").read_text())
    assert set(summary) >= KEYS
    assert (summary["pipeline"], summary["status"], summary["rows"]["loaded"]) == ("ingest", "completed", 25_001)
    assert summary["items"] == {"planned": 2, "done": 2, "skipped": 0, "failed": 0, "not_started": 0}
    assert (
        summary["bytes"]["planned"]
        == summary["bytes"]["done"]
        == sum((tmp_path / name).stat().st_size for name in ("a.csv", "b.csv"))
    )
    assert {"python", "hornbeam", "apache-beam"} <= set(summary["versions"])
    assert summary["settings"]["chunk_rows"] == 1000
    assert summary["memory"]["peak_mb"] >= summary["memory"]["baseline_mb"] > 0
    marked = [point["label"] for point in summary["memory"]["timeline"] if point["label"]]
    assert marked == ["start", "scanning", "loading", "publishing", "end"]  # from these: how long each pass took
    details = summary["details"]
    delimiters = {uri.rpartition("/")[2]: dialect["delimiter"] for uri, dialect in details["dialects"].items()}
    assert delimiters == {"a.csv": ",", "b.csv": ";"}
    assert list(details["schema"]) == ["id", "column_2", "amount"]
    assert details["column_mapping"] == {"(column 2)": "column_2"}
    assert details["notes"]
    assert 0 < details["statements"] <= 500
    assert {uri.rpartition("/")[2]: rows["loaded"] for uri, rows in details["files"].items()} == {
        "a.csv": 25_000,
        "b.csv": 1,
    }
    assert {one["item"].rpartition("/")[2]: one["status"] for one in loaded.lines("outcomes.jsonl")} == {
        "a.csv": "done",
        "b.csv": "done",
    }
    for name in ("report.html", "hornbeam.log"):
        assert (loaded.folder / name).stat().st_size


def test_a_dry_run_tells_what_it_would_do_and_writes_nothing_else(tmp_path):
    loaded = load(tmp_path, {"a.csv": "a,b\n1,2024-01-31\n"}, dry_run=True)
    assert loaded.summary.status == "planned"
    assert loaded.summary.exit_code == 0
    assert loaded.summary.details["schema"] == {"a": "integer", "b": "date"}
    assert loaded.summary.details["counted"] == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.csv", "run0"]


@pytest.mark.parametrize("form", ["yaml", "json"])
def test_a_config_file_runs_and_the_command_line_goes_before_it(tmp_path, capsys, form):
    [source] = write(tmp_path, {"a.csv": "a,b\n1,2\n"})
    job = {"source": [source], "destination": f"duckdb:///{tmp_path}/x.duckdb", "table": "t", "columns": ["b"]}
    (tmp_path / f"job.{form}").write_text(json.dumps(job))  # JSON is YAML too
    words = [f"--config={tmp_path}/job.{form}", f"--output={tmp_path}/run", "--table=other"]
    assert console(["ingest", *words]) == 0
    assert "1 loaded" in "".join(capsys.readouterr())
    settings = json.loads((tmp_path / "run" / "summary.json").read_text())["settings"]
    assert (settings["table"], settings["columns"]) == ("other", ["b"])


def validate(capsys, *words):
    code = console(["validate", "ingest", *words])
    printed = capsys.readouterr()
    assert printed.err == ""
    return code, printed.out


def test_validate_says_that_all_is_well_and_makes_nothing(tmp_path, capsys):
    [source] = write(tmp_path, {"a.csv": "a\n1\n"})
    code, out = validate(capsys, f"--source={source}", f"--destination=duckdb:///{tmp_path}/x.duckdb", "--table=t")
    assert code == 0
    files, table, verdict = out.splitlines()
    assert files == f"--source: {source}: 1 file, 4 B"
    assert table == "--table: t is not there: the load makes it"
    assert "are well" in verdict
    assert [path.name for path in tmp_path.iterdir()] == ["a.csv"]


def test_validate_tells_the_columns_of_a_table_that_is_there(tmp_path, capsys):
    loaded = load(tmp_path, {"a.csv": "a,b\n1,x\n"})
    (tmp_path / "b.csv").write_text("a,b\n2,y\n")
    capsys.readouterr()
    code, out = validate(
        capsys, f"--source={tmp_path}/*.csv", f"--destination=duckdb:///{loaded.database}", "--table=t"
    )
    assert code == 0
    assert out.splitlines()[:2] == [
        f"--source: {tmp_path}/*.csv: 2 files, 16 B",
        "--table: t is there and keeps its columns: a integer, b text",
    ]


@pytest.mark.parametrize("there", [False, True])
def test_validate_names_a_schema_that_is_not_there(tmp_path, capsys, there):
    loaded = load(tmp_path, {"a.csv": "a\n1\n"}, dry_run=not there)
    capsys.readouterr()
    words = [f"--source={tmp_path}/a.csv", f"--destination=duckdb:///{loaded.database}"]
    code, out = validate(capsys, *words, "--table=shop.t")
    assert code == 2
    assert out == "--destination: schema shop does not exist: create it, or name another one\n"
    assert validate(capsys, *words, "--table=MAIN.t")[0] == 0


def test_validate_finds_everything_at_once(tmp_path, capsys):
    write(tmp_path, {"bad.json": '{"fields": [{"name": "a", "type": "colour"}]}'})
    words = [f"--source={tmp_path}/no.csv", f"--source={tmp_path}/*.tsv", f"--schema={tmp_path}/bad.json"]
    code, out = validate(capsys, *words, f"--destination=duckdb:///{tmp_path}/no/x.duckdb", "--table=t")
    assert code == 2
    lines = out.splitlines()
    assert [line.partition(":")[0] for line in lines] == ["--source", "--source", "--schema", "--destination"]
    parts = ("no.csv", "*.tsv", "'colour' is not supported; known: any, string", "make it first")
    for line, part in zip(lines, parts, strict=True):
        assert part in line


def test_validate_names_an_unreachable_server_with_the_remedy(tmp_path, capsys):
    [source] = write(tmp_path, {"a.csv": "a\n1\n"})
    uri = f"postgresql://me@127.0.0.1:{free_port()}/shop"
    code, out = validate(capsys, f"--source={source}", f"--destination={uri}", "--table=t")
    assert code == 2
    assert uri in out
    assert "no server listens there" in out


def test_validate_names_a_wrong_password_and_never_shows_it(tmp_path, capsys, postgres):
    [source] = write(tmp_path, {"a.csv": "a\n1\n"})
    wrong = secrets.token_hex(8)
    uri = postgres.uri().replace("@", f":{wrong}@")
    code, out = validate(capsys, f"--source={source}", f"--destination={uri}", "--table=t")
    assert code == 2
    assert "the password or the user is wrong" in out
    assert wrong not in out


def test_validate_names_wrong_settings_with_what_is_allowed(capsys):
    code, out = validate(capsys, "--destination=mysql://h/d", "--table=t", "--chunk_rows=0", "--skema=x")
    assert code == 2
    for part in ("--source is required", "mysql", "--chunk_rows", "1,000,000", "did you mean --schema?"):
        assert part in out.replace("1000000", "1,000,000")


@pytest.mark.parametrize(
    ("files", "settings", "parts"),
    [
        ({"a.csv": "a,b\n1,2\n", "b.csv": "a\n1\n"}, {}, ["b.csv lacks 'b'", "a.csv", "--schema_drift add"]),
        ({"a.csv": "a,b\n1,2\n"}, {"columns": ["z"]}, ["--columns z", "no such column", "a, b"]),
        ({"a.csv": "a,b\n1,2\n"}, {"write_mode": "upsert", "key": ["z"]}, ["--key z", "no such column", "a, b"]),
        ({"a.csv": "a,b\n"}, {"write_mode": "replace"}, ["into t", "no record", "--allow_empty"]),
        ({"a.csv": "a,b\n1,2\n3,4\n5\n"}, {"max_rejects": "0"}, ["1 of 3 records", "--max_rejects 0"]),
    ],
)
def test_an_error_names_value_place_cause_and_remedy(tmp_path, files, settings, parts):
    loaded = load(tmp_path, files, **settings)
    assert loaded.summary.exit_code in (1, 2)
    for part in parts:
        assert part in loaded.error


def test_values_that_a_table_can_not_take_are_rejected_with_its_type(tmp_path):
    load(tmp_path, {"a.csv": "a,b\n1,2\n"})
    loaded = load(tmp_path, {"b.csv": "a,b\n3,4\nfive,6\n"})
    assert loaded.rows == [(1, 2), (3, 4)]
    [reject] = loaded.rejects
    assert (reject["column"], reject["value"], reject["rule"]) == ("a", "five", "type integer")
