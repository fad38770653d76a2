"""Incidents, alerts, their evidence, silences and the timeline, on both databases."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from monitor.domain.alert import Alert, AlertState, NewAlert, Severity, Silence, fingerprint
from monitor.domain.errors import StorageError
from monitor.domain.mention import Author, Engagement, Enriched
from monitor.domain.plan import RunState, TimelineEvent
from monitor.storage import Store

Said = Callable[..., Enriched]
Ring = Callable[..., Awaitable[Alert]]
HOUR = timedelta(hours=1)


def _new(now: datetime, **more: object) -> NewAlert:
    return replace(
        NewAlert("storm", "window", {"subject": "brand"}, "warning", now, observed=14, expected=1.5, measure="authors"),
        **more,  # type: ignore[arg-type]
    )


async def test_an_alert_comes_back_as_it_was_opened(store: Store, now: datetime) -> None:
    """Every field survives the store."""
    new = _new(
        now - HOUR,
        window=HOUR,
        learning=True,
        coverage=0.5,
        reasons=("14 authors in 60 min, usually 1.5",),
        labels={"network": "mastodon"},
        plan="storm",
        category="opportunity",
    )
    async with store.begin() as tx:
        incident = await tx.incidents.open(subject="brand", open_key="k", severity="warning", at=now)
        opened = await tx.alerts.open(new, incident.id, now)
        await tx.commit()
    async with store.read() as tx:
        alert = await tx.alerts.get(opened.id)
        assert alert == opened
        assert await tx.alerts.get(999) is None
    assert alert is not None
    assert alert.fingerprint == fingerprint("storm", {"subject": "brand"})
    assert {name: getattr(alert, name) for name in ("rule", "kind", "category", "severity", "key", "labels", "plan")} == {
        "rule": "storm",
        "kind": "window",
        "category": "opportunity",
        "severity": "warning",
        "key": {"subject": "brand"},
        "labels": {"network": "mastodon"},
        "plan": "storm",
    }
    assert (alert.fired_at, alert.opened_at, alert.last_seen_at, alert.told_at) == (now - HOUR, now, now - HOUR, now)
    assert (alert.observed, alert.expected, alert.window, alert.learning, alert.coverage) == (14, 1.5, HOUR, True, 0.5)
    assert (alert.state, alert.occurrences, tuple(alert.reasons)) == (AlertState.OPEN, 1, ("14 authors in 60 min, usually 1.5",))


async def test_one_alert_is_open_per_fingerprint(store: Store, ring: Ring, now: datetime) -> None:
    """A second one is refused in words while the first is open, and welcome afterwards."""
    first = await ring()
    async with store.begin() as tx:
        with pytest.raises(StorageError, match="contradicts another"):
            await tx.alerts.open(_new(now), first.incident_id, now)
    async with store.begin() as tx:
        assert await tx.alerts.resolve(first.id, now + HOUR, "calm")
        assert not await tx.alerts.resolve(first.id, now + HOUR, "calm again")
        assert not await tx.alerts.acknowledge(first.id, "ada", now + HOUR)
        second = await tx.alerts.open(_new(now), first.incident_id, now + HOUR)
        await tx.commit()
    async with store.read() as tx:
        over = await tx.alerts.get(first.id)
        assert over is not None
        assert (over.state, over.resolved_at, over.resolved_reason) == (AlertState.RESOLVED, now + HOUR, "calm")
        assert [alert.id for alert in await tx.alerts.open_alerts()] == [second.id]
        last = await tx.alerts.last_by_fingerprint(fingerprint("storm", {"subject": "brand"}))
        assert last == second
        assert [alert.id for alert in await tx.alerts.list()] == [second.id, first.id]
        assert [alert.id for alert in await tx.alerts.list(AlertState.RESOLVED)] == [first.id]
        assert [alert.id for alert in await tx.alerts.list(limit=1)] == [second.id]
        assert [alert.id for alert in await tx.alerts.list(before=second.id)] == [first.id]
        assert [alert.id for alert in await tx.alerts.of_incident(first.incident_id)] == [first.id, second.id]


async def test_trouble_that_comes_back_reopens_the_same_alert_and_incident(store: Store, ring: Ring, now: datetime) -> None:
    """Same number, new figures, nobody's until somebody takes it again."""
    first = await ring()
    async with store.begin() as tx:
        assert await tx.alerts.acknowledge(first.id, "ada", now)
        await tx.alerts.resolve(first.id, now, "calm")
        assert await tx.incidents.resolve(first.incident_id, now)
        assert not await tx.incidents.resolve(first.incident_id, now)
        incident = await tx.incidents.reopen(first.incident_id, open_key="storm:brand")
        assert incident is not None
        assert incident.resolved_at is None
        assert await tx.incidents.reopen(999, open_key="other") is None
        again = await tx.alerts.reopen(first.id, _new(now + HOUR, observed=99, severity="critical"), incident.id, now + HOUR)
        await tx.commit()
    assert (again.id, again.state, again.observed, again.severity) == (first.id, AlertState.OPEN, 99, "critical")
    assert (again.occurrences, again.told_at, again.last_seen_at) == (2, now + HOUR, now + HOUR)
    assert (again.acknowledged_at, again.acknowledged_by, again.resolved_at, again.resolved_reason) == (None, None, None, None)


