"""Every method a client may send: in which eras it exists, and what the gateway must do before and after it.

A method that is not in the table is refused, so that a new one cannot pass unpoliced.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from toolgate.errors import BadRequest
from toolgate.mcp.eras import Era

METHOD_NOT_FOUND = -32601


class Guard(StrEnum):
    """What a request needs: a decision by policy, a filtered list, a handshake, or nothing but its record."""

    CALL = "call"
    LIST = "list"
    HANDSHAKE = "handshake"
    DISCOVER = "discover"
    PASS = "pass"  # noqa: S105 - not a password


@dataclass(frozen=True, slots=True)
class Method:
    """One line of the table. `named` is the parameter that says what is asked for, and that `Mcp-Name` mirrors."""

    guard: Guard
    eras: frozenset[Era]
    kind: Literal["request", "notification"] = "request"
    named: str | None = None


BOTH = frozenset(Era)
SESSION = frozenset({Era.SESSION})
STATELESS = frozenset({Era.STATELESS})

METHODS: dict[str, Method] = {
    "initialize": Method(Guard.HANDSHAKE, SESSION),
    "server/discover": Method(Guard.DISCOVER, STATELESS),
    "ping": Method(Guard.PASS, SESSION),
    "tools/list": Method(Guard.LIST, BOTH),
    "tools/call": Method(Guard.CALL, BOTH, named="name"),
    "resources/list": Method(Guard.LIST, BOTH),
    "resources/templates/list": Method(Guard.LIST, BOTH),
    "resources/read": Method(Guard.CALL, BOTH, named="uri"),
    "resources/subscribe": Method(Guard.CALL, SESSION, named="uri"),
    "resources/unsubscribe": Method(Guard.PASS, SESSION),
    "prompts/list": Method(Guard.LIST, BOTH),
    "prompts/get": Method(Guard.CALL, BOTH, named="name"),
    "completion/complete": Method(Guard.CALL, BOTH),
    "logging/setLevel": Method(Guard.PASS, SESSION),
    "subscriptions/listen": Method(Guard.PASS, STATELESS),
    "tasks/get": Method(Guard.PASS, BOTH),
    "tasks/result": Method(Guard.PASS, BOTH),
    "tasks/list": Method(Guard.PASS, BOTH),
    "tasks/cancel": Method(Guard.PASS, BOTH),
    "tasks/update": Method(Guard.PASS, BOTH),
    "notifications/initialized": Method(Guard.PASS, SESSION, "notification"),
    "notifications/cancelled": Method(Guard.PASS, BOTH, "notification"),
    "notifications/progress": Method(Guard.PASS, SESSION, "notification"),
    "notifications/roots/list_changed": Method(Guard.PASS, SESSION, "notification"),
    "notifications/tasks/status": Method(Guard.PASS, SESSION, "notification"),
}


def method_of(name: str, era: Era, *, notification: bool = False) -> Method:
    """The method's line. Raises BadRequest (-32601; HTTP 404 in the stateless era)."""
    method = METHODS.get(name)
    if method is None or era not in method.eras or (method.kind == "notification") != notification:
        status = 404 if era is Era.STATELESS else 200
        raise BadRequest(f"the method `{name[:80]}` is not known", METHOD_NOT_FOUND, http_status=status)
    return method
