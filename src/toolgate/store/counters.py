"""Tallies: what has been spent, by counter key and bucket. The arithmetic is in `limits`; this only keeps the numbers."""

from collections.abc import Iterable, Mapping

from sqlalchemy import Connection, bindparam, delete, insert, select, update

from toolgate.store.tables import counters

MOST_AT_ONCE = 500


def load(conn: Connection, keys: Iterable[str]) -> dict[str, dict[int, int]]:
    """The tallies of `keys`, every bucket that is kept."""
    found: dict[str, dict[int, int]] = {key: {} for key in keys}
    names = list(found)
    for start in range(0, len(names), MOST_AT_ONCE):
        query = select(counters.c.key, counters.c.bucket, counters.c.amount)
        for key, bucket, amount in conn.execute(query.where(counters.c.key.in_(names[start : start + MOST_AT_ONCE]))):
            found[key][bucket] = amount
    return found


UPDATE = (
    update(counters)
    .where(counters.c.key == bindparam("k"), counters.c.bucket == bindparam("b"))
    .values(amount=bindparam("amount"))
)


def write(
    conn: Connection, amounts: Mapping[tuple[str, int], int], known: set[tuple[str, int]], stale: Mapping[tuple[str, int], int]
) -> None:
    """Set tallies: `amounts` by key and bucket; those in `known` exist already; `stale` says when a new one is old."""
    old = [{"k": key, "b": bucket, "amount": amount} for (key, bucket), amount in amounts.items() if (key, bucket) in known]
    new = [
        {"key": key, "bucket": bucket, "amount": amount, "stale": stale[key, bucket]}
        for (key, bucket), amount in amounts.items()
        if (key, bucket) not in known
    ]
    if old:
        conn.execute(UPDATE, old)
    if new:
        conn.execute(insert(counters), new)


def sweep(conn: Connection, before: int) -> int:
    """Forget the buckets that no window can include any more. Returns how many."""
    return conn.execute(delete(counters).where(counters.c.stale < before)).rowcount
