"""Plan runs that time and people move: levels, the ladder, approvals, repeats, and when to look again. Frozen."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_JSON = sa.JSON().with_variant(JSONB(), "postgresql")
_MOMENT = sa.DateTime(timezone=True)
_RUN = {
    "confirm_by": _MOMENT,
    "level_since": _MOMENT,
    "asked_level": sa.Integer(),
    "asked_since": _MOMENT,
    "proposed_level": sa.Integer(),
    "rung_at": _MOMENT,
    "acknowledged_at": _MOMENT,
    "acknowledged_by": sa.Text(),
    "lead": sa.String(length=64),
    "touched_at": _MOMENT,
    "stood_down_at": _MOMENT,
    "stood_down_by": sa.Text(),
    "closed_by": sa.Text(),
    "wake_at": _MOMENT,
    "owed": _JSON,
}
_STEP = {
    "ready_at": _MOMENT,
    "next_at": _MOMENT,
    "checked": _JSON,
    "approval_by": _MOMENT,
    "approved_by": sa.Text(),
    "approved_at": _MOMENT,
    "words": _JSON,
    "edited_by": sa.Text(),
}


def upgrade() -> None:
    for name, kind in _RUN.items():
        op.add_column("plan_run", sa.Column(name, kind, nullable=True))
    for name in ("rung", "version"):
        op.add_column("plan_run", sa.Column(name, sa.Integer(), nullable=False, server_default="0"))
    op.add_column("plan_run", sa.Column("drill", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.create_index("ix_plan_run_wake_at", "plan_run", ["wake_at"])
    for name, kind in _STEP.items():
        op.add_column("plan_step", sa.Column(name, kind, nullable=True))
    op.add_column("plan_step", sa.Column("times", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("plan_step", sa.Column("late", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("notification", sa.Column("plan_about", sa.String(length=64), nullable=True))
    op.add_column("notification", sa.Column("plan_why", sa.String(length=16), nullable=True))
    op.execute("UPDATE plan_run SET wake_at = opened_at WHERE state <> 'closed'")
    op.execute("UPDATE plan_run SET acknowledged_at = confirmed_at, acknowledged_by = confirmed_by, touched_at = confirmed_at")


def downgrade() -> None:
    # An older version knows of no such messages, and could not read them.
    op.execute("DELETE FROM notification WHERE kind IN ('call', 'over')")
    op.execute("UPDATE plan_run SET state = 'running' WHERE state IN ('observing', 'stood_down')")
    for name in ("plan_why", "plan_about"):
        op.drop_column("notification", name)
    for name in ("late", "times", *reversed(_STEP)):
        op.drop_column("plan_step", name)
    op.drop_index("ix_plan_run_wake_at", "plan_run")
    for name in ("drill", "version", "rung", *reversed(_RUN)):
        op.drop_column("plan_run", name)
