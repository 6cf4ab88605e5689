"""Messages, methods, eras, headers, lists: each refusal and each translation."""

import json
import random

import msgspec
import pytest

from toolgate.errors import BadRequest
from toolgate.mcp import eras, headers, messages, tools
from toolgate.mcp.eras import Era
from toolgate.mcp.messages import Interim, Notification, Reply, Request, Response
from toolgate.mcp.methods import METHODS, Guard, method_of


def decode(value):
    return json.loads(bytes(value))


def raw(value):
    return msgspec.Raw(json.dumps(value).encode())


META = {eras.VERSION_KEY: "2026-07-28", eras.CAPABILITIES_KEY: {}}
SPOKEN = [
    (Request(1, "initialize"), None, Era.SESSION), (Request(1, "initialize"), "2026-07-28", Era.SESSION),
    (Request(1, "tools/list"), None, Era.SESSION), (Request(1, "tools/list"), "2025-06-18", Era.SESSION),
    (Request(1, "tools/list", {"_meta": META}), None, Era.STATELESS), (Request(1, "tools/list"), "2026-07-28", Era.STATELESS),
    (Request(1, "tools/list", {"_meta": META}), "2025-06-18", Era.STATELESS), (Response(1, {}), "2025-11-25", Era.SESSION),
    (Notification("notifications/initialized"), "2025-11-25", Era.SESSION), (Request(1, "tools/list", {"_meta": {}}), None, Era.SESSION),
]  # fmt: skip


@pytest.mark.parametrize(("message", "version", "era"), SPOKEN)
def test_eras_are_told_apart(message, version, era):
    assert eras.era_of(message, version) is era


def test_unknown_versions_are_refused_with_the_known_ones():
    with pytest.raises(BadRequest) as refused:
        eras.era_of(Request(1, "tools/list"), "2031-01-01")
    assert refused.value.rpc_code == -32022
    assert "2026-07-28" in refused.value.data["supported"]


BAD_META = [
    ({}, None, -32602), ({eras.VERSION_KEY: "2026-07-28"}, None, -32602), ({**META, eras.CAPABILITIES_KEY: []}, None, -32602),
    ({**META, eras.VERSION_KEY: "2027-01-01"}, None, -32022), (META, "2025-11-25", -32020),
]  # fmt: skip


@pytest.mark.parametrize(("meta", "header", "code"), BAD_META)
def test_stateless_requests_carry_their_meta(meta, header, code):
    with pytest.raises(BadRequest) as refused:
        eras.check_stateless(Request(1, "tools/list", {"_meta": meta}), header)
    assert refused.value.rpc_code == code


CLIENT = {
    "tools/list", "tools/call", "resources/list", "resources/read", "resources/templates/list", "prompts/list", "prompts/get",
    "completion/complete",
}  # fmt: skip
SESSION_ONLY = {"initialize", "ping", "logging/setLevel", "resources/subscribe", "resources/unsubscribe"}


def test_the_table_has_every_method_of_the_protocol():
    for name in CLIENT:
        assert METHODS[name].eras == set(Era)
    for name in SESSION_ONLY:
        assert METHODS[name].eras == {Era.SESSION}
        with pytest.raises(BadRequest):
            method_of(name, Era.STATELESS)
    assert METHODS["server/discover"].eras == METHODS["subscriptions/listen"].eras == {Era.STATELESS}
    for name, guard in {
        "tools/call": Guard.CALL,
        "resources/read": Guard.CALL,
        "prompts/get": Guard.CALL,
        "tools/list": Guard.LIST,
    }.items():
        assert method_of(name, Era.SESSION).guard is guard


@pytest.mark.parametrize(
    "name", ["tools/Call", "tools/call ", "sampling/createMessage", "roots/list", "elicitation/create", "", "x" * 500]
)
def test_other_methods_are_refused(name):
    with pytest.raises(BadRequest) as refused:
        method_of(name, Era.STATELESS)
    assert (refused.value.rpc_code, refused.value.http_status) == (-32601, 404)


def test_notifications_are_no_requests():
    with pytest.raises(BadRequest):
        method_of("tools/call", Era.SESSION, notification=True)
    with pytest.raises(BadRequest):
        method_of("notifications/initialized", Era.SESSION)


CALL = Request(1, "tools/call", {"name": "naïve", "arguments": {"region": "eu", "n": 5.0, "b": True}, "_meta": META})
MIRRORED = [(b"mcp-method", b"tools/call"), (b"mcp-protocol-version", b"2026-07-28"), (b"mcp-name", b"=?base64?bmHDr3Zl?=")]


def test_mirrors_that_agree_pass():
    headers.check_mirrors(MIRRORED, CALL)
    assert headers.encode("naïve") == "=?base64?bmHDr3Zl?="
    assert headers.encode("plain name") == "plain name"
    for odd in ("é", " x", "x ", "a\nb", "=?base64?eA==?=", ""):
        assert headers.decode(headers.encode(odd)) == odd


