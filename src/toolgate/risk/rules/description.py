"""The verbs of a description: the one it leads with, and a second one after `and` or `or`."""

import re
from collections.abc import Iterator

from toolgate.risk.model import Evidence, Text
from toolgate.risk.rules.verbs import class_of

LEAD = re.compile(
    r"^\W*(?:\[[^\]]*\]\s*)?(?:use this tool to |this tool |tool to |allows you to |lets you |used to )?(\w+)", re.I
)
SECOND = re.compile(r"\b(?:and|or|then)\s+(\w+)", re.I)
LEAD_WEIGHT, SECOND_WEIGHT = 2.6, 1.7
FIRST_SENTENCE = re.compile(r".*?(?:[.!?\n]|$)", re.S)


def lead_verb(text: Text) -> Iterator[Evidence]:
    """The lead verb weighs 2.6."""
    match = LEAD.match(text.description)
    risk_class = class_of(match[1].lower()) if match else None
    if match and risk_class is not None:
        yield Evidence(risk_class, LEAD_WEIGHT, "description", match.span(1), match[1], "lead-verb")


def second_verb(text: Text) -> Iterator[Evidence]:
    """A second verb of the first sentence weighs 1.7, unless it only reads."""
    sentence = FIRST_SENTENCE.match(text.description)
    for match in SECOND.finditer(text.description, 0, sentence.end() if sentence else 0):
        risk_class = class_of(match[1].lower())
        if risk_class is not None and risk_class != "Read":
            yield Evidence(risk_class, SECOND_WEIGHT, "description", match.span(1), match[1], "second-verb")
