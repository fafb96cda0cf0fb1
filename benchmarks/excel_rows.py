"""Times one pass over a sheet beside python-calamine (rows thrown away), and its memory at 100,000 and 1,000,000 rows.

Run: `python benchmarks/excel_rows.py [FOLDER]`; the folder keeps the two files between runs.
"""

from __future__ import annotations

import datetime as dt
import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

COLUMNS = 12
WORDS = ["alpha", "beta", "gamma", "delta", "café", "naïve & co", "<x>"]
START = dt.datetime.fromisoformat("2020-01-01")


def write_sheet(path: Path, rows: int) -> None:
    import xlsxwriter

    rng = random.Random(1)
    with xlsxwriter.Workbook(str(path), {"constant_memory": rows > 200_000}) as book:
        sheet = book.add_worksheet()
        date = book.add_format({"num_format": "yyyy-mm-dd"})
        moment = book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
        sheet.write_row(0, 0, [f"c{i}" for i in range(COLUMNS)])
        for i in range(1, rows + 1):
            sheet.write_number(i, 0, i)
            sheet.write_string(i, 1, f"name {i} {WORDS[i % 7]}")
            sheet.write_number(i, 2, round(rng.random() * 1000, 2))
            sheet.write_datetime(i, 3, START + dt.timedelta(days=i % 1500), date)
            sheet.write_datetime(i, 4, START + dt.timedelta(seconds=i * 37), moment)
            sheet.write_boolean(i, 5, i % 2 == 0)
            sheet.write_string(i, 6, WORDS[i % 7])
            sheet.write_number(i, 7, rng.random())
            if i % 3:
                sheet.write_string(i, 8, f"{i:08d}")
            sheet.write_number(i, 9, i * 7)
            sheet.write_string(i, 10, WORDS[(i // 7) % 7])
            sheet.write_number(i, 11, round(rng.gauss(0, 100), 4))


def read_ours(path: str) -> int:
    from transforms.core.tables.excel.excel_rows import read_sheet, sheet_names

    with open(path, "rb") as file:  # noqa: PTH123
        sheet = sheet_names(file, path)[0]
        return sum(len(block.columns[0]) for block in read_sheet(file, path, sheet, memory_limit_bytes=1 << 30))


def read_calamine(path: str) -> int:
    from python_calamine import CalamineWorkbook

    return sum(1 for _ in CalamineWorkbook.from_path(path).get_sheet_by_index(0).iter_rows())


READERS = {"ours": read_ours, "calamine": read_calamine}


def measure(reader: str, path: str, passes: int) -> None:
    """In a process of its own: prints the best pass's wall and processor seconds, and MiB above idle Beam."""
    import apache_beam  # noqa: F401

    idle = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    best = []
    for _ in range(passes):
        wall, processor = time.perf_counter(), time.process_time()
        rows = READERS[reader](path)
        best.append((time.perf_counter() - wall, time.process_time() - processor))
    risen = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - idle) / 1024
    print(rows, *min(best), risen)


def run(reader: str, path: Path, passes: int) -> tuple[float, float, float]:
    """Wall and processor seconds of the best pass, and MiB above idle."""
    command = [sys.executable, __file__, "--measure", reader, str(path), str(passes)]
    environment = {"PYTHONPATH": str(Path(__file__).resolve().parents[1])}
    output = subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout
    rows, wall, processor, risen = map(float, output.split()[-4:])
    print(
        f"{reader:9} {rows:9,.0f} rows {wall:7.2f} s wall {processor:7.2f} s processor {risen:7.0f} MiB above idle Beam"
    )
    return wall, processor, risen


def main(folder: Path) -> None:
    for rows, passes in ((100_000, 5), (1_000_000, 1)):
        path = folder / f"{rows}.xlsx"
        if not path.exists():
            write_sheet(path, rows)
        ours, peer = run("ours", path, passes), run("calamine", path, passes)
        print(f"one pass / calamine: {ours[0] / peer[0]:.2f} by wall, {ours[1] / peer[1]:.2f} by processor time")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--measure"]:
        measure(sys.argv[2], sys.argv[3], int(sys.argv[4]))
    elif len(sys.argv) > 1:
        main(Path(sys.argv[1]))
    else:
        with tempfile.TemporaryDirectory() as temporary:
            main(Path(temporary))
