"""Every column is asked whether it says something about a person, and whoever asks what we hold is shown all that does."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

import pytest

from monitor.domain.alert import Alert, AlertEvent, NotificationKind
from monitor.domain.feedback import Feedback
from monitor.domain.handling import Deed, Handling, HandlingState, Verb
from monitor.domain.mention import Author, Enriched
from monitor.domain.plan import TimelineEvent
from monitor.storage import Store
from monitor.storage.access import OTHERS, SECTIONS
from monitor.storage.personal import REGISTER, about_authors
from monitor.storage.tables import metadata

Said = Callable[..., Enriched]
Ring = Callable[..., Awaitable[Alert]]
ADA = Author("7", handle="@ada", name="Ada L.", reach=5)
# Columns that the answer shows under another name: numbers of alerts instead of what was said about each.
_SHOWN_AS = {"events": "alerts"}


def test_every_column_is_in_the_register() -> None:
    """Who adds a column says in `personal.py` what it holds; then it is exported, and the documents name it."""
    assert {name: set(table.c.keys()) for name, table in metadata.tables.items()} == {
        name: set(columns) for name, columns in REGISTER.items()
    }


def test_every_table_about_authors_has_its_section() -> None:
    """Who adds such a table adds it to the answer to an access request."""
    assert set(SECTIONS) == {table for table in REGISTER if any(about_authors(table))}


@pytest.mark.fault("respect", "somebody asks what is held about them")
async def test_an_access_request_shows_every_column_about_the_person(store: Store, said: Said, ring: Ring, now: datetime) -> None:
    """`tocsin export` shows what every table holds about them, column by column, and nothing that is about others."""
    async with store.begin() as tx:
        ids = (await tx.mentions.add([said("1", by=ADA), said("2", by="grace", text="grumble")], source="s", seen_at=now)).new
        await tx.commit()
    mine = await ring(evidence=(ids[0],), reasons=("about Ada",), kind="mention")
    both = await ring("crisis", evidence=tuple(ids), reasons=("grace says grumble",))
    async with store.begin() as tx:
        number = (await tx.authors.find("mastodon", "ada"))["id"]
        for alert in (mine, both):
            await tx.timeline.add(TimelineEvent(now, "x", detail={"of": alert.reasons}, alert_id=alert.id))
        share = AlertEvent(mine.id, NotificationKind.FIRST, "warning", 1, None, 1)
        await tx.notifications.add(
            incident_id=mine.incident_id, receiver="hub", kind=NotificationKind.FIRST, events=[share], created_at=now, due_at=now
        )
        key = json.dumps({"author": str(number)}, separators=(",", ":"))
        await tx.rule_states.save({("r", "s", key): {}, ("r", "s", '{"author":"999"}'): {}}, now)
        matcher = {"key": {"author": str(number)}}
        await tx.silences.add(
            matcher=matcher, author="x", reason="y", created_at=now, starts_at=now, ends_at=now + timedelta(days=1)
        )
        await tx.holds.place("author", number, reason="secret claim", by="lawyer", at=now)
        await tx.feedback.give(Feedback(ids[0], "complaint", "no", "lawyer", now, "secret claim"))
        handled = Handling(ids[0], HandlingState.ASSIGNED, "lawyer", 1, now, "lawyer")
        await tx.handling.save(Handling(ids[0]), handled)
        await tx.handling.add([Deed(ids[0], Verb.NOTE, "lawyer", "web", now, handled.state, "lawyer", "secret claim")])
        await tx.inbox.put("hook", "1", b"{ada", now)
        await tx.erasures.erase("mastodon", "ada", now)
        await tx.commit()
    async with store.read() as tx:
        export = json.loads(json.dumps(await tx.access.export("mastodon", "ada")))
    for table, section in SECTIONS.items():
        rows = [export[section]] if isinstance(export[section], dict) else export[section]
        assert rows, f"nothing was exported of {table}: fill it here"
        shown = {column for row in rows for part in [row, *row.get("sightings", []), *row.get("deeds", [])] for column in part}
        assert {_SHOWN_AS.get(column, column) for column in about_authors(table)} <= shown, table
    assert [each["reasons"] for each in export["alerts"]] == [["about Ada"], [OTHERS]]
    assert len(export["rules_memory"]) == 1
    told = json.dumps(export)
    assert not [word for word in ("grumble", "grace", "lawyer", "secret claim") if word in told]
