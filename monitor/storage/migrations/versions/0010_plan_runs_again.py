"""Plan runs that go on after they were closed, that wait for calm, and whose level a person has lowered. Frozen."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)
_RUN = {"reopened_at": _MOMENT, "calm_since": _MOMENT, "lowered_from": sa.Integer(), "outside_since": _MOMENT}


def upgrade() -> None:
    for name, kind in _RUN.items():
        op.add_column("plan_run", sa.Column(name, kind, nullable=True))


def downgrade() -> None:
    for name in reversed(_RUN):
        op.drop_column("plan_run", name)
