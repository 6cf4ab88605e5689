"""What a client's own configuration must say to reach a server through the gateway."""

import json
import shlex


def claude_code(name: str, url: str, token: str) -> str:
    """Claude Code, as a command."""
    header = shlex.quote(f"Authorization: Bearer {token}")
    return f"claude mcp add --transport http {name} {url} --header {header}"


def cursor(name: str, url: str, token: str) -> str:
    """Cursor, `.cursor/mcp.json`."""
    return _json({"mcpServers": {name: {"url": url, "headers": {"Authorization": f"Bearer {token}"}}}})


def vscode(name: str, url: str, token: str) -> str:
    """VS Code, `.vscode/mcp.json`."""
    return _json({"servers": {name: {"type": "http", "url": url, "headers": {"Authorization": f"Bearer {token}"}}}})


SNIPPETS = {"Claude Code": claude_code, "Cursor (.cursor/mcp.json)": cursor, "VS Code (.vscode/mcp.json)": vscode}


def _json(value: object) -> str:
    return json.dumps(value, indent=2)
