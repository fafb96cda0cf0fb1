"""The head with a subscription: what it gives, and what it says of the messages that it leaves out."""

import json

import apache_beam as beam
import pytest
from apache_beam.io.gcp.pubsub import PubsubMessage
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.pvalue import TaggedOutput

from transforms import heads
from transforms.core import interrupt
from transforms.core.outcome import ObjectInfo
from transforms.core.run_folder import RunFolder
from transforms.core.streams.notice import LISTING, NOTIFICATION
from transforms.heads_pubsub import LeftOut, ReadMessages, Reconcile, SubscribedObjects, WriteLeftOut
from transforms.stream_types import Notice


def nothing():
    return []


def three():
    return [ObjectInfo(f"s3://in/{number}", number, f"e{number}", 5.0) for number in range(3)]


def three_and_a_stop():
    yield three()[0]
    interrupt.request(2)
    yield from three()[1:]


def is_ours(uri):
    return uri.startswith("gs://in/data/")


@pytest.fixture(autouse=True)
def _fresh():
    interrupt.reset()
    yield
    interrupt.reset()


def message(attributes, data=b"", number="7"):
    return PubsubMessage(data, attributes, message_id=number)


def finalized(key):
    return {"eventType": "OBJECT_FINALIZE", "bucketId": "in", "objectId": key, "objectGeneration": "3"}


@pytest.mark.parametrize("checked", [True, False])
def test_it_gives_an_unbounded_collection_of_notices_that_other_engines_can_take(checked, tmp_path):
    pipeline = beam.Pipeline(options=PipelineOptions([], pipeline_type_check=checked))
    head = SubscribedObjects("projects/some-project/subscriptions/s", nothing, is_ours, str(tmp_path))
    notices = pipeline | head
    assert not notices.is_bounded
    assert notices.element_type is Notice
    steps = pipeline.to_runner_api().components.transforms.values()
    assert any(step.unique_name.endswith("SubscribedObjects/Read/Read") for step in steps)
    assert heads.SubscribedObjects is SubscribedObjects


def test_the_listing_gives_a_notice_an_object_and_ends_when_the_run_is_stopped():
    found = list(Reconcile(three).process(b""))
    expected = [(f"s3://in/{number}", f"e{number}", number, 5.0, LISTING) for number in range(3)]
    assert [(*one[:4], one.origin) for one in found] == expected
    assert len({one.learnt for one in found}) == 1
    assert [one.uri for one in Reconcile(three_and_a_stop).process(b"")] == ["s3://in/0"]


CASES = [
    ("ours", finalized("data/a"), b"", "notice"),
    ("of another place", finalized("elsewhere/a"), b"", LeftOut("7", "foreign")),
    ("a deletion", finalized("data/a") | {"eventType": "OBJECT_DELETE"}, b"", LeftOut("7", "ignored")),
]


@pytest.mark.parametrize(("attributes", "data", "expected"), [case[1:] for case in CASES], ids=[c[0] for c in CASES])
def test_a_message_is_a_notice_or_left_out(attributes, data, expected):
    (found,) = ReadMessages(is_ours).process(message(attributes, data))
    if isinstance(found, TaggedOutput):
        assert (found.tag, found.value) == ("left_out", expected)
    else:
        assert (found.uri, found.version, found.origin) == ("gs://in/data/a", "3", NOTIFICATION)
        assert expected == "notice"


def test_an_unreadable_message_says_why():
    (found,) = ReadMessages(is_ours).process(message({"from": "nobody"}, b"hello"))
    assert found.value[:2] == ("7", "unreadable")
    assert "no JSON" in found.value.reason
    assert found.value.data == "hello"


def test_what_is_left_out_is_counted_once_however_often_the_bundle_runs(tmp_path):
    folder = RunFolder(f"file://{tmp_path}", "run")
    batch = [LeftOut(str(number), "unreadable", "no JSON", f"data {number}") for number in range(5)]
    batch += [LeftOut("5", "ignored"), LeftOut("6", "foreign"), LeftOut("7", "foreign")]
    WriteLeftOut(folder).process(tuple(batch))
    WriteLeftOut(folder).process(tuple(reversed(batch)))
    (part,) = tmp_path.glob("parts/run/*.jsonl")
    *shown, counts = [json.loads(line) for line in part.read_text().splitlines()]
    assert counts == {"kind": "stream", "unreadable": 5, "ignored": 1, "foreign": 2}
    told = [{"of": str(number), "reason": "no JSON", "data": f"data {number}"} for number in range(3)]
    assert shown == [{"kind": "unreadable"} | one for one in told]
