"""How much is said per hour. What is stored is counted, some thousands at a time; the columns are frozen."""

from datetime import UTC

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from monitor.domain.tally import Answer, Counted, Key, Tally

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

_SUMS = (
    "mentions", "negative", "neutral", "positive", "sentiment", "complaints", "reach", "engagement", "answered",
    "answer_seconds", "own_posts", "own_engagement",
)  # fmt: skip
_LOUD = sa.text("coalesce(replies, 0) + coalesce(shares, 0) + coalesce(likes, 0) >= 10")
_OWN = sa.text("own")
_PAGE = 5_000
_LABELS = sa.JSON().with_variant(JSONB(), "postgresql")


def upgrade() -> None:
    op.add_column("mention", sa.Column("reach", sa.BigInteger(), nullable=True))
    op.create_index("ix_mention_loud", "mention", ["written_at"], sqlite_where=_LOUD, postgresql_where=_LOUD)
    op.create_index("ix_author_own", "author", ["id"], sqlite_where=_OWN, postgresql_where=_OWN)
    tally = op.create_table(
        "tally",
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("hour", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("network", sa.String(length=64), nullable=False),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in _SUMS),
        sa.PrimaryKeyConstraint("subject", "topic", "hour", "network", name=op.f("pk_tally")),
    )
    op.create_index(op.f("ix_tally_hour"), "tally", ["hour"])
    answer_hour = op.create_table(
        "answer_hour",
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("hour", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("network", sa.String(length=64), nullable=False),
        sa.Column("step", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("subject", "hour", "network", "step", name=op.f("pk_answer_hour")),
    )
    op.create_index(op.f("ix_answer_hour_hour"), "answer_hour", ["hour"])
    op.execute(  # no row is written for nothing: the index of words is written with it
        "UPDATE mention SET reach = (SELECT author.reach FROM author WHERE author.id = mention.author_id)"
        " WHERE author_id IN (SELECT id FROM author WHERE reach IS NOT NULL)"
    )
    _count(op.get_bind(), tally, answer_hour)


def _count(bind: sa.Connection, tally: sa.Table, answer_hour: sa.Table) -> None:
    """The sums are kept in memory, and written at the end: there are far fewer hours than mentions."""
    tallies: dict[Key, Tally] = {}
    answers: dict[Answer, int] = {}
    last = 0
    while page := _after(bind, last):
        for id_, written_at, answered_at, deleted_at, *rest in page:
            network, subjects, topics, sentiment, complaint, reach, replies, shares, likes, own = rest
            loud = (reach, replies, shares, likes)
            times = (_utc(written_at), _utc(answered_at))
            each = Counted(
                network, times[0], subjects, topics, sentiment, complaint, *loud, times[1], own, deleted_at is not None
            )
            for key in each.keys():
                tallies[key] = tallies.get(key, Tally()).plus(each.tally())
            for answer in each.answers():
                answers[answer] = answers.get(answer, 0) + 1
            last = id_
    if tallies:
        bind.execute(tally.insert(), [key._asdict() | {name: getattr(what, name) for name in _SUMS} for key, what in tallies.items()])
    if answers:
        bind.execute(answer_hour.insert(), [key._asdict() | {"number": number} for key, number in answers.items()])


def _after(bind, last):
    moment = sa.DateTime(timezone=True)
    names = ("network", "subjects", "topics", "sentiment", "complaint", "reach", "replies", "shares", "likes")
    kinds = {"subjects": _LABELS, "topics": _LABELS}
    times = (sa.column(name, moment) for name in ("written_at", "answered_at", "deleted_at"))
    mention = sa.table("mention", sa.column("id"), *times, *(sa.column(name, kinds.get(name)) for name in names), sa.column("author_id"))
    author = sa.table("author", sa.column("id"), sa.column("own", sa.Boolean()))
    columns = [mention.c[name] for name in ("id", "written_at", "answered_at", "deleted_at", *names)]
    query = sa.select(*columns, author.c.own).select_from(mention.outerjoin(author, author.c.id == mention.c.author_id))
    return bind.execute(query.where(mention.c.id > last).order_by(mention.c.id).limit(_PAGE)).all()


def _utc(moment):
    return moment if moment is None or moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def downgrade() -> None:
    op.drop_table("answer_hour")
    op.drop_table("tally")
    op.drop_index("ix_author_own", table_name="author")
    op.drop_index("ix_mention_loud", table_name="mention")
    op.drop_column("mention", "reach")
