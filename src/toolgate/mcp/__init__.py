"""The Model Context Protocol, purely (sans I/O): strict JSON, messages, server-sent events, headers, eras, tool lists.

A *message* is a JSON-RPC request, notification or response. An *era* is one of the two ways of speaking MCP: `session`
(revisions up to 2025-11-25: initialize, Mcp-Session-Id, GET streams) or `stateless` (2026-07-28: every request stands
alone). What a peer sent is parsed once, strictly; what goes on is our own serialisation of what was parsed.
"""
