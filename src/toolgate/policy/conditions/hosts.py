"""`host_in`, `host_not_in`: the host of an absolute http(s) URL, parsed strictly.

URL parsers disagree about everything odd (user information, backslashes, control characters, percent-encoded or numeric
hosts), so an odd URL does not parse, and what does not parse counts against the call. RFC 3986 section 3.2.2.
"""

import ipaddress
import re
from typing import Any

from toolgate.policy.conditions.model import Operator, Predicate, Unevaluable, is_texts, text

URL = re.compile(r"(?i:https?)://(\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9.-]{1,254})(?::([0-9]{1,5}))?(?:[/?#][!-\[\]-~]*)?")
LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
NUMERIC = re.compile(r"(?:0x[0-9a-f]*|[0-9]+)")


def host_of(url: str) -> str:
    """The lower-case host, without brackets. Raises Unevaluable for anything that two parsers could read differently."""
    match = URL.fullmatch(url)
    if match is None or (match[2] and not 0 < int(match[2]) < 65536):
        raise Unevaluable
    host = match[1].lower()
    if host.startswith("["):
        return _address(host[1:-1])
    labels = host.split(".")
    if not all(LABEL.fullmatch(label) for label in labels):
        raise Unevaluable
    # `127.1`, `0x7f.1` and `2130706433` are addresses to some resolvers and names to others
    return _address(host) if NUMERIC.fullmatch(labels[-1]) else host


def _address(text_form: str) -> str:
    try:
        return str(ipaddress.ip_address(text_form))
    except ValueError:
        raise Unevaluable from None


def is_hosts(value: Any) -> bool:
    """A non-empty array of host names or addresses; `*.` may stand before a name."""
    return is_texts(value) and all(_is_host(item) for item in value)


def _is_host(pattern: str) -> bool:
    name = pattern.lower().removeprefix("*.")
    bracketed = f"[{name}]" if ":" in name else name
    try:
        return host_of(f"http://{bracketed}/") == name
    except Unevaluable:
        return False


def _listed(values: list[str]) -> Predicate:
    exact = frozenset(value.lower() for value in values if not value.startswith("*."))
    suffixes = tuple(value[1:].lower() for value in values if value.startswith("*."))

    def holds(found: Any) -> bool:
        host = host_of(text(found))
        return host in exact or host.endswith(suffixes)

    return holds


def _not_listed(values: list[str]) -> Predicate:
    listed = _listed(values)
    return lambda found: not listed(found)


EXPECTED = 'a non-empty array of host names ("api.example.com", "*.example.com") or addresses'
SCHEMA = {"type": "array", "minItems": 1, "items": {"type": "string"}}

OPERATORS = {
    "host_in": Operator(EXPECTED, is_hosts, _listed, SCHEMA),
    "host_not_in": Operator(EXPECTED, is_hosts, _not_listed, SCHEMA),
}
