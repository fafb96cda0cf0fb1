"""A copy by its two addresses as people type them: how a program makes `CopySettings`. Nothing here does I/O."""

from __future__ import annotations

from typing import Any

from transforms.core.copying.copy_settings import CopySettings, Side
from transforms.core.errors import ConfigError
from transforms.core.objects.access import StoreAccess
from transforms.core.objects.expansion import absolute
from transforms.core.objects.uri import parse, shown


def copy_between(
    source: str,
    destination: str,
    *,
    source_access: StoreAccess = StoreAccess(),  # noqa: B008 - an immutable value
    destination_access: StoreAccess = StoreAccess(),  # noqa: B008
    **more: Any,
) -> CopySettings:
    """Everything below a prefix, or one object, to another place.

    Args:
        source: A path or address that ends in `/` (everything below it), or one object's.
        destination: Likewise: the folder or prefix, or the name that the one object takes.
        source_access: How the source is reached.
        destination_access: How the destination is reached.
        **more: Further fields of `CopySettings`.

    Raises:
        ConfigError: A prefix is copied to a name, or the two lie one inside the other; or there is no such field.
    """
    here, there = absolute(source), absolute(destination)
    if unknown := more.keys() - CopySettings._fields:
        raise ConfigError(f"unknown field {min(unknown)!r}; CopySettings has {', '.join(CopySettings._fields)}")
    if here.endswith("/") != there.endswith("/"):
        raise ConfigError(
            f"{shown(here)} to {shown(there)}: end both in / (everything below), or neither (one object, by its name)"
        )
    if parse(there).scheme not in ("file", "s3", "gs"):
        raise ConfigError(f"{shown(there)} can't be written to: name a path, s3:// or gs://")
    same_store = source_access.endpoint_url == destination_access.endpoint_url or here.startswith("file:")
    if same_store and (here.startswith(there) or there.startswith(here)):
        raise ConfigError(f"{shown(here)} and {shown(there)} lie one inside the other: name two that lie apart")
    return CopySettings(Side(here, source_access), Side(there, destination_access), **more)
