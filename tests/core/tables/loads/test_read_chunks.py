"""`read_chunks` is what pandas reads where pandas reads right, and what a load reads everywhere else."""

import bz2
import datetime as dt
import gzip
import random
import subprocess
import sys
import zipfile
from decimal import Decimal

import openpyxl
import pandas as pd
import pytest

from transforms.core.errors import ConfigError, PermanentError, SourceChangedError
from transforms.core.tables.loads.read_chunks import RejectedRecordError, read_chunks

CLEAN = "".join(
    ["id,name,ratio,flag,day\n"]
    + [f"{n},name {n},{n}e3,{'true' if n % 2 else 'false'},2024-02-{n % 28 + 1:02}\n" for n in range(1000)]
).encode()


def whole(uri, chunk_rows=10_000, **options):
    return pd.concat(list(read_chunks(str(uri), chunk_rows, **options)))


def written(folder, data, name="t.csv"):
    path = folder / name
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("chunk_rows", [7, 250, 1000, 5000])
def test_clean_input_is_what_pandas_reads_in_frames_of_equal_length(tmp_path, chunk_rows):
    path = written(tmp_path, CLEAN)
    expected = pd.read_csv(path, dtype_backend="pyarrow", parse_dates=["day"], chunksize=chunk_rows)
    expected = [frame.astype({"day": "date32[pyarrow]"}) for frame in expected]
    found = list(read_chunks(str(path), chunk_rows))
    assert [len(frame) for frame in found] == [len(frame) for frame in expected]
    for ours, theirs in zip(found, expected, strict=True):
        pd.testing.assert_frame_equal(ours, theirs)


def test_dtypes_are_those_of_the_whole_input_in_every_frame_and_lose_nothing(tmp_path):
    lines = ["code,amount,big,empty,seen"]
    lines += ["1,1.50,1,,2024-01-01 00:00:00"] * 500
    lines += ["00123,-22.125,9007199254740993,,2024-02-29 10:00:00", "7,,,,"]
    found = list(read_chunks(str(written(tmp_path, "\n".join(lines).encode())), 100))
    assert len({tuple(map(str, frame.dtypes)) for frame in found}) == 1
    last = found[-1]
    assert last["code"].tolist() == ["00123", "7"]
    assert last["amount"].iloc[0] == Decimal("-22.125")
    assert last["big"].iloc[0] == 9007199254740993
    assert last["seen"].iloc[0] == dt.datetime(2024, 2, 29, 10)  # noqa: DTZ001 - the file tells no zone
    assert last.iloc[1].isna().tolist() == [False, True, True, True, True]


def test_quoted_line_ends_delimiters_and_quotes_split_nothing_wherever_a_range_ends(tmp_path):
    rows = [(f"{n}", 'line one\nline "two", and\r\nthree' * (n % 9)) for n in range(400)]
    text = "id;text\n" + "".join(f'{number};"{value.replace(chr(34), chr(34) * 2)}"\n' for number, value in rows)
    path = written(tmp_path, text.encode("cp1252"))
    found = whole(path, 50, range_bytes=4096)
    assert found["text"].tolist() == [value for _, value in rows]
    assert found.index.tolist() == list(range(400))


@pytest.mark.parametrize(
    ("name", "pack"), [("t.csv.gz", gzip.compress), ("t.csv.bz2", bz2.compress), ("t", gzip.compress)]
)
def test_compressed_files_read_the_same(tmp_path, name, pack):
    plain = whole(written(tmp_path, CLEAN, "plain.csv"))
    pd.testing.assert_frame_equal(whole(written(tmp_path, pack(CLEAN), name), 300), plain)


def test_members_of_an_archive_follow_one_another(tmp_path):
    with zipfile.ZipFile(tmp_path / "t.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.csv", "x,y\n1,2\n")
        archive.writestr("b.csv", "y,x\n4,3\n")
    found = whole(tmp_path / "t.zip", provenance=True)
    assert found[["x", "y"]].to_numpy().tolist() == [[1, 2], [3, 4]]
    assert [file.rpartition("#")[2] for file in found["_source_file"]] == ["a.csv", "b.csv"]


@pytest.fixture
def workbook(tmp_path):
    book = openpyxl.Workbook()
    book.active.append(["id", "price", "day"])
    for number in range(120):
        book.active.append([number, number + 0.5, dt.datetime(2024, 1, 1) + dt.timedelta(number)])  # noqa: DTZ001
    other = book.create_sheet("Other")
    other.append(["word"])
    other.append(["last"])
    book.save(tmp_path / "t.xlsx")
    return tmp_path / "t.xlsx"


@pytest.mark.parametrize("engine", ["stream", "fast"])
def test_a_sheet_is_what_pandas_reads(workbook, engine):
    found = whole(workbook, 50, excel_engine=engine)
    expected = pd.read_excel(workbook)
    assert found["id"].tolist() == expected["id"].tolist()
    assert [float(price) for price in found["price"]] == expected["price"].tolist()
    assert pd.to_datetime(found["day"]).tolist() == expected["day"].tolist()


def test_another_sheet_is_chosen_by_its_name_and_one_that_is_missing_is_told(workbook):
    assert whole(workbook, sheet="Other").to_numpy().tolist() == [["last"]]
    with pytest.raises(PermanentError, match="no sheet 'Third'; it has 'Sheet', 'Other'"):
        whole(workbook, sheet="Third")


