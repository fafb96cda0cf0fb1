"""Where a record stands that a database itself rejected (`unique`): it knows the record's numbers, not line and text.

The chunks with such records are read once more; nothing else is.
"""

from __future__ import annotations

import json
from bisect import bisect_left
from collections import defaultdict
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from transforms.core.errors import PermanentError
from transforms.core.tables.loads.load_plan import CSV, SHEET
from transforms.core.tables.loads.reject import Reject, to_line
from transforms.core.tables.loads.text_chunks import text_chunks

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from transforms.core.tables.delimited.csv_chunk import Place
    from transforms.core.tables.loads.load_plan import LoadPlan, Part, PlannedPart
    from transforms.core.tables.loads.load_settings import LoadSettings

    Line = dict[str, Any]


def with_places(lines: Sequence[Line], plan: LoadPlan, settings: LoadSettings) -> Iterator[Line]:
    """Completes the rejects whose file is only a number: address, sheet, line and raw record.

    A file that changed or went since it was loaded can't tell any more: its rejects keep line 0 and no raw record.

    Args:
        lines: Rejects as a destination returns them, some thousands, those of a file by their number.
        plan: Of their load.
        settings: How the sources are reached.

    Yields:
        The rejects in the same order; the raw record of no other one is in memory.

    Raises:
        TransientError: A source can't be reached for long.
    """
    records: dict[int, set[int]] = defaultdict(set)
    for line in lines:
        if isinstance(line["file"], int):
            records[line["file"]].add(line["record"])
    places = {number: _places(plan.parts[number], sorted(wanted), settings) for number, wanted in records.items()}
    reached: dict[int, Place | None] = {}
    for line in lines:
        number = line["file"]
        if not isinstance(number, int):
            yield line
            continue
        place = reached.get(number)
        while place is None or place.record < line["record"]:
            place = reached[number] = next(places[number], None)
            if place is None:
                break
        yield _completed(line, plan.parts[number].part, place)


def _completed(line: Line, part: Part, place: Place | None) -> Line:
    sheet = part.name if part.kind == SHEET else ""
    file, value, rule = part.info.uri if sheet else part.label, line["value"], line["rule"]
    at, raw = (place.line, place.raw) if place and place.record == line["record"] else (0, "")
    completed: Line = json.loads(to_line(Reject(file, sheet, line["record"], at, line["column"], value, rule, raw)))
    return completed


def _places(planned: PlannedPart, wanted: Sequence[int], settings: LoadSettings) -> Iterator[Place]:
    """Where these records of a part stand, in its order; none from where the part can't be read as it was."""
    befores = [chunk.record for chunk in planned.chunks]
    by_chunk: dict[int, list[int]] = defaultdict(list)
    for record in wanted:
        by_chunk[bisect_left(befores, record) - 1].append(record)
    with suppress(PermanentError):  # nobody needs it to end the load: what was rejected, and why, is known
        yield from _read(planned, by_chunk, settings)


def _read(planned: PlannedPart, by_chunk: dict[int, list[int]], settings: LoadSettings) -> Iterator[Place]:
    """Chunk by chunk where ranges can be read, otherwise in one go."""
    first, last = min(by_chunk), max(by_chunk)
    spans = [(index, index) for index in by_chunk] if planned.part.kind == CSV else [(first, last)]
    for begin, end in spans:
        for index, text in text_chunks(planned, begin, end, settings):
            records = by_chunk.get(index, ())
            if records:
                numbers = text.numbers()
                yield from (text.place(int(row)) for row in numbers.searchsorted(list(records)))
