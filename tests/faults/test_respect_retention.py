"""A store that is never looked after stays as large as what it must keep."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr

from monitor.domain.alert import AlertEvent, NewAlert, NotificationKind
from monitor.domain.mention import Author, Enriched, Mention, Scores
from monitor.domain.plan import RunState, TimelineEvent
from monitor.storage import Retention, StorageSettings, Store, UnitOfWork

START = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
DAY = timedelta(days=1)
KEEP = Retention(
    mentions=5 * DAY, evidence=2 * DAY, sensitive=2 * DAY, raw=2 * DAY, incidents=8 * DAY, counts=12 * DAY, figures=12 * DAY
)


async def _a_day(tx: UnitOfWork, day: int, now: datetime) -> None:
    """What happens every day: talk, a pushed call, an alert with its message, its plan, its story and its end, a silence."""
    said = [
        Mention(network="m", text=f"words {day}", written_at=now, uri=f"https://x/{day}/{n}", author=Author(f"{day}-{n}"))
        for n in range(4)
    ]
    sensitive = [Scores(sensitive=n == 0) for n in range(4)]
    items = [Enriched(each, frozenset(), frozenset(), scores) for each, scores in zip(said, sensitive, strict=True)]
    added = await tx.mentions.add(items, source="s", seen_at=now)
    await tx.inbox.put("hook", str(day), b"{}", now)
    await tx.inbox.processed(day + 1, now, error="not understood")
    incident = await tx.incidents.open(subject=None, open_key=str(day), severity="warning", at=now)
    new = NewAlert(
        rule="r", kind="mention", key={"n": str(day)}, severity="warning", fired_at=now, observed=1, expected=None,
        measure="mentions", evidence=added.new,
    )  # fmt: skip
    alert = await tx.alerts.open(new, incident.id, now)
    run = await tx.plans.open(plan="p", incident_id=incident.id, snapshot={}, steps=["a"], state=RunState.RUNNING, at=now)
    assert run is not None
    share = AlertEvent(alert.id, NotificationKind.FIRST, "warning", 1, None, 1)
    await tx.notifications.add(
        incident_id=incident.id, receiver="hub", kind=NotificationKind.FIRST, events=[share], created_at=now, due_at=now
    )
    (claimed,) = await tx.deliveries.claim("hub", owner="a", now=now, wall=now, lease=DAY, limit=1)
    await tx.deliveries.delivered(claimed.id, "a", now)
    await tx.timeline.add_all([TimelineEvent(now, "x", incident_id=incident.id, alert_id=alert.id), TimelineEvent(now, "y")])
    await tx.silences.add(matcher={}, author="a", reason="b", created_at=now, starts_at=now, ends_at=now)
    await tx.plans.save(run, replace(run, state=RunState.CLOSED, closed_at=now, wake_at=None))
    await tx.alerts.resolve(alert.id, now, "over")
    await tx.incidents.resolve(incident.id, now)


def _rows(path: Path) -> dict[str, int]:
    with sqlite3.connect(path) as connection:
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {name: connection.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0] for name in tables}


def _pages(path: Path) -> int:
    with sqlite3.connect(path) as connection:
        return int(connection.execute("PRAGMA page_count").fetchone()[0])


async def _live(path: Path, days: int, look: Callable[[int], None]) -> None:
    store = await Store.open(StorageSettings(url=SecretStr(f"sqlite:///{path}")))
    for day in range(days):
        now = START + day * DAY
        async with store.begin() as tx:
            await _a_day(tx, day, now)
            await tx.commit()
        while await store.forget(KEEP, now, 10):
            pass
        look(day)
    await store.close()


@pytest.mark.fault(
    "respect", "nobody looks after the store for many times the retention, and every day is an alert with its plan"
)
async def test_the_store_stops_growing(tmp_path: Path) -> None:
    """Once the longest retention has passed, no table has a row more, and the file no page more, however long it runs."""
    path, rows, pages = tmp_path / "tocsin.db", dict[int, dict[str, int]](), dict[int, int]()

    def look(day: int) -> None:
        if day in {16, 24, 31}:
            rows[day], pages[day] = _rows(path), _pages(path)

    await _live(path, 32, look)
    # The pieces of the index of words are merged by SQLite when it likes: they count as pages.
    without = {"sqlite_sequence", "mention_search_data", "mention_search_idx"}
    grown = {name for name in rows[16].keys() - without if not rows[16][name] == rows[24][name] == rows[31][name]}
    assert grown == set()
    assert (rows[31]["mention"], rows[31]["author"], rows[31]["inbox"]) == (3 * 6 + 3, 3 * 6 + 3, 3)
    assert rows[31]["incident"] == rows[31]["alert"] == rows[31]["delivery"] == 9
    assert pages[31] <= pages[16] * 1.05
