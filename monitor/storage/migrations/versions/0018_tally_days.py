"""How much is said per day, too: added up from the hours. Frozen."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

_SUMS = (
    "mentions", "negative", "neutral", "positive", "sentiment", "complaints", "reach", "engagement", "answered",
    "answer_seconds", "own_posts", "own_engagement",
)  # fmt: skip


def upgrade() -> None:
    op.create_table(
        "tally_day",
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("day", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("network", sa.String(length=64), nullable=False),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in _SUMS),
        sa.PrimaryKeyConstraint("subject", "topic", "day", "network", name=op.f("pk_tally_day")),
    )
    op.create_index(op.f("ix_tally_day_day"), "tally_day", ["day"])
    names = ", ".join(_SUMS)
    sums = ", ".join(f"sum({name})" for name in _SUMS)
    op.execute(
        f"INSERT INTO tally_day (subject, topic, day, network, {names})"
        f" SELECT subject, topic, hour / 24, network, {sums} FROM tally GROUP BY subject, topic, hour / 24, network"
    )


def downgrade() -> None:
    op.drop_table("tally_day")
