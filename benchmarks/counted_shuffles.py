"""`python -m benchmarks.counted_shuffles FILE copy …`: hornbeam's command, and how much went through its shuffles.

On this machine's runner, where everything that a graph groups by key passes one class in the driver, as bytes, whatever
process made it. The file gets JSON: elements and bytes.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from pipelines import running
from pipelines.__main__ import console

counted = {"elements": 0, "bytes": 0}


def count() -> None:
    """Counts from now on. Beam must be imported: earlier, the command couldn't leave out what it doesn't need of it."""
    from apache_beam.runners.portability.fn_api_runner.execution import GroupingBuffer

    append = GroupingBuffer.append

    def counting(buffer: GroupingBuffer, elements_data: bytes) -> None:
        before = sum(map(len, buffer._table.values()))  # noqa: SLF001 - told nowhere else
        append(buffer, elements_data)
        counted["elements"] += sum(map(len, buffer._table.values())) - before  # noqa: SLF001
        counted["bytes"] += len(elements_data)

    GroupingBuffer.append = counting


def main() -> int:
    """Runs the command; returns its exit code."""
    target, sys.argv = sys.argv[1], ["hornbeam", *sys.argv[2:]]
    launch = running.launch

    def launched(*args: Any, **more: Any) -> None:
        count()
        launch(*args, **more)

    running.launch = launched
    code = console()
    Path(target).write_text(json.dumps(counted))
    return code


if __name__ == "__main__":
    sys.exit(main())
