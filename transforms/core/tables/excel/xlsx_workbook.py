"""What a workbook says about itself: its worksheets, its date system, its number formats. No cell is read here."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, NamedTuple

from transforms.core.errors import PermanentError
from transforms.core.tables.excel.xlsx_dates import format_kind
from transforms.core.tables.excel.xlsx_markup import each_start

if TYPE_CHECKING:
    from collections.abc import Iterator

    from transforms.core.tables.excel.xlsx_kinds import Kind
    from transforms.core.tables.excel.xlsx_package import Package

_CHUNK_BYTES = 256 << 10
_MAX_PART_BYTES = 64 << 20
_MAX_STYLES = 1 << 20


class Workbook(NamedTuple):
    """A workbook's frame.

    Attributes:
        sheets: Part of each worksheet by its name, in workbook order, hidden ones too.
        strings_part: The part with the shared strings; "" when there is none.
        style_kinds: For each cell style, what a number in it is.
        date1904: Whether serial dates count from 1904.
    """

    sheets: dict[str, str]
    strings_part: str
    style_kinds: list[Kind]
    date1904: bool


class _Link(NamedTuple):
    kind: str
    target: str


def read_workbook(package: Package, name: str) -> Workbook:
    """Reads the small parts of an .xlsx or .xlsm workbook.

    Raises:
        PermanentError: If one of them is missing or broken.
    """
    root = _links(package, name, "")
    main = next((link.target for link in root.values() if link.kind == "officeDocument"), "xl/workbook.xml")
    links = _links(package, name, main)
    named: list[tuple[str, str]] = []
    date_systems: list[str] = []

    def on_start(tag: str, attributes: dict[str, str]) -> None:
        if tag == "sheet":
            named.append((attributes.get("name", ""), attributes.get("id", "")))
        elif tag == "workbookPr":
            date_systems.append(attributes.get("date1904", "0"))

    each_start(_chunks(package, name, main), f"{name} ({main})", on_start)
    by_kind = {link.kind: link.target for link in links.values()}
    sheets = {title: links[key].target for title, key in named if key in links and links[key].kind == "worksheet"}
    return Workbook(
        sheets=sheets,
        strings_part=by_kind.get("sharedStrings", ""),
        style_kinds=_style_kinds(package, name, by_kind.get("styles", "")),
        date1904=any(value in {"1", "true", "on"} for value in date_systems),
    )


def _links(package: Package, name: str, part: str) -> dict[str, _Link]:
    """The relationships of a part, by id, with targets as paths in the package."""
    folder, base = posixpath.split(part)
    rels = posixpath.join(folder, "_rels", f"{base}.rels")
    links: dict[str, _Link] = {}

    def on_start(tag: str, attributes: dict[str, str]) -> None:
        if tag == "Relationship" and attributes.get("TargetMode") != "External":
            target = posixpath.normpath(posixpath.join("/", folder, attributes.get("Target", "").replace("\\", "/")))
            links[attributes.get("Id", "")] = _Link(attributes.get("Type", "").rpartition("/")[2], target.lstrip("/"))

    each_start(_chunks(package, name, rels), f"{name} ({rels})", on_start)
    return links


def _style_kinds(package: Package, name: str, part: str) -> list[Kind]:
    if not part or part not in package:
        return []
    codes: dict[int, str] = {}
    format_ids: list[int] = []
    within = ""

    def on_start(tag: str, attributes: dict[str, str]) -> None:
        nonlocal within
        if tag in {"cellXfs", "cellStyleXfs", "cellStyles", "dxfs"}:
            within = tag
        elif tag == "numFmt" and within != "dxfs":
            codes[_number(attributes.get("numFmtId", ""))] = attributes.get("formatCode", "")
        elif tag == "xf" and within == "cellXfs":
            format_ids.append(_number(attributes.get("numFmtId", "")))
            if len(format_ids) > _MAX_STYLES:
                raise PermanentError(f"{name} ({part}): more than {_MAX_STYLES} cell styles; save it again in Excel")

    each_start(_chunks(package, name, part), f"{name} ({part})", on_start)
    kinds = {number: format_kind(number, codes.get(number)) for number in set(format_ids)}
    return [kinds[number] for number in format_ids]


def _chunks(package: Package, name: str, part: str) -> Iterator[bytes]:
    size = package.part_bytes(part)
    if size > _MAX_PART_BYTES:
        raise PermanentError(
            f"{name}: its part {part} claims {size} bytes, far more than a workbook's frame has: refused"
        )
    return package.chunks(part, _CHUNK_BYTES)


def _number(text: str) -> int:
    return int(text) if text.isdigit() else 0
