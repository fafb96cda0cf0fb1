"""A quick S3-protocol server on loopback for the benchmarks: the JuiceFS gateway over a folder, its names in badger.

Fast enough that the tools beside it are what is measured; it lacks conditional writes and checksum headers, so the
tests use SeaweedFS. Copies within one server are clones that move no bytes.
"""

from tests.servers.juicefs import run_juicefs_server

__all__ = ["run_juicefs_server"]
