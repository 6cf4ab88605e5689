"""The one table from risk class to the rule we recommend; pages, `scan` and the builder all read it here."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from toolgate.policy.decision import RiskClass, RiskLevel

PER_MINUTE: dict[str, int] = {"Write": 30, "Execute": 10}
ASK: dict[str, str] = {
    "Destructive": "This cannot be undone: a person approves it first.",
    "Financial": "This moves money: a person approves it first.",
    "Unclassified": "What this does is not known: a person approves it first.",
}


@dataclass(frozen=True, slots=True)
class ToolRisk:
    """A tool and how it was classified."""

    name: str
    risk_class: RiskClass
    risk_level: RiskLevel | None = None


def recommend_rule(tool: ToolRisk) -> dict[str, Any]:
    """The rule body we recommend for one tool."""
    if tool.risk_class in PER_MINUTE:
        most = PER_MINUTE[tool.risk_class]
        return {"limits": [{"counter": f"{tool.name}_rate", "window": "minute", "max": most, "scope": "grant"}]}
    if tool.risk_class in ASK:
        return {"action": "require_approval", "reason": ASK[tool.risk_class]}
    return {}


def recommend(tools: Sequence[ToolRisk]) -> dict[str, Any]:
    """The policy we recommend for a server: everything else is denied."""
    return {"version": "1", "default": "deny", "tools": {tool.name: recommend_rule(tool) for tool in tools}}
