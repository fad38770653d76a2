"""Campaigns: of what they make people say, a window needs more to ring; a real storm rings all the same."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.domain.mention import Observed
from rules import Campaign, Engine, Finding, RuleFile, States
from rules.campaign import Raised, Timetable
from rules.recurrence import recurrence

Mention = Callable[..., Observed]
NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
WINDOW: dict[str, Any] = {"id": "w", "kind": "window", "window": "1h", "fire": {"at_least": 3}}
LEARNT = WINDOW | {"fire": {"at_least": 3, "times_expected": 2}, "baseline": {"min_history": "12h"}}
SURPRISED = WINDOW | {"fire": {"at_least": 3, "surprise": 2.1}, "baseline": {"min_history": "12h"}}


def after(hours: float) -> datetime:
    """So many hours after noon."""
    return NOON + HOUR * hours


def sale(begin: float = 0, end: float = 24, times: Any = 3, name: str = "sale", **more: Any) -> Campaign:
    """A campaign from so many hours after noon until so many."""
    return Campaign(name, frozenset(more.pop("subjects", {"acme"})), after(begin), after(end), times, **more)


def build(rule: dict[str, Any], *campaigns: Campaign) -> Engine:
    """An engine of one rule."""
    return Engine(RuleFile.model_validate({"version": 1, "rules": [rule]}).effective(), {}, campaigns)


def feed(engine: Engine, mentions: Sequence[Observed], states: States | None = None) -> list[Finding]:
    """What rings."""
    states = States() if states is None else states
    return [finding for mention in mentions for finding in engine.observe(mention, states)]


def crowd(mention: Mention, number: int, begin: float, every: float, **said: Any) -> list[Observed]:
    """So many mentions, one every so many minutes."""
    first = round(begin * 1000)
    return [mention(first + n, at=after(begin) + timedelta(minutes=every * n), **said) for n in range(number)]


def test_the_floor_is_raised_and_the_reasons_say_by_which_campaign(mention: Mention) -> None:
    """Three times as many must speak; the figures of what is asked are those that count."""
    rule = WINDOW | {"raise": [{"at_least": 4, "severity": "critical"}]}
    assert feed(build(rule, sale()), crowd(mention, 8, 1, 1)) == []
    (finding,) = feed(build(rule, sale()), crowd(mention, 9, 1, 1))
    assert finding.severity == "warning"
    assert finding.reasons[-2:] == ("rings from 9 mentions", "the campaign “sale” multiplies the thresholds by 3")
    assert feed(build(rule, sale()), crowd(mention, 12, 1, 1))[-1].severity == "critical"
    (before, *_) = feed(build(rule, sale(begin=2)), crowd(mention, 3, 1, 1))
    assert before.reasons[-1] == "rings from 3 mentions"


def test_ratio_and_surprise_are_asked_of_so_many_times_the_usual(mention: Mention) -> None:
    """Ten an hour were usual: what would ring on any day does not ring in a campaign, and much more does."""
    usual = crowd(mention, 288, -48, 10)
    for rule, name in ((LEARNT, "times_expected"), (SURPRISED, "surprise")):
        flood, storm = crowd(mention, 20, 1, 3), crowd(mention, 120, 1, 0.5)
        assert any(not each.learning for each in feed(build(rule), [*usual, *flood])), name
        assert all(each.learning for each in feed(build(rule, sale()), [*usual, *flood])), name
        rang = [each for each in feed(build(rule, sale()), [*usual, *storm]) if not each.learning]
        assert rang, name
        assert rang[0].reasons[-1] == "the campaign “sale” multiplies the thresholds by 3"


def test_what_a_campaign_made_people_say_does_not_ring_after_it(mention: Mention) -> None:
    """It is in the window until a window's length later: so long as much more is asked."""
    usual = crowd(mention, 288, -48, 10)
    for rule in (LEARNT, SURPRISED):
        flood = [*crowd(mention, 60, 1, 3), *crowd(mention, 10, 4, 6)]
        engine = build(rule, sale(end=4))
        assert all(each.learning for each in feed(engine, [*usual, *flood]))


def test_a_campaign_teaches_nothing(mention: Mention) -> None:
    """When it is over, usual is what was usual before, also when it was put down and taken up again meanwhile."""
    usual, flood, last = crowd(mention, 288, -48, 10), crowd(mention, 480, 0, 3), mention(1, at=after(27))
    levels = []
    for campaigns in ((), (sale(),)):
        states = States()
        engine = build(SURPRISED, *campaigns)
        feed(engine, [*usual, *flood[:200]], states)
        states = States.load({key: json.loads(json.dumps(state)) for key, state in states.take_dirty().items() if state})
        feed(engine, [*flood[200:], last], states)
        (dumped,) = [state for state in states.take_dirty().values() if state]
        weight, total = dumped["usual"]
        levels.append((total / weight, dumped["surprise"]["level"]))
    (with_flood, flooded), (without, calm) = levels
    assert with_flood > 10
    assert without == pytest.approx(6, rel=0.1)
    assert flooded > 1.5 * calm


