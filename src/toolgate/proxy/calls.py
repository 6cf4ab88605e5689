"""One guarded call, one way: decide, approve, count with the intent, forward, record the outcome, reply.

Guarded are tool calls, resource reads, prompt fetches and completions: everything a policy rule can name.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace

from toolgate.errors import Unavailable
from toolgate.limits.model import Charge, Exceeded
from toolgate.mcp.eras import Era
from toolgate.mcp.messages import Reply, Request
from toolgate.policy.decide import decide, settle
from toolgate.policy.decision import Call, Code, Decision, Effect, Facts
from toolgate.proxy import record, reply
from toolgate.proxy.approve import Approvals, Approved
from toolgate.proxy.background import Background
from toolgate.proxy.definitions import Definitions
from toolgate.proxy.metrics import Metrics
from toolgate.proxy.model import Exchange, Principal
from toolgate.proxy.sessions import Session
from toolgate.store.port import Admitted, ApprovalGone, Ledger, Record


@dataclass(frozen=True, slots=True)
class Turn:
    """One request being handled: who asks, what, in which session. `now` is when it arrived, in microseconds."""

    exchange: Exchange
    principal: Principal
    era: Era
    session: Session
    request: Request
    call_id: str
    now: int


@dataclass(frozen=True, slots=True)
class Calls:
    """The steps of a guarded call, over their ports."""

    ledger: Ledger
    approvals: Approvals
    definitions: Definitions
    background: Background
    metrics: Metrics
    digest_key: bytes
    clock: Callable[[], int]

    async def run(self, turn: Turn, call: Call) -> Reply:
        """Decide `call` and carry it out if policy allows. Raises Unavailable when it cannot be recorded."""
        verdict = await self._decide(turn, call, turn.principal, turn.now)
        approval: str | None = None
        if verdict.effect is Effect.HOLD:
            held = await self._approve(turn, call, verdict)
            verdict, approval = held.decision, held.approval_id
        if verdict.effect is Effect.DENY:
            await self.ledger.note(self._record(turn, call, verdict, approval))
            return self._denied(turn, call, verdict)
        return await self._carry_out(turn, call, verdict, approval)

    async def _decide(self, turn: Turn, call: Call, principal: Principal, now: int) -> Decision:
        policy = principal.policy
        known = None
        if call.kind == "tool" and policy is not None and policy.needs_definition:
            known = await self.definitions.require(principal, turn.session.upstream, call.name, now)
        facts = Facts(
            now, principal.org_id, principal.server_id, principal.grant_id, principal.label, principal.tags,
            turn.session.id, known.risk_class if known else "Unclassified", known.risk_level if known else None,
        )  # fmt: skip
        return decide(policy, call, facts)

    async def _approve(self, turn: Turn, call: Call, verdict: Decision) -> Approved:
        """Hold the call; once people approved it, decide again: what is denied now stays denied."""
        definition = self.definitions.digest(turn.principal.server_id, call.name) if call.kind == "tool" else b""
        held = await self.approvals.hold(turn.principal, call, verdict, definition)
        if held.approval_id is None or held.principal is None:
            return held
        again = await self._decide(turn, call, held.principal, self.clock())
        if again.effect is Effect.DENY:
            return Approved(again)
        if held.principal.policy_id != turn.principal.policy_id or again.policy_version != verdict.policy_version:
            return Approved(_gone(verdict))
        return Approved(replace(again, effect=Effect.ALLOW), held.approval_id, held.principal)

    async def _carry_out(self, turn: Turn, call: Call, verdict: Decision, approval: str | None) -> Reply:
        intent = self._record(turn, call, verdict, approval)
        refused: list[Decision] = []

        def denial(why: Exceeded | ApprovalGone) -> Record:
            refused.append(_gone(verdict) if isinstance(why, ApprovalGone) else settle(verdict, why))
            return self._record(turn, call, refused[-1], approval)

        now = turn.now if approval is None else self.clock()
        admitted = await self.ledger.admit(intent, verdict.spends, now, denial, approval)
        if not isinstance(admitted, Admitted):
            return self._denied(turn, call, refused[-1])
        return await self._forward(turn, call, intent, admitted.charges)

    async def _forward(self, turn: Turn, call: Call, intent: Record, charges: tuple[Charge, ...]) -> Reply:
        upstream = turn.session.upstream
        try:
            answer = await upstream.request(turn.request, turn.exchange.headers, turn.exchange.interim)
        except Unavailable as error:
            refund = () if error.sent else charges
            self._settle(record.outcome(intent, "unavailable", self.clock(), reason=str(error)), refund)
            self.metrics.decided(turn.principal.server, "allow", "unavailable")
            return reply.unavailable(error, as_result=call.kind == "tool", era=turn.era)
        except BaseException as error:
            effect = "cancelled" if isinstance(error, asyncio.CancelledError) else "error"
            self._settle(record.outcome(intent, effect, self.clock(), reason=type(error).__name__))
            raise
        now = self.clock()
        self._settle(record.outcome(intent, "ok" if answer.error is None else "error", now, answer))
        self.metrics.decided(turn.principal.server, "allow", "")
        self.metrics.took(turn.principal.server, now - turn.now)
        return answer

    def _settle(self, outcome: Record, refund: tuple[Charge, ...] = ()) -> None:
        self.background.start(self.ledger.settle(outcome, refund))

    def _denied(self, turn: Turn, call: Call, verdict: Decision) -> Reply:
        self.metrics.decided(turn.principal.server, "deny", str(verdict.code))
        return reply.denial(verdict, as_result=call.kind == "tool", era=turn.era)

    def _record(self, turn: Turn, call: Call, verdict: Decision, approval: str | None) -> Record:
        return record.decision(
            turn.principal, call, verdict, method=turn.request.method, call_id=turn.call_id,
            session_id=turn.session.id, now=turn.now, digest_key=self.digest_key, approval_id=approval,
        )  # fmt: skip


def _gone(verdict: Decision) -> Decision:
    text = "the approval was used, expired or withdrawn in the meantime; call again to ask anew"
    return Decision(Effect.DENY, verdict.rule, Code.APPROVAL_EXPIRED, text, verdict.policy_version)
