"""Windows: what they count, when they ring, and what they remember."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.domain.mention import Observed
from rules import Calm, Engine, Finding, States
from rules.kinds.figures import odds
from rules.state import SLICES, Usual

Mention = Callable[..., Observed]
Make = Callable[..., Engine]

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
KEY = {"subject": "acme"}
WINDOW: dict[str, Any] = {"id": "w", "kind": "window", "window": "1h", "measure": {"distinct": "author"}, "fire": {"at_least": 3}}


BY_HOUR: dict[str, Any] = {
    "fire": {"at_least": 3, "times_expected": 4},
    "baseline": {"min_history": "14d", "season": "hour_of_week"},
}
SURPRISED = WINDOW | {"fire": {"at_least": 2, "surprise": 0.5}, "baseline": {"min_history": "2h"}}


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


def test_what_is_usual_does_not_ring_and_what_is_surprising_does(mention: Mention, engine: Make) -> None:
    """Ten people an hour is what there always was; forty within the hour are not, and the reason says how seldom that is."""
    rule = WINDOW | {"fire": {"at_least": 5, "surprise": 2.1}, "baseline": {"min_history": "1d"}}
    states, rules = States(), engine(rule)
    usual = [mention(number, at=_after(number * 6)) for number in range(1, 721)]  # three days
    learning = _feed(rules, usual, states)
    assert learning
    assert all(finding.learning for finding in learning)
    storm = [mention(1000 + number, at=_after(720 * 6 + number)) for number in range(1, 41)]
    first, *_ = _feed(rules, storm, _restarted(states))
    assert 15 <= first.observed <= 25
    assert first.reasons[0] == f"{first.observed:.0f} authors within 1h, usually 10.1"
    assert re.fullmatch(r"a surprise of 2\.\d over 1h30m: about one time in 1\d\d by chance", first.reasons[1])
    assert first.reasons[-1] == "rings from 5 authors, a surprise of 2.1"


def test_a_storm_that_builds_up_slowly_rings_sooner_where_it_is_asked_for(mention: Mention, engine: Make) -> None:
    """The last buckets alone see it before the fading ones do."""
    usual = [mention(number, at=_after(number * 6)) for number in range(1, 721)]
    slowly = [mention(1000 + number, at=_after(720 * 6 + number * 3)) for number in range(1, 200)]
    rang = {}
    for sensitivity in ("normal", "high"):
        rule = WINDOW | {"fire": {"at_least": 5, "surprise": 2.1}, "baseline": {"sensitivity": sensitivity}}
        findings = [finding for finding in _feed(engine(rule), [*usual, *slowly]) if not finding.learning]
        rang[sensitivity] = findings[0].at
    assert rang["high"] < rang["normal"]


@pytest.mark.parametrize(
    ("surprise", "said"),
    [
        (0.3, "no surprise"),
        (2.5, "a surprise of 2.5 over 1h30m: about one time in 316 by chance"),
        (6.2, "a surprise of 6.2 over 1h30m: about one time in more than a million by chance"),
    ],
)
def test_a_surprise_is_said_in_words(surprise: float, said: str) -> None:
    """As odds, which nobody needs to know more precisely than to a million."""
    assert odds(surprise, timedelta(minutes=90)) == said


@pytest.mark.parametrize("others", [10, 20])
def test_one_loud_person_is_no_surprise(others: int, mention: Mention, engine: Make) -> None:
    """Where people are counted, whoever goes on and on is one of them, and not one every five minutes."""
    rule = WINDOW | {"fire": {"at_least": 3, "surprise": 2.1}, "baseline": {"min_history": "1d"}}
    states, rules = States(), engine(rule)
    _feed(rules, [mention(number, at=_after(number * others)) for number in range(1, 10_080 // others)], states)
    week = 10_080
    bot = [mention(10_000 + minute, author=7, at=_after(week + minute)) for minute in range(0, 240, 2)]
    crowd = [mention(20_000 + minute, at=_after(week + minute)) for minute in range(0, 240, others)]
    assert _feed(rules, sorted([*bot, *crowd], key=lambda each: each.written_at), states) == []


def test_a_rule_that_asks_for_surprise_keeps_what_it_had_learnt(mention: Mention, engine: Make) -> None:
    """Added to a rule, tuned or taken out: the level stays, and until enough is known of surprises the rest decides."""
    plain = WINDOW | {"fire": {"at_least": 5, "times_expected": 3}, "baseline": {"min_history": "1d"}}
    asking = WINDOW | {"fire": {"at_least": 5, "times_expected": 3, "surprise": 2.1}, "baseline": {"min_history": "1d"}}
    tuned = asking | {"baseline": {"min_history": "1d", "dispersion": "3d", "sensitivity": "high"}}
    states = States()
    _feed(engine(plain), [mention(number, at=_after(number * 10)) for number in range(1, 433)], states)
    for rule, day in ((asking, 3), (tuned, 4), (plain, 5), (asking, 6)):
        usual = [mention(day * 1000 + number, at=_after(day * 1440 + number * 10)) for number in range(1, 144)]
        rules, states = engine(rule), _restarted(states)
        assert _feed(rules, usual, states) == []
        assert rules.shapes() == engine(plain).shapes()


@pytest.mark.parametrize("setting", [{"dispersion": "3d"}, {"sensitivity": "high"}])
def test_settings_of_a_surprise_that_nobody_asks_for_are_refused(setting: dict[str, str], engine: Make) -> None:
    """They would do nothing."""
    with pytest.raises(ValueError, match=f"`baseline.{next(iter(setting))}` does nothing without `fire.surprise`"):
        engine(WINDOW | {"baseline": setting})


def test_a_campaign_of_copies_counts_once(mention: Mention, engine: Make) -> None:
    """Forty accounts that paste one text are one text; people who found their own words are many, however few words."""
    rules = engine(WINDOW | {"measure": {"distinct": "cluster"}})
    pasted = [mention(number, at=_after(number / 10), cluster=77, copies=number - 1) for number in range(1, 41)]
    assert _feed(rules, pasted) == []
    own = [mention(41, cluster=5), mention(42, cluster=6), mention(43)]
    (finding,) = _feed(rules, own)
    assert (finding.observed, finding.measure) == (3, "texts")
    assert finding.reasons[0] == "3 texts within 1h"
    assert finding.reasons[-1] == "rings from 3 texts"
    assert [each.observed for each in _feed(rules, [mention(44), mention(45)])] == []


@pytest.mark.parametrize(
    ("copies", "others", "said"),
    [
        (12, 28, ["12 of 40 mentions are copies of one text"]),
        (3, 27, ["3 of 30 mentions are copies of one text"]),
        (3, 28, []),
        (2, 1, []),
    ],
)
def test_a_finding_says_that_a_crowd_says_one_text(
    copies: int, others: int, said: list[str], mention: Mention, engine: Make
) -> None:
    """From three copies, if they are a tenth of all; of several texts the one with most copies."""
    rule = WINDOW | {"measure": "count", "fire": {"at_least": copies + others}}
    pasted = [mention(number, cluster=7, copies=number) for number in range(1, copies + 1)]
    aside = [mention(copies + 1, cluster=9, copies=1)]
    plain = [mention(number, cluster=number) for number in range(copies + 2, copies + others + 1)]
    (finding,) = _feed(engine(rule), [*aside, *pasted, *plain])
    assert [reason for reason in finding.reasons if "copies" in reason] == said
    assert finding.copies == copies


def test_copies_leave_with_the_window(mention: Mention, engine: Make) -> None:
    """And with them the sentence."""
    rules, states = engine(WINDOW | {"measure": "count"}), States()
    _feed(rules, [mention(number, cluster=7, copies=number) for number in range(1, 6)], states)
    later = _feed(rules, [mention(number, at=_after(90)) for number in range(6, 9)], _restarted(states))
    assert [reason for reason in later[-1].reasons if "copies" in reason] == []


def test_only_so_many_copied_texts_are_counted(mention: Mention, engine: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those with the fewest copies are forgotten, so that a state stays small; a new one has its chance."""
    monkeypatch.setattr("rules.tally.TEXTS_COUNTED", 2)
    clusters = [70, 70, 60, 61, 62, 70, 1, 1, 1, 1]
    said = [mention(number, cluster=cluster, copies=1) for number, cluster in enumerate(clusters, 1)]
    found = _feed(engine(WINDOW | {"measure": "count"}), said)
    assert "3 of 6 mentions are copies of one text" in found[3].reasons
    assert "4 of 10 mentions are copies of one text" in found[-1].reasons


