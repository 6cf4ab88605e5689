"""Links over HTTP against a server that can be as wrong as a server can be."""

import asyncio
import json

import pytest
from raw_http import answer, raw_server, whole
from transport_contract import *  # noqa: F403

from toolgate.errors import Unavailable
from toolgate.proxy.transports.http import HttpTransport
from toolgate.proxy.transports.port import NoStream, SessionLost, Target, Timeouts, UpstreamRefused

TIMEOUTS = Timeouts(connect=1, first_byte=0.5, idle=0.5, total=2)


async def nobody(message):
    pass


async def link_to(raw, **changes):
    target = Target("up", raw.url, changes.pop("headers", {}), timeouts=TIMEOUTS, **changes)
    return await HttpTransport().open(target)


async def echo(method, headers, message, writer):
    writer.write(whole(answer(message, message.get("params", {}))))


async def test_answers_come_back_and_connections_are_kept():
    async with raw_server(echo) as raw:
        link = await link_to(raw, headers={"X-Key": "configured"})
        for n in range(20):
            reply = await link.request("tools/call", {"n": n}, nobody, {"Mcp-Method": "tools/call"})
            assert json.loads(bytes(reply.result)) == {"n": n}
        assert raw.connections == 1
        _, headers, _ = raw.requests[0]
        assert (headers["x-key"], headers["mcp-method"], headers["accept-encoding"]) == ("configured", "tools/call", "identity")


async def test_fifty_at_once_do_not_cross():
    async def slow_echo(method, headers, message, writer):
        await asyncio.sleep(0.01 * (message["params"]["n"] % 7))
        await echo(method, headers, message, writer)

    async with raw_server(slow_echo) as raw:
        link = await link_to(raw)
        replies = await asyncio.gather(*(link.request("t", {"n": n}, nobody) for n in range(50)))
        assert [json.loads(bytes(reply.result))["n"] for reply in replies] == list(range(50))


async def test_events_come_in_order_with_the_callers_token():
    async def stream(method, headers, message, writer):
        token = message["params"]["_meta"]["progressToken"]
        assert token != "mine"
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
        events = [
            {"jsonrpc": "2.0", "method": "notifications/progress", "params": {"progressToken": token, "progress": n}}
            for n in (1, 2)
        ]
        for event in [*events, {"jsonrpc": "2.0", "id": 999, "result": {"wrong": True}}, answer(message, {"done": True})]:
            data = f"data: {json.dumps(event)}\n\n".encode()
            writer.write(b"%x\r\n%s\r\n" % (len(data), data))
            await asyncio.sleep(0.01)
        writer.write(b"0\r\n\r\n")

    seen = []

    async def note(message):
        seen.append(json.loads(bytes(message.params)))

    async with raw_server(stream) as raw:
        reply = await (await link_to(raw)).request("t", {"_meta": {"progressToken": "mine"}}, note)
        assert json.loads(bytes(reply.result)) == {"done": True}
        assert seen == [{"progressToken": "mine", "progress": 1}, {"progressToken": "mine", "progress": 2}]


