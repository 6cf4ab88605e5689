"""Making the store as a configuration says: a plan of changes first, then the changes, in one transaction.

What the file does not name is left alone, and listed; `prune` removes it.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection

from toolgate.config import Config, GrantConfig, PolicyConfig, ServerConfig
from toolgate.control import grants as grant_use
from toolgate.control import policies as policy_use
from toolgate.control import servers as server_use
from toolgate.control.desk import Desk
from toolgate.control.documents import read_document
from toolgate.errors import Conflict, InvalidDocument, Problem
from toolgate.secrets import new_token
from toolgate.store import grants, policies, servers

MESSAGE = "applied from the configuration"


@dataclass(frozen=True, slots=True)
class Change:
    """One line of a plan: `create`, `update`, `keep`, `remove` or `leave` a server, policy or grant."""

    action: str
    kind: str
    name: str
    detail: str = ""


@dataclass(slots=True)
class Plan:
    """What would change, and the work that makes it so. `tokens` fills as grants are made."""

    changes: list[Change] = field(default_factory=list)
    work: list[Callable[[Connection], None]] = field(default_factory=list)
    tokens: dict[str, str] = field(default_factory=dict)

    @property
    def pending(self) -> bool:
        """Whether anything is to be done."""
        return bool(self.work)

    def add(self, change: Change, work: Callable[[Connection], None] | None = None) -> None:
        """One more change."""
        self.changes.append(change)
        if work is not None:
            self.work.append(work)


async def plan(desk: Desk, config: Config, *, prune: bool = False) -> Plan:
    """What applying `config` would change. Raises InvalidDocument for a policy with errors; nothing is written."""
    documents = {name: _document(policy) for name, policy in config.policies.items()}
    return await desk.db.read(lambda conn: _plan(conn, desk, config, documents, prune=prune))


async def apply(desk: Desk, wanted: Plan) -> dict[str, str]:
    """Carry a plan out, all or nothing. Returns the tokens of the grants it made, by label."""

    def work(conn: Connection) -> None:
        for step in wanted.work:
            step(conn)

    if wanted.work:
        await desk.db.write(work)
    return wanted.tokens


def _document(policy: PolicyConfig) -> str:
    document = policy.document if policy.file is None else read_document(policy.file)
    try:
        return policy_use.text_of(document)
    except InvalidDocument as error:
        problems = [Problem(f"/policies/{policy.name}{p.pointer}", p.found, p.expected) for p in error.problems]
        raise InvalidDocument(problems, f"policy `{policy.name}`") from None


def _plan(conn: Connection, desk: Desk, config: Config, documents: dict[str, str], *, prune: bool) -> Plan:
    result = Plan()
    for server in config.servers.values():
        _server(conn, desk, result, server)
    for policy in config.policies.values():
        _policy(conn, desk, result, policy, documents[policy.name])
    for grant in config.grants.values():
        _grant(conn, desk, result, grant)
    _others(conn, desk, result, config, prune=prune)
    return result


def _server(conn: Connection, desk: Desk, result: Plan, wanted: ServerConfig) -> None:
    found = servers.named(conn, desk.org_id, wanted.name)
    transport = "stdio" if wanted.url is None else "http"
    if found is None:
        result.add(
            Change("create", "server", wanted.name, wanted.url or "starts a command"),
            lambda conn: void(server_use.put(conn, desk, wanted.name, wanted.url)),
        )
    elif (found.transport, found.url) != (transport, wanted.url):
        result.add(
            Change("update", "server", wanted.name, wanted.url or "starts a command"),
            lambda conn: servers.change(conn, found.id, transport, wanted.url),
        )
    else:
        result.add(Change("keep", "server", wanted.name))


def _policy(conn: Connection, desk: Desk, result: Plan, wanted: PolicyConfig, text: str) -> None:
    found = policies.named(conn, desk.org_id, wanted.name)
    save = lambda conn: void(policy_use.put(conn, desk, wanted.name, wanted.server, text, MESSAGE))  # noqa: E731
    if found is None:
        result.add(Change("create", "policy", wanted.name, f"on {wanted.server}"), save)
    elif found.server != wanted.server:
        raise Conflict(f"the policy `{wanted.name}` is for `{found.server}`; give the one for `{wanted.server}` another name")
    elif json.loads(found.document) != json.loads(text) or list_keys(found.document) != list_keys(text):
        result.add(Change("update", "policy", wanted.name, f"version {found.version} to {found.version + 1}"), save)
    else:
        result.add(Change("keep", "policy", wanted.name, f"version {found.version}"))


def list_keys(text: str) -> str:
    """A document's text in one form, key order kept: order breaks ties between globs."""
    return json.dumps(json.loads(text))


def _grant(conn: Connection, desk: Desk, result: Plan, wanted: GrantConfig) -> None:
    found = grants.labelled(conn, desk.org_id, wanted.label)
    if found is None:

        def make(conn: Connection) -> None:
            token = new_token()
            grant_use.put(conn, desk, wanted.label, wanted.server, wanted.policy, wanted.tags, wanted.expires, token)
            result.tokens[wanted.label] = token

        result.add(Change("create", "grant", wanted.label, f"{wanted.policy or 'no policy'} on {wanted.server}"), make)
    elif found.server != wanted.server:
        raise Conflict(f"the grant `{wanted.label}` is for `{found.server}`; revoke it, or choose another label")
    elif (found.policy, found.tags, found.expires) != (wanted.policy, wanted.tags, wanted.expires):

        def change(conn: Connection) -> None:
            policy_id = wanted.policy and grant_use.policy_on(conn, desk, wanted.policy, found.server_id)
            grants.change(conn, found.id, policy_id, wanted.tags, wanted.expires)

        result.add(Change("update", "grant", wanted.label, f"{wanted.policy or 'no policy'} on {wanted.server}"), change)
    else:
        result.add(Change("keep", "grant", wanted.label))


def _others(conn: Connection, desk: Desk, result: Plan, config: Config, *, prune: bool) -> None:
    """What the file does not name: left alone, or removed, grants first."""
    action = "remove" if prune else "leave"
    for grant in grants.every(conn, desk.org_id, revoked=False):
        if grant.label not in config.grants and not grant.label.startswith("wrap:"):
            revoke = lambda conn, grant=grant: grants.revoke(conn, grant.id, desk.clock())  # noqa: E731
            result.add(Change(action, "grant", grant.label), revoke if prune else None)
    for policy in policies.every(conn, desk.org_id):
        if policy.name not in config.policies and not policy.name.startswith("wrap:"):
            remove = lambda conn, policy=policy: policies.remove(conn, policy)  # noqa: E731
            result.add(Change(action, "policy", policy.name), remove if prune else None)


def void(_value: Any) -> None:
    """Forget a result."""
