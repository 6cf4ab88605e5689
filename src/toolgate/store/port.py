"""The ports of the store, written as MUSTs. Every back end runs `tests/store/contract.py`."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from sqlalchemy import Connection

from toolgate.limits.model import Charge, Exceeded, Spend

T = TypeVar("T")


class Database(Protocol):
    """A database that runs plain functions over a SQLAlchemy connection.

    - `read` MUST run `work` in one snapshot and MUST NOT write. `write` MUST run it in one serialised transaction that is
      durable (survives power loss) when the call returns, and MUST leave nothing behind when `work` raises.
    - Neither may block the event loop. Both MUST raise `Unavailable` when the database cannot be reached, is full or is
      damaged, with one sentence that says what to do.
    - `epoch` MUST be cheap (no transaction), and MUST change whenever `bump_epoch` ran in a committed transaction, of any
      process; it MAY change at other times. Whoever caches servers, policies or grants compares it on every request.
    """

    @property
    def url(self) -> str:
        """Where the database is, without credentials."""

    async def read(self, work: Callable[[Connection], T]) -> T:
        """Run `work` in a read-only snapshot."""

    async def write(self, work: Callable[[Connection], T]) -> T:
        """Run `work` in a durable transaction."""

    def epoch(self) -> int:
        """A number that changes with every edit of servers, policies, grants or approvals. Raises Unavailable."""

    async def close(self) -> None:
        """Finish what was begun, then close. Nothing accepted may be lost."""


@dataclass(frozen=True, slots=True)
class Record:
    """One audit record as the caller knows it; the ledger adds sequence number, chain and hash.

    `kind` is `decision` (for an allowed call: the intent), `outcome`, `request` (a list or another unguarded method),
    `refusal` (could not be authenticated or parsed) or `approval` (somebody answered a request). `call_id` joins a
    decision and its outcome. `detail` is any JSON: argument shapes and digests, result size and digest, latency; never
    argument values.
    """

    org_id: str
    kind: str
    time: int
    call_id: str
    server: str | None = None
    grant_id: str | None = None
    grant_label: str | None = None
    session_id: str | None = None
    method: str | None = None
    name: str | None = None
    effect: str | None = None
    code: str | None = None
    rule: str | None = None
    policy_version: int | None = None
    detail: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Admitted:
    """The intent is durable and the counters are charged: the call may be forwarded."""

    charges: tuple[Charge, ...]


@dataclass(frozen=True, slots=True)
class ApprovalGone:
    """The approval the call relied on was used, expired or withdrawn in the meantime."""


class Ledger(Protocol):
    """Counting and recording on the call path: one transaction, group-committed.

    - `admit` MUST reserve every spend, use up `approval_id` if given, and append `intent`, in one durable transaction, all
      or none. When a limit has no room it MUST charge nothing, append `denial(exceeded)` instead and return the
      `Exceeded`; likewise when the approval is gone. Only after it returned `Admitted` may a byte go upstream.
    - `settle` MUST append the outcome, mark the call closed, and give back `refund` to the buckets charged, once even if
      called twice.
    - `note` MUST append records that need no counting. All three return only once durable, and raise `Unavailable`.
    - Concurrent callers MUST share transactions (group commit), never wait for a timer.
    """

    async def admit(
        self,
        intent: Record,
        spends: tuple[Spend, ...],
        now: int,
        denial: Callable[[Exceeded | ApprovalGone], Record],
        approval_id: str | None = None,
    ) -> Admitted | Exceeded | ApprovalGone:
        """Reserve, use the approval, record the intent."""

    async def settle(self, outcome: Record, refund: tuple[Charge, ...] = ()) -> None:
        """Record how an admitted call ended."""

    async def note(self, *records: Record) -> None:
        """Record what needs no counting."""

    async def close(self) -> None:
        """Commit what is queued, then stop accepting."""
