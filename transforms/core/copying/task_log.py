"""What a task has to say: outcomes and failures in pieces of its part, and the sums of them.

An item's piece is given by its place in the listing, whenever it ends: two attempts, even at once, write the same items
to the same piece, so the last writer leaves a whole account. A piece is written when its items have ended: held are at
most as many as items are under way, and one. What an earlier attempt told of as done stays done.
"""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Final

from transforms.core.copying.outcome_lines import Item, OutcomeLines, Sums
from transforms.core.run_folder import line_text, plan_line

if TYPE_CHECKING:
    from collections.abc import Iterable

    from transforms.core.run_folder import Line, RunFolder

PIECE_LINES: Final = 2_500  # with 10,000, four tasks at once took 20 MiB more


class _Piece:
    """Some items that stand behind one another in the listing; their lines as texts, a third of the memory."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.planned = self.planned_bytes = self.ended = 0
        self.sums = Sums()


class TaskLog(OutcomeLines):
    """The account of one task. Used by one thread at a time.

    Args:
        folder: The run's.
        unit_id: The task's.
        step: For failures.

    Attributes:
        statuses: Outcomes by status; whole after `close`.
        proofs: Objects by what proved them; whole after `close`.
    """

    def __init__(self, folder: RunFolder, unit_id: str, step: str) -> None:
        super().__init__(step)
        self._folder, self._unit_id = folder, unit_id
        self._items = 0
        self._places: dict[str, int] = {}
        self._pieces: dict[int, _Piece] = {}
        self.statuses = Counter[str]()
        self.proofs = Counter[str]()

    def expect(self, uri: str) -> None:
        """Gives an item its place; in the order of the listing, which is that of every attempt.

        Args:
            uri: Its name at the destination, which no other item of the task has.
        """
        place = self._places[uri] = self._items // PIECE_LINES
        self._items += 1
        self._pieces.setdefault(place, _Piece())

    def plan(self, item: Item) -> None:
        """Counts an object as planned; exactly one of the calls below tells what became of it."""
        if item.uri not in self._places:
            self.expect(item.uri)
        size = max(item.info.size_bytes, 0)
        piece = self._pieces[self._places[item.uri]]
        piece.planned += 1
        piece.planned_bytes += size
        self._tell("plan", 1, size)

    def leave_out(self, uri: str) -> None:
        """Says that what was expected is no part of the run: it is counted nowhere.

        Args:
            uri: As given to `expect`.
        """
        self._end(self._places.pop(uri))

    def close(self, *more: Line) -> None:
        """Writes what is left, and the task's own lines.

        Args:
            more: Lines that are about no item.
        """
        last = self._items // PIECE_LINES  # not yet full, so not yet written
        self._pieces.setdefault(last, _Piece())
        for place in sorted(self._pieces):
            self._write(place, more if place == last else ())
        self._forget(last + 1)
        self._tell_now()

    def _take(self, item: Item, line: Line) -> None:
        place = self._places.pop(item.uri)
        piece = self._pieces[place]
        piece.texts.append(line_text(line))
        piece.sums.count(line)
        self.statuses[line["status"]] += 1
        if "proof" in line:
            self.proofs[line["proof"]] += 1
        self._end(place)

    def _end(self, place: int) -> None:
        self._pieces[place].ended += 1
        if self._pieces[place].ended >= PIECE_LINES:
            self._write(place, ())

    def _take_failure(self, item: Item, line: Line) -> None:
        self._pieces[self._places[item.uri]].texts.append(line_text(line))

    def _write(self, place: int, more: Iterable[Line]) -> None:
        piece, name = self._pieces.pop(place), self._name(place)
        said = self._folder.read_part(name)
        earlier = {line["destination"]: line for line in said if line.get("status") == "done"}
        if earlier:
            piece.texts = [self._kept(text, earlier, piece) for text in piece.texts]
        ends = [plan_line(piece.planned, piece.planned_bytes), piece.sums.line(place), *more]
        self._folder.write_part_texts(name, [*piece.texts, *map(line_text, ends)])

    def _kept(self, text: str, earlier: dict[str, Line], piece: _Piece) -> str:
        """An earlier attempt's word about an object that this one found there already."""
        line = json.loads(text)
        if line.get("status") != "skipped" or line["destination"] not in earlier:
            return text
        kept = {**earlier[line["destination"]], "size_bytes": line["size_bytes"]}
        piece.sums.count(kept)
        self.statuses["skipped"] -= 1
        self.statuses["done"] += 1
        if "proof" in kept:
            self.proofs[kept["proof"]] += 1
        return line_text(kept)

    def _forget(self, place: int) -> None:
        """Empties the pieces of an earlier attempt that had more to tell of."""
        while self._folder.read_part(self._name(place)):
            self._folder.write_part(self._name(place), ())
            place += 1

    def _name(self, place: int) -> str:
        return f"{self._unit_id}.{place:06}"
