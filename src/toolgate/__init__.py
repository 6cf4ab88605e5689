"""Toolgate: a gateway that decides every MCP call by deterministic policy before it reaches the server.

`policy`, `limits`, `mcp` and `risk` are pure; `store` holds the only SQL; `proxy` is the data plane, `control` the
control plane; `wiring` constructs concrete objects and `cli` is how people reach them.
"""

__version__ = "0.1.0"
