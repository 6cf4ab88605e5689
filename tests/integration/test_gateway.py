"""The whole path over HTTP, with the official client: what policy says is what happens, and the journal is the truth."""

import asyncio
import json

import pytest

from support import http_upstream, stdio
from toolgate.config import ServerConfig
from toolgate.control import approvals, audit, grants, policies, servers

ERAS = ["legacy", "2026-07-28", "auto"]
RETRY = {
    "version": "1",
    "default": "deny",
    "tools": {"echo": {"limits": [{"counter": "echo_rate", "window": 3600, "max": 3, "scope": "grant"}]}},
}


def decision(result):
    return (result.meta or {}).get("toolgate/decision")


@pytest.mark.parametrize("mode", ERAS)
async def test_allowed_calls_reach_the_server_and_come_back(gateway, journal, allow, mode):
    async with gateway(allow, stdio(JOURNAL=journal.file)) as running, running.client(mode=mode) as client:
        result = await client.call_tool("echo", {"a": [1, 2.5, "é", None]})
        assert json.loads(result.content[0].text) == {"a": [1, 2.5, "é", None]}
    assert [line["arguments"] for line in journal.lines()] == [{"a": [1, 2.5, "é", None]}]


@pytest.mark.parametrize("mode", ERAS)
async def test_a_limit_lets_exactly_its_maximum_through(gateway, journal, mode):
    async with gateway(RETRY, stdio(JOURNAL=journal.file), {"agent": "policy", "other": "policy"}) as running:
        async with running.client(mode=mode) as client:
            results = [await client.call_tool("echo", {"n": n}) for n in range(5)]
            assert [result.is_error for result in results] == [False, False, False, True, True]
            denied = decision(results[3])
            assert (denied["code"], denied["rule"]) == ("limit_exceeded", "/tools/echo/limits/echo_rate-per-3600")
            assert 3400 < denied["retry_after"] <= 3661
            assert results[3].content[0].text.startswith("[POLICY DENIED] the limit of 3 per 3600 s is reached")
        async with running.client("other", mode) as client:
            assert not (await client.call_tool("echo", {"n": 9})).is_error
    assert [line["arguments"]["n"] for line in journal.lines()] == [0, 1, 2, 9]


@pytest.mark.parametrize("mode", ERAS)
async def test_lists_show_what_policy_shows_byte_for_byte(gateway, mode):
    policy = {
        "version": "1",
        "default": "deny",
        "hide": ["slow"],
        "tools": {"echo": {}, "fail": {"action": "deny"}, "slow": {}},
    }
    async with gateway(policy) as running, running.client(mode=mode) as client:
        tools = (await client.list_tools()).tools
        assert [tool.name for tool in tools] == ["echo", "fail"]
        assert (await client.list_resources()).resources == []
        hidden = await client.call_tool("slow", {})
        assert decision(hidden)["code"] == "hidden"


async def test_what_a_list_keeps_stays_as_it_was(gateway, allow):
    async with gateway(allow) as running, running.http() as http:
        response = await stateless(http, "tools/list", {})
        assert '"x-unknown":{"kept":[1.5,"\\u00e9"]}' in response.text.replace(" ", "")
        listed = response.json()["result"]
        assert (listed["cacheScope"], listed["resultType"]) == ("private", "complete")


META = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
    "io.modelcontextprotocol/clientInfo": {"name": "t", "version": "1"},
}


async def stateless(http, method, params, server="up", **headers):
    own = {"MCP-Protocol-Version": "2026-07-28", "Mcp-Method": method, "Accept": "application/json, text/event-stream"}
    name = params.get("name") or params.get("uri")
    own |= {"Mcp-Name": name} if name else {}
    body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": {**params, "_meta": META}}
    return await http.post(f"/mcp/{server}/", json=body, headers=own | headers)


async def test_resources_and_prompts_are_under_policy(gateway):
    policy = {
        "version": "1", "default": "deny", "resources": {"test://a": {}}, "prompts": {"gr*": {}},
    }  # fmt: skip
    async with gateway(policy) as running, running.client(mode="legacy") as client:
        assert [resource.uri for resource in (await client.list_resources()).resources] == ["test://a"]
        assert [prompt.name for prompt in (await client.list_prompts()).prompts] == ["greet"]
        assert (await client.read_resource("test://a")).contents[0].text == "hello"
        with pytest.raises(Exception, match="POLICY DENIED") as denied:
            await client.read_resource("test://b")
        assert denied.value.error.data["toolgate/decision"]["code"] == "default_deny"
        with pytest.raises(Exception, match="POLICY DENIED"):
            await client.get_prompt("curse")


