"""An operation enum in the input schema: the worst of its values counts."""

from collections.abc import Iterator

from toolgate.risk.model import GRAVITY, Evidence, Text
from toolgate.risk.rules.verbs import class_of

WEIGHT = 2.0


def operation_enum(text: Text) -> Iterator[Evidence]:
    """One piece of evidence, for the gravest value beyond reading."""
    found = [(class_of(value.lower().replace("-", "_").split("_")[0]), value) for value in text.enums]
    grave = [(risk_class, value) for risk_class, value in found if risk_class is not None and risk_class != "Read"]
    if grave:
        risk_class, value = max(grave, key=lambda item: GRAVITY[item[0]])
        yield Evidence(risk_class, WEIGHT, "inputSchema", (0, len(value)), value, "operation-enum")