def test_copies_can_be_asked_for(mention: Mention, engine: Make) -> None:
    """A rule may ring for the tenth copy of a text, or leave copies out."""
    rules = engine({"id": "pasted", "kind": "mention", "where": {"copies": {"gte": 10}}})
    assert [len(_feed(rules, [mention(1, copies=copies)])) for copies in (0, 9, 10)] == [0, 0, 1]
    assert _feed(engine({"id": "own", "kind": "mention", "where": {"copies": 0}}), [mention(1)])


_BAD = WINDOW | {"where": {"subjects": "acme", "any": [{"sentiment": {"lte": -0.4}}, {"complaint": {"gte": 0.6}}]}}


def test_what_could_not_be_scored_is_told_beside_what_was_counted(mention: Mention, engine: Make) -> None:
    """An abstention is neither a complaint nor peace."""
    said = [
        *(mention(number, sentiment=None) for number in range(1, 4)),
        mention(4, sentiment=0.9, complaint=0.1),
        mention(5, sentiment=None, subjects={"globex"}),
        *(mention(number, sentiment=-0.9, at=_after(1)) for number in range(6, 9)),
    ]
    (finding,) = _feed(engine(_BAD), said)
    assert finding.reasons[0] == "3 authors (3 more could not be scored) within 1h"
    assert (finding.observed, finding.unscored) == (3, 3)


