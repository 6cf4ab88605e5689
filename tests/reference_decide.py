"""A naive model of the policy language, written from its page and not from the code: slow, short, and obviously right.

`decide(document, call, facts)` returns (effect, code, rule). Conditions, order and doubt are its business; limits only say
whether an amount can be counted.
"""

import json
import re
from datetime import UTC, datetime
from decimal import Decimal

NOTHING = object()
DOUBT = "doubt"


def esc(name):
    return str(name).replace("~", "~0").replace("/", "~1")


def equal(a, b):
    def norm(v):
        if isinstance(v, bool) or v is None or isinstance(v, str):
            return [type(v).__name__, v]
        if isinstance(v, int | float):
            return ["n", str(Decimal(repr(v)).normalize() + 0)]
        if isinstance(v, list):
            return ["l", [norm(x) for x in v]]
        return ["o", sorted((k, norm(x)) for k, x in v.items())]

    return json.dumps(norm(a)) == json.dumps(norm(b))


def number(v):
    return isinstance(v, int | float) and not isinstance(v, bool)


def op_holds(op, found, value):
    if op == "exists":
        return (found is not NOTHING) == value
    if found is NOTHING:
        return False
    if op in ("eq", "neq"):
        return equal(found, value) == (op == "eq")
    if op in ("in", "not_in"):
        return any(equal(found, v) for v in value) == (op == "in")
    if op in ("lt", "lte", "gt", "gte"):
        if not number(found):
            return DOUBT
        a, b = Decimal(repr(found)), Decimal(repr(value))
        return {"lt": a < b, "lte": a <= b, "gt": a > b, "gte": a >= b}[op]
    if op == "contains":
        if isinstance(found, list):
            return any(equal(x, value) for x in found)
        return value in found if isinstance(found, str) and isinstance(value, str) else DOUBT
    if op == "length_lte":
        return len(found) <= value if isinstance(found, str | list | dict) else DOUBT
    if not isinstance(found, str):
        return DOUBT
    if op == "regex":
        return re.search(value, found) is not None
    if op in ("starts_with", "ends_with"):
        return found.startswith(value) if op == "starts_with" else found.endswith(value)
    if op in ("host_in", "host_not_in"):
        match = re.fullmatch(r"https?://([a-z0-9-]+(?:\.[a-z0-9-]+)*)(?:[/?#][!-~]*)?", found)
        quad = match and re.fullmatch(r"(25[0-5]|2[0-4]\d|1?\d?\d)(\.(25[0-5]|2[0-4]\d|1?\d?\d)){3}", match[1])
        if not match or (re.fullmatch(r"[0-9]+", match[1].split(".")[-1]) and not quad) or "[" in found or "\\" in found:
            return DOUBT
        listed = any(match[1] == v or (v.startswith("*.") and match[1].endswith(v[1:])) for v in value)
        return listed == (op == "host_in")
    if not found.startswith("/") or "\0" in found:
        return DOUBT
    steps = []
    for step in found.split("/"):
        if step == "..":
            steps = steps[:-1]
        elif step not in ("", "."):
            steps.append(step)
    path = "/" + "/".join(steps)
    return any(path == d.rstrip("/") or path.startswith(d.rstrip("/") + "/") for d in value)


def values_at(root, steps):
    if not steps:
        return [root]
    if root is NOTHING:
        return [NOTHING]
    step, rest = steps[0], steps[1:]
    if step == "*":
        if not isinstance(root, list | dict):
            return [DOUBT]
        inner = root if isinstance(root, list) else root.values()
        return [v for x in inner for v in values_at(x, rest)]
    if isinstance(root, dict):
        return values_at(root.get(step, NOTHING), rest)
    if isinstance(root, list) and re.fullmatch(r"0|[1-9][0-9]*", step) and int(step) < len(root):
        return values_at(root[int(step)], rest)
    return values_at(NOTHING, rest) if rest and "*" in rest else [NOTHING]


def condition(c, world, every):
    root, *steps = c["path"].split(".")
    answers = []
    for found in values_at(world[root], steps):
        answers.append(DOUBT if found == DOUBT and found is DOUBT else op_holds(c["op"], found, c["value"]))
    if any(a is (not every) for a in answers):
        return not every
    return DOUBT if any(a is DOUBT for a in answers) else every


def entry(e, world, every):
    answers = [condition(c, world, every) for c in e["conditions"]]
    if False in answers:
        return False
    return DOUBT if DOUBT in answers else True


def entry_pointer(at, key, index, e):
    name = e.get("name") or (f"{e['conditions'][0]['path']}-{e['conditions'][0]['op']}" if e["conditions"] else index)
    return f"{at}/{key}/{esc(name)}"


def globbed(pattern, name):
    return re.fullmatch(".*".join(re.escape(p) for p in pattern.split("*")), name, re.S) is not None


def find_body(doc, kind, name, tool_class):
    section = {"tool": "tools", "resource": "resources", "prompt": "prompts"}[kind]
    entries = doc.get(section, {})
    if name in entries and "*" not in name:
        return f"/{section}/{esc(name)}", entries[name]
    matching = [p for p in entries if "*" in p and globbed(p, name)]
    if matching:
        best = max(matching, key=lambda p: len(p.replace("*", "")))
        return f"/{section}/{esc(best)}", entries[best]
    if kind == "tool" and tool_class in doc.get("classes", {}):
        return f"/classes/{tool_class}", doc["classes"][tool_class]
    return ("(default allow)", {}) if doc["default"] == "allow" else None


def decide(doc, call, facts):
    moment = datetime.fromtimestamp(facts.now // 1_000_000, UTC)
    tool = {"name": call.name, "class": facts.tool_class} | ({"risk": facts.tool_risk} if facts.tool_risk else {})
    world = {
        "args": call.arguments, "grant": {"label": facts.grant_label, "tags": list(facts.grant_tags)}, "tool": tool,
        "time": {"hour": moment.hour, "weekday": moment.isoweekday()},
    }  # fmt: skip
    if call.kind == "tool" and any(globbed(h, call.name) for h in doc.get("hide", [])):
        return "deny", "hidden", "(hidden)"
    found = find_body(doc, call.kind, call.name, facts.tool_class)
    if found is None:
        return "deny", "default_deny", "(default deny)"
    bodies = [found] + ([("/all_tools", doc["all_tools"])] if call.kind == "tool" and "all_tools" in doc else [])
    for at, body in bodies:
        if body.get("action") == "deny":
            return "deny", "action_deny", at
        for index, e in enumerate(body.get("require", [])):
            if entry(e, world, True) is not True:
                return "deny", "require_failed", entry_pointer(at, "require", index, e)
        for index, e in enumerate(body.get("deny_if", [])):
            if entry(e, world, False) is not False:
                return "deny", "deny_if", entry_pointer(at, "deny_if", index, e)
    for at, body in bodies:
        for limit in body.get("limits", []):
            if "increment_from" in limit:
                value = values_at(call.arguments, limit["increment_from"].split(".")[1:])[0]
                exact = Decimal(repr(value)) * 10**6 if value is not NOTHING and number(value) else Decimal(-1)
                if not 0 <= exact <= 9 * 10**18 or exact != int(exact):
                    return "deny", "limit_exceeded", f"{at}/limits/{esc(limit['counter'])}-per-{limit['window']}"
    for at, body in bodies:
        if body.get("action") == "require_approval":
            return "hold", "approval_pending", at
        for index, e in enumerate(body.get("approve_if", [])):
            if entry(e, world, False) is not False:
                return "hold", "approval_pending", entry_pointer(at, "approve_if", index, e)
    return "allow", None, found[0]
