"""`toolgate apply`: the store as a configuration says."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from toolgate.cli.common import Actor, AsJson, Data, desk, load_config, run_async
from toolgate.cli.output import as_json, hint, say, table
from toolgate.config import Config
from toolgate.control import apply as apply_use
from toolgate.control.apply import Plan


def run(
    *, file: Annotated[Path | None, Parameter(name=["--file", "-f"])] = None, dry_run: bool = False, prune: bool = False,
    data: Data = None, actor: Actor = None, json: AsJson = False,
) -> None:  # fmt: skip
    """Make servers, policies and grants as a file says; what is as it should be stays. Tokens of new grants are shown once."""
    config = load_config(file, data)
    plan, tokens = run_async(_apply(config, actor, dry_run=dry_run, prune=prune))
    if json:
        changes = [{"action": c.action, "kind": c.kind, "name": c.name, "detail": c.detail} for c in plan.changes]
        as_json({"changes": changes, "applied": not dry_run, "tokens": tokens})
        return
    show_plan(plan)
    show_tokens(tokens)
    if dry_run and plan.pending:
        hint("nothing was changed (--dry-run)")


async def _apply(config: Config, actor: str | None, *, dry_run: bool, prune: bool) -> tuple[Plan, dict[str, str]]:
    async with desk(config, actor) as opened:
        plan = await apply_use.plan(opened, config, prune=prune)
        return plan, {} if dry_run else await apply_use.apply(opened, plan)


def show_plan(plan: Plan) -> None:
    """The changes as a table."""
    table(("", "", "name", ""), [(c.action, c.kind, c.name, c.detail) for c in plan.changes], "nothing in the file")


def show_tokens(tokens: dict[str, str]) -> None:
    """The tokens of grants just made."""
    if tokens:
        say("\ntokens of new grants, shown only now:")
        table(("grant", "token"), tokens.items())
