"""What networks tell later: edits and deletions; and what a source has spent of its budget. Frozen."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_JSON = sa.JSON().with_variant(JSONB(), "postgresql")


def upgrade() -> None:
    for name in ("edited_at", "deleted_at"):
        op.add_column("mention", sa.Column(name, sa.DateTime(timezone=True), nullable=True))
    op.add_column("source_state", sa.Column("spent", _JSON, nullable=True))


def downgrade() -> None:
    op.drop_column("source_state", "spent")
    for name in ("deleted_at", "edited_at"):
        op.drop_column("mention", name)
