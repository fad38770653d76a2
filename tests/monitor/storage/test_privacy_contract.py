"""Erasure and the answer to an access request, on both databases."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

import pytest

from monitor.domain.alert import Alert, AlertEvent, NotificationKind, fingerprint
from monitor.domain.errors import UsageError
from monitor.domain.mention import Author, Enriched
from monitor.domain.plan import TimelineEvent
from monitor.storage import Store

Said = Callable[..., Enriched]
Ring = Callable[..., Awaitable[Alert]]
DAY = timedelta(days=1)


async def _say(store: Store, items: list[Enriched], at: datetime) -> list[int]:
    async with store.begin() as tx:
        added = await tx.mentions.add(items, source="feed", seen_at=at)
        await tx.commit()
    return added.new


async def test_an_erased_person_is_emptied_and_kept_out(store: Store, said: Said, ring: Ring, now: datetime) -> None:
    """Words, names and addresses go, figures stay; the next poll does not bring the person back."""
    ada = Author("7", handle="@Ada", name="Ada L.", reach=5)
    ids = await _say(store, [said("https://m.example/@Ada/1", by=ada, subjects=("brand",)), said("2", by="grace")], now)
    alert = await ring(evidence=tuple(ids), reasons=("Ada L. complains",))
    async with store.begin() as tx:
        await tx.timeline.add(TimelineEvent(now, "alert.opened", detail={"why": ["@Ada says so"]}, incident_id=alert.incident_id))
        await tx.commit()
    async with store.begin() as tx:
        erased = await tx.erasures.erase("mastodon", "ada", now)
        await tx.commit()
    assert (erased.erased_at, erased.mentions, erased.alerts, erased.told, erased.pending) == (now, 1, 1, 0, False)
    async with store.begin() as tx:
        hers, other = await tx.mentions.get(ids)
        assert (hers.text, hers.title, hers.url, hers.hashtags) == ("", "", None, frozenset())
        assert (hers.author.handle, hers.author.name, hers.author.reach) == ("", "", None)
        assert (hers.subjects, hers.sentiment) == (frozenset({"brand"}), -0.5)
        assert other.text == "The kettle is broken"
        clean = await tx.alerts.get(alert.id)
        assert clean is not None
        assert tuple(clean.reasons) == ("[erased] complains",)
        assert [event.detail for event in await tx.timeline.of_incident(alert.incident_id)] == [{"why": ["@[erased] says so"]}]
        back = await tx.mentions.add([said("9", by=Author("7", "renamed")), said("10", by="grace")], source="feed", seen_at=now)
        assert (len(back.new), back.duplicates, back.kept_out) == (1, 0, 1)
        assert (await tx.mentions.add([said("9", by=ada)], source="feed", seen_at=now)).kept_out == 1
        shown = [said("11", by=Author("8", "ada")).mention, said("12", by="grace").mention]
        assert [each.uri for each in await tx.mentions.welcome(shown)] == ["12"]
        again = await tx.erasures.erase("mastodon", "7", now + DAY)
        assert (again.erased_at, again.mentions, again.already) == (now, 0, True)
        assert (await tx.erasures.preview("mastodon", "@ADA", now)).already
        with pytest.raises(UsageError, match="nobody called grace h"):
            await tx.erasures.erase("mastodon", "grace h", now)
        with pytest.raises(UsageError, match="nobody called @grace is known on web, but on mastodon: give the network's own id"):
            await tx.erasures.erase("web", "@grace", now)


async def test_a_namesake_of_the_brand_takes_no_alert_along(store: Store, said: Said, ring: Ring, now: datetime) -> None:
    """Whoever calls themselves as a subject is called: the alert stays the same alert, and can be over and ring again."""
    alert = await ring(subject="acme", labels={"subject": "acme"}, evidence=tuple(await _say(store, [said("1", by="acme")], now)))
    async with store.begin() as tx:
        assert (await tx.erasures.erase("mastodon", "acme", now)).alerts == 1
        (kept,) = await tx.alerts.open_alerts()
        assert (kept.key, kept.labels) == ({"subject": "acme"}, {"subject": "acme"})
        assert kept.fingerprint == alert.fingerprint == fingerprint(kept.rule, kept.key)
        assert await tx.alerts.resolve(kept.id, now, "calm")
        await tx.commit()
    assert (await ring(subject="acme")).fingerprint == alert.fingerprint


async def test_only_whole_names_are_taken_out(store: Store, said: Said, ring: Ring, now: datetime) -> None:
    """A number or two letters stand in many a sentence that is not about the person; so does a name inside a word."""
    person = Author("142", handle="al", name="Ann (she)")
    reasons = ("142 authors, as al said", "Ann (she) and Anne: ann, Ann", "Joann (she)", "says Ann (she)!")
    alert = await ring(evidence=tuple(await _say(store, [said("1", by=person)], now)), reasons=reasons)
    async with store.begin() as tx:
        await tx.erasures.erase("mastodon", "142", now)
        clean = await tx.alerts.get(alert.id)
    assert clean is not None
    assert tuple(clean.reasons) == (
        "142 authors, as al said",
        "[erased] and Anne: ann, Ann",
        "Joann (she)",
        "says [erased]!",
    )


async def test_an_erasure_says_what_it_cannot_recall(store: Store, said: Said, ring: Ring, now: datetime) -> None:
    """Messages that have been sent about what the person said are counted."""
    alert = await ring(evidence=tuple(await _say(store, [said("1")], now)))
    async with store.begin() as tx:
        for receiver, about in (("ops", alert.id), ("board", alert.id), ("else", 999)):
            await tx.notifications.add(
                incident_id=alert.incident_id,
                receiver=receiver,
                kind=NotificationKind.FIRST,
                events=[AlertEvent(about, "first", "warning", 1, None, 1)],
                created_at=now,
                due_at=now,
            )
        (claimed,) = await tx.deliveries.claim("ops", owner="a", now=now, wall=now, lease=DAY, limit=1)
        await tx.deliveries.delivered(claimed.id, "a", now)
        export = await tx.access.export("mastodon", "ada")
        assert [(each["receiver"], each["state"], each["ended_at"]) for each in export["messages"]] == [
            ("ops", "delivered", now.isoformat()),
            ("board", "pending", None),
        ]
        assert (await tx.erasures.erase("mastodon", "ada", now)).told == 1


async def test_a_name_that_several_bear_is_asked_about(store: Store, said: Said, now: datetime) -> None:
    """Handles may be borne twice over time; ids are not. Another network's namesake is somebody else."""
    await _say(store, [said("1", by=Author("1", "ada")), said("2", by=Author("2", "Ada"))], now)
    async with store.begin() as tx:
        with pytest.raises(UsageError, match=r"2 people are called ada on mastodon.*\(1, 2\)"):
            await tx.access.export("mastodon", "ada")
        assert (await tx.access.export("mastodon", "2"))["author"]["handle"] == "Ada"
        with pytest.raises(UsageError, match="nobody"):
            await tx.access.export("bluesky", "ada")


async def test_an_access_request_is_answered_in_full(store: Store, said: Said, ring: Ring, now: datetime) -> None:
    """Everything about one person, nothing about another, and ready for JSON."""
    ids = await _say(store, [said("1", text="mine"), said("2", by="grace", text="hers"), said("3", text="mine too")], now)
    alert = await ring(evidence=(ids[0],))
    await ring("complaint", evidence=(ids[1],))
    async with store.read() as tx:
        export = json.loads(json.dumps(await tx.access.export("mastodon", "ada")))
    assert (export["author"]["external_id"], export["author"]["first_seen_at"]) == ("ada", now.isoformat())
    assert [mention["text"] for mention in export["mentions"]] == ["mine", "mine too"]
    (sighting,) = export["mentions"][0]["sightings"]
    assert (sighting["source"], sighting["seen_at"]) == ("feed", now.isoformat())
    assert export["mentions"][0]["sentiment"] == -0.5
    assert [each["id"] for each in export["alerts"]] == [alert.id]
