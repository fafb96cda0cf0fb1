"""From scanned parts to the plan of a load: resolves ranges, matches columns by name, decides types, numbers chunks.

Pure: values in, a plan (or a clear error) out. What the destination already has is given as `target`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from transforms.core.errors import ConfigError
from transforms.core.tables.columns.column import TEXT, Column, ColumnType
from transforms.core.tables.columns.field_rule import FieldRule
from transforms.core.tables.columns.schema import decide
from transforms.core.tables.columns.sure_type import surely_typed
from transforms.core.tables.delimited.range_scan import merge_all
from transforms.core.tables.delimited.resolve import resolve
from transforms.core.tables.loads.findings import Failed
from transforms.core.tables.loads.load_columns import part_names, select
from transforms.core.tables.loads.load_plan import LoadPlan, PlannedPart
from transforms.core.tables.loads.load_settings import settings_identity

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from transforms.core.tables.columns.seen import ColumnStats
    from transforms.core.tables.columns.table_schema import TableSchema
    from transforms.core.tables.delimited.resolve import ResolvedFile
    from transforms.core.tables.loads.findings import Findings
    from transforms.core.tables.loads.load_columns import Selection
    from transforms.core.tables.loads.load_plan import Part
    from transforms.core.tables.loads.load_settings import LoadSettings


def make_plan(found: Findings, settings: LoadSettings) -> LoadPlan:
    """Plans a load.

    Raises:
        ConfigError: The files' columns don't match each other, the schema, `--columns` or the table.
    """
    resolved = [(one.part, resolve(one.scans, one.part.dialect.data_line)) for one in found.parts]
    failed, resolved = _without_overlong(found.failed, resolved, settings)
    selection = select([part for part, _ in resolved], settings, found)
    stats = _stats_by_name(resolved, settings, found.schema)
    rules, type_notes = _rules(selection, stats, settings, found)
    parts, first = [], 0
    for part, result in resolved:
        fields = selection.fields_of(part_names(part, settings, found.schema))
        parts.append(PlannedPart(part, fields, result.counted, result.unclosed, result.chunks, first))
        first += len(result.chunks)
    read = found.schema.notes if found.schema else ()
    notes = (*(part.note for part, _ in resolved if part.note), *read, *selection.notes, *type_notes)
    return LoadPlan(
        settings_identity(settings),
        found.files,
        tuple(failed),
        tuple(parts),
        rules,
        settings.provenance,
        settings.missing_values,
        notes,
        {
            "dialects": {part.label: _dialect(part) for part, _ in resolved},
            "schema": {rule.column.name: _type_name(rule.column.type) for rule in rules},
            "column_mapping": dict(selection.mapping),
        },
    )


def _without_overlong(
    failed: Sequence[Failed], resolved: list[tuple[Part, ResolvedFile]], settings: LoadSettings
) -> tuple[list[Failed], list[tuple[Part, ResolvedFile]]]:
    """Files with a record over the limit can't be loaded: a quote is open somewhere."""
    all_failed = list(failed)
    for part, result in resolved:
        if result.overlong >= 0:
            limit = settings.max_record_bytes >> 20
            all_failed.append(
                Failed(
                    part.file,
                    "PermanentError",
                    f"{part.label}: the record at byte {result.overlong} is longer than {limit} MiB; a quote is "
                    f"probably not closed. Give --quote none or --quote CHAR, or raise --max_record_mb",
                )
            )
    bad = {one.file for one in all_failed}
    return all_failed, [(part, result) for part, result in resolved if part.file not in bad]


def _stats_by_name(
    resolved: Sequence[tuple[Part, ResolvedFile]], settings: LoadSettings, schema: TableSchema | None
) -> dict[str, ColumnStats]:
    stats: dict[str, ColumnStats] = {}
    for part, result in resolved:
        for name, seen in zip(part_names(part, settings, schema), result.stats, strict=False):
            stats[name] = merge_all((stats[name],), (seen,))[0] if name in stats else seen
    return stats


def _rules(
    selection: Selection, stats: Mapping[str, ColumnStats], settings: LoadSettings, found: Findings
) -> tuple[tuple[FieldRule, ...], tuple[str, ...]]:
    """Each column's type: the schema's, else the table's, else the narrowest that holds all that was seen."""
    target = {column.name: column for column in found.target or ()}
    declared = {rule.column.source: rule for rule in (found.schema.fields if found.schema else ())}
    rules, notes = [], []
    for source, name in zip(selection.sources, selection.names, strict=True):
        seen = stats.get(source)
        decision = decide(seen, date_order=settings.date_order) if seen else None
        if source in declared:
            rule = declared[source]._replace(column=declared[source].column._replace(name=name))
        elif name in target:
            rule = FieldRule(Column(name, source, _as_target(target[name].type, decision and decision.type)))
        else:
            rule = FieldRule(Column(name, source, _with_room(decision.type) if decision else TEXT))
            if decision and decision.note:
                notes.append(f"column {source!r}: {decision.note}")
        rule = rule._replace(required=True) if name in settings.key else rule
        rules.append(rule._replace(sure=surely_typed(rule, seen)))
    return tuple(rules), tuple(notes)


def _with_room(kind: ColumnType) -> ColumnType:
    """An inferred decimal with room before the point: tomorrow's file, appended, may hold larger amounts."""
    return kind._replace(precision=18 if kind.precision <= 18 else 38) if kind.kind == "decimal" else kind


def _as_target(target: ColumnType, seen: ColumnType | None) -> ColumnType:
    """The table's type; how its dates are written is what the files show."""
    return seen if seen is not None and seen.kind == target.kind and seen.form else target


def _dialect(part: Part) -> dict[str, object]:
    if part.kind == "sheet":
        return {"sheet": part.name, "header": list(part.dialect.header), "first_row": part.dialect.data_line}
    shown = part.dialect._asdict()
    shown["header"] = list(part.dialect.header)
    return {**shown, "compression": part.codec} if part.codec else shown


def _type_name(kind: ColumnType) -> str:
    if kind.kind == "decimal":
        return f"decimal({kind.precision},{kind.scale})"
    return f"{kind.kind} {kind.form}".rstrip()


def check_keys(rules: Sequence[FieldRule], settings: LoadSettings) -> None:
    """Raises ConfigError when a key column is none of the load's."""
    names = {rule.column.name for rule in rules}
    if missing := [key for key in settings.key if key not in names]:
        raise ConfigError(f"--key {', '.join(missing)}: no such column; the load has {', '.join(sorted(names))}")
