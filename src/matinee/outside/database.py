"""SQL on SQLite by default, PostgreSQL by a setting; the same hand-written statements run on both.

Drivers are the synchronous ones: aiosqlite reads at a fifth of their rate. Hot reads never come here, they come from
snapshots in memory; handlers that must read or write do so in a thread.
"""

import contextlib
import json
import math
import random
import sqlite3
import threading
import time
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine import Connection, Dialect, Engine
from sqlalchemy.pool import ConnectionPoolEntry

from matinee.base.errors import ErrorCode, MatineeError

BUSY_TIMEOUT_MS = 15_000
IDLE_S = 1.0
"""A connection that lay unused for longer is asked whether it still is one before it is read from."""

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(column_0_label)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)
"""Every feature's store declares its tables on this one metadata, so that migrations and foreign keys see them all."""


class DatabaseError(MatineeError):
    """The database named in the settings cannot be used as it is."""

    code = ErrorCode.SETTING_INVALID


class InstantColumn(sa.types.TypeDecorator[int]):
    """An `Instant` in 64 bits on every database: never a zoned type that a driver may shift."""

    impl = sa.BigInteger
    cache_ok = True


class JsonColumn(sa.types.TypeDecorator[Any]):
    """JSON as text with sorted keys, so that equal values are equal rows on every database."""

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        return None if value is None else json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        return None if value is None else json.loads(value)


class _Shared(threading.local):
    """What the reads of one thread share, and in how many `together` it is."""

    connection: Connection | None = None
    depth = 0


class Database:
    """One engine, and the two ways to use it: `read` and `write`. `together` makes many reads cheaper.

    A write begins as a write (BEGIN IMMEDIATE on SQLite), so that two writers queue instead of failing half-way.
    """

    def __init__(self, url: str) -> None:
        """Open a database by SQLAlchemy URL. Raises DatabaseError where the URL is of no known kind."""
        try:
            self.engine = sa.create_engine(_with_driver(url), pool_pre_ping=not url.startswith("sqlite"))
            self._reader = self.engine if self.engine.dialect.name == "sqlite" else _reader(self.engine.url)
        except (sa.exc.ArgumentError, sa.exc.NoSuchModuleError, ValueError) as error:
            raise DatabaseError(
                f"The setting database_url cannot be read: {error}.",
                remedy="Write sqlite:///PATH or postgresql://USER@HOST/NAME.",
            ) from error
        self.is_sqlite = self.engine.dialect.name == "sqlite"
        self._shared = _Shared()
        if self.is_sqlite:
            _teach_sqlite(self.engine)

    @contextlib.contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection whose transaction is rolled back at the end: a read changes nothing. On SQLite it sees one moment.

        Within `together` the end is that of all. One read is not begun within another there.
        """
        if not self._shared.depth:
            with self.engine.connect() as connection:
                yield connection
            return
        if self._shared.connection is None:
            self._shared.connection = self._reader.connect()
        try:
            yield self._shared.connection
        except BaseException:  # its transaction may be broken: the next read takes another
            self._give_back()
            raise

    @contextlib.contextmanager
    def together(self) -> Iterator[None]:
        """Let the reads of this thread within share a connection, which the first of them takes.

        On PostgreSQL alone, where each statement sees its own moment (READ COMMITTED), and taking a connection and beginning
        and ending a transaction cost as much as asking: the connection is one of those that can only read, and has none. On
        SQLite a transaction goes on seeing the moment at which it began, and a cache that asks again after a write would find
        nothing new.
        """
        self._shared.depth += 0 if self.is_sqlite else 1
        try:
            yield
        finally:
            self._shared.depth -= 0 if self.is_sqlite else 1
            if not self._shared.depth:
                self._give_back()

    def _give_back(self) -> None:
        connection, self._shared.connection = self._shared.connection, None
        if connection is not None:
            with contextlib.suppress(
                sa.exc.SQLAlchemyError
            ):  # what was read is read, and a broken one is thrown away all the same
                connection.close()

    @contextlib.contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction: committed at the end, rolled back when the block raises."""
        with self.engine.connect() as connection:
            if self.is_sqlite:
                connection = connection.execution_options(matinee_begin="IMMEDIATE")
            with connection.begin():
                yield connection

    def close(self) -> None:
        self.engine.dispose()
        self._reader.dispose()


def _with_driver(url: str) -> str:
    return url.replace("postgresql://", "postgresql+psycopg://", 1) if url.startswith("postgresql://") else url


def _reader(url: sa.URL) -> Engine:
    """Connections for reads without a transaction of their own. What would write is refused by the database.

    Whether one still is one is asked where it lay for a while, and not each time, as SQLAlchemy's own way has it: that costs as
    much as a read.
    """
    given = url.query.get("options", ())
    options = (*([given] if isinstance(given, str) else given), "-c default_transaction_read_only=on")
    engine = sa.create_engine(url, isolation_level="AUTOCOMMIT", connect_args={"options": " ".join(options)})

    @event.listens_for(engine, "checkin")
    def on_checkin(_raw: Any, record: ConnectionPoolEntry) -> None:
        record.info["back"] = time.monotonic()

    @event.listens_for(engine, "checkout")
    def on_checkout(raw: Any, record: ConnectionPoolEntry, _proxy: object) -> None:
        if time.monotonic() - record.info.get("back", math.inf) <= IDLE_S:
            return
        try:
            engine.dialect.do_ping(raw)
        except engine.dialect.loaded_dbapi.Error as error:
            raise sa.exc.InvalidatePoolError from error

    return engine


def _choose_wal(cursor: Any) -> None:
    """Let readers read beside a writer. Several processes may open a new file at once.

    The change of mode needs the file alone, and where two ask for it SQLite refuses one at once instead of letting it wait
    (it would be a deadlock): so the wait is ours. A file that is in this mode already is not written.
    """
    end = time.monotonic() + BUSY_TIMEOUT_MS / 1000
    while True:
        try:
            cursor.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > end:
                raise
            time.sleep(random.uniform(0.005, 0.05))  # noqa: S311 -- no secret: two that collided must not meet again


def _teach_sqlite(engine: Engine) -> None:
    """Let SQLAlchemy, not the driver, begin transactions; and set what the driver leaves off."""

    @event.listens_for(engine, "connect")
    def on_connect(raw: Any, _record: object) -> None:
        raw.isolation_level = None
        cursor = raw.cursor()
        cursor.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
        _choose_wal(cursor)
        # FULL: with NORMAL the last commits are lost on power loss, and rights and keys are among them.
        cursor.execute("PRAGMA synchronous = FULL")
        cursor.execute("PRAGMA foreign_keys = ON")
        cursor.close()

    @event.listens_for(engine, "begin")
    def on_begin(connection: Connection) -> None:
        mode = connection.get_execution_options().get("matinee_begin", "DEFERRED")
        connection.exec_driver_sql(f"BEGIN {mode}")
