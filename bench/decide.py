"""How long a typical decision takes: default deny, five conditions, one pattern, one schema, two limits.

Run: `.venv/bin/python bench/decide.py`. Prints microseconds a decision, the best and the median of nine rounds.
"""

import statistics
import timeit

from toolgate.policy.compile import compile_policy
from toolgate.policy.decide import decide
from toolgate.policy.decision import Call, Effect, Facts
from toolgate.policy.parse import parse

CONDITIONS = [
    {"path": "args.reason", "op": "exists", "value": True},
    {"path": "args.customer", "op": "regex", "value": "^cus_[A-Za-z0-9]{8,}$"},
    {"path": "args.amount", "op": "lte", "value": 10_000},
    {"path": "args.currency", "op": "in", "value": ["eur", "usd"]},
    {"path": "grant.label", "op": "starts_with", "value": "ci"},
]
BODY = {
    "require": [{"conditions": CONDITIONS}],
    "limits": [
        {"counter": "charges", "window": "minute", "max": 10},
        {"counter": "spend", "window": "day", "max": 50_000, "increment_from": "args.amount"},
    ],
}
SCHEMA = {"type": "object", "required": ["amount"], "properties": {"amount": {"type": "integer", "minimum": 0}}}
CALL = Call("tool", "create_charge", {"reason": "order 7", "customer": "cus_8h3Kd92k", "amount": 500, "currency": "eur"})
FACTS = Facts(1_790_000_000_000_000, grant_id="gr_1", grant_label="ci-deploy")
ROUNDS, CALLS = 9, 20_000


def measure(body: dict[str, object]) -> tuple[float, float]:
    """(best, median) microseconds a decision."""
    compiled = compile_policy(parse({"version": "1", "default": "deny", "tools": {"create_charge": body}}))
    if decide(compiled, CALL, FACTS).effect is not Effect.ALLOW:
        raise SystemExit("the call should be allowed")
    rounds = timeit.repeat(lambda: decide(compiled, CALL, FACTS), number=CALLS, repeat=ROUNDS)
    return min(rounds) / CALLS * 1e6, statistics.median(rounds) / CALLS * 1e6


if __name__ == "__main__":
    bodies = {"empty rule": {}, "conditions and limits": BODY, "the same with a schema": {**BODY, "arguments": SCHEMA}}
    for name, body in bodies.items():
        best, median = measure(body)
        print(f"{name:24} {best:6.2f} µs best  {median:6.2f} µs median")
