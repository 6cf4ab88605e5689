"""JSON-RPC messages as MCP uses them: the data, strict parsing of a client's, tolerant reading of a server's, encoding.

Client messages are parsed whole by `strictjson` and re-serialised. Server messages keep `result`, `error` and `params` as
the raw JSON they came in (they are the server's own words and nobody decides on them), in an envelope of our own.
"""

from dataclasses import dataclass, field
from typing import Any, TypeAlias

import msgspec

from toolgate.errors import BadRequest
from toolgate.mcp import strictjson
from toolgate.mcp.strictjson import compact, dumps

Id: TypeAlias = int | str


@dataclass(frozen=True, slots=True)
class Request:
    """A request from a client. `params` is the decoded object (empty when absent)."""

    id: Id
    method: str
    params: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Notification:
    """A notification from a client."""

    method: str
    params: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Response:
    """A client's answer to a server's request (session era only). Exactly one of `result` and `error` is set."""

    id: Id
    result: Any = None
    error: Any = None


ClientMessage: TypeAlias = Request | Notification | Response


@dataclass(frozen=True, slots=True)
class Reply:
    """A server's answer to a request, or the gateway's own: raw JSON of `result` or of `error`, exactly one set."""

    result: msgspec.Raw | None = None
    error: msgspec.Raw | None = None


@dataclass(frozen=True, slots=True)
class Interim:
    """A server's notification (`id` None) or request (`id` set), with `params` as raw JSON (None when absent)."""

    method: str
    params: msgspec.Raw | None = None
    id: Id | None = None


ENVELOPES = {
    frozenset({"jsonrpc", "id", "method"}): "request",
    frozenset({"jsonrpc", "id", "method", "params"}): "request",
    frozenset({"jsonrpc", "method"}): "notification",
    frozenset({"jsonrpc", "method", "params"}): "notification",
    frozenset({"jsonrpc", "id", "result"}): "result",
    frozenset({"jsonrpc", "id", "error"}): "error",
}
LONGEST_ID = 200
LONGEST_METHOD = 200


def parse(data: bytes, limit: int = strictjson.LARGEST_BODY) -> ClientMessage:
    """A client's message (JSON-RPC 2.0; batches ended with revision 2025-06-18). Raises BadRequest."""
    value = strictjson.loads(data, limit)
    if not isinstance(value, dict):
        raise BadRequest("a message is one JSON object; batches are not accepted")
    kind = ENVELOPES.get(frozenset(value))
    if kind is None or value["jsonrpc"] != "2.0":
        raise BadRequest(
            'a message has `"jsonrpc": "2.0"` and the members of a request, a notification or a response, no others'
        )
    if kind in ("request", "notification"):
        return _asked(value, kind)
    error = value.get("error")
    if kind == "error" and not isinstance(error, dict):
        raise BadRequest("`error` must be an object")
    return Response(_id(value["id"]), value.get("result"), error)


def _asked(value: dict[str, Any], kind: str) -> Request | Notification:
    method, params = value["method"], value.get("params", {})
    if not isinstance(method, str) or not 0 < len(method) <= LONGEST_METHOD:
        raise BadRequest("`method` must be a string")
    if not isinstance(params, dict):
        raise BadRequest("`params` must be an object")
    return Request(_id(value["id"]), method, params) if kind == "request" else Notification(method, params)


def _id(value: Any) -> Id:
    if isinstance(value, str) and len(value) <= LONGEST_ID:
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise BadRequest(f"`id` must be an integer or a string of at most {LONGEST_ID} characters")


class _ServerMessage(msgspec.Struct):
    """What a server may send, with the parts nobody decides on left raw."""

    jsonrpc: str
    id: int | str | None = None
    method: str | None = None
    params: msgspec.Raw = msgspec.Raw()
    result: msgspec.Raw = msgspec.Raw()
    error: msgspec.Raw = msgspec.Raw()


