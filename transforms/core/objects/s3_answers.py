"""What S3's answers mean: statuses and codes as errors, small bodies as XML, also where an error hides behind a 200."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple
from xml.etree import ElementTree as ET

from transforms.core.errors import HornbeamError, PermanentError, SourceChangedError, TransientError
from transforms.core.objects import exchange
from transforms.core.objects.access import (
    AlreadyThereError,
    ConflictError,
    CorruptedError,
    ForbiddenError,
    MissingError,
    UnsupportedError,
)
from transforms.core.objects.details import ANY
from transforms.core.objects.uri import shown

if TYPE_CHECKING:
    from transforms.core.objects.details import Condition
    from transforms.core.objects.wire import Answer

_REMEDY = "check the keys (AWS_ACCESS_KEY_ID or the profile), the bucket's policy and requester-pays"
_ERROR_BODY_BYTES = 64 * 1024
_MAY_PASS = frozenset({408, 425, 429, 500, 502, 503, 504})
_MAY_PASS_CODES = frozenset({"SlowDown", "InternalError", "RequestTimeout", "ServiceUnavailable", "OperationAborted"})
_UNDER_WAY = "ConditionalRequestConflict"
_CORRUPTED = frozenset({"BadDigest", "InvalidDigest", "XAmzContentSHA256Mismatch", "XAmzContentChecksumMismatch"})
_FORBIDDEN = frozenset({"ExpiredToken", "InvalidToken", "AccessDenied"})
_UNSUPPORTED = frozenset({"NotImplemented", "MethodNotAllowed"})


class Refusal(NamedTuple):
    """An answer that isn't a success: its status (0 when it hides behind a 200), S3's code, the wait asked for."""

    status: int
    code: str
    retry_after_seconds: float | None = None


def refusal(answer: Answer, uri: str) -> Refusal:
    """Takes an answer that isn't a success apart, and gives its connection back."""
    body = exchange.drained(answer, uri)[:_ERROR_BODY_BYTES].decode("utf-8", "replace")
    code = body.partition("<Code>")[2].partition("</Code>")[0] if "<Code>" in body else ""
    return Refusal(answer.status, code.strip(), exchange.retry_after_seconds(answer.headers.get("retry-after")))


def error_of(refused: Refusal, uri: str, verb: str, condition: Condition = ANY) -> HornbeamError:
    """The error that a refusal is; the first row that fits.

    | status | or code | asked for | error |
    |---|---|---|---|
    | 408, 425, 429, 500 to 504 but 501 | SlowDown, InternalError, RequestTimeout, … | | TransientError |
    | 409 with no code | OperationAborted, ConditionalRequestConflict | | TransientError: another write is under way |
    | 405, 501 | NotImplemented, MethodNotAllowed | | UnsupportedError |
    | | BadDigest, InvalidDigest, XAmzContent…Mismatch | | CorruptedError |
    | 401, 403 | ExpiredToken, InvalidToken, AccessDenied | | ForbiddenError |
    | 412 | PreconditionFailed | a free name | AlreadyThereError |
    | 412, 404 | (but NoSuchBucket, NoSuchUpload) | a version | ConflictError |
    | 404, 410 | NoSuchKey, NoSuchBucket | | MissingError |
    | 412, 416 | | | SourceChangedError |
    | any other | | | PermanentError |
    """
    status, code, wait_seconds = refused
    said = " ".join(str(word) for word in (status, code) if word)
    head = f"can't {verb} {shown(uri)}: the server answered {said}"
    if status in _MAY_PASS or code in _MAY_PASS_CODES or code == _UNDER_WAY or (status == 409 and not code):
        return TransientError(head, wait_seconds, too_fast=status == 429 or code == "SlowDown")
    if status in (405, 501) or code in _UNSUPPORTED:
        return UnsupportedError(f"{head}: it can't do that; another mode may")
    if code in _CORRUPTED:
        return CorruptedError(f"{head}: what arrived there is not what was sent")
    if status in (401, 403) or code in _FORBIDDEN:
        return ForbiddenError(f"{head}; {_REMEDY}")
    return _error_of_state(status, code, uri, head, condition)


def _error_of_state(status: int, code: str, uri: str, head: str, condition: Condition) -> HornbeamError:
    """The rows about what is there and what isn't."""
    failed = status == 412 or code == "PreconditionFailed"
    if failed and condition.absent:
        return AlreadyThereError(f"{shown(uri)} is there already and was left alone")
    gone = status == 404 and code not in ("NoSuchBucket", "NoSuchUpload")
    if condition.etag and (failed or gone):
        found = "is gone" if gone else "is another version by now and was left alone"
        return ConflictError(f"{shown(uri)} {found} (planned was {condition.etag!r}): run the command again")
    if status in (404, 410) or code.startswith("NoSuch"):
        what = {"NoSuchBucket": "bucket", "NoSuchUpload": "upload"}.get(code, "object")
        return MissingError(f"{head}: there is no such {what}")
    if failed or status == 416:
        return SourceChangedError(f"{shown(uri)} changed since it was planned ({status} {code}): run the command again")
    return PermanentError(head)


def checked(answer: Answer, uri: str, verb: str, condition: Condition = ANY) -> bytes:
    """The body of a small answer, once its status is a success; raises `error_of` it otherwise."""
    if answer.status >= 300:
        raise error_of(refusal(answer, uri), uri, verb, condition)
    return exchange.drained(answer, uri)


def checked_xml(answer: Answer, uri: str, verb: str, condition: Condition = ANY) -> ET.Element:
    """The XML of a small answer; an <Error> in it counts although the status is 200 (copies, joined parts)."""
    return xml_of(checked(answer, uri, verb, condition), uri, verb, condition)


def xml_of(body: bytes, uri: str, verb: str, condition: Condition = ANY) -> ET.Element:
    """The XML of a body (see `checked_xml`)."""
    try:
        root = ET.fromstring(body)  # noqa: S314 - expat 2.4.1+ bounds entities
    except ET.ParseError as e:
        raise TransientError(f"can't {verb} {shown(uri)}: the server's answer isn't XML") from e
    if root.tag.rpartition("}")[2] == "Error":
        raise error_of(Refusal(0, (root.findtext("{*}Code") or "").strip()), uri, verb, condition)
    return root


def told(answer: Answer, root: ET.Element) -> dict[str, str]:
    """What the XML about a finished write says, under the names that a HEAD's headers have, beside its headers."""
    headers = {name: value for name, value in answer.headers.items() if name.startswith("x-amz-server-side-enc")}
    headers["etag"] = root.findtext("{*}ETag") or ""
    for item in root:
        name = item.tag.rpartition("}")[2]
        if name.startswith("Checksum") and item.text:
            headers[f"x-amz-checksum-{name.removeprefix('Checksum').lower()}"] = item.text.strip()
    return headers


def unquoted(etag: str | None) -> str:
    """An ETag without its quotes."""
    return (etag or "").strip('"')
