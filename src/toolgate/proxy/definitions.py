"""The tools a server said it has: remembered with digest and risk class, learned from every list that flows by."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec

from toolgate.errors import Unavailable
from toolgate.mcp import tools
from toolgate.mcp.messages import Request
from toolgate.policy.decision import RiskClass, RiskLevel
from toolgate.proxy.model import Principal
from toolgate.proxy.upstream import Upstream
from toolgate.store import definitions as table
from toolgate.store.port import Database

MOST_PAGES = 50
Classify = Callable[[dict[str, Any]], tuple[RiskClass, RiskLevel | None]]


@dataclass(frozen=True, slots=True)
class Known:
    """What the call path needs of a definition."""

    digest: bytes
    risk_class: RiskClass
    risk_level: RiskLevel | None
    input_schema: Any


class Definitions:
    """Tool definitions by server id and tool name, kept in memory and in the store."""

    def __init__(self, db: Database, classify: Classify) -> None:
        self._db = db
        self._classify = classify
        self._servers: dict[str, dict[str, Known]] = {}

    def get(self, server_id: str, name: str) -> Known | None:
        """The definition as last seen, without asking anybody."""
        return self._servers.get(server_id, {}).get(name)

    def digest(self, server_id: str, name: str) -> bytes:
        """The digest of the definition as last seen; empty when never seen."""
        known = self.get(server_id, name)
        return known.digest if known else b""

    async def require(self, principal: Principal, upstream: Upstream, name: str, now: int) -> Known | None:
        """The definition, from memory, the store, or the server's own list. None when the server does not name it."""
        known = await self._recall(principal.server_id, name)
        if known is not None:
            return known
        cursor: str | None = None
        for _ in range(MOST_PAGES):
            params = {"cursor": cursor} if cursor else {}
            reply = await upstream.ask(Request(0, "tools/list", params))
            if reply.result is None:
                raise Unavailable(f"the server `{principal.server}` could not list its tools, which the policy depends on")
            await self.learn(principal.server_id, reply.result, now)
            cursor = tools.next_cursor(reply.result)
            if cursor is None or self.get(principal.server_id, name) is not None:
                break
        return self.get(principal.server_id, name)

    async def _recall(self, server_id: str, name: str) -> Known | None:
        if server_id not in self._servers:
            rows = await self._db.read(lambda conn: table.of_server(conn, server_id))
            self._servers[server_id] = {row.name: _known(row) for row in rows}
        return self.get(server_id, name)

    async def learn(self, server_id: str, result: msgspec.Raw, now: int) -> None:
        """Remember the definitions of a `tools/list` result; new and changed ones are classified and stored."""
        await self._recall(server_id, "")
        known = self._servers[server_id]
        fresh = []
        for definition in tools.definitions(result):
            seen = known.get(definition.name)
            if seen is not None and seen.digest == definition.digest:
                continue
            content = msgspec.json.decode(definition.raw)
            risk_class, risk_level = self._classify(content)
            text = bytes(definition.raw).decode()
            fresh.append(table.Seen(server_id, definition.name, definition.digest, text, risk_class, risk_level))
        if fresh:
            await self._db.write(lambda conn: table.remember(conn, fresh, now))
            known.update({row.name: _known(row) for row in fresh})


def _known(row: Any) -> Known:
    return Known(row.digest, row.risk_class, row.risk_level, msgspec.json.decode(row.definition).get("inputSchema"))
