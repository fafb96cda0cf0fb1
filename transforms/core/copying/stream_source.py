"""What a stream of a copy is made of: the listing that a poll repeats, and the objects that notifications may name.

An object belongs to the source by its address alone: a notification names bucket and key, never the endpoint.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from transforms.core.copying.filters import admission, by_name, common_prefix, judged
from transforms.core.errors import ConfigError
from transforms.core.objects import local_paths
from transforms.core.objects.access import MissingError
from transforms.core.objects.details import Listed
from transforms.core.objects.store import open_copy_store
from transforms.core.objects.uri import last_name
from transforms.core.outcome import ObjectInfo

if TYPE_CHECKING:
    from collections.abc import Iterator

    from transforms.core.copying.copy_settings import CopySettings, Filters


class SourceListing(NamedTuple):
    """The objects of a source, as they are when it is called; a plain value that pickles.

    Attributes:
        settings: The copy's.
    """

    settings: CopySettings

    def __call__(self) -> Iterator[ObjectInfo]:
        """Each object that the filters let through, as the listing comes; nothing where there is nothing yet.

        Raises:
            PermanentError: The listing failed for good (and its kinds).
            TransientError: It failed more often than the retries allow.
        """
        uri, access = self.settings.source
        store = open_copy_store(uri, access)
        if not uri.endswith("/"):
            try:
                found = store.details(uri)
            except MissingError:
                return
            if admitted("", judged(found), self.settings):
                yield found.info
            return
        first, admits = common_prefix(self.settings.filters), admission(self.settings.filters)
        for listed in store.list_range(uri, first, ""):
            key = listed.info.uri[len(uri) :]
            if not key.startswith(first):
                return
            if admits(key, listed):
                yield listed.info


class SourceSelects(NamedTuple):
    """Whether an object belongs to a source, by its name; a plain value that pickles.

    Attributes:
        settings: The copy's.
    """

    settings: CopySettings

    def __call__(self, uri: str) -> bool:
        """Whether it lies in the source and the globs let its name through.

        Args:
            uri: Absolute address.
        """
        key = relative_key(uri, self.settings.source.uri)
        globs = by_name(self.settings.filters)
        return key is not None and admitted(key, Listed(ObjectInfo(uri, -1, "", 0.0)), self.settings, globs)


def admitted(key: str, found: Listed, settings: CopySettings, filters: Filters | None = None) -> bool:
    """Whether an object takes part; one that is the source by its name is judged by its last name, as in a copy.

    Args:
        key: Relative to the source; "" for the source itself.
        found: The object.
        settings: The copy's.
        filters: In place of the copy's.

    Raises:
        ConfigError: A glob that can't be read.
    """
    name = key if settings.source.uri.endswith("/") else last_name(settings.source.uri)
    return admission(filters or settings.filters)(name, found)


def relative_key(uri: str, source: str) -> str | None:
    """What follows the source in an object's address; None for an object that isn't in it.

    | source | address | key |
    |---|---|---|
    | one object | its own | `` |
    | one object | any other | None |
    | a prefix | begins with it | what follows |
    | a prefix | any other | None |
    | a folder on a disk | begins with it, but no listing would find it (`..`, `//`, our temporary files) | None |

    Args:
        uri: The object's absolute address.
        source: The copy's.
    """
    if not source.endswith("/"):
        return "" if uri == source else None
    if not uri.startswith(source):
        return None
    key = uri[len(source) :]
    return None if source.startswith("file:") and local_paths.refusal(key) else key


def check_streamable(settings: CopySettings) -> None:
    """Makes sure that a copy can go on for ever.

    | setting | in a stream |
    |---|---|
    | `delete` | refused: there is no end at which all that was listed is copied |
    | `manifest` | refused: it is a list that ends |
    | `dry_run` | refused: nothing would ever be said |
    | no `incremental` | refused: what is told of twice would be copied twice |

    Args:
        settings: The copy's.

    Raises:
        ConfigError: It can't.
    """
    asked = {
        "delete": settings.delete,
        "manifest": bool(settings.manifest),
        "dry_run": settings.dry_run,
        "incremental=False": not settings.incremental,
    }
    if refused := [name for name, given in asked.items() if given]:
        raise ConfigError(f"a stream of copies has no end and meets objects twice: leave out {', '.join(refused)}")
