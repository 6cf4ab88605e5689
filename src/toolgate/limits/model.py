"""The data of limits. See the package docstring for the units."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

SCALE = 1_000_000
"""Millionths in one: amounts are exact to six decimals."""

LARGEST = 9_000_000_000_000 * SCALE
"""The largest maximum or amount, in millionths: a tally below it plus one amount still fits a signed 64-bit integer
only while amounts are refused past it."""

Calendar: TypeAlias = Literal["minute", "hour", "day", "month"]
Scope: TypeAlias = Literal["grant", "session", "server", "org"]


@dataclass(frozen=True, slots=True)
class Window:
    """A calendar window in UTC that resets at its boundary, or a sliding one of `seconds`. Exactly one is set."""

    calendar: Calendar | None = None
    seconds: int | None = None

    def __str__(self) -> str:
        return self.calendar or f"{self.seconds}s"


@dataclass(frozen=True, slots=True)
class Spend:
    """What a call would add to a tally, and the limit it must stay within.

    `rule` is the JSON Pointer of the limit in the policy, `message` what the agent reads when it is exceeded.
    """

    key: str
    window: Window
    max: int
    amount: int
    rule: str
    message: str


@dataclass(frozen=True, slots=True)
class Charge:
    """What was added to a tally, and to which bucket: a refund subtracts it there, once."""

    key: str
    bucket: int
    amount: int


@dataclass(frozen=True, slots=True)
class Reserved:
    """Every limit had room; the charges to write."""

    charges: tuple[Charge, ...]


@dataclass(frozen=True, slots=True)
class Exceeded:
    """A limit had no room. `retry_after` is in whole seconds, rounded up; None when waiting cannot help."""

    spend: Spend
    retry_after: int | None


Tallies: TypeAlias = Mapping[str, Mapping[int, int]]
"""Counter key -> bucket -> millionths spent. A store may hold older buckets; only those that still count matter."""
