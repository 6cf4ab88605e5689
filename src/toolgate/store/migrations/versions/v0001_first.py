"""the first schema"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "audit",
        sa.Column("org_id", sa.String(), nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False, comment="1, 2, 3, … without a gap"),
        sa.Column("time", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("call_id", sa.String(), nullable=False),
        sa.Column("server", sa.String(), nullable=True),
        sa.Column("grant_id", sa.String(), nullable=True),
        sa.Column("grant_label", sa.String(), nullable=True),
        sa.Column("session_id", sa.String(), nullable=True),
        sa.Column("method", sa.String(), nullable=True),
        sa.Column("name", sa.String(), nullable=True),
        sa.Column("effect", sa.String(), nullable=True),
        sa.Column("code", sa.String(), nullable=True),
        sa.Column("rule", sa.String(), nullable=True),
        sa.Column("policy_version", sa.Integer(), nullable=True),
        sa.Column("detail", sa.Text(), nullable=True, comment="canonical JSON"),
        sa.Column(
            "hash", sa.LargeBinary(), nullable=False, comment="SHA-256 of the previous hash and this row's canonical form"
        ),
        sa.PrimaryKeyConstraint("org_id", "seq", name=op.f("pk_audit")),
    )
    with op.batch_alter_table("audit", schema=None) as batch_op:
        batch_op.create_index("ix_audit_call_id", ["call_id"], unique=False)

    op.create_table(
        "audit_heads",
        sa.Column("org_id", sa.String(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("org_id", name=op.f("pk_audit_heads")),
    )
    op.create_table(
        "checkpoints",
        sa.Column("org_id", sa.String(), nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("time", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("key_id", sa.String(), nullable=False),
        sa.Column("signature", sa.LargeBinary(), nullable=False, comment="Ed25519"),
        sa.PrimaryKeyConstraint("org_id", "seq", name=op.f("pk_checkpoints")),
    )
    op.create_table(
        "counters",
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("bucket", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False, comment="millionths"),
        sa.Column("stale", sa.BigInteger(), nullable=False, comment="time after which no window can include this bucket"),
        sa.PrimaryKeyConstraint("key", "bucket", name=op.f("pk_counters")),
        sqlite_with_rowid=False,
    )
    with op.batch_alter_table("counters", schema=None) as batch_op:
        batch_op.create_index("ix_counters_stale", ["stale"], unique=False)

    op.create_table(
        "open_calls",
        sa.Column("org_id", sa.String(), nullable=False),
        sa.Column("call_id", sa.String(), nullable=False),
        sa.Column("instance", sa.String(), nullable=False, comment="the process that forwarded it"),
        sa.Column("time", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("org_id", "call_id", name=op.f("pk_open_calls")),
        comment="Admitted calls whose outcome is not recorded yet.",
    )
    op.create_table(
        "organisations",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_organisations")),
        sa.UniqueConstraint("name", name=op.f("uq_organisations_name")),
    )
    op.create_table(
        "state",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_state")),
        comment="Single numbers: `epoch` rises with every edit that the call path must notice.",
    )
    op.create_table(
        "servers",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("org_id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False, comment="as in the gateway's URL: [a-z0-9][a-z0-9-]{0,62}"),
        sa.Column("transport", sa.String(), nullable=False, comment="http or stdio"),
        sa.Column(
            "url",
            sa.String(),
            nullable=True,
            comment="of an http upstream; commands, headers and environments stay in the configuration",
        ),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["org_id"], ["organisations.id"], name=op.f("fk_servers_org_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_servers")),
        sa.UniqueConstraint("org_id", "name", name=op.f("uq_servers_org_id_name")),
    )
    op.create_table(
        "policies",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("org_id", sa.String(), nullable=False),
        sa.Column("server_id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False, comment="the version in force"),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["org_id"], ["organisations.id"], name=op.f("fk_policies_org_id")),
        sa.ForeignKeyConstraint(["server_id"], ["servers.id"], name=op.f("fk_policies_server_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_policies")),
        sa.UniqueConstraint("org_id", "name", name=op.f("uq_policies_org_id_name")),
    )
    op.create_table(
        "tool_definitions",
        sa.Column("server_id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False, comment="SHA-256 of the whole canonical definition"),
        sa.Column("definition", sa.Text(), nullable=False),
        sa.Column("risk_class", sa.String(), nullable=False),
        sa.Column("risk_level", sa.String(), nullable=True),
        sa.Column("first_seen", sa.BigInteger(), nullable=False),
        sa.Column("changed", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["server_id"], ["servers.id"], name=op.f("fk_tool_definitions_server_id")),
        sa.PrimaryKeyConstraint("server_id", "name", name=op.f("pk_tool_definitions")),
    )
    op.create_table(
        "grants",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("org_id", sa.String(), nullable=False),
        sa.Column("server_id", sa.String(), nullable=False),
        sa.Column("policy_id", sa.String(), nullable=True),
        sa.Column("label", sa.String(), nullable=False),
        sa.Column("tags", sa.Text(), nullable=False, comment="JSON array of strings"),
        sa.Column(
            "token_hash", sa.LargeBinary(), nullable=True, comment="keyed hash; null for the local grant of `toolgate wrap`"
        ),
        sa.Column("previous_hash", sa.LargeBinary(), nullable=True, comment="the token before the last rotation"),
        sa.Column("previous_until", sa.BigInteger(), nullable=True),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("expires", sa.BigInteger(), nullable=True),
        sa.Column("revoked", sa.BigInteger(), nullable=True),
        sa.Column("last_used", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["org_id"], ["organisations.id"], name=op.f("fk_grants_org_id")),
        sa.ForeignKeyConstraint(["policy_id"], ["policies.id"], name=op.f("fk_grants_policy_id")),
        sa.ForeignKeyConstraint(["server_id"], ["servers.id"], name=op.f("fk_grants_server_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_grants")),
        sa.UniqueConstraint("previous_hash", name=op.f("uq_grants_previous_hash")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_grants_token_hash")),
    )
    with op.batch_alter_table("grants", schema=None) as batch_op:
        batch_op.create_index(
            "uq_grants_label_live",
            ["org_id", "label"],
            unique=True,
            sqlite_where=sa.text("revoked IS NULL"),
            postgresql_where=sa.text("revoked IS NULL"),
        )

    op.create_table(
        "policy_versions",
        sa.Column("policy_id", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("document", sa.Text(), nullable=False, comment="JSON as it was given, key order kept"),
        sa.Column("author", sa.String(), nullable=False),
        sa.Column("message", sa.String(), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["policy_id"], ["policies.id"], name=op.f("fk_policy_versions_policy_id")),
        sa.PrimaryKeyConstraint("policy_id", "version", name=op.f("pk_policy_versions")),
    )
    op.create_table(
        "approvals",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("org_id", sa.String(), nullable=False),
        sa.Column("server_id", sa.String(), nullable=False),
        sa.Column("grant_id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False, comment="tool, resource or prompt"),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column(
            "binding", sa.LargeBinary(), nullable=False, comment="digest of grant, call, arguments, policy version, definition"
        ),
        sa.Column("rule", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column(
            "arguments",
            sa.LargeBinary(),
            nullable=True,
            comment="sealed (AES-GCM) for the approver's eyes; erased once decided or expired",
        ),
        sa.Column("approvers", sa.Integer(), nullable=False, comment="approvals needed"),
        sa.Column("ttl", sa.Integer(), nullable=False, comment="seconds an approval stays good"),
        sa.Column(
            "state", sa.String(), nullable=False, comment="pending, approved, denied or used; expiry follows from `expires`"
        ),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("expires", sa.BigInteger(), nullable=False, comment="created + ttl while pending, approved + ttl after"),
        sa.ForeignKeyConstraint(["grant_id"], ["grants.id"], name=op.f("fk_approvals_grant_id")),
        sa.ForeignKeyConstraint(["org_id"], ["organisations.id"], name=op.f("fk_approvals_org_id")),
        sa.ForeignKeyConstraint(["server_id"], ["servers.id"], name=op.f("fk_approvals_server_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_approvals")),
    )
    with op.batch_alter_table("approvals", schema=None) as batch_op:
        batch_op.create_index("ix_approvals_binding", ["org_id", "binding"], unique=False)
        batch_op.create_index("ix_approvals_state", ["org_id", "state", "created"], unique=False)

    op.create_table(
        "approval_votes",
        sa.Column("approval_id", sa.String(), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("approve", sa.Boolean(), nullable=False),
        sa.Column("note", sa.String(), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["approval_id"], ["approvals.id"], name=op.f("fk_approval_votes_approval_id")),
        sa.PrimaryKeyConstraint("approval_id", "actor", name=op.f("pk_approval_votes")),
    )
