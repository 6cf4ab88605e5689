"""`toolgate demo`: the gateway at work, with real MCP traffic by the official client."""

import asyncio
import sys
import tempfile
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Annotated, Any

import httpx2
from cyclopts import Parameter
from mcp.client.client import Client
from mcp.client.streamable_http import streamable_http_client

from toolgate.cli.common import AsJson, run_async
from toolgate.cli.output import as_json, hint, say, table
from toolgate.cli.snippets import SNIPPETS
from toolgate.cli.up import apply_config, prepare_logs
from toolgate.config import Config, GrantConfig, PolicyConfig, ServerConfig
from toolgate.control import approvals, audit
from toolgate.control.desk import Desk
from toolgate.demo.story import Scene, scenes
from toolgate.errors import Unavailable
from toolgate.proxy.serve import Server, listen
from toolgate.proxy.serve import server as http_server
from toolgate.wiring import Gateway, clock, open_gateway

KINDS = {"limit_exceeded": "limited", "approval_pending": "held", "hidden": "hidden"}
POLL_SECONDS = 0.1
MINUTE_MARGIN = 12


@dataclass(frozen=True, slots=True)
class Seen:
    """How a scene went."""

    scene: Scene
    outcomes: tuple[str, ...]
    rule: str
    why: str

    @property
    def as_expected(self) -> bool:
        """Every call of the scene came out as the policy says."""
        return set(self.outcomes) == {self.scene.expect}


def run(
    *, once: Annotated[bool, Parameter(negative="", help="End after the calls; exit 1 if one went wrong.")] = False,
    port: Annotated[int, Parameter(help="Port to listen on (0: any free one).")] = 8080, json: AsJson = False,
) -> int:  # fmt: skip
    """Start a gateway in front of an example GPU cloud, make real MCP calls through it, and show what was decided."""
    prepare_logs()
    with tempfile.TemporaryDirectory(prefix="toolgate-demo-") as directory:
        return run_async(_demo(Path(directory), 0 if once else port, once=once, json=json))


def demo_config(directory: Path, port: int) -> Config:
    """A gateway in a directory of its own, in front of the example server."""
    policy = resources.files("toolgate.demo") / "policy.json"
    journal = str(directory / "journal.jsonl")
    cloud = ServerConfig(
        "cloud", command=(sys.executable, "-m", "toolgate.demo.cloud"), environment={"TOOLGATE_DEMO_JOURNAL": journal}
    )
    return Config(
        f"127.0.0.1:{port}", directory, f"http://127.0.0.1:{port}", servers={"cloud": cloud},
        policies={"careful": PolicyConfig("careful", "cloud", Path(str(policy)))},
        grants={label: GrantConfig(label, "cloud", "careful") for label in ("agent", "night-job")},
    )  # fmt: skip


async def _demo(directory: Path, port: int, *, once: bool, json: bool) -> int:
    config = demo_config(directory, port)
    gateway = await open_gateway(config, approval_link=lambda one: f"toolgate approvals approve {one} --data {directory}")
    try:
        tokens = await apply_config(gateway, config, quiet=True)
        async with _listening(gateway, config) as (server, serving, url):
            seen = await _play(gateway, tokens, url)
            good = await _report(gateway, directory, seen, json=json)
            if not once:
                _stay(url, tokens, directory, json=json)
                await serving
            server.stop()
            await serving
        return 0 if good else 1
    finally:
        await gateway.close()


@asynccontextmanager
async def _listening(gateway: Gateway, config: Config) -> AsyncIterator[tuple[Server, "asyncio.Task[None]", str]]:
    host, port = config.address
    try:
        listener = listen(host, port)
    except Unavailable:
        listener = listen(host, 0)
        hint(f"port {port} is taken; using another")
    server = http_server(gateway.edge(config), listener)
    serving = asyncio.get_running_loop().create_task(server.run_until_stopped())
    yield server, serving, f"http://{host}:{listener.getsockname()[1]}/mcp/cloud/"


async def _play(gateway: Gateway, tokens: dict[str, str], url: str) -> list[Seen]:
    await _fresh_minute()
    seen = []
    for scene in scenes():
        answering = asyncio.get_running_loop().create_task(_approve(gateway)) if scene.approve else None
        seen.append(await _act(scene, tokens[scene.grant], url))
        if answering is not None:
            answering.cancel()
    return seen


