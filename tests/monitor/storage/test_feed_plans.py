"""The shared inbox is read by indexes: what each database plans to do names them, and no look goes through all mentions."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import ClauseElement, Executable, text
from sqlalchemy.ext.compiler import compiles

from monitor.domain.feed import FeedFilters
from monitor.domain.handling import HandlingState
from monitor.domain.mention import Scores
from monitor.storage import Store
from monitor.storage.session import Session

_OTHERS = 1_500
_INDEX = "SCAN mention_search VIRTUAL TABLE INDEX"
# What is asked for, and what the plans say: PostgreSQL reads a table of nobody's mentions through, rightly.
_PLANS: list[tuple[FeedFilters, str, str]] = [
    (FeedFilters(), "USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)", "pk_mention"),
    (FeedFilters(words="panne -colis"), _INDEX, "ix_mention_words"),
    (FeedFilters(subjects=("acme",)), _INDEX, "ix_mention_words"),
    (FeedFilters(intents=("danger",)), _INDEX, "ix_mention_words"),
    (FeedFilters(networks=("x",)), _INDEX, "ix_mention_words"),
    (FeedFilters(states=(HandlingState.ANSWERED,)), "ix_mention_handling_state_mention_id (state=?", ""),
    (FeedFilters(assignees=("ana",)), "ix_mention_handling_assignee_mention_id (assignee=?", ""),
]

# Of a small table PostgreSQL reads all; and what an index was not yet told of is dear.
_AS_IF_GREAT = ("ANALYZE mention", "SELECT gin_clean_pending_list('ix_mention_words')", "SET LOCAL enable_seqscan = off")


class _Explained(Executable, ClauseElement):
    inherit_cache = False

    def __init__(self, statement: Any) -> None:
        self.statement = statement


@compiles(_Explained)
def _explain(element: _Explained, compiler: Any, **more: Any) -> str:
    how = "EXPLAIN " if compiler.dialect.name == "postgresql" else "EXPLAIN QUERY PLAN "
    return how + str(compiler.process(element.statement, **more))


async def test_the_plan_names_the_index(
    store: Store, said: Callable[..., Any], now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On SQLite rows come in order, without sorting; on PostgreSQL the index of words knows the very expressions of the query."""
    asked: list[Any] = []
    every = Session.all

    async def listening(self: Session, statement: Any) -> Any:
        asked.append(statement)
        return await every(self, statement)

    rare = said("1", text="panne", network="x", subjects=("acme",), scores=Scores(intents=frozenset({"danger"})))
    async with store.begin() as tx:
        await tx.mentions.add([rare, *(said(f"other {n}") for n in range(_OTHERS))], source="net", seen_at=now)
        await tx.commit()
    monkeypatch.setattr(Session, "all", listening)
    for filters, on_sqlite, on_postgresql in _PLANS:
        asked.clear()
        async with store.begin() as tx:
            await tx.feed.page(filters)
            for statement in _AS_IF_GREAT if tx._session.postgresql else ():
                await tx._session.run(text(statement))
            plan = "\n".join(str(row[-1]) for row in await every(tx._session, _Explained(asked[0])))
            assert (on_postgresql if tx._session.postgresql else on_sqlite) in plan
            assert "SCAN mention\n" not in plan
            assert "TEMP B-TREE" not in plan
