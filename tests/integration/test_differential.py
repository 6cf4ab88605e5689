"""The corpus of odd JSON through the whole gateway, to a server in Python and one in Node: what policy saw, or nothing."""

import shutil

import pytest
from corpus import documents

from support import FIXTURES, absent, stdio
from toolgate.config import ServerConfig
from toolgate.errors import BadRequest
from toolgate.mcp.strictjson import loads

META = '{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}'
HEAD = f'{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"echo","_meta":{META},"arguments":'.encode()
MIRRORS = {
    "mcp-protocol-version": "2026-07-28", "mcp-method": "tools/call", "mcp-name": "echo", "content-type": "application/json",
}  # fmt: skip


def seen_by_policy(body):
    """The arguments a policy decides on, or None when the message is refused."""
    try:
        arguments = loads(body)["params"]["arguments"]
    except BadRequest:
        return None
    return arguments if isinstance(arguments, dict) else {} if arguments is None else None


async def both(gateway, allow, journal, server):
    async with gateway(allow, server) as running, running.http() as http:
        expected = []
        for document in documents():
            body = HEAD + document + b"}}"
            response = await http.post("/mcp/up/", content=body, headers=MIRRORS)
            seen = seen_by_policy(body)
            if seen is None:
                assert "error" in response.json(), document
            else:
                assert "result" in response.json(), document
                expected.append(seen)
    return expected, [line["arguments"] for line in journal.lines()]


async def test_a_server_in_python(gateway, allow, journal):
    expected, arrived = await both(gateway, allow, journal, stdio(JOURNAL=journal.file))
    assert len(expected) > 80
    assert [one or {} for one in arrived] == expected


@pytest.mark.node
async def test_a_server_in_node(gateway, allow, journal):
    if shutil.which("node") is None:
        absent("needs Node.js")
    command = ("node", str(FIXTURES / "upstream.mjs"))
    server = ServerConfig("up", command=command, environment={"JOURNAL": journal.file})
    expected, arrived = await both(gateway, allow, journal, server)
    assert len(arrived) == len(expected)
    for seen, understood in zip(expected, arrived, strict=True):
        assert seen == (understood or {})
