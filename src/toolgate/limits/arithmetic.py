"""The arithmetic of limits: which bucket a moment falls into, which buckets still count, and whether a call fits.

A calendar window is one bucket, numbered by its start. A sliding window is cut into 60 buckets; everything in the 61 newest
counts, so that never more than `max` passes in any interval of the window's length, and a call is denied at most 1/60 of the
window early. Buckets ahead of `now` count too: a clock that went back frees nothing.
"""

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from toolgate.limits.model import LARGEST, SCALE, Charge, Exceeded, Reserved, Spend, Tallies, Window

MICROSECONDS = 1_000_000
SLICES = 60
SPANS = {"minute": 60, "hour": 3600, "day": 86400}


def bucket(window: Window, now: int) -> int:
    """The bucket that a call at `now` is charged to. Calendar: the window's start in seconds. Sliding: a slice's number."""
    if window.seconds is not None:
        return now * SLICES // (window.seconds * MICROSECONDS)
    seconds = now // MICROSECONDS
    if window.calendar == "month":
        moment = datetime.fromtimestamp(seconds, UTC)
        return int(datetime(moment.year, moment.month, 1, tzinfo=UTC).timestamp())
    span = SPANS[window.calendar or "minute"]
    return seconds - seconds % span


def first_bucket(window: Window, now: int) -> int:
    """The oldest bucket that still counts at `now`."""
    current = bucket(window, now)
    return current if window.seconds is None else current - SLICES


def expiry(window: Window, slot: int) -> int:
    """The first moment, in microseconds, at which `slot` no longer counts."""
    if window.seconds is not None:
        return -(-(slot + SLICES + 1) * window.seconds * MICROSECONDS // SLICES)
    if window.calendar == "month":
        start = datetime.fromtimestamp(slot, UTC)
        year, month = (start.year + 1, 1) if start.month == 12 else (start.year, start.month + 1)
        return int(datetime(year, month, 1, tzinfo=UTC).timestamp()) * MICROSECONDS
    return (slot + SPANS[window.calendar or "minute"]) * MICROSECONDS


def spent(tally: Mapping[int, int], first: int) -> int:
    """What counts of a tally, given its oldest bucket that does."""
    return sum(amount for slot, amount in tally.items() if slot >= first)


def reserve(spends: Sequence[Spend], tallies: Tallies, now: int) -> Reserved | Exceeded:
    """All or none: the charges of a call, or the first limit that has no room.

    Spends with one key are one tally seen by several limits: it is charged once, with the largest amount, and checked
    against every maximum.
    """
    amounts: dict[str, int] = {}
    for spend in spends:
        amounts[spend.key] = max(spend.amount, amounts.get(spend.key, 0))
    charges: dict[str, Charge] = {}
    for spend in spends:
        amount = amounts[spend.key]
        tally = tallies.get(spend.key, {})
        if spent(tally, first_bucket(spend.window, now)) + amount > spend.max:
            return Exceeded(spend, _retry_after(spend, amount, tally, now))
        charges[spend.key] = Charge(spend.key, bucket(spend.window, now), amount)
    return Reserved(tuple(charges.values()))


def _retry_after(spend: Spend, amount: int, tally: Mapping[int, int], now: int) -> int | None:
    """Whole seconds, rounded up, until `amount` fits if nothing else is spent; None when it never will."""
    if amount > spend.max:
        return None
    first = first_bucket(spend.window, now)
    counted = sorted(slot for slot in tally if slot >= first)
    left = sum(tally[slot] for slot in counted)
    for slot in counted:
        left -= tally[slot]
        if left + amount <= spend.max:
            return max(1, -(-(expiry(spend.window, slot) - now) // MICROSECONDS))
    return None


def amount_of(value: Any) -> int | None:
    """Millionths of a JSON number >= 0 with at most six decimals; None for anything else.

    A float is judged by its shortest decimal form, which is also how it is forwarded.
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    scaled = value * SCALE if isinstance(value, int) else Decimal(repr(value)) * SCALE
    if not 0 <= scaled <= LARGEST or scaled != int(scaled):
        return None
    return int(scaled)
