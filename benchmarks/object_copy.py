"""`hornbeam copy` beside s5cmd and rclone, in one run, on the same objects and the same servers; prints ratios.

    TMPDIR=/dev/shm python benchmarks/object_copy.py [within] [between] [again] [memory] [--peers_only]

within: on one server. between: from one server to another. again: nothing left to copy. memory: above idle Beam.
JuiceFS copies within itself by cloning, which moves no bytes; `--near seaweedfs` takes a server that does move them.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.measuring import ROOT, Measure, end_by_sigterm, idle_mib, line, measure, middle
from benchmarks.object_copy_places import BUCKETS, SERVERS, ObjectSet, Places, running_places

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

SMALL_BYTES, LARGE_BYTES, TINY_BYTES = 64 * 1024, 32 * 1024 * 1024, 1024
NO_TARGET = 99


def passes(name: str, run: Measure) -> None:
    """Says what one of our runs cost."""
    processor = run.summary["memory"]["cpu_seconds"]
    print(f"    {name}: whole {run.seconds:.2f} s, graph {run.graph_seconds:.2f} s,", end=" ")
    print(f"processor {processor:.2f} s, peak {run.peak_mib:.0f} MiB", flush=True)


def beam_seconds(repeats: int) -> float:
    """How long it takes to import Beam and do nothing."""
    return median(measure([sys.executable, "-c", "import apache_beam"]).seconds for _ in range(repeats))


class Both(NamedTuple):
    """A peer and us at the same work.

    Attributes:
        peer: The peer's median run.
        ours: Our median run.
        whole: Our median time for the whole command.
    """

    peer: Measure
    ours: Measure
    whole: float


class Bench(NamedTuple):
    """How everything is compared.

    Attributes:
        places: Two servers.
        repeats: Runs of each.
        peers_only: Whether we are left out.
    """

    places: Places
    repeats: int
    peers_only: bool

    def beside(
        self, program: str, what: str, theirs: Callable[[int], Measure], ours: Callable[[int], Measure]
    ) -> Both | None:
        """Runs a peer and us in turn, so that what disturbs the machine disturbs both; None when we are left out.

        Every other time we go first: a server that has just taken a set is slower with the next one.
        """
        peers, mine = [], []
        for number in range(self.repeats):
            if not self.peers_only and number % 2:
                mine.append(ours(number))
            peers.append(theirs(number))
            if not self.peers_only and not number % 2:
                mine.append(ours(number))
        best = middle(peers)
        print(f"    {program}, {what}: {best.seconds:.2f} s, peak {best.peak_mib:.0f} MiB", flush=True)
        if not mine:
            return None
        passes(what, middle(mine))
        return Both(best, middle(mine), median(run.seconds for run in mine))


def within(bench: Bench, sets: Iterable[ObjectSet]) -> None:
    """On one server: the server copies, no byte comes here."""
    start = 0.0 if bench.peers_only else beam_seconds(bench.repeats)
    for objects in sets:
        what, source = f"one server, {objects}", f"s3://{BUCKETS[0]}/{objects.name}/*"
        both = bench.beside(
            "s5cmd cp",
            what,
            lambda at, one=objects, source=source: bench.places.s5cmd(
                "cp", source, f"s3://{BUCKETS[1]}/s5cmd-{one.name}-{at}/"
            ),
            lambda at, one=objects: bench.places.ours(one, f"ours-{one.name}-{at}", within=True),
        )
        if both is None:
            continue
        seconds, graph = both.peer.seconds, both.ours.graph_seconds
        if objects.name == "many":
            line(f"{what}: whole command / s5cmd cp", both.whole, seconds, 1.1)
            line(f"{what}: graph / s5cmd cp", graph, seconds, NO_TARGET)
        else:
            line(f"{what}: graph / s5cmd cp", graph, seconds, 1.1)
            line(f"{what}: whole / (s5cmd + 2 x import)", both.whole, seconds + 2 * start, 1)


def between(bench: Bench, sets: Iterable[ObjectSet]) -> None:
    """From one server to another: every byte goes through the worker, and is verified."""
    targets = {"small": 0.7, "large": 1.0, "many": 0.7}
    for objects in sets:
        what = f"two servers, {objects}"
        both = bench.beside(
            "rclone copy --transfers 16",
            what,
            lambda at, one=objects: bench.places.rclone(one, f"rclone-{one.name}-{at}"),
            lambda at, one=objects: bench.places.ours(one, f"between-{one.name}-{at}", within=False),
        )
        if both is not None:
            line(f"{what}: whole command / rclone", both.whole, both.peer.seconds, targets[objects.name])
            line(f"{what}: graph / rclone", both.ours.graph_seconds, both.peer.seconds, NO_TARGET)


def again(bench: Bench, objects: ObjectSet) -> None:
    """A second run of the same, which finds nothing to do."""
    places, what = bench.places, f"nothing to do, {objects}"
    sync = ("sync", f"s3://{BUCKETS[0]}/{objects.name}/*", f"s3://{BUCKETS[1]}/sync/")
    places.s5cmd(*sync)
    if not bench.peers_only:
        places.ours(objects, "again", within=True)
    both = bench.beside(
        "s5cmd sync", what, lambda _: places.s5cmd(*sync), lambda _: places.ours(objects, "again", within=True, done=0)
    )
    if both is not None:
        line(f"{what}: graph / s5cmd sync", both.ours.graph_seconds, both.peer.seconds, 1.0)


def memory(places: Places, large: ObjectSet, keys: list[ObjectSet]) -> None:
    """Memory above an idle Beam process: with large objects, and with few and many keys."""
    idle = idle_mib()
    print(f"    idle `import apache_beam`: {idle:.0f} MiB")
    for server, inside in (("one server", True), ("two servers", False)):
        run = places.ours(large, f"memory-large-{inside}", within=inside)
        passes(f"memory, {server}, {large}", run)
        line(f"{server}, {large}: MiB above idle / 200", run.peak_mib - idle, 200, 1, "MiB")
        peaks = []
        for objects in keys:
            run = places.ours(objects, f"memory-{objects.name}-{inside}", within=inside)
            passes(f"memory, {server}, {objects}", run)
            peaks.append(run.peak_mib)
        counts = f"{min(keys, key=lambda one: one.count)} to {max(keys, key=lambda one: one.count)}"
        # Of whole peaks: these lie below a process that imports all of Beam.
        line(f"{server}, {counts}: most / least", max(peaks), min(peaks), 1.15, "MiB")


def main() -> None:
    """Runs the parts that were asked for, or all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    known = ["within", "between", "again", "memory"]
    parser.add_argument("parts", nargs="*", choices=[*known, []])
    parser.add_argument("--peers_only", "--peers-only", action="store_true", help="leave hornbeam out (and memory)")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--small", type=int, default=2000, help="objects of 64 KiB")
    parser.add_argument("--large", type=int, default=40, help="objects of 32 MiB")
    parser.add_argument("--many", type=int, default=20_000, help="objects of 64 KiB; 0 for none")
    parser.add_argument("--keys", default="2000,100000", help="objects of 1 KiB, for memory")
    parser.add_argument("--near", choices=[*SERVERS], default="juicefs", help="the first server")
    options = parser.parse_args()
    parts = [part for part in options.parts or known if not (options.peers_only and part == "memory")]
    small = ObjectSet("small", options.small, SMALL_BYTES)
    large = ObjectSet("large", options.large, LARGE_BYTES)
    many = ObjectSet("many", options.many, SMALL_BYTES)
    sets = [one for one in (small, large, many) if one.count]
    keys = [ObjectSet(f"keys-{count}", int(count), TINY_BYTES) for count in options.keys.split(",")]
    needed = {"within": sets, "between": sets, "again": [many if many.count else small], "memory": [large, *keys]}
    end_by_sigterm()
    with contextlib.chdir(ROOT):
        for part in parts:  # each on servers of its own: copies pile up there, and may lie in memory
            with running_places(options.near) as places:
                for objects in needed[part]:
                    places.fill(objects)
                bench = Bench(places, options.repeats, options.peers_only)
                match part:
                    case "within":
                        within(bench, needed[part])
                    case "between":
                        between(bench, needed[part])
                    case "again":
                        again(bench, *needed[part])
                    case "memory":
                        memory(places, large, keys)


if __name__ == "__main__":
    main()
