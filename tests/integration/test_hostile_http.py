"""What the HTTP edge refuses, and that nothing of it reaches the server."""

import asyncio
import json

import pytest

from support import stdio

META = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
}
CALL = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "echo", "arguments": {}, "_meta": META}}
MIRRORS = {"mcp-protocol-version": "2026-07-28", "mcp-method": "tools/call", "mcp-name": "echo"}


@pytest.fixture
async def edge(gateway, allow, journal):
    """A gateway that allows everything, so that only the edge can refuse."""
    async with gateway(allow, stdio(JOURNAL=journal.file)) as running:
        yield running


def call(**changes):
    return json.dumps({**CALL, **changes}).encode()


def arguments(text):
    """The call with this JSON text as its arguments."""
    return json.dumps(CALL).replace('"arguments": {}', f'"arguments": {text}').encode()


BODIES = {
    "duplicate key": arguments('{"a": 1, "a": 2}'),
    "duplicate after unescaping": arguments('{"a": 1, "\\u0061": 2}'),
    "keys equal under case folding": arguments('{"path": "/safe", "Path": "/etc"}'),
    "folding of long s": arguments('{"s": 1, "\\u017f": 2}'),
    "folding in the envelope": b'{"jsonrpc":"2.0","id":1,"method":"tools/list","Method":"tools/call"}',
    "duplicate method": b'{"jsonrpc":"2.0","id":1,"method":"tools/list","method":"tools/call"}',
    "NaN": arguments('{"a": NaN}'),
    "Infinity": arguments('{"a": -Infinity}'),
    "1e400": arguments('{"a": 1e400}'),
    "integer beyond 2^53": arguments('{"a": 9007199254740993}'),
    "huge integer": arguments('{"a": ' + "9" * 400 + "}"),
    "lone surrogate": arguments('{"a": "\\ud800"}'),
    "lone low surrogate": arguments('{"a": "\\udc00x"}'),
    "invalid UTF-8": arguments('{"a": "?"}').replace(b"?", b"\xff"),
    "overlong UTF-8": arguments('{"a": "?"}').replace(b"?", b"\xc0\xaf"),
    "BOM": b"\xef\xbb\xbf" + call(),
    "UTF-16": call().decode().encode("utf-16"),
    "NUL in a key": arguments('{"a\\u0000b": 1}'),
    "depth": arguments("[" * 80 + "]" * 80),
    "great depth": b"[" * 100_000,
    "trailing garbage": call() + b"{}",
    "trailing comma": arguments('{"a": 1,}'),
    "comment": arguments("{/* */}"),
    "single quotes": arguments("{'a': 1}"),
    "batch": b"[" + call() + b"]",
    "empty batch": b"[]",
    "empty": b"",
    "a string": b'"tools/call"',
    "null": b"null",
    "wrong version": call(jsonrpc="1.0"),
    "no version": b'{"id":1,"method":"tools/list"}',
    "id null": call(id=None),
    "id true": call(id=True),
    "id fraction": call(id=1.5),
    "id object": call(id={}),
    "method a number": call(method=7),
    "params an array": call(params=[]),
    "extra member": call(extra=1),
    "result and method": call(result={}),
    "result and error": b'{"jsonrpc":"2.0","id":1,"result":{},"error":{}}',
    "control character": arguments('{"a": "\x01"}'),
    "over the limit": arguments('{"a": "' + "x" * 5_000_000 + '"}'),
}


@pytest.mark.parametrize("name", BODIES)
async def test_bodies_that_parsers_could_read_differently_are_refused(edge, journal, name):
    async with edge.http() as http:
        response = await http.post("/mcp/up/", content=BODIES[name], headers={**MIRRORS, "content-type": "application/json"})
    assert response.status_code in (400, 413), response.text
    assert response.json()["error"]["message"]
    assert journal.lines() == []
    assert (await edge.records(kind="refusal"))[-1].record.code == "bad_request"


