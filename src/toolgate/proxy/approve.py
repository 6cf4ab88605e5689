"""Holding a call until people approve it.

An approval is bound to the grant, the call and a digest of its arguments, the policy's version and the tool's
definition; it is good once. The one that asks (here) and the one that answers (the control plane) meet in the store.
"""

import asyncio
import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass

from toolgate import secrets
from toolgate.mcp import strictjson
from toolgate.policy.decision import ApprovalTerms, Call, Code, Decision, Effect
from toolgate.proxy.model import Principal
from toolgate.proxy.resolve import Directory
from toolgate.store import approvals
from toolgate.store.port import Database

POLL_SECONDS = 0.1
MICROSECONDS = 1_000_000


@dataclass(frozen=True, slots=True)
class Approved:
    """The decision after holding: a denial, or the id of an approval to use up and the principal as it stands now."""

    decision: Decision
    approval_id: str | None = None
    principal: Principal | None = None


@dataclass(frozen=True, slots=True)
class Approvals:
    """Asks for approvals and waits for them. `link` makes the address where a person can answer."""

    db: Database
    directory: Directory
    keys: secrets.Keys
    clock: Callable[[], int]
    link: Callable[[str], str]

    async def hold(self, principal: Principal, call: Call, verdict: Decision, definition: bytes) -> Approved:
        """Wait up to the policy's `wait` for an approval of exactly this call."""
        terms = verdict.approval or ApprovalTerms()
        binding = self._binding(principal, call, verdict, definition)
        until = self.clock() + terms.wait * MICROSECONDS
        request = await self._ask(principal, call, verdict, terms, binding)
        while request.state == "pending" and self.clock() < until:
            request = await self._changed(request, until)
        if request.state == "approved":
            await self.directory.refresh()
            return Approved(verdict, request.id, self.directory.again(principal, self.clock()))
        return Approved(self._denial(verdict, request))

    def _binding(self, principal: Principal, call: Call, verdict: Decision, definition: bytes) -> bytes:
        parts = [
            principal.grant_id, principal.policy_id, verdict.policy_version, call.kind, call.name, dict(call.arguments),
            definition.hex(),
        ]  # fmt: skip
        return hmac.digest(self.keys.digest, strictjson.canonical(parts), hashlib.sha256)

    async def _ask(
        self, principal: Principal, call: Call, verdict: Decision, terms: ApprovalTerms, binding: bytes
    ) -> approvals.Approval:
        now = self.clock()
        approval_id = secrets.new_id("apr")
        sealed = self.keys.seal(strictjson.dumps(dict(call.arguments)), approval_id.encode())
        wanted = approvals.Asked(
            approval_id, principal.org_id, principal.server_id, principal.grant_id, call.kind, call.name, binding,
            verdict.rule, verdict.message, sealed, terms.approvers, terms.ttl,
        )  # fmt: skip
        return await self.db.write(lambda conn: approvals.ask(conn, wanted, now))

    async def _changed(self, request: approvals.Approval, until: int) -> approvals.Approval:
        """The request after the next edit of anything, or as it is when the time is up."""
        seen = self.db.epoch()
        while self.db.epoch() == seen and self.clock() < min(until, request.expires):  # noqa: ASYNC110
            await asyncio.sleep(POLL_SECONDS)  # the answer may come from another process
        now = self.clock()
        return await self.db.read(lambda conn: approvals.get(conn, request.id, now))

    def _denial(self, verdict: Decision, request: approvals.Approval) -> Decision:
        code, text = {
            "pending": (Code.APPROVAL_PENDING, self._pending(request)),
            "denied": (
                Code.APPROVAL_DENIED,
                f"approval `{request.id}` was denied{request.note and ': ' + request.note}",
            ),
        }.get(request.state, (Code.APPROVAL_EXPIRED, f"approval `{request.id}` is no longer good; call again to ask anew"))
        return Decision(Effect.DENY, verdict.rule, code, text, verdict.policy_version)

    def _pending(self, request: approvals.Approval) -> str:
        return (
            f"this call waits for approval `{request.id}` ({self.link(request.id)}); "
            "call again with the same arguments once it is approved"
        )
