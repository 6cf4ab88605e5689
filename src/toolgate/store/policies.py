"""Policies and their versions. Every save is a version; the row of `policies` says which one is in force."""

from dataclasses import dataclass

from sqlalchemy import Connection, delete, exists, func, insert, select, update

from toolgate.errors import Conflict
from toolgate.store.state import bump_epoch
from toolgate.store.tables import grants, policies, policy_versions, servers


@dataclass(frozen=True, slots=True)
class Policy:
    """A policy as it is in force."""

    id: str
    org_id: str
    server_id: str
    server: str
    name: str
    version: int
    document: str


@dataclass(frozen=True, slots=True)
class Version:
    """One saved version."""

    version: int
    document: str
    author: str
    message: str
    created: int


IN_FORCE = (
    select(
        policies.c.id, policies.c.org_id, policies.c.server_id, servers.c.name.label("server"), policies.c.name,
        policies.c.version, policy_versions.c.document,
    )
    .join(servers, servers.c.id == policies.c.server_id)
    .join(
        policy_versions,
        (policy_versions.c.policy_id == policies.c.id) & (policy_versions.c.version == policies.c.version),
    )
)  # fmt: skip


def create(conn: Connection, policy: Policy, first: Version) -> None:
    """A new policy with its first version."""
    conn.execute(
        insert(policies).values(
            id=policy.id, org_id=policy.org_id, server_id=policy.server_id, name=policy.name, version=first.version,
            created=first.created,
        )
    )  # fmt: skip
    _insert(conn, policy.id, first)
    bump_epoch(conn)


def save(conn: Connection, policy_id: str, document: str, author: str, message: str, now: int) -> int:
    """Another version, in force at once. Returns its number."""
    newest = select(func.max(policy_versions.c.version)).where(policy_versions.c.policy_id == policy_id)
    number = int(conn.execute(newest).scalar() or 0) + 1
    _insert(conn, policy_id, Version(number, document, author, message, now))
    conn.execute(update(policies).where(policies.c.id == policy_id).values(version=number))
    bump_epoch(conn)
    return number


def _insert(conn: Connection, policy_id: str, version: Version) -> None:
    conn.execute(
        insert(policy_versions).values(
            policy_id=policy_id, version=version.version, document=version.document, author=version.author,
            message=version.message, created=version.created,
        )
    )  # fmt: skip


def every(conn: Connection, org_id: str) -> list[Policy]:
    """All policies of an organisation, by name."""
    return [Policy(*row) for row in conn.execute(IN_FORCE.where(policies.c.org_id == org_id).order_by(policies.c.name))]


def named(conn: Connection, org_id: str, name: str) -> Policy | None:
    """The policy called `name`."""
    row = conn.execute(IN_FORCE.where(policies.c.org_id == org_id, policies.c.name == name)).first()
    return None if row is None else Policy(*row)


def versions(conn: Connection, policy_id: str) -> list[Version]:
    """Every version, newest first."""
    table = policy_versions.c
    query = select(table.version, table.document, table.author, table.message, table.created)
    rows = conn.execute(query.where(table.policy_id == policy_id).order_by(table.version.desc()))
    return [Version(*row) for row in rows]


def remove(conn: Connection, policy: Policy) -> None:
    """Delete a policy and its versions. Raises Conflict while a grant that is not revoked has it."""
    attached = select(exists().where(grants.c.policy_id == policy.id, grants.c.revoked.is_(None)))
    if conn.execute(attached).scalar():
        raise Conflict(f"the policy `{policy.name}` is attached to a grant; detach it first")
    conn.execute(update(grants).where(grants.c.policy_id == policy.id).values(policy_id=None))
    conn.execute(delete(policy_versions).where(policy_versions.c.policy_id == policy.id))
    conn.execute(delete(policies).where(policies.c.id == policy.id))
    bump_epoch(conn)
