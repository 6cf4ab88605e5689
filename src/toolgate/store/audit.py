"""The audit log: appending to the chain, reading, verifying, exporting."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy import Connection, insert, select, update

from toolgate.store.chain import COLUMNS, GENESIS, Checkpoint, row_hash
from toolgate.store.port import Record
from toolgate.store.tables import audit, audit_heads, checkpoints

PAGE = 5000
SELECTED = tuple(audit.c[name] for name in COLUMNS)


@dataclass(frozen=True, slots=True)
class Entry:
    """A record as it stands in the log."""

    seq: int
    record: Record
    hash: bytes


@dataclass(frozen=True, slots=True)
class Fault:
    """Something wrong at `seq`."""

    seq: int
    what: str


@dataclass(frozen=True, slots=True)
class Verification:
    """What a walk over the whole chain found. `head` is the hash of the last row."""

    rows: int
    checkpoints: int
    faults: tuple[Fault, ...]
    head: bytes

    @property
    def intact(self) -> bool:
        """Nothing is wrong."""
        return not self.faults


def append(conn: Connection, records: Sequence[Record]) -> dict[str, tuple[int, bytes]]:
    """Append records, each to its organisation's chain. Returns the new head (seq, hash) of each chain touched."""
    heads: dict[str, tuple[int, bytes]] = {}
    known: set[str] = set()
    rows = []
    for record in records:
        org_id = record.org_id
        if org_id not in heads:
            found = conn.execute(select(audit_heads.c.seq, audit_heads.c.hash).where(audit_heads.c.org_id == org_id)).first()
            heads[org_id] = (0, GENESIS) if found is None else (found.seq, found.hash)
            if found is not None:
                known.add(org_id)
        seq, previous = heads[org_id]
        values = _values(record, seq + 1)
        digest = row_hash(previous, values)
        heads[org_id] = (seq + 1, digest)
        rows.append({**dict(zip(COLUMNS, values, strict=True)), "hash": digest})
    if rows:
        conn.execute(insert(audit), rows)
    for org_id, (seq, digest) in heads.items():
        if org_id in known:
            conn.execute(update(audit_heads).where(audit_heads.c.org_id == org_id).values(seq=seq, hash=digest))
        else:
            conn.execute(insert(audit_heads).values(org_id=org_id, seq=seq, hash=digest))
    return heads


def _values(record: Record, seq: int) -> list[Any]:
    detail = None if record.detail is None else json.dumps(record.detail, sort_keys=True, separators=(",", ":"))
    return [
        record.org_id, seq, record.time, record.kind, record.call_id, record.server, record.grant_id, record.grant_label,
        record.session_id, record.method, record.name, record.effect, record.code, record.rule, record.policy_version,
        detail,
    ]  # fmt: skip


def note_checkpoint(conn: Connection, checkpoint: Checkpoint) -> None:
    """Keep a checkpoint beside the log."""
    values = {name: getattr(checkpoint, name) for name in ("org_id", "seq", "time", "hash", "key_id", "signature")}
    conn.execute(insert(checkpoints).values(**values))


def entries(
    conn: Connection, org_id: str, *, after: int = 0, before: int | None = None, newest: bool = False, limit: int = 100,
    equal: Mapping[str, str] | None = None,
) -> list[Entry]:  # fmt: skip
    """Rows with `after < seq < before` and the columns of `equal` as given; the oldest first, or the newest."""
    query = select(audit).where(audit.c.org_id == org_id, audit.c.seq > after)
    if before is not None:
        query = query.where(audit.c.seq < before)
    for name, value in (equal or {}).items():
        query = query.where(audit.c[name] == value)
    order = audit.c.seq.desc() if newest else audit.c.seq
    return [_entry(row._mapping) for row in conn.execute(query.order_by(order).limit(limit))]


def _entry(row: Mapping[Any, Any]) -> Entry:
    fields = {name: row[name] for name in COLUMNS if name not in ("seq", "detail")}
    detail = None if row["detail"] is None else json.loads(row["detail"])
    return Entry(row["seq"], Record(**fields, detail=detail), row["hash"])


