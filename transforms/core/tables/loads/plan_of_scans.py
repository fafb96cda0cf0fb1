"""From the results of all scans, as they crossed a shuffle, to the plan of their load, or why there can be none."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import TYPE_CHECKING

from transforms.core.errors import ConfigError, PermanentError
from transforms.core.tables.columns.table_schema import load_table_schema
from transforms.core.tables.loads import scan_parts
from transforms.core.tables.loads.findings import Failed, Findings, ScannedPart
from transforms.core.tables.loads.load_plan import part_from_json
from transforms.core.tables.loads.load_settings import file_identity
from transforms.core.tables.loads.make_plan import check_keys, make_plan

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from transforms.core.outcome import ObjectInfo
    from transforms.core.tables.columns.column import Column
    from transforms.core.tables.delimited.scan import RangeScan
    from transforms.core.tables.loads.load_plan import LoadPlan
    from transforms.core.tables.loads.load_settings import LoadSettings
    from transforms.core.tables.loads.scan_parts import ScanResult


def plan_of_scans(
    results: Iterable[ScanResult],
    files: Sequence[ObjectInfo],
    settings: LoadSettings,
    target: tuple[Column, ...] | None,
) -> LoadPlan:
    """Plans a load.

    | a file that                                               | is                                          |
    |-----------------------------------------------------------|---------------------------------------------|
    | can't be read, now (TransientError) or ever               | left out, and told of as failed             |
    | can't be read as asked, whatever is in it (ConfigError)   | the command's error: it left nothing behind |

    Args:
        results: Of all scans, in any order.
        files: The load's.
        settings: What was asked for.
        target: The table's columns; None when it isn't there.

    Raises:
        ConfigError: The command can't be carried out with these files, this schema or this table.
        PermanentError: Nothing that may be published is left.
    """
    scans: dict[str, list[ScanResult]] = defaultdict(list)
    failed: dict[int, Failed] = {}
    for result in results:
        if result.error:
            number, _ = json.loads(result.part)
            failed[number] = Failed(number, *result.error.split(": ", 1))
            if failed[number].error == ConfigError.__name__:
                raise ConfigError(failed[number].message)
        else:
            scans[result.part].append(result)
    parts = [(part_from_json(text), found) for text, found in scans.items()]
    parts.sort(key=lambda one: (one[0].file, one[0].number))
    scanned = [
        ScannedPart(part._replace(number=number), _in_order(found))
        for number, (part, found) in enumerate(one for one in parts if one[0].file not in failed)
    ]
    listed = tuple((file_identity(info), info.uri, info.size_bytes) for info in files)
    schema = load_table_schema(settings.schema_text, where=settings.schema_where) if settings.schema_text else None
    rules = "bigquery" if settings.destination.startswith("bigquery:") else "sql"
    found = Findings(listed, tuple(scanned), tuple(failed.values()), schema, target, rules)
    made = make_plan(found, settings)
    _check_failed(made, settings)
    if not made.rules:
        raise ConfigError("the sources have no column at all (empty files); there is nothing to load or to create")
    check_keys(made.rules, settings)
    return made


def _check_failed(made: LoadPlan, settings: LoadSettings) -> None:
    """A load that can't be published gets no plan: the next run tries its files again."""
    if made.failed and (not made.rules or len(made.failed) == len(made.files)):
        raise PermanentError(f"no file can be read: {made.failed[0][2]}")
    if made.failed and settings.mode == "replace":
        what = f"{len(made.failed)} of {len(made.files)} files can't be read, and a replace takes all or none"
        raise PermanentError(f"nothing was published into {settings.table}: {what}: {made.failed[0][2]}")


def _in_order(results: Iterable[ScanResult]) -> tuple[RangeScan, ...]:
    ordered = sorted((one for one in results if one.scan), key=lambda one: one.start)
    return tuple(scan_parts.scan_from_json(one.scan) for one in ordered)