RAGGED = b"a,b\n1,2\n3\n4,5\n6,7,8\n9,10\n"


def test_a_ragged_record_ends_the_reading_with_its_place(tmp_path):
    path = written(tmp_path, RAGGED)
    with pytest.raises(RejectedRecordError, match=r"t\.csv: record 2 \(line 3\): columns 2.*on_reject") as caught:
        whole(path)
    assert caught.value.reject["raw"] == "3"


def test_ragged_records_can_be_collected_instead(tmp_path):
    rejects = []
    found = whole(written(tmp_path, RAGGED), 2, on_reject=rejects.append)
    assert found.to_numpy().tolist() == [[1, 2], [4, 5], [9, 10]]
    assert [(one["record"], one["line"], one["rule"], one["raw"]) for one in rejects] == [
        (2, 3, "columns 2", "3"),
        (4, 5, "columns 2", "6,7,8"),
    ]


def test_a_schema_decides_types_and_rules(tmp_path):
    schema = {
        "fields": [
            {"name": "a", "type": "string"},
            {"name": "b", "type": "integer", "constraints": {"minimum": 3}},
        ]
    }
    rejects = []
    found = whole(written(tmp_path, b"a,b\n1,2\n4,5\nx,y\n"), schema=schema, on_reject=rejects.append)
    assert found.to_numpy().tolist() == [["4", 5]]
    assert [(one["column"], one["rule"]) for one in rejects] == [("b", "minimum 3"), ("b", "type integer")]


def test_options_say_what_cannot_be_seen(tmp_path):
    path = written(tmp_path, b"1|NA|03/04/2024\n2|x|04/04/2024\n")
    found = whole(
        path,
        delimiter="|",
        header="no",
        column_names=("n", "word", "day"),
        columns=("day", "word"),
        missing_values=("NA",),
        date_order="dmy",
    )
    assert found["day"].tolist() == [dt.date(2024, 4, 3), dt.date(2024, 4, 4)]
    assert found["word"].isna().tolist() == [True, False]


def test_several_files_are_matched_by_name_and_drift_is_told_or_taken_in(tmp_path):
    written(tmp_path, b"a,b\n1,2\n", "1.csv")
    written(tmp_path, b"b,a,c\n4,3,x\n", "2.csv")
    with pytest.raises(ConfigError, match="has another column 'c'"):
        whole(tmp_path)
    found = whole(tmp_path / "*.csv", add_columns=True)
    assert found[["a", "b"]].to_numpy().tolist() == [[1, 2], [3, 4]]
    assert found["c"].isna().tolist() == [True, False]


@pytest.mark.parametrize("data", [b"a,b\n", b"a,b\n1\n2\n"])
def test_no_good_record_is_one_frame_with_the_columns(tmp_path, data):
    [frame] = read_chunks(str(written(tmp_path, data)), header="yes", on_reject=lambda _: None)
    assert list(frame.columns) == ["a", "b"]
    assert frame.empty


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"chunk_rows": 0}, "chunk_rows=0: must be at least 1"),
        ({"delimeter": ","}, "unknown option 'delimeter'; known: schema, "),
        ({"columns": "a"}, "columns='a': give a sequence of texts"),
        ({"schema": {"fields": [{"name": "a", "constraints": {"unique": True}}]}}, "`unique` of a can't be checked"),
        ({"columns": ("z",)}, "no such column; the files have a"),
    ],
)
def test_what_cannot_be_is_refused(tmp_path, options, message):
    with pytest.raises(ConfigError, match=message):
        next(read_chunks(str(written(tmp_path, b"a\n1\n")), **options))


def test_missing_empty_and_damaged_files_are_told(tmp_path):
    with pytest.raises(ConfigError, match="matches nothing"):
        whole(tmp_path / "none.csv")
    with pytest.raises(ConfigError, match="no column at all"):
        whole(written(tmp_path, b""))
    with pytest.raises(PermanentError, match=r"t\.csv\.gz"):
        whole(written(tmp_path, gzip.compress(CLEAN)[:-20], "t.csv.gz"))


def test_a_file_that_changes_under_the_reading_is_no_mixture(tmp_path):
    path = written(tmp_path, CLEAN)
    frames = read_chunks(str(path), 10, range_bytes=4096)
    next(frames)
    path.write_bytes(CLEAN.replace(b"name", b"NAME"))
    with pytest.raises(SourceChangedError):
        list(frames)


def test_frames_arrive_while_the_rest_is_unread_in_constant_memory(tmp_path):
    path = tmp_path / "large.csv"
    line = ",".join(str(random.Random(3).random()) for _ in range(10))
    with path.open("w") as file:
        file.write(",".join("abcdefghij") + "\n")
        for _ in range(40):
            file.write(f"{line}\n" * 5_000)
    program = f"""
import resource
from transforms.core.tables.loads.read_chunks import read_chunks
frames = read_chunks({str(path)!r}, 1_000)
next(frames)
before, rows = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, 1_000
rows += sum(len(frame) for frame in frames)
import sys
print(rows, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024, "apache_beam" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    rows, grown_mb, beam = done.stdout.split()
    assert (rows, beam) == ("200000", "False")
    assert int(grown_mb) < 20
