"""Reads object notifications: a Pub/Sub message in, notices of new objects out. Pure; nothing is looked up.

Formats: cloud.google.com/storage/docs/pubsub-notifications; Amazon S3 user guide, 'Event message structure' (also by
SNS: 'Parsing message formats'; by EventBridge: 'EventBridge event message structure'); MinIO and Ceph send the same.
"""

from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import unquote_plus

from transforms.core.objects.uri import ObjectUri
from transforms.core.streams.notice import NOTIFICATION, Notice

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Told", "Unreadable", "read_message"]

_SHOWN: Final = 200
_OURS: Final = ("eventType", "bucketId", "objectId")
_EXPECTED: Final = "neither a Cloud Storage notification (attributes eventType, bucketId, objectId) nor an S3 event"


class Unreadable(NamedTuple):
    """Something that should have named an object, and does not.

    Attributes:
        reason: What is wrong with it.
        data: The first 200 characters of the message.
    """

    reason: str
    data: str


class Told(NamedTuple):
    """What a message tells of.

    Attributes:
        notices: Objects that were created or replaced.
        ignored: Events that make no new content: deletions, metadata updates, tests of the connection.
        unreadable: Events that could not be read.
    """

    notices: tuple[Notice, ...] = ()
    ignored: int = 0
    unreadable: tuple[Unreadable, ...] = ()


class _UnreadableError(ValueError):
    """One event of a message can't be read; the reason."""


def read_message(data: bytes, attributes: Mapping[str, str], learnt: float) -> Told:
    """What a message tells of; several S3 records may stand in one message, each is read for itself.

    | message | event | told as |
    |---|---|---|
    | attributes eventType, bucketId, objectId (whatever the payload) | OBJECT_FINALIZE | notice |
    | | any other | ignored |
    | S3 `Records` | ObjectCreated:… (MinIO: s3:ObjectCreated:…) | notice |
    | | any other | ignored |
    | `"source": "aws.s3"` of EventBridge | `"detail-type": "Object Created"` | notice |
    | | any other | ignored |
    | `"Event": "s3:TestEvent"` | | ignored |
    | `"Type": "Notification"` of SNS | its Message, one of the above | as that |
    | anything else, no JSON, no bucket, no key | | unreadable |

    A notice's version equals `ObjectInfo.etag` of a listing of the same store: S3's ETag, Cloud Storage's generation
    (S3's versionId and sequencer, which no listing tells, are not looked at). Size and time are told where they stand
    there and make sense.

    Args:
        data: The message's body.
        attributes: Its attributes.
        learnt: When this stream got it, seconds since the epoch, UTC.
    """
    try:
        if all(attributes.get(name) for name in _OURS):
            return _of_cloud_storage(data, attributes, learnt)
        return _of_event(_json(data), learnt, data)
    except _UnreadableError as e:
        return Told(unreadable=(_unreadable(e, data),))


def _of_cloud_storage(data: bytes, attributes: Mapping[str, str], learnt: float) -> Told:
    if attributes["eventType"] != "OBJECT_FINALIZE":
        return Told(ignored=1)
    try:
        resource = _json(data)
    except _UnreadableError:
        resource = {}  # payload format NONE; the attributes name the object
    resource = resource if isinstance(resource, dict) else {}
    notice = Notice(
        str(ObjectUri("gs", attributes["bucketId"], attributes["objectId"])),
        attributes.get("objectGeneration", ""),
        _size(resource.get("size")),
        _seconds(resource.get("updated") or attributes.get("eventTime")),
        learnt,
        NOTIFICATION,
    )
    return Told((notice,))


def _of_event(event: Any, learnt: float, data: bytes) -> Told:
    if not isinstance(event, dict):
        raise _UnreadableError(_EXPECTED)
    if isinstance(event.get("Records"), list):
        return _of_records(event["Records"], learnt, data)
    if event.get("Event") == "s3:TestEvent":
        return Told(ignored=1)
    if event.get("source") == "aws.s3":
        return _of_event_bridge(event, learnt)
    kind = event.get("Type")
    if kind == "Notification" and isinstance(event.get("Message"), str):
        inner = _json(event["Message"].encode(errors="replace"))
        if isinstance(inner, dict) and inner.get("Type") != "Notification":
            return _of_event(inner, learnt, data)
    if isinstance(kind, str) and kind.endswith("Confirmation"):
        raise _UnreadableError(f"SNS's {kind}: whoever set up the topic has to confirm it")
    raise _UnreadableError(_EXPECTED)


