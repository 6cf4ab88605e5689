"""`toolgate grant`: who may use which server, under which policy."""

from dataclasses import asdict
from typing import Any

from cyclopts import App

from toolgate.cli.common import Actor, AsJson, Data, at_desk, moment, parse_moment
from toolgate.cli.output import as_json, hint, say, table
from toolgate.control import grants
from toolgate.control.grants import Minted
from toolgate.wiring import clock

app = App(name="grant", help="Who may use which server, under which policy.", help_format="plaintext")


@app.command
def mint(
    label: str, *, server: str, policy: str | None = None, tags: list[str] | None = None, expires: str | None = None,
    data: Data = None, actor: Actor = None, json: AsJson = False,
) -> None:  # fmt: skip
    """Make a grant. Its token is shown once.

    Example: toolgate grant mint nightly --server runpod --policy careful --tags batch --expires 2027-01-01
    """
    until = parse_moment(expires, "expires")
    minted = at_desk(data, lambda desk: grants.mint(desk, label, server, policy, tuple(tags or ()), until), actor)
    _show(minted, json=json)
    if policy is None and not json:
        hint(f"no policy is attached yet, so everything is denied: toolgate policy attach {label} POLICY")


def _show(minted: Minted, *, json: bool) -> None:
    grant = minted.grant
    if json:
        as_json({"label": grant.label, "server": grant.server, "policy": grant.policy, "token": minted.token})
        return
    say(f"grant `{grant.label}` on `{grant.server}`; its token, shown only now:")
    say(minted.token, "bold")


@app.command(name="list")
def list_grants(*, all: bool = False, data: Data = None, json: AsJson = False) -> None:  # noqa: A002
    """List grants; --all includes revoked ones.

    Example: toolgate grant list
    """
    found = at_desk(data, lambda desk: grants.every(desk, revoked=all))
    now = clock()
    if json:
        as_json([asdict(grant) | {"state": grant.state(now)} for grant in found])
        return
    rows: list[tuple[Any, ...]] = [
        (g.label, g.server, g.policy or "(none)", " ".join(g.tags), g.state(now), moment(g.expires), moment(g.last_used))
        for g in found
    ]
    columns = ("label", "server", "policy", "tags", "state", "expires", "last used")
    table(columns, rows, "no grants yet; make one with `toolgate grant mint`")


@app.command
def rotate(label: str, *, overlap: int = grants.DAY, data: Data = None, actor: Actor = None, json: AsJson = False) -> None:
    """Give a grant a new token. The old one stays good for --overlap seconds (a day; 0 ends it now).

    Example: toolgate grant rotate nightly --overlap 3600
    """
    _show(at_desk(data, lambda desk: grants.rotate(desk, label, overlap), actor), json=json)


@app.command
def revoke(label: str, *, data: Data = None, actor: Actor = None) -> None:
    """End a grant, from the next request on.

    Example: toolgate grant revoke nightly
    """
    at_desk(data, lambda desk: grants.revoke(desk, label), actor)
    say(f"`{label}` is revoked")


@app.command
def expire(label: str, when: str, *, data: Data = None, actor: Actor = None) -> None:
    """Set when a grant ends by itself.

    Example: toolgate grant expire nightly 2027-01-01T00:00:00Z
    """
    until = parse_moment(when, "when")
    at_desk(data, lambda desk: grants.set_expiry(desk, label, until), actor)
    say(f"`{label}` expires {moment(until)}")
