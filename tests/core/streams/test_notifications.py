"""What each form of notification is told as, and what is told of those that can't be read."""

import copy
import json

import pytest

from transforms.core.objects import gcs_details, s3_listing
from transforms.core.streams.notice import LISTING, NOTIFICATION, Notice
from transforms.core.streams.notifications import Told, read_message

LEARNT = 1_700_000_000.5
UPDATED = "2023-11-14T22:13:20.250Z"
AT = 1_700_000_000.25

FINALIZED = {
    "notificationConfig": "projects/_/buckets/in/notificationConfigs/3",
    "eventType": "OBJECT_FINALIZE",
    "payloadFormat": "JSON_API_V1",
    "bucketId": "in",
    "objectId": "day 1/é+%41.csv",
    "objectGeneration": "1700000000250000",
    "eventTime": "2023-11-14T22:13:21.000000Z",
}
RESOURCE = {
    "kind": "storage#object",
    "name": "day 1/é+%41.csv",
    "bucket": "in",
    "generation": "1700000000250000",
    "updated": UPDATED,
    "size": "1234",
    "md5Hash": "CY9rzUYh03PK3k6DJie09g==",
    "crc32c": "AAAAAA==",
    "etag": "CJDlzv/5+4EDEAE=",
}
CREATED = {
    "eventVersion": "2.1",
    "eventSource": "aws:s3",
    "awsRegion": "us-east-1",
    "eventTime": UPDATED,
    "eventName": "ObjectCreated:Put",
    "s3": {
        "s3SchemaVersion": "1.0",
        "configurationId": "all",
        "bucket": {"name": "in", "ownerIdentity": {"principalId": "A"}, "arn": "arn:aws:s3:::in"},
        "object": {
            "key": "day+1/%C3%A9%2B%2541.csv",
            "size": 1234,
            "eTag": "098f6bcd4621d373cade4e832627b4f6",
            "versionId": "096fKKXTRTtl3on89fVO.nfljtsv6qko",
            "sequencer": "0055AED6DCD90281E5",
        },
    },
}
BRIDGED = {
    "version": "0",
    "id": "17793124-05d4-b198-2fde-7ededc63b103",
    "detail-type": "Object Created",
    "source": "aws.s3",
    "time": UPDATED,
    "detail": {
        "version": "0",
        "bucket": {"name": "in"},
        "object": {
            "key": "day 1/é+%41.csv",
            "size": 1234,
            "etag": "098f6bcd4621d373cade4e832627b4f6",
            "version-id": "IYV3p45BT0ac8hjHg1houSdS1a.Mro8e",
            "sequencer": "00617F08299329D189",
        },
        "reason": "PutObject",
    },
}
OF_GCS = Notice("gs://in/day 1/é+%41.csv", "1700000000250000", 1234, AT, LEARNT, NOTIFICATION)
OF_S3 = Notice("s3://in/day 1/é+%41.csv", "098f6bcd4621d373cade4e832627b4f6", 1234, AT, LEARNT, NOTIFICATION)
IGNORED = Told(ignored=1)


def changed(original, value, *path):
    """The same with one field set, or (value None) left out."""
    whole = copy.deepcopy(original)
    inner = whole
    for name in path[:-1]:
        inner = inner[name]
    inner.pop(path[-1])
    if value is not None:
        inner[path[-1]] = value
    return whole


def records(*some):
    return {"Records": list(some)}


def by_sns(event):
    return {"Type": "Notification", "MessageId": "1", "TopicArn": "arn", "Message": json.dumps(event)}


