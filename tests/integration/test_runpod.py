"""The published page's own case on the real server: `@runpod/mcp-server` from npm, a fake RunPod API that keeps a journal."""

import asyncio
import json
import shutil
import time

import pytest

from support import NPM, absent
from toolgate.config import ServerConfig

pytestmark = pytest.mark.node

SERVER = NPM / "@runpod" / "mcp-server" / "dist" / "stdio.mjs"
PAGE = json.loads("""
{
  "version": "1",
  "default": "deny",
  "tools": {
    "retry-job": {
      "limits": [
        {
          "counter": "retry-job_rate",
          "window": "minute",
          "max": 10,
          "scope": "grant"
        }
      ]
    }
  }
}
""")
JOB = {"endpointId": "ep1", "jobId": "j1"}


@pytest.fixture
async def runpod():
    """The real server, talking to a fake API on loopback; yields its configuration and the API's journal."""
    if shutil.which("node") is None or not SERVER.exists():
        absent("needs Node.js and `npm ci` in tests/npm")
    journal = []

    async def answer(reader, writer):
        while head := await reader.readuntil(b"\r\n\r\n"):
            method, path, _ = head.decode().split(" ", 2)
            length = next(
                (int(line[15:]) for line in head.decode().split("\r\n") if line.lower().startswith("content-length")), 0
            )
            await reader.readexactly(length)
            journal.append(f"{method} {path}")
            body = b'{"id":"j1","status":"IN_QUEUE"}'
            writer.write(
                b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
            )
            await writer.drain()

    async def serve(reader, writer):
        try:
            await answer(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    api = await asyncio.start_server(serve, "127.0.0.1", 0)
    base = f"http://127.0.0.1:{api.sockets[0].getsockname()[1]}"
    environment = {"RUNPOD_API_KEY": "any", "RUNPOD_API_BASE_URL": base, "RUNPOD_SERVERLESS_API_URL": f"{base}/v2"}
    yield ServerConfig("up", command=("node", str(SERVER)), environment=environment), journal
    api.close()


async def early_in_a_minute():
    """Fifteen calls must fall into one calendar minute."""
    left = 60 - time.time() % 60
    if left < 20:
        await asyncio.sleep(left + 0.1)


@pytest.mark.parametrize("mode", ["legacy", "2026-07-28"])
async def test_ten_of_fifteen_retries_reach_runpod(gateway, runpod, mode):
    server, journal = runpod
    await early_in_a_minute()
    async with gateway(PAGE, server, {"agent": "policy", "other": "policy"}) as running:
        async with running.client(mode=mode) as client:
            assert [tool.name for tool in (await client.list_tools()).tools] == ["retry-job"]
            results = await asyncio.gather(*(client.call_tool("retry-job", JOB) for _ in range(15)))
            denied = [result for result in results if result.is_error]
            assert len(denied) == 5
            assert journal == ["POST /v2/ep1/retry/j1"] * 10
            for result in denied:
                told = result.meta["toolgate/decision"]
                assert told["code"] == "limit_exceeded"
                assert told["rule"] == "/tools/retry-job/limits/retry-job_rate-per-minute"
                assert 0 < told["retry_after"] <= 60
        async with running.client("other", mode) as client:
            assert not (await client.call_tool("retry-job", JOB)).is_error
        assert len(journal) == 11


@pytest.mark.parametrize("mode", ["legacy", "2026-07-28"])
async def test_every_other_tool_is_denied(gateway, runpod, mode):
    server, journal = runpod
    everything = {"version": "1", "default": "allow"}
    async with gateway({"open": everything, "page": PAGE}, server, {"open": "open", "agent": "page"}) as running:
        async with running.client("open", mode) as client:
            names = [tool.name for tool in (await client.list_tools()).tools]
        assert len(names) == 68
        async with running.client("agent", mode) as client:
            for name in names:
                if name != "retry-job":
                    result = await client.call_tool(name, {})
                    assert result.meta["toolgate/decision"]["code"] == "default_deny"
    assert journal == []


FORMS = [
    ({"rate_limit": {"max": 10, "window": 60}}, 10, "limit_exceeded"),
    ({"action": "deny", "reason": "Jobs are retried by hand."}, 0, "action_deny"),
    ({"action": "require_approval", "approval": {"wait": 0}}, 0, "approval_pending"),
]


@pytest.mark.parametrize(("rule", "reached", "code"), FORMS)
async def test_the_pages_answers_work_too(gateway, runpod, rule, reached, code):
    server, journal = runpod
    policy = {"version": "1", "default": "deny", "tools": {"retry-job": rule}}
    async with gateway(policy, server) as running, running.client(mode="legacy") as client:
        results = [await client.call_tool("retry-job", JOB) for _ in range(12)]
        assert len(journal) == reached
        denied = [result.meta["toolgate/decision"]["code"] for result in results if result.is_error]
        assert denied == [code] * (12 - reached)
