"""The only builder of counter keys.

A key holds whose tally it is, the counter's name and its window, and nothing of the policy: counters outlive edits, and a
`server` or `org` counter is one tally for every policy that names it.
"""

from toolgate.limits.model import Scope, Window


def tally_name(counter: str, window: Window) -> str:
    """The part of a key that a limit knows by itself."""
    return f"/{window}/{counter}"


def counter_key(name: str, scope: Scope, *, org_id: str, server_id: str, grant_id: str, session_id: str | None) -> str:
    """The key of a tally: its owner and its name. A `session` counter is the grant's where the client has no session."""
    if scope == "grant":
        return "grant/" + grant_id + name
    if scope == "session":
        return "session/" + session_id + name if session_id else "grant/" + grant_id + "/session" + name
    return ("server/" + server_id if scope == "server" else "org/" + org_id) + name
