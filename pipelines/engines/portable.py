"""Graphs on an engine that speaks Beam's job protocol: submitted to its endpoint, worked by this process (LOOPBACK).

Beam's own LOOPBACK listens on every network interface for whoever wants code run; this one on 127.0.0.1 only.
"""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, Final

from transforms.core import interrupt
from transforms.core import pool as work_pools

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipelines.engines.portable_job import Ending

MODULES: Final = ("apache_beam.runners.portability.portable_runner", "apache_beam.runners.worker.sdk_worker")


@contextmanager
def portable_runner(options: Any, endpoint: str, ending: Ending) -> Iterator[Any]:
    """The runner that submits to an endpoint; without `--environment_type` this process is the worker.

    Args:
        options: The pipeline's; endpoint and environment are set here.
        endpoint: `host:port` of the job service.
        ending: How a job ends that the engine doesn't end.
    """
    from apache_beam.options.pipeline_options import PortableOptions

    from pipelines.engines.portable_job import ending_runner

    portable = options.view_as(PortableOptions)
    with ExitStack() as stack:
        if not portable.environment_type or portable.environment_type.upper() == "LOOPBACK":
            portable.environment_type = "EXTERNAL"
            portable.environment_config = stack.enter_context(_this_process(options))
        portable.job_endpoint = endpoint
        runner = stack.enter_context(ending_runner(ending))
        try:
            yield runner
        except BaseException:
            interrupt.give_up()  # bundles of a job that has failed would go on behind the account
            work_pools.wait_until_idle()
            raise


@contextmanager
def _this_process(options: Any) -> Iterator[str]:
    """Works what an engine on this machine sends, in threads of this process."""
    import grpc
    from apache_beam.options.pipeline_options import DebugOptions
    from apache_beam.portability.api import beam_fn_api_pb2_grpc as protocol
    from apache_beam.runners.worker import sdk_worker_main as worker
    from apache_beam.runners.worker.worker_pool_main import BeamFnExternalWorkerPoolServicer
    from apache_beam.utils.thread_pool_executor import shared_unbounded_instance

    experiments = options.view_as(DebugOptions).experiments or []
    pool = BeamFnExternalWorkerPoolServicer(
        state_cache_size=worker._get_state_cache_size_bytes(options=options),  # noqa: SLF001 - as Beam's LOOPBACK
        data_buffer_time_limit_ms=worker._get_data_buffer_time_limit_ms(experiments),  # noqa: SLF001
    )
    server = grpc.server(shared_unbounded_instance())
    port = server.add_insecure_port("127.0.0.1:0")
    protocol.add_BeamFnExternalWorkerPoolServicer_to_server(pool, server)
    server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        server.stop(1).wait()
