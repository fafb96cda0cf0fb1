"""A Flink cluster's own web service, for what Beam's job server doesn't do: end a job that the cluster runs.

Beam's cancelling breaks off its own waiting and leaves the job on the cluster.
"""

from __future__ import annotations

import http.client
import json
import time
from typing import Any, Final

from transforms.core.errors import HornbeamError

TIMEOUT_SECONDS: Final = 30.0
_LOOK_SECONDS: Final = 0.1
ENDED: Final = ("FINISHED", "CANCELED", "FAILED")


class FlinkAnswerError(HornbeamError):
    """The cluster's web service said no."""


class FlinkGoneError(FlinkAnswerError):
    """Nobody answers there."""


def cancel_job(master: str, name: str) -> None:
    """Cancels the jobs of that name and waits until they have ended; one that has ended already is fine.

    Args:
        master: `host:port` of the cluster's web service.
        name: The job's.

    Raises:
        FlinkAnswerError: It didn't take it.
    """
    for job in _running(master, name):
        _asked(master, "PATCH", f"/jobs/{job}?mode=cancel")
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while jobs := _still_running(master, name):
        if time.monotonic() > deadline:
            raise FlinkAnswerError(f"Flink at {master} still runs {name} ({', '.join(jobs)}) after being asked to stop")
        time.sleep(_LOOK_SECONDS)


def _running(master: str, name: str) -> list[str]:
    jobs = _asked(master, "GET", "/jobs/overview")["jobs"]
    return [job["jid"] for job in jobs if job["name"] == name and job["state"] not in ENDED]


def _still_running(master: str, name: str) -> list[str]:
    try:
        return _running(master, name)
    except FlinkGoneError:  # an embedded Flink ends with its job
        return []


def _asked(master: str, method: str, path: str) -> Any:
    connection = http.client.HTTPConnection(master, timeout=TIMEOUT_SECONDS)
    try:
        connection.request(method, path)
        answer = connection.getresponse()
        body = answer.read()
    except (OSError, http.client.HTTPException) as e:
        raise FlinkGoneError(f"Flink at {master} doesn't answer {method} {path}: {e}; cancel the job there") from e
    finally:
        connection.close()
    if answer.status >= 400:
        raise FlinkAnswerError(f"Flink at {master} answers {method} {path} with {answer.status}; cancel the job there")
    return json.loads(body or b"{}")
