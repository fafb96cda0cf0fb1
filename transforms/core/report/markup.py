"""HTML and SVG elements as nested calls; whatever is no element is escaped, so no text can become markup.

Not a template engine: the page is made of small pure functions, and that asks for no further dependency.
"""

from __future__ import annotations

from html import escape
from typing import Any


class Markup(str):
    """Text that is markup already."""

    __slots__ = ()


def element(name: str, *children: Any, **attributes: Any) -> Markup:
    """One element; a trailing underscore of an attribute is dropped, other underscores become dashes.

    Args:
        name: The tag.
        *children: Markup goes in as it is, anything else escaped, None not at all.
        **attributes: Values are escaped; None leaves the attribute out.
    """
    given = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(str(value), quote=True)}"'
        for key, value in attributes.items()
        if value is not None
    )
    return Markup(f"<{name}{given}>{join(*children)}</{name}>")


def join(*children: Any) -> Markup:
    """Several pieces, one after the other.

    Args:
        *children: As for `element`.
    """
    return Markup("".join(_text(child) for child in children if child is not None))


def _text(child: Any) -> str:
    return str(child) if isinstance(child, Markup) else escape(str(child), quote=True)
