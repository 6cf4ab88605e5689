"""Everything that is kept: the only SQL in the project.

`port` states what every back end must do; `db` opens one by URL; `tables` is the schema, `migrations/` its history; each
other module is one table family as plain functions over a SQLAlchemy `Connection`, so that they read the same on every
back end. `ledger` is the call path's own: counters and intents in one group-committed transaction.
"""
