"""What a story says that a rule had learnt before: as good as if it had learnt it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from monitor.domain.mention import Observed
from rules import Calm, Engine, Finding, States
from rules.cases import History
from rules.surprise import Surprise

Mention = Callable[..., Observed]
Make = Callable[..., Engine]

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
KEY = {"subject": "acme"}
WINDOW: dict[str, Any] = {
    "id": "w",
    "kind": "window",
    "window": "1h",
    "measure": {"distinct": "author"},
    "fire": {"at_least": 5, "times_expected": 2},
}
SURPRISED = WINDOW | {"fire": {"at_least": 5, "surprise": 2.1}}


def _after(minutes: float) -> datetime:
    return NOON + timedelta(minutes=minutes)


def _rang(rules: Engine, mention: Mention, people: int, **past: Any) -> list[Finding]:
    """What rings when so many people speak within ten minutes."""
    states = States()
    rules.learnt(History.model_validate({"rule": "w", "age": "14d"} | past), KEY, states, NOON)
    said = [mention(number, at=_after(number * 10 / people)) for number in range(1, people + 1)]
    return [finding for each in said for finding in rules.observe(each, states)]


def test_a_spike_is_one_above_what_is_usual(mention: Mention, engine: Make) -> None:
    """And the alert says what was usual."""
    rules = engine(WINDOW)
    first, *_ = _rang(rules, mention, 10, level=3)
    assert (first.observed, first.learning) == (6, False)
    assert first.expected == pytest.approx(3)
    assert _rang(rules, mention, 10, level=10) == []


def test_who_has_looked_for_a_short_while_still_learns(mention: Mention, engine: Make) -> None:
    """Then the floor alone decides, as for everybody."""
    assert [each.learning for each in _rang(engine(WINDOW), mention, 5, level=10, age="6h")] == [True]


@pytest.mark.parametrize("fire", [{"times_expected": 2}, {"surprise": 1}, {"times_expected": 2, "surprise": 1}])
def test_whoever_is_to_be_silent_while_learning_is(fire: dict[str, Any], mention: Mention, engine: Make) -> None:
    """However many come; once it knows what is usual, it rings as any other."""
    rules = engine(WINDOW | {"fire": {"at_least": 5, **fire}, "baseline": {"while_learning": "silent"}})
    assert not _rang(rules, mention, 200, level=3, age="23h")
    assert _rang(rules, mention, 200, level=3)


def test_a_silent_rule_says_why(mention: Mention, engine: Make) -> None:
    """To whoever asks how a window stands; and a chart draws that no value of a threshold would ring."""
    rules, states = engine(WINDOW | {"baseline": {"while_learning": "silent"}}), States()
    for number in range(1, 10):
        rules.observe(mention(number, at=_after(number)), states)
    calm = rules.tick("w", KEY, states, _after(10))
    assert isinstance(calm, Calm)
    assert calm.reasons[1:3] == ("what is usual is still being learnt (needs 1d)", "does not ring before that is known")
    reading = rules.read("w", KEY, states, _after(10))
    assert reading is not None
    assert set(reading.reached.values()) == {0.0}


def test_silence_needs_something_to_wait_for(engine: Make) -> None:
    """A floor alone learns nothing."""
    with pytest.raises(ValidationError, match=r"`baseline\.while_learning` does nothing where nothing is compared"):
        engine(WINDOW | {"fire": {"at_least": 5}, "baseline": {"while_learning": "silent"}})


def test_the_past_of_a_rule_by_the_hours_of_the_week_is_of_every_hour(mention: Mention, engine: Make) -> None:
    """Whatever the hour of the story."""
    rules = engine(WINDOW | {"baseline": {"season": "hour_of_week", "min_history": "14d"}, "timezone": "Europe/Paris"})
    first, *_ = _rang(rules, mention, 10, level=3, age="21d")
    assert (first.observed, first.expected, first.learning) == (6, 3, False)


@pytest.mark.parametrize("rule", [SURPRISED, SURPRISED | {"baseline": {"sensitivity": "high"}}])
def test_what_spreads_widely_is_less_surprising(rule: dict[str, Any], mention: Mention, engine: Make) -> None:
    """The same level, the same storm: a key that comes in bursts stays calm."""
    rules = engine(rule)
    assert _rang(rules, mention, 30, level=6, dispersion=0.1)
    assert not _rang(rules, mention, 30, level=6, dispersion=5)
    assert not _rang(rules, mention, 6, level=6, dispersion=0.1)


def test_it_goes_on_as_if_it_had_learnt_it(mention: Mention, engine: Make) -> None:
    """Days later, of the same voices, what is usual is what was said to be."""
    rules, states = engine(SURPRISED), States()
    rules.learnt(History(rule="w", level=6, age=timedelta(days=14)), KEY, states, NOON)
    for number in range(1, 1 + 6 * 72):
        assert rules.observe(mention(number, at=_after(number * 10)), states) == []
    calm = rules.tick("w", KEY, states, _after(72 * 60))
    assert isinstance(calm, Calm)
    assert calm.expected == pytest.approx(6, rel=0.05)


@pytest.mark.parametrize("level", [0.3, 2.5, 40.0])
def test_a_surprise_that_was_told_is_one_that_has_seen_as_much(level: float) -> None:
    """Beside one that really saw two weeks of it: level and sums agree, and nothing is surprising."""
    told, saw = Surprise(level=864, dispersion=2016), Surprise(level=864, dispersion=2016)
    told.learnt(level, None, buckets=4032, until=4032)
    for at in range(4032):
        saw.add(at, int(level * (at + 1)) - int(level * at))
    saw.advance(4032)
    one, other = told.dump(), saw.dump()
    assert (one["newest"], one["learnt"]) == (other["newest"], other["learnt"])
    assert [len(one[name]) for name in ("came", "expected")] == [len(other[name]) for name in ("came", "expected")]
    assert sum(one["came"]) == pytest.approx(sum(other["came"]), abs=1)
    assert one["level"] == pytest.approx(other["level"], abs=0.02, rel=0.02)
    assert one["faded"] == pytest.approx(other["faded"], abs=1, rel=0.02)
    assert told.score() == pytest.approx(0, abs=0.5)


def test_only_what_learns_has_a_past(engine: Make) -> None:
    """Whoever reads the file has said so already."""
    rules = engine({"id": "m", "kind": "mention"})
    with pytest.raises(KeyError, match="no rule `m` learns what is usual"):
        rules.learnt(History(rule="m", level=1, age=timedelta(days=1)), KEY, States(), NOON)
