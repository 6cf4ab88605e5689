"""Lint, diff, recommend, the published schema, schemas for arguments, and cases that anybody can read."""

import json
import random
from pathlib import Path

import generate
import jsonschema_rs
import pytest

from toolgate.control import cases
from toolgate.errors import InvalidDocument
from toolgate.policy.compile import compile_policy
from toolgate.policy.decide import decide
from toolgate.policy.decision import Call, Facts
from toolgate.policy.diff import diff
from toolgate.policy.lint import lint
from toolgate.policy.parse import parse
from toolgate.policy.recommend import ToolRisk, recommend
from toolgate.policy.schema import json_schema

CASES = sorted((Path(__file__).parents[1] / "cases" / "policy").glob("*.json"))
SCHEMA = jsonschema_rs.validator_for(json_schema())


def case_files():
    for file in CASES:
        for group in json.loads(file.read_text()):
            yield pytest.param(group, id=f"{file.stem}: {group['about']}")


@pytest.mark.parametrize("group", list(case_files()))
def test_cases(group):
    results = cases.run(parse(group["policy"]), group["cases"], 1_800_000_000_000_000)
    assert [(result.name, result.missed) for result in results if result.missed] == []


def test_the_published_schema_agrees_with_the_parser():
    rng = random.Random(1)
    for _ in range(500):
        document = generate.policy(rng)
        assert SCHEMA.is_valid(document), [error.message for error in SCHEMA.iter_errors(document)]
        broken = json.loads(json.dumps(document))
        section = rng.choice([broken, broken["tools"].setdefault("t", {})])
        section[rng.choice(["unknown", "hide", "limits", "require", "action"])] = rng.choice([7, "x", [{}], [7]])
        try:
            parse(broken)
        except InvalidDocument:
            assert not SCHEMA.is_valid(broken), broken


def test_recommended_policies():
    kinds = [
        ("r", "Read"),
        ("w", "Write"),
        ("retry-job", "Execute"),
        ("d", "Destructive"),
        ("f", "Financial"),
        ("u", "Unclassified"),
    ]
    policy = recommend([ToolRisk(name, kind) for name, kind in kinds])
    parse(policy)
    rules = policy["tools"]
    assert rules["r"] == {}
    assert rules["retry-job"] == {"limits": [{"counter": "retry-job_rate", "window": "minute", "max": 10, "scope": "grant"}]}
    assert rules["w"]["limits"][0]["max"] == 30
    assert {rules[name]["action"] for name in "dfu"} == {"require_approval"}
    assert policy["default"] == "deny"


TOOLS = {
    "send": {
        "properties": {"to": {"type": "object", "properties": {"mail": {}}}, "items": {"items": {"properties": {"n": {}}}}}
    }
}
DOUBTS = [
    ({"tools": {"send": {"action": "deny", "limits": []}}}, None),
    ({"tools": {"send": {"action": "deny", "require": [{"conditions": []}]}}}, "/tools/send"),
    ({"tools": {"send": {"deny_if": [{"conditions": []}]}}}, "/tools/send/deny_if/0"),
    ({"tools": {"send": {"approval": {"wait": 1}}}}, "/tools/send/approval"),
    ({"tools": {"send": {"limits": [{"counter": "c", "window": "day", "max": 0}]}}}, "/tools/send/limits"),
    ({"hide": ["s*"], "tools": {"send": {}}}, "/tools/send"),
    ({"tools": {"sent": {}}}, "/tools/sent"),
    ({"hide": ["x*"]}, "/hide/0"),
    ({"tools": {"send": {"require": [{"conditions": [{"path": "args.to.mail", "op": "eq", "value": 1}]}]}}}, None),
    ({"tools": {"send": {"require": [{"conditions": [{"path": "args.items.*.n", "op": "eq", "value": 1}]}]}}}, None),
    ({"tools": {"send": {"require": [{"conditions": [{"path": "args.form", "op": "eq", "value": 1}]}]}}}, "/tools/send/require/args.form-eq"),
    ({"tools": {"send": {"require": [{"conditions": [{"path": "args.to.phone", "op": "eq", "value": 1}]}]}}}, "/tools/send/require/args.to.phone-eq"),
    ({"tools": {"send": {"limits": [{"counter": "c", "window": "day", "max": 5}]}},
      "all_tools": {"limits": [{"counter": "c", "window": "day", "max": 5, "increment_from": "args.to"}]}}, "/tools/send/limits"),
]  # fmt: skip


@pytest.mark.parametrize(("document", "pointer"), DOUBTS)
def test_lint(document, pointer):
    found = [warning.pointer for warning in lint(parse({"version": "1", "default": "deny", **document}), TOOLS)]
    assert found == ([] if pointer is None else [pointer])


def test_diff():
    old = parse({"version": "1", "default": "deny", "tools": {"a": {}, "b/c": {"action": "deny"}}})
    new = parse({"version": "1", "default": "allow", "tools": {"b/c": {"action": "allow"}, "d": {}}})
    found = [(change.kind, change.pointer) for change in diff(old, new)]
    assert found == [("changed", "/default"), ("changed", "/tools/b~1c/action"), ("added", "/tools/d"), ("removed", "/tools/a")]
    assert diff(old, old) == []


def test_arguments_against_a_schema():
    schema = {"type": "object", "properties": {"n": {"type": "integer", "maximum": 5}}, "additionalProperties": False}
    compiled = compile_policy(parse({"version": "1", "default": "deny", "tools": {"t": {"arguments": schema}}}))
    assert decide(compiled, Call("tool", "t", {"n": 5}), Facts(0)).effect == "allow"
    for arguments in ({"n": 6}, {"n": "5"}, {"m": 1}):
        denied = decide(compiled, Call("tool", "t", arguments), Facts(0))
        assert (denied.code, denied.rule) == ("arguments_invalid", "/tools/t/arguments")
        assert "schema" in denied.message
