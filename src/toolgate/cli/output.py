"""Output for people (tables, colour on a terminal) and for machines (`--json`)."""

import json
import sys
from collections.abc import Iterable, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

STYLES = {
    "allow": "green", "ok": "green", "live": "green", "approved": "green", "create": "green", "deny": "red",
    "denied": "red", "revoked": "red", "remove": "red", "hold": "yellow", "pending": "yellow", "expired": "yellow",
    "update": "yellow", "limited": "yellow", "held": "yellow", "hidden": "red", "allowed": "green", "error": "red",
    "unavailable": "red", "unknown": "yellow", "Read": "green", "Write": "cyan", "Execute": "yellow",
    "Destructive": "red", "Financial": "red", "Unclassified": "magenta", "Low": "green", "Medium": "cyan",
    "High": "yellow", "Critical": "red", "keep": "dim", "leave": "dim", "applies": "dim", "passes": "dim", "counts": "dim",
    "denies": "red", "holds": "yellow",
}  # fmt: skip


def console(*, errors: bool = False) -> Console:
    """Colour only where a terminal shows it; wide where it is piped."""
    out = sys.stderr if errors else sys.stdout
    return Console(file=out, highlight=False, width=None if out.isatty() else 160)


def say(text: str = "", style: str | None = None) -> None:
    """A line for people."""
    console().print(Text(text, style=style or ""), soft_wrap=True)


def hint(text: str) -> None:
    """A line beside the output, which a pipe does not take."""
    console(errors=True).print(Text(text, style="dim"), soft_wrap=True)


def as_json(value: Any) -> None:
    """JSON on stdout."""
    print(json.dumps(value, indent=2, ensure_ascii=False, default=str))


def table(columns: Sequence[str], rows: Iterable[Sequence[Any]], empty: str = "nothing to show") -> None:
    """A table, or a sentence when there are no rows."""
    grid = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for column in columns:
        grid.add_column(column, overflow="fold")
    for row in rows:
        grid.add_row(*(styled(cell) for cell in row))
    if grid.row_count:
        console().print(grid)
    else:
        say(empty, "dim")


def styled(cell: Any) -> Text:
    """A cell; the words that say what happened have their colour."""
    text = "" if cell is None else str(cell)
    return Text(text, style=STYLES.get(text, ""))


def printable(text: str) -> str:
    """A text from elsewhere without anything that could move the cursor or change the terminal."""
    return "".join(character if character.isprintable() else "·" for character in text)