def test_only_a_missing_score_counts_as_not_scored(mention: Mention, engine: Make) -> None:
    """Whose reach nobody knows is not for that unscored."""
    rule = WINDOW | {"where": {"sentiment": {"lte": -0.4}, "author.reach": {"gte": 5}}}
    said = [mention(number, sentiment=-0.9, reach=None if number < 3 else 9) for number in range(1, 6)]
    (finding,) = _feed(engine(rule), said)
    assert finding.reasons[0] == "3 authors within 1h"


def test_what_was_not_scored_leaves_with_the_window(mention: Mention, engine: Make) -> None:
    """Whether something matched before or not, and through a restart."""
    rules, states = engine(_BAD), States()
    _feed(rules, [mention(1, sentiment=None), mention(2, sentiment=None, at=_after(30))], states)
    states = _restarted(states)
    assert rules.tick("w", KEY, states, _after(31)).observed == 0
    bad = [mention(number, sentiment=-0.9, at=_after(75)) for number in range(3, 6)]
    (finding,) = _feed(rules, bad, states)
    assert finding.reasons[0] == "3 authors (1 more could not be scored) within 1h"
    _feed(rules, [mention(6, sentiment=None, at=_after(-500))], states)  # too late to say anything
    (finding,) = _feed(rules, [mention(7, sentiment=-0.9, at=_after(100))], states)
    assert finding.reasons[0] == "4 authors within 1h"


