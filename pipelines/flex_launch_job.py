"""A launched template's job, started and watched through gcloud, which holds the credentials for that here."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from datetime import UTC, datetime
from threading import Event
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from pipelines.flex_launch_account import account_for
from pipelines.launch_dataflow_rules import flags_of
from transforms.core import interrupt
from transforms.core.errors import HornbeamError
from transforms.core.scrubbing import scrub
from transforms.core.summary import RunError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipelines.flex_launch_command import Launch

POLL_SECONDS: Final = (2.0, 20.0)  # between two looks at a job: at first, and what it slows down to
STOPPING_SECONDS: Final = 5.0
ENDED: Final = tuple(f"JOB_STATE_{word}" for word in ("DONE", "DRAINED", "CANCELLED", "UPDATED", "FAILED"))


class GcloudError(HornbeamError):
    """A gcloud command failed; with what it said."""


class AccountUnreachableError(HornbeamError):
    """A job has ended, and what its workers left can't be read or merged from this machine."""


class End(NamedTuple):
    """How a job ended.

    Attributes:
        state: Without `JOB_STATE_`.
        asked: Whether this command asked for its end.
        error: What it says went wrong; "" when nothing did.
    """

    state: str
    asked: bool
    error: str

    @property
    def problem(self) -> RunError | None:
        """What makes the run a failed one.

        | it ended as             | asked to stop | problem   |
        |-------------------------|---------------|-----------|
        | DONE, DRAINED, UPDATED  | either        | none      |
        | CANCELLED               | yes           | none      |
        | CANCELLED               | no            | cancelled |
        | FAILED                  | either        | its error |
        """
        if self.state == "FAILED":
            return RunError("RemoteJobError", self.error or "the job failed; its page says more")
        if self.state == "CANCELLED" and not self.asked:
            return RunError("RemoteJobError", "the job was cancelled, and not by this command")
        return None


def launch_and_follow(launch: Launch, line: Sequence[str]) -> int:
    """Starts the job, looks at it until it has ended, and makes its account; Ctrl-C asks for its end, and says how.

    Args:
        launch: What is started.
        line: The command that starts it.

    Returns:
        The exit code: that of the run's account.

    Raises:
        GcloudError: gcloud can't launch, or lost sight of the job.
        AccountUnreachableError: The job has ended, and `--output` can't be reached from here.
    """
    interrupt.reset()
    started, clock = datetime.now(UTC), time.monotonic()
    with interrupt.handling(lambda: None):
        job = gcloud(line)["job"]["id"]
        _say(f"job {launch.job_name} ({job}) is launched; its account will be in {launch.settings.output}")
        end = _follow(launch, job)
        seconds = time.monotonic() - clock
        try:
            return account_for(launch, started, seconds, end.problem)
        except HornbeamError as error:
            raise AccountUnreachableError(
                f"job {job} ended as {end.state}, but its account in {launch.settings.output} can't be made from here: "
                f"{error}. Give this machine access to it (gcloud auth application-default login)"
            ) from error


def _follow(launch: Launch, job: str) -> End:
    pause, last, asked = POLL_SECONDS[0], "", False
    while True:
        shown = gcloud(_about("describe", job, launch))
        state = str(shown.get("currentState", "JOB_STATE_UNKNOWN"))
        if state != last:
            _say(f"job {job}: {state.removeprefix('JOB_STATE_')}")
            last = state
        if state in ENDED:
            return End(state.removeprefix("JOB_STATE_"), asked, _errors(launch, job, state))
        if interrupt.requested() and not asked:
            verb = "drain" if shown.get("type") == "JOB_TYPE_STREAMING" else "cancel"
            gcloud(_about(verb, job, launch))
            _say(f"asked Dataflow to {verb} job {job}; waiting for its end")
            asked = True
        if asked:
            Event().wait(STOPPING_SECONDS)
        else:
            interrupt.wait(pause)
        pause = min(pause * 1.5, POLL_SECONDS[1])


def gcloud(line: Sequence[str]) -> Any:
    """Runs a gcloud command in a session of its own (Ctrl-C here must not end it), and reads its JSON answer.

    Args:
        line: The command; with `--format=json`.

    Raises:
        GcloudError: It failed; with the last of what it said.
    """
    ended = subprocess.run(
        list(line), stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, start_new_session=True
    )
    if ended.returncode:
        said = " ".join(scrub(ended.stderr).split())
        raise GcloudError(f"{' '.join(line[:4])} ended with {ended.returncode}: {said[-2000:]}")
    return json.loads(ended.stdout or "null")


def _about(verb: str, job: str, launch: Launch) -> list[str]:
    flags = flags_of(launch.beam_args)
    where = [f"--project={flags.project}", f"--region={flags.region}"]
    return ["gcloud", "dataflow", "jobs", verb, job, *where, "--format=json"]


def _errors(launch: Launch, job: str, state: str) -> str:
    """What a failed job says went wrong; its page knows where gcloud's beta commands aren't installed."""
    if state != "JOB_STATE_FAILED":
        return ""
    flags = flags_of(launch.beam_args)
    line = ["gcloud", "beta", "dataflow", "logs", "list", job, "--importance=error", "--format=json"]
    page = f"https://console.cloud.google.com/dataflow/jobs/{flags.region}/{job}?project={flags.project}"
    try:
        said = gcloud([*line, f"--project={flags.project}", f"--region={flags.region}"])
    except GcloudError as error:
        return f"the job failed; {page} says why (its messages can't be read from here: {error})"
    texts = [str(one.get("messageText", "")) for one in said]
    telling = sorted(texts, key=lambda text: ("Traceback" in text) - ("work item was attempted" in text))
    return telling[-1].strip() if telling else f"the job failed; {page} says more"


def _say(text: str) -> None:
    sys.stderr.write(f"{datetime.now(UTC):%H:%M:%S} {text}\n")
    sys.stderr.flush()
