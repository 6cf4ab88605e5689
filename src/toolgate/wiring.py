"""The only place that constructs concrete objects: from a configuration to a running gateway, and back down in order."""

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from toolgate import secrets
from toolgate.config import Config, ServerConfig
from toolgate.errors import Unavailable
from toolgate.policy.decision import RiskClass, RiskLevel
from toolgate.proxy.app import Edge
from toolgate.proxy.approve import Approvals
from toolgate.proxy.background import Background
from toolgate.proxy.calls import Calls
from toolgate.proxy.definitions import Definitions
from toolgate.proxy.metrics import Metrics
from toolgate.proxy.pipeline import Pipeline
from toolgate.proxy.resolve import Directory
from toolgate.proxy.sessions import Sessions
from toolgate.proxy.transports.port import Target, Timeouts
from toolgate.proxy.transports.table import TRANSPORTS
from toolgate.risk.classify import classify
from toolgate.store import approvals as approval_table
from toolgate.store.db import open_database
from toolgate.store.instances import Instances
from toolgate.store.ledger import GroupLedger, close_unknown
from toolgate.store.port import Database
from toolgate.store.state import ensure_organisation

HOUSEKEEPING_SECONDS = 30.0
REVOCATION_SECONDS = 0.2
"""How soon the open streams and child processes of a revoked grant end; its requests are refused at once."""


def clock() -> int:
    """Microseconds since the Unix epoch, UTC."""
    return time.time_ns() // 1000


@dataclass(frozen=True, slots=True)
class Store:
    """An open store: database, keys, and the organisation that an embedded gateway has."""

    db: Database
    keys: secrets.Keys
    org_id: str

    async def close(self) -> None:
        """Close the database."""
        await self.db.close()


async def open_store(config: Config) -> Store:
    """Open the database and the keys in the data directory, making what is missing."""
    keys = await asyncio.get_running_loop().run_in_executor(None, secrets.load_or_create, config.key_file)
    db = await open_database(config.database)
    try:
        org_id = await db.write(lambda conn: ensure_organisation(conn, secrets.new_id, clock()))
    except BaseException:
        await db.close()
        raise
    return Store(db, keys, org_id)


@dataclass(slots=True)
class Gateway:
    """A data plane ready to serve."""

    store: Store
    pipeline: Pipeline
    ledger: GroupLedger
    background: Background
    instances: Instances
    housekeeper: asyncio.Task[None]
    targets: dict[str, Target]

    def edge(self, config: Config) -> Edge:
        """The HTTP edge."""
        return Edge(self.pipeline, served_hosts(config), served_origins(config), self._trouble, config.max_body)

    async def _trouble(self) -> str | None:
        """Why calls cannot be served right now, or None."""
        try:
            await self.store.db.write(lambda _conn: None)
            await self.pipeline.directory.refresh()
        except Unavailable as error:
            return str(error)
        return None

    async def close(self) -> None:
        """End sessions and their upstreams, record what is still open, then close the store."""
        self.housekeeper.cancel()
        await self.pipeline.sessions.close()
        await self.background.drain()
        await self.ledger.close()
        self.instances.close()
        await self.store.close()


async def open_gateway(config: Config, *, approval_link: Callable[[str], str] | None = None) -> Gateway:
    """Open the store and put the data plane over it."""
    store = await open_store(config)
    db, keys = store.db, store.keys
    instances = Instances(config.data / "toolgate.db")
    await db.write(lambda conn: close_unknown(conn, instances.dead, clock()))
    background, metrics = Background(), Metrics()
    ledger = GroupLedger(db, instances.name, (keys.key_id, keys.signing), clock)
    directory = Directory(db, clock)
    sessions = Sessions(keys.sessions)
    metrics.watch("sessions", "Open client sessions", lambda: len(sessions))
    link = approval_link or (lambda approval_id: f"toolgate approvals approve {approval_id}")
    approvals = Approvals(db, directory, keys, clock, link)
    calls = Calls(ledger, approvals, Definitions(db, classified), background, metrics, keys.digest, clock)
    targets = {name: target(server) for name, server in config.servers.items()}
    pipeline = Pipeline(
        directory, sessions, calls, targets, {name: make() for name, make in TRANSPORTS.items()}, store.org_id,
        keys.pepper, clock, config.max_body, config.on_loopback,
    )  # fmt: skip
    await directory.refresh()
    housekeeper = asyncio.get_running_loop().create_task(_keep_house(pipeline, db))
    return Gateway(store, pipeline, ledger, background, instances, housekeeper, targets)


async def _keep_house(pipeline: Pipeline, db: Database) -> None:
    """End sessions of grants that are no longer in force; expire idle ones; erase what nobody needs any more."""
    due = clock()
    while True:
        await asyncio.sleep(REVOCATION_SECONDS)
        now = clock()
        try:
            await pipeline.directory.refresh()
        except Unavailable:
            continue
        await pipeline.sessions.remove_where(lambda session, now=now: not pipeline.directory.live(session.grant_id, now))  # type: ignore[misc]
        if now < due:
            continue
        due = now + int(HOUSEKEEPING_SECONDS * 1_000_000)
        await pipeline.sessions.expire(now)
        pipeline.calls.background.start(db.write(lambda conn, now=now: approval_table.forget_arguments(conn, now)))  # type: ignore[misc]


def classified(definition: dict[str, Any]) -> tuple[RiskClass, RiskLevel | None]:
    """The risk class and level of a raw tool definition."""
    verdict = classify(definition)
    return verdict.risk_class, verdict.level


def target(server: ServerConfig) -> Target:
    """An upstream as the transports take it."""
    return Target(
        server.name, server.url, server.headers, server.command, server.environment, server.directory,
        Timeouts(**server.timeouts), server.allow_private,
    )  # fmt: skip


def served_hosts(config: Config) -> set[str]:
    """The `Host` values that are ours: the configured ones, the public address, and loopback names when bound there."""
    host, number = config.address
    names = {config.public_url.partition("://")[2].partition("/")[0], *config.allowed_hosts}
    if host in ("127.0.0.1", "localhost", "::1"):
        names |= {f"{name}:{number}" for name in ("127.0.0.1", "localhost", "[::1]")}
    elif host not in ("0.0.0.0", "::"):  # noqa: S104 - compared, not bound
        names.add(f"{host}:{number}")
    return {name.lower() for name in names}


def served_origins(config: Config) -> frozenset[str]:
    """The browser origins allowed."""
    return frozenset(origin.lower().rstrip("/") for origin in config.allowed_origins)


async def replace_targets(gateway: Gateway, servers: Mapping[str, ServerConfig]) -> None:
    """Take over changed upstreams; sessions with one that changed end, so that their clients open another."""
    wanted = {name: target(server) for name, server in servers.items()}
    changed = {name for name, known in gateway.targets.items() if wanted.get(name) != known}
    gateway.targets.clear()
    gateway.targets.update(wanted)
    await gateway.pipeline.sessions.remove_where(lambda session: session.server in changed)
