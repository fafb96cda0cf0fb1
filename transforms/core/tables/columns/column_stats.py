"""Watches a column: folds blocks of its texts into what was seen of it.

The front of seen.py (the value) and block_forms.py (the kernels); what one value is stands in value_forms.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from transforms.core.tables.columns.seen import EMPTY, ColumnStats, from_list, merge, to_list
from transforms.core.tables.values.block_forms import judge_block
from transforms.core.tables.values.text_block import one_array

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["EMPTY", "ColumnStats", "from_list", "merge", "observe", "to_list"]


def observe(stats: ColumnStats, values: pa.Array | pa.ChunkedArray) -> ColumnStats:
    """Folds a block of one column's values into its stats.

    A column that is known to be text costs nothing more. Working memory: at most 4 bytes a byte of the block's texts
    and 100 bytes a value, freed at the end; the interpreter's lock is free while the kernels work.

    Args:
        stats: What is known so far, EMPTY at first.
        values: pa.string(), null for NULL; 10,000 to 50,000 values are a good block.

    Returns:
        The same as folding value_forms.form_of over the values one by one.
    """
    if stats.text:
        return stats
    nulls = values.null_count
    if nulls == len(values):
        return stats._replace(nulls=stats.nulls + nulls)
    texts = one_array(values.drop_null() if nulls else values)
    found = merge(stats, judge_block(texts, stats))
    return found if found.text else found._replace(nulls=found.nulls + nulls)
