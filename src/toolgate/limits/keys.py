"""The only builder of counter keys.

A key holds whose tally it is, the counter's name and its window, and nothing of the policy: counters outlive edits, and a
`server` or `org` counter is one tally for every policy that names it.
"""

from toolgate.limits.model import Scope, Window


def counter_key(
    counter: str, window: Window, scope: Scope, *, org_id: str, server_id: str, grant_id: str, session_id: str | None
) -> str:
    """The key of a tally. A `session` counter is the grant's where the client has no session."""
    owner = {
        "org": f"org/{org_id}",
        "server": f"server/{server_id}",
        "grant": f"grant/{grant_id}",
        "session": f"session/{session_id}" if session_id else f"grant/{grant_id}/session",
    }[scope]
    return f"{owner}/{window}/{counter}"
