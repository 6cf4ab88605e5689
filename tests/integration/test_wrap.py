"""`toolgate wrap` as a client starts it: the official client over stdio, a policy in between."""

import json
import shutil
import sys
from contextlib import asynccontextmanager

import pytest
from mcp.client.client import Client
from mcp.client.stdio import StdioServerParameters, stdio_client

from support import FIXTURES, NPM, absent

TOOLGATE = [sys.executable, "-m", "toolgate.cli"]


@asynccontextmanager
async def wrapped(tmp_path, policy, *command, mode="legacy", environment=None):
    file = tmp_path / "policy.json"
    file.write_text(json.dumps(policy))
    arguments = ["wrap", "--data", str(tmp_path / "data"), "--policy", str(file)]
    for name in environment or {}:
        arguments += ["--env", name]
    parameters = StdioServerParameters(
        command=TOOLGATE[0], args=[*TOOLGATE[1:], *arguments, "--", *command], env=environment or {}
    )
    async with Client(stdio_client(parameters), mode=mode) as client:
        yield client


@pytest.mark.parametrize("mode", ["legacy", "2026-07-28", "auto"])
async def test_calls_pass_policy(tmp_path, mode):
    policy = {"version": "1", "default": "deny", "tools": {"echo": {"limits": [{"counter": "c", "window": 3600, "max": 2}]}}}
    journal = tmp_path / "journal"
    async with wrapped(
        tmp_path, policy, sys.executable, str(FIXTURES / "upstream.py"), mode=mode, environment={"JOURNAL": str(journal)}
    ) as client:
        assert [tool.name for tool in (await client.list_tools()).tools] == ["echo"]
        results = [await client.call_tool("echo", {"n": n}) for n in range(3)]
        assert [result.is_error or False for result in results] == [False, False, True]
        assert (await client.call_tool("slow", {})).meta["toolgate/decision"]["code"] == "default_deny"
    assert len(journal.read_text().splitlines()) == 2


async def test_limits_outlive_the_process(tmp_path):
    policy = {"version": "1", "default": "deny", "tools": {"echo": {"limits": [{"counter": "c", "window": 3600, "max": 2}]}}}
    outcomes = []
    for _ in range(3):
        async with wrapped(tmp_path, policy, sys.executable, str(FIXTURES / "upstream.py")) as client:
            outcomes.append((await client.call_tool("echo", {})).is_error or False)
    assert outcomes == [False, False, True]


async def test_progress_passes(tmp_path):
    seen = []

    async def progress(done, total, message):
        seen.append(done)

    policy = {"version": "1", "default": "allow"}
    async with wrapped(tmp_path, policy, sys.executable, str(FIXTURES / "upstream.py")) as client:
        await client.call_tool("progress", {}, progress_callback=progress)
    assert seen == [1, 2]


ESCAPES = [
    "{root}/../secret.txt", "{root}/./../secret.txt", "{outside}/secret.txt", "/etc/passwd", "secret.txt", "../secret.txt",
    "{root}/sub/../../secret.txt", "{root}//..//secret.txt", "{root}/%2e%2e/secret.txt", "{root}/%252e%252e/secret.txt",
    "{root}\\..\\secret.txt", "{root}/..\\secret.txt", "{root}x/secret.txt", "~/secret.txt", "file://{outside}/secret.txt",
    "{root}/\u0000/../secret.txt", "", "{root}/..", "/", "//{outside}/secret.txt", "{root}/..%2fsecret.txt",
]  # fmt: skip


@pytest.mark.node
async def test_path_within_holds_in_front_of_the_real_filesystem_server(tmp_path):
    server = NPM / "@modelcontextprotocol" / "server-filesystem" / "dist" / "index.js"
    if shutil.which("node") is None or not server.exists():
        absent("needs Node.js and `npm ci` in tests/npm")
    outside, root = tmp_path / "files", tmp_path / "files" / "root"
    root.mkdir(parents=True)
    (outside / "secret.txt").write_text("SECRET")
    (root / "open.txt").write_text("OPEN")
    within = {"path": "args.path", "op": "path_within", "value": [str(root)]}
    policy = {"version": "1", "default": "deny", "tools": {"read_text_file": {"require": [{"conditions": [within]}]}}}
    # the server itself may read everything: only the policy stands between
    async with wrapped(tmp_path, policy, "node", str(server), str(outside)) as client:
        assert "OPEN" in (await client.call_tool("read_text_file", {"path": f"{root}/open.txt"})).content[0].text
        assert "OPEN" in (await client.call_tool("read_text_file", {"path": f"{root}/../root/open.txt"})).content[0].text
        for escape in ESCAPES:
            path = escape.format(root=root, outside=outside)
            result = await client.call_tool("read_text_file", {"path": path})
            assert "SECRET" not in str(result), path
            assert result.meta["toolgate/decision"]["code"] == "require_failed", path
