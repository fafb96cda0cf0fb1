"""Extra destination objects, written down range by range while keys are worked, and read again behind the barrier.

Beside the parts (`extras/<run id>/`), not in them: there may be millions, and no merge holds them. A range's note is
written last and says how many pages there are: what an earlier attempt left behind it is not read.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final, NamedTuple

from transforms.core.objects.access import MissingError
from transforms.core.outcome import ObjectInfo
from transforms.core.run_folder import UNIT_ID, parse_lines

if TYPE_CHECKING:
    from collections.abc import Iterator

    from transforms.core.run_folder import RunFolder

PAGE_EXTRAS: Final = 5000


class ExtrasNote(NamedTuple):
    """What a range says of its extras once both its listings ended without error.

    Attributes:
        unit_id: The range's.
        pages: How many pages of extras it wrote.
        extras: How many extras they hold.
        extra_bytes: Their bytes.
        destination_objects: How many objects the range holds at the destination, extras among them.
    """

    unit_id: str
    pages: int
    extras: int
    extra_bytes: int
    destination_objects: int


class ExtrasWriter:
    """Writes down the extras of one range; holds one page of them. Not thread-safe: one a range.

    Args:
        folder: The run's.
        unit_id: The range's: letters, digits, `.`, `_`, `-`.
        page_extras: Extras in a page.

    Raises:
        ValueError: A unit id that can't be a file's name.
    """

    def __init__(self, folder: RunFolder, unit_id: str, page_extras: int = PAGE_EXTRAS) -> None:
        self._folder, self._unit_id, self._page_extras = folder, _checked(unit_id), page_extras
        self._page: list[str] = []
        self._pages = self._extras = self._bytes = 0

    def add(self, info: ObjectInfo) -> None:
        """Notes an extra; writes a page when it is full.

        Args:
            info: The destination object, as listed: exactly this version may be deleted.
        """
        self._page.append(json.dumps(info._asdict(), ensure_ascii=False) + "\n")
        self._extras += 1
        self._bytes += max(info.size_bytes, 0)
        if len(self._page) >= self._page_extras:
            self._turn()

    def finish(self, destination_objects: int) -> ExtrasNote:
        """Writes the rest and the range's note; call it only when both listings ended without error.

        Args:
            destination_objects: How many objects the range holds at the destination.
        """
        if self._page:
            self._turn()
        note = ExtrasNote(self._unit_id, self._pages, self._extras, self._bytes, destination_objects)
        self._folder.write(_note_name(self._folder, self._unit_id), json.dumps(note._asdict()))
        return note

    def _turn(self) -> None:
        self._folder.write(_page_name(self._folder, self._unit_id, self._pages), "".join(self._page))
        self._pages += 1
        self._page = []


def read_note(folder: RunFolder, unit_id: str) -> ExtrasNote | None:
    """What a range said of its extras, or None when it didn't come to its end.

    Args:
        folder: The run's.
        unit_id: The range's.
    """
    text = folder.read(_note_name(folder, unit_id))
    return ExtrasNote(**json.loads(text)) if text is not None else None


def extra_batches(folder: RunFolder, note: ExtrasNote, most: int) -> Iterator[list[ObjectInfo]]:
    """The extras of a range in batches to delete; holds one page of them.

    Args:
        folder: The run's.
        note: The range's.
        most: Most objects in a batch (`Limits.deletes_at_once`).

    Raises:
        MissingError: A page is gone.
    """
    for page in range(note.pages):
        name = _page_name(folder, note.unit_id, page)
        text = folder.read(name)
        if text is None:
            raise MissingError(f"{folder.uri}/{name} is gone: its extras can't be deleted; run the command again")
        infos = [ObjectInfo(**line) for line in parse_lines(text)]
        yield from (infos[start : start + most] for start in range(0, len(infos), most))


def _checked(unit_id: str) -> str:
    if not UNIT_ID.fullmatch(unit_id):
        raise ValueError(f"unit id {unit_id!r} can't name a file: use letters, digits, '.', '_' and '-'")
    return unit_id


def _note_name(folder: RunFolder, unit_id: str) -> str:
    return f"extras/{folder.run_id}/{_checked(unit_id)}.json"


def _page_name(folder: RunFolder, unit_id: str, page: int) -> str:
    return f"extras/{folder.run_id}/{_checked(unit_id)}.{page:06}.jsonl"
