"""The embedded database: SQLite in WAL mode with `synchronous=FULL`, written by one thread, read by a few.

Several processes may share the file (a gateway, `toolgate wrap`, the command line); `BEGIN IMMEDIATE` makes their writes take
turns. Every failure becomes one sentence that says what to do.
"""

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.pool import QueuePool, StaticPool

from toolgate.errors import ToolgateError, Unavailable

T = TypeVar("T")

BUSY_SECONDS = 10
READERS = 4

SENTENCES = {
    "full": "the disk is full: free some space; nothing was written",
    "malformed": "the database is damaged: restore it from a backup",
    "not a database": "this file is not a database: move it away, or give another `--data` directory",
    "readonly": "the database cannot be written: check the permissions of its file and directory",
    "locked": "the database is locked by another process: end that process, or try again",
    "unable to open": "the database cannot be opened: check that its directory exists and is yours",
    "disk i/o": "the disk failed: check it, then start again",
    "no such table": "the database has no schema: run `toolgate up` once, which sets it up",
    "no such column": "the database has an older schema: run `toolgate up` once, which brings it up to date",
}


def unavailable(error: Exception, path: Path) -> Unavailable:
    """One sentence for any database error."""
    text = str(getattr(error, "orig", None) or error).lower()
    sentence = next((sentence for key, sentence in SENTENCES.items() if key in text), None)
    return Unavailable(f"{sentence or 'the database failed: ' + text[:200]} (`{path}`)")


class SqliteDatabase:
    """The `Database` over one SQLite file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._writer_thread = ThreadPoolExecutor(1, "toolgate-writer")
        self._reader_threads = ThreadPoolExecutor(READERS, "toolgate-reader")
        self._writer = _engine(path, StaticPool, query_only=False)
        self._readers = _engine(path, QueuePool, query_only=True)
        self._watch = self._watcher()
        self._data_version = -1
        self._epoch = 0

    @property
    def url(self) -> str:
        """Where the database is."""
        return f"sqlite:///{self.path}"

    def _watcher(self) -> sqlite3.Connection:
        try:
            return sqlite3.connect(
                f"{self.path.absolute().as_uri()}?mode=rw",
                uri=True,
                isolation_level=None,
                timeout=BUSY_SECONDS,
                check_same_thread=False,
            )
        except sqlite3.Error as error:
            raise unavailable(error, self.path) from None

    def epoch(self) -> int:
        """The epoch. Reads it only after somebody, this process included, has written since it was last read."""
        try:
            (version,) = self._watch.execute("PRAGMA data_version").fetchone()
            if version != self._data_version:
                row = self._watch.execute("SELECT value FROM state WHERE name = 'epoch'").fetchone()
                self._epoch = row[0] if row else 0
                self._data_version = version
        except sqlite3.Error as error:
            raise unavailable(error, self.path) from None
        return self._epoch

    async def read(self, work: Callable[[Connection], T]) -> T:
        """Run `work` in a read-only snapshot."""
        return await self._run(self._reader_threads, self._readers, work)

    async def write(self, work: Callable[[Connection], T]) -> T:
        """Run `work` in a durable transaction."""
        return await self._run(self._writer_thread, self._writer, work)

    async def _run(self, threads: ThreadPoolExecutor, engine: Engine, work: Callable[[Connection], T]) -> T:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(threads, self._transaction, engine, work)

    def _transaction(self, engine: Engine, work: Callable[[Connection], T]) -> T:
        try:
            with engine.connect() as conn, conn.begin():
                return work(conn)
        except ToolgateError:
            raise
        except (DBAPIError, sqlite3.Error, SQLAlchemyError) as error:
            raise unavailable(error, self.path) from None

    async def close(self) -> None:
        """Finish what was begun, then close."""
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(None, self._shut)

    def _shut(self) -> None:
        self._writer_thread.shutdown()
        self._reader_threads.shutdown()
        self._writer.dispose()
        self._readers.dispose()
        self._watch.close()


def _engine(path: Path, pool: Any, *, query_only: bool) -> Engine:
    options: dict[str, Any] = {} if pool is StaticPool else {"pool_size": READERS, "max_overflow": 0}
    engine = create_engine(
        URL.create("sqlite", database=str(path)),
        poolclass=pool,
        connect_args={"check_same_thread": False, "timeout": BUSY_SECONDS, "isolation_level": None},
        **options,
    )

    @event.listens_for(engine, "connect")
    def prepare(connection: sqlite3.Connection, _record: object) -> None:
        for pragma in (f"busy_timeout={BUSY_SECONDS * 1000}", "foreign_keys=ON", "synchronous=FULL", "temp_store=MEMORY"):
            connection.execute(f"PRAGMA {pragma}")
        connection.execute("PRAGMA query_only=ON" if query_only else "PRAGMA journal_mode=WAL")

    @event.listens_for(engine, "begin")
    def begin(conn: Connection) -> None:
        conn.exec_driver_sql("BEGIN DEFERRED" if query_only else "BEGIN IMMEDIATE")

    return engine
