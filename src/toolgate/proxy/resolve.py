"""Which grant, server and policy are in force right now: a snapshot of the store, replaced whenever the epoch moved.

The epoch is compared on every request, so an edit, a detachment or a revocation holds from the next request on, whichever
process made it.
"""

import asyncio
from collections.abc import Callable

import structlog

from toolgate.errors import InvalidDocument, Unauthenticated
from toolgate.policy.compile import Compiled, compile_policy
from toolgate.policy.parse import parse_json
from toolgate.proxy.model import Principal
from toolgate.store import snapshot
from toolgate.store.port import Database

log = structlog.get_logger(__name__)


class Directory:
    """Grants by token hash and by label, with their server and compiled policy."""

    def __init__(self, db: Database, clock: Callable[[], int]) -> None:
        self._db = db
        self._clock = clock
        self._epoch: int | None = None
        self._loading = asyncio.Lock()
        self._compiled: dict[tuple[str, int], Compiled | None] = {}
        self._snapshot = snapshot.Snapshot()

    async def refresh(self) -> None:
        """Make the snapshot current. Raises Unavailable when the store cannot say."""
        if self._db.epoch() == self._epoch:
            return
        async with self._loading:
            epoch = self._db.epoch()
            if epoch != self._epoch:
                loaded = await self._db.read(snapshot.load)
                self._compile(loaded)
                self._snapshot, self._epoch = loaded, epoch

    def _compile(self, loaded: snapshot.Snapshot) -> None:
        compiled = {}
        for policy in loaded.policies.values():
            key = (policy.id, policy.version)
            compiled[key] = self._compiled[key] if key in self._compiled else _compiled(policy)
        self._compiled = compiled

    def server(self, name: str) -> snapshot.LiveServer | None:
        """The registered server called `name`."""
        return next((server for server in self._snapshot.servers.values() if server.name == name), None)

    def by_hash(self, token_hash: bytes, now: int) -> Principal | None:
        """The principal of a token, unless it is unknown, expired, rotated away or revoked."""
        grant = self._snapshot.by_hash(token_hash, now)
        return None if grant is None else self._principal(grant)

    def local(self, label: str, now: int) -> Principal:
        """The principal of a grant that a trusted edge names. Raises Unauthenticated when it is not in force."""
        grant = self._snapshot.by_label(label, now)
        if grant is None:
            raise Unauthenticated(f"the grant `{label}` does not exist, has expired or was revoked")
        return self._principal(grant)

    def again(self, principal: Principal, now: int) -> Principal:
        """The same grant as it stands now. Raises Unauthenticated when it is no longer in force."""
        found = self.local(principal.label, now)
        if found.grant_id != principal.grant_id:
            raise Unauthenticated(f"the grant `{principal.label}` was revoked")
        return found

    def live(self, grant_id: str, now: int) -> bool:
        """Whether a grant is in force."""
        return any(grant.id == grant_id and grant.good(now) for grant in self._snapshot.labels.values())

    def _principal(self, grant: snapshot.LiveGrant) -> Principal:
        policy = self._snapshot.policies.get(grant.policy_id or "")
        compiled = None if policy is None else self._compiled.get((policy.id, policy.version))
        return Principal(
            grant.org_id, grant.id, grant.label, grant.tags, grant.server_id, grant.server, grant.policy_id, compiled
        )


def _compiled(policy: snapshot.LivePolicy) -> Compiled | None:
    """None, which denies everything, for a stored document that this version cannot read."""
    try:
        return compile_policy(parse_json(policy.document), policy.version)
    except InvalidDocument as error:
        log.error("policy_unreadable", policy=policy.name, version=policy.version, reason=str(error))
        return None
