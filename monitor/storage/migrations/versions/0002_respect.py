"""Legal holds, a record of erasures, and what retention needs to remove in small pieces. Frozen."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_JSON = sa.JSON().with_variant(JSONB(), "postgresql")
_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
# Retention and the deletion of what others refer to look things up by these.
_INDEXES = {
    "ix_author_last_seen_at": ("author", ["last_seen_at"]),
    "ix_incident_resolved_at": ("incident", ["resolved_at"]),
    "ix_plan_run_incident_id": ("plan_run", ["incident_id"]),
    "ix_timeline_alert_id": ("timeline", ["alert_id"]),
    "ix_timeline_plan_run_id": ("timeline", ["plan_run_id"]),
}
# A hold of the first tables said neither why nor by whom; nothing it covers may be lost for that.
_HOLDS = """
    INSERT INTO legal_hold (author_id, reason, placed_at, placed_by, covers, evidence_hash)
    SELECT id, 'placed before reasons were recorded', last_seen_at, 'an earlier version', '[]', '' FROM author WHERE legal_hold
"""


def upgrade() -> None:
    op.create_table(
        "erasure",
        sa.Column("id", _ID, autoincrement=True, nullable=False),
        sa.Column("author_id", _ID, nullable=True),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("requested_by", sa.Text(), nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("mentions", sa.Integer(), nullable=False),
        sa.Column("alerts", sa.Integer(), nullable=False),
        sa.Column("told", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["author_id"], ["author.id"], name=op.f("fk_erasure_author_id_author"), ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_erasure")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_erasure_author_id"), "erasure", ["author_id"], unique=False)
    op.create_table(
        "legal_hold",
        sa.Column("id", _ID, autoincrement=True, nullable=False),
        sa.Column("author_id", _ID, nullable=True),
        sa.Column("mention_id", _ID, nullable=True),
        sa.Column("incident_id", _ID, nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("placed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("placed_by", sa.Text(), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("released_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("released_by", sa.Text(), nullable=True),
        sa.Column("covers", _JSON, nullable=False),
        sa.Column("evidence_hash", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["author_id"], ["author.id"], name=op.f("fk_legal_hold_author_id_author"), ondelete="SET NULL"),
        sa.ForeignKeyConstraint(
            ["incident_id"], ["incident.id"], name=op.f("fk_legal_hold_incident_id_incident"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["mention_id"], ["mention.id"], name=op.f("fk_legal_hold_mention_id_mention"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_legal_hold")),
        sqlite_autoincrement=True,
    )
    for on in ("author_id", "incident_id", "mention_id"):
        op.create_index(op.f(f"ix_legal_hold_{on}"), "legal_hold", [on], unique=False)
    op.create_table(
        "forgotten",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("day", "kind", "name", name=op.f("pk_forgotten")),
    )
    op.execute(_HOLDS)
    op.drop_column("author", "legal_hold")
    sensitive = sa.text("sensitive")
    op.create_index("ix_mention_sensitive", "mention", ["seen_at"], sqlite_where=sensitive, postgresql_where=sensitive)
    for name, (table, columns) in _INDEXES.items():
        op.create_index(op.f(name), table, columns, unique=False)


def downgrade() -> None:
    for name, (table, _) in reversed(_INDEXES.items()):
        op.drop_index(op.f(name), table_name=table)
    op.drop_index("ix_mention_sensitive", table_name="mention")
    op.add_column("author", sa.Column("legal_hold", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.execute("UPDATE author SET legal_hold = (1 = 1) WHERE id IN (SELECT author_id FROM legal_hold WHERE released_at IS NULL)")
    op.drop_table("forgotten")
    op.drop_table("legal_hold")
    op.drop_table("erasure")
