"""The log: reading, following, verifying, exporting."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from toolgate.control.desk import Desk
from toolgate.store import audit
from toolgate.store.audit import Entry, Fault, Verification
from toolgate.store.chain import COLUMNS, GENESIS, Checkpoint, row_hash, sign

PAGE = 1000
FOLLOW_SECONDS = 0.25


async def newest(desk: Desk, limit: int = 50, equal: Mapping[str, str] | None = None) -> list[Entry]:
    """The newest records with these columns, oldest first."""
    found = await desk.db.read(lambda conn: audit.entries(conn, desk.org_id, newest=True, limit=limit, equal=equal))
    return found[::-1]


async def follow(desk: Desk, after: int, equal: Mapping[str, str] | None = None) -> AsyncIterator[Entry]:
    """Records as they are written, for ever."""
    while True:
        seen = after
        page = await desk.db.read(
            lambda conn, seen=seen: audit.entries(conn, desk.org_id, after=seen, limit=PAGE, equal=equal)  # type: ignore[misc]
        )
        for entry in page:
            yield entry
            after = entry.seq
        if len(page) < PAGE:
            await asyncio.sleep(FOLLOW_SECONDS)


async def verify(
    desk: Desk, exported: Checkpoint | None = None, progress: Callable[[int, int], None] = lambda _done, _of: None
) -> Verification:
    """Walk the whole chain."""
    keys = desk.keys.verifying
    return await desk.db.read(lambda conn: audit.verify(conn, desk.org_id, keys, exported=exported, progress=progress))


def as_json(entry: Entry) -> dict[str, Any]:
    """A record as an export has it."""
    return {"seq": entry.seq, **asdict(entry.record), "hash": entry.hash.hex()}


async def export(desk: Desk) -> AsyncIterator[str]:
    """The whole log as JSON lines, closed by a signed checkpoint."""
    after = 0
    while True:
        seen = after
        page = await desk.db.read(
            lambda conn, seen=seen: audit.entries(conn, desk.org_id, after=seen, limit=PAGE)  # type: ignore[misc]
        )
        for entry in page:
            yield to_line(entry)
            after, last = entry.seq, entry.hash
        if len(page) < PAGE:
            break
    if after:
        yield sign(desk.keys.signing, desk.keys.key_id, desk.org_id, after, desk.clock(), last).to_json()


@dataclass(frozen=True, slots=True)
class ExportVerification:
    """What a walk over an exported log found."""

    rows: int
    faults: tuple[Fault, ...]


def verify_export(lines: Iterable[str], keys: Mapping[str, Ed25519PublicKey]) -> ExportVerification:
    """The same for an export, without any database. Raises ValueError for a line that is no record."""
    previous, rows, faults, closed = GENESIS, 0, [], False
    for line in lines:
        fields = json.loads(line)
        if "checkpoint" in fields:
            point = Checkpoint.from_json(line)
            key = keys.get(point.key_id)
            closed = key is not None and point.signed_by(key) and (point.seq, point.hash) == (rows, previous)
            continue
        detail = fields.get("detail")
        text = None if detail is None else json.dumps(detail, sort_keys=True, separators=(",", ":"))
        rows += 1
        values = [fields.get(name) for name in COLUMNS[:-1]] + [text]
        if fields.get("seq") != rows or row_hash(previous, values).hex() != fields.get("hash"):
            faults.append(Fault(fields.get("seq", rows), "was altered, or what stands before it was"))
            rows = fields.get("seq", rows)
        previous = bytes.fromhex(fields.get("hash", ""))
    if not closed:
        faults.append(Fault(rows, "is not closed by a checkpoint that this key signed"))
    return ExportVerification(rows, tuple(faults))


def to_line(entry: Entry) -> str:
    """A record as one line of JSON."""
    return json.dumps(as_json(entry), ensure_ascii=False)
