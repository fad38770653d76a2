"""Windows: what they count, when they ring, and what they remember."""

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
from rules import Calm, Engine, Finding, States
from rules.state import SLICES, Usual

Mention = Callable[..., Observed]
Make = Callable[..., Engine]

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
KEY = {"subject": "acme"}
WINDOW: dict[str, Any] = {"id": "w", "kind": "window", "window": "1h", "measure": {"distinct": "author"}, "fire": {"at_least": 3}}


def _after(minutes: float) -> datetime:
    return NOON + timedelta(minutes=minutes)


def _feed(engine: Engine, mentions: Sequence[Observed], states: States | None = None) -> list[Finding]:
    states = States() if states is None else states
    return [finding for mention in mentions for finding in engine.observe(mention, states)]


def _restarted(states: States) -> States:
    """To JSON, to the store, and back."""
    return States.load({key: json.loads(json.dumps(state)) for key, state in states.take_dirty().items() if state is not None})


def test_different_people_ring_and_one_loud_person_does_not(mention: Mention, engine: Make) -> None:
    """Five hundred posts of one bot count once."""
    bot = [mention(number, author=1, at=_after(number / 10)) for number in range(1, 501)]
    assert _feed(engine(WINDOW), bot) == []
    people = [mention(number, at=_after(number)) for number in range(1, 4)]
    (finding,) = _feed(engine(WINDOW), people)
    assert (finding.rule, finding.key, finding.subject, finding.at) == ("w", KEY, "acme", _after(3))
    assert (finding.observed, finding.measure, finding.window) == (3, "authors", timedelta(hours=1))
    assert (finding.learning, finding.expected) == (True, None)
    assert finding.reasons == ("3 authors within 1h", "what is usual is still being learnt (needs 1d)", "rings from 3 authors")


def test_a_count_counts_mentions(mention: Mention, engine: Make) -> None:
    """With `measure: count` each mention counts."""
    found = _feed(engine(WINDOW | {"measure": "count"}), [mention(number, author=1) for number in range(1, 5)])
    assert [finding.observed for finding in found] == [3, 4]
    assert found[0].measure == "mentions"


def test_an_unknown_author_is_somebody(mention: Mention, engine: Make) -> None:
    """Each mention without an author counts as one person: nobody is silenced for being anonymous."""
    assert len(_feed(engine(WINDOW), [mention(number, author=None) for number in range(1, 4)])) == 1


def test_a_share_counts_only_what_is_known(mention: Mention, engine: Make) -> None:
    """Three bad ones of four known; what could not be scored stands on neither side."""
    rule = WINDOW | {"measure": {"share": {"sentiment": {"lt": 0}}}, "fire": {"at_least": 3, "share": 0.7}}
    feelings = [-1, 1, None, None, -1, -1]
    (finding,) = _feed(engine(rule), [mention(number, sentiment=feeling) for number, feeling in enumerate(feelings, 1)])
    assert (finding.observed, finding.measure) == (0.75, "share")
    assert finding.evidence == (6, 5, 1)
    assert finding.reasons[0] == "75% of the mentions within 1h"
    assert finding.reasons[-1] == "rings from 3 mentions, 70% of the mentions"


def test_a_window_forgets_what_is_older(mention: Mention, engine: Make) -> None:
    """At most a sixtieth longer than asked, never shorter."""
    early = [mention(1), mention(2)]
    assert _feed(engine(WINDOW), [*early, mention(3, at=_after(60))])
    assert _feed(engine(WINDOW), [*early, mention(3, at=_after(61))]) == []


def test_late_mentions_count_where_they_belong(mention: Mention, engine: Make) -> None:
    """Inside the window they count, even if newer ones came first; older than the window they are left out."""
    newest = mention(1, at=_after(60))
    late = [newest, mention(2, at=_after(30)), mention(3, at=_after(5))]
    (finding,) = _feed(engine(WINDOW), late)
    assert (finding.observed, finding.at) == (3, _after(60))
    assert _feed(engine(WINDOW), [newest, mention(2, at=_after(-2)), mention(3, at=_after(-9))]) == []


