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

    toolgate demo             see it work, with an example server
    toolgate scan -- COMMAND  what can a server do? and a policy to start from
    toolgate up               put the gateway in front of your servers
"""

# said here, so that `toolgate --help` need not load the commands' modules
ABOUT: dict[str, str] = {
    "demo": "Show the gateway at work, with an example server and real MCP calls.",
    "up": "Start the gateway.",
    "apply": "Make servers, policies and grants as a configuration file says.",
    "wrap": "Put a policy in front of one server on stdio, for a client's own configuration.",
    "scan": "List a server's tools with their risk, and propose a policy.",
    "server": "Servers that the gateway stands in front of.",
    "policy": "Write, check and attach policies.",
    "grant": "Who may use which server, under which policy.",
    "approvals": "Calls that wait for a person.",
    "audit": "The log: read, follow, verify, export.",
}

EXAMPLES: dict[str, str] = {
    "demo": "toolgate demo --once",
    "up": "toolgate up --config toolgate.toml",
    "apply": "toolgate apply -f toolgate.toml --dry-run",
    "wrap": "toolgate wrap --policy policy.json -- npx -y @modelcontextprotocol/server-filesystem /srv/data",
    "scan": "toolgate scan --output policy.json -- npx -y @runpod/mcp-server@4.0.0",
}
"""Of the commands that have none of their own inside."""


def help_of(command: str) -> str:
    """What `--help` says of a command."""
    example = EXAMPLES.get(command)
    return ABOUT[command] + (f"\n\nExample: {example}" if example else "")


app = App(name="toolgate", help=HELP, help_format="plaintext", version=__version__, version_flags=["--version"])
for command, inner in COMMANDS.items():
    target = f"toolgate.cli.{command}:{'app' if inner else 'run'}"
    app.command(target, name=command, help=help_of(command))


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
