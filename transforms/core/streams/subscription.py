"""A Pub/Sub subscription read by this process: messages come by streaming pull, and are let go when they are worked.

google-cloud-pubsub was taken because it holds messages (renews their leases) for as long as the work takes; a message
that nobody let go comes again, to this process or the next.
"""

from __future__ import annotations

import queue
from contextlib import closing
from typing import TYPE_CHECKING, Any, Final

from transforms.core.errors import ConfigError, PermanentError

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

__all__ = ["Subscription", "Unfinished", "demand_subscription"]

LEASE_SECONDS = 60  # renewed by the client while this process lives; after a crash a message comes again when it ends
_HELD_SECONDS: Final = 24 * 3600  # a message whose work takes longer comes again, as a duplicate
_CLOSE_SECONDS: Final = 30.0
_LOOK_SECONDS = 30.0  # for an answer whether a subscription is there
_INSTALL: Final = "install Hornbeam with its gcp extra (pip install 'hornbeam[gcp]')"


class Subscription:
    """Messages of a subscription. Construction does no I/O; `open` begins to pull, `close` ends it. One thread takes.

    Memory: `ahead` messages, of 2 KiB as Cloud Storage sends them; at most 100 MiB, as the client limits it.

    Args:
        name: `projects/PROJECT/subscriptions/NAME`.
        ahead: Messages held at most: taken and not let go, or waiting to be taken.
    """

    def __init__(self, name: str, ahead: int = 10_000) -> None:
        self.name, self._ahead = name, ahead
        self._arrived: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._client: Any = None
        self._pulling: Any = None

    def open(self) -> None:
        """Begins to pull, in threads of the client's.

        Raises:
            ConfigError: The client isn't installed, or finds no credentials.
        """
        self._client = _client(self.name)
        from google.cloud import pubsub  # noqa: PLC0415 - it is there, or there were no client

        limits = pubsub.types.FlowControl(
            max_messages=self._ahead,
            max_lease_duration=_HELD_SECONDS,
            max_duration_per_lease_extension=LEASE_SECONDS,
        )
        self._pulling = self._client.subscribe(self.name, callback=self._arrived.put, flow_control=limits)

    def take(self, wait_seconds: float, most: int) -> list[Any]:
        """What has arrived; waits for the first message, not for more.

        Args:
            wait_seconds: For the first message, at most.
            most: Messages at most.

        Returns:
            The client's messages (data, attributes, message_id, publish_time, ack()); empty when none came.

        Raises:
            PermanentError: Pulling ended for good: no such subscription, no permission.
        """
        messages = []
        try:
            messages.append(self._arrived.get(timeout=wait_seconds))
            while len(messages) < most:
                messages.append(self._arrived.get_nowait())
        except queue.Empty:
            if not messages and self._pulling.done():
                self._raise_why()
        return messages

    def close(self, worked: Sequence[Any] = ()) -> None:
        """Ends pulling; what was not let go comes again, to whoever pulls, when its lease ends.

        Nothing is given back by hand: Google's emulator loses what is given back when its stream has ended.

        Args:
            worked: Messages that are let go before.
        """
        if self._client is None:
            return
        for message in worked:
            message.ack()
        failed = self._pulling.done()
        self._pulling.cancel()
        if not failed:
            self._pulling.result(_CLOSE_SECONDS)
        self._client.close()
        self._client = None

    def _raise_why(self) -> None:
        error = self._pulling.exception()
        raise PermanentError(
            f"{self.name}: reading the subscription ended ({error or 'it was closed'}); it must exist, and whoever runs"
            " this needs roles/pubsub.subscriber on it"
        ) from error


def demand_subscription(name: str) -> None:
    """Makes sure that a subscription is there, before anything runs; takes no message.

    | Pub/Sub says | then |
    |---|---|
    | it is there | well |
    | whoever runs this may not look | well: reading needs another permission, and tells when that lacks too |
    | there is none | ConfigError |
    | anything else, or nothing | ConfigError |

    Args:
        name: `projects/PROJECT/subscriptions/NAME`.

    Raises:
        ConfigError: As above, with the remedy; or as `Subscription.open`.
    """
    with closing(_client(name)) as client:
        from google.api_core import exceptions, retry  # noqa: PLC0415 - they are there, or there were no client
        from google.auth.exceptions import GoogleAuthError  # noqa: PLC0415

        again = retry.Retry(retry.if_exception_type(exceptions.ServiceUnavailable), timeout=_LOOK_SECONDS)
        try:
            client.get_subscription(subscription=name, retry=again, timeout=_LOOK_SECONDS)
        except exceptions.PermissionDenied:
            return
        except exceptions.NotFound as e:
            _, project, _, last = name.split("/")
            raise ConfigError(
                f"{name}: there is no such subscription: check its spelling and project, or make it:"
                f" gcloud pubsub subscriptions create {last} --project={project} --topic=TOPIC"
            ) from e
        except (exceptions.GoogleAPIError, GoogleAuthError) as e:
            raise ConfigError(f"{name}: Pub/Sub doesn't say whether it is there ({e}): check name and network") from e


def _client(name: str) -> Any:
    try:
        from google.auth.exceptions import DefaultCredentialsError  # noqa: PLC0415 - heavy, and an extra
        from google.cloud import pubsub  # noqa: PLC0415
    except ImportError as e:
        raise ConfigError(f"{name}: reading a subscription needs google-cloud-pubsub: {_INSTALL}") from e
    try:
        return pubsub.SubscriberClient()
    except DefaultCredentialsError as e:
        raise ConfigError(
            f"{name}: no credentials for Pub/Sub: run `gcloud auth application-default login`, or set"
            " GOOGLE_APPLICATION_CREDENTIALS"
        ) from e


class Unfinished:
    """Messages from being taken until what they began is finished.

    | when looked at, nothing being at work | the message |
    |---|---|
    | no batch was open when it had been handed on | is finished |
    | one of those that were open then is still open | waits |
    | none of those is open any more, though others are | is finished |
    """

    def __init__(self) -> None:
        self._new: list[Any] = []
        self._waiting: list[tuple[frozenset[Hashable], list[Any]]] = []

    def taken(self, messages: Sequence[Any]) -> None:
        """Takes note of messages that are handed on now.

        Args:
            messages: Any values.
        """
        self._new.extend(messages)

    def finished(self, open_batches: frozenset[Hashable]) -> list[Any]:
        """Forgets and returns the messages that are finished. To be called when no step is at work.

        Args:
            open_batches: What tells each batch that is open now from all others, earlier and later ones too.
        """
        if self._new:
            self._waiting.append((open_batches, self._new))
            self._new = []
        looked_at = [(batches & open_batches, messages) for batches, messages in self._waiting]
        self._waiting = [(batches, messages) for batches, messages in looked_at if batches]
        return [message for batches, messages in looked_at if not batches for message in messages]
