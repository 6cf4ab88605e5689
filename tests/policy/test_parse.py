"""Documents with errors: every error, in order, each with its place, what was found and what may be."""

import json

import pytest

from toolgate.errors import InvalidDocument
from toolgate.policy.parse import parse, parse_json

RULE = {"version": "1", "default": "deny"}


def with_tool(body):
    return {**RULE, "tools": {"t": body}}


def condition(op, value, path="args.a"):
    return with_tool({"require": [{"conditions": [{"path": path, "op": op, "value": value}]}]})


def limit(**changes):
    return with_tool({"limits": [{"counter": "c", "window": "minute", "max": 1, **changes}]})


AT = "/tools/t/require/0/conditions/0"
INVALID = [
    ([], [""]),
    ({}, ["", ""]),
    ({"version": 1, "default": "deny"}, ["/version"]),
    ({"version": "1", "default": "maybe"}, ["/default"]),
    ({**RULE, "defaults": 1}, ["/defaults"]),
    ({**RULE, "hide": "x"}, ["/hide"]),
    ({**RULE, "hide": [1, ""]}, ["/hide/0", "/hide/1"]),
    ({**RULE, "show_unlisted": 1}, ["/show_unlisted"]),
    ({**RULE, "description": []}, ["/description"]),
    ({**RULE, "classes": {"Reads": {}}}, ["/classes/Reads"]),
    ({**RULE, "tools": []}, ["/tools"]),
    ({**RULE, "tools": {"a/b~c": 1}}, ["/tools/a~1b~0c"]),
    (with_tool({"action": "permit"}), ["/tools/t/action"]),
    (with_tool({"reason": 1}), ["/tools/t/reason"]),
    (with_tool({"unknown": 1, "reason": 1}), ["/tools/t/unknown", "/tools/t/reason"]),
    (with_tool({"require": {}}), ["/tools/t/require"]),
    (with_tool({"require": [{}]}), ["/tools/t/require/0"]),
    (with_tool({"deny_if": [{"conditions": [{}]}]}), ["/tools/t/deny_if/0/conditions/0"] * 3),
    (with_tool({"deny_if": [{"name": "a", "conditions": []}] * 2}), ["/tools/t/deny_if/0/name", "/tools/t/deny_if/1/name"]),
    (condition("equals", 1), [f"{AT}/op"]),
    (condition("gt", "1"), [f"{AT}/value"]),
    (condition("gt", True), [f"{AT}/value"]),
    (condition("in", "abc"), [f"{AT}/value"]),
    (condition("exists", 1), [f"{AT}/value"]),
    (condition("regex", "(?=a)"), [f"{AT}/value"]),
    (condition("regex", r"(a)\1"), [f"{AT}/value"]),
    (condition("regex", "("), [f"{AT}/value"]),
    (condition("starts_with", 1), [f"{AT}/value"]),
    (condition("length_lte", -1), [f"{AT}/value"]),
    (condition("length_lte", 1.5), [f"{AT}/value"]),
    (condition("host_in", []), [f"{AT}/value"]),
    (condition("host_in", ["http://a"]), [f"{AT}/value"]),
    (condition("host_in", ["a b"]), [f"{AT}/value"]),
    (condition("path_within", ["data"]), [f"{AT}/value"]),
    (condition("path_within", ["/data/../x"]), [f"{AT}/value"]),
    (condition("path_within", []), [f"{AT}/value"]),
    (condition("eq", 1, path="arg.a"), [f"{AT}/path"]),
    (condition("eq", 1, path="args"), [f"{AT}/path"]),
    (condition("eq", 1, path="args..a"), [f"{AT}/path"]),
    (condition("eq", 1, path="grant.id"), [f"{AT}/path"]),
    (condition("eq", 1, path="time.hour.x"), [f"{AT}/path"]),
    (condition("eq", 1, path=7), [f"{AT}/path"]),
    (limit(window="week"), ["/tools/t/limits/0/window"]),
    (limit(window=0), ["/tools/t/limits/0/window"]),
    (limit(window=1.5), ["/tools/t/limits/0/window"]),
    (limit(window=True), ["/tools/t/limits/0/window"]),
    (limit(max=-1), ["/tools/t/limits/0/max"]),
    (limit(max="1"), ["/tools/t/limits/0/max"]),
    (limit(max=0.1234567), ["/tools/t/limits/0/max"]),
    (limit(max=1e13), ["/tools/t/limits/0/max"]),
    (limit(counter=""), ["/tools/t/limits/0/counter"]),
    (limit(scope="user"), ["/tools/t/limits/0/scope"]),
    (limit(increment_from="args.*"), ["/tools/t/limits/0/increment_from"]),
    (limit(increment_from="grant.label"), ["/tools/t/limits/0/increment_from"]),
    (with_tool({"limits": [{"counter": "c"}]}), ["/tools/t/limits/0"] * 2),
    (with_tool({"rate_limit": {"max": 10}}), ["/tools/t/rate_limit"]),
    (with_tool({"rate_limit": {"max": 1.5, "window": 60}}), ["/tools/t/rate_limit/max"]),
    (with_tool({"approval": {"approvers": 0}}), ["/tools/t/approval/approvers"]),
    (with_tool({"approval": {"wait": -1, "ttl": 0}}), ["/tools/t/approval/wait", "/tools/t/approval/ttl"]),
    (with_tool({"arguments": 7}), ["/tools/t/arguments"]),
    (with_tool({"arguments": {"type": "strin"}}), ["/tools/t/arguments"]),
    (with_tool({"arguments": {"$ref": "https://example.com/s.json"}}), ["/tools/t/arguments"]),
    (with_tool({"arguments": {"pattern": "(?=a)"}}), ["/tools/t/arguments"]),
]


