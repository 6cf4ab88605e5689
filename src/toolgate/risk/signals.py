"""Signals: what makes a tool graver than its class says."""

import re

from toolgate.risk.model import Evidence, RiskClass, Text

PATTERNS: dict[str, re.Pattern[str]] = {
    "bulk": re.compile(r"\b(?:bulk|batch|all|every|multiple|mass)\b", re.I),
    "administration": re.compile(r"\b(?:admin|role|roles|permission|permissions|policy|policies|owner)\b", re.I),
    "credentials": re.compile(r"\b(?:secret|secrets|credential|credentials|password|api key|token|private key)\b", re.I),
    "free-form code": re.compile(r"\b(?:shell|bash|script|sql|code|javascript|python)\b", re.I),
    "irreversible": re.compile(r"cannot be undone|irreversibl|permanently", re.I),
}
PARAMETERS: dict[str, frozenset[str]] = {
    "url input": frozenset({"url", "uri", "endpoint", "webhook"}),
    "file path input": frozenset({"path", "file", "filepath", "file_path", "directory"}),
    "free-form code": frozenset({"command", "script", "code", "sql", "query_sql"}),
}


def signals_of(text: Text, evidence: tuple[Evidence, ...]) -> tuple[str, ...]:
    """The names of the signals a definition gives, in a fixed order."""
    words = f"{text.name.replace('_', ' ').replace('-', ' ')} {text.description}"
    found = {name for name, pattern in PATTERNS.items() if pattern.search(words)}
    found |= {name for name, names in PARAMETERS.items() if names & {parameter.lower() for parameter in text.parameters}}
    if text.read_only is True and any(_beyond_reading(one.risk_class) for one in evidence):
        found.add("annotation contradicts the words")
    return tuple(sorted(found))


def _beyond_reading(risk_class: RiskClass) -> bool:
    return risk_class not in ("Read", "Unclassified")
