from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from tests.core.tables.excel.excel_files import Parts, worksheet, xlsx

HOSTILE = {
    "a row far below": worksheet(
        '<row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="XFD1048576"><v>2</v></c></row>'
    ),
    "a claim of all cells": worksheet(
        '<row r="1"><c r="A1"><v>1</v></c></row>', before='<dimension ref="A1:XFD1048576"/>'
    ),
    "a text that never ends": worksheet(f'<row r="1"><c r="A1" t="str"><v>{"x" * 90_000_000}</v></c></row>'),
    "a tag that never ends": worksheet(f'<row r="1" spans="{"1" * 90_000_000}"/>'),
    "rows without end": worksheet('<row r="1">' + "<c><v>1</v></c>" * 6_000_000 + "</row>"),
    "empty rows only": worksheet("<row/>" * 1_000_000),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_sheet_ends_within_bounded_memory(name, tmp_path):
    path = tmp_path / "hostile.xlsx"
    path.write_bytes(xlsx(Parts(HOSTILE[name])).getvalue())
    program = """
        import resource, sys
        from transforms.core.errors import PermanentError
        from transforms.core.tables.excel.excel_rows import read_sheet
        import transforms.core.tables.excel.xlsx_stream
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        try:
            with open(sys.argv[1], "rb") as file:
                rows = sum(len(b.columns[0]) for b in read_sheet(file, "b", "S", memory_limit_bytes=100 << 20))
        except PermanentError as e:
            rows = str(e)
        print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024, rows)
    """
    root = Path(__file__).parents[4]
    command = [sys.executable, "-c", textwrap.dedent(program), str(path)]
    output = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True).stdout
    risen_mib, _, result = output.partition(" ")
    assert int(risen_mib) < 250, output
    assert result.strip() in {"1048576", "1", "0"} or result.startswith("b (xl/worksheets/sheet1.xml)"), output
