"""The history of the schema (Alembic). `versions/` holds one file a step; `run` applies what a database lacks."""
