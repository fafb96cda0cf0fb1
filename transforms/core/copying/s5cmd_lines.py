"""What s5cmd can copy, the line that tells it to, and what its answers mean; s5cmd.py runs the program.

Pure. Every rule was found by sending odd keys through s5cmd 2.3.0 to a server that wrote down the requests.
"""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING, Literal, NamedTuple

from transforms.core.copying.modes import other_place
from transforms.core.errors import HornbeamError, InterruptedRunError, PermanentError, TransientError
from transforms.core.objects.access import AlreadyThereError, ForbiddenError, MissingError, UnsupportedError
from transforms.core.objects.uri import parse
from transforms.core.pacing import SLOWER

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from transforms.core.copying.copy_settings import CopySettings
    from transforms.core.copying.planned_copy import PlannedCopy

Word = Literal["copied", "skipped", "failed", "unanswered", "not_started", "cant"]

LARGEST_BYTES = 5 << 30  # one CopyObject request; the program has no UploadPartCopy (its issue 29)
_LARGEST_LINE_BYTES = 60_000  # it reads lines of up to 64 KiB, and nothing behind a longer one
_LONGEST_KEY_BYTES = 1024
FEWEST_WORKERS = 2  # asked for fewer, it takes so many
_SKIPPED = "object already exists"
_AGAIN = "retryable error: "
_SLOWER = tuple(map(str, SLOWER))
_UNTOLD = "s5cmd ended without a word about it"

CODES: dict[str, type[HornbeamError]] = {
    "NoSuchKey": MissingError,
    "NoSuchBucket": MissingError,
    "NotFound": MissingError,
    "AccessDenied": ForbiddenError,
    "Forbidden": ForbiddenError,
    "InvalidAccessKeyId": ForbiddenError,
    "SignatureDoesNotMatch": ForbiddenError,
    "NoCredentialProviders": ForbiddenError,
    "SlowDown": TransientError,
    "InternalError": TransientError,
    "ServiceUnavailable": TransientError,
    "RequestTimeout": TransientError,
    "RequestError": TransientError,
    "SerializationError": TransientError,
    "NotImplemented": UnsupportedError,
    "MethodNotAllowed": UnsupportedError,
}
STATUSES: dict[str, type[HornbeamError]] = {
    "403": ForbiddenError,
    "404": MissingError,
    "405": UnsupportedError,
    "429": TransientError,
    "500": TransientError,
    "501": UnsupportedError,
    "502": TransientError,
    "503": TransientError,
    "504": TransientError,
}


class LineResult(NamedTuple):
    """What became of one object that was to go by s5cmd.

    Attributes:
        planned: The object.
        word: copied: the server said so. skipped: its name was taken (with `no_clobber`). failed: the server refused,
            or couldn't. unanswered: the program ended normally, but said nothing of this line. not_started: the
            program was ended before it told of this line. cant: it was never given to the program.
        reason: Why it isn't copied; "" for copied.
    """

    planned: PlannedCopy
    word: Word
    reason: str = ""


class Answers(NamedTuple):
    """What the program said.

    Attributes:
        told: (word, reason) by `name_of`.
        stray: The last text that belongs to no object: "Incorrect Usage…", a warning; "" for none.
    """

    told: dict[str, tuple[Word, str]]
    stray: str


def why_none(settings: CopySettings) -> str:
    """Why no object of this copy can go by s5cmd; "" when nothing speaks against it.

    | settings                                                | answer
    |---------------------------------------------------------|-------
    | a side that isn't s3://                                 | it copies from S3 to S3 only
    | endpoints, profiles or anonymous differ                 | modes.other_place's
    | a storage class is asked for, or tags                   | it can't name the source's class, nor prove tags
    | requests a second are limited (bytes go through no one) | it knows no such limit
    | `max_concurrent` 1                                      | it copies two at once
    | else                                                    | ""
    """
    source, destination = settings.source, settings.destination
    if not (source.uri.startswith("s3://") and destination.uri.startswith("s3://")):
        return "s5cmd copies on the server from S3 to S3 only"
    if elsewhere := other_place(source.access, destination.access):
        return elsewhere
    if settings.storage_class or settings.keep_tags:
        return "s5cmd isn't used where a storage class or tags are asked for"
    if settings.requests_per_second:
        return "s5cmd knows no limit of requests a second"
    if settings.max_concurrent < FEWEST_WORKERS:
        return "s5cmd copies two objects at once at least"
    return ""


def why_not(planned: PlannedCopy) -> str:
    r"""Why this object can't go by s5cmd; "" when it can.

    | object                          | why
    |---------------------------------|----
    | stood there when planned        | an overwrite needs a condition, and it has none
    | over 5 GiB                      | one CopyObject request takes no more
    | an empty key, or one ending `/` | it takes them for prefixes and refuses
    | a source key with a space       | it writes `+`, which S3 reads as a space, others as `+`: as another object
    | a newline or NUL in a key       | a command is one line of text
    | a key that isn't UTF-8          | as above
    | a line over 60,000 bytes        | it would read no further
    | a key over 1,024 bytes there    | no key has so many, and not every server says so
    | else                            | ""

    What survives, quoted: `*`, `?`, `[` (by `--raw`), quotes, `\`, `#`, `//`, `./`, leading dashes, unicode.
    """
    source, key = parse(planned.source.info.uri).key, parse(planned.uri).key
    both = f"{planned.source.info.uri} {planned.uri}"
    reasons = (
        (planned.existing is not None, "s5cmd has no conditional copy, and something stood under that name"),
        (over_limit(planned), "over 5 GiB: s5cmd doesn't copy in parts"),
        (
            any(not one or one.endswith("/") for one in (source, key)),
            "s5cmd takes a key that is empty or ends in / for a prefix",
        ),
        (" " in source, "s5cmd writes a space in a source key as +, which not every server reads as a space"),
        (
            any(mark in both for mark in "\n\0"),
            "s5cmd reads lines of commands, which take no key with a newline or NUL",
        ),
        (
            both.encode("utf-8", "replace").decode() != both,
            "s5cmd reads lines of commands, which take no key that isn't UTF-8",
        ),
        (
            len(shlex.quote(both).encode("utf-8", "replace")) > _LARGEST_LINE_BYTES,
            "s5cmd reads lines of commands of 64 KiB at most: the key is too long",
        ),
        (len(key.encode("utf-8", "replace")) > _LONGEST_KEY_BYTES, "no key has more than 1,024 bytes"),
    )
    return next((why for holds, why in reasons if holds), "")


