"""How every source stands, as data."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from pydantic import SecretStr

from monitor.domain.clock import ManualClock
from monitor.domain.source import SourceState
from monitor.pipeline.source_standing import ErrorBudget, Quota, SourceStanding, standing, standings
from monitor.sources import FeedSettings, SourceSettings
from monitor.sources.budget import Budget
from monitor.sources.youtube import YouTubeSettings
from monitor.storage import Store

MINUTE = timedelta(minutes=1)
FEED = FeedSettings(kind="feed", url="https://news.example/feed.xml")


def of(clock: ManualClock, settings: SourceSettings = FEED, **state: object) -> SourceStanding:
    """How a source with such a state stands."""
    return standing(replace(SourceState("news"), **state), settings, clock)  # type: ignore[arg-type]


def test_a_source_that_was_never_asked(clock: ManualClock) -> None:
    """Nothing is known of it but its settings."""
    seen = of(clock)
    assert (seen.kind, seen.networks, seen.condition) == ("feed", ("web",), "never")
    assert (seen.answered_at, seen.lag, seen.next_poll, seen.errors.left, seen.quotas) == (None, None, None, None, ())


def test_a_source_that_is_well(clock: ManualClock) -> None:
    """Its lag is the age of its watermark, and it is asked again when its turn comes."""
    now = clock.now()
    seen = of(clock, last_attempt_at=now - MINUTE, last_success_at=now - MINUTE, watermark=now - 3 * MINUTE)
    assert (seen.condition, seen.lag, seen.next_poll) == ("well", 3 * MINUTE, now + MINUTE)
    ahead = of(clock, last_attempt_at=now, last_success_at=now, watermark=now + MINUTE)
    assert ahead.lag == timedelta(0)


def test_a_source_whose_network_asks_for_a_rest(clock: ManualClock) -> None:
    """All is well, and it is asked later."""
    now = clock.now()
    rests = of(clock, last_attempt_at=now, last_success_at=now, watermark=now, backoff_until=now + 10 * MINUTE)
    assert (rests.condition, rests.next_poll) == ("resting", now + 10 * MINUTE)


@pytest.mark.parametrize("backoff", [MINUTE, 10 * MINUTE], ids=["before its turn", "after its turn"])
def test_a_source_that_fails_is_asked_when_it_has_rested(clock: ManualClock, backoff: timedelta) -> None:
    """Sooner than its turn, or later."""
    now = clock.now()
    seen = of(clock, last_attempt_at=now, failures=2, trouble="timeout", detail="no answer", backoff_until=now + backoff)
    assert (seen.condition, seen.trouble, seen.failures, seen.next_poll) == ("failing", "timeout", 2, now + backoff)


def test_a_source_that_is_stopped_or_off_is_not_asked_again(clock: ManualClock) -> None:
    """Until a person has mended, or switched on, something."""
    now = clock.now()
    stopped = of(clock, last_attempt_at=now, trouble="credentials", stopped=True)
    off = of(clock, FEED.model_copy(update={"enabled": False}), last_attempt_at=now, last_success_at=now)
    assert [(each.condition, each.next_poll) for each in (stopped, off)] == [("stopped", None), ("off", None)]


@pytest.mark.parametrize(("failed", "left"), [(0, 1.0), (18, 0.5), (36, 0.0), (72, -1.0)])
def test_the_error_budget_is_a_share_of_the_polls(failed: int, left: float) -> None:
    """Of 720 polls one in twenty may fail: what is left is untouched, half, used up, overspent."""
    assert ErrorBudget(720, failed, 0.05).left == pytest.approx(left)


def test_what_is_left_of_a_quota_is_that_of_this_period(clock: ManualClock) -> None:
    """What was spent yesterday is no longer missing."""
    budget = Budget(amount=100, per="day")
    settings = YouTubeSettings(
        kind="youtube", channel="UC" + "x" * 22, key=SecretStr("k"), budget=budget, every=timedelta(hours=4)
    )
    today, yesterday = (budget.begun(clock.now() - timedelta(days=days)).isoformat(timespec="minutes") for days in (0, 1))
    assert of(clock, settings, spent={"day": (today, 30.0)}).quotas == (Quota("day", "", 100, 70),)
    assert of(clock, settings, spent={"day": (yesterday, 30.0)}).quotas == (Quota("day", "", 100, 100),)


async def test_all_sources_stand_in_the_order_of_the_configuration(store: Store, clock: ManualClock) -> None:
    """With the polls of the last day; what is no longer configured is not shown."""
    now: datetime = clock.now()
    async with store.begin() as tx:
        for name in ("gone", "b"):
            await tx.sources.succeeded(name, cursor=None, watermark=None, at=now - timedelta(days=2))
            await tx.sources.succeeded(name, cursor=None, watermark=None, at=now)
        await tx.sources.failed("b", trouble="timeout", detail="", at=now, backoff_until=now + MINUTE, stopped=False)
        await tx.commit()
    async with store.read() as tx:
        found = await standings(tx, {"b": FEED, "a": FEED}, clock)
    assert [(each.name, each.condition, each.errors.polls, each.errors.failed) for each in found] == [
        ("b", "failing", 2, 1),
        ("a", "never", 0, 0),
    ]
