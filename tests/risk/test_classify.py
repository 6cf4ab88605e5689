"""Verdicts on tools written for these tests, and what must hold of every verdict."""

import json
import random
from pathlib import Path

import pytest

from toolgate.risk.classify import classify
from toolgate.risk.model import GRAVITY
from toolgate.risk.rules.table import RULES
from toolgate.risk.severity import BASE, level_of

CASES = json.loads((Path(__file__).parents[1] / "cases" / "risk" / "tools.json").read_text())


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["tool"]["name"])
def test_cases(case):
    verdict = classify(case["tool"])
    assert verdict.risk_class == case["class"], verdict.rationale
    assert verdict.level == case.get("level", verdict.level)
    assert set(case.get("signals", [])) <= set(verdict.signals)


def test_the_published_tool():
    verdict = classify({
        "name": "retry-job",
        "description": "Retry a failed or timed-out Serverless job. Only works for jobs with FAILED or TIMED_OUT status.",
    })  # fmt: skip
    assert (verdict.risk_class, verdict.level) == ("Execute", "High")
    assert {one.quote for one in verdict.evidence} >= {"retry", "Retry"}
    assert "`Retry` (description)" in verdict.rationale


def test_every_rule_has_a_case_and_a_row(pytestconfig):
    page = (pytestconfig.rootpath / "docs" / "risk.md").read_text()
    used = {one.rule for case in CASES for one in classify(case["tool"]).evidence}
    for rule in RULES:
        assert rule in used, f"no case gives `{rule}` something to find"
        assert f"| `{rule}` |" in page, f"`{rule}` is not in docs/risk.md"


def field_of(tool, field):
    return {"name": tool.get("name"), "description": tool.get("description")}.get(field) or json.dumps(tool)


def test_quotes_stand_in_the_definition():
    for case in CASES:
        for one in classify(case["tool"]).evidence:
            text = field_of(case["tool"], one.field)
            assert one.quote in text
            if one.field in ("name", "description"):
                assert text[slice(*one.span)] == one.quote


def test_annotations_never_lower_what_words_say():
    for case in CASES:
        tool = case["tool"]
        without = classify({**tool, "annotations": {}})
        claimed = classify({**tool, "annotations": {"readOnlyHint": True, "destructiveHint": False}})
        if without.risk_class != "Unclassified":
            assert GRAVITY[claimed.risk_class] >= GRAVITY[without.risk_class]


def test_any_json_is_classified_without_raising():
    rng = random.Random(1)
    values = [
        None,
        5,
        True,
        [],
        {},
        "delete all",
        ["x"],
        {"properties": {"action": {"enum": ["delete", 5]}}},
        "é" * 5000,
        "\u202e",
    ]
    for _ in range(2_000):
        names = ("name", "title", "description", "annotations", "inputSchema")
        tool = {name: rng.choice(values) for name in names}
        assert classify(tool) == classify(json.loads(json.dumps(tool)))
    assert classify({}).risk_class == "Unclassified"
    assert classify({}).level is None


def test_signals_raise_levels_and_nothing_lowers_them():
    assert level_of("Write", ("administration",)) == "High"
    assert level_of("Read", ("credentials",)) == "Medium"
    for risk_class, base in BASE.items():
        assert level_of(risk_class, ()) == base
