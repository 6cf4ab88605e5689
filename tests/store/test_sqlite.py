"""The contract on SQLite, and what only a file can do wrong."""

import sqlite3

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from contract import *  # noqa: F403

from toolgate.errors import Unavailable
from toolgate.store import db as opening
from toolgate.store.db import open_database
from toolgate.store.instances import Instances
from toolgate.store.migrations.run import HERE
from toolgate.store.tables import metadata


@pytest.fixture
def make():
    return lambda directory: open_database(f"sqlite:///{directory / 'toolgate.db'}")


@pytest.fixture
def tamper(db, tmp_path):
    """Alters a copy of the database with plain SQL and looks at it."""

    async def altered(statements, look):
        copy = tmp_path / "copy.db"
        copy.unlink(missing_ok=True)
        with sqlite3.connect(tmp_path / "toolgate.db") as source, sqlite3.connect(copy) as target:
            source.backup(target)
            target.executescript(statements)
        opened = await open_database(f"sqlite:///{copy}")
        try:
            return await opened.read(look)
        finally:
            await opened.close()
            for file in tmp_path.glob("copy.db*"):
                file.unlink()

    return altered


async def test_migrations_make_exactly_the_schema(db):
    def differences(conn):
        return compare_metadata(MigrationContext.configure(conn), metadata)

    assert await db.read(differences) == []
    assert ScriptDirectory(str(HERE)).get_current_head() == opening.HEAD


async def test_durability_settings(db):
    def settings(conn):
        names = ("journal_mode", "synchronous", "foreign_keys")
        return [conn.exec_driver_sql(f"PRAGMA {name}").scalar() for name in names]

    assert await db.write(settings) == ["wal", 2, 1]


async def test_readers_cannot_write(db):
    with pytest.raises(Unavailable):
        await db.read(lambda conn: conn.exec_driver_sql("DELETE FROM state"))


async def test_files_are_private(db, tmp_path):
    assert (tmp_path / "toolgate.db").stat().st_mode & 0o077 == 0


async def test_a_newer_schema_is_refused(tmp_path):
    path = tmp_path / "toolgate.db"
    await (await open_database(f"sqlite:///{path}")).close()
    with sqlite3.connect(path) as conn:
        conn.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(Unavailable, match="update toolgate"):
        await open_database(f"sqlite:///{path}")


async def test_other_databases_are_told_apart():
    with pytest.raises(Unavailable, match="no driver for `mysql`"):
        await open_database("mysql://host/db")


async def test_a_directory_that_cannot_be_made_is_one_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(Unavailable, match="cannot be made"):
        await open_database(f"sqlite:///{tmp_path / 'file' / 'toolgate.db'}")


async def test_a_full_database_refuses_and_recovers(make, tmp_path):
    opened = await make(tmp_path)
    try:
        pages = await opened.write(lambda conn: conn.exec_driver_sql("PRAGMA page_count").scalar())
        await opened.write(lambda conn: conn.exec_driver_sql(f"PRAGMA max_page_count = {pages}").scalar())
        fill = "INSERT INTO state VALUES ('x' || hex(randomblob(20000)), 1)"
        with pytest.raises(Unavailable, match="the disk is full") as refused:
            await opened.write(lambda conn: conn.exec_driver_sql(fill))
        assert "\n" not in str(refused.value)
        await opened.write(lambda conn: conn.exec_driver_sql("PRAGMA max_page_count = 100000").scalar())
        await opened.write(lambda conn: conn.exec_driver_sql(fill))
    finally:
        await opened.close()


def test_instances_know_the_living_from_the_dead(tmp_path):
    path = tmp_path / "toolgate.db"
    one, two = Instances(path), Instances(path)
    assert not one.dead(two.name)
    assert not one.dead(one.name)
    two.close()
    assert one.dead(two.name)
    assert one.dead("never-was")
    one.sweep()
    one.close()


async def test_directories_may_have_odd_names(tmp_path):
    directory = tmp_path / "we ird%20?#é"
    opened = await open_database(f"sqlite:///{directory / 'toolgate.db'}")
    assert opened.epoch() == 0
    await opened.close()
    assert [path.name for path in directory.iterdir() if path.suffix == ".db"] == ["toolgate.db"]
    assert not [path for path in tmp_path.iterdir() if path != directory]
