"""`toolgate scan`: what a server can do, and a policy to start from."""

import asyncio
import json as json_module
from pathlib import Path
from typing import Annotated, Any

import msgspec
from cyclopts import Parameter

from toolgate.cli.common import AsJson, run_async
from toolgate.cli.output import as_json, hint, printable, say, table
from toolgate.cli.wrap import server_environment
from toolgate.errors import ToolgateError, Unavailable
from toolgate.mcp import tools
from toolgate.mcp.messages import Request
from toolgate.policy.recommend import ToolRisk, recommend
from toolgate.proxy.transports.port import Target, Timeouts
from toolgate.proxy.transports.table import TRANSPORTS
from toolgate.proxy.upstream import Upstream
from toolgate.risk.classify import classify

MOST_PAGES = 50
SECONDS = 120.0
SHOWN = 70


def run(
    *target: Annotated[str, Parameter(allow_leading_hyphen=True)],
    env: Annotated[list[str] | None, Parameter(help="Variables of this environment that the server gets.")] = None,
    header: Annotated[list[str] | None, Parameter(help="`Name: value` for a server on HTTP.")] = None,
    output: Annotated[Path | None, Parameter(help="Write the proposed policy here.")] = None,
    json: AsJson = False,
) -> None:
    """List the tools of a server (a COMMAND after --, or a URL) with their risk, and propose a policy."""
    if not target:
        raise ToolgateError("nothing to scan: give a URL, or a command after `--`")
    found = run_async(_scan(_target(target, env or [], header or [])))
    policy = recommend([ToolRisk(tool["name"], tool["class"], tool["level"]) for tool in found])
    if output is not None:
        output.write_text(json_module.dumps(policy, indent=2) + "\n", encoding="utf-8")
    if json:
        as_json({"tools": found, "policy": policy})
        return
    rows = [(printable(t["name"]), t["class"], t["level"], printable(t["description"])[:SHOWN]) for t in found]
    table(("tool", "class", "level", "what it says"), rows, "the server has no tools")
    if output is None:
        say("\nproposed policy (everything not named is denied):", "bold")
        print(json_module.dumps(policy, indent=2))
    else:
        hint(f"wrote the proposed policy for {len(found)} tools to {output}")


def _target(words: tuple[str, ...], env: list[str], headers: list[str]) -> Target:
    timeouts = Timeouts(first_byte=SECONDS, total=SECONDS)
    if len(words) == 1 and words[0].startswith(("http://", "https://")):
        pairs = dict(line.split(":", 1) for line in headers if ":" in line)
        return Target("scanned", words[0], {name.strip(): value.strip() for name, value in pairs.items()}, timeouts=timeouts)
    return Target("scanned", command=words, environment=server_environment(env), timeouts=timeouts)


async def _scan(target: Target) -> list[dict[str, Any]]:
    transport = TRANSPORTS["stdio" if target.command else "http"]()
    upstream = Upstream(target, transport)
    try:
        async with asyncio.timeout(SECONDS):
            await upstream.open()
            return [_described(definition) for definition in await _definitions(upstream)]
    except TimeoutError:
        raise Unavailable(f"the server did not list its tools within {SECONDS:.0f} s") from None
    finally:
        await upstream.close()


async def _definitions(upstream: Upstream) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    cursor: str | None = None
    for _ in range(MOST_PAGES):
        reply = await upstream.ask(Request(0, "tools/list", {"cursor": cursor} if cursor else {}))
        if reply.result is None:
            raise Unavailable(
                f"the server would not list its tools: {bytes(reply.error or b'').decode(errors='replace')[:200]}"
            )
        found += [msgspec.json.decode(definition.raw) for definition in tools.definitions(reply.result)]
        cursor = tools.next_cursor(reply.result)
        if cursor is None:
            break
    return found


def _described(definition: dict[str, Any]) -> dict[str, Any]:
    verdict = classify(definition)
    return {
        "name": definition["name"], "class": verdict.risk_class, "level": verdict.level,
        "confidence": verdict.confidence, "signals": list(verdict.signals), "why": verdict.rationale,
        "description": str(definition.get("description") or ""),
    }  # fmt: skip
