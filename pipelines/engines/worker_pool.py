"""Python's share of a Flink cluster: `python -m pipelines.engines.worker_pool [ADDRESS:]PORT` beside each TaskManager.

Beam's own pool listens on every network interface for whoever wants code run; this one on one address, by default
127.0.0.1, so that several can have one port on one machine. Each worker is a process of its own, gone with the pool.
"""

from __future__ import annotations

import atexit
import queue
import signal
import sys
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

_OPTIONS: Final = (
    ("grpc.http2.max_pings_without_data", 0),  # these two as Beam's own pool
    ("grpc.http2.max_ping_strikes", 0),
    ("grpc.so_reuseport", 0),  # a second pool at this address would get some of the workers; it shall fail
)


def address_of(word: str) -> str:
    """Where to listen: `PORT` is on 127.0.0.1.

    Args:
        word: `PORT` or `ADDRESS:PORT`.

    Raises:
        ValueError: There is no port in it.
    """
    host, _, port = word.rpartition(":")
    if not port.isascii() or not port.isdigit() or int(port) > 65_535:
        raise ValueError(f"{word!r} is no [ADDRESS:]PORT, such as 50000 or 10.0.0.7:50000")
    return f"{host or '127.0.0.1'}:{port}"


def start(address: str) -> Any:
    """Starts a pool, and returns its server.

    Args:
        address: `host:port`.

    Raises:
        RuntimeError: Something listens there already, or it is no address of this machine.
    """
    import grpc
    from apache_beam.portability.api import beam_fn_api_pb2_grpc as protocol
    from apache_beam.runners.worker import worker_pool_main as beams
    from apache_beam.utils.thread_pool_executor import shared_unbounded_instance

    pool = beams.BeamFnExternalWorkerPoolServicer(use_process=True, data_buffer_time_limit_ms=-1)
    server = grpc.server(shared_unbounded_instance(), options=_OPTIONS)
    server.add_insecure_port(address)
    protocol.add_BeamFnExternalWorkerPoolServicer_to_server(pool, server)
    server.start()

    def end_workers() -> None:
        for worker in list(pool._worker_processes.values()):  # noqa: SLF001 - as Beam's own pool does at its end
            beams.kill_process_gracefully(worker)

    atexit.register(end_workers)
    return server


def main(argv: Sequence[str]) -> int:
    """Serves until SIGTERM or Ctrl-C; returns 2 when it can't.

    Args:
        argv: The address.
    """
    try:
        [word] = argv
        address = address_of(word)
        # No Event: its lock may be held by the main thread, which the handler interrupts.
        ended: queue.SimpleQueue[int] = queue.SimpleQueue()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda number, _frame: ended.put(number))
        server = start(address)
    except (ValueError, RuntimeError) as error:
        sys.stderr.write(f"worker_pool {' '.join(argv)}: {error}\n")
        return 2
    ended.get()
    server.stop(0)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
