"""Which columns a load has, and which column of each file fills which: matched by name, drift told or taken in."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, NamedTuple

from transforms.core.errors import ConfigError
from transforms.core.tables.columns.naming import clean_names
from transforms.core.tables.loads.load_settings import SOURCE_FILE, SOURCE_RECORD

if TYPE_CHECKING:
    from collections.abc import Sequence

    from transforms.core.tables.columns.table_schema import TableSchema
    from transforms.core.tables.loads.findings import Findings
    from transforms.core.tables.loads.load_plan import Part
    from transforms.core.tables.loads.load_settings import LoadSettings


class Selection(NamedTuple):
    """The load's columns.

    Attributes:
        sources: Their names in the files, made unique.
        names: Their names in the database.
        mapping: (as it stands in the file, name in the database) where they differ.
        notes: What the user should know.
    """

    sources: tuple[str, ...]
    names: tuple[str, ...]
    mapping: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]

    def fields_of(self, names: Sequence[str]) -> tuple[int, ...]:
        """For each load column its place in a file with these names, or -1."""
        place = {name: index for index, name in enumerate(names)}
        return tuple(place.get(source, -1) for source in self.sources)


def part_names(part: Part, settings: LoadSettings, schema: TableSchema | None) -> tuple[str, ...]:
    """A part's column names, unique: its header's, else by position from `--column_names`, else the schema's.

    Raises:
        ConfigError: There are fewer names than columns.
    """
    width = part.dialect.width
    if part.dialect.header:
        return clean_names(part.dialect.header, max_bytes=1 << 16).names
    given = settings.column_names or (tuple(rule.column.source for rule in schema.fields) if schema else ())
    if not given:
        return clean_names([None] * width).names
    if len(given) < width:
        raise ConfigError(
            f"{part.label}: no header, and {width} columns for the {len(given)} names {', '.join(given)}; "
            f"give as many --column_names as there are columns, or --header yes"
        )
    return tuple(given[:width])


def select(parts: Sequence[Part], settings: LoadSettings, found: Findings) -> Selection:
    """Decides the load's columns.

    The first file's columns are the load's, or the schema's where one is given. A file that lacks one or has another
    is an error, unless `--schema_drift add` takes its columns in as well (missing ones are NULL).

    Raises:
        ConfigError: Columns don't match, or `--columns` names one that isn't there.
    """
    every = {part.label: part_names(part, settings, found.schema) for part in parts if part.dialect.width}
    declared = tuple(rule.column.source for rule in found.schema.fields) if found.schema else ()
    base = declared or next(iter(every.values()), ())
    wanted = _sources_of(settings.columns, base, every, settings, found)
    union = list(base)
    for label, names in every.items():
        extra = [name for name in names if name not in union]
        missing = [name for name in (wanted or base) if name not in names]
        if settings.add_columns:
            union.extend(extra)
        elif missing or (extra and not wanted):
            base_of = settings.schema_where or "the schema" if found.schema else next(iter(every))
            raise _drift(label, missing, () if wanted else extra, base_of)
    sources = wanted or tuple(union)
    cleaned = _database_names(sources, settings, found)
    _check_target(sources, cleaned, settings, found)
    mapping = _renamed(parts, every, dict(zip(sources, cleaned, strict=True)))
    heads = [part.dialect.header for part in parts if part.dialect.header]
    notes = dict.fromkeys(note for head in heads for note in clean_names(head, max_bytes=1 << 16).notes)
    return Selection(sources, cleaned, mapping, tuple(notes))


def _renamed(
    parts: Sequence[Part], every: dict[str, tuple[str, ...]], names: dict[str, str]
) -> tuple[tuple[str, str], ...]:
    """(as it stands in the file, in the database) where they differ; a name's second column is told by its place."""
    renamed: dict[str, str] = {}
    for part in parts:
        unique = every.get(part.label, ())
        told: set[str | None] = {"", None}
        for number, raw, source in zip(count(1), part.dialect.header or unique, unique, strict=False):
            if names.get(source, raw) != raw:
                renamed[f"{raw or ''} (column {number})".strip() if raw in told else str(raw)] = names[source]
            told.add(raw)
    return tuple(renamed.items())


def _sources_of(
    wanted: Sequence[str],
    base: Sequence[str],
    every: dict[str, tuple[str, ...]],
    settings: LoadSettings,
    found: Findings,
) -> tuple[str, ...]:
    """`--columns` by their names in the files, or in the database."""
    there = list(dict.fromkeys([*base, *(name for names in every.values() for name in names)]))
    by_name = dict(zip(_database_names(there, settings, found), there, strict=True))
    chosen = []
    for name in wanted:
        if name not in there and name not in by_name:
            raise ConfigError(f"--columns {name}: no such column; the files have {', '.join(there)}")
        chosen.append(name if name in there else by_name[name])
    return tuple(chosen)


def _database_names(sources: Sequence[str], settings: LoadSettings, found: Findings) -> tuple[str, ...]:
    """Declared names, else cleaned ones; a table's own spelling where only the case differs."""
    declared = {rule.column.source: rule.column.name for rule in (found.schema.fields if found.schema else ())}
    reserved = (SOURCE_FILE, SOURCE_RECORD) if settings.provenance else ()
    names = clean_names(
        [declared.get(source, source) for source in sources], rules=found.rules, reserved=reserved
    ).names
    spelled = {column.name.casefold(): column.name for column in found.target or ()}
    return tuple(spelled.get(name.casefold(), name) for name in names)


def _check_target(sources: Sequence[str], names: Sequence[str], settings: LoadSettings, found: Findings) -> None:
    if found.target is None or settings.add_columns:
        return
    there = {column.name for column in found.target}
    if extra := [source for source, name in zip(sources, names, strict=True) if name not in there]:
        raise ConfigError(
            f"table {settings.table} has no column {', '.join(map(repr, extra))}; "
            f"give --schema_drift add to add it, or --columns to leave it out"
        )


def _drift(label: str, missing: Sequence[str], extra: Sequence[str], first: str) -> ConfigError:
    told = [f"lacks {', '.join(map(repr, missing))}"] if missing else []
    told += [f"has another column {', '.join(map(repr, extra))}"] if extra else []
    return ConfigError(
        f"{label} {' and '.join(told)}, compared with {first}; "
        f"give --schema_drift add to take all columns (missing values are NULL), or --columns to choose some"
    )
