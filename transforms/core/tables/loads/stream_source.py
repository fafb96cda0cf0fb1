"""What a stream of files is made of: the listing that a poll repeats, and the files that notifications may name."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from transforms.core.errors import ConfigError, PermanentError
from transforms.core.objects.expansion import NothingMatchesError, expand, selects

if TYPE_CHECKING:
    from collections.abc import Iterator

    from transforms.core.objects.access import StoreAccess
    from transforms.core.outcome import ObjectInfo


class FilesListing(NamedTuple):
    """The files of some sources, as they are when it is called; a plain value that pickles.

    Attributes:
        sources: Paths and addresses, plain, with wildcards, or folders.
        access: How to reach them.
    """

    sources: tuple[str, ...]
    access: StoreAccess

    def __call__(self) -> Iterator[ObjectInfo]:
        """Each file once; a source that matches nothing yet has none.

        Raises:
            PermanentError: A source can't be listed any more.
        """
        given = set[str]()
        for source in self.sources:
            try:
                for info in expand(source, self.access):
                    if info.uri not in given:
                        given.add(info.uri)
                        yield info
            except NothingMatchesError:
                continue
            except ConfigError as e:
                raise PermanentError(str(e)) from e  # at its beginning it could, or the command would be wrong


class FilesSelected(NamedTuple):
    """Whether a file belongs to some sources, by its name; a plain value that pickles.

    Attributes:
        sources: As in `FilesListing`.
    """

    sources: tuple[str, ...]

    def __call__(self, uri: str) -> bool:
        """Whether one of the sources would find it."""
        return any(selects(source, uri) for source in self.sources)
