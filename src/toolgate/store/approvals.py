"""Approvals: asked for by the data plane, answered by the control plane, good once.

A request is pending until enough people approved it, one denied it, or its time ran out; what expires is not written, it
follows from the clock. Sealed arguments are erased as soon as nobody needs to see them any more.
"""

from dataclasses import dataclass

from sqlalchemy import Connection, Select, func, insert, select, update

from toolgate.errors import Conflict, NotFound
from toolgate.store.state import bump_epoch
from toolgate.store.tables import approval_votes, approvals, grants, servers

MICROSECONDS = 1_000_000


@dataclass(frozen=True, slots=True)
class Asked:
    """What a held call asks for. `binding` is a digest of everything the approval is bound to."""

    id: str
    org_id: str
    server_id: str
    grant_id: str
    kind: str
    name: str
    binding: bytes
    rule: str
    reason: str
    arguments: bytes
    approvers: int
    ttl: int


@dataclass(frozen=True, slots=True)
class Approval:
    """A request as it stands. `state` is pending, approved, denied, used or expired."""

    id: str
    server: str
    grant: str
    kind: str
    name: str
    rule: str
    reason: str
    arguments: bytes | None
    approvers: int
    ttl: int
    state: str
    created: int
    expires: int
    approved_by: tuple[str, ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True)
class Vote:
    """One person's answer."""

    actor: str
    approve: bool
    note: str
    created: int


QUERY = (
    select(
        approvals.c.id, servers.c.name.label("server"), grants.c.label.label("grant"), approvals.c.kind,
        approvals.c.name, approvals.c.rule, approvals.c.reason, approvals.c.arguments, approvals.c.approvers,
        approvals.c.ttl, approvals.c.state, approvals.c.created, approvals.c.expires,
    )
    .join(servers, servers.c.id == approvals.c.server_id)
    .join(grants, grants.c.id == approvals.c.grant_id)
)  # fmt: skip


def ask(conn: Connection, asked: Asked, now: int) -> Approval:
    """The request for this binding that still speaks (pending, approved or denied, not expired), else a new one."""
    query = QUERY.where(
        approvals.c.org_id == asked.org_id,
        approvals.c.binding == asked.binding,
        approvals.c.state.in_(("pending", "approved", "denied")),
        approvals.c.expires > now,
    )
    found = _first(conn, query.order_by(approvals.c.created.desc()), now)
    if found is not None:
        return found
    conn.execute(
        insert(approvals).values(
            id=asked.id, org_id=asked.org_id, server_id=asked.server_id, grant_id=asked.grant_id, kind=asked.kind,
            name=asked.name, binding=asked.binding, rule=asked.rule, reason=asked.reason, arguments=asked.arguments,
            approvers=asked.approvers, ttl=asked.ttl, state="pending", created=now,
            expires=now + asked.ttl * MICROSECONDS,
        )
    )  # fmt: skip
    bump_epoch(conn)
    return get(conn, asked.id, now)


def get(conn: Connection, approval_id: str, now: int) -> Approval:
    """One request. Raises NotFound."""
    found = _first(conn, QUERY.where(approvals.c.id == approval_id), now)
    if found is None:
        raise NotFound(f"there is no approval `{approval_id}`; `toolgate approvals list` shows those that wait")
    return found


def every(conn: Connection, org_id: str, now: int, *, pending: bool = False) -> list[Approval]:
    """The requests of an organisation, newest first; at most 1,000."""
    query = QUERY.where(approvals.c.org_id == org_id).order_by(approvals.c.created.desc()).limit(1000)
    if pending:
        query = query.where(approvals.c.state == "pending", approvals.c.expires > now)
    return [_approval(conn, row, now) for row in conn.execute(query)]


def _first(conn: Connection, query: Select[tuple[object, ...]], now: int) -> Approval | None:
    row = conn.execute(query).first()
    return None if row is None else _approval(conn, row, now)


def _approval(conn: Connection, row: object, now: int) -> Approval:
    fields = dict(row._mapping)  # type: ignore[attr-defined]
    if fields["state"] in ("pending", "approved") and fields["expires"] <= now:
        fields["state"] = "expired"
    answers = votes(conn, fields["id"])
    approved_by = tuple(vote.actor for vote in answers if vote.approve)
    return Approval(**fields, approved_by=approved_by, note=next((v.note for v in answers if not v.approve), ""))


def votes(conn: Connection, approval_id: str) -> list[Vote]:
    """Who answered what, in order."""
    table = approval_votes.c
    query = select(table.actor, table.approve, table.note, table.created).where(table.approval_id == approval_id)
    return [Vote(*row) for row in conn.execute(query.order_by(table.created))]


def vote(conn: Connection, approval_id: str, answer: Vote) -> Approval:
    """Answer a pending request. Raises NotFound, or Conflict when it no longer waits or this person answered before."""
    now = answer.created
    request = get(conn, approval_id, now)
    if request.state != "pending":
        raise Conflict(f"the approval `{approval_id}` is {request.state}; there is nothing left to answer")
    if answer.actor in request.approved_by:
        raise Conflict(f"`{answer.actor}` has approved `{approval_id}` already; somebody else must answer")
    conn.execute(
        insert(approval_votes).values(
            approval_id=approval_id, actor=answer.actor, approve=answer.approve, note=answer.note, created=now
        )
    )
    approvals_given = select(func.count()).where(approval_votes.c.approval_id == approval_id, approval_votes.c.approve)
    if not answer.approve:
        _decide(conn, approval_id, state="denied")
    elif int(conn.execute(approvals_given).scalar() or 0) >= request.approvers:
        _decide(conn, approval_id, state="approved", expires=now + request.ttl * MICROSECONDS)
    bump_epoch(conn)
    return get(conn, approval_id, now)


def _decide(conn: Connection, approval_id: str, **values: object) -> None:
    conn.execute(update(approvals).where(approvals.c.id == approval_id).values(arguments=None, **values))


def use(conn: Connection, approval_id: str, now: int) -> bool:
    """Use an approval up. False when it is not, or no longer, good. Runs in the transaction of the call's intent."""
    used = conn.execute(
        update(approvals)
        .where(approvals.c.id == approval_id, approvals.c.state == "approved", approvals.c.expires > now)
        .values(state="used")
    )
    return used.rowcount == 1


def forget_arguments(conn: Connection, now: int) -> int:
    """Erase the sealed arguments of requests that expired unanswered. Returns how many."""
    stale = update(approvals).where(approvals.c.expires <= now, approvals.c.arguments.is_not(None))
    return conn.execute(stale.values(arguments=None)).rowcount
