"""What a user means by a source: one object, a pattern, a folder; found in whatever store it names."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from transforms.core.errors import ConfigError, PermanentError
from transforms.core.objects import patterns
from transforms.core.objects.access import MissingError, StoreAccess
from transforms.core.objects.store import Store, open_store
from transforms.core.objects.uri import MASKED, has_scheme, parse, shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from transforms.core.outcome import ObjectInfo


class NothingMatchesError(ConfigError):
    """A source's place can be listed, but holds nothing that the source names; a stream may wait for it."""


def expand(source: str, access: StoreAccess = StoreAccess()) -> Iterator[ObjectInfo]:  # noqa: B008 - immutable
    """Finds the objects that a user means by what they typed, in the byte order of their addresses.

    A path or address that exists as it stands is taken literally, whatever characters it has; otherwise it is read as
    a pattern; a folder means everything below it but what is hidden there (`.git/config`, `.DS_Store`).

    Args:
        source: A path (relative, `~`, absolute) or an address, plain, with wildcards, or a folder.
        access: How to reach it.

    Raises:
        ConfigError: Nothing matches, or we may not look; the message names the source and the remedy.
    """
    try:
        yield from sorted(_found(source, absolute(source), access), key=lambda info: os.fsencode(info.uri))
    except PermanentError as e:
        raise ConfigError(f"source {shown(source)!r}: {e}") from e


def absolute(source: str) -> str:
    """The address of what a user typed: a path becomes `file://` and its absolute form."""
    if has_scheme(source):
        return str(parse(source))
    folder = "/" if source.endswith(("/", "/.")) or source in (".", "..", "~") else ""
    return f"file://{os.path.abspath(os.path.expanduser(source)).rstrip('/')}{folder}"  # noqa: PTH100, PTH111 - Path drops the last /


def signed_apart(sources: Sequence[str], access: StoreAccess) -> StoreAccess:
    """The access that has the credentials of presigned addresses, so that no object's name needs to hold them.

    Args:
        sources: What a user typed.
        access: How to reach them.

    Raises:
        ConfigError: Two of them differ only in what would be masked: as names they couldn't be told apart.
    """
    web = [source for source in sources if source.lower().startswith(("http://", "https://"))]
    signed = {address: shown(address) for address in map(absolute, web) if MASKED in shown(address)}
    if len(set(signed.values())) < len(signed):
        twice = next(name for name in signed.values() if list(signed.values()).count(name) > 1)
        raise ConfigError(f"source {twice!r} is given twice, with other credentials: give it once, or in two commands")
    return access._replace(signed=tuple(signed))


def selects(source: str, uri: str) -> bool:
    """Whether an object of this address is one that `expand` would find: by names only, nothing is looked at.

    Args:
        source: A path or address, plain, with wildcards, or a folder.
        uri: The object's address.
    """
    wanted, found = parse(absolute(source)), parse(uri)
    if (wanted.scheme, wanted.bucket) != (found.scheme, found.bucket) or uri.endswith("/"):
        return False
    if wanted.key == found.key:
        return True
    if patterns.is_pattern(wanted.key) and not wanted.key.endswith("/"):
        return patterns.key_pattern(wanted.key).matches.fullmatch(found.key) is not None
    folder = wanted.key if wanted.key.endswith("/") or not wanted.key else f"{wanted.key}/"
    return _in_folder(folder, found.key)


def _in_folder(folder: str, key: str) -> bool:
    match = patterns.key_pattern(folder).matches.fullmatch(key)
    hidden = f"/{key[len(folder) :]}" if not patterns.is_pattern(folder) else key
    return match is not None and "/." not in hidden


def _found(source: str, uri: str, access: StoreAccess) -> Iterator[ObjectInfo]:
    store = open_store(uri, access)
    address = parse(uri)
    if address.key and not address.key.endswith("/") and address.scheme in ("file", "s3", "gs"):
        try:
            yield store.head(uri)
        except MissingError:  # then it is a pattern or a folder
            pass
        else:
            return
    count = 0
    for info in _below(store, uri):
        count += 1
        yield info
    if not count:
        raise NothingMatchesError(
            f"source {shown(source)!r} matches nothing (looked for {shown(uri)}): check its spelling, and quote "
            "wildcards so that they reach us; ** spans folders, a folder's name ends in /, and what a dot hides is "
            "taken only by its name"
        )


def _below(store: Store, uri: str) -> Iterator[ObjectInfo]:
    """What a pattern or a folder (with or without its last slash) holds; folder markers are no objects.

    Patterns don't match what a dot hides; of a folder it is left out here, since those who copy folders take it too.
    """
    scheme, _, key = parse(uri)
    if scheme in ("http", "https"):
        return store.list(uri)
    pattern = uri if patterns.is_pattern(key) or key.endswith("/") or not key else f"{uri}/"
    before = len(uri) - len(key) + len(patterns.key_pattern(parse(pattern).key).prefix) - 1
    is_folder = pattern.endswith("/")
    return (
        info
        for info in store.list(pattern)
        if not info.uri.endswith("/") and not (is_folder and "/." in info.uri[before:])
    )
