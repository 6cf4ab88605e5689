"""The call path's own part of the store: counters, intents and outcomes, group-committed.

Callers queue work; one flusher takes everything queued, runs it in a single durable transaction, wakes them, and looks again.
There is no timer: under load transactions grow, at rest a call waits for nobody.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Connection, bindparam, delete, insert

from toolgate.errors import Unavailable
from toolgate.limits.arithmetic import expiry, reserve
from toolgate.limits.model import Charge, Exceeded, Spend
from toolgate.store import approvals, audit, counters, grants
from toolgate.store.chain import sign
from toolgate.store.port import Admitted, ApprovalGone, Database, Record
from toolgate.store.tables import open_calls

CHECKPOINT_EVERY = 1000
SWEEP_EVERY = 1000
TOUCH_MICROS = 60_000_000
MOST_AT_ONCE = 256


@dataclass(slots=True, eq=False)
class _Admission:
    intent: Record
    spends: tuple[Spend, ...]
    now: int
    denial: Callable[[Exceeded | ApprovalGone], Record]
    approval_id: str | None
    done: asyncio.Future[Admitted | Exceeded | ApprovalGone]


@dataclass(slots=True, eq=False)
class _Settlement:
    outcome: Record
    refund: tuple[Charge, ...]
    done: asyncio.Future[None]


@dataclass(slots=True, eq=False)
class _Note:
    records: tuple[Record, ...]
    done: asyncio.Future[None]


@dataclass(slots=True)
class _Batch:
    """One transaction's working state: tallies as they stand after each admission, rows to append."""

    tallies: dict[str, dict[int, int]]
    known: set[tuple[str, int]]
    changed: dict[tuple[str, int], int] = field(default_factory=dict)
    stale: dict[tuple[str, int], int] = field(default_factory=dict)
    records: list[Record] = field(default_factory=list)
    opened: list[dict[str, Any]] = field(default_factory=list)
    results: list[tuple[asyncio.Future[Any], Any]] = field(default_factory=list)

    def add(self, charge: Charge, amount: int) -> None:
        """Add `amount` (negative to refund) to a bucket."""
        tally = self.tallies.setdefault(charge.key, {})
        tally[charge.bucket] = max(0, tally.get(charge.bucket, 0) + amount)
        self.changed[charge.key, charge.bucket] = tally[charge.bucket]


