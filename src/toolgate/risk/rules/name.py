"""The verb in a tool's name: the strongest single word there is."""

import re
from collections.abc import Iterator

from toolgate.risk.model import Evidence, Text
from toolgate.risk.rules.verbs import class_of

TOKEN = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+")
FIRST, LATER = 3.0, 1.8


def name_verb(text: Text) -> Iterator[Evidence]:
    """The first token that is a verb weighs 3.0, one further back 1.8."""
    for position, match in enumerate(TOKEN.finditer(text.name)):
        risk_class = class_of(match.group().lower())
        if risk_class is not None:
            weight = FIRST if position == 0 else LATER
            yield Evidence(risk_class, weight, "name", match.span(), match.group(), "name-verb")
