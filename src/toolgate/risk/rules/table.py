"""The table of rules: a new one is a file (or a function in its family's) and a line."""

from collections.abc import Callable, Iterator

from toolgate.risk.model import Evidence, Text
from toolgate.risk.rules.annotations import destructive_hint, read_only_hint
from toolgate.risk.rules.description import lead_verb, second_verb
from toolgate.risk.rules.enums import operation_enum
from toolgate.risk.rules.money import money
from toolgate.risk.rules.name import name_verb
from toolgate.risk.rules.phrases import grave_phrases

RULES: dict[str, Callable[[Text], Iterator[Evidence]]] = {
    "name-verb": name_verb,
    "lead-verb": lead_verb,
    "second-verb": second_verb,
    "grave-phrase": grave_phrases,
    "money": money,
    "operation-enum": operation_enum,
    "destructive-hint": destructive_hint,
    "read-only-hint": read_only_hint,
}
