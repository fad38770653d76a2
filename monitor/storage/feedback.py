"""What the team said of mentions that were judged wrongly: kept as long as the mention, for evaluation and training."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import RowMapping, and_, delete, func, select, update

from monitor.domain.feedback import Corrected, Feedback, text_hash
from monitor.storage.session import Repository, Session
from monitor.storage.tables import feedback as table
from monitor.storage.tables import mention
from monitor.storage.tallies import Tallies


class FeedbackGiven(Repository):
    """The last word counts: who says the contrary takes back what was said before."""

    def __init__(self, session: Session, tallies: Tallies) -> None:
        super().__init__(session)
        self._tallies = tallies

    async def give(self, said: Feedback) -> int:
        """Keep one word about a mention that exists. Returns its number."""
        same = and_(table.c.mention_id == said.mention_id, table.c.kind == said.kind)
        if said.kind == "not_about":
            same = and_(same, table.c.value == said.value)
        await self._session.run(delete(table).where(same))
        words = await self._session.row(select(mention.c.title, mention.c.text).where(mention.c.id == said.mention_id))
        assert words is not None
        values = {"mention_id": said.mention_id, "kind": said.kind, "value": said.value, "by": said.by, "at": said.at}
        more = {"note": said.note, "text_hash": text_hash(_scored(words))}
        return int(await self._session.scalar(self._session.insert(table).values(values | more).returning(table.c.id)))

    async def remove_subject(self, mention_id: int, subject: str) -> bool:
        """The mention is about one thing less. False: it was not about that."""
        row = await self._session.row(select(mention.c.subjects).where(mention.c.id == mention_id))
        if row is None or subject not in row["subjects"]:
            return False
        rest = sorted(row["subjects"] - {subject})
        async with self._tallies.changing([mention_id]):
            await self._session.run(update(mention).where(mention.c.id == mention_id).values(subjects=rest))
        return True

    async def of_mention(self, mention_id: int) -> list[Feedback]:
        """All that was said of one mention, in order."""
        rows = await self._session.rows(select(table).where(table.c.mention_id == mention_id).order_by(table.c.id))
        return [
            Feedback(row["mention_id"], row["kind"], row["value"], row["by"], row["at"], row["note"], row["id"]) for row in rows
        ]

    async def corrected(self) -> list[Corrected]:
        """Every mention that something was said of, by number, each with its words."""
        columns = (
            table.c.kind,
            table.c.value,
            table.c.text_hash,
            mention.c.id,
            mention.c.title,
            mention.c.text,
            mention.c.language,
        )
        query = select(*columns).join(mention, mention.c.id == table.c.mention_id).order_by(mention.c.id, table.c.id)
        of_mention: dict[int, list[RowMapping]] = {}
        for row in await self._session.rows(query):
            of_mention.setdefault(row["id"], []).append(row)
        return [_corrected(rows) for rows in of_mention.values()]

    async def counts(self) -> dict[tuple[str, str], int]:
        """How often what was said: by kind and value, subjects together."""
        query = select(table.c.kind, table.c.value, func.count().label("number")).group_by(table.c.kind, table.c.value)
        counts: dict[tuple[str, str], int] = {}
        for row in await self._session.rows(query.order_by(table.c.kind, table.c.value)):
            key = (row["kind"], "" if row["kind"] == "not_about" else row["value"])
            counts[key] = counts.get(key, 0) + row["number"]
        return counts


def _scored(row: RowMapping) -> str:
    """The words as scorers read them."""
    return f"{row['title']}\n{row['text']}" if row["title"] else str(row["text"])


def _corrected(rows: Sequence[RowMapping]) -> Corrected:
    last = {row["kind"]: row["value"] for row in rows}
    first = rows[0]
    return Corrected(
        mention_id=first["id"],
        text=_scored(first),
        text_hash=first["text_hash"],
        language=first["language"],
        complaint=last["complaint"] == "yes" if "complaint" in last else None,
        sentiment=last.get("sentiment"),
        not_about=frozenset(row["value"] for row in rows if row["kind"] == "not_about"),
    )
