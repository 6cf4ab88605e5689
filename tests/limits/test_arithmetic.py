"""Windows, tallies and amounts: never past a maximum, exact about when to try again."""

import random
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from toolgate.limits.arithmetic import amount_of, bucket, expiry, first_bucket, reserve
from toolgate.limits.model import LARGEST, SCALE, Exceeded, Reserved, Spend, Window

SECOND = 1_000_000


def at(text):
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * SECOND)


def spend(window, most, amount=1, key="k"):
    return Spend(key, window, most * SCALE, int(amount * SCALE), "/rule", "")


def charge(tallies, charges):
    for one in charges:
        tally = tallies.setdefault(one.key, {})
        tally[one.bucket] = tally.get(one.bucket, 0) + one.amount


CALENDAR = [
    ("minute", "2026-05-05T10:20:59.999", "2026-05-05T10:21:00"), ("hour", "2026-05-05T10:59:59", "2026-05-05T11:00:00"),
    ("day", "2026-12-31T23:59:59", "2027-01-01T00:00:00"), ("month", "2028-02-29T23:59:59", "2028-03-01T00:00:00"),
    ("month", "2026-12-31T23:59:59", "2027-01-01T00:00:00"), ("month", "2100-02-28T23:59:59", "2100-03-01T00:00:00"),
]  # fmt: skip


@pytest.mark.parametrize(("window", "before", "after"), CALENDAR)
def test_calendar_windows_reset_at_their_boundary(window, before, after):
    window = Window(calendar=window)
    tallies = {}
    charge(tallies, reserve([spend(window, 1)], tallies, at(before)).charges)
    full = reserve([spend(window, 1)], tallies, at(after) - 1)
    assert isinstance(full, Exceeded)
    assert full.retry_after == 1
    assert isinstance(reserve([spend(window, 1)], tallies, at(after)), Reserved)
    assert expiry(window, bucket(window, at(before))) == at(after)


@given(
    seconds=st.sampled_from([1, 7, 60, 90, 3600]), most=st.integers(1, 6), seed=st.integers(0, 10_000)
)  # fmt: skip
@settings(max_examples=150, deadline=None)
def test_a_sliding_window_never_holds_more_than_its_maximum(seconds, most, seed):
    rng = random.Random(seed)
    window, now, tallies, granted = Window(seconds=seconds), 1_700_000_000 * SECOND, {}, []
    length = seconds * SECOND
    for _ in range(200):
        now += rng.choice([0, 1, length // 200, length // 60, length // 3, length, rng.randrange(2 * length)])
        answer = reserve([spend(window, most)], tallies, now)
        recent = sum(1 for then in granted if now - then < length)
        early = sum(1 for then in granted if now - then < length + length // 60 + 1)
        if isinstance(answer, Reserved):
            assert recent < most
            granted.append(now)
            charge(tallies, answer.charges)
        else:
            assert early >= most, "denied more than 1/60 of the window early"
            later = now + answer.retry_after * SECOND
            assert isinstance(reserve([spend(window, most)], tallies, later), Reserved)
            if answer.retry_after > 1:
                assert isinstance(reserve([spend(window, most)], tallies, later - SECOND), Exceeded)


def test_a_clock_that_goes_back_frees_nothing():
    window = Window(seconds=60)
    tallies = {}
    charge(tallies, reserve([spend(window, 1)], tallies, at("2026-05-05T10:00:00")).charges)
    assert isinstance(reserve([spend(window, 1)], tallies, at("2026-05-05T09:00:00")), Exceeded)


def test_all_or_none():
    minute, day = Window(calendar="minute"), Window(calendar="day")
    spends = [spend(minute, 5, key="a"), spend(day, 0, key="b")]
    answer = reserve(spends, {}, at("2026-05-05T10:00:00"))
    assert isinstance(answer, Exceeded)
    assert answer.spend.key == "b"


def test_one_tally_seen_by_two_limits_is_charged_once():
    window = Window(calendar="day")
    spends = [spend(window, 10, 3), spend(window, 5, 4)]
    answer = reserve(spends, {}, 0)
    assert [(one.key, one.amount) for one in answer.charges] == [("k", 4 * SCALE)]
    assert isinstance(reserve(spends, {"k": {0: 2 * SCALE}}, 0), Exceeded)


def test_what_can_never_fit_says_so():
    assert reserve([spend(Window(calendar="day"), 5, 6)], {}, 0).retry_after is None


def test_old_buckets_do_not_count():
    window = Window(seconds=60)
    now = at("2026-05-05T10:00:00")
    first = first_bucket(window, now)
    assert isinstance(reserve([spend(window, 1)], {"k": {first - 1: 5 * SCALE}}, now), Reserved)
    assert isinstance(reserve([spend(window, 1)], {"k": {first: 5 * SCALE}}, now), Exceeded)


AMOUNTS = [
    (0, 0), (1, SCALE), (0.1, 100_000), (0.000001, 1), (0.3, 300_000), (19.9, 19_900_000), (1e3, 1000 * SCALE), (-0.0, 0),
    (LARGEST // SCALE, LARGEST), (-1, None), (-0.000001, None), (0.0000001, None), (0.1 + 0.2, None), (True, None), (False, None),
    ("1", None), (None, None), ([], None), ({}, None), (float("nan"), None), (float("inf"), None), (1e300, None), (LARGEST, None),
]  # fmt: skip


@pytest.mark.parametrize(("value", "millionths"), AMOUNTS, ids=repr)
def test_amounts(value, millionths):
    assert amount_of(value) == millionths


@given(st.decimals(0, 1_000_000, places=6))
def test_sums_are_exact(value):
    assert amount_of(float(value)) == int(Decimal(repr(float(value))) * SCALE)