async def test_the_published_policys_other_forms(gateway, journal):
    policy = {
        "version": "1", "default": "deny",
        "tools": {
            "echo": {"rate_limit": {"max": 2, "window": 60}},
            "fail": {"action": "deny", "reason": "Not from here."},
            "charge": {"action": "require_approval", "approval": {"wait": 0}},
        },
    }  # fmt: skip
    async with gateway(policy, stdio(JOURNAL=journal.file)) as running:
        async with running.client(mode="legacy") as client:
            outcomes = [(await client.call_tool("echo", {})).is_error for _ in range(3)]
            assert outcomes == [False, False, True]
            denied = await client.call_tool("fail", {})
            assert denied.content[0].text == "[POLICY DENIED] Not from here."
            assert decision(await client.call_tool("charge", {}))["code"] == "approval_pending"
        async with running.client(mode="legacy") as another_session:
            assert not (await another_session.call_tool("echo", {})).is_error
    assert len(journal.lines()) == 3


HOLD = {
    "version": "1",
    "default": "deny",
    "tools": {"charge": {"action": "require_approval", "approval": {"wait": 10, "ttl": 60}}},
}


async def test_a_held_call_is_released_by_approval_once(gateway, journal):
    async with gateway(HOLD, stdio(JOURNAL=journal.file)) as running, running.client() as client:
        held = asyncio.ensure_future(client.call_tool("charge", {"amount": 5}))
        waiting = await pending(running)
        shown = await approvals.show(running.desk, waiting.id)
        assert shown.arguments == {"amount": 5}
        assert journal.lines() == []
        await approvals.answer(running.desk, waiting.id, approve=True)
        assert not (await held).is_error
        assert (await approvals.show(running.desk, waiting.id)).approval.state == "used"
        answered = (await running.records(kind="approval"))[0].record
        assert (answered.call_id, answered.effect, answered.detail["actor"]) == (waiting.id, "approve", "tester")
        again = asyncio.ensure_future(client.call_tool("charge", {"amount": 5}))
        assert (await pending(running)).id != waiting.id
        again.cancel()
    assert [line["arguments"] for line in journal.lines()] == [{"amount": 5}]


async def pending(running):
    for _ in range(100):
        found = await approvals.every(running.desk)
        if found:
            return found[0]
        await asyncio.sleep(0.05)
    raise AssertionError("nothing waits")


async def test_an_approval_is_bound_to_its_arguments(gateway, journal):
    policy = json.loads(json.dumps(HOLD).replace('"wait": 10', '"wait": 0'))
    async with gateway(policy, stdio(JOURNAL=journal.file)) as running, running.client() as client:
        await client.call_tool("charge", {"amount": 5})
        waiting = await pending(running)
        await approvals.answer(running.desk, waiting.id, approve=True)
        assert decision(await client.call_tool("charge", {"amount": 6}))["code"] == "approval_pending"
        assert not (await client.call_tool("charge", {"amount": 5})).is_error
        assert decision(await client.call_tool("charge", {"amount": 5}))["code"] == "approval_pending"
    assert [line["arguments"] for line in journal.lines()] == [{"amount": 5}]


async def test_a_denied_approval_is_told_with_its_note(gateway, journal):
    async with gateway(HOLD, stdio(JOURNAL=journal.file)) as running, running.client() as client:
        held = asyncio.ensure_future(client.call_tool("charge", {"amount": 5}))
        await approvals.answer(running.desk, (await pending(running)).id, approve=False, note="too much")
        result = await held
        assert decision(result)["code"] == "approval_denied"
        assert "too much" in result.content[0].text
    assert journal.lines() == []


async def test_what_is_denied_after_approval_stays_denied(gateway, journal):
    async with gateway(HOLD, stdio(JOURNAL=journal.file)) as running, running.client() as client:
        held = asyncio.ensure_future(client.call_tool("charge", {"amount": 5}))
        waiting = await pending(running)
        await policies.save(running.desk, "policy", "up", {"version": "1", "default": "deny"}, "stop")
        await approvals.answer(running.desk, waiting.id, approve=True)
        assert decision(await held)["code"] == "default_deny"
    assert journal.lines() == []