def test_each_subject_has_its_own_window(mention: Mention, engine: Make) -> None:
    """A mention of two brands counts for both."""
    both = [mention(number, subjects={"acme", "globex"}) for number in range(1, 4)]
    assert [finding.key for finding in _feed(engine(WINDOW), both)] == [{"subject": "acme"}, {"subject": "globex"}]
    assert _feed(engine(WINDOW), [mention(number, subjects=set()) for number in range(1, 4)]) == []


def test_the_loudest_are_shown_first(mention: Mention, engine: Make) -> None:
    """By reach, then the newest; an unknown reach comes last; those that left the window are not shown."""
    rule = WINDOW | {"evidence": {"top": 3}, "fire": {"at_least": 1}}
    old = mention(1, reach=10**6, at=_after(-90))
    said = [mention(number, reach=reach, at=_after(number)) for number, reach in ((2, None), (3, 5), (4, 900), (5, 5))]
    assert _feed(engine(rule), [old, *said])[-1].evidence == (4, 5, 3)


def test_evidence_is_bounded_and_outlives_the_loudest(mention: Mention, engine: Make) -> None:
    """A hundred loud voices, then quiet ones: once the loud ones have left the window the quiet ones are shown."""
    rule = WINDOW | {"evidence": {"top": 20}, "fire": {"at_least": 1}}
    loud = [mention(number, reach=1000 + number, at=_after(0)) for number in range(1, 101)]
    quiet = [mention(number, reach=1, at=_after(30)) for number in range(101, 111)]
    states, rules = States(), engine(rule)
    _feed(rules, [*loud, *quiet], states)
    finding = rules.tick("w", KEY, states, _after(80))
    assert isinstance(finding, Finding)
    assert finding.evidence == (110, 109, 108, 107, 106)


