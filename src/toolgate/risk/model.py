"""The data of a verdict."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

RiskClass: TypeAlias = Literal["Read", "Write", "Execute", "Destructive", "Financial", "Unclassified"]
RiskLevel: TypeAlias = Literal["Low", "Medium", "High", "Critical"]

GRAVITY: dict[RiskClass, int] = {"Unclassified": 0, "Read": 1, "Write": 2, "Execute": 3, "Destructive": 4, "Financial": 5}


@dataclass(frozen=True, slots=True)
class Text:
    """The words of a definition that rules look at."""

    name: str
    title: str
    description: str
    read_only: bool | None
    destructive: bool | None
    enums: tuple[str, ...]
    parameters: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Evidence:
    """One reason: `quote` stands verbatim at `span` of `field`."""

    risk_class: RiskClass
    weight: float
    field: str
    span: tuple[int, int]
    quote: str
    rule: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a tool is classified and why. `confidence` is between 0 and 1."""

    risk_class: RiskClass
    level: RiskLevel | None
    confidence: float
    signals: tuple[str, ...]
    evidence: tuple[Evidence, ...]
    rationale: str
