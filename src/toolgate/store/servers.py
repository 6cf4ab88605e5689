"""Registered servers: name, transport and address. Commands, headers and environments stay in the configuration."""

from dataclasses import dataclass

from sqlalchemy import Connection, delete, exists, insert, select, update

from toolgate.errors import Conflict
from toolgate.store.state import bump_epoch
from toolgate.store.tables import approvals, grants, policies, servers, tool_definitions


@dataclass(frozen=True, slots=True)
class Server:
    """One row."""

    id: str
    org_id: str
    name: str
    transport: str
    url: str | None
    created: int


COLUMNS = (servers.c.id, servers.c.org_id, servers.c.name, servers.c.transport, servers.c.url, servers.c.created)


def add(conn: Connection, server: Server) -> None:
    """Register a server."""
    conn.execute(
        insert(servers).values(
            id=server.id, org_id=server.org_id, name=server.name, transport=server.transport, url=server.url,
            created=server.created,
        )
    )  # fmt: skip
    bump_epoch(conn)


def change(conn: Connection, server_id: str, transport: str, url: str | None) -> None:
    """Point a server elsewhere."""
    conn.execute(update(servers).where(servers.c.id == server_id).values(transport=transport, url=url))
    bump_epoch(conn)


def every(conn: Connection, org_id: str) -> list[Server]:
    """All servers of an organisation, by name."""
    rows = conn.execute(select(*COLUMNS).where(servers.c.org_id == org_id).order_by(servers.c.name))
    return [Server(*row) for row in rows]


def named(conn: Connection, org_id: str, name: str) -> Server | None:
    """The server called `name`."""
    row = conn.execute(select(*COLUMNS).where(servers.c.org_id == org_id, servers.c.name == name)).first()
    return None if row is None else Server(*row)


def remove(conn: Connection, server: Server) -> None:
    """Forget a server. Raises Conflict while a policy or a grant, even a revoked one, refers to it."""
    for table in (grants, policies, approvals):
        if conn.execute(select(exists().where(table.c.server_id == server.id))).scalar():
            raise Conflict(f"the server `{server.name}` still has grants or policies; remove those first")
    conn.execute(delete(tool_definitions).where(tool_definitions.c.server_id == server.id))
    conn.execute(delete(servers).where(servers.c.id == server.id))
    bump_epoch(conn)
