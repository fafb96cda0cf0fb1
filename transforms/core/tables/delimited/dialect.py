"""A CSV file's dialect: decided once, from its first bytes, and printed in the summary.

Encoding first (encoding_guess), then delimiter, quote and escape (delimiter_guess), then the header (header): each is
overridable, and an override is checked, never corrected. Reading the file by it is the scanners' work.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from transforms.core.errors import ConfigError, PermanentError
from transforms.core.tables.delimited.delimiter_guess import Quoting, Record, guess_quoting, records
from transforms.core.tables.delimited.demand_text import demand_text
from transforms.core.tables.delimited.encoding_guess import (
    byte_length,
    cell_text,
    guess_encoding,
    structure,
    unsafe_characters,
)
from transforms.core.tables.delimited.header import HeaderGuess, HeaderMode, find_header, table_width
from transforms.core.tables.delimited.line_ends import LINE_ENDS, NAMES, LineEnd, hidden, shown_again

SAMPLE_BYTES = 256 * 1024
# The title block and the header lie within so many characters: csv's limit for a field, so that parsing can't fail.
HEADER_CHARS = 131_072
HEADER_ROWS = 200

_SEP_LINE = re.compile(r"sep=([^\r\n])(\r\n|\r|\n)", re.IGNORECASE)
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)")


class Dialect(NamedTuple):
    """How one file is read.

    Attributes:
        delimiter: One ASCII character.
        quote: One ASCII character, "" for none. It quotes only where a field begins with it.
        escape: One ASCII character, "" for none. A doubled quote is one quote, with or without it.
        encoding: Python's name: utf-8, utf-16-le, utf-16-be, cp1252, latin-1, …
        line_end: What was given, or seen.
        bom_bytes: Length of the byte order mark: 0, 2 or 3.
        data_start: Byte offset of the first data record in the decompressed file.
        data_line: Its line number, from 1.
        header: The names as they stand in the file; () without a header.
        width: How many columns records should have; 0 for a file without any.
        line_end_given: Whether `line_end` was given and alone ends a record, so that the other two are data; else all
            three do.
    """

    delimiter: str
    quote: str
    escape: str
    encoding: str
    line_end: LineEnd
    bom_bytes: int
    data_start: int
    data_line: int
    header: tuple[str, ...]
    width: int
    line_end_given: bool = False

    @property
    def only(self) -> str:
        """The line end that alone ends a record; "" = all three do."""
        return self.line_end if self.line_end_given else ""

    def csv_kwargs(self) -> dict[str, object]:
        """The arguments with which `csv.reader` reads the file: the reference for every parser of ours."""
        return Quoting(self.delimiter, self.quote, self.escape).csv_kwargs()


class DialectOverrides(NamedTuple):
    """What the user knows better.

    Attributes:
        delimiter: One ASCII character (`tab`, `space` and `pipe` too); "" = detect.
        quote: One ASCII character; "none" = no quoting; "" = detect.
        escape: One ASCII character; "none" = none; "" = detect.
        encoding: Any Python encoding in which ASCII is ASCII, or UTF-16; "" = detect.
        header: auto, yes or no.
        skip_rows: Lines before the table, header included in it; None = find a title block.
        line_end: lf, crlf or cr: it alone ends a record, and the others are data; "" = all three do.
    """

    delimiter: str = ""
    quote: str = ""
    escape: str = ""
    encoding: str = ""
    header: HeaderMode = "auto"
    skip_rows: int | None = None
    line_end: str = ""


def detect(sample: bytes, *, whole: bool, overrides: DialectOverrides | None = None, name: str) -> Dialect:
    """Decides a file's dialect.

    An empty file (no byte, or only a byte order mark) has width 0 and no header. What a sample doesn't show has a
    default: comma (a single column: a delimiter that doesn't stand in it), double quote, no escape, UTF-8, line feed.

    Args:
        sample: The first bytes of the decompressed file, SAMPLE_BYTES of them if there are so many.
        whole: Whether that is all of the file: if not, its last record may be cut off and is left out.
        overrides: What is known already.
        name: The file's address, for messages; `.tsv` and `.tab` make a tab likelier, `.csv` any delimiter in a
            first line of names.

    Raises:
        ConfigError: An override is no single ASCII character, contradicts another one, or isn't readable.
        PermanentError: The file is no text or UTF-32, its header doesn't end within HEADER_CHARS, or its records end in
            other line ends than the one that was given.
    """
    given = checked(overrides or DialectOverrides(), name)
    encoding, bom_bytes = guess_encoding(sample, whole=whole, override=given.encoding, name=name)
    unsafe = unsafe_characters(encoding)
    _refuse_unsafe(given, unsafe, encoding, name)
    text = structure(sample[bom_bytes:], encoding)
    if not given.encoding:
        demand_text(text, name)
    only = LINE_ENDS[given.line_end] if given.line_end else ""
    plain, text = text, hidden(text, only)
    start, lines, given = _skipped(text, given)
    promised = _promised_delimiters(name)
    quoting = guess_quoting(
        text[start:],
        whole=whole,
        fixed=Quoting(*given[:3]),
        unsafe=unsafe,
        prefer="\t" if promised == "\t" else "",
        promised=frozenset(promised),
    )
    rows = _sample_records(
        text[start : start + HEADER_CHARS], quoting, whole=whole and len(text) - start <= HEADER_CHARS
    )
    cells = [[cell_text(shown_again(cell), encoding) for cell in row.cells] for row in rows]
    guess = find_header(cells, mode=given.header, skip_rows=None if given.skip_rows is None else 0)
    if guess.row >= 0 and not whole and rows[guess.row].end >= HEADER_CHARS:
        raise PermanentError(
            f"{name}: the header is longer than {HEADER_CHARS} characters; is a quote left open in it?"
        )
    before = rows[guess.data_row - 1] if guess.data_row else Record([], 0, 0)
    return Dialect(
        *quoting,
        encoding,
        _given(only, plain[start : start + HEADER_CHARS], quoting, name) if only else _line_end(text[start:], rows),
        bom_bytes,
        bom_bytes + byte_length(text[: start + before.end], encoding),
        1 + lines + before.lines,
        tuple(cell or "" for cell in guess.names),
        _width(guess, cells),
        bool(only),
    )


def _promised_delimiters(name: str) -> str:
    """What a file's name says of its delimiter, whatever the file is compressed with."""
    base = re.sub(r"\.(gz|bz2|xz|zst)$", "", name.lower().split("?")[0])
    if base.endswith((".tsv", ".tab")):
        return "\t"
    return ",;\t|" if base.endswith(".csv") else ""


def checked(overrides: DialectOverrides, name: str) -> DialectOverrides:
    """The overrides, `tab` and the like translated.

    Raises:
        ConfigError: As `detect`.
    """
    tab = {"tab": "\t", "\\t": "\t", "space": " ", "pipe": "|"}
    given = overrides._replace(delimiter=tab.get(overrides.delimiter, overrides.delimiter))
    for field in ("delimiter", "quote", "escape"):
        value: str = getattr(given, field)
        if value == "" or (value == "none" and field != "delimiter"):
            continue
        if len(value) != 1 or value in "\r\n\0" or ord(value) > 127:
            raise ConfigError(f"{field} {value!r} for {name}: must be one ASCII character, no line end and no NUL")
    chosen = [value for value in (given.delimiter, given.quote, given.escape) if value not in ("", "none")]
    if len(set(chosen)) < len(chosen):
        raise ConfigError(f"delimiter, quote and escape for {name} must differ: {chosen} was given")
    if given.header not in ("auto", "yes", "no"):
        raise ConfigError(f"header {given.header!r} for {name}: must be auto, yes or no")
    if given.line_end and given.line_end not in LINE_ENDS:
        raise ConfigError(f"line_end {given.line_end!r} for {name}: must be one of {', '.join(LINE_ENDS)}")
    if given.skip_rows is not None and given.skip_rows < 0:
        raise ConfigError(f"skip_rows {given.skip_rows} for {name}: must be 0 or more")
    return given


def _refuse_unsafe(given: DialectOverrides, unsafe: frozenset[str], encoding: str, name: str) -> None:
    for value in (given.delimiter, given.quote, given.escape):
        if value in unsafe:
            raise ConfigError(
                f"{value!r} can't be a delimiter, quote or escape in {encoding} ({name}): it is also the second byte of"
                f" letters there; convert the file first: iconv -f {encoding.upper()} -t UTF-8"
            )


def _skipped(text: str, given: DialectOverrides) -> tuple[int, int, DialectOverrides]:
    """Goes over the lines to skip, or Excel's `sep=;` line: characters, lines, and what is known now."""
    if given.skip_rows is None:
        hint = _SEP_LINE.match(text)
        if hint and ord(hint[1]) < 128 and hint[1] not in (given.quote, given.escape, '"'):
            return hint.end(), 1, given._replace(delimiter=given.delimiter or hint[1])
        return 0, 0, given
    end = lines = 0
    while lines < given.skip_rows and (match := _LINE.match(text, end)):
        end, lines = match.end(), lines + 1
    return (end, lines, given) if lines == given.skip_rows else (len(text), lines, given)


def _sample_records(text: str, quoting: Quoting, *, whole: bool) -> list[Record]:
    """The first records; without the last one if it may be cut off (its end is the text's)."""
    found = list(records(text, quoting, limit=HEADER_ROWS))
    if not whole and len(found) > 1 and found[-1].end == len(text):
        found.pop()
    return found


def _given(only: LineEnd, text: str, quoting: Quoting, name: str) -> LineEnd:
    """The line end that was given.

    Raises:
        PermanentError: Records end, but none of them in it: the file would be one record, or each of its records would
            have a piece of a line end in it.
    """
    counts = _line_ends(text, list(records(text, quoting)))
    seen = max(counts, key=lambda end: counts[end])
    if counts[seen] and not counts[only]:
        raise PermanentError(
            f"{name}: --line_end {NAMES[only]}, but its records end in {NAMES[seen].upper()}, as far as its first"
            f" {len(text)} characters show: leave --line_end out, or give {NAMES[seen]}"
        )
    return only


def _line_end(text: str, rows: list[Record]) -> LineEnd:
    """What most records end in."""
    counts = _line_ends(text, rows)
    return max(counts, key=lambda end: counts[end])


def _line_ends(text: str, rows: list[Record]) -> dict[LineEnd, int]:
    """How many records end in each."""
    ends = [text[max(0, row.end - 2) : row.end] for row in rows]
    return {
        "\n": sum(end.endswith("\n") and end != "\r\n" for end in ends),
        "\r\n": ends.count("\r\n"),
        "\r": sum(end.endswith("\r") for end in ends),
    }


def _width(guess: HeaderGuess, cells: list[list[str]]) -> int:
    return len(guess.names) if guess.row >= 0 else table_width(cells[guess.data_row :])
