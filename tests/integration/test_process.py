"""The gateway as a process: probes, signals, `kill -9`, a full disk, a damaged database."""

import asyncio
import json
import os
import random
import signal
import socket
import sqlite3
import subprocess
import sys
from contextlib import asynccontextmanager

import httpx2
import pytest

from support import FIXTURES

TOOLGATE = [sys.executable, "-m", "toolgate.cli"]
META = {"io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientCapabilities": {}}
MIRRORS = {"mcp-protocol-version": "2026-07-28", "mcp-method": "tools/call"}


class Place:
    """A directory with a configuration, a database and the upstream's journal."""

    def __init__(self, directory, policy):
        self.directory = directory
        self.journal = directory / "journal"
        self.config = directory / "toolgate.toml"
        (directory / "policy.json").write_text(json.dumps(policy))
        command = json.dumps([sys.executable, str(FIXTURES / "upstream.py")])
        self.config.write_text(f"""
[gateway]
listen = "127.0.0.1:0"
data = "data"
[servers.up]
command = {command}
env = {{ JOURNAL = "{self.journal}" }}
[policies.p]
server = "up"
file = "policy.json"
[grants.agent]
server = "up"
policy = "p"
""")
        applied = self.run("apply", "-f", str(self.config), "--json")
        assert applied.returncode == 0, applied.stderr
        self.token = json.loads(applied.stdout)["tokens"]["agent"]

    def run(self, *words, **options):
        return subprocess.run([*TOOLGATE, *words], cwd=self.directory, capture_output=True, text=True, timeout=60, **options)

    def arrived(self):
        return [json.loads(line) for line in self.journal.read_text().splitlines()] if self.journal.exists() else []

    @asynccontextmanager
    async def up(self):
        process = await asyncio.create_subprocess_exec(
            *TOOLGATE, "up", "--config", str(self.config), cwd=self.directory, stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        try:
            while b"/mcp/up/" not in (line := await process.stdout.readline()):
                assert line, (await process.stderr.read()).decode()
            yield process, line.decode().strip()
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()


async def call(http, url, tool="echo", **arguments):
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": tool, "arguments": arguments, "_meta": META}}
    return (await http.post(url, json=body, headers={**MIRRORS, "mcp-name": tool})).json()


def client(place):
    return httpx2.AsyncClient(headers={"Authorization": f"Bearer {place.token}"}, timeout=20, trust_env=False)


ALLOW = {"version": "1", "default": "allow"}
THREE = {
    "version": "1", "default": "deny",
    "all_tools": {"limits": [{"counter": "calls", "window": "month", "max": 60}]},
    "tools": {
        "echo": {"limits": [{"counter": "sum", "window": "day", "max": 12.5, "increment_from": "args.amount"}]},
        "fail": {"limits": [{"counter": "slide", "window": 7200, "max": 25}]},
    },
}  # fmt: skip


async def test_probes_answer(tmp_path):
    place = Place(tmp_path, ALLOW)
    async with place.up() as (_, url), client(place) as http:
        base = url.removesuffix("/mcp/up/")
        await call(http, url)
        assert (await http.get(f"{base}/healthz")).status_code == 200
        assert (await http.get(f"{base}/readyz")).json() == {"message": "ready"}
        metrics = (await http.get(f"{base}/metrics")).text
        assert 'toolgate_decisions_total{code="",effect="allow",server="up"} 1.0' in metrics
        assert "toolgate_sessions 1.0" in metrics


async def test_sigterm_with_open_streams_ends_soon_and_loses_no_record(tmp_path):
    place = Place(tmp_path, ALLOW)
    async with place.up() as (process, url), client(place) as http:
        opened = await http.post(url, json=INITIALIZE)
        session = {"mcp-session-id": opened.headers["mcp-session-id"]}
        async with http.stream("GET", url, headers={**session, "accept": "text/event-stream"}) as stream:
            assert stream.status_code == 200
            slow = asyncio.ensure_future(call(http, url, "slow", seconds=1))
            hung = asyncio.ensure_future(call(http, url, "slow", seconds=60))
            for _ in range(20):
                await call(http, url)
            process.send_signal(signal.SIGTERM)
            loop = asyncio.get_running_loop()
            before = loop.time()
            assert await process.wait() == 0
            assert loop.time() - before < 5
            assert not (await slow)["result"].get("isError")
            assert (await hung)["error"]["message"] == "the gateway is shutting down"
    verify = place.run("audit", "verify", "--json")
    assert verify.returncode == 0, verify.stdout
    rows = json.loads(place.run("audit", "list", "--limit", "1000", "--json").stdout)
    intents = {row["call_id"] for row in rows if row["effect"] == "allow"}
    outcomes = {row["call_id"]: row["effect"] for row in rows if row["kind"] == "outcome"}
    assert intents == set(outcomes)
    assert len(intents) == 22
    assert sorted(set(outcomes.values())) == ["cancelled", "ok"]


INITIALIZE = {
    "jsonrpc": "2.0", "id": 1, "method": "initialize",
    "params": {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}},
}  # fmt: skip


