"""The only mapping of decisions and errors to the wire (policy language, "What the agent sees").

A denied tool call is a normal result that the model can read, since HTTP and JSON-RPC errors make some clients tear their
session down; a denied resource or prompt is a JSON-RPC error with the same data.
"""

from typing import Any

from toolgate.errors import BadRequest, NotFound, ToolgateError, Unauthenticated, Unavailable
from toolgate.mcp import messages
from toolgate.mcp.eras import Era
from toolgate.mcp.messages import Id, Reply
from toolgate.policy.decision import Code, Decision, Effect
from toolgate.proxy.model import Answer

DENIED = 4030
"""JSON-RPC code of a denied resource or prompt: outside the ranges JSON-RPC and MCP reserve."""
UNAVAILABLE = 5030
UNAUTHENTICATED = 4010
CANCELLED = -32800

PREFIXES = {Code.UNAVAILABLE: "[UNAVAILABLE]", Code.APPROVAL_PENDING: "[APPROVAL PENDING]"}


def denial(decision: Decision, *, as_result: bool, era: Era) -> Reply:
    """The answer to a call that policy refused; `as_result` for tool calls."""
    data = decision_data(decision)
    text = f"{PREFIXES.get(decision.code or Code.UNAVAILABLE, '[POLICY DENIED]')} {decision.message}"
    if not as_result:
        return messages.error_reply(DENIED, text, {"toolgate/decision": data})
    result: dict[str, Any] = {
        "content": [{"type": "text", "text": text}],
        "isError": True,
        "_meta": {"toolgate/decision": data},
    }
    if era is Era.STATELESS:
        result["resultType"] = "complete"
    return messages.result_reply(result)


def decision_data(decision: Decision) -> dict[str, Any]:
    """What an agent may know of a decision; never another rule than the one that decided."""
    data: dict[str, Any] = {"effect": "deny", "code": decision.code, "rule": decision.rule}
    if decision.retry_after is not None:
        data["retry_after"] = decision.retry_after
    data["policy_version"] = decision.policy_version
    return data


def unavailable(error: Unavailable, *, as_result: bool, era: Era) -> Reply:
    """The answer to an allowed call that could not be carried out."""
    if as_result:
        decision = Decision(Effect.DENY, "(unavailable)", Code.UNAVAILABLE, str(error))
        return denial(decision, as_result=True, era=era)
    return messages.error_reply(UNAVAILABLE, str(error))


def failure(error: ToolgateError, request_id: Id | None) -> Answer:
    """The answer to a message that got no further than an error."""
    status, code, data = _status(error)
    return Answer(status, messages.failure_bytes(request_id, messages.error_reply(code, str(error), data)))


def _status(error: ToolgateError) -> tuple[int, int, object]:
    if isinstance(error, BadRequest):
        return error.http_status, error.rpc_code, error.data
    if isinstance(error, Unauthenticated):
        return 401, UNAUTHENTICATED, None
    if isinstance(error, NotFound):
        return 404, -32001, None
    if isinstance(error, Unavailable):
        return 503, UNAVAILABLE, None
    return 500, -32603, None