@pytest.mark.parametrize("index", [0, 1, 2])
@pytest.mark.parametrize("change", ["missing", "twice", "other"])
def test_mirrors_that_do_not_agree_are_refused(index, change):
    lines = list(MIRRORED)
    if change == "missing":
        del lines[index]
    elif change == "twice":
        lines.append(lines[index])
    else:
        lines[index] = (lines[index][0], b"something-else")
    with pytest.raises(BadRequest) as refused:
        headers.check_mirrors(lines, CALL)
    assert refused.value.rpc_code == -32020


SCHEMA = {
    "properties": {"region": {"x-mcp-header": "Region"}, "n": {"x-mcp-header": "N"}, "b": {"x-mcp-header": "B"}, "free": {}}
}
GOOD = [(b"mcp-param-region", b"eu"), (b"mcp-param-n", b"5"), (b"mcp-param-b", b"true")]


def test_mirrored_arguments():
    headers.check_params(GOOD, SCHEMA, CALL.params["arguments"])
    headers.check_params([], SCHEMA, {})
    headers.check_params([], None, {"x": 1})
    for index in range(3):
        for value in (None, b"other", b"=?base64?!?="):
            lines = [line for at, line in enumerate(GOOD) if at != index] + ([(GOOD[index][0], value)] if value else [])
            with pytest.raises(BadRequest):
                headers.check_params(lines, SCHEMA, CALL.params["arguments"])
    with pytest.raises(BadRequest):
        headers.check_params(GOOD, SCHEMA, {})


def test_headers_that_go_upstream_are_built_here():
    sent = [
        (b"authorization", b"Bearer x"),
        (b"cookie", b"c"),
        (b"mcp-param-region", b"eu"),
        (b"mcp-name", b"other"),
        (b"x-a", b"b"),
    ]
    assert headers.upstream_headers(CALL, Era.STATELESS, client_headers=sent) == {
        "MCP-Protocol-Version": "2026-07-28", "Mcp-Method": "tools/call", "Mcp-Name": "=?base64?bmHDr3Zl?=", "mcp-param-region": "eu",
    }  # fmt: skip
    assert headers.upstream_headers(CALL, Era.SESSION, client_headers=sent) == {}


def test_parameters_cross_the_eras():
    params = {"name": "t", "inputResponses": {}, "_meta": {**META, "progressToken": 7}}
    assert eras.to_session_params(params) == {"name": "t", "_meta": {"progressToken": 7}}
    assert eras.to_session_params({"_meta": META}) == {}
    back = eras.to_stateless_params({"name": "t", "_meta": {"progressToken": 7}}, "2026-07-28", {"name": "x"}, {})
    assert back["_meta"]["progressToken"] == 7
    eras.check_stateless(Request(1, "tools/list", back), None)


def test_results_cross_the_eras():
    lifted = decode(eras.lift_reply("tools/list", Reply(raw({"tools": []}))).result)
    assert lifted == {"tools": [], "resultType": "complete", "ttlMs": 0, "cacheScope": "private"}
    assert decode(eras.lift_reply("tools/call", Reply(raw({"content": []}))).result) == {
        "content": [],
        "resultType": "complete",
    }
    lowered = eras.lower_reply("tools/list", Reply(raw(lifted)))
    assert decode(lowered.result) == {"tools": []}
    asked = eras.lower_reply("tools/call", Reply(raw({"resultType": "input_required", "inputRequests": {}})))
    assert "question" in decode(asked.error)["message"]
    error = Reply(error=raw({"code": 1, "message": "x"}))
    assert eras.lift_reply("tools/list", error) is error


def test_introductions_cross_the_eras():
    initialized = {
        "protocolVersion": "2025-11-25",
        "capabilities": {"tools": {}},
        "serverInfo": {"name": "s", "version": "1"},
        "instructions": "i",
    }
    discovered = eras.discover_from_initialize(initialized)
    assert eras.speaks_stateless(raw(discovered))
    assert eras.initialize_from_discover(discovered, "2025-11-25") == initialized
    assert not eras.speaks_stateless(raw({"supportedVersions": ["2025-11-25"]}))
    assert not eras.speaks_stateless(raw([1]))


def test_lists_keep_their_bytes_and_their_order():
    text = (
        b'{"tools":[{"name":"b","x":1.50},{"name":"a", "y": "\\u00e9"},{"x":1},{"name":7},5],"nextCursor":"n","_meta":{"z":1}}'
    )
    kept = bytes(tools.filter_list(msgspec.Raw(text), "tools", "name", lambda name: True))
    assert b'{"name":"b","x":1.50},{"name":"a", "y": "\\u00e9"}' in kept
    assert decode(kept)["nextCursor"] == "n"
    assert len(decode(kept)["tools"]) == 2
    one = decode(tools.filter_list(msgspec.Raw(text), "tools", "name", lambda name: name == "a"))
    assert [tool["name"] for tool in one["tools"]] == ["a"]
    for broken in (b"{}", b'{"tools":{}}', b"[]", b"5"):
        with pytest.raises(BadRequest):
            tools.filter_list(msgspec.Raw(broken), "tools", "name", lambda name: True)


