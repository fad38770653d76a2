"""Means and sums, what must hold beside a window (`signals`), and what keeps it from ringing (`unless`)."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from monitor.domain.mention import Observed
from rules import Calm, Engine, Finding, RuleFile, States
from rules.tally import MeanOf

Mention = Callable[..., Observed]
Make = Callable[..., Engine]

MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
KEY = {"subject": "acme"}
DROP: dict[str, Any] = {"id": "mood", "kind": "sentiment_drop", "fire": {"drop": 0.25, "at_least": 10}}
WINDOW: dict[str, Any] = {"id": "w", "kind": "window", "window": "1h", "fire": {"at_least": 3}}
NOW = MONDAY + timedelta(days=3)


def _usual(mention: Mention, sentiment: float = 0.2, spread: float = 0.1) -> list[Observed]:
    """Three days, every ten minutes a mention, in a mood that varies a little."""
    tones = [sentiment + spread * (n % 3 - 1) for n in range(432)]
    return [mention(n + 1, at=MONDAY + n * 10 * MINUTE, sentiment=tone) for n, tone in enumerate(tones)]


def _feed(rules: Engine, mentions: Sequence[Observed], states: States) -> list[Finding]:
    return [finding for each in mentions for finding in rules.observe(each, states)]


def _restarted(states: States) -> States:
    return States.load({key: json.loads(json.dumps(state)) for key, state in states.take_dirty().items() if state is not None})


def _said(mention: Mention, count: int, first: int = 1000, **said: Any) -> list[Observed]:
    return [mention(first + n, at=NOW + n * MINUTE, **said) for n in range(count)]


def test_a_mood_that_sours_rings(mention: Mention, engine: Make) -> None:
    """It says how many were scored, what their mean is, what it was before, and what the rule asks."""
    states, rules = States(), engine(DROP)
    assert not _feed(rules, _usual(mention), states)
    states = _restarted(states)
    first, *_ = _feed(rules, [*_said(mention, 5, sentiment=None), *_said(mention, 30, 2000, sentiment=-0.6)], states)
    assert (first.rule, first.kind, first.key, first.measure) == ("mood", "sentiment_drop", KEY, "mean sentiment")
    assert first.observed < first.expected - 0.25  # type: ignore[operator]
    assert first.expected == pytest.approx(0.2, abs=0.01)
    assert first.window == 2 * HOUR
    assert first.unscored == 5
    assert first.reasons[0].startswith(f"a mean sentiment of {first.observed:.2f} in ")
    assert first.reasons[0].endswith(" scored mentions (5 not scored) within 2h, usually 0.20")
    assert first.reasons[1:] == ("rings from 10 mentions, a mean lower than usual by 0.25",)
    calm = rules.tick("mood", KEY, states, NOW + 4 * HOUR)
    assert isinstance(calm, Calm)


def test_a_mood_that_sours_further_rings_louder(mention: Mention, engine: Make) -> None:
    """By how much lower it is, or how many say so; while it learns, nothing rings anyway."""
    louder = [{"drop": 0.6, "at_least": 20, "severity": "critical"}]
    rules, states = engine(DROP | {"severity": "info", "raise": louder}), States()
    _feed(rules, _usual(mention), states)
    found = _feed(rules, _said(mention, 60, sentiment=-1.0), states)
    severe = [each for each in found if each.severity == "critical"]
    assert found[0].severity == "info"
    assert severe
    assert all((each.expected or 0) - each.observed >= 0.6 - 1e-9 for each in severe)
    assert rules.remembering("mood").shape == engine(DROP).remembering("mood").shape  # type: ignore[union-attr]


def test_few_voices_or_little_history_are_no_mood(mention: Mention, engine: Make) -> None:
    """Below the floor, and while it learns, nothing rings."""
    states, rules = States(), engine(DROP)
    usual = _usual(mention)
    _feed(rules, usual[:-12], states)
    assert not _feed(rules, _said(mention, 9, sentiment=-1), states)
    states = States()
    _feed(rules, usual[:100], states)
    bad = [mention(900 + n, at=usual[100].written_at + n * MINUTE, sentiment=-1) for n in range(40)]
    assert not _feed(rules, bad, states)


def test_a_mean_of_few_strays(mention: Mention, engine: Make) -> None:
    """Where moods vary widely a lower mean of ten is chance, and one of many is not."""
    rule = DROP | {"fire": {"drop": 0.25, "at_least": 8}}
    states, rules = States(), engine(rule)
    _feed(rules, _usual(mention, 0.0, 0.9)[:-12], states)
    assert not _feed(rules, _said(mention, 10, sentiment=-0.3), states)
    assert _feed(rules, _said(mention, 60, 3000, sentiment=-0.3), states)


@given(st.lists(st.tuples(st.integers(0, 30), st.none() | st.floats(-1, 1)), max_size=40), st.randoms())
def test_the_order_within_a_window_does_not_matter(said: list[tuple[int, float | None]], order: Any) -> None:
    """A mean is of what is there, in whatever order; what has no number is counted apart, and a dump holds all."""
    one, other = MeanOf(100.0), MeanOf(100.0)
    for at, figure in said:
        one.add(at, 0, matches=True, figure=figure)
    order.shuffle(said)
    for at, figure in said:
        other.add(at, 0, matches=True, figure=figure)
    other = _loaded(other)
    assert (one.floor, one.untold) == (other.floor, other.untold)
    assert (one.value is None) == (other.value is None)
    assert one.value is None or one.value == pytest.approx(other.value, abs=1e-9)
    for at in one.expiring(15):
        one.drop(at)
        other.drop(at)
    assert one.usual is None or one.usual == pytest.approx(other.usual, abs=1e-9)


def _loaded(tally: MeanOf) -> MeanOf:
    fresh = MeanOf(100.0)
    fresh.load(json.loads(json.dumps(tally.dump())))
    return fresh


def test_a_mean_may_ring_by_itself(mention: Mention, engine: Make) -> None:
    """Above or below a level, without knowing what is usual."""
    rule = WINDOW | {"measure": {"mean": "author.reach"}, "fire": {"at_least": 3, "above": 1000}}
    findings = _feed(engine(rule), [*_said(mention, 3, reach=10), *_said(mention, 3, 2000, reach=5000)], States())
    assert [finding.observed for finding in findings][:1] == [1257.5]
    assert findings[0].learning
    assert findings[0].reasons[0] == "a mean author.reach of 1,257.50 in 4 scored mentions within 1h"
    assert findings[0].reasons[-1] == "rings from 3 mentions, a mean of at least 1000"


def test_a_sum_counts_how_many_they_reach(mention: Mention, engine: Make) -> None:
    """An unknown reach adds nothing; what is usual is a sum, too; what comes late counts where it belongs."""
    rule = WINDOW | {"measure": {"sum": "author.reach"}, "fire": {"at_least": 1000, "times_expected": 3}}
    states, rules = States(), engine(rule)
    usual = [mention(n + 1, at=MONDAY + n * 10 * MINUTE, reach=100) for n in range(432)]
    assert not _feed(rules, usual, states)
    findings = _feed(_engine_of(engine, rule), _said(mention, 8, reach=300) + _said(mention, 1, 2000), _restarted(states))
    assert findings[0].observed >= 1800
    assert findings[0].expected == pytest.approx(600, abs=20)
    assert findings[0].measure == "sum author.reach"
    assert findings[0].reasons[0].startswith("a sum author.reach of ")
    assert findings[0].reasons[-1] == "rings from a sum author.reach of 1,000, 3 times the usual"


def _engine_of(engine: Make, rule: dict[str, Any]) -> Engine:
    return engine(rule)


SIGNALLED = WINDOW | {
    "where": {"text": {"any_of": ["fire"]}},
    "signals": {
        "need": 1,
        "of": [
            {"id": "mood", "measure": {"mean": "sentiment"}, "drop": 0.25, "at_least": 10, "window": "2h"},
            {"id": "loud", "measure": {"sum": "author.reach"}, "at_least": 100_000},
        ],
    },
}


def test_a_window_waits_for_its_signals(mention: Mention, engine: Make) -> None:
    """Many mentions alone do not ring; with a signal, in whatever order, they do, and the reasons name it."""
    states, rules = States(), engine(SIGNALLED)
    assert rules.shapes() > {("w", rules.remembering("w").shape)}  # type: ignore[union-attr]
    _feed(rules, _usual(mention), states)
    assert not _feed(rules, _said(mention, 20, text="fire", sentiment=0.2), states)
    states = _restarted(states)
    (loud, *_) = _feed(rules, [mention(5000, at=NOW + 21 * MINUTE, text="Look!", reach=200_000)], states)
    assert loud.observed == 20
    assert "signal loud: a sum author.reach of 200,000 within 1h, usually 0" in loud.reasons
    assert not any("signal mood" in reason for reason in loud.reasons)
    sour = _feed(rules, [mention(6000 + n, at=NOW + (22 + n) * MINUTE, sentiment=-0.9) for n in range(30)], states)
    assert any(reason.startswith("signal mood: a mean sentiment of -0.") for reason in sour[-1].reasons)


@pytest.mark.parametrize("usually", [-0.2, 0.0])
@pytest.mark.parametrize("rule", [DROP, SIGNALLED])
def test_a_mean_is_kept_for_as_long_as_its_past_weighs(
    rule: dict[str, Any], usually: float, mention: Mention, engine: Make
) -> None:
    """A usual mood of nought, or a bad one, is a mood, of a rule or of its signal: whoever forgot it would miss the next drop."""
    rules, states = engine(rule), States()
    _feed(rules, _usual(mention, usually), states)
    known = set(states.take_dirty())
    rules.sweep(states, NOW + 24 * HOUR)
    sour = [mention(5000 + n, at=NOW + 25 * HOUR + n * MINUTE, text="fire", sentiment=-0.9) for n in range(30)]
    assert _feed(rules, sour, states)
    for month in range(1, 13):
        rules.sweep(states, NOW + month * 30 * 24 * HOUR)
    assert not [each for each in known if each in states]


def test_a_signal_alone_rings_for_nothing(mention: Mention, engine: Make) -> None:
    """It is asked beside the window, not instead."""
    states, rules = States(), engine(SIGNALLED)
    assert not _feed(rules, _said(mention, 20, reach=200_000), states)


def test_both_signals_may_be_needed(mention: Mention, engine: Make) -> None:
    """`need: 2` of two."""
    rule = SIGNALLED | {"signals": SIGNALLED["signals"] | {"need": 2}}
    assert not _feed(engine(rule), _said(mention, 20, text="fire", reach=200_000), States())


@pytest.mark.parametrize(
    ("unless", "said", "rings"),
    [
        ({"mean_sentiment": {"gte": 0}}, {"sentiment": 0.4}, False),
        ({"mean_sentiment": {"gte": 0}}, {"sentiment": -0.4}, True),
        ({"mean_sentiment": {"gte": 0}}, {"sentiment": None}, True),
        ({"mean_sentiment": {"exists": False}}, {"sentiment": None}, False),
        ({"copied": {"gte": 0.5}}, {"cluster": 7, "copies": 1}, False),
        ({"copied": {"gte": 0.5}, "mean_sentiment": {"lt": 0}}, {"cluster": 7, "copies": 1, "sentiment": 0.4}, True),
        ({"mentions": {"gt": 4}}, {}, True),
    ],
)
def test_figures_of_the_window_keep_it_from_ringing(
    unless: dict[str, Any], said: dict[str, Any], rings: bool, mention: Mention, engine: Make
) -> None:
    """All that is asked must hold; what is unknown does not."""
    states, rules = States(), engine(WINDOW | {"unless": unless})
    assert bool(_feed(rules, _said(mention, 5, **said), states)) is rings
    standing = rules.tick("w", KEY, _restarted(states), NOW + 10 * MINUTE)
    assert isinstance(standing, Finding) is rings
    assert ("held back by `unless`" in standing.reasons) is (not rings or unless == {"mentions": {"gt": 4}})


def test_the_newest_may_be_shown_first(mention: Mention, engine: Make) -> None:
    """However large the others are, and however many came before."""
    loud = _said(mention, 30, reach=1_000_000)
    small = [mention(2000 + n, at=NOW + (30 + n) * MINUTE, reach=1) for n in range(5)]
    by_reach = _feed(engine(WINDOW), [*loud, *small], States())[-1].evidence
    newest = _feed(engine(WINDOW | {"evidence": {"by": "newest"}}), [*loud, *small], States())[-1].evidence
    assert set(by_reach) <= {each.id for each in loud}
    assert newest == (2004, 2003, 2002, 2001, 2000)


def test_a_busy_hour_is_usual_by_the_hour_of_the_week(mention: Mention, engine: Make) -> None:
    """Every Monday at nine forty mentions come: by one level they ring each week, by the hours of the week no more."""
    rule = WINDOW | {"fire": {"at_least": 20, "times_expected": 4}, "baseline": {"min_history": "14d", "level": "14d"}}
    mentions: list[Observed] = []
    for hour in range(24 * 35):
        at = MONDAY + hour * HOUR
        count = 40 if at.weekday() == 0 and at.hour == 9 else 3
        mentions += [mention(len(mentions) + n + 1, at=at + n * HOUR / count) for n in range(count)]
    plain = [each for each in _feed(engine(rule), mentions, States()) if not each.learning]
    seasonal = rule | {"baseline": {"min_history": "14d", "season": "hour_of_week"}, "timezone": "UTC"}
    states = States()
    half = len(mentions) // 2
    first = _feed(engine(seasonal), mentions[:half], states)
    by_hour = [each for each in first + _feed(engine(seasonal), mentions[half:], _restarted(states)) if not each.learning]
    assert plain
    assert not [each for each in by_hour if each.at.hour == 9 and each.at.minute > 40]
    assert len(by_hour) < len(plain)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"measure": {"mean": "sentiment"}}, "say in `fire` when it rings, for instance drop: 0.25"),
        ({"measure": {"mean": "sentiment"}, "fire": {"at_least": 3, "drop": 0.2, "surprise": 2}}, "use above, below or drop"),
        ({"measure": {"sum": "author.reach"}, "fire": {"at_least": 3, "surprise": 2}}, "use at_least and times_expected"),
        ({"measure": {"sum": "sentiment"}}, "'author.reach'"),
        ({"fire": {"at_least": 3, "drop": 0.2}}, "`fire.drop` needs `measure: {mean: …}`"),
        ({"raise": [{"below": 0.2, "severity": "critical"}]}, "`fire.below` needs `measure: {mean: …}`"),
        ({"baseline": {"season": "hour_of_week", "min_history": "21d"}}, "`baseline.season` is what `times_expected` goes by"),
        ({"baseline": {"season": "hour_of_week"}}, "write min_history: 21d, or remove `season`"),
        ({"unless": {}}, "asks nothing: add mean_sentiment, copied or mentions"),
        ({"signals": {"need": 2, "of": [{"id": "a", "at_least": 1}]}}, "need is 2, and there are 1 signals: it can never ring"),
        ({"signals": {"of": [{"id": "a", "at_least": 1}, {"id": "a", "at_least": 2}]}}, "two signals have one id"),
        ({"signals": {"of": []}}, "at least 1 item"),
        ({"signals": {"of": [{"id": "a", "at_least": 1, "drop": 0.2}]}}, "`fire.drop` needs `measure: {mean: …}`"),
        ({"signals": {"of": [{"id": "a", "at_least": 1, "measure": {"mean": "sentiment"}}]}}, "say in the signal when it rings"),
        ({"kind": "sentiment_drop", "fire": {"drop": 3}}, "less than or equal to 2"),
        ({"kind": "sentiment_drop", "fire": {}, "raise": [{"severity": "critical"}]}, "add drop or at_least"),
        (
            {"kind": "sentiment_drop", "fire": {}, "baseline": {"sensitivity": "high"}},
            "`baseline.sensitivity` does nothing for a mean",
        ),
    ],
)
def test_what_means_nothing_is_refused(change: dict[str, Any], says: str) -> None:
    """The error says what to write instead."""
    with pytest.raises(ValidationError) as wrong:
        RuleFile.model_validate({"version": 1, "rules": [WINDOW | change]})
    assert says in str(wrong.value)
