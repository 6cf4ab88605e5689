"""HTTP headers of MCP: what a POST must say, how the stateless era mirrors the body, what goes upstream.

Upstream headers are built here from what was parsed, never copied from the client's, but for `Mcp-Param-*`.
"""

import base64
import binascii
import re
from collections.abc import Mapping, Sequence
from typing import Any

from toolgate.errors import BadRequest
from toolgate.mcp.eras import STATELESS_VERSION, VERSION_KEY, Era
from toolgate.mcp.messages import Request
from toolgate.mcp.methods import METHODS

HEADER_MISMATCH = -32020
ENCODED = re.compile(r"=\?base64\?([A-Za-z0-9+/]*={0,2})\?=")
SAFE = re.compile(r"[!-~](?:[ -~]*[!-~])?")
PARAM = b"mcp-param-"
MOST_PARAMS = 64

RawHeaders = Sequence[tuple[bytes, bytes]]


def check_post_headers(headers: RawHeaders) -> None:
    """A POST is JSON in UTF-8, not compressed (RFC 9110 sections 8.3, 8.4). Raises BadRequest (415)."""
    values = dict(headers)
    if b"content-encoding" in values:
        raise BadRequest("compressed bodies are not accepted; send no `Content-Encoding`", http_status=415)
    media, _, parameters = values.get(b"content-type", b"").decode("latin-1").lower().partition(";")
    charset = parameters.strip().replace('"', "")
    if media.strip() != "application/json" or charset not in ("", "charset=utf-8", "charset=utf8"):
        raise BadRequest("the body must be `Content-Type: application/json`, in UTF-8", http_status=415)


def decode(value: str) -> str:
    """A mirrored value; unsafe ones come as `=?base64?…?=`. Raises BadRequest (-32020)."""
    match = ENCODED.fullmatch(value)
    if match is None:
        return value
    try:
        return base64.b64decode(match[1], validate=True).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError):
        raise _mismatch("a mirrored header is not valid base64 of UTF-8") from None


def encode(value: str) -> str:
    """A value as a header may carry it."""
    if SAFE.fullmatch(value) and not ENCODED.fullmatch(value):
        return value
    return f"=?base64?{base64.b64encode(value.encode()).decode()}?="


def _mismatch(text: str) -> BadRequest:
    return BadRequest(text, HEADER_MISMATCH)


def check_mirrors(headers: RawHeaders, request: Request) -> None:
    """The headers that mirror a stateless request agree with its body. Raises BadRequest (-32020)."""
    expected = {"mcp-method": request.method, "mcp-protocol-version": request.params.get("_meta", {}).get(VERSION_KEY)}
    name = name_of(request)
    if name is not None:
        expected["mcp-name"] = name
    for header, wanted in expected.items():
        found = [value.decode("latin-1") for key, value in headers if key == header.encode()]
        if len(found) != 1:
            raise _mismatch(f"`{header}` must be given once")
        if (decode(found[0]) if header == "mcp-name" else found[0]) != wanted:
            raise _mismatch(f"`{header}` does not say what the body says")


def name_of(request: Request) -> str | None:
    """What `Mcp-Name` mirrors: the tool, prompt or URI; None for methods that name nothing."""
    method = METHODS.get(request.method)
    name = request.params.get(method.named) if method is not None and method.named is not None else None
    return name if isinstance(name, str) else None


def check_params(headers: RawHeaders, input_schema: Any, arguments: Mapping[str, Any]) -> None:
    """`Mcp-Param-*` agree with the arguments whose schema asks for them (`x-mcp-header`). Raises BadRequest (-32020)."""
    properties = input_schema.get("properties") if isinstance(input_schema, dict) else None
    if not isinstance(properties, dict):
        return
    found = {key: value.decode("latin-1") for key, value in headers if key.startswith(PARAM)}
    for name, schema in properties.items():
        wanted = schema.get("x-mcp-header") if isinstance(schema, dict) else None
        if isinstance(wanted, str):
            _check_param(found.get(PARAM + wanted.lower().encode("latin-1", "replace")), name, arguments)


def _check_param(found: str | None, name: str, arguments: Mapping[str, Any]) -> None:
    value = arguments.get(name)
    if found is None:
        if value is not None:
            raise _mismatch(f"the header that mirrors the argument `{name}` is missing")
        return
    if decode(found) != _plain(value):
        raise _mismatch(f"the header that mirrors the argument `{name}` does not say what the body says")


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def upstream_headers(
    request: Request, era: Era, version: str = STATELESS_VERSION, client_headers: RawHeaders = ()
) -> dict[str, str]:
    """What goes upstream besides the link's own headers: the mirrors of the stateless era, rebuilt from the body."""
    if era is Era.SESSION:
        return {}
    result = {"MCP-Protocol-Version": version, "Mcp-Method": request.method}
    name = name_of(request)
    if name is not None:
        result["Mcp-Name"] = encode(name)
    for key, value in [(k, v) for k, v in client_headers if k.startswith(PARAM)][:MOST_PARAMS]:
        result[key.decode("latin-1")] = value.decode("latin-1")
    return result
