"""`toolgate policy`: writing, checking and attaching policies."""

import json as json_module
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

from cyclopts import App, Parameter

from toolgate.cli.common import Actor, AsJson, Data, at_desk, moment, parse_moment
from toolgate.cli.output import as_json, console, say, table
from toolgate.control import cases, policies
from toolgate.control.documents import read_document
from toolgate.errors import InvalidDocument, Problem
from toolgate.policy.compile import compile_policy
from toolgate.policy.decision import Call, Decision, Facts
from toolgate.policy.diff import Change, diff
from toolgate.policy.explain import explain as explain_call
from toolgate.policy.lint import lint as lint_policy
from toolgate.policy.model import Policy
from toolgate.policy.parse import parse
from toolgate.policy.schema import json_schema
from toolgate.policy.strict import load_json
from toolgate.wiring import clock

app = App(name="policy", help="Write, check and attach policies.", help_format="plaintext")

PolicyFile = Annotated[Path, Parameter(help="A policy in JSON, or YAML by its ending.")]


def _read(path: Path) -> Policy:
    return parse(read_document(path))


@app.command
def validate(*files: PolicyFile, json: AsJson = False) -> int:
    """Check policies: every error of each, with its place. Exit 1 when there is one.

    Example: toolgate policy validate policies/*.json
    """
    results = []
    for path in files:
        try:
            _read(path)
            results.append({"file": str(path), "valid": True, "errors": []})
        except InvalidDocument as error:
            results.append({"file": str(path), "valid": False, "errors": [asdict(p) for p in error.problems]})
    if json:
        as_json(results)
    for result in [] if json else results:
        say(f"{result['file']}: {'valid' if result['valid'] else 'not valid'}", "green" if result["valid"] else "red")
        errors: Any = result["errors"]
        if errors:
            table(("at", "found", "expected"), [(e["pointer"] or "(document)", e["found"], e["expected"]) for e in errors])
    return 0 if all(result["valid"] for result in results) else 1


@app.command
def lint(file: PolicyFile, *, tools: Path | None = None, json: AsJson = False) -> int:
    """Point out what a policy probably did not mean. --tools is a tools/list result as JSON. Exit 1 on a finding.

    Example: toolgate policy lint policy.json --tools tools.json
    """
    schemas = None if tools is None else _schemas(read_document(tools))
    found = lint_policy(_read(file), schemas)
    if json:
        as_json([asdict(warning) for warning in found])
    else:
        table(("at", "doubt"), [(warning.pointer, warning.text) for warning in found], "nothing to point out")
    return 1 if found else 0


def _schemas(document: Any) -> dict[str, Any]:
    items = document.get("tools") if isinstance(document, dict) else document
    if not isinstance(items, list) or not all(isinstance(item, dict) and "name" in item for item in items):
        raise InvalidDocument([Problem("", "no list of tools", "a tools/list result, or its `tools`")], "tools file")
    return {str(item["name"]): item.get("inputSchema") for item in items}


@app.command
def test(file: Path, *, policy: PolicyFile, json: AsJson = False) -> int:
    """Run a file of cases [{call, grant?, now?, expect}] against a policy, in order. Exit 1 on a miss.

    Example: toolgate policy test cases.json --policy policy.json
    """
    results = cases.run(_read(policy), read_document(file), clock())
    missed = [result for result in results if result.missed]
    if json:
        as_json([{"case": r.name, "passed": not r.missed, "missed": r.missed, "decision": _plain(r.decision)} for r in results])
    else:
        table(("case", "missed"), [(result.name, "; ".join(result.missed)) for result in missed], "")
        say(f"{len(results) - len(missed)} of {len(results)} cases pass", "red" if missed else "green")
    return 1 if missed else 0


def _plain(decision: Decision) -> dict[str, Any]:
    return {
        "effect": decision.effect, "code": decision.code, "rule": decision.rule, "message": decision.message,
        "retry_after": decision.retry_after, "unevaluated": list(decision.unevaluated),
    }  # fmt: skip


