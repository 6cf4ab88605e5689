"""The two eras of MCP: telling them apart, and what must be said differently when client and server live in different ones."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import msgspec

from toolgate.errors import BadRequest
from toolgate.mcp import messages
from toolgate.mcp.messages import ClientMessage, Notification, Reply, Request, Response


class Era(StrEnum):
    """`session`: revisions up to 2025-11-25. `stateless`: 2026-07-28, where every request stands alone."""

    SESSION = "session"
    STATELESS = "stateless"


SESSION_VERSION = "2025-11-25"
STATELESS_VERSION = "2026-07-28"
SESSION_VERSIONS = ("2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25")
STATELESS_VERSIONS = (STATELESS_VERSION,)

PREFIX = "io.modelcontextprotocol/"
VERSION_KEY = PREFIX + "protocolVersion"
CAPABILITIES_KEY = PREFIX + "clientCapabilities"
CLIENT_INFO_KEY = PREFIX + "clientInfo"
SERVER_INFO_KEY = PREFIX + "serverInfo"

INVALID_PARAMS = -32602
UNSUPPORTED_VERSION = -32022

CACHEABLE = frozenset({
    "tools/list", "resources/list", "resources/templates/list", "prompts/list", "resources/read", "server/discover",
})  # fmt: skip
STATELESS_ONLY = ("resultType", "ttlMs", "cacheScope")


def era_of(message: ClientMessage, version: str | None) -> Era:
    """The era a message is spoken in. `version` is the `MCP-Protocol-Version` header.

    A request's own `_meta` decides. A header of the stateless era on anything without it says stateless too, so that the
    missing `_meta` is reported as such. Raises BadRequest for a version nobody knows (-32022).
    """
    if isinstance(message, Request) and message.method == "initialize":
        return Era.SESSION
    if isinstance(message, Request | Notification) and VERSION_KEY in _meta(message.params):
        return Era.STATELESS
    if version is None or version in SESSION_VERSIONS or isinstance(message, Response):
        return Era.SESSION
    if version in STATELESS_VERSIONS or (isinstance(message, Request) and message.method == "server/discover"):
        return Era.STATELESS
    raise unsupported(version)


def unsupported(version: Any) -> BadRequest:
    """The error for a protocol version that is not spoken here."""
    data = {"supported": [*STATELESS_VERSIONS, *SESSION_VERSIONS], "requested": version}
    return BadRequest(f"the protocol version `{str(version)[:40]}` is not supported", UNSUPPORTED_VERSION, data=data)


def check_stateless(request: Request, version_header: str | None) -> None:
    """The `_meta` that every request of the stateless era carries. Raises BadRequest (-32602, -32022)."""
    meta = _meta(request.params)
    version = meta.get(VERSION_KEY)
    for key in (VERSION_KEY, CAPABILITIES_KEY):
        if key not in meta:
            raise BadRequest(f"`params._meta` must have `{key}`", INVALID_PARAMS)
    if not isinstance(meta[CAPABILITIES_KEY], dict):
        raise BadRequest(f"`{CAPABILITIES_KEY}` must be an object", INVALID_PARAMS)
    if version not in STATELESS_VERSIONS:
        raise unsupported(version)
    if version_header is not None and version_header != version:
        raise BadRequest("`MCP-Protocol-Version` and `_meta` name different versions", -32020)


def _meta(params: Mapping[str, Any]) -> Mapping[str, Any]:
    meta = params.get("_meta")
    return meta if isinstance(meta, dict) else {}


def to_session_params(params: Mapping[str, Any]) -> dict[str, Any]:
    """A stateless client's parameters for a session-based server: without what only the stateless era knows."""
    rest = {name: value for name, value in params.items() if name not in ("_meta", "inputResponses", "requestState")}
    meta = {name: value for name, value in _meta(params).items() if not name.startswith(PREFIX)}
    return {**rest, "_meta": meta} if meta else rest


def to_stateless_params(
    params: Mapping[str, Any], version: str, client_info: Mapping[str, Any], capabilities: Mapping[str, Any]
) -> dict[str, Any]:
    """A session client's parameters for a stateless server: with the `_meta` that every request there carries."""
    own = {VERSION_KEY: version, CLIENT_INFO_KEY: client_info, CAPABILITIES_KEY: capabilities}
    return {**params, "_meta": {**_meta(params), **own}}


def _fields(reply: Reply) -> dict[str, msgspec.Raw] | None:
    """The members of a result; None for an error, or a result that is no object, which stays as it is."""
    try:
        return None if reply.result is None else msgspec.json.decode(reply.result, type=dict[str, msgspec.Raw])
    except msgspec.DecodeError:
        return None


def lift_reply(method: str, reply: Reply) -> Reply:
    """A session-based server's answer as a stateless client reads it."""
    fields = _fields(reply)
    if fields is None:
        return reply
    fields.setdefault("resultType", msgspec.Raw(b'"complete"'))
    if method in CACHEABLE:
        fields.setdefault("ttlMs", msgspec.Raw(b"0"))
        fields.setdefault("cacheScope", msgspec.Raw(b'"private"'))
    return Reply(msgspec.Raw(msgspec.json.encode(fields)))


def lower_reply(method: str, reply: Reply) -> Reply:
    """A stateless server's answer as a session client reads it. One that asks for input cannot be passed on."""
    fields = _fields(reply)
    if fields is None:
        return reply
    if fields.get("resultType", b'"complete"') != msgspec.Raw(b'"complete"'):
        text = (
            f"the server answered `{method}` with a question, which only clients of revision {STATELESS_VERSION} can be asked"
        )
        return messages.error_reply(-32603, text)
    for name in STATELESS_ONLY:
        fields.pop(name, None)
    return Reply(msgspec.Raw(msgspec.json.encode(fields)))


def speaks_stateless(discovered: msgspec.Raw) -> bool:
    """Whether a `server/discover` result names a version of the stateless era."""
    try:
        supported = msgspec.json.decode(discovered).get("supportedVersions")
    except (msgspec.DecodeError, AttributeError):
        return False
    return isinstance(supported, list) and any(version in STATELESS_VERSIONS for version in supported)


def discover_from_initialize(initialized: Mapping[str, Any]) -> dict[str, Any]:
    """What `server/discover` answers on behalf of a session-based server."""
    result: dict[str, Any] = {
        "supportedVersions": list(STATELESS_VERSIONS),
        "capabilities": initialized.get("capabilities", {}),
        "resultType": "complete",
        "ttlMs": 0,
        "cacheScope": "private",
        "_meta": {SERVER_INFO_KEY: initialized.get("serverInfo", {})},
    }
    if "instructions" in initialized:
        result["instructions"] = initialized["instructions"]
    return result


def initialize_from_discover(discovered: Mapping[str, Any], requested: str) -> dict[str, Any]:
    """What `initialize` answers on behalf of a stateless server."""
    info = _meta({"_meta": discovered.get("_meta")}).get(SERVER_INFO_KEY, {"name": "unknown", "version": ""})
    result: dict[str, Any] = {
        "protocolVersion": requested if requested in SESSION_VERSIONS else SESSION_VERSION,
        "capabilities": discovered.get("capabilities", {}),
        "serverInfo": info,
    }
    if "instructions" in discovered:
        result["instructions"] = discovered["instructions"]
    return result
