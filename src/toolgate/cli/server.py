"""`toolgate server`: the servers that the gateway stands in front of."""

from dataclasses import asdict

from cyclopts import App

from toolgate.cli.common import AsJson, Data, at_desk, moment
from toolgate.cli.output import as_json, say, table
from toolgate.control import servers
from toolgate.control.desk import missing

app = App(name="server", help="Servers that the gateway stands in front of.", help_format="plaintext")


@app.command(name="list")
def list_servers(*, data: Data = None, json: AsJson = False) -> None:
    """List the servers.

    Example: toolgate server list
    """
    found = at_desk(data, servers.every)
    if json:
        as_json([asdict(server) for server in found])
        return
    rows = [(server.name, server.transport, server.url or "(command in the configuration)") for server in found]
    table(("name", "transport", "address"), rows, "no servers yet; add one to toolgate.toml, or `toolgate server add`")


@app.command
def show(name: str, *, data: Data = None, json: AsJson = False) -> None:
    """Show one server.

    Example: toolgate server show runpod
    """
    found = {server.name: server for server in at_desk(data, servers.every)}
    if name not in found:
        raise missing("server", name, found)
    if json:
        as_json(asdict(found[name]))
        return
    server = found[name]
    fields = {"name": name, "transport": server.transport, "address": server.url, "registered": moment(server.created)}
    table(("", ""), [*fields.items(), ("gateway path", f"/mcp/{name}/")])


@app.command
def add(name: str, *, url: str, data: Data = None) -> None:
    """Register a server by its address. One that starts a command is added to toolgate.toml instead.

    Example: toolgate server add linear --url https://mcp.example.com/mcp
    """
    at_desk(data, lambda desk: servers.add(desk, name, url))
    say(f"registered `{name}`; clients reach it at /mcp/{name}/ once a grant is minted")


@app.command
def remove(name: str, *, data: Data = None) -> None:
    """Forget a server that has no grants and policies.

    Example: toolgate server remove linear
    """
    at_desk(data, lambda desk: servers.remove(desk, name))
    say(f"`{name}` is removed")
