"""Limits at the whole gateway under load, with the upstream's journal as the truth."""

import asyncio
import random

import pytest
from test_gateway import stateless

from support import stdio

POLICY = {
    "version": "1", "default": "deny",
    "all_tools": {"limits": [{"counter": "shared", "window": "month", "max": 1000}]},
    "tools": {
        "echo": {"limits": [{"counter": "sum", "window": "month", "max": 40.3, "increment_from": "args.amount"}]},
        "charge": {"limits": [{"counter": "slide", "window": 86400, "max": 300}]},
        "noise": {},
    },
}  # fmt: skip


@pytest.mark.slow
async def test_exactly_the_maximum_is_forwarded(gateway, journal):
    """16 tasks, 5,000 attempts: a counter shared by three tools, a sum with decimals, a sliding window, all at once."""
    rng = random.Random(1)
    attempts = ["echo"] * 2500 + ["charge"] * 1500 + ["noise"] * 1000
    rng.shuffle(attempts)
    async with gateway(POLICY, stdio(JOURNAL=journal.file)) as running, running.http() as http:
        allowed = []

        async def worker():
            while attempts:
                tool = attempts.pop()
                response = await stateless(http, "tools/call", {"name": tool, "arguments": {"amount": 0.1}})
                result = response.json()["result"]
                if not result.get("isError"):
                    allowed.append(tool)
                else:
                    assert result["_meta"]["toolgate/decision"]["code"] == "limit_exceeded"

        await asyncio.gather(*(worker() for _ in range(16)))
    arrived = [line["tool"] for line in journal.lines()]
    assert sorted(arrived) == sorted(allowed)
    assert len(arrived) == 1000
    assert arrived.count("echo") <= 403
    assert arrived.count("charge") <= 300


@pytest.mark.slow
async def test_each_limit_is_reached_and_never_passed(gateway, journal):
    async with gateway(POLICY, stdio(JOURNAL=journal.file)) as running, running.http() as http:

        async def calls(tool, times):
            for _ in range(times):
                await stateless(http, "tools/call", {"name": tool, "arguments": {"amount": 0.1}})

        await asyncio.gather(*(calls("echo", 40) for _ in range(16)), *(calls("charge", 30) for _ in range(16)))
        await asyncio.gather(*(calls("noise", 30) for _ in range(16)))
    arrived = [line["tool"] for line in journal.lines()]
    assert {tool: arrived.count(tool) for tool in ("echo", "charge", "noise")} == {"echo": 403, "charge": 300, "noise": 297}
    assert sum(round(line["arguments"]["amount"] * 10) for line in journal.lines() if line["tool"] == "echo") == 403