@pytest.mark.parametrize(("ttl", "kept"), [(10, 10), (10**9, 60_000), (-5, 0), ("x", 0), (None, 0)])
def test_filtered_lists_are_private(ttl, kept):
    made = decode(tools.privatise(raw({"tools": [], "ttlMs": ttl, "cacheScope": "public"}), 60_000))
    assert (made["ttlMs"], made["cacheScope"]) == (kept, "private")


TOOL = {
    "name": "t",
    "title": "T",
    "description": "d",
    "inputSchema": {"type": "object"},
    "outputSchema": {},
    "annotations": {},
    "icons": [],
    "_meta": {},
}


def digest(tool):
    return tools.definitions(raw({"tools": [tool]}))[0].digest


@pytest.mark.parametrize("field", [name for name in TOOL if name != "name"])
def test_the_digest_covers_every_field(field):
    assert digest({**TOOL, field: "changed"}) != digest(TOOL)
    assert digest(dict(reversed(TOOL.items()))) == digest(TOOL)


@pytest.mark.parametrize("name", ["", "a b", "é", "a\u200b", "x" * 129, "a:b", None, 5])
def test_tool_names_are_plain(name):
    with pytest.raises(BadRequest):
        tools.call_of(Request(1, "tools/call", {"name": name}))
    assert tools.definitions(raw({"tools": [{**TOOL, "name": name}]})) == []


BAD_CALLS = [
    ("tools/call", {"name": "t", "arguments": []}), ("tools/call", {"name": "t", "arguments": "x"}), ("resources/read", {}),
    ("resources/read", {"uri": 5}), ("resources/read", {"uri": "a\u202eb"}), ("prompts/get", {"name": ""}),
    ("completion/complete", {}), ("completion/complete", {"ref": {"type": "ref/other"}}), ("completion/complete", {"ref": {"type": "ref/prompt"}}),
]  # fmt: skip


@pytest.mark.parametrize(("method", "params"), BAD_CALLS)
def test_calls_that_name_nothing_are_refused(method, params):
    with pytest.raises(BadRequest):
        tools.call_of(Request(1, method, params))


def test_calls_in_the_words_of_a_policy():
    assert tools.call_of(Request(1, "tools/call", {"name": "t"})) == tools.Asked("tool", "t", {})
    assert tools.call_of(Request(1, "resources/read", {"uri": "a://b"})) == tools.Asked("resource", "a://b", {"uri": "a://b"})
    reference = {"ref": {"type": "ref/prompt", "name": "p"}, "argument": {}}
    assert tools.call_of(Request(1, "completion/complete", reference)).kind == "prompt"


def test_server_messages():
    assert messages.read_server(b'{"jsonrpc":"2.0","id":1,"result":{"a":\n1}}') == (1, Reply(msgspec.Raw(b'{"a":1}')))
    assert messages.read_server(b'{"jsonrpc":"2.0","id":"x","error":{"code":1}}')[1].error is not None
    assert messages.read_server(b'{"jsonrpc":"2.0","method":"m","extra":1}') == Interim("m")
    assert len(messages.read_server_all(b'[{"jsonrpc":"2.0","id":1,"result":{}},{"jsonrpc":"2.0","method":"m"}]')) == 2
    for broken in (b"", b"5", b"{}", b'{"jsonrpc":"1.0","id":1,"result":{}}', b'{"jsonrpc":"2.0","id":1}', b'{"jsonrpc":"2.0","result":{}}',
                   b'{"jsonrpc":"2.0","id":1,"result":{},"error":{}}', b'{"jsonrpc":"2.0","id":true,"result":{}}', b"\xff", b"["):  # fmt: skip
        with pytest.raises(BadRequest):
            messages.read_server_all(broken)


def test_random_bytes_raise_nothing_else():
    rng = random.Random(9)
    seeds = [
        messages.request_bytes(1, "tools/call", CALL.params), b'{"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"a"}],"ttlMs":5}}',
        b'{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":1}}',
    ]  # fmt: skip
    for _ in range(6_000):
        data = bytearray(rng.choice(seeds))
        for _ in range(rng.randrange(1, 5)):
            data[rng.randrange(len(data))] = rng.randrange(256)
        try:
            message = messages.parse(bytes(data))
            if isinstance(message, Request):
                headers.check_mirrors(MIRRORED, message)
        except BadRequest:
            pass
        try:
            read = messages.read_server(bytes(data))
            if not isinstance(read, Interim) and read[1].result is not None:
                eras.lift_reply("tools/list", read[1])
                tools.definitions(read[1].result)
                tools.filter_list(read[1].result, "tools", "name", lambda name: True)
        except BadRequest:
            pass


def test_characters_that_hide():
    assert tools.suspicious_characters("plain text, ünïcode") == []
    assert tools.suspicious_characters("a\u200bb\u202ec\u200b") == ["U+200B", "U+202E"]
