"""Times type inference and coercion over whole columns: seconds for 500,000 rows of 12 mixed columns on one core.

Run: `.venv/bin/python benchmarks/type_inference.py [--rows 500000] [--block_rows 25000]`.
"""

from __future__ import annotations

import argparse
import random
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pyarrow as pa

from transforms.core.tables.columns.column import Column
from transforms.core.tables.columns.column_stats import EMPTY, ColumnStats, observe
from transforms.core.tables.columns.schema import decide
from transforms.core.tables.values.coerce import FieldRule, coerce

if TYPE_CHECKING:
    from collections.abc import Callable

BUDGET_SECONDS = 0.35


def columns(rows: int, seed: int = 1) -> dict[str, pa.Array]:
    rng = random.Random(seed)
    start = datetime(2020, 1, 1, tzinfo=UTC)
    moments = [start + timedelta(seconds=rng.randrange(10**8)) for _ in range(rows)]
    texts = {
        "id": [str(row) for row in range(rows)],
        "count": [str(rng.randrange(-500, 500)) for _ in range(rows)],
        "key": [str(rng.randrange(10**12)) for _ in range(rows)],
        "price": [f"{rng.random() * 1000:.2f}" for _ in range(rows)],
        "rate": [f"{rng.random():.4f}" for _ in range(rows)],
        "ratio": [repr(rng.random() * 100) for _ in range(rows)],
        "day": [f"{moment:%Y-%m-%d}" for moment in moments],
        "at": [f"{moment:%Y-%m-%d %H:%M:%S}" for moment in moments],
        "active": [rng.choice(("true", "false")) for _ in range(rows)],
        "name": [f"customer {rng.randrange(10**6)}" for _ in range(rows)],
        "city": [rng.choice(("Ulm", "Göttingen", "Rio, Brazil", "")) for _ in range(rows)],
        "note": [None if row % 10 == 0 else "a longer note\nwith a line" for row in range(rows)],
    }
    return {name: pa.array(values, pa.string()) for name, values in texts.items()}


OTHERS = {
    "exponents": lambda rng: f"{rng.random():.6e}",
    "exponents of 17 digits": lambda rng: repr(rng.random() * 1e-9),
    "day/month/year": lambda rng: f"{rng.randrange(1, 29):02d}/{rng.randrange(1, 13):02d}/{rng.randrange(1990, 2024)}",
    "zoned": lambda rng: (
        f"2024-{rng.randrange(1, 13):02d}-11T{rng.randrange(24):02d}:10:11.{rng.randrange(10**6):06d}+01:00"
    ),
    "integers and decimals": lambda rng: f"{rng.random() * 100:.1f}".removesuffix(".0").removesuffix(".5"),
    "10 % NULL integers": lambda rng: None if rng.random() < 0.1 else str(rng.randrange(10**6)),
    "nanoseconds since 1970": lambda rng: str(rng.randrange(10**15, 2 * 10**15) * 1000),
    "NaN in a tenth": lambda rng: "NaN" if rng.random() < 0.1 else repr(rng.random()),
}


def others(rows: int) -> dict[str, pa.Array]:
    rng = random.Random(2)
    return {name: pa.array([make(rng) for _ in range(rows)], pa.string()) for name, make in OTHERS.items()}


def blocks(column: pa.Array, block_rows: int) -> list[pa.Array]:
    return [column.slice(start, block_rows) for start in range(0, len(column), block_rows)]


def best(work: Callable[[], object], repeats: int = 3) -> float:
    times = []
    for _ in range(repeats):
        begun = time.perf_counter()
        work()
        times.append(time.perf_counter() - begun)
    return min(times)


def watch(parts: list[pa.Array]) -> ColumnStats:
    stats = EMPTY
    for part in parts:
        stats = observe(stats, part)
    return stats


def report(table: dict[str, pa.Array], block_rows: int, title: str) -> tuple[float, float]:
    print(f"{title:28}{'observe s':>10}{'coerce s':>10}  type")
    totals = [0.0, 0.0]
    for name, column in table.items():
        parts = blocks(column, block_rows)
        decision = decide(watch(parts))
        rule = FieldRule(Column(name, name, decision.type))
        seconds = (best(lambda p=parts: watch(p)), best(lambda p=parts, r=rule: [coerce([part], [r]) for part in p]))
        totals = [total + part for total, part in zip(totals, seconds, strict=True)]
        print(
            f"{name:28}{seconds[0]:10.3f}{seconds[1]:10.3f}  {decision.type.kind} {decision.type.form} {decision.note}"
        )
    print(f"{'all':28}{totals[0]:10.3f}{totals[1]:10.3f}  budget {BUDGET_SECONDS} each\n")
    return totals[0], totals[1]


def bad_block(table: dict[str, pa.Array]) -> None:
    """A block of 10,000 rows of which 1 % has a bad value, in any column."""
    rng = random.Random(3)
    block = {name: column.slice(0, 10_000).to_pylist() for name, column in table.items()}
    rules = [FieldRule(Column(name, name, decide(watch([column])).type)) for name, column in table.items()]
    for row in rng.sample(range(10_000), 100):
        block[rng.choice([rule.column.name for rule in rules if rule.column.type.kind != "text"])][row] = "n/a"
    texts = [pa.array(values, pa.string()) for values in block.values()]
    bad = len(coerce(texts, rules).bad)
    print(f"10,000 rows, {bad} bad: {best(lambda: coerce(texts, rules)) * 1000:.1f} ms (budget 30)")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=500_000)
    parser.add_argument("--block_rows", type=int, default=25_000)
    args = parser.parse_args()
    table = columns(args.rows)
    report(table, args.block_rows, f"12 columns x {args.rows}")
    report(others(args.rows), args.block_rows, f"others x {args.rows}")
    bad_block(table)


if __name__ == "__main__":
    main()
