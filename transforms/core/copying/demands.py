"""What a manifest's row demands of an object (size, checksums), held against what a store tells of it. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from transforms.core.objects.access import CorruptedError
from transforms.core.objects.details import Checksums, Listed
from transforms.core.objects.uri import shown

if TYPE_CHECKING:
    from transforms.core.copying.manifest_rows import ManifestRow
    from transforms.core.objects.details import ObjectDetails
    from transforms.core.outcome import ObjectInfo


def contradicted(told: Checksums, expected: Checksums) -> str:
    """The name of a checksum that is told otherwise than it is demanded; "" when there is none.

    Args:
        told: What is known of an object, "" where unknown.
        expected: What is demanded, "" where anything is right.
    """
    demanded = ((name, value) for name, value in expected._asdict().items() if value)
    return next((name for name, value in demanded if getattr(told, name) not in ("", value)), "")


def contradiction(found: ObjectDetails, row: ManifestRow) -> str:
    """What of an object isn't as a row demands, in words; "" when what its store tells doesn't contradict it.

    | the store tells              | the row demands   | answer |
    |------------------------------|-------------------|--------|
    | another size                 | a size            | its size is 5 bytes, … |
    | another checksum             | that checksum     | its md5 is …, … |
    | the same, or nothing of both | size or checksums | (none) |
    | anything                     | nothing           | (none) |

    Args:
        found: The object, here or there.
        row: What is demanded.
    """
    if 0 <= row.size_bytes != found.info.size_bytes >= 0:
        return f"its size is {found.info.size_bytes} bytes, the manifest (line {row.line}) says {row.size_bytes}"
    name = contradicted(found.checksums, row.expected)
    if name:
        told, wanted = getattr(found.checksums, name), getattr(row.expected, name)
        return f"its {name} is {told}, the manifest (line {row.line}) demands {wanted}"
    return ""


def check_source(found: ObjectDetails, row: ManifestRow) -> None:
    """Makes sure that a source isn't known to be another object than a row demands.

    Args:
        found: The source.
        row: What is demanded.

    Raises:
        CorruptedError: It is.
    """
    if why := contradiction(found, row):
        raise CorruptedError(f"{shown(row.source)}: {why}: the source or the manifest is wrong")


def check_size(info: ObjectInfo, size_bytes: int) -> None:
    """Makes sure that an object whose store told no size has the one that is demanded, once that is known.

    Args:
        info: The source, as it came; a size of -1 fits everything.
        size_bytes: As a manifest says; -1 for any.

    Raises:
        CorruptedError: It hasn't.
    """
    if 0 <= size_bytes != info.size_bytes >= 0:
        raise CorruptedError(
            f"{shown(info.uri)}: its size is {info.size_bytes} bytes, the manifest says {size_bytes}: the source or "
            "the manifest is wrong"
        )


def as_demanded(source: Listed, existing: Listed, row: ManifestRow) -> Listed:
    """A source as it is compared with what stands under its name: with what its row demands, where its store is silent.

    Where the existing object is known not to be what is demanded, nothing else may call the two the same: then only
    that checksum is left.

    Args:
        source: As its store tells; nothing of it contradicts the row.
        existing: What stands there.
        row: What is demanded.
    """
    if source.info.size_bytes < 0:
        source = source._replace(info=source.info._replace(size_bytes=row.size_bytes))
    if name := contradicted(existing.checksums, row.expected):
        return source._replace(checksums=Checksums(**{name: getattr(row.expected, name)}))
    both = [ours or theirs for ours, theirs in zip(source.checksums, row.expected, strict=True)]
    return source._replace(checksums=Checksums(*both))