async def test_an_alert_under_a_silence_has_told_nobody(store: Store, now: datetime) -> None:
    """`told_at` stays empty until somebody is told; then nothing is left of the silence."""
    async with store.begin() as tx:
        incident = await tx.incidents.open(subject=None, open_key="k", severity="info", at=now)
        alert = await tx.alerts.open(_new(now), incident.id, now, silenced_by="3")
        assert (alert.told_at, alert.silenced_by) == (None, "3")
        await tx.alerts.silenced(alert.id, "4", "info")
        held = await tx.alerts.get(alert.id)
        await tx.alerts.told(alert.id, now + HOUR)
        told = await tx.alerts.get(alert.id)
    assert held == replace(alert, silenced_by="4", told_severity="info")
    assert told == replace(alert, told_at=now + HOUR, silenced_by=None)


async def test_an_alert_that_goes_on_keeps_its_newest_figures(store: Store, ring: Ring, said: Said, now: datetime) -> None:
    """`occurrences` is the new total; evidence is added once, and only of mentions that exist."""
    async with store.begin() as tx:
        ids = (await tx.mentions.add([said(str(n)) for n in range(3)], source="feed", seen_at=now)).new
        await tx.commit()
    alert = await ring(evidence=tuple(ids[:2]))
    async with store.begin() as tx:
        await tx.alerts.again(
            alert.id,
            observed=20,
            expected=None,
            severity="critical",
            last_seen_at=now + HOUR,
            evidence=(*ids, 12345),
            occurrences=7,
            reasons=("more",),
        )
        now_stands = await tx.alerts.get(alert.id)
        assert await tx.alerts.evidence_count([alert.id]) == 3
        assert await tx.alerts.evidence_count([]) == 0
        assert await tx.alerts.evidence([], 5) == []
    assert now_stands is not None
    assert (now_stands.observed, now_stands.expected, now_stands.severity) == (20, None, "critical")
    assert (now_stands.occurrences, now_stands.last_seen_at, now_stands.told_at) == (7, now + HOUR, alert.told_at)
    assert tuple(now_stands.reasons) == ("more",)


async def test_open_alerts_are_found_by_kind(store: Store, ring: Ring, now: datetime) -> None:
    """What resolves alerts asks for few of them."""
    storm = await ring()
    complaint = await ring("complaint", kind="mention", fired_at=now - HOUR)
    async with store.read() as tx:
        assert [alert.id for alert in await tx.alerts.open_alerts()] == [storm.id, complaint.id]
        assert [alert.id for alert in await tx.alerts.open_alerts(kind="mention")] == [complaint.id]
        assert await tx.alerts.open_counts() == {"warning": 2}


async def test_of_two_who_acknowledge_one_does(store: Store, ring: Ring, now: datetime) -> None:
    """The first name stands, on the alert and on the incident."""
    alert = await ring()
    async with store.begin() as tx:
        assert await tx.alerts.acknowledge(alert.id, "ada", now)
        assert not await tx.alerts.acknowledge(alert.id, "grace", now)
        assert not await tx.alerts.acknowledge(999, "grace", now)
        assert await tx.incidents.acknowledge(alert.incident_id, "ada", now)
        assert not await tx.incidents.acknowledge(alert.incident_id, "grace", now)
        taken, incident = await tx.alerts.get(alert.id), await tx.incidents.get(alert.incident_id)
    assert taken is not None
    assert incident is not None
    assert (taken.acknowledged_by, taken.acknowledged_at, incident.acknowledged_by) == ("ada", now, "ada")


async def test_the_loudest_posts_come_first(store: Store, ring: Ring, said: Said, now: datetime) -> None:
    """Widest reach, then most reactions, then newest; unknown reach comes last, each mention once."""
    told = [
        ("unknown", Author("1"), Engagement(9, 9, 9), now),
        ("small", Author("2", reach=10), Engagement(shares=50), now),
        ("wide-quiet", Author("3", reach=900), Engagement(), now),
        ("wide-loud", Author("4", reach=900), Engagement(likes=3, replies=1), now - HOUR),
        ("anonymous-new", None, Engagement(), now),
        ("anonymous-old", None, Engagement(), now - HOUR),
    ]
    items = [said(text, by=by, text=text, engagement=loud, written_at=at) for text, by, loud, at in told]
    async with store.begin() as tx:
        ids = tuple((await tx.mentions.add(items, source="feed", seen_at=now)).new)
        await tx.commit()
    one, two = await ring(evidence=ids), await ring("complaint", evidence=ids[:2])
    async with store.read() as tx:
        loudest = await tx.alerts.evidence([one.id, two.id], 10)
        assert await tx.alerts.evidence_count([one.id, two.id]) == 6
        assert len(await tx.alerts.evidence([one.id], 2)) == 2
    assert [post.text for post in loudest] == ["wide-loud", "wide-quiet", "small", "unknown", "anonymous-new", "anonymous-old"]