class GroupLedger:
    """The `Ledger` over any `Database`. `instance` names this process in the list of open calls."""

    def __init__(self, db: Database, instance: str, signer: tuple[str, Ed25519PrivateKey], clock: Callable[[], int]) -> None:
        self._db = db
        self._instance = instance
        self._key_id, self._key = signer
        self._clock = clock
        self._queue: list[_Admission | _Settlement | _Note] = []
        self._flusher: asyncio.Task[None] | None = None
        self._closed = False
        self._since_checkpoint = 0
        self._since_sweep = 0
        self._touched: dict[str, int] = {}

    async def admit(
        self, intent: Record, spends: tuple[Spend, ...], now: int,
        denial: Callable[[Exceeded | ApprovalGone], Record], approval_id: str | None = None,
    ) -> Admitted | Exceeded | ApprovalGone:  # fmt: skip
        """Reserve, use the approval, record the intent."""
        done: asyncio.Future[Admitted | Exceeded | ApprovalGone] = asyncio.get_running_loop().create_future()
        self._enqueue(_Admission(intent, spends, now, denial, approval_id, done))
        return await done

    async def settle(self, outcome: Record, refund: tuple[Charge, ...] = ()) -> None:
        """Record how an admitted call ended."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._enqueue(_Settlement(outcome, refund, done))
        await done

    async def note(self, *records: Record) -> None:
        """Record what needs no counting."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._enqueue(_Note(records, done))
        await done

    def _enqueue(self, work: _Admission | _Settlement | _Note) -> None:
        if self._closed:
            raise Unavailable("the gateway is shutting down; try again in a moment")
        self._queue.append(work)
        if self._flusher is None:
            self._flusher = asyncio.get_running_loop().create_task(self._flush())

    async def _flush(self) -> None:
        try:
            while self._queue:
                batch, self._queue = self._queue[:MOST_AT_ONCE], self._queue[MOST_AT_ONCE:]
                await self._flush_batch(batch)
        finally:
            self._flusher = None

    async def _flush_batch(self, batch: list[_Admission | _Settlement | _Note]) -> None:
        reason = "the call could not be recorded"
        try:
            for done, result in await self._db.write(lambda conn: self._commit(conn, batch)):
                if not done.done():
                    done.set_result(result)
        except Unavailable as error:
            reason = str(error)
        finally:
            # whatever went wrong, nobody waits for an answer that cannot come
            for work in batch:
                if not work.done.done():
                    work.done.set_exception(Unavailable(reason))

    def _commit(self, conn: Connection, batch: list[_Admission | _Settlement | _Note]) -> list[tuple[asyncio.Future[Any], Any]]:
        """The transaction. Runs in the database's thread; touches no state of the ledger that the loop touches too."""
        state = self._prepare(conn, batch)
        for work in batch:
            if isinstance(work, _Admission):
                self._admit(conn, state, work)
            elif isinstance(work, _Settlement):
                self._settle(conn, state, work)
            else:
                state.records.extend(work.records)
                state.results.append((work.done, None))
        counters.write(conn, state.changed, state.known, state.stale)
        if state.opened:
            conn.execute(insert(open_calls), state.opened)
        self._touch(conn, state)
        self._checkpoint(conn, audit.append(conn, state.records), len(state.records))
        return state.results

    def _prepare(self, conn: Connection, batch: list[_Admission | _Settlement | _Note]) -> _Batch:
        keys = {spend.key for work in batch if isinstance(work, _Admission) for spend in work.spends}
        keys |= {charge.key for work in batch if isinstance(work, _Settlement) for charge in work.refund}
        tallies = counters.load(conn, keys) if keys else {}
        return _Batch(tallies, {(key, bucket) for key, tally in tallies.items() for bucket in tally})

    def _admit(self, conn: Connection, state: _Batch, work: _Admission) -> None:
        result: Admitted | Exceeded | ApprovalGone
        reserved = reserve(work.spends, state.tallies, work.now)
        if isinstance(reserved, Exceeded):
            result = reserved
        elif work.approval_id is not None and not approvals.use(conn, work.approval_id, work.now):
            result = ApprovalGone()
        else:
            windows = {spend.key: spend.window for spend in work.spends}
            for charge in reserved.charges:
                state.add(charge, charge.amount)
                state.stale[charge.key, charge.bucket] = expiry(windows[charge.key], charge.bucket)
            intent = work.intent
            state.opened.append(
                {"org_id": intent.org_id, "call_id": intent.call_id, "instance": self._instance, "time": intent.time}
            )
            result = Admitted(reserved.charges)
        state.records.append(work.intent if isinstance(result, Admitted) else work.denial(result))
        state.results.append((work.done, result))

    def _settle(self, conn: Connection, state: _Batch, work: _Settlement) -> None:
        here = (open_calls.c.org_id == work.outcome.org_id) & (open_calls.c.call_id == work.outcome.call_id)
        in_batch = [row for row in state.opened if row["call_id"] == work.outcome.call_id]
        for row in in_batch:
            state.opened.remove(row)
        still_open = bool(in_batch) or conn.execute(delete(open_calls).where(here)).rowcount == 1
        if still_open:
            state.records.append(work.outcome)
            for charge in work.refund:
                # a bucket that was swept away in the meantime has nothing to give back
                if (charge.key, charge.bucket) in state.known or (charge.key, charge.bucket) in state.changed:
                    state.add(charge, -charge.amount)
        state.results.append((work.done, None))

    def _touch(self, conn: Connection, state: _Batch) -> None:
        used = {
            record.grant_id: record.time
            for record in state.records
            if record.grant_id is not None and record.time - self._touched.get(record.grant_id, 0) >= TOUCH_MICROS
        }
        if used:
            grants.touch(conn, used)
            self._touched.update(used)

    def _checkpoint(self, conn: Connection, heads: dict[str, tuple[int, bytes]], added: int) -> None:
        self._since_checkpoint += added
        self._since_sweep += 1
        if self._since_sweep >= SWEEP_EVERY:
            self._since_sweep = 0
            counters.sweep(conn, self._clock() - TOUCH_MICROS)
        if self._since_checkpoint >= CHECKPOINT_EVERY:
            self._since_checkpoint = 0
            sign_heads(conn, heads, (self._key_id, self._key), self._clock())

    async def close(self) -> None:
        """Commit what is queued, sign the end, then stop accepting."""
        self._closed = True
        while self._flusher is not None:
            await asyncio.wait({self._flusher})
        now = self._clock()
        if self._since_checkpoint:
            await self._db.write(lambda conn: sign_all(conn, (self._key_id, self._key), now))


def sign_heads(conn: Connection, heads: dict[str, tuple[int, bytes]], signer: tuple[str, Ed25519PrivateKey], now: int) -> None:
    """A checkpoint at each head that has none yet."""
    for org_id, (seq, digest) in heads.items():
        if seq > audit.last_checkpoint(conn, org_id):
            audit.note_checkpoint(conn, sign(signer[1], signer[0], org_id, seq, now, digest))


def sign_all(conn: Connection, signer: tuple[str, Ed25519PrivateKey], now: int) -> None:
    """A checkpoint at the end of every chain."""
    sign_heads(conn, audit.every_head(conn), signer, now)


def close_unknown(conn: Connection, dead: Callable[[str], bool], now: int) -> int:
    """Close the calls of processes that ended without recording an outcome: `unknown`, nothing refunded. Returns how many."""
    rows = conn.execute(open_calls.select()).all()
    lost = [row for row in rows if dead(row.instance)]
    records = [
        Record(row.org_id, "outcome", now, row.call_id, effect="unknown", detail={"reason": "the gateway stopped"})
        for row in lost
    ]
    audit.append(conn, records)
    if lost:
        gone = delete(open_calls).where(open_calls.c.org_id == bindparam("o"), open_calls.c.call_id == bindparam("c"))
        conn.execute(gone, [{"o": row.org_id, "c": row.call_id} for row in lost])
    return len(lost)
