import pytest

from transforms.core.tables.delimited.header import find_header, table_width

NAMES = ["id", "name", "price"]
DATA = [["1", "Widget", "2.5"], ["2", "Gadget", "13"], ["3", "Gizmo", "7"]]
TITLE = [["Report 2024", None, None], ["made by hand", "", None], [None, None, None]]
TEXTS = [["Paris", "France"], ["Berlin", "Germany"], ["Rome", "Italy"]]

# what: rows, mode, rows to skip -> header row, first row of data
TABLE = {
    "told there is none": ([NAMES, *DATA], "no", None, -1, 0),
    "told there is none, after a title": ([*TITLE, *DATA], "no", 3, -1, 3),
    "told there is one": ([*DATA], "yes", None, 0, 1),
    "told there is one, below a title": ([*TITLE, NAMES, *DATA], "yes", None, 3, 4),
    "told there is one, and where": ([*TITLE, NAMES, *DATA], "yes", 3, 3, 4),
    "told where, blank rows follow": ([*TITLE, NAMES, *DATA], "yes", 2, 3, 4),
    "told where, it looks like names": ([*TITLE, NAMES, *DATA], "auto", 3, 3, 4),
    "told where, it looks like data": ([*TITLE, *DATA], "auto", 3, -1, 3),
    "names above data": ([NAMES, *DATA], "auto", None, 0, 1),
    "names below a title": ([*TITLE, NAMES, *DATA], "auto", None, 3, 4),
    "names below a title that is as wide": ([["Sales", "North, south", ""], NAMES, *DATA], "auto", None, 1, 2),
    "names below blank rows": ([[], [], NAMES, *DATA], "auto", None, 2, 3),
    "data only": (DATA, "auto", None, -1, 0),
    "data below a title": ([*TITLE, *DATA], "auto", None, -1, 0),
    "a sparse first record is data": ([["1", "", ""], *DATA], "auto", None, -1, 0),
    "texts only, the first one distinct": ([["city", "country"], *TEXTS], "auto", None, 0, 1),
    "texts only, the first one stands again": ([["Paris", "Spain"], *TEXTS, ["Paris", "Spain"]], "auto", None, -1, 0),
    "a header alone": ([NAMES], "auto", None, 0, 1),
    "a record alone": ([["1", "x", "2024-01-01"]], "auto", None, -1, 0),
    "a header with empty names": ([["", "a", "", "b"], *[["1", "x", "2", "3"]] * 3], "auto", None, 0, 1),
    "a header with the same name twice": ([["id", "id", "n"], *[["1", "2", "3"]] * 3], "auto", None, 0, 1),
    "the same text twice and nothing else": ([["a", "a"]], "auto", None, -1, 0),
    "years as names": ([["land", "2019", "2020", "2021"], *[["x", "1.5", "2", "3"]] * 3], "auto", None, 0, 1),
    "years as values": ([["land", "2019", "2020"], *[["x", "2018", "2021"]] * 3], "auto", None, -1, 0),
    "codes of one length below a name": ([["code"], ["AB12"], ["CD34"], ["EF56"]], "auto", None, 0, 1),
    "prose": ([["He said so."], ["Well."], ["The end"]], "auto", None, -1, 0),
    "no rows": ([], "auto", None, -1, 0),
    "blank rows": ([[], [None, " "]], "auto", None, -1, 0),
    "a header told where there are only blank rows": ([[], []], "yes", None, -1, 0),
    "more rows to skip than there are": ([NAMES], "auto", 5, -1, 5),
}


@pytest.mark.parametrize("what", TABLE)
def test_the_header_of(what):
    rows, mode, skip_rows, row, data_row = TABLE[what]
    found = find_header(rows, mode=mode, skip_rows=skip_rows)
    assert (found.row, found.data_row) == (row, data_row), found.reason
    assert len(found.names) == (0 if row < 0 else len(rows[row]))
    assert found.reason


def test_the_reason_says_what_was_found():
    assert find_header([*TITLE, NAMES, *DATA], mode="auto", skip_rows=None).reason.endswith("below 3 rows of title")
    assert find_header(DATA, mode="auto", skip_rows=None).reason == "data in the first row by 4 votes"
    assert find_header([NAMES], mode="yes", skip_rows=None).reason == "a header, as told"


@pytest.mark.parametrize(
    ("header", "body", "names"),
    [
        (["a", "b", ""], ["1", "2"], ("a", "b")),
        (["a", "b"], ["1", "2", ""], ("a", "b", "")),
        (["a", "b"], ["1", "2", "3"], ("a", "b")),
        (["a", "b", "c"], ["1", "2"], ("a", "b", "c")),
        (["\ufeffa\u200b", "b"], ["1", "2"], ("a", "b")),
        (["a", None, "c"], ["1", "2", "3"], ("a", None, "c")),
    ],
)
def test_a_header_has_as_many_names_as_the_table_has_columns_where_only_empty_ones_differ(header, body, names):
    assert find_header([header, *[body] * 3], mode="yes", skip_rows=None).names == names


@pytest.mark.parametrize(
    ("lengths", "width"), [([], 0), ([0, 0], 0), ([1, 1], 1), ([1, 1, 3], 3), ([3, 3, 2, 4, 3], 3), ([2, 2, 3, 3], 3)]
)
def test_a_table_is_as_wide_as_most_of_its_rows(lengths, width):
    assert table_width([["x"] * length for length in lengths]) == width
