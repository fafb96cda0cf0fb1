"""Taking secrets out of texts: messages, log lines, arguments, the process's own title.

A value is known here once `remember` was called with it; addresses with a password are recognised by their form.
"""

from __future__ import annotations

import json
import logging
import re
import sys
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus

if TYPE_CHECKING:
    from collections.abc import Sequence

MASK = "***"
_SHORT = 4  # characters
_known: set[str] = set()

# user:password@ within the authority, or (a password with an unescaped slash) up to the next @; a port is no password.
_USERINFO = re.compile(
    r"(://[^\s/@:\"'?#]*):(?!\d*(?:[/?#\s\"',)]|$))(?:[^\s/?#\"']*@|[^\s@\"']*@)",
)
_PARAMETER = re.compile(
    r"([?&;](?:password|passwd|pwd|sig|signature|access_token|token|x-amz-signature|x-amz-security-token"
    r"|x-goog-signature)=)[^&\s\"'#]+",
    re.IGNORECASE,
)
_SECRET_OPTION = re.compile(r"^--?[\w-]*(?:password|secret|token|api[_-]?key)$", re.IGNORECASE)
_REFERENCE = re.compile(r"^(?:env:|file:/|secret://)")


def remember(value: str) -> None:
    """Makes a secret known, so that `scrub` takes it out in every form that a text may hold it in."""
    if value:
        _known.update({value, quote(value, safe=""), quote(value), quote_plus(value)})
        _known.update({json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1], repr(value)[1:-1]})


def scrub(text: str) -> str:
    """Removes every known secret, every `://user:password@` and every signed parameter from a text."""
    text = _USERINFO.sub(rf"\1:{MASK}@", text)
    text = _PARAMETER.sub(rf"\1{MASK}", text)
    for value in sorted(_known, key=len, reverse=True):
        if _is_plain_word(value):
            text = re.sub(rf"(?<!\w){re.escape(value)}(?!\w)", MASK, text)
        else:
            text = text.replace(value, MASK)
    return text


def _is_plain_word(value: str) -> bool:
    """Whether a value is taken out only where it stands alone: `postgres` must not make `postgresql://` a mask."""
    return len(value) < _SHORT or value.isalpha() or value.isdecimal()


class ScrubFilter(logging.Filter):
    """Takes secrets out of a record: message, arguments, traceback. Belongs on handlers: loggers' own don't inherit."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Rewrites the record in place; always lets it pass."""
        record.msg = scrub(record.getMessage())
        record.args = ()
        if record.exc_info and not record.exc_text:
            record.exc_text = logging.Formatter().formatException(record.exc_info)
        if record.exc_text:
            record.exc_text = scrub(record.exc_text)
        if record.stack_info:
            record.stack_info = scrub(record.stack_info)
        return True


def scrub_arguments(arguments: Sequence[str]) -> list[str]:
    """A command's words without secrets: passwords in addresses, and values of options named like one."""
    words: list[str] = []
    hide_next = False
    for word in arguments:
        name, equals, value = word.partition("=")
        if hide_next and not _REFERENCE.match(word):
            words.append(MASK)
        elif equals and _SECRET_OPTION.match(name) and not _REFERENCE.match(value):
            words.append(f"{name}={MASK}")
        else:
            words.append(scrub(word))
        hide_next = not equals and _SECRET_OPTION.match(word) is not None
    return words


def hide_command_line() -> list[str]:
    """Rewrites what `ps` and /proc/PID/cmdline show of this process, if a secret stands there, and `sys.argv`.

    Between the start of the process and this call the words are visible; so it is called first of all.

    Returns:
        The words as they were typed, program name left out, for the parser only.
    """
    typed = sys.argv[1:]
    clean = scrub_arguments(sys.orig_argv)
    if clean != sys.orig_argv:
        import setproctitle  # noqa: PLC0415

        setproctitle.setproctitle(" ".join(clean))
        sys.orig_argv[:] = clean
        sys.argv[1:] = scrub_arguments(typed)
    return typed
