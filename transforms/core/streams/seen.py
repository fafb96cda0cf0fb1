"""What a watch has given out, as segments of marks in the run's folder: an engine keeps a name, not a list.

A segment holds marks and the name of the one before it. Each has a random name and is never written again: whatever
an engine goes back to, the name that it kept tells what had been given out by then; no other attempt can change that.
"""

from __future__ import annotations

import json
import secrets
from base64 import b64decode, b64encode
from typing import TYPE_CHECKING, Final, NamedTuple

from transforms.core.errors import PermanentError
from transforms.core.streams.polling import MARK_BYTES

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from transforms.core.run_folder import RunFolder

__all__ = ["NOTHING", "Seen"]

NOTHING: Final = ""  # the name of no segment
_NAME_BYTES: Final = 8


class _Segment(NamedTuple):
    name: str
    marks: frozenset[bytes]


_Chain = tuple[_Segment, ...]  # oldest first; the names of each are found by the last one's
# By stream: the chain that was used last in this process. Chains are values, so whoever holds one may go on with it.
_last_used: dict[str, _Chain] = {}


class Seen:
    """Tells which marks are new after a segment, and writes the next one. Pickles; thread-safe.

    A segment takes in those before it that aren't twice its size: so there are at most log2(N) of them for N marks,
    and a mark is written at most that often. Those that were taken in stay, since an engine may go back to them: they
    stand in `parts/<run id>.seen/`, 22 bytes a mark.

    State: about 100 bytes a mark in the process that polls. Segments are read only where the engine went back or on to
    another process.

    Args:
        folder: The run's; one that all workers reach.
    """

    def __init__(self, folder: RunFolder) -> None:
        self._folder = folder
        self._stream_id = secrets.token_hex(_NAME_BYTES)

    def new(self, after: str, marks: Iterable[bytes]) -> set[bytes]:
        """Those that had not been given out.

        Args:
            after: The name of the newest segment by then.
            marks: Of what is there.

        Raises:
            PermanentError: A segment is gone.
        """
        left = set(marks)
        for segment in self._chain(after):
            left -= segment.marks
        return left

    def add(self, after: str, marks: Collection[bytes]) -> str:
        """Writes a segment, if there is something to write.

        Args:
            after: The name of the newest segment by now.
            marks: Those that are given out beside.

        Returns:
            The name of the newest segment from now on.

        Raises:
            PermanentError: A segment is gone.
        """
        if not marks:
            return after
        before, together = list(self._chain(after)), frozenset(marks)
        while before and len(before[-1].marks) < 2 * len(together):
            together |= before.pop().marks
        name = secrets.token_hex(_NAME_BYTES)
        text = b64encode(b"".join(sorted(together))).decode()
        self._folder.write(self._place(name), json.dumps({"before": _name(before), "marks": text}))
        _last_used[self._stream_id] = (*before, _Segment(name, together))
        return name

    def _chain(self, name: str) -> _Chain:
        known = _last_used.get(self._stream_id, ())
        numbers = {segment.name: number for number, segment in enumerate(known, 1)} | {NOTHING: 0}
        later: list[_Segment] = []
        while name not in numbers:
            segment, name = self._read(name)
            later.insert(0, segment)
        chain = (*known[: numbers[name]], *later)
        _last_used[self._stream_id] = chain
        return chain

    def _read(self, name: str) -> tuple[_Segment, str]:
        text = self._folder.read(self._place(name))
        if text is None:
            place = f"{self._folder.shown}/{self._place(name)}"
            raise PermanentError(
                f"{place} is gone, which says what this stream has given out: leave its folder alone, and name one that"
                " all workers reach; the same command, started again, does what is missing"
            )
        found = json.loads(text)
        marks = b64decode(found["marks"])
        cuts = range(0, len(marks), MARK_BYTES)
        return _Segment(name, frozenset(marks[at : at + MARK_BYTES] for at in cuts)), found["before"]

    def _place(self, name: str) -> str:
        return f"parts/{self._folder.run_id}.seen/{name}.json"


def _name(chain: Collection[_Segment]) -> str:
    return [NOTHING, *(segment.name for segment in chain)][-1]
