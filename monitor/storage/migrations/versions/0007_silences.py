"""Silences that come again every week; under which silence an alert rings. Frozen."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_JSON = sa.JSON().with_variant(JSONB(), "postgresql")
# An older version would take such a silence for one that covers every alert, at every hour.
_UNKNOWN_BEFORE = """
    DELETE FROM silence WHERE timezone IS NOT NULL
    OR CAST(matcher AS TEXT) LIKE '%"where"%' OR CAST(matcher AS TEXT) LIKE '%"everything"%'
"""


def upgrade() -> None:
    op.add_column("silence", sa.Column("every", _JSON, nullable=True))
    op.add_column("silence", sa.Column("timezone", sa.String(length=64), nullable=True))
    op.add_column("alert", sa.Column("silenced_by", sa.String(length=64), nullable=True))
    op.add_column("alert", sa.Column("told_severity", sa.String(length=16), nullable=True))


def downgrade() -> None:
    op.execute(_UNKNOWN_BEFORE)
    op.drop_column("alert", "told_severity")
    op.drop_column("alert", "silenced_by")
    op.drop_column("silence", "timezone")
    op.drop_column("silence", "every")
