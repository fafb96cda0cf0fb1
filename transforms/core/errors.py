"""The errors of the whole suite, by what a run does about them.

Every message carries the value, where it came from, the cause and the remedy; no message carries a secret.
"""

from __future__ import annotations


class HornbeamError(Exception):
    """The root of all errors that Hornbeam raises on purpose."""


class ConfigError(HornbeamError):
    """The command or its configuration is wrong; nothing was touched (exit code 2)."""


class PermanentError(HornbeamError):
    """One item can't be done, and trying again won't help: it becomes a `Failure`."""


class TransientError(HornbeamError):
    """One attempt failed in a way that may pass: it is retried, then becomes a `Failure`.

    Attributes:
        retry_after_seconds: What the server asked us to wait, or None.
        too_fast: Whether the server refused it since it is asked too often, whatever it was asked for.
    """

    def __init__(self, message: str, retry_after_seconds: float | None = None, *, too_fast: bool = False) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds
        self.too_fast = too_fast


class SourceChangedError(PermanentError):
    """A source object is no longer the one that was planned (its etag, size or mtime moved)."""


class InterruptedRunError(HornbeamError):
    """The run was asked to stop; what was in flight is reported as `not_started`."""
