"""Digests are owed once for a day and a receiver."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "digest_owed",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("receiver", sa.String(length=64), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("since", _TIME, nullable=False),
        sa.Column("until", _TIME, nullable=False),
        sa.Column("owed_at", _TIME, nullable=False),
        sa.Column("notification_id", _ID, nullable=True),
        sa.ForeignKeyConstraint(
            ["notification_id"],
            ["notification.id"],
            name=op.f("fk_digest_owed_notification_id_notification"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("digest", "receiver", "day", name=op.f("pk_digest_owed")),
    )
    op.create_index(op.f("ix_digest_owed_notification_id"), "digest_owed", ["notification_id"])


def downgrade() -> None:
    op.drop_table("digest_owed")
