"""What every back end of the store must do. A back end's test file imports `*` and gives a `make` fixture.

`make(directory)` opens the database kept in a directory; opening it twice must give two views of one database.
"""

import asyncio
import random
import time

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from toolgate import secrets
from toolgate.errors import Conflict, Unavailable
from toolgate.limits.model import SCALE, Exceeded, Spend, Window
from toolgate.store import approvals, audit, counters, grants, policies, servers, snapshot, state
from toolgate.store.approvals import Asked, Vote
from toolgate.store.chain import Checkpoint, sign
from toolgate.store.ledger import GroupLedger, close_unknown
from toolgate.store.port import Admitted, ApprovalGone, Record
from toolgate.store.tables import open_calls

__all__ = [
    "db",
    "ledger",
    "org",
    "test_a_batch_that_fails_refuses_all_and_leaves_nothing",
    "test_a_reader_sees_a_snapshot_while_a_writer_writes",
    "test_a_refund_is_given_once_to_its_bucket",
    "test_an_approval_is_used_once",
    "test_approvals_need_their_people",
    "test_callers_share_transactions",
    "test_calls_of_dead_processes_close_as_unknown",
    "test_exactly_the_maximum_is_granted",
    "test_policies_have_versions",
    "test_snapshots_hold_what_is_live",
    "test_the_chain_finds_every_tampering",
    "test_the_epoch_moves_with_every_edit_and_is_seen_elsewhere",
    "test_what_was_accepted_survives_closing",
]  # fmt: skip

KEY = Ed25519PrivateKey.generate()
KEYS = {"k": KEY.public_key()}
HOUR = 1_790_000_000_000_000


def now():
    return time.time_ns() // 1000


def record(org, call_id="c", kind="decision", **fields):
    return Record(org, kind, now(), call_id, **{"server": "s", "grant_id": "g", "name": "t", "effect": "allow", **fields})


def denial(org):
    return lambda why: record(org, "denied", effect="deny", code="limit_exceeded")


def spend(key, most, amount=1.0, window=None):
    return Spend(key, window or Window(calendar="month"), int(most * SCALE), round(amount * SCALE), "/r", "")


@pytest.fixture
async def db(make, tmp_path):
    opened = await make(tmp_path)
    yield opened
    await opened.close()


@pytest.fixture
async def org(db):
    return await db.write(lambda conn: state.ensure_organisation(conn, secrets.new_id, now()))


@pytest.fixture
async def ledger(db):
    opened = GroupLedger(db, "me", ("k", KEY), now)
    yield opened
    await opened.close()


async def test_exactly_the_maximum_is_granted(db, org, ledger):
    """16 tasks, 5,000 attempts, three overlapping limits: a counter shared by two tools, a sum with decimals, a sliding window."""
    rng = random.Random(1)
    granted = {"a": 0, "b": 0}
    sums = {"total": 0}

    async def attempt(number):
        tool = rng.choice("ab")
        amount = rng.choice([0.1, 0.25, 0.000001, 1.5])
        spends = [spend("shared", 700)]
        spends += [spend("sum", 150.5, amount)] if tool == "a" else [spend("slide", 400, 1, Window(seconds=7200))]
        answer = await ledger.admit(record(org, f"c{number}", name=tool), tuple(spends), now(), denial(org))
        if isinstance(answer, Admitted):
            granted[tool] += 1
            sums["total"] += round(amount * SCALE) if tool == "a" else 0
            await ledger.settle(record(org, f"c{number}", "outcome", effect="ok"))

    numbers = iter(range(5_000))

    async def worker():
        for number in numbers:
            await attempt(number)

    await asyncio.gather(*(worker() for _ in range(16)))
    tallies = await db.read(lambda conn: counters.load(conn, ["shared", "sum", "slide"]))
    spent = {key: sum(tally.values()) for key, tally in tallies.items()}
    assert spent["shared"] == (granted["a"] + granted["b"]) * SCALE == 700 * SCALE
    assert spent["sum"] == sums["total"] <= 150.5 * SCALE
    assert spent["slide"] == granted["b"] * SCALE <= 400 * SCALE
    found = await db.read(lambda conn: audit.verify(conn, org, KEYS))
    assert found.intact
    assert found.rows == 5_000 + 700