def over_limit(planned: PlannedCopy) -> bool:
    """Whether an object takes more than one CopyObject request: the server copies such in parts when we ask it to."""
    return planned.source.info.size_bytes > LARGEST_BYTES


def command_line(planned: PlannedCopy, settings: CopySettings, *, no_clobber: bool) -> str:
    """The line that copies one object.

    `--raw`: keys are no patterns. `--metadata-directive COPY`: without it 2.3.0 sends REPLACE and loses all metadata.
    """
    words = ["cp", "--raw", "--metadata-directive", "COPY"]
    if no_clobber:
        words.append("--no-clobber")
    for flag, side in (("--source-region", settings.source), ("--destination-region", settings.destination)):
        if side.access.region:
            words += [flag, side.access.region]
    return shlex.join([*words, planned.source.info.uri, planned.uri]) + "\n"


def name_of(planned: PlannedCopy) -> str:
    """What the program calls the line in its answers."""
    return f"cp {planned.source.info.uri} {planned.uri}"


def read_answers(lines: Iterable[bytes]) -> Answers:
    """Reads what the program wrote with `--json`, both its outputs together.

    | line                                                  | meaning
    |-------------------------------------------------------|--------
    | {"success": true, "source", "destination"}            | copied
    | {"job", "error": "object already exists"}             | skipped
    | {"command", "error"}                                  | failed, with the error
    | anything else, also what isn't JSON                   | stray
    """
    told: dict[str, tuple[Word, str]] = {}
    stray = ""
    for line in lines:
        answer = _parsed(line)
        name, error = answer.get("command") or answer.get("job") or "", str(answer.get("error", ""))
        if answer.get("success") is True and {"source", "destination"} <= answer.keys():
            told[f"cp {answer['source']} {answer['destination']}"] = ("copied", "")
        elif str(name).startswith("cp ") and error:
            told[str(name)] = ("skipped" if error == _SKIPPED else "failed", error)
        elif text := line.decode("utf-8", "replace").strip():
            stray = stray if stray.startswith("Incorrect Usage") else text
    return Answers(told, stray)


def asks_to_slow_down(line: bytes) -> bool:
    """Whether a line tells that the server wants fewer requests: of one that failed, or of one that is sent again.

    The program tells of each request that it repeats, at once, with `--log debug`: {"error": "retryable error: …"}.
    """
    if b"status code: " not in line:
        return False
    error = str(_parsed(line).get("error", ""))
    return error.removeprefix(_AGAIN).startswith("SlowDown:") or _status(error) in _SLOWER


def _status(error: str) -> str:
    return error.rpartition("status code: ")[2][:3]


def _parsed(line: bytes) -> Mapping[str, object]:
    try:
        answer = json.loads(line)
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) else {}


def results(given: Sequence[PlannedCopy], answers: Answers, ended: str) -> list[LineResult]:
    """Matches what the program said to the objects that it was given.

    Args:
        given: The objects, one line each.
        answers: What was said.
        ended: Why the program was ended before it was through; "" when it ended by itself.
    """
    counts: dict[str, int] = {}
    for planned in given:
        counts[name_of(planned)] = counts.get(name_of(planned), 0) + 1
    untold: tuple[Word, str] = ("unanswered", f"{_UNTOLD}: {answers.stray}" if answers.stray else _UNTOLD)
    if ended:
        untold = ("not_started", ended)
    # Two objects with one name ("a" "b c", "a b" "c") can't be told apart: neither counts as answered.
    return [
        LineResult(one, *(answers.told.get(name_of(one), untold) if counts[name_of(one)] == 1 else untold))
        for one in given
    ]


def as_error(result: LineResult) -> HornbeamError:
    """The error that a result stands for, as a store would raise it.

    | word                | error
    |---------------------|------
    | failed              | by the S3 code in front of its reason, else by its status code, else PermanentError
    | skipped             | AlreadyThereError
    | not_started         | InterruptedRunError
    | unanswered, cant    | UnsupportedError: another way may work
    """
    message = f"can't copy {result.planned.source.info.uri} to {result.planned.uri} by s5cmd: {result.reason}"
    if result.word == "skipped":
        return AlreadyThereError(f"{result.planned.uri} appeared after it was planned; it was left alone")
    if result.word == "not_started":
        return InterruptedRunError(message)
    if result.word != "failed":
        return UnsupportedError(message)
    kind = CODES.get(result.reason.partition(":")[0]) or STATUSES.get(_status(result.reason)) or PermanentError
    return kind(message)


def why_instead(result: LineResult) -> str:
    """Why an object that the program didn't copy goes another way, in words that are the same for others like it."""
    said = result.reason or "it told of a copy, and nothing was there"
    reason = " ".join(said.partition(", request id")[0].split())
    return reason if reason.startswith("s5cmd ") else f"s5cmd: {reason}"
