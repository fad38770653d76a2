"""How the team handles mentions, and the index by which they are searched. Frozen."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_FOLDED = (
    "to_tsvector('simple'::regconfig, translate(regexp_replace(normalize(\"left\"(title || ' '::text || text, 40000), NFD),"
    " '[\\u0300-\\u036f]+'::text, ''::text, 'g'::text), '/.:@-_<&+~'::text, '          '::text))"
)
_FACETS = (
    "(ARRAY[('network:'::text || network::text), ('source:'::text || source::text),"
    " ('language:'::text || COALESCE(language, ''::character varying)::text), ('form:'::text || form::text)])"
)
_NAMES = "title, text, subjects, topics, intents, network, source, language, form"
_OLD, _NEW = (", ".join(f"{which}.{name}" for name in _NAMES.split(", ")) for which in ("old", "new"))
_ADDS = f"INSERT INTO mention_search(rowid, {_NAMES}) VALUES (new.id, {_NEW});"  # noqa: S608 our own names
_DROPS = f"INSERT INTO mention_search(mention_search, rowid, {_NAMES}) VALUES ('delete', old.id, {_OLD});"  # noqa: S608 our own names
_IS_ANOTHER = " OR ".join(f"old.{name} IS NOT new.{name}" for name in _NAMES.split(", "))


def upgrade() -> None:
    op.create_table(
        "mention_handling",
        sa.Column("mention_id", _ID, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("assignee", sa.String(64)),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("mention_id", name="pk_mention_handling"),
        sa.ForeignKeyConstraint(
            ["mention_id"], ["mention.id"], name="fk_mention_handling_mention_id_mention", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_mention_handling_state_mention_id", "mention_handling", ["state", "mention_id"])
    op.create_index("ix_mention_handling_assignee_mention_id", "mention_handling", ["assignee", "mention_id"])
    op.create_table(
        "mention_deed",
        sa.Column("id", _ID, autoincrement=True, nullable=False),
        sa.Column("mention_id", _ID, nullable=False),
        sa.Column("verb", sa.String(16), nullable=False),
        sa.Column("by", sa.Text, nullable=False),
        sa.Column("through", sa.String(32), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("assignee", sa.String(64)),
        sa.Column("note", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_mention_deed"),
        sa.ForeignKeyConstraint(["mention_id"], ["mention.id"], name="fk_mention_deed_mention_id_mention", ondelete="CASCADE"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_mention_deed_mention_id", "mention_deed", ["mention_id"])
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            f"CREATE INDEX ix_mention_words ON mention USING gin ({_FOLDED}, {_FACETS},"
            " subjects jsonb_path_ops, topics jsonb_path_ops, intents jsonb_path_ops)"
        )
        return
    op.execute(
        f"CREATE VIRTUAL TABLE mention_search USING fts5({_NAMES},"
        " content='mention', content_rowid='id', tokenize='unicode61 remove_diacritics 2')"
    )
    op.execute("INSERT INTO mention_search(mention_search) VALUES ('rebuild')")
    op.execute(f"CREATE TRIGGER mention_search_added AFTER INSERT ON mention BEGIN {_ADDS} END")
    op.execute(f"CREATE TRIGGER mention_search_gone AFTER DELETE ON mention BEGIN {_DROPS} END")
    op.execute(
        f"CREATE TRIGGER mention_search_changed AFTER UPDATE OF {_NAMES} ON mention WHEN {_IS_ANOTHER} BEGIN {_DROPS} {_ADDS} END"
    )


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP INDEX ix_mention_words")
    else:
        for name in ("changed", "gone", "added"):
            op.execute(f"DROP TRIGGER mention_search_{name}")
        op.execute("DROP TABLE mention_search")
    op.drop_table("mention_deed")
    op.drop_table("mention_handling")
