"""A signal sets a mark, nothing else; waiting ends soon, and worker processes learn of it by the stop file."""

import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext

import pytest

from transforms.core import interrupt, run_context
from transforms.core.errors import InterruptedRunError
from transforms.core.run_context import RunContext


@pytest.fixture(autouse=True)
def _fresh():
    interrupt.reset()
    yield
    interrupt.reset()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_only_sets_the_mark_and_handlers_are_put_back(number):
    before = signal.getsignal(number)
    with interrupt.handling(lambda: None):
        assert interrupt.requested() == 0
        os.kill(os.getpid(), number)
        assert interrupt.requested() == number
    assert signal.getsignal(number) == before


def test_the_first_signal_decides():
    interrupt.request(signal.SIGTERM)
    interrupt.request(signal.SIGINT)
    assert interrupt.requested() == signal.SIGTERM


def test_waiting_ends_soon_after_the_request():
    started = time.monotonic()
    threading.Timer(0.05, interrupt.request, [signal.SIGINT]).start()
    assert interrupt.wait(30) == signal.SIGINT
    assert time.monotonic() - started < 20


def test_check_raises_with_the_signals_name():
    interrupt.check()
    interrupt.request(signal.SIGTERM)
    with pytest.raises(InterruptedRunError, match="SIGTERM"):
        interrupt.check()


def test_outside_the_main_thread_the_programs_handlers_stay():
    before = signal.getsignal(signal.SIGTERM)
    seen = []

    def in_thread():
        with interrupt.handling(lambda: None):
            seen.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=in_thread)
    thread.start()
    thread.join()
    assert seen == [before]


def test_a_worker_process_learns_of_the_request_from_the_stop_file(tmp_path):
    code = "from transforms.core import interrupt; print('up', flush=True); print(interrupt.wait(60))"
    with run_context.active(RunContext("run", os.getpid(), str(tmp_path))):
        worker = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
        assert worker.stdout.readline() == "up\n"
        interrupt.request(signal.SIGTERM)
        assert worker.communicate(timeout=120)[0] == f"{int(signal.SIGTERM)}\n"


def test_what_is_being_finished_does_not_see_a_request_but_sees_that_the_run_was_given_up():
    interrupt.request(signal.SIGTERM)
    with interrupt.finishing():
        with interrupt.finishing():
            interrupt.check()
        assert (interrupt.requested(), interrupt.wait(0), interrupt.signalled()) == (0, 0, signal.SIGTERM)
        interrupt.give_up()
        assert interrupt.requested() == signal.SIGTERM
    interrupt.reset()
    interrupt.request(signal.SIGINT)
    assert interrupt.requested() == signal.SIGINT


@pytest.mark.parametrize("finishing", [True, False])
def test_work_that_is_handed_to_another_thread_sees_of_a_request_what_its_giver_sees(finishing):
    interrupt.request(signal.SIGINT)
    with interrupt.finishing() if finishing else nullcontext():
        look = interrupt.carried(lambda more: interrupt.requested() + more)
    with ThreadPoolExecutor(1) as threads:
        assert threads.submit(look, 100).result() == (100 if finishing else 100 + signal.SIGINT)
        assert threads.submit(interrupt.requested).result() == signal.SIGINT, "the thread itself is as before"


def test_a_worker_that_finishes_its_work_learns_from_the_stop_file_that_the_run_was_given_up(tmp_path):
    code = (
        "from transforms.core import interrupt; print(interrupt.wait(60), flush=True)\n"
        "with interrupt.finishing(): print(interrupt.requested(), flush=True); print(interrupt.wait(60))"
    )
    with run_context.active(RunContext("run", os.getpid(), str(tmp_path))):
        worker = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
        interrupt.request(signal.SIGINT)
        assert [worker.stdout.readline(), worker.stdout.readline()] == [f"{int(signal.SIGINT)}\n", "0\n"]
        interrupt.give_up()
        assert worker.communicate(timeout=120)[0] == f"{int(signal.SIGTERM)}\n"


def test_a_second_signal_ends_the_process_at_once_after_ending_its_children():
    code = (
        "import signal, sys, time; from transforms.core import interrupt\n"
        "with interrupt.handling(lambda: print('children ended', flush=True)):\n"
        "    print('up', flush=True)\n"
        "    while not interrupt.requested(): time.sleep(0.01)\n"
        "    print('asked', flush=True); time.sleep(60)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "up\n"
    process.send_signal(signal.SIGTERM)
    assert process.stdout.readline() == "asked\n"
    process.send_signal(signal.SIGINT)
    assert process.communicate(timeout=120)[0] == "children ended\n"
    assert process.returncode == 130


def test_a_worker_that_ends_ignores_a_late_signal():
    """Else the interpreter, while it ends, puts the default action back, and Ctrl-C kills the worker."""
    code = (
        "import atexit, signal\n"
        "atexit.register(lambda: print(signal.getsignal(signal.SIGINT).name, signal.getsignal(signal.SIGTERM).name))\n"
        "from transforms.core import interrupt\n"
        "interrupt.handle_in_worker()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True)
    assert done.stdout.split() == ["SIG_IGN", "SIG_IGN"]
