"""Clients of one era in front of servers of the other, and clients whose ids are all the same."""

import asyncio
import json
import sys

import pytest
from raw_http import raw_server, whole
from test_gateway import INITIALIZE, stateless

from toolgate.config import ServerConfig

VERSION, CAPABILITIES = "io.modelcontextprotocol/protocolVersion", "io.modelcontextprotocol/clientCapabilities"


async def stateless_only(method, headers, message, writer):
    """A server of revision 2026-07-28 and no other."""

    def error(code, text, status):
        writer.write(whole({"jsonrpc": "2.0", "id": message["id"], "error": {"code": code, "message": text}}, status=status))

    if message is None:
        writer.write(whole(b"", status="405 Method Not Allowed"))
        return
    meta = message.get("params", {}).get("_meta", {})
    if meta.get(VERSION) != "2026-07-28" or CAPABILITIES not in meta:
        error(-32022, "unsupported", "400 Bad Request")
        return
    if headers.get("mcp-method") != message["method"] or headers.get("mcp-protocol-version") != "2026-07-28":
        error(-32020, "mirrors", "400 Bad Request")
        return
    results = {
        "server/discover": {
            "supportedVersions": ["2026-07-28"], "capabilities": {"tools": {}}, "ttlMs": 0, "cacheScope": "public",
            "_meta": {"io.modelcontextprotocol/serverInfo": {"name": "new", "version": "1"}},
        },
        "tools/list": {"tools": [{"name": "echo", "inputSchema": {"type": "object"}}, {"name": "hidden", "inputSchema": {"type": "object"}}], "ttlMs": 9, "cacheScope": "public"},
        "tools/call": {"content": [{"type": "text", "text": json.dumps(message["params"].get("arguments"))}]},
    }  # fmt: skip
    if message["method"] == "tools/call" and message["params"]["name"] == "asks":
        results["tools/call"] = {"resultType": "input_required", "inputRequests": {}}
    result = {"resultType": "complete", **results[message["method"]]}
    writer.write(whole({"jsonrpc": "2.0", "id": message["id"], "result": result}))


@pytest.mark.parametrize("mode", ["legacy", "2026-07-28", "auto"])
async def test_a_server_of_the_stateless_era_only(gateway, mode):
    policy = {"version": "1", "default": "deny", "tools": {"echo": {}, "asks": {}}}
    async with (
        raw_server(stateless_only) as raw,
        gateway(policy, ServerConfig("up", url=raw.url)) as running,
        running.client(mode=mode) as client,
    ):
        assert [tool.name for tool in (await client.list_tools()).tools] == ["echo"]
        assert json.loads((await client.call_tool("echo", {"a": 1})).content[0].text) == {"a": 1}
        assert (await client.call_tool("hidden", {})).is_error
        if mode == "legacy":
            with pytest.raises(Exception, match="question"):
                await client.call_tool("asks", {})


async def test_a_client_that_always_says_id_1_in_one_session(gateway, allow):
    """The habit of a large client: one pooled session, every request under the same id."""
    async with gateway(allow) as running, running.http() as http:
        opened = await http.post("/mcp/up/", json=INITIALIZE)
        session = {"mcp-session-id": opened.headers["mcp-session-id"]}

        async def call(number):
            params = {"name": "slow" if number % 4 == 0 else "echo", "arguments": {"canary": number, "seconds": 0.05}}
            body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
            response = await http.post("/mcp/up/", json=body, headers=session)
            return json.loads(response.json()["result"]["content"][0]["text"])["canary"]

        assert await asyncio.gather(*(call(number) for number in range(40))) == list(range(40))


async def test_a_server_that_forgets_its_session_is_introduced_again(gateway, allow):
    sessions = []

    async def forgetful(method, headers, message, writer):
        if method == "DELETE" or message is None:
            writer.write(whole(b""))
        elif message["method"] == "initialize":
            sessions.append(f"s{len(sessions)}")
            result = {"protocolVersion": "2025-11-25", "capabilities": {}, "serverInfo": {"name": "f", "version": "1"}}
            body = {"jsonrpc": "2.0", "id": message["id"], "result": result}
            writer.write(whole(body, extra=f"Mcp-Session-Id: {sessions[-1]}\r\n"))
        elif headers.get("mcp-session-id") != sessions[-1] or (message["method"] == "tools/call" and len(sessions) == 1):
            writer.write(whole(b"", status="404 Not Found"))
        elif "id" not in message:
            writer.write(whole(b"", status="202 Accepted"))
        else:
            writer.write(whole({"jsonrpc": "2.0", "id": message["id"], "result": {"content": [], "tools": []}}))

    async with (
        raw_server(forgetful) as raw,
        gateway(allow, ServerConfig("up", url=raw.url)) as running,
        running.client(mode="legacy") as client,
    ):
        assert not (await client.call_tool("echo", {})).is_error
    assert sessions == ["s0", "s1"]


TOUCHY = """
import json, sys
for line in sys.stdin:
    message = json.loads(line)
    if message["method"] == "initialize":
        result = {"protocolVersion": "2025-06-18", "capabilities": {}, "serverInfo": {"name": "t", "version": "1"}}
    elif message["method"] == "tools/call":
        result = {"content": [{"type": "text", "text": "alive"}]}
    elif "id" not in message:
        continue
    else:
        sys.exit("what is this?")
    print(json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": result}), flush=True)
"""


async def test_a_server_that_ends_at_a_message_it_does_not_know(gateway, allow):
    server = ServerConfig("up", command=(sys.executable, "-c", TOUCHY))
    async with gateway(allow, server) as running, running.http() as http:
        response = await stateless(http, "tools/call", {"name": "echo", "arguments": {}})
        assert response.json()["result"]["content"][0]["text"] == "alive"
