"""Writes the benchmark's table: 12 mixed columns, 1 % of the records with quoted newlines and commas."""

from __future__ import annotations

import argparse
import csv
import random
from datetime import datetime, timedelta
from pathlib import Path

HEADER = ["order_id", "sku", "name", "description", "price", "discount", "quantity", "ordered_on", "shipped_at"]
HEADER += ["active", "score", "comment"]
_WORDS = ["amber", "birch", "cedar", "dune", "ember", "fjord", "grove", "heath", "inlet", "juniper", "knoll", "larch"]
_WORDS += ["meadow", "north", "opal", "pine", "quartz", "reed", "spruce", "tarn", "upland", "vale", "willow", "yarrow"]


def write(path: Path, rows: int, seed: int = 7) -> None:
    """Writes `rows` records (about 155 bytes each) to `path` as CSV with line feeds."""
    rng = random.Random(seed)
    start = datetime(2023, 1, 1)  # noqa: DTZ001 - the table has no zone
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(HEADER)
        for number in range(rows):
            words = rng.choices(_WORDS, k=9)
            odd = number % 100 == 0
            comment = f"{words[6]}, said\n{words[7]} and {words[8]}" if odd else f"{words[6]} {words[7]} {words[8]}"
            when = start + timedelta(seconds=number * 37)
            writer.writerow(
                (
                    number + 1,
                    f"{rng.randrange(10**7):08d}-{words[0][:3].upper()}",
                    f"{words[1]} {words[2]}",
                    f"{words[3]} {words[4]} {words[5]} {rng.randrange(10**6)}",
                    f"{rng.randrange(10**6) / 100:.2f}",
                    "" if rng.random() < 0.3 else f"{rng.random():.3f}",
                    rng.randrange(1, 500),
                    (when.date()).isoformat(),
                    when.isoformat(sep=" "),
                    "true" if rng.random() < 0.5 else "false",
                    f"{rng.random() * 10 ** rng.randrange(-8, 8):.10e}",
                    comment,
                )
            )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("path", type=Path)
    parser.add_argument("rows", type=int)
    arguments = parser.parse_args()
    write(arguments.path, arguments.rows)
