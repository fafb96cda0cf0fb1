"""By which way an object goes: one pure decision, made again for an object whose way turned out to be closed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from transforms.core.copying.copy_settings import MODES, Mode
from transforms.core.errors import ConfigError, PermanentError, SourceChangedError, TransientError
from transforms.core.objects.access import ConflictError, CorruptedError, ForbiddenError, MissingError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from transforms.core.copying.copy_settings import CopySettings
    from transforms.core.objects.access import StoreAccess
    from transforms.core.outcome import ObjectInfo

SERVER_SIDE: Final = ("s3", "gs", "file")  # a disk's kernel copies, too
NO_SERVER: Final = "no server holds both sides"
_FINAL = (ConflictError, SourceChangedError, CorruptedError, MissingError)
# The ways of each mode; without falling back, so many of them from the first one.
_WAYS_OF = {"auto": (MODES, 3), "direct_sync": (MODES, 1), "hybrid": (MODES, 2), "traditional": (MODES[2:], 1)}


class Choice(NamedTuple):
    """A way, or none.

    Attributes:
        mode: The way to take; None when there is none (left).
        why: Why each way before it isn't taken, `direct_sync: …; hybrid: …`; "" when the first one is, and between
            stores of different kinds, where nobody expects direct_sync unless it was asked for by name.
    """

    mode: Mode | None
    why: str


def choose_mode(
    source: ObjectInfo, destination: str, settings: CopySettings, tried: Mapping[Mode, str] | None = None
) -> Choice:
    """The cheapest way that is open to an object.

    | mode        | its ways, in this order          | without falling back    |
    |-------------|----------------------------------|-------------------------|
    | auto        | direct_sync, hybrid, traditional | the same                |
    | direct_sync | direct_sync, hybrid, traditional | direct_sync             |
    | hybrid      | direct_sync, hybrid, traditional | direct_sync, hybrid     |
    | traditional | traditional                      | traditional             |

    | way         | open unless                                                                             |
    |-------------|-----------------------------------------------------------------------------------------|
    | direct_sync | other schemes, or not s3, gs, file; endpoint, profile or anonymity of the sides differ; |
    |             | file, unless asked for by name, or by `auto` where nothing is verified by reading (else |
    |             | hybrid reads once less)                                                                 |
    | hybrid      | the source's size is unknown (a part's place must be known before it is read)           |
    | traditional | never                                                                                   |

    A way that was tried and failed is closed; without falling back, all are then.

    Args:
        source: What is copied; `size_bytes` is -1 when unknown.
        destination: Absolute address of the name that it takes.
        settings: The copy's.
        tried: Ways that failed for this object, and why.

    Raises:
        ConfigError: `settings.mode` isn't a mode.
    """
    tried = tried or {}
    if settings.mode not in _WAYS_OF:
        raise ConfigError(f"mode {settings.mode!r} is unknown; known: {', '.join(_WAYS_OF)}")
    ways, own = _WAYS_OF[settings.mode]
    if settings.fallback == "none":
        ways = tuple(tried) or ways[:own]
    closed: list[str] = []
    for way in ways:
        why_not = tried.get(way) or _CLOSED[way](source, destination, settings)
        if not why_not:
            return Choice(way, "; ".join(closed))
        if why_not is not NO_SERVER or settings.mode == "direct_sync":
            closed.append(f"{way}: {why_not}")
    return Choice(None, "; ".join(closed))


def may_fall_back(mode: str, error: PermanentError | TransientError) -> bool:
    """Whether an object whose way failed with this error may go by the next way.

    | error                                                        | from direct_sync | from hybrid | traditional |
    |--------------------------------------------------------------|------------------|-------------|-------------|
    | conflict, source changed, corrupted twice, no such object    | no               | no          | no          |
    | forbidden                                                    | yes              | no          | no          |
    | unsupported, any other refusal                               | yes              | yes         | no          |
    | asked too often, until the retries were used up              | no               | no          | no          |
    | any other failure, until the retries were used up            | yes              | no          | no          |

    The ways behind direct_sync ask for other things than it does, but each for the same as the other; and a server that
    is asked too often isn't helped by bytes that go through us.

    Args:
        mode: The way that failed.
        error: How.
    """
    if mode == "traditional" or isinstance(error, _FINAL):
        return False
    if isinstance(error, TransientError):
        return mode == "direct_sync" and not error.too_fast
    return mode == "direct_sync" or not isinstance(error, ForbiddenError)


def _no_direct_sync(source: ObjectInfo, destination: str, settings: CopySettings) -> str:
    here, there = source.uri.partition("://")[0], destination.partition("://")[0]
    if here != there or here not in SERVER_SIDE:
        return NO_SERVER
    if here == "file":
        quick = settings.mode == "auto" and settings.verify in ("none", "metadata")
        return "" if quick or settings.mode == "direct_sync" else NO_SERVER
    return other_place(settings.source.access, settings.destination.access)


def other_place(source: StoreAccess, destination: StoreAccess) -> str:
    """What keeps one server from copying between two sides: endpoint, profile, keys or anonymity; "" when nothing does.

    Args:
        source: How the source is reached.
        destination: How the destination is reached.
    """
    if source.endpoint_url.rstrip("/") != destination.endpoint_url.rstrip("/"):
        return "the two sides have different endpoints"
    if source.profile != destination.profile:
        return "the two sides have different profiles"
    if source.access_key_id != destination.access_key_id:
        return "the two sides have different keys"
    if source.anonymous != destination.anonymous:
        return "one side is anonymous, the other is not"
    return ""


def _no_hybrid(source: ObjectInfo, _destination: str, _settings: CopySettings) -> str:
    return "" if source.size_bytes >= 0 else "the source doesn't tell its size"


def _no_traditional(_source: ObjectInfo, _destination: str, _settings: CopySettings) -> str:
    return ""


_CLOSED = {"direct_sync": _no_direct_sync, "hybrid": _no_hybrid, "traditional": _no_traditional}
