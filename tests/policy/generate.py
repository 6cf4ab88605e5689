"""Random policies, calls and facts for the differential tests: small vocabularies, so that rules and calls meet."""

from toolgate.policy.decision import Call, Facts

NAMES = ["send", "read_file", "delete-all", "a/b", "a~b", "pay"]
GLOBS = ["*", "read*", "*all", "de*-*", "s*d", "a*b"]
KEYS = ["a", "b", "c", "0", "items"]
TEXTS = ["", "x", "abc", "x@y.z", "/data/a", "/data/../etc", "/data//a/.", "data/a", "/database", "/", "http://a.example.com/x",
         "https://evil.org", "http://u@a.example.com", "http://1.2.3.4/", "HTTP", "é", "5", "a\0b", "/data/\0"]  # fmt: skip
NUMBERS = [0, 1, 5, 5.0, -1, 0.1, 0.3, 10, 9007199254740991, 1e20, 0.1234567, 2.5]
CLASSES = ["Read", "Write", "Destructive", "Financial", "Unclassified"]
PATHS = ["args.a", "args.b", "args.a.b", "args.items.*", "args.items.*.a", "args.*", "args.items.0", "args.a.*.b", "grant.label",
         "grant.tags", "grant.tags.*", "tool.name", "tool.class", "tool.risk", "time.hour", "time.weekday"]  # fmt: skip
PLAIN_PATTERNS = ["^a", "x", "b$", "^$", "[0-9]+", "a.c"]


def value(rng, depth=0):
    kind = rng.randrange(8 if depth < 3 else 5)
    if kind == 0:
        return rng.choice([None, True, False])
    if kind in (1, 2):
        return rng.choice(NUMBERS)
    if kind in (3, 4):
        return rng.choice(TEXTS)
    if kind == 5:
        return [value(rng, depth + 1) for _ in range(rng.randrange(4))]
    return {rng.choice(KEYS): value(rng, depth + 1) for _ in range(rng.randrange(4))}


def operand(rng, op):
    if op in ("lt", "lte", "gt", "gte"):
        return rng.choice(NUMBERS)
    if op in ("in", "not_in"):
        return [value(rng, 2) for _ in range(rng.randrange(4))]
    if op == "exists":
        return rng.random() < 0.5
    if op == "length_lte":
        return rng.randrange(4)
    if op == "regex":
        return rng.choice(PLAIN_PATTERNS)
    if op in ("starts_with", "ends_with"):
        return rng.choice(["", "a", "x", "/data"])
    if op in ("host_in", "host_not_in"):
        return rng.choice([["a.example.com"], ["*.example.com"], ["evil.org", "x.org"]])
    if op == "path_within":
        return rng.choice([["/data"], ["/data/", "/etc"], ["/"]])
    return value(rng, 2)


OPS = ["eq", "neq", "lt", "lte", "gt", "gte", "in", "not_in", "exists", "regex", "contains", "starts_with", "ends_with",
       "length_lte", "host_in", "host_not_in", "path_within"]  # fmt: skip


def condition(rng):
    op = rng.choice(OPS)
    return {"path": rng.choice(PATHS), "op": op, "value": operand(rng, op)}


def entries(rng):
    made = []
    for number in range(rng.randrange(1, 3)):
        entry = {"conditions": [condition(rng) for _ in range(rng.choice([0, 1, 1, 1, 2]))]}
        if rng.random() < 0.3:
            entry["name"] = f"rule/{number}"
        made.append(entry)
    return made


def limit(rng):
    made = {
        "counter": rng.choice(["c", "d/e"]),
        "window": rng.choice(["minute", "day", "month", 60]),
        "max": rng.choice([1, 2.5]),
    }
    if rng.random() < 0.4:
        made["increment_from"] = rng.choice(["args.a", "args.items.0"])
    return made


def body(rng):
    made = {}
    if rng.random() < 0.25:
        made["action"] = rng.choice(["allow", "deny", "require_approval"])
    for key in ("require", "deny_if", "approve_if"):
        if rng.random() < 0.35:
            made[key] = entries(rng)
    if rng.random() < 0.3:
        made["limits"] = [limit(rng) for _ in range(rng.randrange(1, 3))]
    return made


def policy(rng):
    made = {"version": "1", "default": rng.choice(["allow", "deny"])}
    if rng.random() < 0.2:
        made["hide"] = rng.sample(NAMES + GLOBS, 1)
    if rng.random() < 0.3:
        made["all_tools"] = body(rng)
    if rng.random() < 0.3:
        made["classes"] = {name: body(rng) for name in rng.sample(CLASSES, 2)}
    made["tools"] = {name: body(rng) for name in rng.sample(NAMES + GLOBS, rng.randrange(5))}
    for section in ("resources", "prompts"):
        if rng.random() < 0.3:
            made[section] = {name: body(rng) for name in rng.sample(NAMES + GLOBS, 2)}
    return made


def call(rng):
    arguments = {rng.choice(KEYS): value(rng) for _ in range(rng.randrange(5))}
    return Call(rng.choice(["tool", "tool", "tool", "resource", "prompt"]), rng.choice(NAMES), arguments)


def facts(rng):
    return Facts(
        rng.randrange(0, 4_000_000_000_000_000), grant_label=rng.choice(["", "ci", "x"]),
        grant_tags=tuple(rng.sample(["a", "x", "prod"], rng.randrange(3))), tool_class=rng.choice(CLASSES),
        tool_risk=rng.choice([None, "Low", "Critical"]),
    )  # fmt: skip
