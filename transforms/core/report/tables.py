"""Tables of the report: failures, rejects, settings, whatever a pipeline adds."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from transforms.core.report.markup import Markup, element

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

CUT: Final = 400  # characters a cell shows


def table(heads: Sequence[str], rows: Iterable[Sequence[Any]], numbers: frozenset[int] = frozenset()) -> Markup:
    """A table; it scrolls by itself where the page is too narrow.

    Args:
        heads: The columns' names.
        rows: Their cells.
        numbers: Which columns hold numbers.
    """
    styles = ["n" if place in numbers else None for place in range(len(heads))]
    names = (element("th", name, class_=style) for name, style in zip(heads, styles, strict=True))
    head = element("tr", *names) if any(heads) else None
    body = [
        element("tr", *(element("td", cell_text(cell), class_=style) for cell, style in zip(row, styles, strict=True)))
        for row in rows
    ]
    return element("div", element("table", head, *body), class_="scroll")


def pairs_table(pairs: Mapping[str, Any]) -> Markup:
    """Names and values, one a row; what is None is left out.

    Args:
        pairs: What to show.
    """
    return table(("", ""), [(name, value) for name, value in pairs.items() if value is not None])


def lines_table(lines: Sequence[Mapping[str, Any]]) -> Markup:
    """Records as a table whose columns are the keys that any of them has.

    Args:
        lines: The records.
    """
    heads = list(dict.fromkeys(key for line in lines for key in line))
    return table(heads, [[line.get(head, "") for head in heads] for line in lines])


def cell_text(value: Any) -> str | Markup:
    """A value as a cell shows it: text as it is, anything nested as JSON, cut where it is long.

    Args:
        value: Anything.
    """
    if isinstance(value, Markup):
        return value
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= CUT else f"{text[: CUT - 1]}…"
