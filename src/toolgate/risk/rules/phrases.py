"""Phrases that weigh more than their words, unless taken back just before."""

import re
from collections.abc import Iterator

from toolgate.risk.model import Evidence, Text
from toolgate.risk.words import NEGATION_WINDOW, NEGATIONS, PHRASES

COMPILED = tuple((re.compile(pattern, re.I), risk_class, weight) for pattern, risk_class, weight in PHRASES)


def grave_phrases(text: Text) -> Iterator[Evidence]:
    """Each phrase once."""
    for pattern, risk_class, weight in COMPILED:
        match = pattern.search(text.description)
        if match is None:
            continue
        before = text.description[max(0, match.start() - NEGATION_WINDOW) : match.start()].lower()
        if not any(word in before for word in NEGATIONS):
            yield Evidence(risk_class, weight, "description", match.span(), match.group(), "grave-phrase")
