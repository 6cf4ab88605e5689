"""What every use case works with."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from difflib import get_close_matches

from toolgate.errors import NotFound
from toolgate.secrets import Keys
from toolgate.store.port import Database


@dataclass(frozen=True, slots=True)
class Desk:
    """An open store, the organisation worked on, and who works. `clock` gives microseconds since the epoch."""

    db: Database
    keys: Keys
    org_id: str
    actor: str
    clock: Callable[[], int]


def missing(kind: str, name: str, known: Iterable[str]) -> NotFound:
    """The error for a name that does not exist, with the nearest ones that do."""
    names = sorted(known)
    near = get_close_matches(name, names, 3) or names[:5]
    hint = f"; did you mean {', '.join(f'`{one}`' for one in near)}?" if near else f"; there is no {kind} yet"
    return NotFound(f"there is no {kind} `{name}`{hint}")
