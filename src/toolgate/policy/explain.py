"""Why a call is decided as it is: the decision itself, run with its steps noted down."""

from dataclasses import dataclass

from toolgate.policy.compile import Compiled
from toolgate.policy.decide import decide
from toolgate.policy.decision import Call, Decision, Effect, Facts
from toolgate.policy.trace import Step, Steps

SENTENCES = {
    Effect.ALLOW: "allowed by {rule}",
    Effect.DENY: "denied by {rule}: {message}",
    Effect.HOLD: "held for approval by {rule}: {message}",
}


@dataclass(frozen=True, slots=True)
class Explanation:
    """The decision, the steps that led to it, and one sentence."""

    decision: Decision
    steps: tuple[Step, ...]
    sentence: str


def explain(compiled: Compiled | None, call: Call, facts: Facts) -> Explanation:
    """Decide `call` and say why."""
    steps = Steps()
    decision = decide(compiled, call, facts, steps)
    sentence = SENTENCES[decision.effect].format(rule=decision.rule, message=decision.message)
    return Explanation(decision, tuple(steps.steps), sentence)