def test_a_campaign_is_about_its_subjects_and_rules(mention: Mention) -> None:
    """Others' windows are left alone; where a window counts several subjects together, it is one of them that counts."""
    rival = crowd(mention, 3, 1, 1, subjects={"rival"})
    assert feed(build(WINDOW, sale()), rival)
    assert feed(build(WINDOW, sale(times={"other": 9})), crowd(mention, 3, 1, 1))
    assert not feed(build(WINDOW, sale(times={"w": 2})), crowd(mention, 5, 1, 1))
    by_network = WINDOW | {"key": ["network"]}
    assert not feed(build(by_network, sale()), rival)
    assert feed(build(by_network | {"where": {"subjects": "rival"}}, sale()), rival)


def test_of_a_share_the_floor_alone_is_raised(mention: Mention) -> None:
    """It does not grow with how many speak, and could never reach three times itself."""
    rule = WINDOW | {"measure": {"share": {"sentiment": {"lte": -0.4}}}, "fire": {"at_least": 3, "share": 0.5}}
    angry = crowd(mention, 9, 1, 1, sentiment=-0.8)
    assert not feed(build(rule, sale()), angry[:8])
    (finding,) = feed(build(rule, sale()), angry)
    assert "rings from 9 mentions, 50% of the mentions" in finding.reasons


def test_a_campaign_mutes_nothing_that_can_be_counted(mention: Mention) -> None:
    """Of different authors, no more is asked than can be told apart."""
    rule = WINDOW | {"measure": {"distinct": "author"}, "fire": {"at_least": 4000}}
    found = build(rule, sale()).tick("w", {"subject": "acme"}, _seen(rule, mention), after(1))
    assert "rings from 5000 authors" in found.reasons


def _seen(rule: dict[str, Any], mention: Mention) -> States:
    states = States()
    feed(build(rule, sale()), [mention(1, at=after(1))], states)
    return states


def test_of_campaigns_that_overlap_the_highest_counts() -> None:
    """And the lower one from its end on."""
    table = Timetable([sale(0, 10, 2, "long"), sale(2, 4, 5, "short"), sale(3, 5, 1)], "w", 0)
    asked = [table.at(after(hour).timestamp()) for hour in (-1, 0, 2, 3.9, 4, 10)]
    assert asked == [None, Raised(2, "long"), Raised(5, "short"), Raised(5, "short"), Raised(2, "long"), None]


def test_a_campaign_may_come_again() -> None:
    """At weekends, for an hour longer each time; on the night to summer an hour shorter."""
    weekends = sale(0, 24 * 60, every=recurrence(["sun 00:00-24:00"], "Europe/Paris"))
    table = Timetable([weekends], "w", 3600)
    sunday = datetime(2026, 3, 29, tzinfo=ZoneInfo("Europe/Paris")).timestamp()
    assert table.at(sunday - 1) is None
    assert table.at(sunday) == table.at(sunday + 24 * 3600 - 1) == Raised(3, "sale")
    assert table.at(sunday + 24 * 3600) is None
    assert table.outside(sunday - 3600, sunday + 48 * 3600) == 25 * 3600


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(1, 20), st.integers(1, 5)), max_size=8), st.integers(-5, 90))
def test_at_every_moment_the_highest_of_all_counts(spans: list[tuple[int, int, int]], hour: int) -> None:
    """However they overlap."""
    table = Timetable([sale(begin, begin + length, times, "x") for begin, length, times in spans], "w", 0)
    now = [times for begin, length, times in spans if begin <= hour < begin + length and times > 1]
    found = table.at(after(hour).timestamp())
    assert (found.times if found else 1) == max(now, default=1)
    whole = table.outside(after(-5).timestamp(), after(90).timestamp())
    assert whole == 3600 * sum(table.at(after(each).timestamp()) is None for each in range(-5, 90))


@given(st.lists(st.floats(0, 4), min_size=1, max_size=40), st.floats(1, 5))
def test_a_campaign_never_makes_a_window_ring(mention: Mention, times_of_day: list[float], factor: float) -> None:
    """What rings within one rings without it, too."""
    mentions = [mention(n, at=after(hour)) for n, hour in enumerate(sorted(times_of_day))]
    assert len(feed(build(WINDOW, sale(times=factor)), mentions)) <= len(feed(build(WINDOW), mentions))
