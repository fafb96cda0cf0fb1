"""Flink: embedded in a job server of the run's own, or a cluster; workers are this process or pools beside the slots.

Beam has no job server jar on Maven Central, so one is a folder of jars (templates/flink/pom.xml).
"""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pipelines.engines import flink_rules
from pipelines.engines.built import REMEDY, engines_folder
from pipelines.engines.choice import Asked, RunnerChoice, is_local
from pipelines.engines.flink_rest import cancel_job
from pipelines.engines.free_port import free_port
from pipelines.engines.job_server import EngineCommand, running_server
from pipelines.engines.portable import MODULES, portable_runner
from transforms.core import run_context
from transforms.core.errors import ConfigError
from transforms.core.objects.expansion import absolute
from transforms.core.run_folder import RunFolder

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["MODULES", "NAMES", "choose", "running", "serving"]

RETRIES: Final = "100"  # of a stream; a loss of machines takes one, what always fails takes all in five minutes
RETRY_DELAY_MS: Final = "3000"
NAMES: Final = ("flink", "FlinkRunner")
EMBEDDED_PLACE: Final = "embedded"
SETTINGS: Final = "flink-conf.yaml"
DRIVER: Final = "org.apache.beam.runners.flink.FlinkJobServerDriver"
# What Flink's own start script opens; Kryo and Netty look inside these.
OPENED: Final = (
    "lang",
    "lang.reflect",
    "net",
    "nio",
    "text",
    "time",
    "util",
    "util.concurrent",
    "util.concurrent.atomic",
)
# Our work is done in Python: what makes Java start fast serves better than what makes it run fast (5 s for 14).
JAVA: Final = ("-Xmx1g", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")


def choose(asked: Asked) -> RunnerChoice:
    """Flink, embedded or a cluster; no Beam is imported.

    Args:
        asked: By the command.

    Raises:
        ConfigError: It can't work there (`flink_rules`), no Java, or no jars.
    """
    flags = asked.flags
    flink_rules.refuse_unfit(asked)
    if not flags.job_endpoint:
        _server_words(flags)
    place = flags.job_endpoint or (EMBEDDED_PLACE if flink_rules.is_embedded(flags) else flags.flink_master)
    mode = "loopback" if flink_rules.is_loopback(flags) else "remote"
    drains = mode == "loopback" or (asked.settings.shared_disk and is_local(asked.settings.output or ""))
    flink_rules.refuse_endless(asked, drains=drains)
    marks_at = "" if drains else asked.settings.output or ""
    return RunnerChoice(
        "FlinkRunner",
        1,
        mode,
        "asked for",
        "flink",
        place,
        drains,
        marks_at=marks_at,
        warning=flink_rules.warning_of(asked),
    )


@contextmanager
def serving(choice: RunnerChoice, flags: Any, temp_dir: str) -> Iterator[str]:
    """Runs a job server of the run's own (with Flink inside when embedded), unless one was named.

    Args:
        choice: What `choose` picked.
        flags: Those of the command.
        temp_dir: The run's.

    Yields:
        Where it takes jobs.
    """
    del choice
    if flags.job_endpoint:
        yield flags.job_endpoint
        return
    port, master, embedded = free_port(), flags.flink_master, flink_rules.is_embedded(flags)
    words = [*_server_words(flags, temp_dir), f"--flink-master={'[local]' if embedded else master}"]
    words += ["--job-host=localhost", f"--job-port={port}", "--artifact-port=0", "--expansion-port=0"]
    words += [f"--artifacts-dir={temp_dir}/artifacts"]
    if embedded:
        words.append(f"--flink-conf-dir={_write_settings(temp_dir)}")
    log = Path(temp_dir) / "flink.log"
    with running_server(EngineCommand("Flink", words, port, log, f"Check Java and the jars: {REMEDY}")) as endpoint:
        yield endpoint


@contextmanager
def running(choice: RunnerChoice, options: Any, endpoint: str) -> Iterator[Any]:
    """The runner that submits to Flink's job server.

    Args:
        choice: What `choose` picked.
        options: The pipeline's.
        endpoint: Where the job server takes jobs.
    """
    from pipelines.engines.portable_job import Ending

    place = _web_service(choice, options)
    ending = Ending(
        choice.drains,
        stream_marks=_stream_marks(choice) if choice.streams else None,
        cancel=partial(cancel_job, place) if place else None,
        defaults=_defaults(choice),
    )
    with portable_runner(options, endpoint, ending) as runner:
        yield runner


def _defaults(choice: RunnerChoice) -> dict[str, str | bool]:
    """What a stream needs, where the command doesn't say otherwise; Beam has no say over a bounded job's restarts.

    A checkpoint during the first bundle would keep its output back, and the job stood still. A job whose worker is
    this process would only fail again; on a cluster it goes on from its last checkpoint, but not for ever.
    """
    if not choice.streams:
        return {}
    retries = "0" if choice.mode == "loopback" else RETRIES
    return _checkpoints(choice) | {
        "finish_bundle_before_checkpointing": True,
        "number_of_execution_retries": retries,
        "execution_retry_delay": RETRY_DELAY_MS,
    }


def _checkpoints(choice: RunnerChoice) -> dict[str, str | bool]:
    """An embedded Flink keeps checkpoints in memory, where those of some thousand objects are too large for it."""
    context = run_context.current()
    if choice.place != EMBEDDED_PLACE or context is None:
        return {}
    return {"state_backend": "filesystem", "state_backend_storage_path": f"file://{context.temp_dir}/checkpoints"}


def _stream_marks(choice: RunnerChoice) -> RunFolder:
    """Where workers say that a stream is through: Beam keeps Flink's sources alive, so the job goes on for ever."""
    context = run_context.current()
    assert context is not None
    place = choice.marks_at or context.shared_dir or context.temp_dir
    return RunFolder(absolute(place).rstrip("/"), context.run_id)


def _write_settings(temp_dir: str) -> str:
    """What an embedded Flink is told: where its web service is, by which a job can be ended."""
    folder, port = Path(temp_dir) / "flink", free_port()
    folder.mkdir()
    settings = {
        "rest.address": "127.0.0.1",
        "rest.bind-address": "127.0.0.1",
        "rest.port": port,
        "rest.bind-port": port,
    }
    (folder / SETTINGS).write_text("".join(f"{name}: {value}\n" for name, value in settings.items()))
    return str(folder)


def _web_service(choice: RunnerChoice, options: Any) -> str:
    """Where Flink itself is asked to end a job; "" where only a job server is known (`flink_rules.refuse_endless`)."""
    from apache_beam.options.pipeline_options import FlinkRunnerOptions

    if choice.place == EMBEDDED_PLACE:
        return _rest_address()
    master: str = options.view_as(FlinkRunnerOptions).flink_master
    return "" if master in flink_rules.EMBEDDED else master


def _rest_address() -> str:
    context = run_context.current()
    assert context is not None
    lines = (Path(context.temp_dir) / "flink" / SETTINGS).read_text().splitlines()
    settings = dict(line.split(": ", 1) for line in lines)
    return f"{settings['rest.address']}:{settings['rest.port']}"


def _server_words(flags: Any, temp_dir: str = "") -> list[str]:
    """Java and the job server, without the job server's arguments."""
    java = _java()
    options = [*JAVA, f"-Djava.io.tmpdir={temp_dir}", *_opens()]
    if flags.flink_job_server_jar:
        if not Path(flags.flink_job_server_jar).is_file():
            raise ConfigError(f"--flink_job_server_jar={flags.flink_job_server_jar}: there is no such file")
        return [java, *options, "-jar", flags.flink_job_server_jar]
    jars = engines_folder() / "flink"
    if not next(jars.glob("beam-runners-flink-*.jar"), None):
        raise ConfigError(f"--runner=flink: no jars in {jars}: {REMEDY}, or give --flink_job_server_jar")
    return [java, *options, "-cp", f"{jars}/*", DRIVER]


def _java() -> str:
    home = os.environ.get("JAVA_HOME")
    found = shutil.which("java", path=f"{home}/bin") if home else shutil.which("java")
    if not found:
        raise ConfigError("--runner=flink: no Java on the path: install one (11 or 17), or set JAVA_HOME")
    return found


def _opens() -> list[str]:
    return [f"--add-opens=java.base/java.{name}=ALL-UNNAMED" for name in OPENED]
