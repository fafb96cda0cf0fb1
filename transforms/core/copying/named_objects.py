"""The objects that a task names one by one, in place of a listing: rows of a manifest, or the one that was asked for.

And which of them the filters let through: by their names before anybody asks for them, by size and time afterwards.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from transforms.core.copying.copy_tasks import ONE, manifest_of
from transforms.core.copying.filters import admission, by_name, judged
from transforms.core.copying.manifest import task_rows
from transforms.core.copying.manifest_rows import ManifestRow
from transforms.core.objects.details import NO_CHECKSUMS, Listed
from transforms.core.objects.uri import last_name
from transforms.core.outcome import ObjectInfo

if TYPE_CHECKING:
    from collections.abc import Iterator

    from transforms.core.copying.copy_settings import CopySettings
    from transforms.core.copying.copy_tasks import CopyTask
    from transforms.core.objects.details import ObjectDetails


def named_rows(task: CopyTask, settings: CopySettings) -> Iterator[ManifestRow]:
    """The objects of a task whose names the filters let through; no store is asked.

    Args:
        task: Of kind ROWS or ONE.
        settings: The copy's.

    Raises:
        SourceChangedError: The manifest changed since it was checked.
        ConfigError: A glob that can't be read.
    """
    admits = admission(by_name(settings.filters))
    for row in _rows(task, settings):
        if admits(filtered_name(row, settings), Listed(ObjectInfo(row.source, -1, "", 0.0))):
            yield row


def lets_through(found: ObjectDetails, row: ManifestRow, settings: CopySettings) -> bool:
    """Whether the filters let a named object through, once its store has told of it.

    Args:
        found: The source.
        row: What names it; the size that it demands is the object's, where the store tells none.
        settings: The copy's.
    """
    info = found.info if found.info.size_bytes >= 0 else found.info._replace(size_bytes=row.size_bytes)
    return admission(settings.filters)(filtered_name(row, settings), judged(found._replace(info=info)))


def filtered_name(row: ManifestRow, settings: CopySettings) -> str:
    """What the globs judge an object by that has no key relative to a source.

    | named by | its name |
    |---|---|
    | a manifest's row | what it is called below the destination: the key that a copy of a prefix has on both sides |
    | `--source` | its last name |

    Args:
        row: The object.
        settings: The copy's.
    """
    return row.uri[len(settings.destination.uri) :] if settings.manifest else last_name(row.source)


def _rows(task: CopyTask, settings: CopySettings) -> Iterator[ManifestRow]:
    if task.kind == ONE:
        return iter([ManifestRow(0, task.start, task.stop, -1, NO_CHECKSUMS)])
    return task_rows(*manifest_of(task, settings))