async def test_callers_share_transactions(db, org, ledger):
    commits = 0
    write = db.write

    async def counting(work):
        nonlocal commits
        commits += 1
        return await write(work)

    ledger._db = type("Counting", (), {"write": staticmethod(counting)})()
    await asyncio.gather(*(ledger.admit(record(org, f"c{n}"), (), now(), denial(org)) for n in range(200)))
    assert commits <= 4
    ledger._db = db


async def test_a_refund_is_given_once_to_its_bucket(db, org, ledger):
    window = Window(calendar="minute")
    answer = await ledger.admit(record(org, "c1"), (spend("k", 1, 1, window),), HOUR, denial(org))
    assert isinstance(await ledger.admit(record(org, "c2"), (spend("k", 1, 1, window),), HOUR, denial(org)), Exceeded)
    await ledger.settle(record(org, "c1", "outcome", effect="unavailable"), answer.charges)
    await ledger.settle(record(org, "c1", "outcome", effect="unavailable"), answer.charges)
    tallies = await db.read(lambda conn: counters.load(conn, ["k"]))
    assert sum(tallies["k"].values()) == 0
    later = HOUR + 60_000_000
    assert isinstance(await ledger.admit(record(org, "c3"), (spend("k", 1, 1, window),), later, denial(org)), Admitted)
    await ledger.settle(record(org, "c1", "outcome", effect="unavailable"), answer.charges)
    tallies = await db.read(lambda conn: counters.load(conn, ["k"]))
    assert sorted(tallies["k"].values()) == [0, SCALE]
    outcomes = await db.read(lambda conn: audit.entries(conn, org, equal={"kind": "outcome"}))
    assert len(outcomes) == 1


async def test_a_batch_that_fails_refuses_all_and_leaves_nothing(db, org, ledger):
    def broken(why):
        raise ZeroDivisionError

    with pytest.raises(Unavailable):
        await ledger.admit(record(org, "c1"), (spend("k", 0),), now(), broken)
    assert (await db.read(lambda conn: audit.head_of(conn, org)))[0] == 0
    assert isinstance(await ledger.admit(record(org, "c2"), (spend("k", 1),), now(), denial(org)), Admitted)
    await ledger.close()
    with pytest.raises(Unavailable):
        await ledger.note(record(org))


async def setting(db, org):
    """A server and a grant to hang things on."""

    def work(conn):
        servers.add(conn, servers.Server("srv", org, "up", "http", "http://x", now()))
        first = policies.Version(1, '{"version": "1", "default": "deny"}', "me", "", now())
        policies.create(conn, policies.Policy("pol", org, "srv", "up", "p", 1, ""), first)
        grant = grants.Grant("g", org, "srv", "up", "pol", "p", "agent", ("a",), now(), None, None, None)
        grants.add(conn, grant, b"hash")

    await db.write(work)


def asked(org, **changes):
    values = {
        "id": "apr", "org_id": org, "server_id": "srv", "grant_id": "g", "kind": "tool", "name": "t", "binding": b"b",
        "rule": "/r", "reason": "", "arguments": b"sealed", "approvers": 1, "ttl": 900,
    }  # fmt: skip
    return Asked(**values | changes)


async def test_an_approval_is_used_once(db, org, ledger):
    await setting(db, org)
    await db.write(lambda conn: approvals.ask(conn, asked(org), HOUR))
    early = await ledger.admit(record(org, "c0"), (spend("k", 9),), HOUR, denial(org), "apr")
    assert isinstance(early, ApprovalGone)
    approved = await db.write(lambda conn: approvals.vote(conn, "apr", Vote("ana", True, "", HOUR)))
    assert (approved.state, approved.arguments) == ("approved", None)
    answers = await asyncio.gather(
        *(ledger.admit(record(org, f"c{n}"), (spend("k", 9),), HOUR, denial(org), "apr") for n in range(1, 4))
    )
    assert sorted(type(answer).__name__ for answer in answers) == ["Admitted", "ApprovalGone", "ApprovalGone"]
    tallies = await db.read(lambda conn: counters.load(conn, ["k"]))
    assert sum(tallies["k"].values()) == SCALE
    again = await db.write(lambda conn: approvals.ask(conn, asked(org, id="apr2"), HOUR))
    assert (again.id, again.state) == ("apr2", "pending")


