"""Answers are found by what they answer. Frozen."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_ANSWERS = sa.text("parent IS NOT NULL")


def upgrade() -> None:
    op.create_index(
        "ix_mention_answers", "mention", ["parent", "network"], sqlite_where=_ANSWERS, postgresql_where=_ANSWERS
    )


def downgrade() -> None:
    op.drop_index("ix_mention_answers", table_name="mention")
