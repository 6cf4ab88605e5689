"""Approvals: what waits, and answering it. Each person answers once."""

import json
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from toolgate.control.desk import Desk
from toolgate.errors import Unavailable
from toolgate.store import approvals, audit
from toolgate.store.approvals import Approval, Vote
from toolgate.store.port import Record


@dataclass(frozen=True, slots=True)
class Shown:
    """A request with its arguments opened; None once they are erased."""

    approval: Approval
    arguments: Any
    votes: tuple[Vote, ...]


async def every(desk: Desk, *, pending: bool = True) -> list[Approval]:
    """What waits, or everything, newest first."""
    now = desk.clock()
    return await desk.db.read(lambda conn: approvals.every(conn, desk.org_id, now, pending=pending))


async def show(desk: Desk, approval_id: str) -> Shown:
    """One request, with its arguments for the approver's eyes."""
    now = desk.clock()
    approval, votes = await desk.db.read(
        lambda conn: (approvals.get(conn, approval_id, now), tuple(approvals.votes(conn, approval_id)))
    )
    arguments = None
    if approval.arguments is not None:
        try:
            arguments = json.loads(desk.keys.unseal(approval.arguments, approval_id.encode()))
        except Unavailable:
            arguments = None
    return Shown(approval, arguments, votes)


async def answer(desk: Desk, approval_id: str, *, approve: bool, note: str = "") -> Approval:
    """Approve or deny, with a record of who did. Raises Conflict when it no longer waits."""
    vote = Vote(desk.actor, approve, note, desk.clock())

    def work(conn: Connection) -> Approval:
        answered = approvals.vote(conn, approval_id, vote)
        audit.append(conn, [_record(desk, answered, vote)])
        return answered

    return await desk.db.write(work)


def _record(desk: Desk, answered: Approval, vote: Vote) -> Record:
    detail = {"actor": vote.actor, "note": vote.note, "state": answered.state}
    effect = "approve" if vote.approve else "deny"
    return Record(
        desk.org_id, "approval", vote.created, answered.id, answered.server, grant_label=answered.grant,
        name=answered.name, effect=effect, rule=answered.rule, detail=detail,
    )  # fmt: skip
