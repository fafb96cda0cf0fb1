"""The values that cross shuffles in a stream, with their coders: registered here, once, for all heads and steps."""

from __future__ import annotations

import json

from apache_beam import coders

from transforms.core.streams.notice import Notice
from transforms.core.streams.stream_part import BatchTotals

__all__ = ["BatchTotals", "Notice", "NoticeCoder"]


class NoticeCoder(coders.Coder):
    """A Notice as a JSON list: a RowCoder can't carry a file's name that is no UTF-8, and one such would end a job."""

    def encode(self, value: Notice) -> bytes:
        """ASCII, lone surrogates as escapes."""
        return json.dumps(value).encode("ascii")

    def decode(self, encoded: bytes) -> Notice:
        """What was encoded."""
        return Notice(*json.loads(encoded))

    def is_deterministic(self) -> bool:
        """Equal notices are encoded equally."""
        return True

    def to_type_hint(self) -> type[Notice]:
        """What it is for."""
        return Notice


coders.registry.register_coder(Notice, NoticeCoder)
coders.registry.register_coder(BatchTotals, coders.RowCoder)
