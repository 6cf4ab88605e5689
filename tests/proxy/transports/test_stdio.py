"""Links over stdio: children that misbehave, die, or are many."""

import asyncio
import json
import os
import sys
from pathlib import Path

import pytest
from transport_contract import *  # noqa: F403

from support import FIXTURES
from toolgate.errors import Unavailable
from toolgate.mcp.messages import result_reply
from toolgate.proxy.transports.port import SessionLost, Target, Timeouts
from toolgate.proxy.transports.stdio import StdioTransport

TIMEOUTS = Timeouts(first_byte=1, total=1)


def child(code=None, **changes):
    command = (sys.executable, str(FIXTURES / "upstream.py")) if code is None else (sys.executable, "-c", code)
    return Target("up", command=changes.pop("command", command), timeouts=changes.pop("timeouts", Timeouts()), **changes)


async def nobody(message):
    pass


async def opened(target):
    return await StdioTransport().open(target)


async def call(link, tool, interim=nobody, **arguments):
    reply = await link.request("tools/call", {"name": tool, "arguments": arguments}, interim)
    return json.loads(json.loads(bytes(reply.result))["content"][0]["text"])


async def test_fifty_at_once_do_not_cross():
    link = await opened(child())
    answers = await asyncio.gather(*(call(link, "slow" if n % 5 == 0 else "echo", n=n, seconds=0.1) for n in range(50)))
    assert [answer["n"] for answer in answers] == list(range(50))
    await link.close()


async def test_noise_is_skipped():
    link = await opened(child())
    assert await call(link, "noise", a=1) == {"a": 1}
    await link.close()


async def test_the_death_of_a_child_fails_whoever_waits_at_once():
    link = await opened(child(environment={"SECRET": "secret-value-in-env"}))
    waiting = asyncio.ensure_future(call(link, "slow", seconds=20))
    await asyncio.sleep(0.1)
    before = asyncio.get_running_loop().time()
    for failed in await asyncio.gather(waiting, call(link, "die"), return_exceptions=True):
        assert isinstance(failed, Unavailable)
        assert failed.sent
        assert "exit code 7" in str(failed)
        assert "a last word" in str(failed)
        assert "secret-value" not in str(failed)
    assert asyncio.get_running_loop().time() - before < 2
    assert not link.alive
    with pytest.raises(SessionLost) as lost:
        await call(link, "echo")
    assert not lost.value.sent
    await link.close()


MISSING = [
    (("no-such-command-anywhere",), "there is no command"),
    (("/etc/passwd",), "cannot be started"),
    ((sys.executable, "-c", "import sys; sys.exit('it will not start')"), "it will not start"),
]


@pytest.mark.parametrize(("command", "says"), MISSING)
async def test_commands_that_do_not_start_are_one_sentence(command, says):
    with pytest.raises(Unavailable, match=says) as failed:
        link = await opened(child(command=command))
        await link.request("initialize", {}, nobody)
    assert "\n" not in str(failed.value)


FAULTS = {
    "hangs": ("import time; time.sleep(60)", "took too long"),
    "one endless line": ("import sys\nwhile True: sys.stdout.write('x' * 10000)", "more than"),
    "closes its output": ("import os, time; os.close(1); os.closerange(3, 256); time.sleep(60)", "closed its output"),
    "answers another id": (
        'print(\'{"jsonrpc":"2.0","id":99,"result":{}}\', flush=True); import time; time.sleep(60)',
        "took too long",
    ),
}


@pytest.mark.parametrize("name", FAULTS)
async def test_children_that_misbehave(name):
    code, says = FAULTS[name]
    link = await opened(child(code, timeouts=TIMEOUTS, max_answer=100_000))
    with pytest.raises(Unavailable, match=says):
        async with asyncio.timeout(5):
            await link.request("initialize", {}, nobody)
    await link.close()


async def test_a_stubborn_child_and_what_it_started_are_ended(tmp_path):
    pids = tmp_path / "pids"
    code = f"""
import os, signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
inner = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
open({str(pids)!r}, "w").write(f"{{os.getpid()}} {{inner.pid}}")
while True: time.sleep(1)
"""
    link = await opened(child(code))
    while not pids.exists() or len(pids.read_text().split()) < 2:
        await asyncio.sleep(0.05)
    await link.close()
    await asyncio.sleep(0.1)
    for pid in pids.read_text().split():
        state = Path(f"/proc/{pid}/stat")
        assert not state.exists() or state.read_text().split()[2] == "Z"


async def test_many_links_leave_nothing_behind():
    def descriptors():
        return len(list(Path("/proc/self/fd").iterdir()))

    await (await opened(child("import sys; sys.stdin.read()"))).close()
    before, tasks = descriptors(), len(asyncio.all_tasks())
    for _ in range(5):
        links = await asyncio.gather(*(opened(child("import sys; sys.stdin.read()")) for _ in range(10)))
        await asyncio.gather(*(link.close() for link in links))
    await asyncio.sleep(0.1)
    assert descriptors() <= before + 1
    assert len(asyncio.all_tasks()) <= tasks
    children = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    assert not [pid for pid in children if "sys.stdin.read" in Path(f"/proc/{pid}/cmdline").read_text()]


async def test_a_cancelled_request_is_told_to_the_child():
    code = """
import json, sys
for line in sys.stdin:
    message = json.loads(line)
    if message["method"] == "notifications/cancelled":
        print(json.dumps({"jsonrpc": "2.0", "method": "seen", "params": message["params"]}), flush=True)
"""
    link = await opened(child(code))
    seen = asyncio.get_running_loop().create_future()

    async def note(message):
        seen.set_result(message)

    listening = asyncio.ensure_future(link.listen(note))
    asked = asyncio.ensure_future(link.request("tools/call", {}, nobody))
    await asyncio.sleep(0.1)
    asked.cancel()
    message = await asyncio.wait_for(seen, 3)
    assert json.loads(bytes(message.params)) == {"requestId": 1}
    listening.cancel()
    await link.close()


async def test_a_request_of_the_server_is_answered_by_the_client():
    link = await opened(child())

    async def client(message):
        assert (message.method, message.id) == ("roots/list", "q1")
        await link.respond(message.id, result_reply({"roots": []}))

    assert await call(link, "ask", client) == {"answer": {"roots": []}}
    await link.close()


@pytest.fixture
async def link():
    opened_link = await opened(child())
    yield opened_link
    await opened_link.close()