GCS_CASES = [
    ("with its resource", {}, json.dumps(RESOURCE).encode(), Told((OF_GCS,))),
    (
        "without payload",
        {"payloadFormat": "NONE"},
        b"",
        Told((OF_GCS._replace(size_bytes=-1, modified=AT + 0.75),)),
    ),
    ("a new generation of an old name", {"overwroteGeneration": "17"}, json.dumps(RESOURCE).encode(), Told((OF_GCS,))),
    ("a damaged payload", {}, b'{"size": ', Told((OF_GCS._replace(size_bytes=-1, modified=AT + 0.75),))),
    ("a payload of another form", {}, b"[1]", Told((OF_GCS._replace(size_bytes=-1, modified=AT + 0.75),))),
    (
        "no generation, no times",
        {"objectGeneration": "", "eventTime": "soon", "payloadFormat": "NONE"},
        b"",
        Told((OF_GCS._replace(version="", size_bytes=-1, modified=0.0),)),
    ),
    ("a deletion", {"eventType": "OBJECT_DELETE"}, json.dumps(RESOURCE).encode(), IGNORED),
    ("an old generation put away", {"eventType": "OBJECT_ARCHIVE"}, b"", IGNORED),
    ("a metadata update", {"eventType": "OBJECT_METADATA_UPDATE"}, b"", IGNORED),
]


@pytest.mark.parametrize(("more", "data", "expected"), [case[1:] for case in GCS_CASES], ids=[c[0] for c in GCS_CASES])
def test_cloud_storage_s_own_notifications(more, data, expected):
    assert read_message(data, FINALIZED | more, LEARNT) == expected


def test_a_cloud_storage_notification_names_what_a_listing_names():
    listed = gcs_details.info_of("in", RESOURCE)
    (notice,) = read_message(json.dumps(RESOURCE).encode(), FINALIZED, LEARNT).notices
    assert notice[:4] == (listed.uri, listed.etag, listed.size_bytes, listed.modified)
    assert notice.identity == Notice(*notice[:4], LEARNT + 9, LISTING).identity


