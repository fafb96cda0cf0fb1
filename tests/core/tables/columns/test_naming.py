import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from transforms.core.errors import ConfigError
from transforms.core.tables.columns.naming import POSTGRES_RESERVED, RULES, clean_names

HOSTILE = 'x"; DROP TABLE loads; --'

TABLE = [
    ("names stay as they are", ["id", "Full Name", "naïve", "价格", "2024", "a-b.c"], None),
    ("a hostile name is a name", [HOSTILE, "'; --", "a`b", "[c]", "%s", "{0}", "\\"], None),
    (
        "empty ones take their position",
        ["", None, "  ", "\n\x00\ufeff"],
        ["column_1", "column_2", "column_3", "column_4"],
    ),
    (
        "white space is trimmed and collapsed",
        [" a ", "b \r\n c", "d\t\te", "\ufefff", "g\x00h"],
        ["a", "b c", "d e", "f", "g h"],
    ),
    ("duplicates are numbered", ["a", "a", "a"], ["a", "a_2", "a_3"]),
    ("in any case", ["Id", "ID", "id", "STRASSE", "straße"], ["Id", "ID_2", "id_3", "STRASSE", "straße_2"]),
    ("and in any composition", ["\u00e9", "e\u0301"], ["\u00e9", "e\u0301_2"]),
    ("names in the header are not given away", ["a", "a", "a_2", ""], ["a", "a_3", "a_2", "column_4"]),
    ("nor are made-up ones doubled", ["", "column_1", "column_1"], ["column_1_2", "column_1", "column_1_3"]),
    (
        "our hidden columns are taken",
        ["_hornbeam_file", "_Hornbeam_Record"],
        ["_hornbeam_file_2", "_Hornbeam_Record_2"],
    ),
    ("long ones are cut between characters", ["é" * 40], ["é" * 31]),
    ("cut ones stay distinct", ["x" * 70, "x" * 80, "x" * 63], ["x" * 63, "x" * 61 + "_2", "x" * 61 + "_3"]),
    ("what isn't Unicode is replaced", ["a\ud800"], ["a\ufffd"]),
    ("no columns", [], []),
]


@pytest.mark.parametrize(("raw", "names"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE])
def test_sql_names(raw, names):
    assert list(clean_names(raw).names) == (raw if names is None else names)


@pytest.mark.parametrize(
    ("raw", "name"),
    [
        ("Full Name", "Full_Name"),
        ("Größe (cm)", "Gro_e_cm_"),
        ("café", "cafe"),
        ("2024", "c2024"),
        ("价格", "column_1"),
        ("__", "column_1"),
        (HOSTILE, "x_DROP_TABLE_loads_"),
        ("_table_x", "c_table_x"),
        ("_PARTITIONTIME", "c_PARTITIONTIME"),
        ("x" * 400, "x" * 300),
    ],
)
def test_bigquery_names(raw, name):
    assert clean_names([raw], rules="bigquery").names == (name,)


def test_reserved_names_are_numbered():
    assert clean_names(["xmin", "ymin", "CTID"], reserved=POSTGRES_RESERVED).names == ("xmin_2", "ymin", "CTID_2")


def test_the_mapping_holds_what_changed_and_the_notes_say_why():
    cleaned = clean_names(["id", " a ", None, "id"])
    assert cleaned.mapping == ((" a ", "a"), ("", "column_3"), ("id", "id_2"))
    assert cleaned.notes == (
        "1 column without a name in the header: column_3",
        "1 column numbered, since their names were taken: id_2",
        "1 column cleaned of what the database doesn't take: a",
    )
    assert clean_names(["a", "b"]).notes == ()
    assert clean_names([""] * 7).notes == (
        "7 columns without a name in the header: column_1, column_2, column_3, column_4, column_5, …",
    )


def test_unknown_rules_list_the_known_ones():
    with pytest.raises(ConfigError, match="known: sql, bigquery"):
        clean_names(["a"], rules="oracle")


def test_a_limit_too_short_for_numbers_is_refused():
    with pytest.raises(ConfigError, match="16 is the least"):
        clean_names(["a"], max_bytes=15)


CELLS = st.one_of(
    st.none(),
    st.text(max_size=80),
    st.sampled_from(
        ["", " ", "a", "A", "a_2", "a_3", "column_1", "column_2", "ß", "ss", "ﬁ", "fi", "é" * 40, "x" * 100, "1"]
    ),
)


@pytest.mark.parametrize("rules", RULES)
@settings(max_examples=300, deadline=None)
@given(raw=st.lists(CELLS, max_size=12), limit=st.integers(16, 70))
def test_names_are_unique_not_empty_short_enough_and_clean_for_good(rules, raw, limit):
    cleaned = clean_names(raw, rules=rules, max_bytes=limit)
    assert len(cleaned.names) == len(raw)
    assert len({name.casefold() for name in cleaned.names}) == len(raw)
    assert all(name.strip() == name and 0 < len(name.encode()) <= limit for name in cleaned.names)
    assert not any("\x00" in name or "\n" in name for name in cleaned.names)
    again = clean_names(cleaned.names, rules=rules, max_bytes=limit)
    assert again.names == cleaned.names
    assert again.mapping == again.notes == ()


def test_a_hundred_thousand_names_alike_are_numbered_without_trying_every_number():
    assert clean_names(["a"] * 100_000).names[-1] == "a_100000"
