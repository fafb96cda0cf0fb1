"""Turns a block of texts into typed Arrow rows, and says of each record that doesn't fit which value breaks which rule.

The front of block_reading.py (types) and constraints.py; files, lines and raw records are the caller's business.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from transforms.core.tables.columns.field_rule import BadValue, FieldRule, type_rule
from transforms.core.tables.values.block_reading import Reading, read_block
from transforms.core.tables.values.constraints import Violation, violations
from transforms.core.tables.values.text_block import one_array

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

__all__ = ["BadValue", "Coerced", "FieldRule", "coerce"]


class Coerced(NamedTuple):
    """A block after coercion.

    Attributes:
        rows: The good records, typed as the rules' columns, in order.
        kept: The good records' numbers in the block; None = all.
        bad: The first violated rule of each other record, in record order.
    """

    rows: pa.Table
    kept: npt.NDArray[np.int64] | None = None
    bad: tuple[BadValue, ...] = ()


def coerce(block: Sequence[pa.Array | pa.ChunkedArray], rules: Sequence[FieldRule]) -> Coerced:
    """Reads each column as its type and checks its constraints; the first violation (columns, then rules) counts.

    Working memory: the typed rows, and at most 4 bytes a byte of the largest column's texts and 100 bytes a value.

    Args:
        block: One array per rule, equally long, null for NULL: pa.string(), or of the type already if the rule is sure.
        rules: The columns, in the order of the table.

    Raises:
        ConfigError: A rule's limit, enum value or pattern can't be read.
    """
    texts = [one_array(column) for column in block]
    typed: list[pa.Array] = []
    found: list[tuple[int, Violation]] = []
    for index, rule in enumerate(rules):
        values, broken = _coerce_column(texts[index], rule)
        typed.append(values)
        found += [(index, violation) for violation in broken]
    fields = [pa.field(rule.column.name, rule.column.type.arrow()) for rule in rules]
    rows = pa.Table.from_arrays(typed, schema=pa.schema(fields))
    return _without_bad(rows, texts, rules, found) if found else Coerced(rows)


def _coerce_column(texts: pa.StringArray, rule: FieldRule) -> tuple[pa.Array, list[Violation]]:
    """One column's typed values, null where bad, and what is violated in it, in order."""
    read = rule.sure and texts.type == rule.column.type.arrow()
    present = texts if read else _without_missing(texts, rule)
    found = []
    if (rule.required or not rule.column.nullable) and present.null_count:
        found.append(Violation("required", present.is_null().to_numpy(zero_copy_only=False)))
    values, bad = Reading(present) if read else read_block(present, rule)
    if bad is not None:
        found.append(Violation(type_rule(rule), bad))
    found += violations(values, rule)
    return values, found


def _without_missing(texts: pa.StringArray, rule: FieldRule) -> pa.StringArray:
    if not rule.missing_values:
        return texts
    missing = pc.is_in(texts, value_set=pa.array(rule.missing_values, pa.string()))
    return pc.if_else(missing, pa.scalar(None, pa.string()), texts) if pc.any(missing).as_py() else texts


def _without_bad(
    rows: pa.Table,
    texts: list[pa.StringArray],
    rules: Sequence[FieldRule],
    found: list[tuple[int, Violation]],
) -> Coerced:
    taken = np.zeros(rows.num_rows, bool)
    bad: list[BadValue] = []
    for index, violation in found:
        new = np.flatnonzero(violation.rows & ~taken)
        taken[new] = True
        source = rules[index].column.source
        bad += [
            BadValue(row, source, value, violation.rule)
            for row, value in zip(new.tolist(), texts[index].take(pa.array(new)).to_pylist(), strict=True)
        ]
    good = ~taken
    return Coerced(rows.filter(pa.array(good)), np.flatnonzero(good), tuple(sorted(bad, key=lambda value: value.row)))