async def test_edits_and_revocation_hold_from_the_next_request(gateway, allow):
    async with gateway(allow) as running:
        async with running.client() as client:
            assert not (await client.call_tool("echo", {})).is_error
            await policies.save(running.desk, "policy", "up", {"version": "1", "default": "deny"}, "")
            assert decision(await client.call_tool("echo", {}))["policy_version"] == 2
            await policies.attach(running.desk, "agent", None)
            assert decision(await client.call_tool("echo", {}))["code"] == "no_policy"
        async with running.http() as http:
            await grants.revoke(running.desk, "agent")
            assert (await stateless(http, "tools/list", {})).status_code == 401


async def test_a_rotated_token_overlaps_and_then_ends(gateway, allow):
    async with gateway(allow) as running, running.http() as old:
        minted = await grants.rotate(running.desk, "agent", overlap=60)
        running.tokens["agent"] = minted.token
        async with running.http() as new:
            assert (await stateless(old, "tools/list", {})).status_code == 200
            assert (await stateless(new, "tools/list", {})).status_code == 200
            await grants.rotate(running.desk, "agent", overlap=0)
            assert (await stateless(old, "tools/list", {})).status_code == 401
            assert (await stateless(new, "tools/list", {})).status_code == 401


@pytest.mark.parametrize("mode", ERAS)
async def test_official_server_over_http_in_both_eras(gateway, mode, allow):
    async with http_upstream() as server, gateway(allow, server) as running, running.client(mode=mode) as client:
        assert [tool.name for tool in (await client.list_tools()).tools] == ["echo", "seen_headers"]
        assert (await client.call_tool("echo", {"text": "hi"})).content[0].text == "hi"
        assert (await client.read_resource("test://a")).contents[0].text == "hello"
        seen = json.loads((await client.call_tool("seen_headers", {})).content[0].text)
        text = json.dumps(seen)
        assert "authorization" not in text
        assert "tg_" not in text


async def test_cookies_and_authorization_never_go_upstream(gateway, allow):
    canaries = {"Cookie": "session=canary-cookie", "X-Secret": "canary-header"}
    async with http_upstream() as server, gateway(allow, server) as running, running.http(**canaries) as http:
        response = await stateless(http, "tools/call", {"name": "seen_headers", "arguments": {}})
        assert response.status_code == 200
        assert "canary" not in response.text
        assert running.tokens["agent"] not in response.text


async def test_progress_and_server_requests_pass_in_a_session(gateway, allow):
    async with gateway(allow) as running, running.client(mode="legacy") as client:
        seen = []

        async def progress(done, total, message):
            seen.append(done)

        await client.call_tool("progress", {}, progress_callback=progress)
        assert seen == [1, 2]


async def test_the_environment_of_a_child_is_small(gateway, allow, monkeypatch):
    monkeypatch.setenv("GATEWAY_SECRET", "canary")
    async with gateway(allow, stdio(TOKEN="configured")) as running, running.client() as client:
        seen = json.loads((await client.call_tool("environment", {})).content[0].text)
        assert seen["TOKEN"] == "configured"
        assert "GATEWAY_SECRET" not in seen


async def test_a_dead_child_is_one_sentence_and_comes_back(gateway, allow):
    async with gateway(allow, stdio(TOKEN="secret-value-in-env")) as running, running.client(mode="legacy") as client:
        died = await client.call_tool("die", {})
        assert decision(died)["code"] == "unavailable"
        assert "exit code 7" in died.content[0].text
        assert "secret-value-in-env" not in died.content[0].text
        assert not (await client.call_tool("echo", {})).is_error


@pytest.mark.parametrize(
    ("server", "says"),
    [
        (stdio("missing.py"), "exit code 2"),
        ({"command": ("no-such-command-anywhere",)}, "there is no command `no-such-command-anywhere`"),
        ({"url": "http://127.0.0.1:1/mcp"}, "cannot be connected to"),
        ({"url": "http://no-such-host.invalid/mcp"}, "cannot be found"),
    ],
)
async def test_a_dead_upstream_is_one_clear_sentence(gateway, allow, server, says):
    config = ServerConfig("up", **server) if isinstance(server, dict) else server
    async with gateway(allow, config) as running, running.http() as http:
        response = await stateless(http, "tools/call", {"name": "echo", "arguments": {}})
        message = response.json()["error"]["message"]
        assert says in message
        assert "\n" not in message
        assert "Traceback" not in response.text


