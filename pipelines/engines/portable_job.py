"""Beam's client of a job service, with what it lacks: a job's name, its end from outside, no limit to how long it runs.

Imports Beam: engines import it when they run.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from apache_beam.portability.api import beam_job_api_pb2 as protocol
from apache_beam.runners.portability.portable_runner import JobServiceHandle, PortableRunner

from transforms.core import interrupt, run_context
from transforms.core.errors import HornbeamError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from transforms.core.run_folder import RunFolder

_LOOK_SECONDS: Final = 0.2


class Ending(NamedTuple):
    """How a job ends that its engine doesn't end.

    Attributes:
        drains: Whether all workers learn of a signal by themselves; else the job is cancelled.
        stream_marks: Where the workers say that a stream is through; None where the engine ends such a job.
        cancel: Called with the job's name beside the job service's own cancelling.
        defaults: The engine's own options, where the command doesn't give them.
    """

    drains: bool
    stream_marks: RunFolder | None = None
    cancel: Callable[[str], None] | None = None
    defaults: Mapping[str, str | bool] = MappingProxyType({})


def job_name() -> str:
    """What this run's job is called on an engine's pages."""
    context = run_context.current()
    return f"hornbeam-{context.run_id}" if context else "hornbeam"


class _Handle(JobServiceHandle):  # type: ignore[misc]
    def __init__(self, job_service: Any, options: Any, defaults: Mapping[str, str | bool]) -> None:
        super().__init__(job_service, options)
        self._defaults = defaults
        self.timeout = None  # meant for an answer, but Prism's stream of states is one: after 300 s a run would fail

    def prepare(self, proto_pipeline: Any) -> Any:
        """As Beam's, whose jobs are all called `job`."""
        options = self.get_pipeline_options()
        options["beam:option:job_name:v1"] = job_name()
        for name, value in self._defaults.items():
            key = f"beam:option:{name}:v1"
            if key not in options or value is True:  # a switch that isn't given stands there as False
                options[key] = value
        request = protocol.PrepareJobRequest(job_name=job_name(), pipeline=proto_pipeline, pipeline_options=options)
        return self.job_service.Prepare(request)


class JobRunner(PortableRunner):  # type: ignore[misc]
    """Submits to a job service; its job can be ended from another thread.

    Args:
        ending: How.
    """

    def __init__(self, ending: Ending) -> None:
        super().__init__()
        self._ending = ending
        self._jobs: list[Any] = []
        self._is_through = False

    def create_job_service_handle(self, job_service: Any, options: Any) -> JobServiceHandle:
        """The client."""
        return _Handle(job_service, options, self._ending.defaults)

    def run_pipeline(self, pipeline: Any, options: Any) -> Any:
        """Adds to a stream what says that it is through, and submits it."""
        if self._ending.stream_marks is not None:
            from transforms.stream_end import add_end

            add_end(pipeline, self._ending.stream_marks)
        return super().run_pipeline(pipeline, options)

    def run_portable_pipeline(self, pipeline: Any, options: Any) -> Any:
        """Submits the graph; its result waits as Beam's does, but takes being cancelled when through for a good end."""
        result = super().run_portable_pipeline(pipeline, options)
        wait = result.wait_until_finish

        def wait_until_finish(duration: int | None = None) -> Any:
            try:
                return wait(duration)
            except Exception:
                if not self._is_through:
                    raise
                return "DONE"

        result.wait_until_finish = wait_until_finish
        self._jobs.append(result)
        return result

    def look(self) -> bool:
        """Ends the job if it is time to; whether it did.

        | the stream is through | asked to stop | the workers learn of that | then                     |
        |-----------------------|---------------|---------------------------|--------------------------|
        | no                    | no            |                           | nothing                  |
        | no                    | yes           | yes                       | nothing: it drains       |
        | no                    | yes           | no                        | cancelled                |
        | yes                   |               |                           | cancelled, as a good end |
        """
        if not self._jobs:
            return False
        marks = self._ending.stream_marks
        if marks is not None and _is_marked(marks):
            self._is_through = True
        elif self._ending.drains or not interrupt.requested():
            return False
        if self._ending.cancel is None:
            self._jobs[0].cancel()
        else:
            self._ending.cancel(job_name())
        return True


def _is_marked(marks: RunFolder) -> bool:
    from transforms.stream_end import end_name

    return marks.read(end_name(marks)) is not None


@contextmanager
def ending_runner(ending: Ending) -> Iterator[JobRunner]:
    """A runner whose job is ended while the block runs, when it is time to.

    Args:
        ending: How.
    """
    runner = JobRunner(ending)
    if ending.drains and ending.stream_marks is None:
        yield runner
        return
    over = threading.Event()

    def watch() -> None:
        while not over.wait(_LOOK_SECONDS):
            try:
                if runner.look():
                    return
            except HornbeamError:
                continue  # who isn't reached now is asked again at the next look: nothing else would end the job

    watcher = threading.Thread(target=watch, name="hornbeam-end", daemon=True)
    watcher.start()
    try:
        yield runner
    finally:
        over.set()
        watcher.join()
