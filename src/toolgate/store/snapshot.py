"""Everything the call path looks up, loaded in one read: live grants with their server, and the policies in force."""

import json
from dataclasses import dataclass, field

from sqlalchemy import Connection, select

from toolgate.store import policies as policy_table
from toolgate.store.tables import grants, servers


@dataclass(frozen=True, slots=True)
class LiveServer:
    """A registered server."""

    id: str
    name: str
    transport: str
    url: str | None


@dataclass(frozen=True, slots=True)
class LivePolicy:
    """A policy in force."""

    id: str
    name: str
    version: int
    document: str


@dataclass(frozen=True, slots=True)
class LiveGrant:
    """A grant that is not revoked; expiry is checked at each look-up."""

    id: str
    org_id: str
    label: str
    tags: tuple[str, ...]
    server_id: str
    server: str
    policy_id: str | None
    token_hash: bytes | None
    previous_hash: bytes | None
    previous_until: int | None
    expires: int | None

    def good(self, now: int) -> bool:
        """Not expired."""
        return self.expires is None or now < self.expires


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The state of the store at one epoch."""

    servers: dict[str, LiveServer] = field(default_factory=dict)
    policies: dict[str, LivePolicy] = field(default_factory=dict)
    tokens: dict[bytes, LiveGrant] = field(default_factory=dict)
    labels: dict[str, LiveGrant] = field(default_factory=dict)

    def by_hash(self, token_hash: bytes, now: int) -> LiveGrant | None:
        """The grant a token opens now."""
        grant = self.tokens.get(token_hash)
        if grant is None or not grant.good(now):
            return None
        if token_hash != grant.token_hash and now >= (grant.previous_until or 0):
            return None
        return grant

    def by_label(self, label: str, now: int) -> LiveGrant | None:
        """The grant with this label, if it is good now."""
        grant = self.labels.get(label)
        return grant if grant is not None and grant.good(now) else None


def load(conn: Connection) -> Snapshot:
    """Read the snapshot."""
    server_rows = conn.execute(select(servers.c.id, servers.c.name, servers.c.transport, servers.c.url))
    by_id = {row.id: LiveServer(*row) for row in server_rows}
    policies = {row.id: LivePolicy(row.id, row.name, row.version, row.document) for row in conn.execute(policy_table.IN_FORCE)}
    live = [
        LiveGrant(
            row.id, row.org_id, row.label, tuple(json.loads(row.tags)), row.server_id, by_id[row.server_id].name,
            row.policy_id, row.token_hash, row.previous_hash, row.previous_until, row.expires,
        )
        for row in conn.execute(select(grants).where(grants.c.revoked.is_(None)))
    ]  # fmt: skip
    tokens = {value: grant for grant in live for value in (grant.token_hash, grant.previous_hash) if value is not None}
    return Snapshot(by_id, policies, tokens, {grant.label: grant for grant in live})
