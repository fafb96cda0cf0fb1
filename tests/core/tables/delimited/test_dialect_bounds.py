"""Whatever bytes come, a dialect is found in bounded work."""

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from transforms.core.errors import PermanentError
from transforms.core.tables.delimited import delimiter_guess
from transforms.core.tables.delimited.delimiter_guess import SCORED_CHARS
from transforms.core.tables.delimited.dialect import HEADER_CHARS, DialectOverrides, detect


def _detect(sample, *, whole=True, **overrides):
    return detect(sample, whole=whole, overrides=DialectOverrides(**overrides), name="in/f.csv")


def test_a_header_that_does_not_end_within_the_sample_is_an_error():
    sample = b'id,"' + b"x" * HEADER_CHARS * 2
    with pytest.raises(PermanentError, match="the header is longer than 131072 characters"):
        _detect(sample, whole=False, header="yes")


def test_a_first_field_longer_than_the_sample_is_data():
    found = _detect(b'"' + b"x\n" * SCORED_CHARS * 2, whole=False)
    assert (found.header, found.data_start, found.width) == ((), 0, 1)


@settings(max_examples=200, deadline=None)
@given(sample=st.binary(max_size=200), whole=st.booleans())
@example(sample=b"\xff\xfe\x00\xd8", whole=False)
@example(sample=b'"\\', whole=True)
def test_any_bytes_have_a_dialect(sample, whole):
    assume(not sample.startswith((b"\xff\xfe\0\0", b"\0\0\xfe\xff")))
    found = _detect(sample, whole=whole)
    assert 0 <= found.bom_bytes <= found.data_start <= len(sample)
    assert not found.header or len(found.header) == found.width


PATHOLOGICAL = {
    "delimiters only": b",;\t|:" * 60_000,
    "quotes only": b'"' * 300_000,
    "both quotes": b"\"'" * 150_000,
    "backslashes": b'\\"' * 150_000,
    "one long line": b"x" * 300_000,
    "empty lines": b"\n" * 300_000,
    "open quote": b'a,b\n"' + b"x,y\n" * 80_000,
    "digits and dots": b"1.1.1.1.1,1 1 1 1-" * 20_000,
    "every delimiter in every line": b"a,b;c\td|e~f^g#h:i j\x1fk\x01'l'\"m\"\\,\n" * 10_000,
    "long cells like numbers": (b"9" * 199 + b",") * 1_500,
}


@pytest.mark.parametrize("name", PATHOLOGICAL)
def test_the_work_on_a_sample_is_bounded_by_what_is_scored(name, monkeypatch):
    counts = {"rows": 0, "characters": 0, "weighed": 0}
    parse, weigh = delimiter_guess.records, delimiter_guess._cell_weight

    def counted_records(text, quoting, **options):
        counts["characters"] += len(text)
        for record in parse(text, quoting, **options):
            counts["rows"] += 1
            yield record

    def counted_weight(cell, delimiter):
        counts["weighed"] += 1
        return weigh(cell, delimiter)

    monkeypatch.setattr(delimiter_guess, "records", counted_records)
    monkeypatch.setattr(delimiter_guess, "_cell_weight", counted_weight)
    found = _detect(PATHOLOGICAL[name][: 256 * 1024], whole=False)
    candidates = (len(delimiter_guess.DELIMITERS) + 1) * 3 * 2
    assert found.data_start <= HEADER_CHARS
    assert counts["characters"] <= candidates * SCORED_CHARS
    assert counts["rows"] <= candidates * (delimiter_guess.SCORED_ROWS + 1)
    assert counts["weighed"] <= candidates * delimiter_guess.SCORED_CELLS
