"""Approvals: what waits, and answering it. Each person answers once."""

import json
from dataclasses import dataclass
from typing import Any

from toolgate.control.desk import Desk
from toolgate.errors import Unavailable
from toolgate.store import approvals
from toolgate.store.approvals import Approval, Vote


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
    """Approve or deny. Raises Conflict when it no longer waits."""
    vote = Vote(desk.actor, approve, note, desk.clock())
    return await desk.db.write(lambda conn: approvals.vote(conn, approval_id, vote))