S3_CASES = [
    ("an object put", records(CREATED), Told((OF_S3,))),
    ("MinIO's name of the event", records(changed(CREATED, "s3:ObjectCreated:Copy", "eventName")), Told((OF_S3,))),
    (
        "in parts, its ETag quoted",
        records(changed(CREATED, '"0cc175b9c0f1b6a831c399e269772661-2"', "s3", "object", "eTag")),
        Told((OF_S3._replace(version="0cc175b9c0f1b6a831c399e269772661-2"),)),
    ),
    ("no ETag", records(changed(CREATED, None, "s3", "object", "eTag")), Told((OF_S3._replace(version=""),))),
    ("no size", records(changed(CREATED, None, "s3", "object", "size")), Told((OF_S3._replace(size_bytes=-1),))),
    (
        "a size in words",
        records(changed(CREATED, "big", "s3", "object", "size")),
        Told((OF_S3._replace(size_bytes=-1),)),
    ),
    ("no time", records(changed(CREATED, None, "eventTime")), Told((OF_S3._replace(modified=0.0),))),
    ("a time without a zone is UTC", records(changed(CREATED, UPDATED[:-1], "eventTime")), Told((OF_S3,))),
    ("a deletion", records(changed(CREATED, "ObjectRemoved:Delete", "eventName")), IGNORED),
    ("a delete marker", records(changed(CREATED, "s3:ObjectRemoved:DeleteMarkerCreated", "eventName")), IGNORED),
    ("tags", records(changed(CREATED, "ObjectTagging:Put", "eventName")), IGNORED),
    ("no record", records(), Told()),
    (
        "several, some of them ignored",
        records(CREATED, changed(CREATED, "ObjectRemoved:Delete", "eventName"), CREATED),
        Told((OF_S3, OF_S3), 1),
    ),
    ("S3's test", {"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "in", "Time": UPDATED}, IGNORED),
    ("by SNS", by_sns(records(CREATED)), Told((OF_S3,))),
    ("S3's test by SNS", by_sns({"Event": "s3:TestEvent"}), IGNORED),
    ("by EventBridge", BRIDGED, Told((OF_S3,))),
    ("a deletion by EventBridge", changed(BRIDGED, "Object Deleted", "detail-type"), IGNORED),
    ("by EventBridge and SNS", by_sns(BRIDGED), Told((OF_S3,))),
]


@pytest.mark.parametrize(("event", "expected"), [case[1:] for case in S3_CASES], ids=[case[0] for case in S3_CASES])
def test_s3_s_events(event, expected):
    assert read_message(json.dumps(event).encode(), {"from": "a bridge"}, LEARNT) == expected


def test_an_s3_event_names_what_a_listing_names():
    body = (
        b"<ListBucketResult><EncodingType>url</EncodingType><Contents><Key>day+1/%C3%A9%2B%2541.csv</Key>"
        b"<LastModified>2023-11-14T22:13:20.000Z</LastModified><ETag>&quot;098f6bcd4621d373cade4e832627b4f6&quot;"
        b"</ETag><Size>1234</Size></Contents></ListBucketResult>"
    )
    ((_, listed),) = s3_listing.page_of(body, "in", "s3://in/").keys
    (notice,) = read_message(json.dumps(records(CREATED)).encode(), {}, LEARNT).notices
    assert notice[:3] == (listed.uri, listed.etag, listed.size_bytes)


UNREADABLE_CASES = [
    ("nothing", b"", "JSON"),
    ("no JSON", b"object in/a.csv was created", "JSON"),
    ("no text", b"\xff\xfe\x00", "JSON"),
    ("JSON without end", b"[" * 100_000, "JSON"),
    ("no event", b'{"kind": "storage#object", "name": "a"}', "neither"),
    ("a list", b"[]", "neither"),
    ("no record", b'{"Records": [7]}', "eventName"),
    ("a record without bucket", json.dumps(records(changed(CREATED, None, "s3", "bucket"))).encode(), "bucket"),
    ("a bucket that is none", json.dumps(records(changed(CREATED, "a/b", "s3", "bucket", "name"))).encode(), "bucket"),
    ("a record without object", json.dumps(records(changed(CREATED, None, "s3", "object"))).encode(), "key"),
    ("a record without s3", json.dumps(records(changed(CREATED, None, "s3"))).encode(), "bucket"),
    ("an empty key", json.dumps(records(changed(CREATED, "", "s3", "object", "key"))).encode(), "key"),
    ("a key that is no UTF-8", json.dumps(records(changed(CREATED, "%ff", "s3", "object", "key"))).encode(), "UTF-8"),
    ("half a character", json.dumps(changed(BRIDGED, "\ud800", "detail", "object", "key")).encode(), "Unicode"),
    ("SNS without event", json.dumps({"Type": "Notification", "Message": "hello"}).encode(), "JSON"),
    ("SNS in SNS", json.dumps(by_sns(by_sns(records(CREATED)))).encode(), "neither"),
    ("an unconfirmed topic", b'{"Type": "SubscriptionConfirmation", "Token": "x"}', "confirm"),
]


@pytest.mark.parametrize(("data", "reason"), [c[1:] for c in UNREADABLE_CASES], ids=[c[0] for c in UNREADABLE_CASES])
def test_what_can_not_be_read_is_told_with_its_beginning(data, reason):
    told = read_message(data, {}, LEARNT)
    (unreadable,) = told.unreadable
    assert told == Told(unreadable=(unreadable,))
    assert reason in unreadable.reason
    assert unreadable.data == data.decode(errors="replace")[:200]


def test_one_bad_record_leaves_the_others_readable():
    data = json.dumps(records(CREATED, {"eventName": "ObjectCreated:Put"}, CREATED)).encode()
    told = read_message(data, {}, LEARNT)
    assert told.notices == (OF_S3, OF_S3)
    assert [one.data for one in told.unreadable] == [data.decode()[:200]]


def test_attributes_that_do_not_name_an_object_leave_it_to_the_data():
    assert read_message(json.dumps(records(CREATED)).encode(), {"eventType": "x"}, LEARNT).notices == (OF_S3,)
