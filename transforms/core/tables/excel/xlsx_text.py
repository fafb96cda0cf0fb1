"""What stands for other characters in a workbook's text: XML references and Excel's own `_xHHHH_`.

Arrow arrays in, Arrow arrays out; Python only touches the few texts that hold such an escape.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from collections.abc import Callable

_REFERENCE = re.compile(r"&(#x[0-9a-fA-F]+|#[0-9]+|lt|gt|amp|quot|apos);")
_NAMED = {"lt": "<", "gt": ">", "amp": "&", "quot": '"', "apos": "'"}
_EXCEL_ESCAPE = re.compile(r"_x([0-9a-fA-F]{4})_")


def unescape_xml(texts: pa.StringArray) -> pa.StringArray:
    """Texts with `&lt;`, `&#10;` and the like resolved."""
    return rewrite_where(texts, pc.match_substring(texts, "&"), unescape_one)


def unescape_excel(texts: pa.StringArray) -> pa.StringArray:
    """Texts with `_x000D_` and the like resolved; an escape that names half a character becomes U+FFFD."""
    return rewrite_where(texts, pc.match_substring(texts, "_x"), _unescape_excel_one)


def rewrite_where(
    texts: pa.StringArray, chosen: pa.BooleanArray, rewrite: Callable[[str], str | None]
) -> pa.StringArray:
    """Texts of which the chosen ones went through a Python function."""
    if not pc.any(chosen).as_py():
        return texts
    changed = pa.array([rewrite(text) for text in texts.filter(chosen).to_pylist()], pa.string())
    return pc.replace_with_mask(texts, chosen, changed)


def unescape_one(text: str) -> str:
    """One text with its XML references resolved."""
    return _REFERENCE.sub(lambda match: _character(match[1]), text)


def _character(name: str) -> str:
    if name in _NAMED:
        return _NAMED[name]
    return chr(int("0" + name[1:], 0 if name[1] == "x" else 10))


def _unescape_excel_one(text: str) -> str:
    plain = _EXCEL_ESCAPE.sub(lambda match: chr(int(match[1], 16)), text)
    return plain if plain == text else plain.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
