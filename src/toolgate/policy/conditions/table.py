"""The table of operators: a new one is an entry in its family's file, or a file and a line here."""

from toolgate.policy.conditions import equality, hosts, order, paths, presence, texts
from toolgate.policy.conditions.model import Operator

OPERATORS: dict[str, Operator] = {
    **equality.OPERATORS,
    **order.OPERATORS,
    **presence.OPERATORS,
    **texts.OPERATORS,
    **hosts.OPERATORS,
    **paths.OPERATORS,
}
