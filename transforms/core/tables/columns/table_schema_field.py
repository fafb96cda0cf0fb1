"""Reads one field of a Table Schema into its rule: which keys, formats and constraints each type may have."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from transforms.core.errors import ConfigError
from transforms.core.tables.columns.column import Column, ColumnType
from transforms.core.tables.columns.field_rule import FieldRule
from transforms.core.tables.values.constraints import checks

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

# type -> its column's kind, and the shape that its texts must have
TYPES = {
    "any": ("text", ""),
    "string": ("text", ""),
    "integer": ("integer", ""),
    "number": ("double", ""),
    "boolean": ("boolean", ""),
    "date": ("date", ""),
    "datetime": ("timestamp", ""),
    "year": ("integer", "year"),
    "time": ("text", "time"),
    "yearmonth": ("text", "yearmonth"),
    "duration": ("text", "duration"),
    "geopoint": ("text", "geopoint"),
    "object": ("text", "object"),
    "array": ("text", "array"),
}
_STRING_FORMATS = ("email", "uri", "binary", "uuid")
_FIELD_KEYS = frozenset(
    "name title description example rdfType type format constraints missingValues source hornbeam:source".split()  # noqa: SIM905
)
_TYPE_KEYS = {
    "string": {"categories", "categoriesOrdered"},
    "integer": {"groupChar", "bareNumber", "categories", "categoriesOrdered"},
    "number": {"groupChar", "bareNumber", "decimalChar", "hornbeam:precision", "hornbeam:scale"},
    "boolean": {"trueValues", "falseValues"},
    "datetime": {"hornbeam:zone"},
}
_LIMITS = {"minimum": "minimum", "maximum": "maximum"}
_LIMITS |= {"exclusiveMinimum": "exclusive_minimum", "exclusiveMaximum": "exclusive_maximum"}
_LENGTHS = {"minLength": "min_length", "maxLength": "max_length"}
_ORDERED = ("integer", "number", "date", "datetime", "year", "time", "yearmonth")
_TRUE = ("true", "True", "TRUE", "1")
_FALSE = ("false", "False", "FALSE", "0")


def read_field(
    field: object, where: str, default_missing: tuple[str, ...], key: tuple[str, ...]
) -> tuple[FieldRule, bool]:
    """Reads a field.

    Args:
        field: Its JSON value.
        where: Its place, for messages.
        default_missing: The schema's missing values.
        key: The primary key's columns: they are required.

    Returns:
        Its rule, and whether its values must be unique.

    Raises:
        ConfigError: A key, type, format or constraint is unknown, or can't be checked, or contradicts another.
    """
    if not isinstance(field, dict) or not isinstance(field.get("name"), str) or not field["name"]:
        raise ConfigError(f"{where}: a field is a JSON object with a `name`, this is {field!r}")
    where = f"{where} {field['name']!r}"
    kind = field.get("type", "any")
    if kind not in TYPES:
        raise ConfigError(f"{where}: type {kind!r} is not supported; known: {', '.join(TYPES)}")
    refuse_unknown(field, _FIELD_KEYS | _TYPE_KEYS.get(kind, set()), where, f" for type {kind}")
    constraints = field.get("constraints", {})
    if not isinstance(constraints, dict):
        raise ConfigError(f"{where}: `constraints` must be an object, not {constraints!r}")
    refuse_unknown(constraints, _allowed(kind), f"{where}: constraints", f" for type {kind}")
    required = _flag(constraints, "required", where) or field["name"] in key
    column = Column(field["name"], _source(field, where), _column_type(field, kind, where), nullable=not required)
    missing = missing_values(field["missingValues"], where) if "missingValues" in field else default_missing
    rule = FieldRule(column, required=required, missing_values=missing, shape=_shape(field, kind, where))
    rule = _with_spelling(rule, field, kind, where)
    return _with_constraints(rule, field, constraints, where), _flag(constraints, "unique", where)


def _allowed(kind: str) -> set[str]:
    allowed = {"required", "unique"} | (set() if kind in ("object", "array") else {"enum"})
    if kind == "string":
        allowed |= {"pattern", *_LENGTHS}
    return allowed | (set(_LIMITS) if kind in _ORDERED else set())


def _source(field: Mapping[str, Any], where: str) -> str:
    given = [field[key] for key in ("source", "hornbeam:source") if key in field]
    if len(set(map(str, given))) > 1 or not all(isinstance(name, str) and name for name in given):
        raise ConfigError(f"{where}: `source` must be one name of a column in the files, not {given!r}")
    return given[0] if given else field["name"]


def _column_type(field: Mapping[str, Any], kind: str, where: str) -> ColumnType:
    column_kind: Any = TYPES[kind][0]
    form = _format(field, where)
    if kind == "number" and ("hornbeam:precision" in field or "hornbeam:scale" in field):
        precision, scale = field.get("hornbeam:precision", 38), field.get("hornbeam:scale", 0)
        if not (_is_count(precision) and _is_count(scale) and 1 <= precision <= 38 and scale <= precision):
            raise ConfigError(f"{where}: hornbeam:precision must be 1 to 38 and hornbeam:scale 0 to that")
        return ColumnType("decimal", precision, scale)
    if kind not in ("date", "datetime"):
        return ColumnType(column_kind)
    if kind == "datetime" and (_flag(field, "hornbeam:zone", where) or "%z" in form):
        column_kind = "timestamptz"
    return ColumnType(column_kind, form=_strptime_form(form, where))


def _format(field: Mapping[str, Any], where: str) -> str:
    """The field's format, "" for the default."""
    form = field.get("format", "default")
    if not isinstance(form, str):
        raise ConfigError(f"{where}: format must be a string, not {form!r}")
    form = form.removeprefix("fmt:")
    kind = field.get("type", "any")
    dated = kind in ("date", "datetime") and form != "any"
    if form == "default" or dated or (kind == "string" and form in _STRING_FORMATS):
        return "" if form == "default" else form
    raise ConfigError(
        f"{where}: format {form!r} of type {kind} is not supported; declare it as a string with a pattern"
    )


