"""What a copy was asked to do, as one frozen value without secrets that every step carries. Nothing here does I/O."""

from __future__ import annotations

from typing import Literal, NamedTuple

from transforms.core.copying.range_sizes import RANGE_KEYS
from transforms.core.objects.access import StoreAccess

Mode = Literal["direct_sync", "hybrid", "traditional"]
MODES: tuple[Mode, ...] = ("direct_sync", "hybrid", "traditional")


class Side(NamedTuple):
    """One end of a copy.

    Attributes:
        uri: Absolute address: a prefix ending in `/` (or a bucket's root), or one object.
        access: How it is reached.
    """

    uri: str
    access: StoreAccess = StoreAccess()


class Filters(NamedTuple):
    """Which source objects take part; relative keys, sizes in bytes, times in seconds since the epoch.

    Attributes:
        include: Globs (patterns.py) of which one must match; () for all.
        exclude: Globs of which none may match; wins over `include`.
        min_size_bytes: Smallest size.
        max_size_bytes: Largest size; -1 for no limit.
        newer_than: Modified at or after; 0.0 for no limit.
        older_than: Modified before; 0.0 for no limit.
    """

    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    min_size_bytes: int = 0
    max_size_bytes: int = -1
    newer_than: float = 0.0
    older_than: float = 0.0


class CopySettings(NamedTuple):
    """What to copy, from where to where, and how.

    Attributes:
        source: Where objects come from.
        destination: Where they go.
        filters: Which ones.
        mode: `auto`, or the one that names its ways and their order (modes.py).
        fallback: `any`: an object that can't go by one mode goes by the next; `none`: it fails.
        compare_by: auto, checksum, size or mtime: what makes two objects the same.
        incremental: Whether what is the same is left alone.
        if_exists: overwrite, skip or fail: what happens to destination objects found different.
        verify: auto, metadata, full or none.
        delete: Whether destination objects without a source are deleted at the end.
        max_delete: Most of them, a count or a share of the destination's objects (`10%`).
        dry_run: Plan only.
        storage_class: Given to what is written; "" for the destination's own, `keep` for the source's.
        keep_tags: Whether S3 tags are copied.
        part_bytes: Wanted size of parts.
        buffer_bytes: Bytes in flight in a process, at most.
        batch_size: Objects given to one run of a server-side program.
        max_concurrent: Objects at once in a process.
        bytes_per_second: Through this process; 0 for no limit.
        requests_per_second: Of this process; 0 for no limit.
        manifest: Absolute address of a list of objects, in place of what the source holds; "" for none.
        folder: Absolute path, ending in `/`, that relative paths in the manifest start from.
        manifest_access: How the manifest is reached; None for as the source is.
        retried: Whether the manifest is our own list of what failed in an earlier run: names as the stores gave them,
            which a manifest that people write may not hold.
        range_keys: Keys wanted in a range, which one worker lists and copies.
    """

    source: Side
    destination: Side
    filters: Filters = Filters()
    mode: str = "auto"
    fallback: str = "any"
    compare_by: str = "auto"
    incremental: bool = True
    if_exists: str = "overwrite"
    verify: str = "auto"
    delete: bool = False
    max_delete: str = "10%"
    dry_run: bool = False
    storage_class: str = ""
    keep_tags: bool = False
    part_bytes: int = 50 << 20
    buffer_bytes: int = 160 << 20
    batch_size: int = 100
    max_concurrent: int = 16
    bytes_per_second: int = 0
    requests_per_second: int = 0
    manifest: str = ""
    folder: str = ""
    manifest_access: StoreAccess | None = None
    retried: bool = False
    range_keys: int = RANGE_KEYS
