"""A load that kills itself with SIGKILL before its Nth statement: `python -m tests.services.killed_load URI N`.

The password stands in HORNBEAM_TEST_PASSWORD. Prints how many statements a whole load sends.
"""

import os
import signal
import sys

from tests.services.destination_cases import make_chunk, make_spec
from transforms.core.tables.databases.registry import open_destination

SPEC = make_spec(1, mode="upsert", key=("id",), ordered=True, unique=("name",), chunks=4, counted=44)


def chunks():
    """Four chunks of ten records and a reject; ids repeat across chunks, one name does."""
    for number in range(4):
        rows = [(number * 5 + n, f"{number} {n}" if n else "same") for n in range(10)]
        yield make_chunk(number, rows, SPEC, (f'{{"record": {number * 100 + 50}}}',))


def expected_rows() -> list[tuple[int, str]]:
    """The table that a whole load leaves: first `same` stays, then the last record of each id."""
    kept = [
        (n, "same" if number == n == 0 else f"{number} {n}", number)
        for number in range(4)
        for n in range(10)
        if n or not number
    ]
    return sorted({number * 5 + n: (number * 5 + n, name) for n, name, number in kept}.values())


def arm(destination, fatal: int) -> None:
    """Makes the process die before its `fatal`th call of the database."""
    calls = iter(range(1, 1_000_000))

    def armed(name):
        call = getattr(destination, name)

        def counted(*args, **kwargs):
            if next(calls) == fatal:
                os.kill(os.getpid(), signal.SIGKILL)
            return call(*args, **kwargs)

        return counted

    for name in ("_query", "_change", "_begin", "_commit", "_put_rows"):
        setattr(destination, name, armed(name))
    destination.calls = lambda: next(calls) - 1


def main(uri: str, fatal: int) -> None:
    destination = open_destination(uri, os.environ["HORNBEAM_TEST_PASSWORD"])
    destination.open()
    arm(destination, fatal)
    if destination.create_load(SPEC).status != "completed":
        for chunk in chunks():
            destination.write_chunks(SPEC, [chunk])
        destination.publish(SPEC)
    print(destination.calls())
    destination.close()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
