"""What every transport must do. A transport's test file imports `*` and gives a `link` fixture.

`link` leads to a server with the tools `echo` (answers its arguments), `slow` (waits `seconds`, then answers its arguments),
`progress` (reports 1 and 2 under the token given, then answers) and `fail` (answers an error).
"""

import asyncio
import json

import pytest

from toolgate.errors import Unavailable

__all__ = [
    "test_a_cancelled_request_leaves_the_link_usable", "test_a_closed_link_is_not_alive", "test_answers_do_not_cross",
    "test_errors_are_answers", "test_progress_carries_the_callers_token_in_order",
]  # fmt: skip


async def nobody(message):
    pass


async def call(link, tool, interim=nobody, token=None, **arguments):
    params = {"name": tool, "arguments": arguments} | ({} if token is None else {"_meta": {"progressToken": token}})
    return await link.request("tools/call", params, interim)


def arguments_of(reply):
    return json.loads(json.loads(bytes(reply.result))["content"][0]["text"])


async def test_answers_do_not_cross(link):
    """Fifty at once, some slow, each with a canary."""
    replies = await asyncio.gather(*(call(link, "slow" if n % 5 == 0 else "echo", n=n, seconds=0.1) for n in range(50)))
    assert [arguments_of(reply)["n"] for reply in replies] == list(range(50))


async def test_progress_carries_the_callers_token_in_order(link):
    seen = {"a": [], 7: []}

    def note(token):
        async def noted(message):
            assert (message.method, message.id) == ("notifications/progress", None)
            params = json.loads(bytes(message.params))
            assert params["progressToken"] == token
            seen[token].append(params["progress"])

        return noted

    await asyncio.gather(*(call(link, "progress", note(token), token) for token in seen))
    assert seen == {"a": [1, 2], 7: [1, 2]}


async def test_errors_are_answers(link):
    reply = await call(link, "fail")
    assert reply.result is None
    assert json.loads(bytes(reply.error))["code"] == -32601


async def test_a_cancelled_request_leaves_the_link_usable(link):
    slow = asyncio.ensure_future(call(link, "slow", seconds=30))
    await asyncio.sleep(0.1)
    slow.cancel()
    with pytest.raises(asyncio.CancelledError):
        await slow
    assert arguments_of(await call(link, "echo", n=1)) == {"n": 1}


async def test_a_closed_link_is_not_alive(link):
    assert arguments_of(await call(link, "echo", n=1)) == {"n": 1}
    await link.close()
    assert not link.alive
    await link.close()
    with pytest.raises(Unavailable) as failed:
        await call(link, "echo")
    assert not failed.value.sent
