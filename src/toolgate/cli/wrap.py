"""`toolgate wrap`: a policy in front of one server on stdio, no daemon."""

import asyncio
import hashlib
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from sqlalchemy import Connection

from toolgate.cli.common import Data, actor, run_async, store_config
from toolgate.cli.up import prepare_logs
from toolgate.config import Config, ServerConfig
from toolgate.control import grants as grant_use
from toolgate.control import policies as policy_use
from toolgate.control import servers as server_use
from toolgate.control.desk import Desk
from toolgate.control.documents import read_document
from toolgate.errors import ToolgateError
from toolgate.proxy.stdio import StdioEdge
from toolgate.store import grants, policies, servers
from toolgate.wiring import Gateway, clock, open_gateway

MESSAGE = "by toolgate wrap"


def run(
    *command: Annotated[str, Parameter(allow_leading_hyphen=True)],
    policy: Path,
    name: Annotated[str | None, Parameter(help="How the log calls this grant.")] = None,
    env: Annotated[list[str] | None, Parameter(help="Variables of this environment that the server gets too.")] = None,
    data: Data = None,
) -> None:
    """Start COMMAND and speak MCP on stdin and stdout, every call under the policy. For a client's own configuration."""
    if not command:
        raise ToolgateError("no command is given: toolgate wrap --policy policy.json -- COMMAND…")
    prepare_logs()
    document = policy_use.text_of(read_document(policy))
    run_async(_wrap(store_config(data), name or default_name(command), command, document, env or []))


def default_name(command: tuple[str, ...]) -> str:
    """A name that the same command always gets."""
    word = "".join(c if c.isalnum() else "-" for c in Path(command[0]).name.lower()).strip("-")[:30] or "server"
    return f"{word}-{hashlib.sha256(chr(0).join(command).encode()).hexdigest()[:8]}"


async def _wrap(base: Config, name: str, command: tuple[str, ...], document: str, env: list[str]) -> None:
    environment = server_environment(env)
    config = replace(base, servers={name: ServerConfig(name, command=command, environment=environment)})
    gateway = await open_gateway(config)
    try:
        label = f"wrap:{name}"
        desk = Desk(gateway.store.db, gateway.store.keys, gateway.store.org_id, actor(None), clock)
        await desk.db.write(lambda conn: prepare(conn, desk, name, label, document))
        await gateway.pipeline.directory.refresh()
        await _speak(gateway, name, label)
    finally:
        await gateway.close()


def server_environment(names: list[str]) -> dict[str, str]:
    """The named variables of this environment. Raises ToolgateError for one that is not set."""
    missing = [name for name in names if name not in os.environ]
    if missing:
        raise ToolgateError(f"`--env {missing[0]}`: there is no such variable in this environment")
    return {name: os.environ[name] for name in names}


def prepare(conn: Connection, desk: Desk, name: str, label: str, document: str) -> None:
    """The server, policy and grant of this command, made or brought up to date in one transaction."""
    if servers.named(conn, desk.org_id, name) is None:
        server_use.put(conn, desk, name, None)
    known = policies.named(conn, desk.org_id, label)
    if known is None or known.document != document:
        policy_use.put(conn, desk, label, name, document, MESSAGE)
    if grants.labelled(conn, desk.org_id, label) is None:
        grant_use.put(conn, desk, label, name, label, ("wrap",), None, None)


async def _speak(gateway: Gateway, name: str, label: str) -> None:
    loop = asyncio.get_running_loop()
    limit = gateway.pipeline.max_body
    reader = asyncio.StreamReader(limit=limit)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin.buffer)
    transport, protocol = await loop.connect_write_pipe(asyncio.streams.FlowControlMixin, sys.stdout.buffer)
    writer = asyncio.StreamWriter(transport, protocol, None, loop)

    async def write(line: bytes) -> None:
        writer.write(line)
        await writer.drain()

    await StdioEdge(gateway.pipeline, name, label, write).run(reader, limit)
