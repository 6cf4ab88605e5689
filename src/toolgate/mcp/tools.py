"""What a request asks for, in the words of a policy; and lists of tools, resources and prompts, filtered as raw JSON."""

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import msgspec

from toolgate.errors import BadRequest
from toolgate.mcp import strictjson
from toolgate.mcp.messages import Request

INVALID_PARAMS = -32602
TOOL_NAME = re.compile(r"[A-Za-z0-9_./-]{1,128}")
LONGEST_NAME = 2000
INVISIBLE = re.compile(
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\U000e0000-\U000e007f]"
)


@dataclass(frozen=True, slots=True)
class Asked:
    """A tool, resource or prompt, by name (a resource's is its URI), and the arguments."""

    kind: Literal["tool", "resource", "prompt"]
    name: str
    arguments: Mapping[str, Any]


def call_of(request: Request) -> Asked:
    """What a guarded request asks for. Raises BadRequest (-32602)."""
    return READERS[request.method](request.params)


def _tool(params: Mapping[str, Any]) -> Asked:
    name = params.get("name")
    if not isinstance(name, str) or not TOOL_NAME.fullmatch(name):
        raise BadRequest("`params.name` must be a tool name: 1 to 128 of A-Z a-z 0-9 _ . / -", INVALID_PARAMS, 200)
    return Asked("tool", name, _arguments(params))


def _resource(params: Mapping[str, Any]) -> Asked:
    uri = params.get("uri")
    if not isinstance(uri, str) or not 0 < len(uri) <= LONGEST_NAME or INVISIBLE.search(uri):
        raise BadRequest("`params.uri` must be a URI", INVALID_PARAMS, 200)
    return Asked("resource", uri, {"uri": uri})


def _prompt(params: Mapping[str, Any]) -> Asked:
    name = params.get("name")
    if not isinstance(name, str) or not 0 < len(name) <= LONGEST_NAME or INVISIBLE.search(name):
        raise BadRequest("`params.name` must be a prompt's name", INVALID_PARAMS, 200)
    return Asked("prompt", name, _arguments(params))


def _completion(params: Mapping[str, Any]) -> Asked:
    reference = params.get("ref")
    if isinstance(reference, dict) and reference.get("type") == "ref/prompt":
        return _prompt({"name": reference.get("name")})
    if isinstance(reference, dict) and reference.get("type") == "ref/resource":
        return _resource({"uri": reference.get("uri")})
    raise BadRequest("`params.ref` must be a `ref/prompt` or a `ref/resource`", INVALID_PARAMS, 200)


def _arguments(params: Mapping[str, Any]) -> Mapping[str, Any]:
    arguments = params.get("arguments", {})
    if arguments is None:
        return {}
    if not isinstance(arguments, dict):
        raise BadRequest("`params.arguments` must be an object", INVALID_PARAMS, 200)
    return arguments


READERS: dict[str, Callable[[Mapping[str, Any]], Asked]] = {
    "tools/call": _tool,
    "resources/read": _resource,
    "resources/subscribe": _resource,
    "prompts/get": _prompt,
    "completion/complete": _completion,
}

_fields = msgspec.json.Decoder(dict[str, msgspec.Raw])
_items = msgspec.json.Decoder(list[msgspec.Raw])


def filter_list(result: msgspec.Raw, items: str, name: str, keep: Callable[[str], bool]) -> msgspec.Raw:
    """A list result with only the items whose `name` member is kept; what is kept stays byte for byte.

    Items without such a name are left out. Raises BadRequest for a result that is no list.
    """
    try:
        fields = _fields.decode(result)
        kept = [item for item in _items.decode(fields[items]) if _keeps(item, name, keep)]
    except (msgspec.DecodeError, KeyError):
        raise BadRequest(f"the server's list has no `{items}`", -32603, 200) from None
    fields[items] = msgspec.Raw(b"[" + b",".join(map(bytes, kept)) + b"]")
    return msgspec.Raw(strictjson.dumps(fields))


def _keeps(item: msgspec.Raw, name: str, keep: Callable[[str], bool]) -> bool:
    value = _member(item, name)
    return value is not None and keep(value)


def _member(item: msgspec.Raw, name: str) -> str | None:
    try:
        value = msgspec.json.decode(_fields.decode(item)[name])
    except (msgspec.DecodeError, KeyError):
        return None
    return value if isinstance(value, str) else None


def privatise(result: msgspec.Raw, max_ttl_ms: int) -> msgspec.Raw:
    """A filtered list as the stateless era may cache it: for this client only, and not for long."""
    fields = _fields.decode(result)
    fields["cacheScope"] = msgspec.Raw(b'"private"')
    try:
        ttl = msgspec.json.decode(fields.get("ttlMs", b"0"), type=int)
    except msgspec.ValidationError:
        ttl = 0
    fields["ttlMs"] = msgspec.Raw(b"%d" % max(0, min(ttl, max_ttl_ms)))
    return msgspec.Raw(strictjson.dumps(fields))


def next_cursor(result: msgspec.Raw) -> str | None:
    """The cursor of the next page."""
    return _member(result, "nextCursor")


@dataclass(frozen=True, slots=True)
class Definition:
    """A tool's whole definition as the server gave it, and the SHA-256 of its canonical form."""

    name: str
    raw: bytes
    digest: bytes


def definitions(result: msgspec.Raw) -> list[Definition]:
    """The definitions in a `tools/list` result; those without an acceptable name are left out."""
    try:
        items = _items.decode(_fields.decode(result)["tools"])
    except (msgspec.DecodeError, KeyError):
        return []
    found = []
    for item in items:
        name = _member(item, "name")
        if name is not None and TOOL_NAME.fullmatch(name):
            content = strictjson.canonical(msgspec.json.decode(item))
            found.append(Definition(name, bytes(item), hashlib.sha256(content).digest()))
    return found


def suspicious_characters(text: str) -> list[str]:
    """Control, bidirectional and zero-width characters in a text, as `U+XXXX`, each once."""
    return sorted({f"U+{ord(character):04X}" for character in INVISIBLE.findall(text)})
