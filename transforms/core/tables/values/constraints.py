"""A field's constraints on a block of typed values: each a mask of the rows that violate it.

Limits and enum values are read as the column's type, so 01 and 1 are the same integer. Null violates only `required`.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from transforms.core.errors import ConfigError
from transforms.core.tables.values.value_reading import read_value

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import numpy as np
    import numpy.typing as npt

    from transforms.core.tables.columns.field_rule import FieldRule


class Violation(NamedTuple):
    """The rows of a block that violate one rule (at least one does)."""

    rule: str
    rows: npt.NDArray[np.bool_]


class Check(NamedTuple):
    """One constraint, ready to run: gives True where a value obeys, null where there is none."""

    rule: str
    holds: Callable[[pa.Array], pa.Array]


def violations(values: pa.Array, rule: FieldRule) -> Iterator[Violation]:
    """The violated constraints of a block, in the order minLength, maxLength, pattern, enum, minimum, maximum.

    Raises:
        ConfigError: A limit, an enum value or the pattern can't be read.
    """
    for check in checks(rule):
        holds = check.holds(values)
        if pc.all(holds, min_count=0).as_py():
            continue
        broken = pc.fill_null(pc.invert(holds), fill_value=False)
        yield Violation(check.rule, broken.to_numpy(zero_copy_only=False))


@functools.lru_cache(maxsize=4096)
def checks(rule: FieldRule) -> tuple[Check, ...]:
    """A rule's constraints, read once.

    Raises:
        ConfigError: A limit, an enum value or the pattern can't be read.
    """
    found = []
    if rule.min_length >= 0:
        found.append(_length(f"minLength {rule.min_length}", pc.greater_equal, rule.min_length))
    if rule.max_length >= 0:
        found.append(_length(f"maxLength {rule.max_length}", pc.less_equal, rule.max_length))
    if rule.pattern:
        found.append(_pattern(rule.pattern))
    if rule.enum:
        allowed = pa.array([_typed(text, rule, "enum") for text in rule.enum], rule.column.type.arrow())
        found.append(Check("enum", functools.partial(_is_in, allowed=allowed)))
    limits = (
        ("minimum", rule.minimum, pc.greater_equal),
        ("maximum", rule.maximum, pc.less_equal),
        ("exclusiveMinimum", rule.exclusive_minimum, pc.greater),
        ("exclusiveMaximum", rule.exclusive_maximum, pc.less),
    )
    found += [_limit(name, text, rule, compare) for name, text, compare in limits if text]
    return tuple(found)


def _length(name: str, compare: Callable[..., pa.Array], limit: int) -> Check:
    return Check(name, lambda values: compare(pc.utf8_length(values), limit))


def _pattern(pattern: str) -> Check:
    whole = f"^(?:{pattern})$"
    try:
        pc.match_substring_regex(pa.array([""]), whole)
    except pa.ArrowInvalid as e:
        raise ConfigError(
            f"pattern {pattern!r} is not an RE2 expression: {e}; look-around and \\1 don't exist there"
        ) from e
    return Check(f"pattern {pattern}", lambda values: pc.match_substring_regex(values, whole))


def _limit(name: str, text: str, rule: FieldRule, compare: Callable[..., pa.Array]) -> Check:
    limit = pa.scalar(_typed(text, rule, name), rule.column.type.arrow())
    return Check(f"{name} {text}", lambda values: compare(values, limit))


def _is_in(values: pa.Array, allowed: pa.Array) -> pa.Array:
    return pc.if_else(values.is_valid(), pc.is_in(values, value_set=allowed), pa.scalar(None, pa.bool_()))


def _typed(text: str, rule: FieldRule, name: str) -> object:
    value = read_value(text, rule)
    if value is None:
        kind, column = rule.column.type.kind, rule.column.name
        raise ConfigError(f"{name} {text!r} of column {column!r} is not of the column's type {kind}; write it as one")
    return value