HEADERS = {
    "wrong method mirror": ({"mcp-method": "tools/list"}, 400),
    "wrong name mirror": ({"mcp-name": "slow"}, 400),
    "no name mirror": ({"mcp-name": None}, 400),
    "no method mirror": ({"mcp-method": None}, 400),
    "no version header": ({"mcp-protocol-version": None}, 400),
    "another version": ({"mcp-protocol-version": "2025-11-25"}, 400),
    "unknown version": ({"mcp-protocol-version": "2031-01-01"}, 400),
    "name as other base64": ({"mcp-name": "=?base64?c2xvdw==?="}, 400),
    "name as broken base64": ({"mcp-name": "=?base64?!!?="}, 400),
    "no content type": ({"content-type": None}, 415),
    "a form": ({"content-type": "application/x-www-form-urlencoded"}, 415),
    "plain text": ({"content-type": "text/plain"}, 415),
    "UTF-16 charset": ({"content-type": "application/json; charset=utf-16"}, 415),
    "compressed": ({"content-encoding": "gzip"}, 415),
    "a foreign origin": ({"origin": "https://evil.example"}, 403),
    "null origin": ({"origin": "null"}, 403),
    "a foreign host": ({"host": "evil.example"}, 421),
    "a host with a path": ({"host": "127.0.0.1/a?x="}, 421),
    "no token": ({"authorization": None}, 401),
    "a broken token": ({"authorization": "Bearer tg_short"}, 401),
    "another scheme": ({"authorization": "Basic dGc6"}, 401),
}


@pytest.mark.parametrize("name", HEADERS)
async def test_headers_that_lie_are_refused(edge, journal, name):
    changes, status = HEADERS[name]
    async with edge.http() as http:
        wanted = {**MIRRORS, "content-type": "application/json", "authorization": http.headers["authorization"]} | changes
        http.headers.clear()
        headers = {key: value for key, value in wanted.items() if value is not None}
        response = await http.post("/mcp/up/", content=call(), headers=headers)
    assert response.status_code == status, response.text
    assert journal.lines() == []


async def test_a_token_is_checked_before_the_version(edge):
    async with edge.http(None) as http:
        response = await http.get("/mcp/up/", headers={"mcp-protocol-version": "2024-11-05"})
    assert response.status_code == 401
    assert "resource_metadata" not in response.headers.get("www-authenticate", "")


ROUTES = [
    ("GET", "/", 404), ("POST", "/mcp", 404), ("POST", "/mcp/up/more", 404), ("GET", "/admin", 404),
    ("GET", "/mcp/../healthz", 404),
    ("PUT", "/mcp/up/", 405), ("PATCH", "/mcp/up/", 405), ("OPTIONS", "/mcp/up/", 405), ("TRACE", "/mcp/up/", 405),
    ("POST", "/mcp/unknown/", 401), ("GET", "/mcp/up/", 400), ("DELETE", "/mcp/up/", 400),
]  # fmt: skip


@pytest.mark.parametrize(("method", "path", "status"), ROUTES)
async def test_every_other_route_is_closed(edge, method, path, status):
    token = edge.tokens["agent"]
    assert (await raw(edge, f"{method} {path} HTTP/1.1", f"Authorization: Bearer {token}", body=call()))[0] == status


async def raw(edge, line, *headers, body=b"", host=True):
    """One request written to a socket as it is. Returns (status, body)."""
    port = int(edge.base.rpartition(":")[2])
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    lines = [line, *([f"Host: 127.0.0.1:{port}"] if host else []), *headers]
    if body and not any("length" in header.lower() or "transfer" in header.lower() for header in headers):
        lines += [f"Content-Length: {len(body)}", "Content-Type: application/json"]
    writer.write("\r\n".join(lines).encode("latin-1") + b"\r\nConnection: close\r\n\r\n" + body)
    data = await asyncio.wait_for(reader.read(), 10)
    writer.close()
    return int(data.split(b" ", 2)[1]) if data else 0, data


