"""What is written of an exchange: one record of the decision before anything goes upstream, one of the outcome after.

Builds the records; the ledger makes them durable. No argument value, header or token ever gets in here.
"""

import hashlib
from typing import Any

from toolgate.errors import ToolgateError
from toolgate.mcp.messages import Reply
from toolgate.policy.decision import Call, Decision, Effect
from toolgate.proxy import arguments
from toolgate.proxy.model import Principal
from toolgate.store.port import Record

TEXT_LIMIT = 256


def decision(
    principal: Principal, call: Call, verdict: Decision, *, method: str, call_id: str, session_id: str | None, now: int,
    digest_key: bytes, approval_id: str | None = None,
) -> Record:  # fmt: skip
    """The record of a decision; for an allowed call this is the intent."""
    detail: dict[str, Any] = {"kind": call.kind, "arguments": arguments.shape(digest_key, call.arguments)}
    if verdict.unevaluated:
        detail["unevaluated"] = list(verdict.unevaluated)
    if verdict.spends:
        detail["spends"] = [[spend.key, str(spend.window), spend.amount] for spend in verdict.spends]
    if verdict.retry_after is not None:
        detail["retry_after"] = verdict.retry_after
    if approval_id is not None:
        detail["approval"] = approval_id
    return Record(
        principal.org_id, "decision", now, call_id, principal.server, principal.grant_id, principal.label, session_id,
        method, call.name[:TEXT_LIMIT], str(verdict.effect), verdict.code and str(verdict.code), verdict.rule,
        verdict.policy_version, detail,
    )  # fmt: skip


def outcome(intent: Record, effect: str, now: int, reply: Reply | None = None, reason: str | None = None) -> Record:
    """The record of how an allowed call ended: `ok`, `error`, `unavailable` or `cancelled`."""
    detail: dict[str, Any] = {"micros": now - intent.time}
    if reply is not None:
        raw = bytes(reply.result if reply.result is not None else reply.error or b"")
        detail |= {"bytes": len(raw), "sha256": hashlib.sha256(raw).hexdigest()}
    if reason is not None:
        detail["reason"] = reason[:TEXT_LIMIT]
    return Record(
        intent.org_id, "outcome", now, intent.call_id, intent.server, intent.grant_id, intent.grant_label,
        intent.session_id, intent.method, intent.name, effect, detail=detail,
    )  # fmt: skip


def request(
    principal: Principal, method: str, *, effect: str, call_id: str, session_id: str | None, now: int,
    detail: dict[str, Any] | None = None,
) -> Record:  # fmt: skip
    """The record of a request that policy does not decide call by call: a handshake, a list, a ping."""
    return Record(
        principal.org_id, "request", now, call_id, principal.server, principal.grant_id, principal.label, session_id,
        method, effect=effect, detail=detail,
    )  # fmt: skip


def refusal(org_id: str, server: str, error: ToolgateError, *, call_id: str, now: int, principal: Principal | None) -> Record:
    """The record of a message that was not accepted: no valid token, not parsed, no such session."""
    return Record(
        org_id, "refusal", now, call_id, server[:TEXT_LIMIT],
        principal.grant_id if principal else None, principal.label if principal else None,
        effect=str(Effect.DENY), code=error.code, detail={"reason": str(error)[:TEXT_LIMIT]},
    )  # fmt: skip
