"""The stored plan of a load: files, parts, chunks and columns, fixed when planned, as one JSON text.

Workers read it from the destination by load id, so that elements stay small and a rerun goes by the same chunks.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from transforms.core.outcome import ObjectInfo
from transforms.core.tables.columns.column import Column, ColumnType
from transforms.core.tables.columns.field_rule import FieldRule
from transforms.core.tables.delimited.dialect import Dialect
from transforms.core.tables.delimited.resolve import Chunk

if TYPE_CHECKING:
    from collections.abc import Iterable

CSV, STREAM, SHEET = "csv", "stream", "sheet"  # by byte ranges; decompressed from its beginning; rows of a workbook


class Part(NamedTuple):
    """One table within a source file: the file itself, a zip's member, a workbook's sheet.

    Attributes:
        file: Number of the file in the load, from 0.
        number: Number of the part in the load, from 0.
        info: The file.
        name: The member's or sheet's name; "" for the file itself.
        kind: CSV, STREAM or SHEET.
        codec: How it is compressed (STREAM only): a codec's name, `zip`, or "".
        dialect: How it is read (SHEET: only header, width and data_line count).
        note: What the user should know about how it is read.
    """

    file: int
    number: int
    info: ObjectInfo
    name: str
    kind: str
    codec: str
    dialect: Dialect
    note: str = ""

    @property
    def label(self) -> str:
        """The part's address, for outcomes and messages."""
        return f"{self.info.uri}#{self.name}" if self.name else self.info.uri


class PlannedPart(NamedTuple):
    """A part and what pass 1 found.

    Attributes:
        part: The part.
        fields: For each load column the part's column number, or -1 where it has none.
        counted: Its records.
        unclosed: Whether its last record's quote never closes.
        chunks: Its chunks.
        first_chunk: Number of its first chunk in the load.
    """

    part: Part
    fields: tuple[int, ...]
    counted: int
    unclosed: bool
    chunks: tuple[Chunk, ...]
    first_chunk: int


class LoadPlan(NamedTuple):
    """A whole load.

    Attributes:
        settings: `settings_identity` of the settings.
        files: (identity, uri, size) of every file, in order.
        failed: (file number, error type, message) of files that can't be read; they are in no part.
        parts: The parts, in order.
        rules: The load's columns and what their values must be, without provenance.
        provenance: Whether the two provenance columns follow.
        missing_values: Unquoted texts that are NULL.
        notes: What the user should know: mapping of names, ambiguous dates, drift.
        details: For the summary: dialects, schema, mapping.
        gone: The last completed load of the table if the table was gone when this load began: its rows, and those of
            all before it, are there no more.
    """

    settings: str
    files: tuple[tuple[str, str, int], ...]
    failed: tuple[tuple[int, str, str], ...]
    parts: tuple[PlannedPart, ...]
    rules: tuple[FieldRule, ...]
    provenance: bool
    missing_values: tuple[str, ...]
    notes: tuple[str, ...]
    details: dict[str, Any]
    gone: str = ""

    def to_json(self) -> str:
        """The plan as JSON text (NamedTuples become lists)."""
        return json.dumps(list(self), ensure_ascii=False, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> LoadPlan:
        """The inverse of `to_json`."""
        settings, files, failed, parts, rules, provenance, missing, notes, details, gone = json.loads(text)
        return cls(
            settings,
            tuple((identity, uri, size) for identity, uri, size in files),
            tuple((number, kind, message) for number, kind, message in failed),
            tuple(_planned_part(part) for part in parts),
            tuple(_rule(rule) for rule in rules),
            provenance,
            tuple(missing),
            tuple(notes),
            details,
            gone,
        )


def part_to_json(part: Part) -> str:
    """A part as JSON text: how it crosses a shuffle."""
    return json.dumps(list(part), ensure_ascii=False)


def part_from_json(text: str) -> Part:
    """The inverse of `part_to_json`."""
    return _part(json.loads(text))


def _part(fields: list[Any]) -> Part:
    file, number, info, name, kind, codec, dialect, note = fields
    delimiter, quote, escape, encoding, line_end, bom, start, line, header, width, *rest = (
        dialect  # rest: not in old plans
    )
    decoded = Dialect(delimiter, quote, escape, encoding, line_end, bom, start, line, tuple(header), width, *rest)
    return Part(file, number, ObjectInfo(*info), name, kind, codec, decoded, note)


def _planned_part(fields: list[Any]) -> PlannedPart:
    part, columns, counted, unclosed, chunks, first = fields
    return PlannedPart(_part(part), tuple(columns), counted, unclosed, tuple(Chunk(*chunk) for chunk in chunks), first)


def _rule(fields: list[Any]) -> FieldRule:
    (name, source, kind, nullable), *rest = fields
    column = Column(name, source, ColumnType(*kind), nullable)
    return FieldRule(column, *(_frozen(rest)))


def _frozen(values: Iterable[Any]) -> Iterable[Any]:
    return (tuple(value) if isinstance(value, list) else value for value in values)