def test_many_authors_are_a_lower_bound(mention: Mention, engine: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the bound those longest silent are forgotten first, and the alert says « at least »."""
    for place in ("rules.tally", "rules.kinds.window"):
        monkeypatch.setattr(f"{place}.AUTHORS_COUNTED", 10)
    states, rules = States(), engine(WINDOW)
    found = _feed(rules, [mention(number, at=_after(number)) for number in range(1, 31)], states)
    assert found[-1].observed == 10
    assert found[-1].reasons[0] == "at least 10 authors within 1h"
    after = rules.tick("w", KEY, states, _after(60 + 25))
    assert after.observed == 6, "the newest of them stay as long as the window is"


def test_what_is_usual_holds_a_busy_brand_back(mention: Mention, engine: Make) -> None:
    """Twelve an hour, day after day: fifteen are no news, forty are."""
    rule = WINDOW | {"fire": {"at_least": 3, "times_expected": 3}}
    rules, states = engine(rule), States()
    usual = [mention(number, at=NOON + timedelta(minutes=5 * number)) for number in range(12 * 24 * 4)]
    found = _feed(rules, usual, states)
    assert found[-1].learning
    assert found[-1].at - NOON < timedelta(days=1), "once a day is known, twelve an hour are usual"
    storm = [mention(10**6 + number, at=usual[-1].written_at + timedelta(seconds=10 * number)) for number in range(40)]
    finding = _feed(rules, storm, states)[-1]
    assert not finding.learning
    assert finding.expected == pytest.approx(12, rel=0.03)
    assert finding.reasons == (
        f"{finding.observed} authors within 1h, usually {finding.expected:,.1f}",
        "rings from 3 authors, 3 times the usual",
    )


def test_a_quiet_brand_is_usually_silent(mention: Mention, engine: Make) -> None:
    """One mention a week ago: next to nothing is usual, whatever the length of the silence."""
    rules, states = engine(WINDOW | {"fire": {"at_least": 2, "times_expected": 3}}), States()
    (finding,) = _feed(rules, [mention(1), mention(2, at=_after(7 * 1440)), mention(3, at=_after(7 * 1440 + 1))], states)
    assert finding.expected == pytest.approx(0, abs=0.01)


def test_a_share_without_mentions_teaches_nothing(mention: Mention, engine: Make) -> None:
    """Half were bad for an hour, then silence for days: half is still what is usual."""
    rule = WINDOW | {"measure": {"share": {"sentiment": {"lt": 0}}}, "fire": {"at_least": 1, "share": 0.1}}
    rules, states = engine(rule), States()
    _feed(rules, [mention(1, sentiment=-1), mention(2, sentiment=1)], states)
    (finding,) = _feed(rules, [mention(3, sentiment=-1, at=_after(5 * 1440))], states)
    assert finding.expected == pytest.approx(0.5)
    assert finding.reasons[0] == "100% of the mentions within 1h, usually 50% of the mentions"


def test_for_asks_that_it_lasts(mention: Mention, engine: Make) -> None:
    """It rings once the condition has held for so long without a break, with or without a new mention."""
    rules, states = engine(WINDOW | {"for": "10m"}), States()
    assert _feed(rules, [mention(number) for number in range(1, 4)], states) == []
    pending = rules.tick("w", KEY, states, _after(5))
    assert isinstance(pending, Calm)
    assert pending.pending_since == NOON
    assert rules.due(states, _after(9)) == []
    (finding,) = rules.due(states, _after(10))
    assert (finding.key, finding.at) == (KEY, _after(10))
    assert rules.due(states, _after(11)) == [], "it is told once; `tick` says how it goes on"


def test_for_starts_anew_after_a_break(mention: Mention, engine: Make) -> None:
    """Held, lapsed, held again: the clock starts at the second time."""
    rules, states = engine(WINDOW | {"for": "10m"}), States()
    _feed(rules, [mention(number) for number in range(1, 4)], states)
    again = [mention(number, at=_after(100)) for number in range(4, 7)]
    assert _feed(rules, again, states) == []
    assert _feed(rules, [mention(7, at=_after(109))], states) == []
    assert len(_feed(rules, [mention(8, at=_after(110))], states)) == 1


def test_a_rule_without_for_is_never_due(mention: Mention, engine: Make) -> None:
    """It has rung with the mention."""
    rules, states = engine(WINDOW), States()
    _feed(rules, [mention(number) for number in range(1, 4)], states)
    assert rules.due(states, _after(1)) == []


def test_it_keeps_firing_for_a_while(mention: Mention, engine: Make) -> None:
    """Over only when it has not held for `keep_firing_for`."""
    rules, states = engine(WINDOW), States()
    _feed(rules, [mention(number) for number in range(1, 4)], states)
    assert isinstance(rules.tick("w", KEY, states, _after(60)), Finding), "it still holds"
    assert isinstance(rules.tick("w", KEY, states, _after(89)), Finding), "it has held at 12:60"
    calm = rules.tick("w", KEY, states, _after(90))
    assert isinstance(calm, Calm)
    assert (calm.observed, calm.measure, calm.last_fired, calm.pending_since) == (0, "authors", _after(60), None)


def test_a_key_never_seen_is_calm(engine: Make) -> None:
    """And asking leaves no trace."""
    states = States()
    calm = engine(WINDOW).tick("w", KEY, states, NOON)
    assert isinstance(calm, Calm)
    assert calm.reasons == ("nothing was seen yet",)
    assert states.take_dirty() == {}


def test_only_windows_tick(engine: Make) -> None:
    """A mention rule has no window to look at."""
    with pytest.raises(KeyError, match="there is no window rule `m`"):
        engine(WINDOW, {"id": "m", "kind": "mention"}).tick("m", KEY, States(), NOON)


def test_silent_keys_are_forgotten(mention: Mention, engine: Make) -> None:
    """States stay bounded: a key goes once nothing is usual for it, and its state is deleted from the store."""
    rules, states = engine(WINDOW | {"key": ["author"]}), States()
    _feed(rules, [mention(number) for number in range(1, 101)], states)
    states.take_dirty()
    assert rules.sweep(states, _after(30)) == 0
    assert rules.sweep(states, NOON + timedelta(days=30)) == 100
    assert len(states) == 0
    assert set(states.take_dirty().values()) == {None}


def test_a_key_with_a_level_is_kept(mention: Mention, engine: Make) -> None:
    """What is usual there is worth remembering."""
    rules, states = engine(WINDOW), States()
    _feed(rules, [mention(number, at=_after(5 * number)) for number in range(300)], states)
    assert rules.sweep(states, _after(300 * 5 + 1440)) == 0
    assert len(states) == 1


def test_only_what_shapes_the_state_changes_the_shape(engine: Make) -> None:
    """Telling others keeps the state; counting otherwise starts anew. Mention rules have none."""
    plain = engine(WINDOW).shapes()
    assert engine(WINDOW | {"notify": "care", "severity": "info", "fire": {"at_least": 9}, "for": "5m"}).shapes() == plain
    for change in (
        {"where": {"network": "x"}},
        {"window": "30m"},
        {"measure": "count"},
        {"key": ["network"]},
        {"baseline": {"level": "7d"}},
    ):
        assert engine(WINDOW | change).shapes() != plain
    assert engine({"id": "m", "kind": "mention"}).shapes() == set()


def test_states_say_what_changed(mention: Mention, engine: Make) -> None:
    """Only what was touched since the last time is saved again."""
    rules, states = engine(WINDOW), States()
    _feed(rules, [mention(1), mention(2, subjects={"globex"})], states)
    assert len(states.take_dirty()) == 2
    assert states.take_dirty() == {}
    _feed(rules, [mention(3)], states)
    assert [key[2] for key in states.take_dirty()] == ['{"subject":"acme"}']


_RULES = [
    WINDOW,
    WINDOW | {"measure": "count"},
    WINDOW | {"fire": {"at_least": 2, "times_expected": 2}, "baseline": {"min_history": "2h", "level": "6h"}},
    WINDOW
    | {"measure": "count", "fire": {"at_least": 2, "times_expected": 1.5}, "baseline": {"min_history": "0s", "level": "2h"}},
    WINDOW | {"measure": {"share": {"sentiment": {"lt": 0}}}, "fire": {"at_least": 2, "share": 0.4}},
    WINDOW | {"for": "7m"},
]
_said = st.tuples(st.integers(1, 6), st.integers(0, 400), st.sampled_from([-1, -1, 1, None]))  # author, minute, sentiment


def _mentions(mention: Mention, said: Sequence[tuple[int, int, float | None]]) -> list[Observed]:
    return [mention(n, author=author, at=_after(minute), sentiment=mood) for n, (author, minute, mood) in enumerate(said, 1)]


@given(rule=st.sampled_from(_RULES), said=st.lists(_said, max_size=25), data=st.data())
def test_a_restart_changes_nothing(
    rule: dict[str, Any], said: list[tuple[int, int, float | None]], data: st.DataObject, mention: Mention, engine: Make
) -> None:
    """To JSON and back, at any moment: the same findings, to the last digit."""
    mentions = _mentions(mention, said)
    cut = data.draw(st.integers(0, len(mentions)))
    through = _feed(engine(rule), mentions)
    states = States()
    before = _feed(engine(rule), mentions[:cut], states)
    assert before + _feed(engine(rule), mentions[cut:], _restarted(states)) == through


@given(said=st.lists(_said, min_size=1, max_size=25), measure=st.sampled_from(["count", {"distinct": "author"}]), data=st.data())
def test_the_order_of_arrival_does_not_matter(
    said: list[tuple[int, int, float | None]], measure: Any, data: st.DataObject, mention: Mention, engine: Make
) -> None:
    """What is observed at a moment is what was written inside the window, in whatever order it came."""
    rules, states, at = engine(WINDOW | {"measure": measure}), States(), _after(400)
    _feed(rules, data.draw(st.permutations(_mentions(mention, said))), states)
    inside = [author for author, minute, _ in said if minute >= 400 - SLICES]
    seen = rules.tick("w", KEY, states, at)
    assert seen.observed == (len(inside) if measure == "count" else len(set(inside)))


@given(
    rule=st.sampled_from([rule for rule in _RULES if "for" not in rule]),
    said=st.lists(_said, min_size=1, max_size=25),
    more=st.tuples(st.integers(1, 7), st.integers(340, 400)),
    data=st.data(),
)
def test_one_more_never_silences(
    rule: dict[str, Any],
    said: list[tuple[int, int, float | None]],
    more: tuple[int, int],
    data: st.DataObject,
    mention: Mention,
    engine: Make,
) -> None:
    """If it holds at a moment, it holds with one more matching mention inside the window, whenever that arrives."""
    mentions = _mentions(mention, said)
    extra = mention(99, author=more[0], at=_after(more[1]), sentiment=-1)
    place = data.draw(st.integers(0, len(mentions)))
    without, with_ = States(), States()
    _feed(engine(rule), mentions, without)
    _feed(engine(rule), [*mentions[:place], extra, *mentions[place:]], with_)
    last = mention(100, author=8, at=_after(400), sentiment=-1)
    if _feed(engine(rule), [last], without):
        assert _feed(engine(rule), [last], with_)


@given(said=st.lists(st.tuples(st.integers(1, 4), st.integers(0, 300)), min_size=1, max_size=20))
def test_what_is_usual_is_the_fading_mean_of_what_was_shown(said: list[tuple[int, int]], mention: Mention, engine: Make) -> None:
    """The same as looking at the window in every past slice, one after the other."""
    rule = WINDOW | {"fire": {"at_least": 1}, "baseline": {"min_history": "0s", "level": "2h"}}
    said = sorted(said, key=lambda each: each[1])
    mentions = [mention(n, author=author, at=_after(minute)) for n, (author, minute) in enumerate(said, 1)]
    last = mention(99, author=9, at=_after(400))
    finding = _feed(engine(rule), [*mentions, last])[-1]
    weights = [(math.exp(-(400 - SLICES - minute) / 120), minute) for minute in range(said[0][1], 400 - SLICES)]
    shown = [len({author for author, at in said if minute - SLICES <= at <= minute}) for _, minute in weights]
    fading = sum(weight * value for (weight, _), value in zip(weights, shown, strict=True))
    assert finding.expected == pytest.approx(fading / sum(weight for weight, _ in weights))


@given(said=st.lists(st.integers(0, 59), min_size=1, max_size=12), data=st.data())
def test_late_mentions_teach_what_punctual_ones_would(
    said: list[int], data: st.DataObject, mention: Mention, engine: Make
) -> None:
    """Within one window, the order of arrival leaves no trace in what becomes usual either."""
    rule = WINDOW | {"measure": "count", "fire": {"at_least": 1}, "baseline": {"min_history": "0s"}}
    last = mention(99, at=_after(300))

    def usual(minutes: Sequence[int]) -> float | None:
        return _feed(engine(rule), [*(mention(n, at=_after(minute)) for n, minute in enumerate(minutes, 1)), last])[-1].expected

    assert usual(data.draw(st.permutations(said))) == pytest.approx(usual(sorted(said)))


@given(value=st.floats(0, 1e4), slices=st.integers(1, 500))
def test_an_unbroken_stretch_costs_one_step(value: float, slices: int) -> None:
    """Months of silence are learnt at once, with the same result as slice by slice."""
    once, often = Usual(1000), Usual(1000)
    for usual in (once, often):
        usual.learn(3, 10)
    once.learn(value, slices)
    for _ in range(slices):
        often.learn(value, 1)
    assert once.level == pytest.approx(often.level)
