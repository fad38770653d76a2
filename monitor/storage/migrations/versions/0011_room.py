"""What a plan run remembers for the room: the highest figures so far, and which groups were told when. Frozen."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_JSON = sa.JSON().with_variant(JSONB(), "postgresql")


def upgrade() -> None:
    for name in ("peak", "updates"):
        op.add_column("plan_run", sa.Column(name, _JSON, nullable=True))


def downgrade() -> None:
    # An older version has no words for them: neither for what was told, nor for what people's acts still ask to be told.
    op.execute(
        "DELETE FROM notification WHERE kind = 'read'"
        " OR plan_why IN ('handover', 'waiting', 'false_alarm', 'report', 'unsigned', 'drilled', 'read')"
    )
    op.execute("UPDATE plan_run SET owed = NULL")
    for name in ("updates", "peak"):
        op.drop_column("plan_run", name)
