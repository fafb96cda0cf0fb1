"""The log has what happened and no secret; the console stays quiet; files rotate."""

import logging
import re
import threading

import pytest

from pipelines.logs import LOGGER, logging_to
from pipelines.settings import PipelineSettings
from transforms.core.errors import ConfigError
from transforms.core.run_folder import new_run_folder
from transforms.core.scrubbing import remember


def log_of(tmp_path, action, **settings):
    folder = new_run_folder("toy", str(tmp_path / "out"))
    with logging_to(folder, PipelineSettings(**settings), str(tmp_path)) as path:
        action()
    return path


def test_lines_have_time_level_and_message(tmp_path):
    path = log_of(tmp_path, lambda: LOGGER.info("loaded %d rows", 7))
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} - INFO - loaded 7 rows\n", path.read_text())
    assert path == tmp_path / "out" / "hornbeam.log"


def test_a_log_that_can_not_be_written_is_a_wrong_command(tmp_path):
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(ConfigError, match=r"taken/x\.log can't be written \(.*\): name another one with --log_file"):
        log_of(tmp_path, lambda: None, log_file=str(tmp_path / "taken" / "x.log"))


def raise_with_secret():
    try:
        int("tell-nobody-9 at postgresql://u:pw-in-uri@h/d")
    except ValueError:
        LOGGER.exception("it broke")


def test_secrets_are_in_no_line_and_no_traceback(tmp_path, capfd):
    remember("tell-nobody-9")
    text = log_of(tmp_path, raise_with_secret).read_text() + capfd.readouterr().err
    assert "ValueError" in text
    assert "tell-nobody-9" not in text
    assert "pw-in-uri" not in text


LEVELS = [("DEBUG", 4), ("INFO", 3), ("WARNING", 2), ("ERROR", 1)]


@pytest.mark.parametrize(("level", "count"), LEVELS)
def test_the_level_decides_what_is_written(tmp_path, level, count):
    def talk():
        for name in ("DEBUG", "INFO", "WARNING", "ERROR"):
            LOGGER.log(logging.getLevelName(name), "said")

    assert log_of(tmp_path, talk, log_level=level).read_text().count("said") == count


def test_the_engines_chatter_is_left_out_unless_debugging(tmp_path):
    def chat():
        logging.getLogger("apache_beam.runners").info("chatter")

    assert "chatter" not in log_of(tmp_path / "a", chat).read_text()
    assert "chatter" in log_of(tmp_path / "b", chat, log_level="DEBUG").read_text()


def test_the_console_gets_warnings_of_ours_and_lines_meant_for_it(tmp_path, capfd):
    def talk():
        LOGGER.info("for the file")
        LOGGER.info("for the eyes", extra={"console": True})
        LOGGER.warning("take care")
        logging.getLogger("apache_beam").error("the engine's trouble")

    log_of(tmp_path, talk)
    shown = capfd.readouterr()
    assert shown.out == ""
    assert [line.split(" - ")[-1] for line in shown.err.splitlines()] == ["for the eyes", "take care"]


def test_a_full_log_rotates_and_old_ones_go(tmp_path):
    def much():
        for _ in range(3500):
            LOGGER.info("x" * 1000)

    path = log_of(tmp_path, much, log_max_mb=1, log_backups=2)
    assert sorted(one.name for one in path.parent.iterdir()) == ["hornbeam.log", "hornbeam.log.1", "hornbeam.log.2"]
    assert all(one.stat().st_size <= 1 << 20 for one in path.parent.iterdir())


def test_another_file_may_be_named(tmp_path):
    wanted = tmp_path / "logs" / "mine.log"
    assert log_of(tmp_path, lambda: LOGGER.info("here"), log_file=str(wanted)) == wanted
    assert "here" in wanted.read_text()


def test_the_programs_logging_is_put_back(tmp_path):
    before = list(logging.getLogger().handlers), logging.getLogger("apache_beam").level
    log_of(tmp_path, lambda: None)
    assert (list(logging.getLogger().handlers), logging.getLogger("apache_beam").level) == before


def end_a_thread():
    thread = threading.Thread(target=lambda: int("worker gone"), name="run_worker")
    thread.start()
    thread.join()


def test_what_ends_a_thread_of_an_engine_is_logged_and_no_traceback_reaches_the_console(tmp_path, capfd):
    before = threading.excepthook
    text = log_of(tmp_path, end_a_thread).read_text()
    assert threading.excepthook is before
    shown = capfd.readouterr().err
    assert "ERROR - run_worker: ValueError: " in shown
    assert "Traceback" not in shown
    assert "Traceback" in text