@pytest.mark.parametrize(("document", "pointers"), INVALID, ids=lambda value: json.dumps(value)[:70])
def test_every_error_is_named_at_its_place(document, pointers):
    with pytest.raises(InvalidDocument) as refused:
        parse(document)
    assert [problem.pointer for problem in refused.value.problems] == pointers
    for problem in refused.value.problems:
        assert problem.found
        assert problem.expected


TEXTS = [
    ('{"version": "1", "default": "deny", "default": "allow"}', "twice"),
    ('{"version": "1", "default": "deny", "tools": {"a": {}, "\\u0061": {}}}', "twice"),
    ('{"version": "1", "default": NaN}', "NaN"),
    ('{"version": "1",', "column"),
    ("[" * 100_000, "nest"),
    ('{"version": "1", "default": "\\ud800"}', "UTF-8"),
    (b"\xff\xfe{}", "UTF-8"),
]


@pytest.mark.parametrize(("text", "says"), TEXTS, ids=lambda value: str(value)[:40])
def test_texts_that_are_no_clean_json_are_refused(text, says):
    with pytest.raises(InvalidDocument, match=says):
        parse_json(text)


def test_a_valid_document_of_every_key_parses():
    document = {
        "version": "1", "default": "deny", "description": "d", "show_unlisted": True, "hide": ["x*"],
        "all_tools": {"limits": [{"counter": "c", "window": "month", "max": 0.000001, "scope": "org", "on_deny": "no"}]},
        "classes": {"Read": {}},
        "tools": {
            "*": {
                "action": "require_approval", "reason": "r", "arguments": {"type": "object"},
                "require": [{"name": "n", "conditions": [{"path": "args.a.*.0", "op": "eq", "value": None}], "on_deny": "x"}],
                "deny_if": [{"conditions": []}], "approve_if": [{"conditions": []}],
                "limits": [{"counter": "s", "window": 86400, "max": 1, "scope": "session", "increment_from": "args.a.b"}],
                "rate_limit": {"max": 10, "window": 60}, "approval": {"wait": 0, "ttl": 1, "approvers": 2},
            }
        },
        "resources": {"test://*": {}}, "prompts": {"p": {"action": "deny"}},
    }  # fmt: skip
    assert parse(document).tools is not None
