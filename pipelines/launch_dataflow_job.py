"""A Dataflow job, followed to its end: its states, its counters for the bar, its errors, and a Ctrl-C handed on."""

from __future__ import annotations

from threading import Event
from typing import TYPE_CHECKING, Any, Final

from apache_beam.runners.dataflow.dataflow_runner import DataflowRunner

from pipelines.logs import LOGGER
from transforms.core import interrupt, progress
from transforms.core.errors import HornbeamError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

POLL_SECONDS: Final = (1.0, 10.0)  # the first look at a job, and the pace that looking slows down to
STOPPING_SECONDS: Final = 2.0
LAST_WORDS_SECONDS: Final = 30.0  # the service says why a job failed after it says that it did
WELL: Final = ("DONE", "DRAINED", "UPDATED")
COUNTERS: Final = {"done": "items", "records": "rows"}  # of the counters that steps keep, those that the bar shows
STREAMING: Final = 2  # JOB_TYPE_STREAMING


class RemoteJobError(HornbeamError):
    """A job ended as failed, or was cancelled by somebody else."""


class FollowingDataflowRunner(DataflowRunner):  # type: ignore[misc]
    """Beam's, whose result waits our way: Beam's own doesn't hear of a signal, and sees no counter before the end."""

    def run_pipeline(self, *args: Any, **keywords: Any) -> Any:
        """Submits the graph; the result's `wait_until_finish` follows the job, if there is one."""
        result = super().run_pipeline(*args, **keywords)
        result.wait_until_finish = lambda duration=None: _wait(result, duration)
        return result


def _wait(result: Any, _duration: int | None) -> None:
    if result.has_job:  # a template's launcher has none
        follow(RemoteJob(result))


class RemoteJob:
    """A job that was submitted, as `follow` sees it.

    Args:
        result: What Beam's runner returned.
    """

    def __init__(self, result: Any) -> None:
        self._result = result
        self._client = result._runner.dataflow_client  # noqa: SLF001 - Beam offers messages and draining nowhere else
        self.job_id: str = result.job_id()
        self.name: str = result._job.name  # noqa: SLF001
        self.streaming: bool = int(result._job.type_) == STREAMING  # noqa: SLF001

    def state(self) -> str:
        """Its state now: `RUNNING`, `DONE`, `FAILED`."""
        return str(self._result.state)

    def errors(self) -> list[str]:
        """What it says went wrong, oldest first."""
        messages: Iterable[Any]
        messages, _ = self._client.list_messages(self.job_id, minimum_importance="JOB_MESSAGE_ERROR")
        return [str(one.message_text) for one in messages]

    def counters(self) -> dict[tuple[str, str], int]:
        """Its counters by step and name, as attempted so far."""
        counters = self._result.metrics().query()["counters"]
        return {(one.key.step, one.key.metric.name): int(one.attempted or one.committed or 0) for one in counters}

    def stop(self) -> str:
        """Asks it to end: a streaming job finishes what it holds first. Returns what was asked, in a word."""
        if self.streaming:
            self._client.modify_job_state(self.job_id, "JOB_STATE_DRAINING")
            return "drain"
        self._client.modify_job_state(self.job_id, "JOB_STATE_CANCELLED")
        return "cancel"


def follow(job: RemoteJob) -> None:
    """Looks at a job until it has ended: logs its states, feeds the bar, hands a Ctrl-C on.

    | it ends as              | asked to stop | what happens                  |
    |-------------------------|---------------|-------------------------------|
    | DONE, DRAINED, UPDATED  | either        | returns                       |
    | CANCELLED               | yes           | returns                       |
    | CANCELLED               | no            | RemoteJobError                |
    | FAILED                  | either        | RemoteJobError with its error |

    Args:
        job: It runs already.

    Raises:
        RemoteJobError: See above.
    """
    LOGGER.warning("Dataflow job %s (%s) is submitted", job.name, job.job_id)
    pause, last, asked = POLL_SECONDS[0], "", ""
    shown: dict[tuple[str, str], int] = {}
    while True:
        state = job.state()
        if state != last:
            LOGGER.info("job %s: %s", job.job_id, state, extra={"console": True})
            progress.phase(state.lower())
            last = state
        if state in (*WELL, "FAILED", "CANCELLED"):
            break
        shown = _show(job.counters(), shown)
        if interrupt.requested() and not asked:
            asked = job.stop()
            LOGGER.warning("asked Dataflow to %s job %s; waiting for its end", asked, job.job_id)
        _pause(pause, stopping=bool(asked))
        pause = min(pause * 1.5, POLL_SECONDS[1])
    _show(job.counters(), shown)
    _judge(job, last, asked)


def _show(now: dict[tuple[str, str], int], before: dict[tuple[str, str], int]) -> dict[tuple[str, str], int]:
    """Hands what the counters rose by to the bar."""
    for key, value in now.items():
        meaning, rise = COUNTERS.get(key[1]), value - before.get(key, 0)
        if meaning and rise > 0:
            progress.add(**{meaning: rise})
    return now


def _pause(seconds: float, *, stopping: bool) -> None:
    """Waits; a Ctrl-C wakes it up once, after that it waits its time."""
    if stopping:
        Event().wait(min(seconds, STOPPING_SECONDS))
    else:
        interrupt.wait(seconds)


def _judge(job: RemoteJob, state: str, asked: str) -> None:
    if state in WELL or (state == "CANCELLED" and asked):
        return
    if state == "CANCELLED":
        raise RemoteJobError(f"Dataflow job {job.job_id} was cancelled, and not by this command")
    waited = 0.0
    while not (errors := job.errors()) and waited < LAST_WORDS_SECONDS and not interrupt.requested():
        waited += POLL_SECONDS[0]
        interrupt.wait(POLL_SECONDS[0])
    reason = _most_telling(errors) if errors else "it doesn't say why; look at its page"
    raise RemoteJobError(f"Dataflow job {job.job_id} failed: {reason}")


def _most_telling(errors: Sequence[str]) -> str:
    """The error that names a cause: the last one with a traceback, else the last that isn't about attempts."""
    ranked = sorted(errors, key=lambda text: ("Traceback" in text) - ("work item was attempted" in text))
    return ranked[-1]
