"""What the demo does: calls of two grants on the example server, and what the policy says of each."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Scene:
    """One call: who makes it in which era, and what must come of it. `approve` answers it while it waits."""

    grant: str
    mode: str
    tool: str
    arguments: dict[str, Any] = field(default_factory=dict)
    expect: str = "allowed"
    code: str | None = None
    times: int = 1
    approve: bool = False


SESSION, STATELESS = "legacy", "2026-07-28"
POD = {"gpuType": "H100", "gpuCount": 1, "hours": 2}


def scenes() -> Iterator[Scene]:
    """The calls, in order."""
    job = {"endpointId": "ep1", "jobId": "j1"}
    yield Scene("agent", STATELESS, "list-endpoints")
    yield Scene("agent", SESSION, "get-job-status", job)
    yield Scene("agent", STATELESS, "retry-job", job, times=10)
    yield Scene("agent", STATELESS, "retry-job", job, "limited", "limit_exceeded", times=5)
    yield Scene("night-job", SESSION, "retry-job", job)
    yield Scene("agent", STATELESS, "create-pod", {**POD, "cost": 19.9})
    yield Scene("agent", STATELESS, "create-pod", {**POD, "gpuType": "B300", "cost": 5}, "denied", "require_failed")
    yield Scene("agent", SESSION, "create-pod", {**POD, "gpuCount": 8, "cost": 5}, "denied", "deny_if")
    yield Scene("agent", STATELESS, "create-pod", {**POD, "cost": 30.2}, "limited", "limit_exceeded")
    yield Scene("agent", STATELESS, "read-log", {"path": "/var/log/jobs/j1.log"})
    yield Scene("agent", STATELESS, "read-log", {"path": "/var/log/jobs/../../../etc/shadow"}, "denied", "require_failed")
    yield Scene("agent", SESSION, "delete-pod", {"podId": "p1"}, "denied", "action_deny")
    yield Scene("agent", STATELESS, "delete-network-volume", {"volumeId": "v1"}, "hidden", "hidden")
    yield Scene("agent", STATELESS, "update-endpoint", {"endpointId": "ep1", "workersMax": 99}, "denied", "default_deny")
    yield Scene("agent", STATELESS, "add-credit", {"amount": 20, "reason": "GPU hours"}, "allowed", approve=True)
    yield Scene("night-job", SESSION, "add-credit", {"amount": 900, "reason": "?"}, "held", "approval_pending")