def verify(
    conn: Connection, org_id: str, keys: Mapping[str, Ed25519PublicKey], *, exported: Checkpoint | None = None,
    progress: Callable[[int, int], None] = lambda _done, _of: None,
) -> Verification:  # fmt: skip
    """Walk the whole chain and name every row that is not as it was written.

    Each row is checked against the hash stored before it, so that one edit faults one row (and its successor where the hash
    itself was edited). Signed checkpoints, the head row and an exported checkpoint show rewritten or cut-off ends.
    """
    head = conn.execute(select(audit_heads.c.seq, audit_heads.c.hash).where(audit_heads.c.org_id == org_id)).first()
    signed = [Checkpoint(*row) for row in conn.execute(select(checkpoints).where(checkpoints.c.org_id == org_id))]
    wanted = {one.seq: one for one in (*signed, *([exported] if exported else []))}
    faults = [fault for one in wanted.values() for fault in _signature_faults(one, keys)]
    expected, previous, rows = 1, GENESIS, 0
    for row in _pages(conn, org_id):
        faults += _row_faults(row, expected, previous)
        seq, previous = row.seq, row.hash
        point = wanted.pop(seq, None)
        if point is not None and point.hash != row.hash:
            faults.append(Fault(seq, "differs from the signed checkpoint"))
        expected, rows = seq + 1, rows + 1
        if rows % PAGE == 0:
            progress(rows, head.seq if head else rows)
    faults += [Fault(seq, "is missing, though a checkpoint was signed there") for seq in sorted(wanted)]
    if (head.seq, head.hash) != (expected - 1, previous) if head else rows:
        faults.append(Fault(expected - 1, "is not where the log says it ends: rows after it were removed or added"))
    return Verification(rows, len(signed), tuple(faults), previous)


def _pages(conn: Connection, org_id: str) -> Iterator[Any]:
    """Every row in order, a page at a time, so that a long log needs little memory."""
    after = None
    while True:
        query = select(*SELECTED, audit.c.hash).where(audit.c.org_id == org_id).order_by(audit.c.seq).limit(PAGE)
        page = conn.execute(query if after is None else query.where(audit.c.seq > after)).all()
        yield from page
        if len(page) < PAGE:
            return
        after = page[-1].seq


def _row_faults(row: Any, expected: int, previous: bytes) -> Iterator[Fault]:
    if row.seq != expected:
        missing = f"{expected} to {row.seq - 1}" if row.seq > expected + 1 else f"{expected}"
        yield Fault(row.seq, f"follows a gap: {missing} missing" if row.seq > expected else "has a number it cannot have")
    if row_hash(previous, list(row)[:-1]) != row.hash:
        yield Fault(row.seq, "was altered, or what stands before it was")


def _signature_faults(checkpoint: Checkpoint, keys: Mapping[str, Ed25519PublicKey]) -> Iterator[Fault]:
    key = keys.get(checkpoint.key_id)
    if key is None:
        yield Fault(checkpoint.seq, f"has a checkpoint by an unknown key `{checkpoint.key_id}`")
    elif not checkpoint.signed_by(key):
        yield Fault(checkpoint.seq, "has a checkpoint whose signature is not valid")


def last_checkpoint(conn: Connection, org_id: str) -> int:
    """The sequence number of the newest checkpoint; 0 without one."""
    query = select(checkpoints.c.seq).where(checkpoints.c.org_id == org_id).order_by(checkpoints.c.seq.desc())
    return int(conn.execute(query.limit(1)).scalar() or 0)


def head_of(conn: Connection, org_id: str) -> tuple[int, bytes]:
    """The sequence number and hash of the last row."""
    row = conn.execute(select(audit_heads.c.seq, audit_heads.c.hash).where(audit_heads.c.org_id == org_id)).first()
    return (0, GENESIS) if row is None else (row.seq, row.hash)


def every_head(conn: Connection) -> dict[str, tuple[int, bytes]]:
    """The end of every chain: organisation -> (sequence number, hash)."""
    rows = conn.execute(select(audit_heads.c.org_id, audit_heads.c.seq, audit_heads.c.hash))
    return {row.org_id: (row.seq, row.hash) for row in rows}
