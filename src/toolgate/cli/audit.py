"""`toolgate audit`: the log."""

import sys
from pathlib import Path
from typing import Any

from cyclopts import App
from rich.progress import Progress

from toolgate.cli.common import AsJson, Data, at_desk, moment
from toolgate.cli.output import as_json, console, printable, say, table
from toolgate.control import audit
from toolgate.control.desk import Desk
from toolgate.errors import InvalidDocument, Problem, Unavailable
from toolgate.store.audit import Entry
from toolgate.store.chain import Checkpoint

app = App(name="audit", help="The log: read, follow, verify, export.", help_format="plaintext")

COLUMNS = ("seq", "time", "kind", "grant", "server", "method", "name", "effect", "code", "rule")


def _row(entry: Entry) -> tuple[Any, ...]:
    r = entry.record
    name = printable(r.name or "")
    return (entry.seq, moment(r.time), r.kind, r.grant_label, r.server, r.method, name, r.effect, r.code, r.rule)


def _filters(**given: str | None) -> dict[str, str]:
    return {name: value for name, value in given.items() if value is not None}


@app.command(name="list")
def list_entries(
    *, grant: str | None = None, server: str | None = None, tool: str | None = None, effect: str | None = None,
    code: str | None = None, kind: str | None = None, limit: int = 50, data: Data = None, json: AsJson = False,
) -> None:  # fmt: skip
    """Show the newest records.

    Example: toolgate audit list --effect deny --limit 20
    """
    equal = _filters(grant_label=grant, server=server, name=tool, effect=effect, code=code, kind=kind)
    found = at_desk(data, lambda desk: audit.newest(desk, max(1, min(limit, 10_000)), equal))
    if json:
        as_json([audit.as_json(entry) for entry in found])
        return
    table(COLUMNS, map(_row, found), "no records yet")


@app.command
def tail(
    *, grant: str | None = None, server: str | None = None, tool: str | None = None, effect: str | None = None,
    lines: int = 10, follow: bool = True, data: Data = None, json: AsJson = False,
) -> None:  # fmt: skip
    """Show the last records, then new ones as they are written (--no-follow stops).

    Example: toolgate audit tail --grant nightly
    """
    equal = _filters(grant_label=grant, server=server, name=tool, effect=effect)

    def show(entry: Entry) -> None:
        if json:
            print(audit.to_line(entry), flush=True)
            return
        parts = [str(cell) for cell in _row(entry) if cell not in (None, "")]
        style = {"deny": "red", "allow": "green"}.get(entry.record.effect or "")
        say("  ".join(parts), style)

    async def work(desk: Desk) -> None:
        last = 0
        for entry in await audit.newest(desk, lines, equal):
            show(entry)
            last = entry.seq
        if follow:
            async for entry in audit.follow(desk, last, equal):
                show(entry)

    at_desk(data, work)


@app.command
def verify(*, checkpoint: Path | None = None, data: Data = None, json: AsJson = False) -> int:
    """Check that no record was altered, removed or reordered. Exit 1 when one was.

    Example: toolgate audit verify --checkpoint exported.jsonl
    """
    exported = None if checkpoint is None else _checkpoint(checkpoint)

    async def work(desk: Desk) -> Any:
        with Progress(console=console(errors=True), transient=True) as progress:
            task = progress.add_task("verifying")
            return await audit.verify(desk, exported, lambda done, of: progress.update(task, completed=done, total=of))

    found = at_desk(data, work)
    if json:
        faults = [{"seq": fault.seq, "what": fault.what} for fault in found.faults]
        as_json({"intact": found.intact, "rows": found.rows, "checkpoints": found.checkpoints, "faults": faults})
    elif found.intact:
        say(f"intact: {found.rows} records, {found.checkpoints} signed checkpoints", "green")
    else:
        table(("record", "what"), [(fault.seq, fault.what) for fault in found.faults])
        say(f"ALTERED: {len(found.faults)} fault(s) in {found.rows} records", "bold red")
    return 0 if found.intact else 1


def _checkpoint(path: Path) -> Checkpoint:
    """The last line of an export."""
    try:
        return Checkpoint.from_json(path.read_text().strip().splitlines()[-1])
    except OSError as error:
        raise Unavailable(f"`{path}` cannot be read: {(error.strerror or '').lower()}") from None
    except (ValueError, IndexError):
        raise InvalidDocument([Problem("", "no checkpoint in the last line", "an export of the log")], "export") from None


@app.command
def export(*, output: Path | None = None, data: Data = None) -> None:
    """Write the whole log as JSON lines, closed by a signed checkpoint.

    Example: toolgate audit export --output log.jsonl
    """

    async def work(desk: Desk) -> int:
        lines = 0
        out = sys.stdout if output is None else output.open("w", encoding="utf-8")
        try:
            async for line in audit.export(desk):
                out.write(line + "\n")
                lines += 1
        finally:
            if output is not None:
                out.close()
        return lines

    lines = at_desk(data, work)
    if output is not None:
        say(f"wrote {max(0, lines - 1)} records and a checkpoint to {output}")
