"""Tool definitions as servers gave them, the newest of each name."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, delete, insert, select

from toolgate.store.tables import tool_definitions


@dataclass(frozen=True, slots=True)
class Seen:
    """A definition, its digest and how it was classified."""

    server_id: str
    name: str
    digest: bytes
    definition: str
    risk_class: str
    risk_level: str | None


def of_server(conn: Connection, server_id: str) -> list[Seen]:
    """Every definition of a server, by name."""
    table = tool_definitions.c
    query = select(table.server_id, table.name, table.digest, table.definition, table.risk_class, table.risk_level)
    return [Seen(*row) for row in conn.execute(query.where(table.server_id == server_id).order_by(table.name))]


def remember(conn: Connection, seen: Sequence[Seen], now: int) -> None:
    """Keep definitions in place of what was known under their names."""
    table = tool_definitions
    for one in seen:
        here = (table.c.server_id == one.server_id) & (table.c.name == one.name)
        first = conn.execute(select(table.c.first_seen).where(here)).scalar()
        conn.execute(delete(table).where(here))
        conn.execute(
            insert(table).values(
                server_id=one.server_id, name=one.name, digest=one.digest, definition=one.definition,
                risk_class=one.risk_class, risk_level=one.risk_level, first_seen=first or now, changed=now,
            )
        )  # fmt: skip