async def killed_at_random(place, times, seed):
    """Load on three overlapping limits, the gateway killed with SIGKILL at random moments and started again."""
    chance = random.Random(seed)
    for _ in range(times):
        async with place.up() as (process, url), client(place) as http:

            async def caller(url=url, http=http):
                while True:
                    tool = chance.choice(["echo", "fail"])
                    await call(http, url, tool, amount=chance.choice([0.1, 0.25, 0.333333]))

            callers = [asyncio.ensure_future(caller()) for _ in range(4)]
            await asyncio.sleep(chance.uniform(0.0, 0.25))
            os.kill(process.pid, signal.SIGKILL)
            await process.wait()
            for task in callers:
                task.cancel()
            await asyncio.wait(callers)


def check_truth(place):
    """The journal against the log: every call that arrived has an intent, and nothing passed a maximum."""
    arrived = place.arrived()
    sums = sum(round(line["arguments"]["amount"] * 1_000_000) for line in arrived if line["tool"] == "echo")
    assert len(arrived) <= 60
    assert sums <= 12_500_000
    assert sum(1 for line in arrived if line["tool"] == "fail") <= 25
    verify = place.run("audit", "verify", "--json")
    assert verify.returncode == 0, verify.stdout
    with sqlite3.connect(place.directory / "data" / "toolgate.db") as db:
        intents = dict(
            db.execute("SELECT name, count(*) FROM audit WHERE kind = 'decision' AND effect = 'allow' GROUP BY name")
        )
        for tool in ("echo", "fail"):
            assert intents.get(tool, 0) >= sum(1 for line in arrived if line["tool"] == tool)
        charged = db.execute("SELECT sum(amount) FROM counters WHERE key LIKE '%/calls'").fetchone()[0] or 0
        assert charged == sum(intents.values()) * 1_000_000
    return arrived


async def test_kill_at_random_moments(tmp_path):
    place = Place(tmp_path, THREE)
    await killed_at_random(place, 4, seed=1)
    async with place.up() as (_, url), client(place) as http:
        for _ in range(70):
            await call(http, url, "echo", amount=0)
    arrived = check_truth(place)
    assert len(arrived) > 0
    with sqlite3.connect(place.directory / "data" / "toolgate.db") as db:
        assert db.execute("SELECT count(*) FROM open_calls").fetchone()[0] == 0
        charged = db.execute("SELECT sum(amount) FROM counters WHERE key LIKE '%/calls'").fetchone()[0]
    assert charged == 60_000_000


@pytest.mark.slow
async def test_kill_at_fifty_random_moments(tmp_path):
    policy = json.loads(json.dumps(THREE).replace('"max": 60', '"max": 2000').replace("12.5", "150").replace("25}", "400}"))
    place = Place(tmp_path, policy)
    chance = random.Random(7)
    await killed_at_random(place, 50, seed=chance.random())
    arrived = place.arrived()
    assert len(arrived) > 100
    verify = place.run("audit", "verify", "--json")
    assert verify.returncode == 0, verify.stdout
    with sqlite3.connect(place.directory / "data" / "toolgate.db") as db:
        intents = db.execute("SELECT count(*) FROM audit WHERE kind = 'decision' AND effect = 'allow'").fetchone()[0]
        charged = db.execute("SELECT sum(amount) FROM counters WHERE key LIKE '%/calls'").fetchone()[0]
    assert len(arrived) <= intents <= 2000
    assert charged == intents * 1_000_000
    assert sum(1 for line in arrived if line["tool"] == "fail") <= 400


async def test_revocation_by_another_process_holds_from_the_next_request(tmp_path):
    place = Place(tmp_path, ALLOW)
    async with place.up() as (_, url), client(place) as http:
        assert "result" in await call(http, url)
        assert place.run("grant", "revoke", "agent").returncode == 0
        assert (await call(http, url))["error"]["code"] == 4010


