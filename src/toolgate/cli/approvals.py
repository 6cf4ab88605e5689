"""`toolgate approvals`: calls that wait for a person."""

import json as json_module
from dataclasses import asdict
from typing import Any

from cyclopts import App

from toolgate.cli.common import Actor, AsJson, Data, at_desk, moment
from toolgate.cli.output import as_json, printable, say, table
from toolgate.control import approvals
from toolgate.store.approvals import Approval

app = App(name="approvals", help="Calls that wait for a person.", help_format="plaintext")


def _plain(approval: Approval) -> dict[str, Any]:
    return {name: value for name, value in asdict(approval).items() if name != "arguments"}


@app.command(name="list")
def list_approvals(*, all: bool = False, data: Data = None, json: AsJson = False) -> None:  # noqa: A002
    """List what waits; --all includes what was answered.

    Example: toolgate approvals list
    """
    found = at_desk(data, lambda desk: approvals.every(desk, pending=not all))
    if json:
        as_json([_plain(approval) for approval in found])
        return
    rows = [
        (a.id, a.grant, a.server, printable(a.name), a.state, f"{len(a.approved_by)}/{a.approvers}", moment(a.created))
        for a in found
    ]
    table(("id", "grant", "server", "call", "state", "approved", "asked"), rows, "nothing waits")


@app.command
def show(approval_id: str, *, data: Data = None, json: AsJson = False) -> None:
    """Show one request with its arguments.

    Example: toolgate approvals show apr_1f0c
    """
    shown = at_desk(data, lambda desk: approvals.show(desk, approval_id))
    approval = shown.approval
    votes = [asdict(vote) for vote in shown.votes]
    if json:
        as_json(_plain(approval) | {"arguments": shown.arguments, "votes": votes})
        return
    arguments = "(erased)" if shown.arguments is None else json_module.dumps(shown.arguments, ensure_ascii=False, indent=2)
    fields = {
        "call": f"{printable(approval.name)} on {approval.server}", "asked by": approval.grant, "rule": approval.rule,
        "reason": approval.reason, "state": approval.state, "asked": moment(approval.created),
        "good until": moment(approval.expires), "arguments": "\n".join(map(printable, arguments.splitlines())),
    }  # fmt: skip
    answers = [(f"{'approved' if v.approve else 'denied'} by {v.actor}", printable(v.note)) for v in shown.votes]
    table(("", ""), [*fields.items(), *answers])


@app.command
def approve(approval_id: str, *, note: str = "", data: Data = None, actor: Actor = None) -> None:
    """Approve a call. It is forwarded at once if its caller still waits, else when it is called again.

    Example: toolgate approvals approve apr_1f0c --note "checked with Ana"
    """
    answered = at_desk(data, lambda desk: approvals.answer(desk, approval_id, approve=True, note=note), actor)
    left = answered.approvers - len(answered.approved_by)
    say(f"`{approval_id}` is {answered.state}" + (f"; {left} more must approve" if answered.state == "pending" else ""))


@app.command
def deny(approval_id: str, *, note: str = "", data: Data = None, actor: Actor = None) -> None:
    """Deny a call; the agent reads the note.

    Example: toolgate approvals deny apr_1f0c --note "not this month"
    """
    answered = at_desk(data, lambda desk: approvals.answer(desk, approval_id, approve=False, note=note), actor)
    say(f"`{approval_id}` is {answered.state}")
