"""Servers: registering, listing, removing. Ones that start a command come only from the operator's configuration."""

import re

from sqlalchemy import Connection

from toolgate.control.desk import Desk, missing
from toolgate.errors import Conflict, InvalidDocument, Problem
from toolgate.secrets import new_id
from toolgate.store import servers
from toolgate.store.servers import Server

NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
URL = re.compile(r"https?://[^\s/?#@]+(?:[/?][!-~]*)?")


async def every(desk: Desk) -> list[Server]:
    """All servers."""
    return await desk.db.read(lambda conn: servers.every(conn, desk.org_id))


async def add(desk: Desk, name: str, url: str) -> Server:
    """Register a server by its address."""
    if not NAME.fullmatch(name):
        raise InvalidDocument([Problem("/name", f"`{name}`", "a-z, 0-9 and -, at most 63 characters")], "server")
    if not URL.fullmatch(url):
        raise InvalidDocument([Problem("/url", f"`{url}`", "an http(s) address without user information")], "server")
    return await desk.db.write(lambda conn: put(conn, desk, name, url))


def put(conn: Connection, desk: Desk, name: str, url: str | None) -> Server:
    """A new server, in the caller's transaction. `url` None: it starts a command."""
    if servers.named(conn, desk.org_id, name) is not None:
        raise Conflict(f"a server `{name}` exists already; remove it first, or choose another name")
    server = Server(new_id("srv"), desk.org_id, name, "stdio" if url is None else "http", url, desk.clock())
    servers.add(conn, server)
    return server


def get(conn: Connection, desk: Desk, name: str) -> Server:
    """The server called `name`. Raises NotFound."""
    found = servers.named(conn, desk.org_id, name)
    if found is None:
        raise missing("server", name, (server.name for server in servers.every(conn, desk.org_id)))
    return found


async def remove(desk: Desk, name: str) -> None:
    """Forget a server. Raises Conflict while grants or policies refer to it."""
    await desk.db.write(lambda conn: servers.remove(conn, get(conn, desk, name)))
