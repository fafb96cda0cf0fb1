"""The load-it-all way of `copy` and `verify`, as a script would do it: every object in memory, then all of them out.

Only `hornbeam bench memory` calls this, beside the real copy, in a temporary prefix that is emptied afterwards.
"""

from __future__ import annotations

import contextlib
import uuid
from typing import TYPE_CHECKING

from pipelines.copy_job import copy_settings
from pipelines.copy_settings import CopySettings
from transforms.core.copying.filters import admission
from transforms.core.errors import ConfigError
from transforms.core.objects.details import ANY, NO_CHECKSUMS, Attributes
from transforms.core.objects.store import open_copy_store
from transforms.core.objects.uri import shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pipelines.copy_settings import VerifySettings
    from transforms.core.copying.copy_settings import Side
    from transforms.core.objects.details import Listed

BATCH = 1000


def load(settings: VerifySettings) -> int:
    """Reads all objects into memory, then writes them all (or reads the other side's too, and compares).

    Returns:
        How many objects.

    Raises:
        ConfigError: The two sides differ (`verify` only).
    """
    wanted = copy_settings(settings)
    source, destination = wanted.source, wanted.destination
    admits = admission(wanted.filters)
    everything = _read(source, admits)
    if not isinstance(settings, CopySettings):
        if everything != _read(destination, admits):
            raise ConfigError(f"{shown(source.uri)} and {shown(destination.uri)} differ")
        return len(everything)
    store = open_copy_store(destination.uri, destination.access)
    for key, data in everything.items():
        store.put(destination.uri + key, data, Attributes(), NO_CHECKSUMS, ANY)
    return len(everything)


def _read(side: Side, admits: Callable[[str, Listed], bool]) -> dict[str, bytes]:
    store = open_copy_store(side.uri, side.access)
    listing = store.list_range(side.uri, "", "")
    found = ((listed.info.uri[len(side.uri) :], listed) for listed in listing)
    return {key: store.fetch(listed.info)[0] for key, listed in found if admits(key, listed)}


@contextlib.contextmanager
def temporary_place(settings: VerifySettings, folder: Path) -> Iterator[VerifySettings]:
    """The settings with a destination of their own, empty and of the same kind; a comparison keeps its own.

    Args:
        settings: As for a run.
        folder: For a destination on disk.

    Yields:
        The settings to measure with.

    Raises:
        ConfigError: One object, or a manifest: there is no load-it-all way to compare with.
    """
    if settings.source is None or not copy_settings(settings).source.uri.endswith("/"):
        raise ConfigError("bench memory takes a --source that is a prefix or a folder")
    if not isinstance(settings, CopySettings):
        yield settings
    elif "://" not in settings.destination or settings.destination.startswith("file:"):
        yield settings.model_copy(update={"destination": f"{folder}/copied-{uuid.uuid4().hex}/"})
    else:
        place = f"{settings.destination.rstrip('/')}/hornbeam-bench-{uuid.uuid4().hex}/"
        placed = settings.model_copy(update={"destination": place})
        try:
            yield placed
        finally:
            _empty(copy_settings(placed).destination)


def _empty(side: Side) -> None:
    store = open_copy_store(side.uri, side.access)
    infos = [listed.info for listed in store.list_range(side.uri, "", "")]
    for start in range(0, len(infos), BATCH):
        store.delete_all(infos[start : start + BATCH])
