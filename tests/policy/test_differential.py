"""The decision against a naive model of the language, on generated policies and calls."""

import json
import random

import generate
import pytest

import reference_decide
from toolgate.policy.compile import compile_policy
from toolgate.policy.decide import decide, visible
from toolgate.policy.decision import Effect
from toolgate.policy.dump import dump
from toolgate.policy.explain import explain
from toolgate.policy.parse import parse, parse_json

CALLS_PER_POLICY = 10


def compare(cases, seed):
    rng = random.Random(seed)
    for _ in range(cases // CALLS_PER_POLICY):
        document = generate.policy(rng)
        compiled = compile_policy(parse(document))
        for _ in range(CALLS_PER_POLICY):
            call, facts = generate.call(rng), generate.facts(rng)
            decision = decide(compiled, call, facts)
            found = (str(decision.effect), decision.code and str(decision.code), decision.rule)
            expected = reference_decide.decide(document, call, facts)
            assert found == expected, json.dumps([document, call.kind, call.name, call.arguments], indent=1)


def test_decide_agrees_with_the_reference():
    compare(20_000, seed=1)


@pytest.mark.slow
def test_decide_agrees_with_the_reference_at_length():
    compare(1_000_000, seed=2)


def test_documents_survive_the_round_trip():
    rng = random.Random(3)
    for _ in range(500):
        document = generate.policy(rng)
        policy = parse(document)
        assert parse(dump(policy)) == policy
        assert parse_json(json.dumps(dump(policy))) == policy
        assert dump(policy) == document


def test_another_deny_entry_never_allows():
    rng = random.Random(4)
    for _ in range(2_000):
        document = generate.policy(rng)
        stricter = json.loads(json.dumps(document))
        bodies = [stricter.setdefault("all_tools", {}), *stricter["tools"].values()]
        rng.choice(bodies).setdefault("deny_if", []).append(generate.entries(rng)[0])
        call, facts = generate.call(rng), generate.facts(rng)
        names = [entry.get("name") for body in bodies for entry in body.get("deny_if", [])]
        if any(names.count(name) > 1 for name in names if name):
            continue
        before = decide(compile_policy(parse(document)), call, facts)
        after = decide(compile_policy(parse(stricter)), call, facts)
        assert not (before.effect is Effect.DENY and after.effect is not Effect.DENY)


def test_explanations_end_in_the_decision():
    rng = random.Random(5)
    for _ in range(2_000):
        compiled = compile_policy(parse(generate.policy(rng)))
        call, facts = generate.call(rng), generate.facts(rng)
        explained = explain(compiled, call, facts)
        assert explained.decision == decide(compiled, call, facts)
        if explained.decision.effect is Effect.DENY:
            assert explained.steps[-1].pointer == explained.decision.rule


def test_what_a_list_leaves_out_is_denied():
    rng = random.Random(6)
    for _ in range(2_000):
        compiled = compile_policy(parse(generate.policy(rng)))
        call, facts = generate.call(rng), generate.facts(rng)
        if not visible(compiled, call.kind, call.name, facts.tool_class):
            assert decide(compiled, call, facts).effect is Effect.DENY


def test_no_policy_denies_and_shows_nothing():
    call = generate.call(random.Random(7))
    decision = decide(None, call, generate.facts(random.Random(7)))
    assert (decision.effect, decision.code, decision.rule) == ("deny", "no_policy", "(no policy)")
    assert not visible(None, call.kind, call.name, "Read")


def test_deciding_never_raises_on_odd_arguments():
    rng = random.Random(8)
    odd = [float("nan"), float("inf"), 10**400, "\ud800", b"bytes", {1: 2}, [[]] * 3, object()]
    for _ in range(2_000):
        compiled = compile_policy(parse(generate.policy(rng)))
        call, facts = generate.call(rng), generate.facts(rng)
        call.arguments[rng.choice(generate.KEYS)] = rng.choice(odd)
        assert decide(compiled, call, facts).effect in Effect
