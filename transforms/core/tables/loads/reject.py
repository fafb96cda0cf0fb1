r"""One rejected record, and its line in rejects.jsonl.

The line is UTF-8 text without loss: bytes that are not UTF-8 are written as \xNN, and the line says so.
"""

from __future__ import annotations

import json
from typing import NamedTuple

VALUE_CHARACTERS = 200
RAW_CHARACTERS = 1 << 20


class Reject(NamedTuple):
    """A record that doesn't fit.

    Attributes:
        file: The file's address.
        sheet: The sheet's name; "" where there are none.
        record: The record's number in the file, from 1, the header not counted.
        line: The number of the line on which it begins, from 1.
        column: The column's name in the file; "" when the whole record is wrong.
        value: The offending text; None for NULL.
        rule: What it violates: `type integer`, `required`, `minimum 0`.
        raw: The record as it stands in the file.
    """

    file: str
    sheet: str
    record: int
    line: int
    column: str
    value: str | None
    rule: str
    raw: str | bytes


def to_line(reject: Reject) -> str:
    r"""The reject as one line of JSON, without a line end.

    Keys: Reject's, in its order; `value` holds the first 200 characters, and if there were more, `value_characters`
    says how many; `raw` the first 1,048,576, with `raw_characters`; if `raw` was not UTF-8, `raw_escaped` is true, its
    odd bytes are written as `\xNN` and its backslashes are doubled, so that the bytes can be had back.
    """
    fields: dict[str, object] = reject._asdict()
    value = _encodable(reject.value)
    fields["file"] = reject.file.encode(errors="backslashreplace").decode()  # its name may be no UTF-8
    fields["value"] = value if value is None else value[:VALUE_CHARACTERS]
    if value is not None and len(value) > VALUE_CHARACTERS:
        fields["value_characters"] = len(value)
    raw = reject.raw
    if len(raw) > RAW_CHARACTERS:
        raw = raw if isinstance(raw, str) else raw.decode("utf-8", "surrogateescape")
        if len(raw) > RAW_CHARACTERS:
            fields["raw_characters"] = len(raw)
    fields["raw"], escaped = _shown(raw[:RAW_CHARACTERS])
    if escaped:
        fields["raw_escaped"] = True
    return json.dumps(fields, ensure_ascii=False)


def _shown(raw: str | bytes) -> tuple[str, bool]:
    """Text that can be written, and whether it had to be escaped for that."""
    data = raw.encode("utf-8", "surrogateescape") if isinstance(raw, str) else raw
    try:
        return data.decode("utf-8"), False
    except UnicodeDecodeError:
        return data.replace(b"\\", b"\\\\").decode("utf-8", "backslashreplace"), True


def _encodable(text: str | None) -> str | None:
    r"""A value whose undecodable bytes (as surrogates) are shown as `\xNN`."""
    if text is None:
        return None
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
