"""Policies: saving versions, history, rollback, attaching. A document with an error is never saved."""

import json
from typing import Any

from sqlalchemy import Connection

from toolgate.control import grants as grant_use
from toolgate.control import servers
from toolgate.control.desk import Desk, missing
from toolgate.errors import NotFound
from toolgate.policy.diff import Change, diff
from toolgate.policy.parse import parse, parse_json
from toolgate.secrets import new_id
from toolgate.store import grants, policies
from toolgate.store.policies import Policy, Version


async def every(desk: Desk) -> list[Policy]:
    """All policies as they are in force."""
    return await desk.db.read(lambda conn: policies.every(conn, desk.org_id))


def get(conn: Connection, desk: Desk, name: str) -> Policy:
    """The policy called `name`. Raises NotFound."""
    found = policies.named(conn, desk.org_id, name)
    if found is None:
        raise missing("policy", name, (policy.name for policy in policies.every(conn, desk.org_id)))
    return found


def text_of(document: Any) -> str:
    """A document as it is stored: checked, readable, keys in the order given. Raises InvalidDocument."""
    parse(document)
    return json.dumps(document, indent=2, ensure_ascii=False)


async def save(desk: Desk, name: str, server: str, document: Any, message: str) -> int:
    """A new policy, or another version of one, in force at once. Returns the version's number."""
    text = text_of(document)
    return await desk.db.write(lambda conn: put(conn, desk, name, server, text, message))


def put(conn: Connection, desk: Desk, name: str, server: str, text: str, message: str) -> int:
    """The same in the caller's transaction, with a text that was checked."""
    found = policies.named(conn, desk.org_id, name)
    if found is not None:
        return policies.save(conn, found.id, text, desk.actor, message, desk.clock())
    upstream = servers.get(conn, desk, server)
    policy = Policy(new_id("pol"), desk.org_id, upstream.id, upstream.name, name, 1, text)
    policies.create(conn, policy, Version(1, text, desk.actor, message, desk.clock()))
    return 1


async def show(desk: Desk, name: str) -> Policy:
    """One policy."""
    return await desk.db.read(lambda conn: get(conn, desk, name))


async def history(desk: Desk, name: str) -> list[Version]:
    """Every version, newest first."""
    return await desk.db.read(lambda conn: policies.versions(conn, get(conn, desk, name).id))


async def rollback(desk: Desk, name: str, version: int) -> int:
    """Put an earlier version in force again, as a new version. Returns its number."""

    def work(conn: Connection) -> int:
        policy = get(conn, desk, name)
        for old in policies.versions(conn, policy.id):
            if old.version == version:
                message = f"back to version {version}"
                return policies.save(conn, policy.id, old.document, desk.actor, message, desk.clock())
        raise NotFound(f"the policy `{name}` has no version {version}; `toolgate policy history {name}` lists them")

    return await desk.db.write(work)


async def changes(desk: Desk, name: str, old: int, new: int) -> list[Change]:
    """What differs between two versions."""
    by_number = {version.version: version.document for version in await history(desk, name)}
    for number in (old, new):
        if number not in by_number:
            raise NotFound(f"the policy `{name}` has no version {number}; `toolgate policy history {name}` lists them")
    return diff(parse_json(by_number[old]), parse_json(by_number[new]))


async def attach(desk: Desk, label: str, name: str | None) -> None:
    """Attach a policy to a grant; None detaches, after which the grant is denied everything."""

    def work(conn: Connection) -> None:
        grant = grant_use.get(conn, desk, label)
        policy = None if name is None else get(conn, desk, name)
        if policy is not None and policy.server_id != grant.server_id:
            raise NotFound(f"the policy `{name}` is for `{policy.server}`, the grant `{label}` for `{grant.server}`")
        grants.change(conn, grant.id, policy.id if policy else None, grant.tags, grant.expires)

    await desk.db.write(work)


async def remove(desk: Desk, name: str) -> None:
    """Delete a policy. Raises Conflict while it is attached."""
    await desk.db.write(lambda conn: policies.remove(conn, get(conn, desk, name)))
