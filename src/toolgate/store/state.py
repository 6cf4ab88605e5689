"""Single numbers and the organisation everything hangs on."""

from collections.abc import Callable

from sqlalchemy import Connection, insert, select, update

from toolgate.store.tables import organisations, state

DEFAULT_ORGANISATION = "default"


def bump_epoch(conn: Connection) -> None:
    """Tell every process that servers, policies, grants or approvals changed."""
    changed = conn.execute(update(state).where(state.c.name == "epoch").values(value=state.c.value + 1))
    if changed.rowcount == 0:
        conn.execute(insert(state).values(name="epoch", value=1))


def ensure_organisation(conn: Connection, new_id: Callable[[str], str], now: int, name: str = DEFAULT_ORGANISATION) -> str:
    """The id of the organisation called `name`, made if need be."""
    found = conn.execute(select(organisations.c.id).where(organisations.c.name == name)).scalar()
    if found is not None:
        return str(found)
    org_id = new_id("org")
    conn.execute(insert(organisations).values(id=org_id, name=name, created=now))
    bump_epoch(conn)
    return org_id
