"""The control plane: what people do with servers, policies, grants, approvals and the log, as plain functions.

Each takes a `Desk` (the open store, who acts, what time it is) and plain values, and returns plain data. The command line,
and later the API and the console, are thin over these.
"""
