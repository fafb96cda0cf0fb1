"""A job whose workers don't learn of a stop is cancelled, also when its engine doesn't answer at once."""

import json
import threading
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from pipelines.engines.flink_rest import cancel_job
from pipelines.engines.portable_job import Ending, ending_runner, job_name
from transforms.core import interrupt


class JobManager(BaseHTTPRequestHandler):
    """Busy at first; then it has one job of ours, until that is cancelled."""

    busy = 3
    cancelled = threading.Event()

    def do_GET(self) -> None:
        type(self).busy -= 1
        state = "CANCELED" if self.cancelled.is_set() else "RUNNING"
        self.answer(503 if self.busy >= 0 else 200, {"jobs": [{"jid": "7", "name": job_name(), "state": state}]})

    def do_PATCH(self) -> None:
        assert self.path == "/jobs/7?mode=cancel"
        self.cancelled.set()
        self.answer(202, {})

    def answer(self, status: int, told: dict) -> None:
        body = json.dumps(told).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def master():
    server = ThreadingHTTPServer(("127.0.0.1", 0), JobManager)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_an_engine_that_is_busy_is_asked_again_to_cancel(master):
    interrupt.request_locally(2)
    try:
        with ending_runner(Ending(drains=False, cancel=partial(cancel_job, master))) as runner:
            runner._jobs.append("submitted")
            assert JobManager.cancelled.wait(30)
    finally:
        interrupt.reset()
    assert JobManager.busy < 0