_decoder = msgspec.json.Decoder(_ServerMessage)


def read_server(data: bytes) -> tuple[Id, Reply] | Interim:
    """A server's message: the answer to a request, or a notification or request of its own. Raises BadRequest."""
    try:
        data.decode("utf-8")
        message = _decoder.decode(data)
    except (UnicodeDecodeError, msgspec.DecodeError, RecursionError):
        raise BadRequest("the server sent something that is no JSON-RPC message") from None
    if message.jsonrpc != "2.0":
        raise BadRequest("the server sent something that is no JSON-RPC message")
    if message.method is not None:
        return Interim(message.method, _one_line(message.params), message.id)
    result, error = _one_line(message.result), _one_line(message.error)
    if error is not None and bytes(error) == b"null":
        error = None
    if message.id is None or (result is None) == (error is None):
        raise BadRequest("the server sent something that is neither a request nor an answer")
    return message.id, Reply(result, error)


def read_server_all(data: bytes) -> list[tuple[Id, Reply] | Interim]:
    """The same, for a body that may be a batch (revision 2025-03-26). Raises BadRequest."""
    if not data.lstrip().startswith(b"["):
        return [read_server(data)]
    try:
        return [read_server(bytes(item)) for item in msgspec.json.decode(data, type=list[msgspec.Raw])]
    except msgspec.DecodeError:
        raise BadRequest("the server sent something that is no JSON-RPC message") from None


def _one_line(raw: msgspec.Raw) -> msgspec.Raw | None:
    return msgspec.Raw(compact(bytes(raw))) if len(bytes(raw)) else None


def request_bytes(request_id: Id, method: str, params: Any) -> bytes:
    """A request, on one line. `params` None leaves them out."""
    rest = b"}" if params is None else b',"params":' + dumps(params) + b"}"
    return b'{"jsonrpc":"2.0","id":' + dumps(request_id) + b',"method":' + dumps(method) + rest


def notification_bytes(method: str, params: Any) -> bytes:
    """A notification, on one line."""
    rest = b"}" if params is None else b',"params":' + dumps(params) + b"}"
    return b'{"jsonrpc":"2.0","method":' + dumps(method) + rest


def reply_bytes(request_id: Id, reply: Reply) -> bytes:
    """An answer, on one line."""
    return b'{"jsonrpc":"2.0","id":' + dumps(request_id) + _outcome(reply)


def failure_bytes(request_id: Id | None, reply: Reply) -> bytes:
    """An error about a message whose id may not be known (then `null`, JSON-RPC 2.0 section 5)."""
    return b'{"jsonrpc":"2.0","id":' + dumps(request_id) + _outcome(reply)


def _outcome(reply: Reply) -> bytes:
    if reply.error is not None:
        return b',"error":' + bytes(reply.error) + b"}"
    return b',"result":' + bytes(reply.result or b"{}") + b"}"


def interim_bytes(message: Interim) -> bytes:
    """A server's notification or request, on one line."""
    head = b'{"jsonrpc":"2.0",' + (b"" if message.id is None else b'"id":' + dumps(message.id) + b",")
    rest = b"}" if message.params is None else b',"params":' + bytes(message.params) + b"}"
    return head + b'"method":' + dumps(message.method) + rest


def result_reply(result: Any) -> Reply:
    """An answer of the gateway's own."""
    return Reply(result=msgspec.Raw(dumps(result)))


def error_reply(code: int, message: str, data: Any = None) -> Reply:
    """An error of the gateway's own."""
    error = {"code": code, "message": message} | ({} if data is None else {"data": data})
    return Reply(error=msgspec.Raw(dumps(error)))


def reply_of(response: Response) -> Reply:
    """A client's answer to a server's request, as it goes to the server."""
    if response.error is not None:
        return Reply(error=msgspec.Raw(dumps(response.error)))
    return Reply(result=msgspec.Raw(dumps(response.result)))
