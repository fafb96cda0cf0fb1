"""Pub/Sub on loopback: the Cloud SDK's own emulator (Java), found beside gcloud; its folder is temporary."""

from __future__ import annotations

import contextlib
import functools
import os
import shutil
import subprocess
import tempfile
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from tests.servers.ports import free_port, stop, wait_until_listening

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

PROJECT = "hornbeam-test"  # Beam refuses ids of fewer than six characters
VARIABLE = "PUBSUB_EMULATOR_HOST"


class Feed(NamedTuple):
    """A topic and its one subscription; `subscription` is what the command takes."""

    topic: str
    subscription: str

    def publish(self, data: bytes, attributes: Mapping[str, str] | None = None) -> str:
        """Publishes a message and waits until it is there; returns its id."""
        return self.publish_all([(data, attributes or {})])[0]

    def delete(self) -> None:
        """Takes the subscription away."""
        from google.cloud import pubsub  # noqa: PLC0415 - a second, for the tests that need it

        with pubsub.SubscriberClient() as subscriber:
            subscriber.delete_subscription(subscription=self.subscription)

    def publish_all(self, messages: list[tuple[bytes, Mapping[str, str]]]) -> list[str]:
        from google.cloud import pubsub  # noqa: PLC0415 - a second, for the tests that need it

        publisher = pubsub.PublisherClient()
        try:
            sent = [publisher.publish(self.topic, data, **attributes) for data, attributes in messages]
            return [future.result(30) for future in sent]
        finally:
            publisher.stop()


class PubsubServer(NamedTuple):
    """A running emulator; clients of this process find it by PUBSUB_EMULATOR_HOST (see `pubsub_environment`)."""

    address: str

    def new_feed(self) -> Feed:
        """Makes a topic with a subscription."""
        from google.cloud import pubsub  # noqa: PLC0415 - a second, for the tests that need it

        name = f"objects-{uuid.uuid4().hex[:12]}"
        with pubsub.SubscriberClient() as subscriber:
            publisher = pubsub.PublisherClient()
            topic = publisher.topic_path(PROJECT, name)
            publisher.create_topic(name=topic)
            publisher.stop()
            subscription = subscriber.subscription_path(PROJECT, name)
            subscriber.create_subscription(name=subscription, topic=topic, ack_deadline_seconds=10)
        return Feed(topic, subscription)


@functools.cache
def missing() -> str:
    """Why there is no emulator here; "" when there is one."""
    if _program() is None:
        return "no Pub/Sub emulator: gcloud components install pubsub-emulator"
    return "" if shutil.which("java") else "the Pub/Sub emulator needs Java: install it"


@contextlib.contextmanager
def run_pubsub_server() -> Iterator[PubsubServer]:
    """Starts an emulator, yields it, stops it."""
    program = _program()
    if program is None:
        raise RuntimeError(missing())
    address = f"127.0.0.1:{free_port()}"
    with tempfile.TemporaryDirectory(prefix="hornbeam-pubsub-") as folder:
        command = [str(program), "--host=127.0.0.1", f"--port={address.rpartition(':')[2]}"]
        environment = os.environ | {"JAVA_OPTS": f"-Xmx256m -Djava.io.tmpdir={folder}"}
        with (Path(folder) / "log").open("w") as log:  # the script becomes Java (exec): one process
            process = subprocess.Popen(
                command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        try:
            wait_until_listening(int(address.rpartition(":")[2]), process)
            yield PubsubServer(address)
        finally:
            stop(process)


def _program() -> Path | None:
    gcloud = shutil.which("gcloud")
    if gcloud is None:
        return None
    program = Path(gcloud).resolve().parents[1] / "platform/pubsub-emulator/bin/cloud-pubsub-emulator"
    return program if program.exists() else None
