"""What each source brings hour by hour, and how many of its polls fail. Frozen."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("source_state", sa.Column("brought_at", sa.DateTime(timezone=True), nullable=True))
    op.create_table(
        "source_hour",
        sa.Column("source", sa.String(64), nullable=False),
        sa.Column("hour", sa.DateTime(timezone=True), nullable=False),
        sa.Column("polls", sa.Integer, nullable=False),
        sa.Column("failed", sa.Integer, nullable=False),
        sa.Column("brought", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("source", "hour", name="pk_source_hour"),
    )
    op.create_index("ix_source_hour_hour", "source_hour", ["hour"])


def downgrade() -> None:
    op.drop_table("source_hour")
    op.drop_column("source_state", "brought_at")