async def test_approvals_need_their_people(db, org):
    await setting(db, org)
    await db.write(lambda conn: approvals.ask(conn, asked(org, approvers=2), HOUR))
    one = await db.write(lambda conn: approvals.vote(conn, "apr", Vote("ana", True, "", HOUR)))
    assert one.state == "pending"
    with pytest.raises(Conflict):
        await db.write(lambda conn: approvals.vote(conn, "apr", Vote("ana", True, "", HOUR)))
    two = await db.write(lambda conn: approvals.vote(conn, "apr", Vote("ben", True, "", HOUR)))
    assert (two.state, two.approved_by) == ("approved", ("ana", "ben"))
    late = HOUR + 901_000_000
    assert (await db.read(lambda conn: approvals.get(conn, "apr", late))).state == "expired"
    assert not await db.write(lambda conn: approvals.use(conn, "apr", late))
    with pytest.raises(Conflict):
        await db.write(lambda conn: approvals.vote(conn, "apr", Vote("cy", False, "", late)))
    await db.write(lambda conn: approvals.ask(conn, asked(org, id="old", binding=b"x"), HOUR))
    assert await db.write(lambda conn: approvals.forget_arguments(conn, late)) == 1


async def test_policies_have_versions(db, org):
    await setting(db, org)
    assert await db.write(lambda conn: policies.save(conn, "pol", "{}", "ben", "two", now())) == 2
    found = await db.read(lambda conn: policies.versions(conn, "pol"))
    assert [(version.version, version.author) for version in found] == [(2, "ben"), (1, "me")]
    policy = await db.read(lambda conn: policies.named(conn, org, "p"))
    assert (policy.version, policy.document) == (2, "{}")
    with pytest.raises(Conflict):
        await db.write(lambda conn: policies.remove(conn, policy))
    await db.write(lambda conn: grants.revoke(conn, "g", now()))
    await db.write(lambda conn: policies.remove(conn, policy))
    assert await db.read(lambda conn: policies.every(conn, org)) == []


async def test_snapshots_hold_what_is_live(db, org):
    await setting(db, org)
    await db.write(lambda conn: grants.rotate(conn, "g", b"new", HOUR + 10))
    taken = await db.read(snapshot.load)
    assert taken.by_hash(b"new", HOUR).label == "agent"
    assert taken.by_hash(b"hash", HOUR + 9).policy_id == "pol"
    assert taken.by_hash(b"hash", HOUR + 10) is None
    assert taken.by_hash(b"other", HOUR) is None
    await db.write(lambda conn: grants.change(conn, "g", None, (), HOUR))
    taken = await db.read(snapshot.load)
    assert taken.by_hash(b"new", HOUR) is None
    assert taken.by_label("agent", HOUR - 1).policy_id is None
    await db.write(lambda conn: grants.revoke(conn, "g", HOUR))
    assert (await db.read(snapshot.load)).by_label("agent", HOUR - 1) is None


async def test_the_epoch_moves_with_every_edit_and_is_seen_elsewhere(db, org, make, tmp_path):
    other = await make(tmp_path)
    try:
        seen = other.epoch()
        await setting(db, org)
        assert other.epoch() != seen
        seen = other.epoch()
        assert db.epoch() == seen
        await db.write(lambda conn: grants.revoke(conn, "g", now()))
        assert other.epoch() != seen
        assert other.epoch() == db.epoch()
    finally:
        await other.close()


async def test_a_reader_sees_a_snapshot_while_a_writer_writes(db, org, ledger):
    def slow(conn):
        first = audit.head_of(conn, org)
        time.sleep(1.5)
        return first == audit.head_of(conn, org)

    reading = asyncio.ensure_future(db.read(slow))
    await asyncio.sleep(0.05)
    before = time.monotonic()
    await ledger.note(record(org))
    assert time.monotonic() - before < 1.2
    assert await reading


