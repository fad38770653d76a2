"""Who may use the console: accounts, how they sign in, their tokens, and what was done with them. Frozen."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_JSON = sa.JSON().with_variant(JSONB(), "postgresql")
_TIME = sa.DateTime(timezone=True)


def _counted(name: str, *columns: sa.schema.SchemaItem) -> None:
    key = sa.PrimaryKeyConstraint("id", name=f"pk_{name}")
    op.create_table(name, sa.Column("id", _ID, autoincrement=True, nullable=False), *columns, key, sqlite_autoincrement=True)


def _of_account(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=f"fk_{table}_account_id_account", ondelete="CASCADE")


def upgrade() -> None:
    _counted(
        "account",
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("called", sa.Text(), nullable=False),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("language", sa.String(8)),
        sa.Column("timezone", sa.String(64)),
        sa.Column("password", sa.Text()),
        sa.Column("code_secret", sa.String(64)),
        sa.Column("code_pending", sa.String(64)),
        sa.Column("code_step", sa.BigInteger()),
        sa.Column("subject", sa.String(512)),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("seen_at", _TIME),
        sa.Column("disabled_at", _TIME),
        sa.UniqueConstraint("name", name="uq_account_name"),
        sa.UniqueConstraint("subject", name="uq_account_subject"),
    )
    op.create_table(
        "recovery_code",
        sa.Column("account_id", _ID, nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        _of_account("recovery_code"),
        sa.PrimaryKeyConstraint("account_id", "hash", name="pk_recovery_code"),
    )
    _counted(
        "sign_in_link",
        sa.Column("hash", sa.String(64), nullable=False),
        sa.Column("account_id", _ID),
        sa.Column("ends_at", _TIME, nullable=False),
        _of_account("sign_in_link"),
        sa.UniqueConstraint("hash", name="uq_sign_in_link_hash"),
    )
    _counted(
        "sign_in_session",
        sa.Column("hash", sa.String(64), nullable=False),
        sa.Column("account_id", _ID, nullable=False),
        sa.Column("step", sa.String(16), nullable=False),
        sa.Column("began_at", _TIME, nullable=False),
        sa.Column("seen_at", _TIME, nullable=False),
        sa.Column("ends_at", _TIME, nullable=False),
        sa.Column("address", sa.String(64), nullable=False),
        sa.Column("agent", sa.String(256), nullable=False),
        _of_account("sign_in_session"),
        sa.UniqueConstraint("hash", name="uq_sign_in_session_hash"),
    )
    op.create_table(
        "sign_in_try",
        sa.Column("key", sa.String(64), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("tried_at", _TIME, nullable=False),
        sa.Column("succeeded_at", _TIME),
        sa.PrimaryKeyConstraint("key", name="pk_sign_in_try"),
    )
    _counted(
        "api_token",
        sa.Column("hash", sa.String(64), nullable=False),
        sa.Column("account_id", _ID, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("scopes", _JSON, nullable=False),
        sa.Column("made_at", _TIME, nullable=False),
        sa.Column("ends_at", _TIME, nullable=False),
        sa.Column("used_at", _TIME),
        _of_account("api_token"),
        sa.UniqueConstraint("hash", name="uq_api_token_hash"),
    )
    _counted(
        "audit",
        sa.Column("at", _TIME, nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("through", sa.String(32), nullable=False),
        sa.Column("action", sa.String(48), nullable=False),
        sa.Column("whom", sa.Text(), nullable=False),
        sa.Column("address", sa.String(64), nullable=False),
        sa.Column("detail", _JSON),
    )
    for table in ("sign_in_link", "sign_in_session", "api_token"):
        op.create_index(f"ix_{table}_account_id", table, ["account_id"])
    op.create_index("ix_sign_in_try_tried_at", "sign_in_try", ["tried_at"])
    op.create_index("ix_audit_at", "audit", ["at"])


def downgrade() -> None:
    for table in ("audit", "api_token", "sign_in_try", "sign_in_session", "sign_in_link", "recovery_code", "account"):
        op.drop_table(table)
