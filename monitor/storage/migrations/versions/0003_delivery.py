"""What is urgent goes first and has a next channel; what is owed is found at once, however much was delivered. Frozen."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_OWED = sa.text("ended_at IS NULL")
_UNHEARD = sa.text("ended_at IS NULL AND priority = 0 AND handed_over_at IS NULL")
_OWED_BY = ["receiver", "state", "priority", "next_attempt_at"]
_TOLD = ["receiver", "created_at"]


def upgrade() -> None:
    op.add_column("delivery", sa.Column("priority", sa.Integer(), server_default="1", nullable=False))
    op.add_column("delivery", sa.Column("handed_over_at", sa.DateTime(timezone=True), nullable=True))
    op.drop_index(op.f("ix_delivery_state_next_attempt_at"), table_name="delivery")
    op.create_index("ix_delivery_owed", "delivery", _OWED_BY, sqlite_where=_OWED, postgresql_where=_OWED)
    op.create_index("ix_delivery_unheard", "delivery", ["id"], sqlite_where=_UNHEARD, postgresql_where=_UNHEARD)
    op.create_index(op.f("ix_notification_receiver_created_at"), "notification", _TOLD)


def downgrade() -> None:
    op.drop_index(op.f("ix_notification_receiver_created_at"), table_name="notification")
    op.drop_index("ix_delivery_unheard", table_name="delivery")
    op.drop_index("ix_delivery_owed", table_name="delivery")
    op.create_index(op.f("ix_delivery_state_next_attempt_at"), "delivery", ["state", "next_attempt_at"])
    op.drop_column("delivery", "handed_over_at")
    op.drop_column("delivery", "priority")
