"""Reads a Frictionless Table Schema file (v1 and v2) into the rules that a load checks; refuses by name what it can't.

Own code: the `frictionless` package brings 38 others and checks cell by cell in Python, `tableschema` is retired, and
of either only the reading of this small JSON form would be used.
"""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

from transforms.core.errors import ConfigError
from transforms.core.tables.columns.table_schema_field import missing_values, names, read_field, refuse_unknown

if TYPE_CHECKING:
    from transforms.core.tables.columns.field_rule import FieldRule

_DOCUMENTATION = frozenset(
    "$schema name title description homepage version created keywords contributors".split()  # noqa: SIM905
)
_KEYS = _DOCUMENTATION | {"fields", "fieldsMatch", "missingValues", "primaryKey", "uniqueKeys", "foreignKeys"}
_MATCHES = ("exact", "equal")


class TableSchema(NamedTuple):
    """What a schema file declares.

    Attributes:
        fields: One rule per field, in order; its column has the name in the database and the name in the files.
        unique: Names of the columns in which each value may stand only once (NULLs may repeat).
        primary_key: Names of the primary key's columns: they are required, and the key to suggest for an upsert.
        notes: What the user should know of how the file was read.
    """

    fields: tuple[FieldRule, ...]
    unique: tuple[str, ...]
    primary_key: tuple[str, ...]
    notes: tuple[str, ...]


def load_table_schema(text: str, *, where: str) -> TableSchema:
    """Reads a schema file.

    | type                         | column                                                                    |
    |------------------------------|---------------------------------------------------------------------------|
    | string, any, none            | text (format email, uri, binary, uuid: checked)                           |
    | integer, year                | integer, 64 bits                                                          |
    | number                       | double; decimal(p,s) with `hornbeam:precision` and `hornbeam:scale`       |
    | boolean                      | boolean (`true True TRUE 1`, `false False FALSE 0`, or as declared)       |
    | date                         | date (format default or strptime's)                                       |
    | datetime                     | timestamp; timestamptz with `hornbeam:zone` true or `%z` in the format    |
    | time, yearmonth, duration, geopoint, object, array | text, checked                                       |
    | list, geojson, format any    | refused by name                                                           |

    A field's `name` is the column in the database; `source` (or `hornbeam:source`) its name in the files, if another.

    Args:
        text: The file's JSON text.
        where: The file's address, for messages.

    Raises:
        ConfigError: It is no JSON, or has a key, type, format or constraint that is unknown or can't be checked.
    """
    document = _parse(text, where)
    refuse_unknown(document, _KEYS, where)
    fields = document.get("fields")
    if not isinstance(fields, list) or not fields:
        raise ConfigError(
            f"{where}: `fields` must be a list of at least one field; a Table Schema describes each column"
        )
    default_missing = missing_values(document.get("missingValues", [""]), where)
    key = names(document.get("primaryKey", []), f"{where}: primaryKey")
    read = [read_field(field, f"{where}: field {index}", default_missing, key) for index, field in enumerate(fields, 1)]
    rules = tuple(rule for rule, _ in read)
    _check_names(rules, key, where)
    unique = {rule.column.name for rule, is_unique in read if is_unique} | _unique_keys(document, rules, where)
    return TableSchema(
        fields=rules,
        unique=tuple(rule.column.name for rule in rules if rule.column.name in unique),
        primary_key=key,
        notes=_notes(document, key, where),
    )


def _parse(text: str, where: str) -> dict[str, Any]:
    try:
        document = json.loads(
            text.removeprefix("\ufeff"),
            parse_float=Decimal,
            parse_constant=_refuse_constant,
            object_pairs_hook=_without_twins,
        )
    except ValueError as e:
        raise ConfigError(f"{where}: not the JSON of a Table Schema: {e}") from e
    if not isinstance(document, dict):
        raise ConfigError(
            f"{where}: a Table Schema is a JSON object with `fields`, this is a {type(document).__name__}"
        )
    return document


def _refuse_constant(name: str) -> object:
    raise ValueError(f"{name} is not JSON; write it as a string")


def _without_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        raise ValueError(f"the key {next(key for key in keys if keys.count(key) > 1)!r} stands twice in one object")
    return found


def _check_names(rules: tuple[FieldRule, ...], key: tuple[str, ...], where: str) -> None:
    for what, all_names in (
        ("name", [rule.column.name for rule in rules]),
        ("source", [rule.column.source for rule in rules]),
    ):
        twins = sorted({name for name in all_names if all_names.count(name) > 1})
        if twins:
            raise ConfigError(f"{where}: {what} {twins[0]!r} stands at several fields; each needs its own")
    _check_known(key, rules, f"{where}: primaryKey")


def _check_known(wanted: tuple[str, ...], rules: tuple[FieldRule, ...], where: str) -> None:
    known = [rule.column.name for rule in rules]
    for name in wanted:
        if name not in known:
            raise ConfigError(f"{where}: there is no field {name!r}; fields: {', '.join(known)}")


def _unique_keys(document: dict[str, Any], rules: tuple[FieldRule, ...], where: str) -> set[str]:
    """The columns of `uniqueKeys` (v2), each alone; keys of several columns are refused."""
    place = f"{where}: uniqueKeys"
    keys = document.get("uniqueKeys", [])
    if not isinstance(keys, list):
        raise ConfigError(f"{place}: must be a list of lists of field names, not {keys!r}")
    found = set()
    for entry in keys:
        key = names(entry, place)
        _check_known(key, rules, place)
        if len(key) != 1:
            raise ConfigError(
                f"{place}: {list(key)} has {len(key)} columns; only keys of one column are checked, remove it"
            )
        found.add(key[0])
    return found


def _notes(document: dict[str, Any], key: tuple[str, ...], where: str) -> tuple[str, ...]:
    notes = []
    match = document.get("fieldsMatch", "equal")
    if match not in _MATCHES:
        remedy = "columns are matched by name; use --columns to leave some out, --schema_drift add to let some come new"
        raise ConfigError(f"{where}: fieldsMatch {match!r} is not supported (known: {', '.join(_MATCHES)}); {remedy}")
    if match == "exact":
        notes.append("fieldsMatch exact: columns are matched by name, whatever their order in the file")
    if key:
        notes.append(f"primaryKey: its columns are required; it is an upsert's key where --key {','.join(key)} says so")
    if document.get("foreignKeys"):
        raise ConfigError(f"{where}: foreignKeys are not supported: a load looks into no other table; remove them")
    return tuple(notes)