async def test_a_session_is_remembered_lost_and_ended():
    async def sessions(method, headers, message, writer):
        if method == "DELETE":
            writer.write(whole(b"", status="200 OK"))
        elif message["method"] == "initialize":
            writer.write(whole(answer(message, {"protocolVersion": "2025-11-25"}), extra="Mcp-Session-Id: abc\r\n"))
        elif message["method"] == "forget":
            writer.write(whole(b"gone", "text/plain", "404 Not Found"))
        else:
            writer.write(whole(answer(message, {})))

    async with raw_server(sessions) as raw:
        link = await link_to(raw)
        await link.request("initialize", {}, nobody)
        await link.request("ping", None, nobody)
        assert raw.requests[-1][1]["mcp-session-id"] == "abc"
        assert raw.requests[-1][1]["mcp-protocol-version"] == "2025-11-25"
        assert link.alive
        with pytest.raises(SessionLost):
            await link.request("forget", None, nobody)
        assert not link.alive
        other = await link_to(raw)
        await other.request("initialize", {}, nobody)
        await other.close()
        assert raw.requests[-1][0].startswith("DELETE")


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
FAULTS = {
    "slow to answer": (None, "did not answer in time"),
    "nothing at all": (b"", "closed the connection"),
    "garbage": (b"hello, I am no HTTP server at all\r\n\r\n", "not HTTP"),
    "half an answer": (HEAD + b'Content-Length: 500\r\n\r\n{"jsonrpc":', "closed the connection before its answer was complete"),
    "stops in the middle": (HEAD + b"Content-Length: 500\r\n\r\n{", "stopped sending"),
    "a redirect": (b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n", "redirect"),
    "compressed": (HEAD + b"Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}", "compressed"),
    "too large": (HEAD + b"Content-Length: 99999\r\n\r\n" + b" " * 99999, "more than"),
    "too many headers": (b"HTTP/1.1 200 OK\r\n" + b"X-A: " + b"x" * 70_000 + b"\r\n\r\n", "too many headers"),
    "two lengths": (HEAD + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}", ""),
    "not JSON": (whole(b"nonsense"), "no message"),
    "another id": (whole({"jsonrpc": "2.0", "id": 4711, "result": {}}), "no message"),
    "HTTP 500": (whole(b"oops", "text/plain", "500 Internal Server Error"), "HTTP 500"),
    "HTTP 401": (whole(b"", status="401 Unauthorized"), "credentials"),
    "an endless line": (b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: " + b"x" * 99_999, "more than"),
    "events that end early": (b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: 9\r\n\r\ndata: 1\n\n", "no JSON-RPC"),
    "an upgrade": (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", ""),
}  # fmt: skip


@pytest.mark.parametrize("name", FAULTS)
async def test_every_fault_is_one_sentence_in_time_and_harms_nobody(name):
    data, says = FAULTS[name]

    async def faulty(method, headers, message, writer):
        if message["method"] == "good":
            writer.write(whole(answer(message, {})))
        elif data is None:
            await asyncio.sleep(5)
        else:
            writer.write(data)
            await writer.drain()
            if "middle" in name or "upgrade" in name:
                await asyncio.sleep(5)
            writer.close()

    async with raw_server(faulty) as raw:
        link = await link_to(raw, max_answer=50_000)
        before = asyncio.get_running_loop().time()
        with pytest.raises(Unavailable) as failed:
            await link.request("bad", {}, nobody)
        assert asyncio.get_running_loop().time() - before < 3
        assert says in str(failed.value)
        assert "\n" not in str(failed.value)
        assert failed.value.sent
        await asyncio.sleep(0.05)
        assert (await link.request("good", {}, nobody)).result is not None


async def test_errors_of_the_server_are_answers():
    async def refusing(method, headers, message, writer):
        identifier = None if message["method"] == "anonymous" else message["id"]
        error = {"jsonrpc": "2.0", "id": identifier, "error": {"code": -32022, "message": "no"}}
        writer.write(whole(error, status="400 Bad Request"))

    async with raw_server(refusing) as raw:
        link = await link_to(raw)
        for method in ("named", "anonymous"):
            assert json.loads(bytes((await link.request(method, {}, nobody)).error))["code"] == -32022


async def test_nothing_was_sent_when_nobody_listens():
    link = await HttpTransport().open(Target("up", "http://127.0.0.1:1/mcp", timeouts=TIMEOUTS))
    with pytest.raises(Unavailable) as failed:
        await link.request("t", {}, nobody)
    assert not failed.value.sent


@pytest.mark.parametrize(
    "name", ["Authorization", "cookie", "Host", "content-length", "Transfer-Encoding", "connection", "X-Key", "x-key"]
)
async def test_headers_that_are_not_a_clients_to_set(name):
    async with raw_server(echo) as raw:
        link = await link_to(raw, headers={"X-Key": "configured"})
        with pytest.raises(Unavailable) as refused:
            await link.request("t", {}, nobody, {name: "x"})
        assert not refused.value.sent
        assert raw.requests == []


@pytest.mark.parametrize("value", ["a\r\nX-Injected: 1", "a\nb", "a\0b"])
async def test_headers_cannot_be_injected(value):
    async with raw_server(echo) as raw:
        with pytest.raises(Unavailable):
            await (await link_to(raw)).request("t", {}, nobody, {"Mcp-Name": value})
        assert raw.requests == []


async def test_a_server_without_a_stream_says_so():
    async def no_stream(method, headers, message, writer):
        writer.write(whole(b"", status="405 Method Not Allowed"))

    async with raw_server(no_stream) as raw:
        with pytest.raises(NoStream):
            await (await link_to(raw)).listen(nobody)
        with pytest.raises(UpstreamRefused):
            await (await link_to(raw)).notify("notifications/initialized", None)


async def test_proxies_of_the_environment_are_ignored(monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    async with raw_server(echo) as raw:
        assert (await (await link_to(raw)).request("t", {}, nobody)).result is not None


async def tools(method, headers, message, writer):
    """The server that the contract asks for."""
    if message is None or "id" not in message:
        writer.write(whole(b"", status="202 Accepted"))
        return
    name, arguments = message["params"]["name"], message["params"].get("arguments", {})
    result = answer(message, {"content": [{"type": "text", "text": json.dumps(arguments)}]})
    if name == "fail":
        writer.write(whole({"jsonrpc": "2.0", "id": message["id"], "error": {"code": -32601, "message": "no"}}))
    elif name == "progress":
        token = message["params"]["_meta"]["progressToken"]
        steps = [
            {"jsonrpc": "2.0", "method": "notifications/progress", "params": {"progressToken": token, "progress": n}}
            for n in (1, 2)
        ]
        body = "".join(f"event: message\ndata: {json.dumps(event)}\n\n" for event in [*steps, result])
        writer.write(whole(body.encode(), "text/event-stream"))
    else:
        await asyncio.sleep(arguments.get("seconds", 0) if name == "slow" else 0)
        writer.write(whole(result))


@pytest.fixture
async def link():
    async with raw_server(tools) as raw:
        opened = await HttpTransport().open(Target("up", raw.url))
        yield opened
        await opened.close()
