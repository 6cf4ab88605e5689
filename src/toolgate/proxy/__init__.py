"""The data plane: one call, one way.

`app` turns HTTP into exchanges (and `stdio` a client's lines), `pipeline` runs the steps in order: authenticate, resolve,
decide, approve, count, forward, record. `transports/` is the table of ways to reach a server. `reply` alone maps
decisions and errors to the wire.
"""
