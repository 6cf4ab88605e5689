"""Looking a verb up."""

from toolgate.risk.model import RiskClass
from toolgate.risk.words import VERBS

CLASS_OF: dict[str, RiskClass] = {verb: risk_class for risk_class, verbs in VERBS.items() for verb in verbs}


def class_of(word: str) -> RiskClass | None:
    """What a verb says, or None. Financial verbs need a money object beside them; the money rule looks for that."""
    found = CLASS_OF.get(word)
    return None if found == "Financial" else found
