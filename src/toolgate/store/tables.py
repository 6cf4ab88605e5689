"""The schema, as SQLAlchemy Core tables. `migrations/` brings a database here; a test compares the two.

Times are microseconds since the Unix epoch, UTC. Everything belongs to one organisation.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

state = Table(
    "state",
    metadata,
    Column("name", String, primary_key=True),
    Column("value", BigInteger, nullable=False),
    comment="Single numbers: `epoch` rises with every edit that the call path must notice.",
)

organisations = Table(
    "organisations",
    metadata,
    Column("id", String, primary_key=True),
    Column("name", String, nullable=False, unique=True),
    Column("created", BigInteger, nullable=False),
)

servers = Table(
    "servers",
    metadata,
    Column("id", String, primary_key=True),
    Column("org_id", ForeignKey("organisations.id"), nullable=False),
    Column("name", String, nullable=False, comment="as in the gateway's URL: [a-z0-9][a-z0-9-]{0,62}"),
    Column("transport", String, nullable=False, comment="http or stdio"),
    Column("url", String, comment="of an http upstream; commands, headers and environments stay in the configuration"),
    Column("created", BigInteger, nullable=False),
    UniqueConstraint("org_id", "name"),
)

policies = Table(
    "policies",
    metadata,
    Column("id", String, primary_key=True),
    Column("org_id", ForeignKey("organisations.id"), nullable=False),
    Column("server_id", ForeignKey("servers.id"), nullable=False),
    Column("name", String, nullable=False),
    Column("version", Integer, nullable=False, comment="the version in force"),
    Column("created", BigInteger, nullable=False),
    UniqueConstraint("org_id", "name"),
)

policy_versions = Table(
    "policy_versions",
    metadata,
    Column("policy_id", ForeignKey("policies.id"), primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("document", Text, nullable=False, comment="JSON as it was given, key order kept"),
    Column("author", String, nullable=False),
    Column("message", String, nullable=False),
    Column("created", BigInteger, nullable=False),
)

grants = Table(
    "grants",
    metadata,
    Column("id", String, primary_key=True),
    Column("org_id", ForeignKey("organisations.id"), nullable=False),
    Column("server_id", ForeignKey("servers.id"), nullable=False),
    Column("policy_id", ForeignKey("policies.id")),
    Column("label", String, nullable=False),
    Column("tags", Text, nullable=False, comment="JSON array of strings"),
    Column("token_hash", LargeBinary, unique=True, comment="keyed hash; null for the local grant of `toolgate wrap`"),
    Column("previous_hash", LargeBinary, unique=True, comment="the token before the last rotation"),
    Column("previous_until", BigInteger),
    Column("created", BigInteger, nullable=False),
    Column("expires", BigInteger),
    Column("revoked", BigInteger),
    Column("last_used", BigInteger),
)
Index("uq_grants_label_live", grants.c.org_id, grants.c.label, unique=True, sqlite_where=grants.c.revoked.is_(None),
      postgresql_where=grants.c.revoked.is_(None))  # fmt: skip

approvals = Table(
    "approvals",
    metadata,
    Column("id", String, primary_key=True),
    Column("org_id", ForeignKey("organisations.id"), nullable=False),
    Column("server_id", ForeignKey("servers.id"), nullable=False),
    Column("grant_id", ForeignKey("grants.id"), nullable=False),
    Column("kind", String, nullable=False, comment="tool, resource or prompt"),
    Column("name", String, nullable=False),
    Column("binding", LargeBinary, nullable=False, comment="digest of grant, call, arguments, policy version, definition"),
    Column("rule", String, nullable=False),
    Column("reason", String, nullable=False),
    Column("arguments", LargeBinary, comment="sealed (AES-GCM) for the approver's eyes; erased once decided or expired"),
    Column("approvers", Integer, nullable=False, comment="approvals needed"),
    Column("ttl", Integer, nullable=False, comment="seconds an approval stays good"),
    Column("state", String, nullable=False, comment="pending, approved, denied or used; expiry follows from `expires`"),
    Column("created", BigInteger, nullable=False),
    Column("expires", BigInteger, nullable=False, comment="created + ttl while pending, approved + ttl after"),
)
Index("ix_approvals_binding", approvals.c.org_id, approvals.c.binding)
Index("ix_approvals_state", approvals.c.org_id, approvals.c.state, approvals.c.created)

approval_votes = Table(
    "approval_votes",
    metadata,
    Column("approval_id", ForeignKey("approvals.id"), primary_key=True),
    Column("actor", String, primary_key=True),
    Column("approve", Boolean, nullable=False),
    Column("note", String, nullable=False),
    Column("created", BigInteger, nullable=False),
)

counters = Table(
    "counters",
    metadata,
    Column("key", String, primary_key=True),
    Column("bucket", BigInteger, primary_key=True, autoincrement=False),
    Column("amount", BigInteger, nullable=False, comment="millionths"),
    Column("stale", BigInteger, nullable=False, comment="time after which no window can include this bucket"),
    sqlite_with_rowid=False,
)
Index("ix_counters_stale", counters.c.stale)

audit = Table(
    "audit",
    metadata,
    Column("org_id", String, primary_key=True),
    Column("seq", BigInteger, primary_key=True, autoincrement=False, comment="1, 2, 3, … without a gap"),
    Column("time", BigInteger, nullable=False),
    Column("kind", String, nullable=False),
    Column("call_id", String, nullable=False),
    Column("server", String),
    Column("grant_id", String),
    Column("grant_label", String),
    Column("session_id", String),
    Column("method", String),
    Column("name", String),
    Column("effect", String),
    Column("code", String),
    Column("rule", String),
    Column("policy_version", Integer),
    Column("detail", Text, comment="canonical JSON"),
    Column("hash", LargeBinary, nullable=False, comment="SHA-256 of the previous hash and this row's canonical form"),
)
Index("ix_audit_call_id", audit.c.call_id)

audit_heads = Table(
    "audit_heads",
    metadata,
    Column("org_id", String, primary_key=True),
    Column("seq", BigInteger, nullable=False),
    Column("hash", LargeBinary, nullable=False),
)

checkpoints = Table(
    "checkpoints",
    metadata,
    Column("org_id", String, primary_key=True),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("time", BigInteger, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    Column("key_id", String, nullable=False),
    Column("signature", LargeBinary, nullable=False, comment="Ed25519"),
)

open_calls = Table(
    "open_calls",
    metadata,
    Column("org_id", String, primary_key=True),
    Column("call_id", String, primary_key=True),
    Column("instance", String, nullable=False, comment="the process that forwarded it"),
    Column("time", BigInteger, nullable=False),
    comment="Admitted calls whose outcome is not recorded yet.",
)

tool_definitions = Table(
    "tool_definitions",
    metadata,
    Column("server_id", ForeignKey("servers.id"), primary_key=True),
    Column("name", String, primary_key=True),
    Column("digest", LargeBinary, nullable=False, comment="SHA-256 of the whole canonical definition"),
    Column("definition", Text, nullable=False),
    Column("risk_class", String, nullable=False),
    Column("risk_level", String),
    Column("first_seen", BigInteger, nullable=False),
    Column("changed", BigInteger, nullable=False),
)
