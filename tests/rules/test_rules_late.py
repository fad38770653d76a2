"""What windows know of moments that are over: mentions that come late are counted there, neither too few nor too many."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.domain.mention import Observed
from rules import Engine, Finding, States
from rules.finding import Calm
from rules.state import SLICES, WindowState
from rules.surprise import BUCKETS, RING, Surprise
from rules.tally import Different, MeanOf, Mentions, ShareOf, SumOf, Tally

Mention = Callable[..., Observed]
Make = Callable[..., Engine]
Said = tuple[int, int, bool, float]  # slice, who, whether it matches, figure

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
COUNT: dict[str, Any] = {"id": "w", "kind": "window", "window": "1h", "fire": {"at_least": 3}, "keep_firing_for": "5m"}


def _mean(said: Sequence[Said]) -> float | None:
    return math.fsum(figure for *_, figure in said) / len(said) if said else None


def _share(said: Sequence[Said]) -> float | None:
    return sum(matches for _, _, matches, _ in said) / len(said) if said else None


MEASURES: dict[str, tuple[Callable[[], Tally], Callable[[Sequence[Said]], float | None]]] = {
    "count": (Mentions, len),
    "distinct": (Different, lambda said: len({who for _, who, _, _ in said})),
    "sum": (SumOf, lambda said: math.fsum(figure for *_, figure in said)),
    "share": (ShareOf, _share),
    "mean": (lambda: MeanOf(1000), _mean),
}


@pytest.mark.parametrize("measure", MEASURES)
@given(
    said=st.lists(st.tuples(st.integers(0, 200), st.integers(1, 4), st.booleans(), st.sampled_from([1.0, 2.0])), min_size=1),
    delays=st.lists(st.integers(0, 70), min_size=1),
    cut=st.integers(0, 50),
)
def test_the_past_is_what_was_said_then_whatever_the_order(measure: str, said: list[Said], delays: list[int], cut: int) -> None:
    """At each slice that is not older than a window: as counted of all that came, a restart in between included."""
    fresh, of = MEASURES[measure]

    def made() -> WindowState:
        return WindowState(fresh(), slice_seconds=60.0, half_life=86_400.0)

    state, taken = made(), []
    arrivals = sorted(enumerate(said), key=lambda each: each[1][0] + delays[each[0] % len(delays)])
    for number, (_, each) in enumerate(arrivals):
        at, who, matches, figure = each
        if state.add(at * 60.0 + 30, who, matches=matches, contributor=None, figure=figure):
            taken.append(each)
        if number == cut:
            state = made().load(json.loads(json.dumps(state.dump())))
    head = math.floor(state.latest / 60)
    begun = min(at for at, *_ in taken)
    for at in range(max(head - SLICES, begun), head):
        past = state.as_of(at * 60.0)
        assert past is not None
        expected = of([each for each in taken if at - SLICES <= each[0] <= at])
        assert past.tally.value == (expected if expected is None else pytest.approx(expected)), f"{at} of {head}"


def _fed(rules: Engine, mentions: Sequence[Observed], states: States) -> list[Finding]:
    return [finding for each in mentions for finding in rules.observe(each, states)]


def _said(mention: Mention, minutes: Sequence[float], **more: Any) -> list[Observed]:
    return [mention(n, author=n, at=NOON + at * MINUTE, **more) for n, at in enumerate(minutes, 1)]


def test_what_rings_late_says_so_and_of_when(mention: Mention, engine: Make) -> None:
    """With the figures and the posts of then, and the moment."""
    states = States()
    found = _fed(engine(COUNT), _said(mention, [0, 1, 70, 59]), states)
    assert [(each.at, each.observed, each.evidence) for each in found] == [
        (NOON + timedelta(minutes=59, seconds=59.94), 3, (4, 2, 1)),
    ]
    assert found[0].reasons[1] == "late: held at 2026-03-02 12:59 UTC, seen only now"


def test_one_peak_rings_late_once(mention: Mention, engine: Make) -> None:
    """More of the same that comes late is not told again; and what rang is over as soon as it has rested in its own time."""
    rules, states = engine(COUNT | {"fire": {"at_least": 5}}), States()
    found = _fed(rules, _said(mention, [0, 1, 2, 70, 59, 58, 57]), states)
    assert [each.observed for each in found] == [5]
    assert isinstance(rules.tick("w", {"subject": "acme"}, states, NOON + 71 * MINUTE), Calm)


def test_a_peak_that_turns_out_graver_is_told_again(mention: Mention, engine: Make) -> None:
    """Once for each severity."""
    rules = engine(COUNT | {"fire": {"at_least": 5}, "raise": [{"at_least": 6, "severity": "critical"}]})
    found = _fed(rules, _said(mention, [0, 1, 2, 70, 59, 58, 57]), States())
    assert [(each.severity, each.observed) for each in found] == [("warning", 5), ("critical", 6)]


def test_what_rang_in_time_is_not_told_late(mention: Mention, engine: Make) -> None:
    """Three rang at half past twelve; a fourth of that time comes later."""
    assert len(_fed(engine(COUNT), _said(mention, [0, 29, 30, 95, 33]), States())) == 1


def test_what_must_last_is_judged_by_what_is_there_now(mention: Mention, engine: Make) -> None:
    """Nobody knows of then whether it held without a break: not even where all ends of slices say so."""
    late = [*range(60), 110, 58]
    assert not _fed(engine(COUNT | {"for": "2m", "fire": {"at_least": 61}}), _said(mention, late), States())


def test_what_must_last_waits_no_less_for_what_comes_late(mention: Mention, engine: Make) -> None:
    """A late mention that is still in the window counts from when it came: two minutes after that it has lasted."""
    rules, states = engine(COUNT | {"for": "2m"}), States()
    assert not _fed(rules, _said(mention, [0, 10, 5]), states)
    assert not rules.due(states, NOON + 11 * MINUTE)
    assert [each.observed for each in rules.due(states, NOON + 12 * MINUTE)] == [3]


UNLESS: dict[str, dict[str, Any]] = {
    "mood": {"mean_sentiment": {"lt": 0}},
    "crowd": {"mentions": {"gte": 4}},
    "copies": {"copied": {"gte": 0.5}},
}


@pytest.mark.parametrize("unless", UNLESS)
@pytest.mark.parametrize("held_back", [True, False])
def test_what_is_held_back_is_judged_by_the_figures_of_then(
    unless: str, mention: Mention, engine: Make, *, held_back: bool
) -> None:
    """Whatever they are now, a restart in between included."""
    figures: dict[str, dict[str, Any]] = {"mood": {"sentiment": -1.0}, "copies": {"cluster": 1, "copies": 1}, "crowd": {}}
    holding, free = figures[unless], {"sentiment": 1.0}
    then, now = (holding, free) if held_back else (free, holding)
    first = _said(mention, [0, 1], **then)
    if unless == "crowd" and held_back:
        first += [mention(n, author=2, at=NOON + 2 * MINUTE) for n in (3, 4)]
    later = [mention(n, author=50, at=NOON + 110 * MINUTE, **now) for n in range(50, 54)]
    people = COUNT | {"measure": {"distinct": "author"}, "fire": {"at_least": 3}}  # of whom there are too few now
    rules, states = engine(people | {"unless": UNLESS[unless]}), States()
    _fed(rules, [*first, *later], states)
    saved = {key: json.loads(json.dumps(state)) for key, state in states.take_dirty().items() if state is not None}
    late = mention(99, author=99, at=NOON + 59 * MINUTE, **then)
    found = [each for each in rules.observe(late, States.load(saved)) if "late" in each.reasons[1]]
    assert len(found) == (0 if held_back else 1)


def test_a_share_rings_late(mention: Mention, engine: Make) -> None:
    """By how many there were of each then."""
    rule = COUNT | {"measure": {"share": {"sentiment": {"lt": 0}}}, "fire": {"at_least": 3, "share": 0.6}}
    cross = _said(mention, [0, 1, 70, 59], sentiment=-1.0)
    happy = [mention(10 + n, author=10 + n, at=NOON + 71 * MINUTE, sentiment=1.0) for n in range(5)]
    found = _fed(engine(rule), [*cross[:3], *happy, cross[3]], States())
    assert [(each.observed, each.reasons[0]) for each in found] == [(1.0, "100% of 3 mentions within 1h")]


@given(st.lists(st.integers(0, 6), min_size=RING + 30, max_size=120), st.integers(0, BUCKETS))
def test_a_surprise_as_of_then_is_what_it_was_then(counts: list[int], later: int) -> None:
    """But for what is usual, which is as it is now: what came and what was expected then are known."""
    then, now = (Surprise(level=864, dispersion=2016) for _ in range(2))
    for at, count in enumerate(counts):
        now.add(at, count)
        if at < len(counts) - later:
            then.add(at, count)
    past = now.as_of(len(counts) - 1 - later)
    assert past is not None
    was, said = then.dump(), past.dump()
    assert said["came"] == was["came"][-len(said["came"]) :]
    assert len(said["came"]) >= RING
    assert said["expected"] == was["expected"][-len(said["expected"]) :]
    assert said["faded"] == pytest.approx(was["faded"])
    assert (said["newest"], said["learnt"]) == (was["newest"], was["learnt"])
