"""A run's log: everything goes to a rotating hornbeam.log, little to the console, and no secret to either."""

from __future__ import annotations

import logging
import sys
import threading
from contextlib import contextmanager
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import TYPE_CHECKING, Final

from transforms.core import interrupt
from transforms.core.errors import ConfigError
from transforms.core.scrubbing import ScrubFilter

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipelines.settings import PipelineSettings
    from transforms.core.run_folder import RunFolder

FORMAT: Final = "%(asctime)s - %(levelname)s - %(message)s"
LOGGER: Final = logging.getLogger("hornbeam")
CHATTY: Final = ("apache_beam", "urllib3", "botocore", "google", "grpc")


@contextmanager
def logging_to(folder: RunFolder, settings: PipelineSettings, temp_dir: str) -> Iterator[Path]:
    """Logs to the run's file while the block runs, then puts the program's own logging back.

    Args:
        folder: The run's; on an object store the log is written locally and moved there at the end.
        settings: Level, file, sizes.
        temp_dir: For the log of a run whose folder is no local one.

    Raises:
        ConfigError: The log can't be written.

    Yields:
        The log file.
    """
    path = Path(settings.log_file) if settings.log_file else (folder.local_path or Path(temp_dir)) / "hornbeam.log"
    log = _rotating(path, settings)
    console = logging.StreamHandler(sys.stderr)
    console.addFilter(_for_the_console)
    root = logging.getLogger()
    levels = {name: logging.getLogger(name).level for name in ("", "hornbeam", *CHATTY)}
    for handler in (log, console):
        handler.setFormatter(logging.Formatter(FORMAT))
        handler.addFilter(ScrubFilter())
        root.addHandler(handler)
    _set_levels(settings.log_level)
    before = threading.excepthook
    threading.excepthook = _log_from_thread
    try:
        yield path
    finally:
        threading.excepthook = before
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)
        for handler in (log, console):
            root.removeHandler(handler)
            handler.close()
        if not settings.log_file and folder.local_path is None:
            folder.write_file("hornbeam.log", path)


def _rotating(path: Path, settings: PipelineSettings) -> RotatingFileHandler:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return RotatingFileHandler(
            path, maxBytes=settings.log_max_mb << 20, backupCount=settings.log_backups, encoding="utf-8"
        )
    except OSError as e:
        raise ConfigError(f"the log {path} can't be written ({e.strerror}): name another one with --log_file") from e


def _log_from_thread(thrown: threading.ExceptHookArgs) -> None:
    """What ends a thread of an engine goes to the log, and without its traceback to the console.

    A lost connection ends several threads at once, and the run, which says so: for them the log is enough.
    """
    name = thrown.thread.name if thrown.thread else "a thread"
    error = thrown.exc_value or thrown.exc_type()
    lost = hasattr(error, "code") and hasattr(error, "details")
    level = logging.INFO if lost or interrupt.requested() else logging.ERROR  # being stopped, workers end as they can
    LOGGER.log(level, "%s: %s: %s", name, type(error).__name__, error)
    LOGGER.info("traceback of %s", name, exc_info=error)


def _set_levels(level: str) -> None:
    logging.getLogger().setLevel(level)
    LOGGER.setLevel(level)
    if level != "DEBUG":
        for name in CHATTY:
            logging.getLogger(name).setLevel(max(logging.WARNING, logging.getLevelName(level)))


def _for_the_console(record: logging.LogRecord) -> bool:
    """Only Hornbeam's own words, and of those what a person who waits wants to read."""
    return record.name == "hornbeam" and (record.levelno >= logging.WARNING or getattr(record, "console", False))
