"""Which mentions say nearly the same; what alerts say of copies and of missing scores. Frozen."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_COPIED = sa.text("cluster IS NOT NULL")


def upgrade() -> None:
    op.add_column("mention", sa.Column("cluster", sa.BigInteger(), nullable=True))
    op.add_column("mention", sa.Column("copies", sa.Integer(), server_default="0", nullable=False))
    op.add_column("alert", sa.Column("unscored", sa.Integer(), server_default="0", nullable=False))
    op.add_column("alert", sa.Column("copies", sa.Integer(), server_default="0", nullable=False))
    op.create_index(
        "ix_mention_cluster", "mention", ["cluster", "id"], sqlite_where=_COPIED, postgresql_where=_COPIED
    )


def downgrade() -> None:
    op.drop_column("alert", "copies")
    op.drop_column("alert", "unscored")
    op.drop_index("ix_mention_cluster", table_name="mention")
    op.drop_column("mention", "copies")
    op.drop_column("mention", "cluster")
