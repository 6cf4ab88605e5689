"""The `toolgate` command: a table of commands, loaded when asked for, and the only place where errors become exit codes.

0 it worked · 1 the answer is no (a test missed, the log was altered, a document is invalid) · 2 the command was used wrongly ·
3 something needed is unavailable.
"""

import os
import sys

from cyclopts import App

from toolgate import __version__
from toolgate.errors import InvalidDocument, ToolgateError, Unavailable

COMMANDS: dict[str, tuple[str, ...]] = {
    "demo": (),
    "up": (),
    "apply": (),
    "wrap": (),
    "scan": (),
    "server": ("list", "show", "add", "remove"),
    "policy": (
        "validate", "lint", "test", "explain", "diff", "schema", "save", "list", "show", "attach", "detach", "history",
        "rollback", "remove",
    ),
    "grant": ("mint", "list", "rotate", "revoke", "expire"),
    "approvals": ("list", "show", "approve", "deny"),
    "audit": ("list", "tail", "verify", "export"),
}  # fmt: skip
"""Every command and its own commands; each has a module of its name beside this one, with an `app` or a `run`."""

HELP = """A policy gateway for MCP: every tool call is decided by your rules before it reaches the server.

Start here:

    toolgate demo                               see it work, with an example server
    toolgate scan -- npx -y @runpod/mcp-server  what can a server do, and a policy to start from
    toolgate up --config toolgate.toml          put the gateway in front of your servers
"""

ABOUT: dict[str, str] = {
    # what is said here is shown without loading a command's module, which `toolgate --help` must not do
    "demo": "Show the gateway at work, with an example server and real MCP calls.\n\nExample: toolgate demo --once",
    "up": "Start the gateway.\n\nExample: toolgate up --config toolgate.toml",
    "apply": "Make servers, policies and grants as a configuration file says.\n\nExample: toolgate apply -f toolgate.toml --dry-run",
    "wrap": "Put a policy in front of one server on stdio, for a client's own configuration.\n\nExample: toolgate wrap --policy policy.json -- npx -y @modelcontextprotocol/server-filesystem /srv/data",
    "scan": "List a server's tools with their risk, and propose a policy.\n\nExample: toolgate scan --output policy.json -- npx -y @runpod/mcp-server@4.0.0",
    "server": "Servers that the gateway stands in front of.",
    "policy": "Write, check and attach policies.",
    "grant": "Who may use which server, under which policy.",
    "approvals": "Calls that wait for a person.",
    "audit": "The log: read, follow, verify, export.",
}

app = App(name="toolgate", help=HELP, help_format="plaintext", version=__version__, version_flags=["--version"])
for command, inner in COMMANDS.items():
    target = f"toolgate.cli.{command}:{'app' if inner else 'run'}"
    app.command(target, name=command, help=ABOUT[command])


def main() -> None:
    """Run the command line."""
    sys.exit(run(sys.argv[1:]))


def run(words: list[str]) -> int:
    """Run one command; the exit code."""
    try:
        result = app(words, exit_on_error=False, print_error=True, result_action="return_value")
    except ToolgateError as error:
        print(f"toolgate: {error}", file=sys.stderr)
        return exit_code(error)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # the reader of our output left; nothing more can be said
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        if type(error).__module__.startswith("cyclopts"):
            return 2
        raise
    return result if isinstance(result, int) else 0


def exit_code(error: ToolgateError) -> int:
    """The exit code of an error."""
    if isinstance(error, InvalidDocument):
        return 1
    return 3 if isinstance(error, Unavailable) else 2