AUTH = "Authorization: Bearer {token}"
JSON = "Content-Type: application/json"
M = ["MCP-Protocol-Version: 2026-07-28", "Mcp-Method: tools/call", "Mcp-Name: echo"]
FRAMING = {
    "length and chunked": [AUTH, JSON, *M, "Content-Length: 5", "Transfer-Encoding: chunked"],
    "two lengths": [AUTH, JSON, *M, "Content-Length: 5", "Content-Length: 6"],
    "two hosts": [AUTH, JSON, *M, "Host: evil.example"],
    "two tokens": [AUTH, AUTH, JSON, *M],
    "two names": [AUTH, JSON, *M, "Mcp-Name: slow"],
    "two methods": [AUTH, JSON, *M, "Mcp-Method: tools/list"],
    "two sessions": [AUTH, JSON, *M, "Mcp-Session-Id: a", "Mcp-Session-Id: b"],
    "underscore": [AUTH, JSON, *M, "Mcp_Name: slow"],
    "folded line": [AUTH, JSON, *M, "X-A: b\r\n  Mcp-Name: slow"],
    "space before colon": [AUTH, JSON, *M, "X-A : b"],
    "bad length": [AUTH, JSON, *M, "Content-Length: -1"],
    "odd encoding": [AUTH, JSON, *M, "Transfer-Encoding: xchunked"],
    "NUL in a header": [AUTH, JSON, *M, "X-A: a\0b"],
}


@pytest.mark.parametrize("name", FRAMING)
async def test_framing_that_servers_read_differently_is_refused(edge, journal, name):
    headers = [header.format(token=edge.tokens["agent"]) for header in FRAMING[name]]
    if not any("length" in header.lower() or "transfer" in header.lower() for header in headers):
        headers.append(f"Content-Length: {len(call())}")
    status, data = await raw(edge, "POST /mcp/up/ HTTP/1.1", *headers, body=call())
    assert status in (400, 415, 421, 501), data
    assert journal.lines() == []


async def test_no_host_is_refused(edge):
    assert (await raw(edge, "GET /healthz HTTP/1.1", host=False))[0] in (400, 421)


async def test_a_session_belongs_to_its_grant(gateway, allow):
    async with gateway(allow, None, {"agent": "policy", "thief": "policy"}) as running:
        async with running.http() as http:
            opened = await http.post("/mcp/up/", json=INITIALIZE)
            session = {"mcp-session-id": opened.headers["mcp-session-id"]}
            listing = {"jsonrpc": "2.0", "id": 2, "method": "tools/list"}
            assert (await http.post("/mcp/up/", json=listing, headers=session)).status_code == 200
        async with running.http("thief") as http:
            assert (await http.post("/mcp/up/", json=listing, headers=session)).status_code == 404
            assert (await http.request("DELETE", "/mcp/up/", headers=session)).status_code == 404
        async with running.http() as http:
            forged = {"mcp-session-id": session["mcp-session-id"][:-2] + "xx"}
            assert (await http.post("/mcp/up/", json=listing, headers=forged)).status_code == 404
            assert (await http.request("DELETE", "/mcp/up/", headers=session)).status_code == 200
            assert (await http.post("/mcp/up/", json=listing, headers=session)).status_code == 404


INITIALIZE = {
    "jsonrpc": "2.0", "id": 1, "method": "initialize",
    "params": {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}},
}  # fmt: skip

METHODS = [
    "tools/call/",
    "Tools/Call",
    "tools/call\u200b",
    "admin/shutdown",
    "sampling/createMessage",
    "notifications/initialized",
]


@pytest.mark.parametrize("method", METHODS)
async def test_methods_are_taken_from_the_table_only(edge, journal, method):
    headers = {**MIRRORS, "mcp-method": method if method.isascii() else "tools/call"}
    async with edge.http() as http:
        response = await http.post("/mcp/up/", json={**CALL, "method": method}, headers=headers)
    assert response.json()["error"]["code"] in (-32601, -32020)
    assert response.status_code in (400, 404)
    assert journal.lines() == []


async def test_canaries_do_not_cross_between_clients_that_share_ids(edge):
    async def one(number):
        async with edge.http() as http:
            for turn in range(5):
                canary = f"c{number}-{turn}"
                body = {**CALL, "id": 0, "params": {**CALL["params"], "arguments": {"canary": canary}}}
                response = await http.post("/mcp/up/", json=body, headers=MIRRORS)
                assert json.loads(response.json()["result"]["content"][0]["text"]) == {"canary": canary}

    await asyncio.gather(*(one(number) for number in range(20)))
