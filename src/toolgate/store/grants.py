"""Grants: one identity on one server, with a token of which only a keyed hash is kept."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, insert, or_, select, update

from toolgate.store.state import bump_epoch
from toolgate.store.tables import grants, policies, servers


@dataclass(frozen=True, slots=True)
class Grant:
    """A grant as people see it. Times in microseconds; None is never."""

    id: str
    org_id: str
    server_id: str
    server: str
    policy_id: str | None
    policy: str | None
    label: str
    tags: tuple[str, ...]
    created: int
    expires: int | None
    revoked: int | None
    last_used: int | None

    def state(self, now: int) -> str:
        """`live`, `expired` or `revoked`."""
        if self.revoked is not None:
            return "revoked"
        return "expired" if self.expires is not None and self.expires <= now else "live"


QUERY = (
    select(
        grants.c.id, grants.c.org_id, grants.c.server_id, servers.c.name.label("server"), grants.c.policy_id,
        policies.c.name.label("policy"), grants.c.label, grants.c.tags, grants.c.created, grants.c.expires,
        grants.c.revoked, grants.c.last_used,
    )
    .join(servers, servers.c.id == grants.c.server_id)
    .outerjoin(policies, policies.c.id == grants.c.policy_id)
)  # fmt: skip


def add(conn: Connection, grant: Grant, token_hash: bytes | None) -> None:
    """A new grant. `token_hash` is None for one that no token opens."""
    conn.execute(
        insert(grants).values(
            id=grant.id, org_id=grant.org_id, server_id=grant.server_id, policy_id=grant.policy_id, label=grant.label,
            tags=json.dumps(list(grant.tags)), token_hash=token_hash, created=grant.created, expires=grant.expires,
        )
    )  # fmt: skip
    bump_epoch(conn)


def every(conn: Connection, org_id: str, *, revoked: bool = True) -> list[Grant]:
    """All grants of an organisation, by label."""
    query = QUERY.where(grants.c.org_id == org_id).order_by(grants.c.label, grants.c.created)
    return [_grant(row) for row in conn.execute(query if revoked else query.where(grants.c.revoked.is_(None)))]


def labelled(conn: Connection, org_id: str, label: str) -> Grant | None:
    """The grant with this label that is not revoked."""
    query = QUERY.where(grants.c.org_id == org_id, grants.c.label == label, grants.c.revoked.is_(None))
    row = conn.execute(query).first()
    return None if row is None else _grant(row)


def _grant(row: object) -> Grant:
    fields = row._mapping  # type: ignore[attr-defined]
    return Grant(**{**fields, "tags": tuple(json.loads(fields["tags"]))})


def rotate(conn: Connection, grant_id: str, token_hash: bytes, overlap_until: int | None) -> None:
    """A new token; the one before stays good until `overlap_until` (None: it ends now)."""
    old = conn.execute(select(grants.c.token_hash).where(grants.c.id == grant_id)).scalar()
    previous = (old, overlap_until) if overlap_until is not None else (None, None)
    conn.execute(
        update(grants)
        .where(grants.c.id == grant_id)
        .values(token_hash=token_hash, previous_hash=previous[0], previous_until=previous[1])
    )
    bump_epoch(conn)


def revoke(conn: Connection, grant_id: str, now: int) -> None:
    """End a grant, both tokens, from the next request on."""
    conn.execute(update(grants).where(grants.c.id == grant_id).values(revoked=now))
    bump_epoch(conn)


def change(conn: Connection, grant_id: str, policy_id: str | None, tags: tuple[str, ...], expires: int | None) -> None:
    """Attach another policy (None detaches), set tags and expiry."""
    values = {"policy_id": policy_id, "tags": json.dumps(list(tags)), "expires": expires}
    conn.execute(update(grants).where(grants.c.id == grant_id).values(**values))
    bump_epoch(conn)


def touch(conn: Connection, used: Mapping[str, int]) -> None:
    """Note the last use of each grant. Not an edit: the epoch stays."""
    statement = (
        update(grants)
        .where(grants.c.id == bindparam("grant"), or_(grants.c.last_used.is_(None), grants.c.last_used < bindparam("used")))
        .values(last_used=bindparam("used"))
    )
    conn.execute(statement, [{"grant": grant_id, "used": time} for grant_id, time in used.items()])
