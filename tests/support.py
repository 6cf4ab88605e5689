"""What tests share: a gateway on a free port in front of any upstream, and the official client pointed at it."""

import asyncio
import os
import sys
from contextlib import asynccontextmanager
from pathlib import Path

import httpx2
import pytest
from mcp.client.client import Client
from mcp.client.streamable_http import streamable_http_client

from toolgate.cli.up import apply_config
from toolgate.config import Config, GrantConfig, PolicyConfig, ServerConfig
from toolgate.control.desk import Desk
from toolgate.proxy.serve import listen
from toolgate.proxy.serve import server as http_server
from toolgate.store import audit
from toolgate.wiring import clock, open_gateway

FIXTURES = Path(__file__).parent / "fixtures"
NPM = Path(__file__).parent / "npm" / "node_modules"


class Running:
    """A gateway that serves, with its tokens by grant."""

    def __init__(self, gateway, tokens, base, config):
        self.gateway, self.tokens, self.base, self.config = gateway, tokens, base, config

    def url(self, server="up"):
        return f"{self.base}/mcp/{server}/"

    @property
    def desk(self):
        store = self.gateway.store
        return Desk(store.db, store.keys, store.org_id, "tester", clock)

    @asynccontextmanager
    async def client(self, grant="agent", mode="2026-07-28", server="up"):
        async with (
            httpx2.AsyncClient(headers={"Authorization": f"Bearer {self.tokens[grant]}"}, timeout=30, trust_env=False) as http,
            Client(streamable_http_client(self.url(server), http_client=http), mode=mode) as client,
        ):
            yield client

    def http(self, grant="agent", **headers):
        """A plain HTTP client of one grant."""
        own = {"Authorization": f"Bearer {self.tokens[grant]}"} if grant else {}
        return httpx2.AsyncClient(base_url=self.base, headers=own | headers, timeout=30, trust_env=False)

    async def records(self, **equal):
        await self.gateway.background.drain()
        return await self.gateway.store.db.read(
            lambda conn: audit.entries(conn, self.gateway.store.org_id, limit=100_000, equal=equal)
        )


@asynccontextmanager
async def running(directory, policies, servers, grants=None):
    """A gateway in `directory`. `policies`: name -> document; `servers`: name -> ServerConfig; `grants`: label -> policy."""
    first = next(iter(servers))
    grants = grants or {"agent": next(iter(policies))}
    config = Config(
        "127.0.0.1:0", Path(directory), "http://127.0.0.1:0", servers=servers,
        policies={name: PolicyConfig(name, first, None, document) for name, document in policies.items()},
        grants={label: GrantConfig(label, first, policy) for label, policy in grants.items()},
    )  # fmt: skip
    gateway = await open_gateway(config)
    tokens = await apply_config(gateway, config, quiet=True)
    listener = listen(*config.address)
    server = http_server(gateway.edge(config), listener)
    serving = asyncio.ensure_future(server.run_until_stopped())
    port = listener.getsockname()[1]
    try:
        yield Running(gateway, tokens, f"http://127.0.0.1:{port}", config)
    finally:
        server.stop()
        await serving
        await gateway.close()


def stdio(script="upstream.py", **environment):
    """The fixture upstream over stdio."""
    return ServerConfig("up", command=(sys.executable, str(FIXTURES / script)), environment=environment)


@asynccontextmanager
async def http_upstream(script="upstream_http.py", *arguments):
    """A fixture upstream over Streamable HTTP, as (ServerConfig)."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(FIXTURES / script), *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
    )
    try:
        port = int((await process.stdout.readline()).decode())
        yield ServerConfig("up", url=f"http://127.0.0.1:{port}/mcp")
    finally:
        process.kill()
        await process.wait()


ALLOW = {"version": "1", "default": "allow"}


def absent(reason):
    """A part that only some machines have: a user's run skips and says so, CI fails."""
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)
