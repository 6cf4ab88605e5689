"""From class and signals to a level: signals raise it, nothing lowers it."""

from toolgate.risk.model import RiskClass, RiskLevel

BASE: dict[RiskClass, RiskLevel | None] = {
    "Read": "Low", "Write": "Medium", "Execute": "High", "Destructive": "Critical", "Financial": "Critical",
    "Unclassified": None,
}  # fmt: skip
RAISES: dict[RiskClass, frozenset[str]] = {
    "Read": frozenset({"credentials"}),
    "Write": frozenset({"administration", "credentials", "bulk", "irreversible"}),
    "Execute": frozenset({"free-form code"}),
}
NEXT: dict[RiskLevel, RiskLevel] = {"Low": "Medium", "Medium": "High", "High": "Critical", "Critical": "Critical"}


def level_of(risk_class: RiskClass, signals: tuple[str, ...]) -> RiskLevel | None:
    """The class's own level, one higher where a signal weighs for that class. None for Unclassified."""
    level = BASE[risk_class]
    raised = RAISES.get(risk_class, frozenset()) & set(signals)
    return NEXT[level] if level is not None and raised else level