def _strptime_form(form: str, where: str) -> str:
    if form in ("", "%Y-%m-%d"):
        return ""
    try:
        datetime.strptime(datetime(2001, 2, 3, tzinfo=UTC).strftime(form), form)  # noqa: DTZ007
    except ValueError as e:
        raise ConfigError(f"{where}: format {form!r} is no strptime pattern: {e}") from e
    if "%Y" not in form or "%Z" in form:
        raise ConfigError(f"{where}: format {form!r} can't be read without guessing; it needs %Y, and %z instead of %Z")
    return form


def _shape(field: Mapping[str, Any], kind: str, where: str) -> str:
    return _format(field, where) if kind == "string" else TYPES[kind][1]


def _with_spelling(rule: FieldRule, field: Mapping[str, Any], kind: str, where: str) -> FieldRule:
    if kind == "boolean":
        true, false = (
            names(field.get(k, v), f"{where}: {k}") for k, v in (("trueValues", _TRUE), ("falseValues", _FALSE))
        )
        if not true or not false:
            raise ConfigError(f"{where}: trueValues and falseValues need at least one text each")
        if set(true) & set(false):
            raise ConfigError(f"{where}: {sorted(set(true) & set(false))} stand in trueValues and falseValues")
        return rule._replace(true_values=true, false_values=false)
    decimal, group = field.get("decimalChar", "."), field.get("groupChar", "")
    if not isinstance(decimal, str) or not isinstance(group, str):
        raise ConfigError(f"{where}: decimalChar and groupChar must be strings, not {decimal!r} and {group!r}")
    marks = decimal + group
    if not decimal or decimal == group or any(mark.isalnum() or mark in "+-?" for mark in marks):
        raise ConfigError(
            f"{where}: decimalChar {decimal!r} and groupChar {group!r} can't be told from a number's digits"
        )
    bare = _flag(field, "bareNumber", where, default=True)
    return rule._replace(decimal_char=decimal, group_char=group, bare_number=bare)


def _with_constraints(
    rule: FieldRule, field: Mapping[str, Any], constraints: Mapping[str, Any], where: str
) -> FieldRule:
    found: dict[str, Any] = {}
    for key, name in _LENGTHS.items():
        if key in constraints:
            if not _is_count(constraints[key]):
                raise ConfigError(f"{where}: {key} must be a whole number from 0, not {constraints[key]!r}")
            found[name] = constraints[key]
    found |= {name: _text(constraints[key], rule, where) for key, name in _LIMITS.items() if key in constraints}
    if "pattern" in constraints:
        found["pattern"] = _text(constraints["pattern"], rule, where)
    allowed = constraints.get("enum", field.get("categories", []))
    if not isinstance(allowed, list) or ("enum" in constraints and not allowed):
        raise ConfigError(f"{where}: enum must be a list of values, not {allowed!r}")
    values = [item.get("value") if isinstance(item, dict) else item for item in allowed]
    rule = rule._replace(**found, enum=tuple("" if value == "" else _text(value, rule, where) for value in values))
    try:
        checks(rule)
    except ConfigError as e:
        raise ConfigError(f"{where}: {e}") from e
    return rule


def _text(value: object, rule: FieldRule, where: str) -> str:
    """A constraint's JSON value as the text that the field's type reads."""
    if isinstance(value, bool):
        return str(value).lower() if not rule.true_values else (rule.true_values if value else rule.false_values)[0]
    if isinstance(value, (int, Decimal)):
        return str(value).replace(".", rule.decimal_char)
    if isinstance(value, str) and value:
        return value
    raise ConfigError(f"{where}: {value!r} is no value for a constraint; give a string, a number, true or false")


def _flag(holder: Mapping[str, Any], key: str, where: str, *, default: bool = False) -> bool:
    value = holder.get(key, default)
    if not isinstance(value, bool):
        raise ConfigError(f"{where}: {key} must be true or false, not {value!r}")
    return value


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def missing_values(value: object, where: str) -> tuple[str, ...]:
    """Reads `missingValues`: texts, or (v2) objects with a `value`."""
    entries = (
        [item.get("value") if isinstance(item, dict) else item for item in value] if isinstance(value, list) else value
    )
    return names(entries, f"{where}: missingValues")


def names(value: object, where: str) -> tuple[str, ...]:
    """A list of texts, or one text, as a tuple. Raises ConfigError."""
    entries = [value] if isinstance(value, str) else value
    if not isinstance(entries, (list, tuple)) or not all(isinstance(entry, str) for entry in entries):
        raise ConfigError(f"{where}: must be a list of strings, not {value!r}")
    return tuple(entries)


def refuse_unknown(holder: Mapping[str, Any], known: Collection[str], where: str, suffix: str = "") -> None:
    """Raises ConfigError for the first key that isn't known."""
    for key in holder:
        if key not in known:
            raise ConfigError(f"{where}: unknown key {key!r}{suffix}; known: {', '.join(sorted(known))}")