@pytest.mark.parametrize("more", [{}, BY_HOUR])
def test_a_window_that_only_saw_unscored_mentions_is_let_go(more: dict[str, Any], mention: Mention, engine: Make) -> None:
    """It holds nothing worth keeping, never grows beyond its window, and is asked for no hour of the week."""
    rules, states = engine(_BAD | more), States()
    _feed(rules, [mention(number, sentiment=None, at=_after(number)) for number in range(500)], states)
    (state,) = states.take_dirty().values()
    assert state is not None
    assert len(state["beside"][1]) <= SLICES + 1
    assert rules.due(states, _after(500)) == []
    assert rules.sweep(states, _after(500)) == 1


def test_a_state_of_an_earlier_version_is_read(mention: Mention, engine: Make) -> None:
    """It knows of no copies and of nothing unscored."""
    rules, states = engine(WINDOW), States()
    _feed(rules, [mention(1), mention(2)], states)
    ((key, state),) = states.take_dirty().items()
    assert state is not None
    del state["beside"]
    (finding,) = _feed(rules, [mention(3)], States.load({key: state}))
    assert finding.observed == 3


def test_a_count_counts_mentions(mention: Mention, engine: Make) -> None:
    """With `measure: count` each mention counts."""
    found = _feed(engine(WINDOW | {"measure": "count"}), [mention(number, author=1) for number in range(1, 5)])
    assert [finding.observed for finding in found] == [3, 4]
    assert found[0].measure == "mentions"


def test_an_unknown_author_is_somebody(mention: Mention, engine: Make) -> None:
    """Each mention without an author counts as one person: nobody is silenced for being anonymous."""
    assert len(_feed(engine(WINDOW), [mention(number, author=None) for number in range(1, 4)])) == 1


def test_a_share_counts_only_what_is_known(mention: Mention, engine: Make) -> None:
    """Three bad ones of four known; what could not be scored stands on neither side, and is told beside it."""
    rule = WINDOW | {"measure": {"share": {"sentiment": {"lt": 0}}}, "fire": {"at_least": 3, "share": 0.7}}
    feelings = [-1, 1, None, None, -1, -1]
    (finding,) = _feed(engine(rule), [mention(number, sentiment=feeling) for number, feeling in enumerate(feelings, 1)])
    assert (finding.observed, finding.measure) == (0.75, "share")
    assert finding.evidence == (6, 5, 1)
    assert finding.reasons[0] == "75% of 4 scored mentions (2 not scored) within 1h"
    assert finding.unscored == 2
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
    for place in ("rules.tally", "rules.kinds.figures"):
        monkeypatch.setattr(f"{place}.DISTINCT_COUNTED", 10)
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
    assert finding.reasons[0] == "100% of 1 mentions within 1h, usually 50% of the mentions"


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
    with pytest.raises(KeyError, match="no rule `m` remembers anything"):
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


def test_a_key_is_kept_for_its_busiest_hour(mention: Mention, engine: Make) -> None:
    """However quiet the hour is in which silent keys are let go; once that has faded, too, it goes."""
    rules, states = engine(WINDOW | BY_HOUR), States()
    hours = [NOON + timedelta(weeks=week, minutes=minute) for week in range(4) for minute in range(40)]
    _feed(rules, [mention(number, at=at) for number, at in enumerate(hours, 1)], states)
    assert rules.sweep(states, NOON + timedelta(days=23, hours=15)) == 0
    gone = [rules.sweep(states, NOON + timedelta(weeks=8 * number)) for number in range(1, 20)]
    assert sum(gone) == 1


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
    WINDOW | {"measure": {"distinct": "cluster"}, "where": {"sentiment": {"lt": 0}}},
]
_said = st.tuples(st.integers(1, 6), st.integers(0, 400), st.sampled_from([-1, -1, 1, None]))  # author, minute, sentiment


def _mentions(mention: Mention, said: Sequence[tuple[int, int, float | None]]) -> list[Observed]:
    return [
        mention(n, author=author, at=_after(minute), sentiment=mood, cluster=minute % 3 or None, copies=minute % 2)
        for n, (author, minute, mood) in enumerate(said, 1)
    ]


