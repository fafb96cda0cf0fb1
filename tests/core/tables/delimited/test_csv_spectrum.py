"""csv-spectrum: the cases by which CSV parsers of all languages compare themselves, through a whole load."""

import json
import os
from pathlib import Path

import pytest

from tests.core.tables.delimited import csv_spectrum
from tests.core.tables.delimited.csv_spectrum import LOCKED, UnavailableError, cases
from tests.core.tables.loads.load_cases import run_load, source
from transforms.core.tables.delimited.dialect import DialectOverrides

NAMES = (
    "comma_in_quotes", "empty", "empty_crlf", "escaped_quotes", "json", "location_coordinates", "newlines",
    "newlines_crlf", "quotes_and_newlines", "simple", "simple_crlf", "utf8",
)  # fmt: skip
# The package's own slip: this case's JSON has another telephone number than its CSV.
SLIPS = {"location_coordinates": {"Contact Phone Number": "2095257564"}}


def had() -> dict[str, tuple[bytes, bytes]]:
    """The cases; without them the test fails where all is required, and is left out elsewhere."""
    try:
        return cases()
    except UnavailableError as error:
        if os.environ.get("HORNBEAM_REQUIRE_ENGINES") == "1":
            pytest.fail(f"HORNBEAM_REQUIRE_ENGINES=1, but {error}")
        pytest.skip(f"the csv-spectrum cases are left out: {error}")


@pytest.fixture(scope="module")
def spectrum() -> dict[str, tuple[bytes, bytes]]:
    return had()


def test_the_version_that_is_declared_is_the_one_that_is_locked():
    declared = json.loads((Path(csv_spectrum.__file__).parents[3] / "data" / "package.json").read_text())
    assert declared["devDependencies"] == LOCKED[""]["devDependencies"] == {"csv-spectrum": csv_spectrum.VERSION}


@pytest.mark.parametrize(("required", "outcome"), [("1", pytest.fail.Exception), ("", pytest.skip.Exception)])
def test_cases_that_can_not_be_had_are_left_out_unless_all_is_required(tmp_path, monkeypatch, required, outcome):
    monkeypatch.setattr(csv_spectrum, "KEPT", tmp_path / "none.tgz")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("HORNBEAM_REQUIRE_ENGINES", required)
    with pytest.raises(outcome, match="npm isn't installed"):
        had()


def test_every_case_of_the_package_is_run(spectrum):
    assert tuple(spectrum) == NAMES


@pytest.mark.parametrize("range_bytes", [2, 16, 1 << 20])
@pytest.mark.parametrize("name", NAMES)
def test_a_case_loads_as_it_should(spectrum, tmp_path, name, range_bytes):
    content, meaning = spectrum[name]
    path = source(tmp_path, f"{name}.csv", content)
    meant = json.loads(meaning)
    records = [record | SLIPS.get(name, {}) for record in (meant if isinstance(meant, list) else [meant])]
    names = list(records[0])
    schema = json.dumps({"fields": [{"name": column, "type": "string"} for column in names], "missingValues": []})
    found = run_load(
        tmp_path,
        path,
        schema_text=schema,
        schema_where="schema",
        range_bytes=range_bytes,
        overrides=DialectOverrides(header="yes"),
    )
    assert found.columns == names
    assert [dict(zip(names, (text or "" for text in row), strict=True)) for row in found.rows] == records
    assert not found.rejects
