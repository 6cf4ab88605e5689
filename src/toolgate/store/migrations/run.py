"""Bringing a database to the newest schema. Alembic is loaded only by a process that has something to migrate."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection

HERE = Path(__file__).parent


def upgrade(conn: Connection, revision: str = "head") -> None:
    """Apply every step up to `revision`, in the caller's transaction."""
    config = Config()
    config.set_main_option("script_location", str(HERE))
    config.attributes["connection"] = conn
    command.upgrade(config, revision)