@given(rule=st.sampled_from([*_RULES, SURPRISED]), said=st.lists(_said, max_size=25), data=st.data())
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


def test_the_last_digit_of_what_is_usual_decides_nothing(mention: Mention, engine: Make) -> None:
    """One author was usual, two is exactly twice as many, in however many steps that was learnt."""
    rule = WINDOW | {
        "measure": {"distinct": "author"},
        "fire": {"at_least": 2, "times_expected": 2},
        "baseline": {"min_history": "2h", "level": "6h"},
    }
    for minutes in ([280, 396], [280, 396, 397]):
        said = [mention(number, author=1, at=_after(minute)) for number, minute in enumerate(minutes, 1)]
        assert _feed(engine(rule), [*said, mention(9, author=8, at=_after(400))])


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
    """If it holds at a moment, it holds with one more matching mention inside the window, whenever that arrives.

    It arrives after those that its window would take for too old: without them, something else would be usual.
    """
    mentions = _mentions(mention, said)
    extra = mention(99, author=more[0], at=_after(more[1]), sentiment=-1)
    earliest = max((n for n, (_, minute, _) in enumerate(said, 1) if minute < more[1] - SLICES), default=0)
    place = data.draw(st.integers(earliest, len(mentions)))
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
    weights = [(2 ** (-(400 - SLICES - minute) / 120), minute) for minute in range(said[0][1], 400 - SLICES)]
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


def test_more_people_make_a_window_louder(mention: Mention, engine: Make) -> None:
    """From the count that `raise` names on, until it is over; of several the loudest counts."""
    louder = [{"at_least": 5, "severity": "critical"}, {"at_least": 4, "severity": "info"}]
    rule = WINDOW | {"severity": "warning", "raise": louder}
    found = _feed(engine(rule), [mention(number, at=_after(number)) for number in range(1, 7)])
    assert [(each.observed, each.severity) for each in found] == [
        (3, "warning"),
        (4, "warning"),
        (5, "critical"),
        (6, "critical"),
    ]


def test_what_is_not_known_yet_makes_nothing_louder(mention: Mention, engine: Make) -> None:
    """While it is still learnt what is usual, neither a multiple nor a surprise is asked; later both must hold."""
    raised = {"times_expected": 3, "surprise": 2, "severity": "critical"}
    rule = WINDOW | {"fire": {"at_least": 5}, "baseline": {"min_history": "1d", "sensitivity": "high"}, "raise": [raised]}
    states, rules = States(), engine(rule)
    learning = _feed(rules, [mention(number, at=_after(number * 6)) for number in range(1, 481)], states)
    assert {each.severity for each in learning} == {"warning"}
    storm = _feed(rules, [mention(1000 + number, at=_after(2880 + number)) for number in range(1, 61)], states)
    assert [each.severity for each in storm[:2]] == ["warning", "warning"]
    assert storm[-1].severity == "critical"
    first = next(each for each in storm if each.severity == "critical")
    assert first.observed >= 3 * (first.expected or 0)


def test_a_share_is_raised_by_a_share(mention: Mention, engine: Make) -> None:
    """And nothing else may ask for one."""
    measure = {"share": {"sentiment": {"lt": 0}}}
    rule = WINDOW | {"measure": measure, "fire": {"at_least": 2, "share": 0.3}, "raise": [{"share": 0.6, "severity": "critical"}]}
    moods = [1, 1, 1, -1, -1, -1, -1, -1, -1]
    found = _feed(engine(rule), [mention(number, sentiment=mood) for number, mood in enumerate(moods, 1)])
    assert [each.severity for each in found] == ["warning"] * 3 + ["critical"] * 2
    with pytest.raises(ValueError, match=r"`fire\.share` needs `measure:"):
        engine(WINDOW | {"raise": [{"share": 0.6, "severity": "critical"}]})
    with pytest.raises(ValueError, match="says no more than a severity"):
        engine(WINDOW | {"raise": [{"severity": "critical"}]})
