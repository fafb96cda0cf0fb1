"""Free ports on loopback, and waiting until something listens there."""

from __future__ import annotations

import socket
import subprocess
import time

from pipelines.engines.free_port import free_port

__all__ = ["free_port", "stop", "wait_until_listening"]


def wait_until_listening(
    port: int, process: subprocess.Popen | None = None, seconds: float = 60.0, host: str = "127.0.0.1"
) -> None:
    deadline = time.monotonic() + seconds
    while True:
        if process is not None and process.poll() is not None:
            raise RuntimeError(f"the server on port {port} ended with {process.returncode} before it listened")
        try:
            socket.create_connection((host, port), timeout=1).close()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)
        else:
            return


def stop(process: subprocess.Popen) -> None:
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