async def test_an_incident_only_ever_gets_worse(store: Store, now: datetime) -> None:
    """Severity rises and never falls while an incident is open; its key is free again when it is over."""
    async with store.begin() as tx:
        incident = await tx.incidents.open(subject="brand", open_key="k", severity="warning", at=now)
        levels: tuple[tuple[Severity, bool], ...] = (("info", False), ("warning", False), ("critical", True), ("warning", False))
        for severity, changed in levels:
            assert await tx.incidents.raise_severity(incident.id, severity) is changed
        found = await tx.incidents.open_by_key("k")
        assert found is not None
        assert (found.severity, found.subject, found.opened_at) == ("critical", "brand", now)
        assert await tx.incidents.resolve(incident.id, now + HOUR)
        assert await tx.incidents.open_by_key("k") is None
        second = await tx.incidents.open(subject="brand", open_key="k", severity="info", at=now)
        assert [each.id for each in await tx.incidents.list()] == [second.id, incident.id]
        assert [each.id for each in await tx.incidents.list(open_only=True)] == [second.id]
        assert [each.id for each in await tx.incidents.list(before=second.id)] == [incident.id]
        assert await tx.incidents.get(999) is None
    async with store.begin() as tx:
        await tx.incidents.open(subject=None, open_key="k", severity="info", at=now)
        with pytest.raises(StorageError, match="contradicts another"):
            await tx.incidents.open(subject=None, open_key="k", severity="info", at=now)


async def test_a_silence_holds_from_its_start_until_before_its_end(store: Store, now: datetime) -> None:
    """Ending one early shortens it; what has ended cannot be ended."""
    async with store.begin() as tx:
        matcher = {"rule": "storm", "key": {"subject": "brand"}}
        number = await tx.silences.add(
            matcher=matcher, author="ada", reason="launch", created_at=now, starts_at=now + HOUR, ends_at=now + 3 * HOUR
        )
        silence = Silence(number, matcher, "ada", "launch", now, now + HOUR, now + 3 * HOUR)
        assert await tx.silences.active(now) == []
        assert await tx.silences.active(now + HOUR) == [silence]
        assert await tx.silences.active(now + 3 * HOUR) == []
        assert await tx.silences.end(number, now + 2 * HOUR)
        assert not await tx.silences.end(number, now + 2 * HOUR)
        assert not await tx.silences.end(999, now)
        assert await tx.silences.active(now + 2 * HOUR) == []
        assert await tx.silences.active(now + HOUR) == [replace(silence, ends_at=now + 2 * HOUR)]


async def test_a_silence_that_comes_again_says_when(store: Store, now: datetime) -> None:
    """Its times of the week are kept as they were written; it is found before its start, and by its number for ever."""
    async with store.begin() as tx:
        number = await tx.silences.add(
            matcher={"rule": "storm"}, author="ada", reason="nights", created_at=now, starts_at=now + HOUR,
            ends_at=now + 9 * HOUR, every=["22:00-07:00"], timezone="Europe/Paris",
        )  # fmt: skip
        (silence,) = await tx.silences.not_over(now)
        assert (silence.every, silence.timezone) == (["22:00-07:00"], "Europe/Paris")
        assert await tx.silences.active(now) == []
        assert await tx.silences.not_over(now + 9 * HOUR) == []
        assert await tx.silences.many([number, 999]) == {str(number): silence}


async def test_the_timeline_tells_who_did_what_when(store: Store, ring: Ring, now: datetime) -> None:
    """An incident's events in order, and the newest of all."""
    alert = await ring()
    async with store.begin() as tx:
        run = await tx.plans.open(
            plan="storm", incident_id=alert.incident_id, snapshot={}, steps=(), state=RunState.RUNNING, at=now
        )
        assert run is not None
        late = TimelineEvent(
            now + HOUR, "plan.opened", "ada", "cli", {"why": ["14 authors"]}, alert.incident_id, alert.id, run.id
        )
        early = TimelineEvent(now, "alert.opened", incident_id=alert.incident_id, alert_id=alert.id)
        other = TimelineEvent(now + 2 * HOUR, "daemon.started")
        for event in (late, early, other):
            await tx.timeline.add(event)
        assert await tx.timeline.of_incident(alert.incident_id) == [early, late]
        assert await tx.timeline.list() == [other, late, early]
        assert await tx.timeline.list(1) == [other]
        (first, second), rest = await tx.timeline.after(0, 2), await tx.timeline.after(2, 10)
        assert [first[1], second[1], *(event for _, event in rest)] == [late, early, other]
        assert await tx.timeline.after(rest[0][0], 10) == []