async def _fresh_minute() -> None:
    """The limits of the policy reset with the clock's minute; the calls that reach them must fall into one."""
    left = 60 - clock() / 1e6 % 60
    if left < MINUTE_MARGIN:
        hint(f"waiting {left:.0f} s for the next minute to begin")
        await asyncio.sleep(left + 0.1)


async def _act(scene: Scene, token: str, url: str) -> Seen:
    """Make a scene's calls with the official client."""
    outcomes, rule, why = [], "", ""
    async with (
        httpx2.AsyncClient(headers={"Authorization": f"Bearer {token}"}, timeout=60, trust_env=False) as http,
        Client(streamable_http_client(url, http_client=http), mode=scene.mode) as client,
    ):
        for _ in range(scene.times):
            result = await client.call_tool(scene.tool, scene.arguments)
            decision = (result.meta or {}).get("toolgate/decision")
            if decision is None:
                outcomes.append("error" if result.is_error else "allowed")
                continue
            outcomes.append(KINDS.get(decision["code"], "denied"))
            rule, why = decision["rule"], _text(result)
    return Seen(scene, tuple(outcomes), rule, why)


def _text(result: Any) -> str:
    return " ".join(str(getattr(part, "text", "")) for part in result.content).split("] ", 1)[-1]


async def _approve(gateway: Gateway) -> None:
    """A person who approves what waits."""
    desk = _desk(gateway)
    while True:
        for waiting in await approvals.every(desk):
            await approvals.answer(desk, waiting.id, approve=True, note="demo")
        await asyncio.sleep(POLL_SECONDS)


def _desk(gateway: Gateway) -> Desk:
    return Desk(gateway.store.db, gateway.store.keys, gateway.store.org_id, "demo", clock)


async def _report(gateway: Gateway, directory: Path, seen: list[Seen], *, json: bool) -> bool:
    """Show what happened; True when everything went as the policy says and the server saw only what was allowed."""
    await gateway.background.drain()
    verified = await audit.verify(_desk(gateway))
    journal = directory / "journal.jsonl"
    arrived = len(journal.read_text().splitlines()) if journal.exists() else 0
    allowed = sum(Counter(one.outcomes)["allowed"] for one in seen)
    good = all(one.as_expected for one in seen) and verified.intact and arrived == allowed
    if json:
        calls = [
            {"grant": s.scene.grant, "era": s.scene.mode, "tool": s.scene.tool, "arguments": s.scene.arguments,
             "outcomes": list(s.outcomes), "expected": s.scene.expect, "rule": s.rule, "why": s.why}
            for s in seen
        ]  # fmt: skip
        as_json(
            {"ok": good, "calls": calls, "reached_server": arrived, "log_intact": verified.intact, "records": verified.rows}
        )
        return good
    table(("grant", "call", "", "", "rule", "why"), [_row(one) for one in seen])
    made = sum(len(one.outcomes) for one in seen)
    chain = "intact" if verified.intact else "BROKEN"
    say(f"\n{made} calls; {arrived} reached the server; {verified.rows} records, chain {chain}")
    if not good:
        say("something did not go as the policy says", "bold red")
    return good


def _row(one: Seen) -> tuple[str, ...]:
    scene = one.scene
    said = ", ".join(f"{name}={value}" for name, value in scene.arguments.items() if name not in ("endpointId", "hours"))
    outcome = one.outcomes[0] if len(set(one.outcomes)) == 1 else " ".join(one.outcomes)
    times = f"x{scene.times}" if scene.times > 1 else ""
    why = "approved by a person while it waited" if scene.approve and one.as_expected else one.why
    return (scene.grant, f"{scene.tool}({said})", times, outcome, one.rule, why)


def _stay(url: str, tokens: dict[str, str], directory: Path, *, json: bool) -> None:
    if json:
        return
    say("\nlook at it from another terminal:\n", "bold")
    for words in ("approvals list", "audit tail", "audit verify"):
        say(f"toolgate {words} --data {directory}")
    say("\nthe gateway stays up; point a client at it:\n", "bold")
    for name, snippet in SNIPPETS.items():
        say(name, "bold")
        say(snippet("cloud", url, tokens["agent"]) + "\n")
    hint("Ctrl-C ends it")