async def test_a_changed_file_is_applied_and_a_broken_one_changes_nothing(tmp_path):
    place = Place(tmp_path, ALLOW)
    file = tmp_path / "policy.json"
    async with place.up() as (_, url), client(place) as http:
        assert "isError" not in (await call(http, url))["result"]
        file.write_text('{"version": "1", "default": "nonsense"}')
        await asyncio.sleep(1.5)
        assert "isError" not in (await call(http, url))["result"]
        file.write_text('{"version": "1", "default": "deny"}')
        for _ in range(40):
            answer = await call(http, url)
            if answer["result"].get("isError"):
                break
            await asyncio.sleep(0.1)
        assert answer["result"]["_meta"]["toolgate/decision"]["policy_version"] == 2


async def test_a_full_disk_refuses_calls_with_one_sentence(tmp_path):
    place = Place(tmp_path, ALLOW)
    with sqlite3.connect(tmp_path / "data" / "toolgate.db") as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    limit = (tmp_path / "data" / "toolgate.db").stat().st_size + 200_000
    command = f"ulimit -f {limit // 512}; exec {' '.join(TOOLGATE)} up --config {place.config}"
    process = await asyncio.create_subprocess_exec(
        "sh", "-c", command, cwd=tmp_path, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    try:
        while b"/mcp/up/" not in (line := await process.stdout.readline()):
            assert line
        async with client(place) as http:
            for _ in range(2000):
                answer = await call(http, line.decode().strip(), filler="x" * 100)
                if "error" in answer:
                    break
            assert "error" in answer, "the disk never filled"
            assert answer["error"]["code"] == 5030
            assert "disk" in answer["error"]["message"]
            assert "\n" not in answer["error"]["message"]
            before = len(place.arrived())
            assert "error" in await call(http, line.decode().strip())
            assert len(place.arrived()) == before
    finally:
        process.kill()
        await process.wait()
    assert place.run("audit", "verify").returncode == 0


BROKEN = {"damaged": "the database is damaged", "no database": "this file is not a database"}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_database_is_one_sentence(tmp_path, name):
    data = tmp_path / "data"
    place = object.__new__(Place)
    place.directory = tmp_path
    assert place.run("grant", "list", "--data", str(data)).returncode == 0
    file = data / "toolgate.db"
    kept = file.read_bytes()[:100] if name == "damaged" else b""
    file.write_bytes(kept + b"something else entirely " * 4000)
    result = place.run("grant", "list", "--data", str(data))
    assert result.returncode == 3
    assert "Traceback" not in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
    assert BROKEN[name] in result.stderr


SENTENCES = [
    (["policy", "validate", "missing.json"], 3, "cannot be read"),
    (["up", "--config", "missing.toml"], 3, "cannot be read"),
    (["grant", "revoke", "nobody"], 2, "there is no grant `nobody`"),
    (["approvals", "approve", "apr_x"], 2, "there is no approval `apr_x`"),
    (["policy", "save", "p", "policy.json", "--server", "nowhere"], 2, "there is no server `nowhere`"),
    (["up", "--listen", "nonsense"], 1, "/gateway/listen: found `nonsense`, expected `host:port`"),
    (["wrap", "--policy", "policy.json"], 2, "no command is given"),
]


@pytest.mark.parametrize(("words", "code", "says"), SENTENCES, ids=lambda value: str(value)[:40])
def test_mistakes_are_one_sentence(tmp_path, words, code, says):
    (tmp_path / "policy.json").write_text(json.dumps(ALLOW))
    place = object.__new__(Place)
    place.directory = tmp_path
    result = place.run(*words, env={**os.environ, "TOOLGATE_DATA": str(tmp_path / "data")})
    assert result.returncode == code, result.stderr
    assert says in result.stderr
    assert "Traceback" not in result.stderr


def test_a_broken_policy_names_all_its_errors(tmp_path):
    file = tmp_path / "policy.json"
    file.write_text(
        '{"version": "2", "default": "deny", "tools": {"a/b": {"limits": [{"counter": "c", "window": 0, "max": -1}]}}}'
    )
    place = object.__new__(Place)
    place.directory = tmp_path
    result = place.run("policy", "validate", str(file), "--json")
    assert result.returncode == 1
    pointers = [error["pointer"] for error in json.loads(result.stdout)[0]["errors"]]
    assert pointers == ["/version", "/tools/a~1b/limits/0/window", "/tools/a~1b/limits/0/max"]


async def test_a_port_that_is_taken_is_one_sentence(tmp_path):
    place = Place(tmp_path, ALLOW)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        result = place.run("up", "--config", str(place.config), "--listen", address)
        assert result.returncode == 3
        assert result.stderr.startswith(f"toolgate: cannot listen on {address}")
        assert "Traceback" not in result.stderr
