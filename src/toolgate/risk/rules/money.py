"""Money: a money verb with a money object, unless the tool only reads."""

import re
from collections.abc import Iterator

from toolgate.risk.model import Evidence, Text
from toolgate.risk.rules.name import TOKEN
from toolgate.risk.rules.verbs import CLASS_OF
from toolgate.risk.words import MONEY, MONEY_ALONE, VERBS

WORD = re.compile(r"[A-Za-z]+")
WEIGHT = 3.6


def money(text: Text) -> Iterator[Evidence]:
    """`refund` and its like weigh alone; `transfer`, `charge`, `invoice` need a money object close by."""
    tokens = [(match.group().lower(), match) for match in TOKEN.finditer(text.name)]
    lead = WORD.search(text.description)
    if (tokens and CLASS_OF.get(tokens[0][0]) == "Read") or (lead and CLASS_OF.get(lead.group().lower()) == "Read"):
        return
    words = {match.group().lower() for match in WORD.finditer(f"{text.name} {text.description[:200]}".replace("_", " "))}
    for token, match in tokens:
        if token in VERBS["Financial"] and (token in MONEY_ALONE or words & (MONEY - {token})):
            yield Evidence("Financial", WEIGHT, "name", match.span(), match.group(), "money")
            return
