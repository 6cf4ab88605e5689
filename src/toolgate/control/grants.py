"""Grants: minting, rotating, revoking. A token is returned once, by the call that made it, and never again."""

from dataclasses import dataclass

from sqlalchemy import Connection

from toolgate.control import servers
from toolgate.control.desk import Desk, missing
from toolgate.errors import Conflict
from toolgate.secrets import hash_token, new_id, new_token
from toolgate.store import grants, policies
from toolgate.store.grants import Grant

SECOND = 1_000_000
DAY = 86_400


@dataclass(frozen=True, slots=True)
class Minted:
    """A grant and its token, which is shown now or never."""

    grant: Grant
    token: str


async def every(desk: Desk, *, revoked: bool = False) -> list[Grant]:
    """All grants."""
    return await desk.db.read(lambda conn: grants.every(conn, desk.org_id, revoked=revoked))


def get(conn: Connection, desk: Desk, label: str) -> Grant:
    """The live grant with this label. Raises NotFound."""
    found = grants.labelled(conn, desk.org_id, label)
    if found is None:
        raise missing("grant", label, (grant.label for grant in grants.every(conn, desk.org_id, revoked=False)))
    return found


async def mint(
    desk: Desk, label: str, server: str, policy: str | None, tags: tuple[str, ...] = (), expires: int | None = None
) -> Minted:
    """A new grant on a server, under a policy (None: everything is denied until one is attached)."""
    token = new_token()
    grant = await desk.db.write(lambda conn: put(conn, desk, label, server, policy, tags, expires, token))
    return Minted(grant, token)


def put(
    conn: Connection, desk: Desk, label: str, server: str, policy: str | None, tags: tuple[str, ...],
    expires: int | None, token: str | None,
) -> Grant:  # fmt: skip
    """The same in the caller's transaction. `token` None: a grant that no token opens."""
    if grants.labelled(conn, desk.org_id, label) is not None:
        raise Conflict(f"a grant `{label}` exists already; revoke it first, or choose another label")
    upstream = servers.get(conn, desk, server)
    policy_id = None if policy is None else policy_on(conn, desk, policy, upstream.id)
    grant = Grant(
        new_id("gr"), desk.org_id, upstream.id, upstream.name, policy_id, policy, label, tags, desk.clock(), expires,
        None, None,
    )  # fmt: skip
    grants.add(conn, grant, None if token is None else hash_token(desk.keys.pepper, token))
    return grant


def policy_on(conn: Connection, desk: Desk, name: str, server_id: str) -> str:
    """The id of the policy `name` if it is for this server. Raises NotFound."""
    found = policies.named(conn, desk.org_id, name)
    if found is None or found.server_id != server_id:
        known = [policy.name for policy in policies.every(conn, desk.org_id) if policy.server_id == server_id]
        raise missing("policy for this server", name, known)
    return found.id


async def rotate(desk: Desk, label: str, overlap: int = DAY) -> Minted:
    """A new token. The old one stays good for `overlap` seconds (0: it ends now)."""
    token = new_token()

    def work(conn: Connection) -> Grant:
        grant = get(conn, desk, label)
        until = desk.clock() + overlap * SECOND if overlap > 0 else None
        grants.rotate(conn, grant.id, hash_token(desk.keys.pepper, token), until)
        return grant

    return Minted(await desk.db.write(work), token)


async def revoke(desk: Desk, label: str) -> None:
    """End a grant, from the next request on."""

    def work(conn: Connection) -> None:
        grants.revoke(conn, get(conn, desk, label).id, desk.clock())

    await desk.db.write(work)


async def set_expiry(desk: Desk, label: str, expires: int | None) -> None:
    """When a grant ends by itself; None is never."""

    def work(conn: Connection) -> None:
        grant = get(conn, desk, label)
        if expires is not None and expires <= desk.clock():
            raise Conflict("that time has passed; use `toolgate grant revoke` to end a grant now")
        grants.change(conn, grant.id, grant.policy_id, grant.tags, expires)

    await desk.db.write(work)
