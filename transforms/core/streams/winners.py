"""Which of a stream's parts tells what became of an object, where an engine that restarted made several tell of it."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from transforms.core.run_folder import Line

RANKS: Final = {"done": 4, "skipped": 3, "failed": 2, "not_started": 1}


class Winners:
    """The best outcome of each object's version counts, once: done, else skipped, else failed, else not started.

    Among equals the last part's. Memory: about 130 bytes an object.
    """

    def __init__(self) -> None:
        self._best: dict[bytes, tuple[int, int]] = {}

    def see(self, part: int, line: Line) -> None:
        """Takes note of an outcome.

        Args:
            part: The number of the part in which it stands.
            line: Has `of`, the object's identity, and `status`.
        """
        identity = _digest(line["of"])
        here = RANKS[line["status"]], part
        self._best[identity] = max(here, self._best.get(identity, here))

    def tells(self, part: int, line: Line) -> bool:
        """Whether a line counts: those of no object do, those of an object where its best outcome stands.

        Args:
            part: The number of the part in which it stands.
            line: Any line of it.
        """
        return "of" not in line or self._best.get(_digest(line["of"]), (0, part))[1] == part


def _digest(identity: str) -> bytes:
    return hashlib.blake2b(identity.encode("utf-8", "surrogatepass"), digest_size=16).digest()
