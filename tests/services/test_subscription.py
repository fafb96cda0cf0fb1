"""Messages of a real subscription: taken as they come, let go or not."""

from __future__ import annotations

import pytest
from google.api_core import exceptions
from google.cloud import pubsub

from tests.servers import pubsub as server
from tests.servers.ports import free_port
from transforms.core.errors import ConfigError, PermanentError
from transforms.core.streams import subscription as module
from transforms.core.streams.subscription import Subscription, demand_subscription


def taken(subscription, count):
    """Takes until so many have come."""
    messages = []
    while len(messages) < count:
        messages += subscription.take(1, 3)
    return messages


def test_messages_come_with_their_attributes_a_few_at_once_and_are_let_go(pubsub_server):
    feed = pubsub_server.new_feed()
    ids = feed.publish_all([(b"%d" % number, {"number": str(number)}) for number in range(10)])
    subscription = Subscription(feed.subscription)
    subscription.open()
    messages = taken(subscription, 10)
    subscription.close(messages)
    told = {(one.data, one.attributes["number"], one.message_id) for one in messages}
    assert told == {(b"%d" % number, str(number), ids[number]) for number in range(10)}


def test_no_message_is_no_error(pubsub_server):
    subscription = Subscription(pubsub_server.new_feed().subscription)
    subscription.open()
    assert subscription.take(0.1, 10) == []
    subscription.close()
    subscription.close()


def test_no_more_are_held_than_asked_for(pubsub_server):
    feed = pubsub_server.new_feed()
    feed.publish_all([(b"x", {})] * 20)
    subscription = Subscription(feed.subscription, ahead=5)
    subscription.open()
    first = taken(subscription, 5)
    assert subscription.take(0.5, 10) == []
    for message in first:
        message.ack()
    assert len(taken(subscription, 5)) >= 5
    subscription.close()


def test_a_subscription_that_is_not_there_is_named(pubsub_server):
    subscription = Subscription("projects/hornbeam-test/subscriptions/nothing")
    subscription.open()
    with pytest.raises(PermanentError, match=r"subscriptions/nothing: reading the subscription ended.*does not exist"):
        taken(subscription, 1)
    subscription.close()


def test_whether_a_subscription_is_there_is_asked_without_taking_a_message(pubsub_server):
    feed = pubsub_server.new_feed()
    feed.publish(b"x")
    demand_subscription(feed.subscription)
    subscription = Subscription(feed.subscription)
    subscription.open()
    subscription.close(taken(subscription, 1))
    with pytest.raises(ConfigError, match=r"subscriptions/nothing: there is no such .* create nothing --project=other"):
        demand_subscription("projects/other/subscriptions/nothing")
    with pytest.raises(ConfigError, match=r"subscriptions/a b: Pub/Sub doesn't say whether it is there"):
        demand_subscription("projects/hornbeam-test/subscriptions/a b")


def test_a_service_that_does_not_answer_is_told_of(monkeypatch):
    monkeypatch.setattr(module, "_LOOK_SECONDS", 1.0)
    monkeypatch.setenv(server.VARIABLE, f"127.0.0.1:{free_port()}")
    with pytest.raises(ConfigError, match="doesn't say whether it is there"):
        demand_subscription("projects/hornbeam-test/subscriptions/a")


def test_who_may_read_but_not_look_is_let_through(monkeypatch):
    """The emulator refuses nobody: the client is made to say what the service says."""

    def refused(*_args, **_keywords):
        raise exceptions.PermissionDenied("User not authorized to perform this action.")

    monkeypatch.setenv(server.VARIABLE, "127.0.0.1:1")
    monkeypatch.setattr(pubsub.SubscriberClient, "get_subscription", refused)
    demand_subscription("projects/hornbeam-test/subscriptions/a")


def test_what_was_let_go_does_not_come_again_and_the_rest_does(pubsub_server, monkeypatch):
    monkeypatch.setattr(module, "LEASE_SECONDS", 10)  # the shortest
    feed = pubsub_server.new_feed()
    feed.publish_all([(b"%d" % number, {}) for number in range(6)])
    first, second = Subscription(feed.subscription), Subscription(feed.subscription)
    first.open()
    messages = taken(first, 6)
    kept = messages[:2]
    first.close(messages[2:])
    second.open()
    again = taken(second, 2)
    second.close(again)
    assert {one.message_id for one in again} == {one.message_id for one in kept}
