"""Classifying a tool by its own definition: gather evidence, add it up, say what spoke for and against."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from toolgate.risk.model import GRAVITY, Evidence, RiskClass, Text, Verdict
from toolgate.risk.rules.table import RULES
from toolgate.risk.severity import level_of
from toolgate.risk.signals import signals_of

LEAST = 0.5
GRAVE_ENOUGH = 0.6
"""A graver class wins when it has this share of the strongest one's weight."""
OPERATIONS = frozenset({"action", "operation", "op", "mode", "command", "method"})


def classify(definition: Mapping[str, Any]) -> Verdict:
    """The verdict on an item of `tools/list`. Never raises; anything that is not there counts as empty."""
    text = _text(definition)
    evidence = tuple(one for rule in RULES.values() for one in rule(text))
    totals: dict[RiskClass, float] = defaultdict(float)
    for one in evidence:
        totals[one.risk_class] += one.weight
    winner = _winner(totals)
    signals = signals_of(text, evidence)
    return Verdict(winner, level_of(winner, signals), _confidence(winner, totals), signals, evidence, _why(winner, evidence))


def _winner(totals: Mapping[RiskClass, float]) -> RiskClass:
    strongest = max(totals.values(), default=0.0)
    if strongest < LEAST:
        return "Unclassified"
    grave = [risk_class for risk_class, weight in totals.items() if weight >= strongest * GRAVE_ENOUGH]
    return max(grave, key=lambda risk_class: GRAVITY[risk_class])


def _confidence(winner: RiskClass, totals: Mapping[RiskClass, float]) -> float:
    if winner == "Unclassified":
        return 0.0
    rest = sum(weight for risk_class, weight in totals.items() if risk_class != winner)
    share = totals[winner] / (totals[winner] + rest)
    return round(share * min(1.0, totals[winner] / 4.0), 3)


def _why(winner: RiskClass, evidence: tuple[Evidence, ...]) -> str:
    if winner == "Unclassified":
        return "nothing in the definition says what this does"
    spoke = ", ".join(f"`{one.quote}` ({one.field})" for one in evidence if one.risk_class == winner)
    against = ", ".join(f"`{one.quote}` suggested {one.risk_class}" for one in evidence if one.risk_class != winner)
    return f"{winner}: {spoke}" + (f"; outweighed: {against}" if against else "")


def _text(definition: Mapping[str, Any]) -> Text:
    annotations = definition.get("annotations")
    hints = annotations if isinstance(annotations, Mapping) else {}
    properties = _properties(definition.get("inputSchema"))
    return Text(
        _string(definition.get("name") or definition.get("tool")), _string(definition.get("title")),
        _string(definition.get("description")), _boolean(hints.get("readOnlyHint")),
        _boolean(hints.get("destructiveHint")), tuple(_enums(properties)), tuple(properties),
    )  # fmt: skip


def _properties(schema: Any) -> Mapping[str, Any]:
    properties = schema.get("properties") if isinstance(schema, Mapping) else None
    return properties if isinstance(properties, Mapping) else {}


def _enums(properties: Mapping[str, Any]) -> Iterator[str]:
    for name, schema in properties.items():
        values = schema.get("enum") if isinstance(schema, Mapping) else None
        if name.lower() in OPERATIONS and isinstance(values, list):
            yield from (value for value in values if isinstance(value, str))


def _string(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _boolean(value: Any) -> bool | None:
    return value if isinstance(value, bool) else None
