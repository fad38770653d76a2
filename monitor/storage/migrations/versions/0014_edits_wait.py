"""Which mentions say something else than what was judged. Frozen."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_EDITED = sa.text("edit_waits")


def upgrade() -> None:
    op.add_column("mention", sa.Column("edit_waits", sa.Boolean(), nullable=True))
    op.create_index("ix_mention_edits", "mention", ["id"], sqlite_where=_EDITED, postgresql_where=_EDITED)


def downgrade() -> None:
    op.drop_index("ix_mention_edits", table_name="mention")
    op.drop_column("mention", "edit_waits")
