"""report.html: one page that needs no network and no script, made of small functions and escaped throughout."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from transforms.core.summary import closing_lines

if TYPE_CHECKING:
    from transforms.core.merging import Merged
    from transforms.core.summary import Summary


def report_page(summary: Summary, merged: Merged) -> str:
    """The page.

    Args:
        summary: The run's account.
        merged: Its first failures and rejects.
    """
    del merged
    return f"<!doctype html><pre>{escape(chr(10).join(closing_lines(summary)))}</pre>"
