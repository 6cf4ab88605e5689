"""Opening a database by URL: the driver's line in the table, the schema brought up to date."""

import asyncio
import importlib
from collections.abc import Awaitable, Callable
from pathlib import Path

from sqlalchemy import Connection, inspect, text

from toolgate.errors import Unavailable
from toolgate.store.port import Database
from toolgate.store.sqlite import SqliteDatabase

HEAD = "0001"
"""The newest schema; a test compares it with the migrations."""

MIGRATIONS = "toolgate.store.migrations.run"


async def _sqlite(rest: str) -> Database:
    return await asyncio.get_running_loop().run_in_executor(None, _open_file, Path(rest))


def _open_file(path: Path) -> SqliteDatabase:
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.touch(mode=0o600)
    except OSError as error:
        raise Unavailable(f"the database cannot be made at `{path}`: {error.strerror}") from None
    return SqliteDatabase(path)


DRIVERS: dict[str, Callable[[str], Awaitable[Database]]] = {"sqlite:///": _sqlite}


async def open_database(url: str) -> Database:
    """Open the database at `url` (`sqlite:///path`) and bring its schema up to date. Raises Unavailable."""
    for prefix, opener in DRIVERS.items():
        if url.startswith(prefix):
            db = await opener(url.removeprefix(prefix))
            try:
                await _migrate(db)
            except BaseException:
                await db.close()
                raise
            return db
    raise Unavailable(f"no driver for `{url.partition('://')[0]}`; databases are given as `sqlite:///path`")


async def _migrate(db: Database) -> None:
    version = await db.read(_version)
    if version == HEAD:
        return
    if version is not None and version > HEAD:
        raise Unavailable(f"the database has schema {version}, this version knows {HEAD}: update toolgate")
    # Alembic costs a quarter of a second to load, which a start with nothing to migrate must not pay
    upgrade = importlib.import_module(MIGRATIONS).upgrade
    await db.write(upgrade)


def _version(conn: Connection) -> str | None:
    if not inspect(conn).has_table("alembic_version"):
        return None
    return conn.execute(text("SELECT version_num FROM alembic_version")).scalar()