async def test_what_was_accepted_survives_closing(db, org, make, tmp_path):
    ledger = GroupLedger(db, "me", ("k", KEY), now)
    work = [asyncio.ensure_future(ledger.note(record(org, f"c{n}"))) for n in range(50)]
    await asyncio.sleep(0)
    await ledger.close()
    await asyncio.gather(*work)
    other = await make(tmp_path)
    found = await other.read(lambda conn: audit.verify(conn, org, KEYS))
    assert (found.rows, found.checkpoints, found.intact) == (50, 1, True)
    await other.close()


async def test_calls_of_dead_processes_close_as_unknown(db, org, ledger):
    await ledger.admit(record(org, "mine"), (spend("k", 9),), now(), denial(org))
    dead = GroupLedger(db, "dead", ("k", KEY), now)
    await dead.admit(record(org, "lost"), (spend("k", 9),), now(), denial(org))
    assert await db.write(lambda conn: close_unknown(conn, lambda name: name == "dead", now())) == 1
    closed = (await db.read(lambda conn: audit.entries(conn, org, equal={"kind": "outcome"})))[0].record
    assert (closed.call_id, closed.effect) == ("lost", "unknown")
    left = await db.read(lambda conn: conn.execute(open_calls.select()).all())
    assert [row.call_id for row in left] == ["mine"]
    tallies = await db.read(lambda conn: counters.load(conn, ["k"]))
    assert sum(tallies["k"].values()) == 2 * SCALE


CHANGES = [
    "UPDATE audit SET {column} = {value} WHERE seq = {seq}",
    "DELETE FROM audit WHERE seq = {seq}",
    "UPDATE audit SET seq = -{seq} WHERE seq = {seq}; UPDATE audit SET seq = {seq} WHERE seq = {other}; UPDATE audit SET seq = {other} WHERE seq = -{seq}",
    "UPDATE audit SET seq = {seq} + 1000000 WHERE seq = {seq}",
    "UPDATE audit SET hash = zeroblob(32) WHERE seq = {seq}",
    "INSERT INTO audit SELECT org_id, 1000 + {seq}, time, kind, call_id, server, grant_id, grant_label, session_id, method, name, effect, code, rule, policy_version, detail, hash FROM audit WHERE seq = {seq}",
]  # fmt: skip
COLUMNS = {
    "time": "time + 1", "kind": "'outcome'", "call_id": "'other'", "server": "'elsewhere'", "grant_id": "NULL",
    "grant_label": "'somebody'", "session_id": "'s'", "method": "'ping'", "name": "'harmless'", "effect": "'deny'",
    "code": "'hidden'", "rule": "'/tools/x'", "policy_version": "99", "detail": "'{{}}'",
}  # fmt: skip


async def test_the_chain_finds_every_tampering(db, org, ledger, tamper):
    """500 random edits, deletions, reorderings, insertions: each is found, and the row (or its neighbour) is named."""
    for start in range(0, 120, 20):
        await ledger.note(*(record(org, f"c{n}", detail={"n": n}) for n in range(start, start + 20)))
    exported = sign(KEY, "k", org, 120, now(), (await db.read(lambda conn: audit.head_of(conn, org)))[1])
    rng = random.Random(5)
    for _ in range(500):
        seq, other = rng.sample(range(1, 121), 2)
        column = rng.choice(list(COLUMNS))
        change = rng.choice(CHANGES).format(seq=seq, other=other, column=column, value=COLUMNS[column].format())
        found = await tamper(change, lambda conn: audit.verify(conn, org, KEYS))
        assert not found.intact, change
        named = {fault.seq for fault in found.faults}
        near = {seq, seq - 1, seq + 1, other, 1000 + seq, 1_000_000 + seq}
        assert named & near, (change, found.faults)
    assert (await db.read(lambda conn: audit.verify(conn, org, KEYS, exported=exported))).intact
    forged = Checkpoint(org, 120, exported.time, bytes(32), "k", exported.signature)
    assert not (await db.read(lambda conn: audit.verify(conn, org, KEYS, exported=forged))).intact
    cut = "DELETE FROM audit WHERE seq > 100; UPDATE audit_heads SET seq = 100, hash = (SELECT hash FROM audit WHERE seq = 100)"
    found = await tamper(cut, lambda conn: audit.verify(conn, org, KEYS, exported=exported))
    assert [fault.seq for fault in found.faults] == [120]
