"""A streaming graph with a subscription on this machine, against the real Pub/Sub emulator."""

from __future__ import annotations

import signal
import time

import pytest
from google.cloud.pubsub_v1.subscriber.message import Message

from tests.engines.subscription_toy import SIGNS, Toy, gcs_message, s3_message
from tests.pipelines.ingest_jobs import wait_until
from transforms.core import interrupt
from transforms.core.errors import PermanentError
from transforms.core.outcome import ObjectInfo


@pytest.fixture(autouse=True)
def _fresh():
    interrupt.reset()
    SIGNS.__init__()
    yield
    interrupt.reset()


@pytest.fixture
def feed(pubsub_server):
    return pubsub_server.new_feed()


@pytest.fixture
def acknowledged(monkeypatch):
    """The ids of messages that were acknowledged."""
    found = []

    def acknowledge(message):
        found.append(message.message_id)
        original(message)

    original = Message.ack
    monkeypatch.setattr(Message, "ack", acknowledge)
    return found


def asked(times):
    """Waits until so many notifications were looked at."""
    for _ in range(times):
        assert SIGNS.asked.acquire(timeout=120)


def test_what_lay_there_and_what_is_told_is_worked_and_the_idle_stream_ends(feed, acknowledged, tmp_path):
    there = tuple(ObjectInfo(f"gs://in/data/{number}", 7, str(number), 0.0) for number in range(5))
    toy = Toy(tmp_path, feed.subscription, there)
    ids = feed.publish_all([gcs_message(f"data/{number}", number) for number in range(3, 8)])
    ids += feed.publish_all([s3_message("data/a+b", "data/c%2Bd"), s3_message("data/e")])
    assert toy.run() == "DONE"
    of_gcs = {f"gs://in/data/{number}\n{number}": 2 if number in (3, 4) else 1 for number in range(8)}
    assert toy.worked() == of_gcs | {f"s3://in/data/{key}\ne1": 1 for key in ("a b", "c+d", "e")}
    assert toy.told() == {"told": 13}
    assert sorted(acknowledged) == sorted(ids)


def test_duplicate_late_outdated_and_unreadable_notifications_change_nothing_and_are_counted(
    feed, acknowledged, tmp_path
):
    toy = Toy(tmp_path, feed.subscription, stop_after_idle_seconds=5)  # longer than it takes to tell it more
    result = toy.start()
    feed.publish_all([gcs_message("data/x", 2), gcs_message("data/x", 1), gcs_message("data/x", 2)])
    feed.publish_all(
        [gcs_message("data/x", 2, "OBJECT_DELETE"), gcs_message("elsewhere/x", 1), s3_message("data/", bucket="out")]
    )
    feed.publish_all([(b"hello", {}), (b'{"Records": [1]}', {}), (b"\xff" * 1000, {"from": "nobody"})])
    asked(5)
    feed.publish_all([gcs_message("data/x", 1), s3_message("data/x", event="ObjectRemoved:Delete")])
    assert result.wait_until_finish() == "DONE"
    assert toy.worked() == {"gs://in/data/x\n1": 2, "gs://in/data/x\n2": 2}
    assert toy.told() == {"told": 4, "ignored": 2, "foreign": 2, "unreadable": 3}
    assert sorted(line["data"] for line in toy.unreadable()) == ["hello", '{"Records": [1]}', "\ufffd" * 200]
    assert len(acknowledged) == 11


def test_a_stop_closes_the_open_batch_and_works_it(feed, tmp_path):
    toy = Toy(tmp_path, feed.subscription, window_seconds=3600, stop_after_idle_seconds=0)
    result = toy.start()
    feed.publish_all([gcs_message(f"data/{number}", 1) for number in range(20)])
    asked(20)
    assert not toy.batches()
    interrupt.request(signal.SIGTERM)
    assert result.wait_until_finish() == "DONE"
    assert toy.worked() == {f"gs://in/data/{number}\n1": 1 for number in range(20)}


def test_an_open_batch_is_waited_for_before_a_stream_is_idle(feed, tmp_path):
    toy = Toy(tmp_path, feed.subscription, window_seconds=3, stop_after_idle_seconds=1.5)
    began = time.monotonic()
    feed.publish(*gcs_message("data/x", 1))
    toy.run()
    assert time.monotonic() - began >= 3
    assert toy.worked() == {"gs://in/data/x\n1": 1}


def test_batches_close_by_count_and_by_time(feed, tmp_path):
    toy = Toy(tmp_path, feed.subscription, batch_size=3)
    feed.publish_all([gcs_message("data/x", number) for number in range(10)])  # one object: one shard
    toy.run()
    assert sorted(len(batch) for batch in toy.batches())[-3:] == [3, 3, 3]
    assert sum(toy.worked().values()) == 10


def test_a_bundle_that_fails_once_is_repeated(feed, tmp_path):
    SIGNS.fails = 1
    toy = Toy(tmp_path, feed.subscription)
    feed.publish_all([gcs_message(f"data/{number}", 1) for number in range(4)])
    toy.run()
    assert toy.worked() == {f"gs://in/data/{number}\n1": 1 for number in range(4)}


def test_what_was_not_worked_is_not_acknowledged(feed, acknowledged, tmp_path):
    SIGNS.fails = 1000
    feed.publish_all([gcs_message("data/a", 1), gcs_message("data/b", 1)])
    with pytest.raises(OSError, match="the disk is full"):
        Toy(tmp_path, feed.subscription).run()
    asked(2)
    assert not acknowledged


def test_a_message_is_acknowledged_when_its_batch_is_worked_though_others_are_open(feed, acknowledged, tmp_path):
    toy = Toy(tmp_path, feed.subscription, batch_size=2, window_seconds=3600, stop_after_idle_seconds=0)
    result = toy.start()
    first = feed.publish_all([gcs_message("data/a", 1), gcs_message("data/a", 2)])
    asked(2)
    (last,) = feed.publish_all([gcs_message("data/b", 1)])
    asked(1)
    wait_until(lambda: acknowledged, "the first batch is acknowledged")
    assert sorted(acknowledged) == sorted(first)
    interrupt.request(signal.SIGTERM)
    result.wait_until_finish()
    assert sorted(acknowledged) == sorted([*first, last])


def test_a_subscription_that_is_not_there_ends_the_run_by_name(pubsub_server, tmp_path):
    with pytest.raises(PermanentError, match=r"projects/hornbeam-test/subscriptions/nothing.*roles/pubsub\.subscriber"):
        Toy(tmp_path, "projects/hornbeam-test/subscriptions/nothing").run()