async def test_every_exit_is_recorded_and_the_chain_holds(gateway, allow):
    async with gateway(RETRY) as running:
        async with running.client() as client:
            for _ in range(4):
                await client.call_tool("echo", {"password": "canary-value"})
        async with running.http(None) as http:
            assert (await stateless(http, "tools/list", {})).status_code == 401
        entries = await running.records()
        kinds = [(entry.record.kind, entry.record.effect, entry.record.code) for entry in entries]
        assert kinds.count(("decision", "allow", None)) == 3
        assert kinds.count(("outcome", "ok", None)) == 3
        assert ("decision", "deny", "limit_exceeded") in kinds
        assert ("refusal", "deny", "unauthenticated") in kinds
        assert "canary-value" not in repr(entries)
        allowed = next(entry.record for entry in entries if entry.record.effect == "allow")
        assert set(allowed.detail["arguments"]) == {"/password"}
        (grant,) = await grants.every(running.desk)
        assert grant.last_used is not None
        assert (await audit.verify(running.desk)).intact


async def test_the_open_stream_of_a_revoked_grant_ends(gateway, allow):
    async with gateway(allow) as running, running.http() as http:
        opened = await http.post("/mcp/up/", json=INITIALIZE)
        session = {"mcp-session-id": opened.headers["mcp-session-id"], "accept": "text/event-stream"}
        async with http.stream("GET", "/mcp/up/", headers=session) as stream:
            assert stream.status_code == 200
            await grants.revoke(running.desk, "agent")
            async with asyncio.timeout(2):
                async for _ in stream.aiter_bytes():
                    pass
        assert len(running.gateway.pipeline.sessions) == 0


INITIALIZE = {
    "jsonrpc": "2.0", "id": 1, "method": "initialize",
    "params": {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}},
}  # fmt: skip


async def test_a_new_grant_with_an_old_label_inherits_no_approval(gateway, journal):
    async with gateway(HOLD, stdio(JOURNAL=journal.file)) as running, running.client() as client:
        held = asyncio.ensure_future(client.call_tool("charge", {"amount": 5}))
        waiting = await pending(running)
        await grants.revoke(running.desk, "agent")
        await grants.mint(running.desk, "agent", "up", "policy")
        await approvals.answer(running.desk, waiting.id, approve=True)
        with pytest.raises(Exception, match=r"revoked|Unauthorized|401|token|closed|session"):
            await held
    assert journal.lines() == []


async def test_a_flood_of_strangers_is_counted_not_written(gateway, allow):
    async with gateway(allow) as running, running.http(None) as http:
        running.gateway.pipeline.flood._most = 5
        for _ in range(200):
            assert (await http.post("/mcp/up/", json=INITIALIZE)).status_code == 401
        records = await running.records(kind="refusal")
        left_out = sum(entry.record.detail.get("left_out", 0) for entry in records)
        assert len(records) < 200
        await asyncio.sleep(1)
        await http.post("/mcp/up/", json=INITIALIZE)
        records = await running.records(kind="refusal")
        left_out = sum(entry.record.detail.get("left_out", 0) for entry in records)
        assert len(records) + left_out == 201


async def test_a_client_that_cancels_ends_its_call_upstream(gateway, allow):
    async with gateway(allow) as running, running.http() as http:
        opened = await http.post("/mcp/up/", json=INITIALIZE)
        session = {"mcp-session-id": opened.headers["mcp-session-id"]}
        body = {"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": {"name": "slow", "arguments": {"seconds": 20}}}
        slow = asyncio.ensure_future(http.post("/mcp/up/", json=body, headers=session))
        await asyncio.sleep(0.3)
        cancel = {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 7}}
        assert (await http.post("/mcp/up/", json=cancel, headers=session)).status_code == 202
        async with asyncio.timeout(3):
            assert (await slow).json()["error"]["code"] == -32800
        assert [entry.record.effect for entry in await running.records(kind="outcome")] == ["cancelled"]


async def test_a_stateless_client_that_hangs_up_cancels(gateway, allow):
    async with gateway(allow) as running, running.http() as http:
        call = stateless(http, "tools/call", {"name": "slow", "arguments": {"seconds": 20}})
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.7):
                await call
        for _ in range(30):
            if await running.records(kind="outcome"):
                break
            await asyncio.sleep(0.1)
        assert [entry.record.effect for entry in await running.records(kind="outcome")] == ["cancelled"]


async def test_a_server_registered_by_its_address_needs_no_configuration(gateway, allow):
    async with http_upstream() as server, gateway(allow) as running:
        await servers.add(running.desk, "added", server.url)
        await policies.save(running.desk, "open", "added", allow, "")
        running.tokens["new"] = (await grants.mint(running.desk, "new", "added", "open")).token
        async with running.client("new", server="added") as client:
            assert (await client.call_tool("echo", {"text": "hi"})).content[0].text == "hi"