@app.command
def explain(
    *, policy: PolicyFile, call: str, grant: str = "", tags: list[str] | None = None, now: str | None = None,
    risk_class: Annotated[str, Parameter(name="--class")] = "Unclassified", json: AsJson = False,
) -> None:  # fmt: skip
    """Say which rule decides a call, and why.

    Example: toolgate policy explain --policy policy.json --call '{"name": "retry-job", "arguments": {"jobId": "j1"}}'
    """
    facts = Facts(
        parse_moment(now, "now") or clock(), grant_label=grant, grant_tags=tuple(tags or ()), tool_class=risk_class  # type: ignore[arg-type]
    )  # fmt: skip
    explained = explain_call(compile_policy(_read(policy)), _call(call), facts)
    if json:
        as_json({**_plain(explained.decision), "steps": [asdict(step) for step in explained.steps]})
        return
    table(("rule", "", "why"), [(step.pointer, step.outcome, step.text) for step in explained.steps])
    say(explained.sentence, {"allow": "green", "deny": "red"}.get(str(explained.decision.effect), "yellow"))


def _call(text: str) -> Call:
    document, problems = load_json(text)
    if problems:
        raise InvalidDocument(problems, "call")
    return cases.call_of(document, "")


@app.command(name="diff")
def diff_files(old: PolicyFile, new: PolicyFile, *, json: AsJson = False) -> None:
    """Show what differs between two policies.

    Example: toolgate policy diff before.json after.json
    """
    _changes(diff(_read(old), _read(new)), json=json)


def _changes(changes: list[Change], *, json: bool) -> None:
    if json:
        as_json([asdict(change) for change in changes])
        return
    table(("", "at", "before", "after"), [(c.kind, c.pointer, c.before, c.after) for c in changes], "no difference")


@app.command
def schema() -> None:
    """Print the JSON Schema of the language, for editors.

    Example: toolgate policy schema > policy.schema.json
    """
    as_json(json_schema())


@app.command
def save(
    name: str, file: PolicyFile, *, server: str, message: Annotated[str, Parameter(name=["--message", "-m"])] = "",
    data: Data = None, actor: Actor = None,
) -> None:  # fmt: skip
    """Save a policy, or another version of it, which is in force at once.

    Example: toolgate policy save careful policy.json --server runpod -m "cap retries"
    """
    document = read_document(file)
    version = at_desk(data, lambda desk: policies.save(desk, name, server, document, message), actor)
    say(f"`{name}` is at version {version}")


@app.command(name="list")
def list_policies(*, data: Data = None, json: AsJson = False) -> None:
    """List the policies in force.

    Example: toolgate policy list
    """
    found = at_desk(data, policies.every)
    if json:
        as_json([{"name": p.name, "server": p.server, "version": p.version} for p in found])
        return
    table(("name", "server", "version"), [(p.name, p.server, p.version) for p in found], "no policies yet")


@app.command
def show(name: str, *, data: Data = None) -> None:
    """Print a policy as it is in force.

    Example: toolgate policy show careful
    """
    document = at_desk(data, lambda desk: policies.show(desk, name)).document
    if console().is_terminal:
        console().print_json(document)
    else:
        print(json_module.dumps(json_module.loads(document), indent=2, ensure_ascii=False))


@app.command
def attach(grant: str, policy: str, *, data: Data = None, actor: Actor = None) -> None:
    """Attach a policy to a grant, from the next request on.

    Example: toolgate policy attach nightly careful
    """
    at_desk(data, lambda desk: policies.attach(desk, grant, policy), actor)
    say(f"`{grant}` is now under `{policy}`")


@app.command
def detach(grant: str, *, data: Data = None, actor: Actor = None) -> None:
    """Take a grant's policy away: everything is denied to it.

    Example: toolgate policy detach nightly
    """
    at_desk(data, lambda desk: policies.attach(desk, grant, None), actor)
    say(f"`{grant}` has no policy now; everything is denied to it")


@app.command
def history(name: str, *, data: Data = None, json: AsJson = False) -> None:
    """List a policy's versions.

    Example: toolgate policy history careful
    """
    found = at_desk(data, lambda desk: policies.history(desk, name))
    if json:
        as_json([asdict(version) for version in found])
        return
    rows = [(v.version, moment(v.created), v.author, v.message) for v in found]
    table(("version", "saved", "by", "message"), rows)


@app.command
def rollback(name: str, version: int, *, data: Data = None, actor: Actor = None) -> None:
    """Put an earlier version in force again, as a new version.

    Example: toolgate policy rollback careful 3
    """
    number = at_desk(data, lambda desk: policies.rollback(desk, name, version), actor)
    say(f"`{name}` is at version {number}, the same as {version}")


@app.command
def remove(name: str, *, data: Data = None, actor: Actor = None) -> None:
    """Delete a policy that is attached to no grant.

    Example: toolgate policy remove careful
    """
    at_desk(data, lambda desk: policies.remove(desk, name), actor)
    say(f"`{name}` is removed")