def _of_records(records: list[Any], learnt: float, data: bytes) -> Told:
    notices, ignored, unreadable = [], 0, []
    for record in records:
        try:
            notice = _of_record(record, learnt)
        except _UnreadableError as e:
            unreadable.append(_unreadable(e, data))
            continue
        if notice is None:
            ignored += 1
        else:
            notices.append(notice)
    return Told(tuple(notices), ignored, tuple(unreadable))


def _of_record(record: Any, learnt: float) -> Notice | None:
    """A record of S3's: its key is encoded as in a form (`red flower.jpg` is `red+flower.jpg`)."""
    if not isinstance(record, dict) or not isinstance(record.get("eventName"), str):
        raise _UnreadableError("a record without eventName")
    if not record["eventName"].removeprefix("s3:").startswith("ObjectCreated:"):
        return None
    bucket, key, stored = _place(record.get("s3"))
    try:
        key = unquote_plus(key, errors="strict")
    except UnicodeDecodeError as e:
        raise _UnreadableError(f"key {key!r} is no UTF-8") from e
    return _s3_notice(bucket, key, stored, stored.get("eTag"), (record.get("eventTime"), learnt))


def _of_event_bridge(event: dict[str, Any], learnt: float) -> Told:
    """An event of EventBridge's: its key stands there as it is."""
    if event.get("detail-type") != "Object Created":
        return Told(ignored=1)
    bucket, key, stored = _place(event.get("detail"))
    return Told((_s3_notice(bucket, key, stored, stored.get("etag"), (event.get("time"), learnt)),))


def _s3_notice(bucket: str, key: str, stored: Mapping[str, Any], etag: Any, times: tuple[Any, float]) -> Notice:
    version = etag.strip('"') if isinstance(etag, str) else ""
    uri = str(ObjectUri("s3", bucket, key))
    try:
        f"{uri}{version}".encode()
    except UnicodeEncodeError as e:  # JSON can say half a surrogate pair, a store can't hold it
        raise _UnreadableError(f"key {key!r} is no Unicode text") from e
    return Notice(uri, version, _size(stored.get("size")), _seconds(times[0]), times[1], NOTIFICATION)


def _place(detail: Any) -> tuple[str, str, dict[str, Any]]:
    """Bucket, key and the object's fields."""
    detail = detail if isinstance(detail, dict) else {}
    bucket, stored = detail.get("bucket"), detail.get("object")
    name = bucket.get("name") if isinstance(bucket, dict) else None
    key = stored.get("key") if isinstance(stored, dict) else None
    if not isinstance(name, str) or not name or "/" in name:
        raise _UnreadableError("an event without a bucket's name")
    if not isinstance(stored, dict) or not isinstance(key, str) or not key:
        raise _UnreadableError("an event without an object's key")
    return name, key, stored


def _json(data: bytes) -> Any:
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as e:
        raise _UnreadableError(f"{_EXPECTED}: its data is no JSON ({type(e).__name__})") from e


def _unreadable(error: _UnreadableError, data: bytes) -> Unreadable:
    return Unreadable(str(error), data[: 4 * _SHOWN].decode(errors="replace")[:_SHOWN])


def _size(told: Any) -> int:
    """Bytes, from a number or (Cloud Storage) its digits; -1 when not told."""
    try:
        return max(int(told), -1) if not isinstance(told, float) else -1
    except (TypeError, ValueError):
        return -1


def _seconds(told: Any) -> float:
    """ISO 8601 as seconds since the epoch; 0.0 when not told."""
    try:
        moment = dt.datetime.fromisoformat(told)
        return (moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)).timestamp()
    except (TypeError, ValueError, OverflowError):
        return 0.0
