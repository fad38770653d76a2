"""What holds of windows whatever is said: more never silences; order, repetition, other keys, restarts, sweeps change nothing."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.domain.mention import Observed
from rules import Engine, Finding, States
from rules.cases import History

if TYPE_CHECKING:
    from tests.rules.conftest import MakeDaemon

Mention = Callable[..., Observed]
Make = Callable[..., Engine]
Said = tuple[int, int, str, float | None]  # who, when (seconds), about what, sentiment

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
# A long hunt: TOCSIN_EXAMPLES=20000 .venv/bin/pytest tests/rules/test_rules_invariants.py
QUIET = History(rule="w", level=0, age=timedelta(days=14))
EXAMPLES = int(os.environ.get("TOCSIN_EXAMPLES", "40"))

COUNT: dict[str, Any] = {"id": "w", "kind": "window", "window": "1h", "fire": {"at_least": 3}}
PEOPLE = COUNT | {"measure": {"distinct": "author"}}
SCORED = {"where": {"sentiment": {"lt": 0}}}
USUAL = {"fire": {"at_least": 3, "times_expected": 1.5}, "baseline": {"min_history": "0s", "level": "6h"}}
SURPRISED: dict[str, Any] = {
    "fire": {"at_least": 2, "surprise": 0.6},
    "baseline": {"min_history": "1h", "level": "6h", "dispersion": "1d"},
}
SLOW = SURPRISED | {"baseline": {**SURPRISED["baseline"], "sensitivity": "high"}}
RULES = [each | more for each in (COUNT, PEOPLE) for more in ({}, USUAL, SURPRISED, SLOW, {"for": "4m"})]
RULES += [PEOPLE | SCORED | SURPRISED, PEOPLE | {"key": ["subject", "network"]}]
CARRIED = PEOPLE | {"signals": {"of": [{"id": "s", "new_term": {"field": "hashtags", "warm_up": "0s"}, "at_least": 2}]}}
RULES += [CARRIED, CARRIED | SCORED, CARRIED | {"for": "4m"}]
SEASONAL = COUNT | {
    "fire": {"at_least": 3, "times_expected": 1.5},
    "baseline": {"min_history": "14d", "level": "30d", "season": "hour_of_week"},
}
MEAN = COUNT | {
    "measure": {"mean": "sentiment"},
    "fire": {"at_least": 3, "drop": 0.5},
    "baseline": {"min_history": "0s", "level": "30d"},
}
MOODY = COUNT | {"signals": {"of": [{"id": "mood", "measure": {"mean": "sentiment"}, "at_least": 3, "drop": 0.5}]}}
MOODY |= {"baseline": MEAN["baseline"]}
LEVEL = COUNT | {"fire": SEASONAL["fire"], "baseline": MEAN["baseline"]}
SHARE = COUNT | {"measure": {"share": {"sentiment": {"lt": 0}}}, "fire": {"at_least": 2, "share": 0.4}}
SUM = COUNT | {"measure": {"sum": "author.reach"}, "fire": {"at_least": 60}}
DROP = MEAN | {"kind": "sentiment_drop"}
del DROP["measure"]
RULES += [SHARE, SUM, DROP]
LASTING_LONG = [SEASONAL, SEASONAL | SCORED, MEAN, MOODY, LEVEL]
RULES += LASTING_LONG

_said = st.tuples(
    st.integers(1, 6), st.integers(0, 4 * 3600), st.sampled_from(["acme", "globex"]), st.sampled_from([-1.0, -1.0, 1.0, None])
)


def _mentions(mention: Mention, said: Sequence[Said]) -> list[Observed]:
    return [
        _one(mention, number, who, at=NOON + timedelta(seconds=at), subjects={about}, sentiment=mood)
        for number, (who, at, about, mood) in enumerate(said, 1)
    ]


def _one(mention: Mention, number: int, who: int, **said: Any) -> Observed:
    """Every other author speaks of one thing, and the rest of another."""
    return mention(number, author=who, reach=10 * who, hashtags={"ab"[who % 2]}, **said)


def _fed(rules: Engine, mentions: Sequence[Observed], states: States) -> list[Finding]:
    return [finding for each in mentions for finding in rules.observe(each, states)]


@settings(max_examples=EXAMPLES)
@given(
    rule=st.sampled_from(RULES),
    said=st.lists(_said, max_size=40),
    cuts=st.sets(st.integers(0, 40)),
    sweeps=st.sets(st.integers(0, 40)),
)
def test_a_restart_between_any_two_changes_nothing(
    rule: dict[str, Any], said: list[Said], cuts: set[int], sweeps: set[int], mention: Mention, engine: Make, daemon: MakeDaemon
) -> None:
    """However often: the same findings, to the last digit, of mentions and of time that passes, and whatever is let go."""
    through, cut = daemon(engine(rule)), daemon(engine(rule))
    for number, each in enumerate(sorted(_mentions(mention, said), key=lambda each: each.written_at)):
        for one in (through, cut):
            one.hear(each)
            if number in sweeps:
                one.sweep(each.written_at)
        if number in cuts:
            cut.restart()
    for one in (through, cut):
        one.wait(NOON + timedelta(hours=6))
        one.sweep(NOON + timedelta(days=1))
    assert cut.rang == through.rang
    assert set(cut.states.keys("w", _shape(cut.rules))) == set(through.states.keys("w", _shape(through.rules)))


def _shape(rules: Engine) -> str:
    remembering = rules.remembering("w")
    assert remembering is not None
    return remembering.shape


FOUR_WEEKS: list[Said] = [
    (who, week * 7 * 86_400 + who * 300, "acme", mood) for week in range(4) for who, mood in enumerate([0.6, -0.6] * 3, 1)
]
"""Six people each Monday at noon, whose usual mood is nought."""

_later = st.tuples(
    st.integers(1, 6),
    st.integers(22 * 86_400, 34 * 86_400),
    st.sampled_from(["acme", "globex"]),
    st.sampled_from([-1.0, 0.6, None]),
)
_burst = st.lists(
    st.tuples(st.integers(1, 9), st.integers(0, 3600), st.just("acme"), st.sampled_from([-1.0, -1.0, 0.6])), max_size=12
)


@settings(max_examples=EXAMPLES)
@given(rule=st.sampled_from(LASTING_LONG), said=st.lists(_later, max_size=10), burst=_burst, sweeps=st.sets(st.integers(0, 820)))
def test_letting_go_of_silent_keys_changes_nothing(
    rule: dict[str, Any], said: list[Said], burst: list[Said], sweeps: set[int], mention: Mention, engine: Make
) -> None:
    """At whatever hour, for as long as what was said before still weighs: what rings a week later rings for the same."""
    rules, kept, swept = engine(rule), States(), States()
    then = [(who, 5 * 7 * 86_400 + at, about, mood) for who, at, about, mood in burst]
    mentions = sorted(_mentions(mention, [*FOUR_WEEKS, *said, *then]), key=lambda each: (each.written_at, each.id))
    hours = sorted(sweeps)
    rang: list[list[tuple[datetime, float]]] = [[], []]
    for each in mentions:
        while hours and NOON + hours[0] * timedelta(hours=1) <= each.written_at:
            rules.sweep(swept, NOON + hours.pop(0) * timedelta(hours=1))
        for found, states in zip(rang, (kept, swept), strict=True):
            found += [(finding.at, finding.observed) for finding in rules.observe(each, states)]
    assert rang[0] == rang[1]


@settings(max_examples=EXAMPLES)
@given(rule=st.sampled_from(RULES), said=st.lists(_said, max_size=40))
def test_splitting_a_stream_by_key_changes_nothing(
    rule: dict[str, Any], said: list[Said], mention: Mention, engine: Make, daemon: MakeDaemon
) -> None:
    """What is said of others is nothing to a window."""
    together, apart = daemon(engine(rule)), {subject: daemon(engine(rule)) for subject in ("acme", "globex")}
    for each in sorted(_mentions(mention, said), key=lambda each: each.written_at):
        together.hear(each)
        apart[next(iter(each.subjects))].hear(each)
    end = NOON + timedelta(hours=6)
    for one in (together, *apart.values()):
        one.wait(end)
    for subject, one in apart.items():
        assert [each for each in together.rang if each.subject == subject] == one.rang


@settings(max_examples=EXAMPLES)
@given(
    rule=st.sampled_from([rule for rule in RULES if "for" not in rule]),
    said=st.lists(_said, min_size=1, max_size=40),
    more=st.tuples(st.integers(1, 7), st.integers(0, 299)),
    level=st.sampled_from([0.0, 0.5, 3.0, 12.0]),
)
def test_one_more_in_the_current_window_never_silences(
    rule: dict[str, Any], said: list[Said], more: tuple[int, int], level: float, mention: Mention, engine: Make
) -> None:
    """With what is usual as it is: whatever rings, rings with one more that came in the last five minutes, and as loud."""
    rules = engine(rule | {"raise": [{"at_least": 5, "severity": "critical"}]})
    mentions = sorted(_mentions(mention, said), key=lambda each: each.written_at)
    end = mentions[-1].written_at
    extra = _one(mention, 99, more[0], at=max(end - timedelta(seconds=more[1]), NOON), sentiment=-1.0)
    last = mention(100, author=8, at=end, sentiment=-1.0)
    rang = []
    for stream in (mentions, [*mentions, extra]):
        states = States()
        if rule.keys() & {"baseline", "signals"}:
            rules.learnt(History(rule="w", level=level, age=timedelta(days=14)), {"subject": "acme"}, states, NOON)
        _fed(rules, stream, states)
        rang.append([each.severity for each in _fed(rules, [last], states)])
    without, with_ = rang
    assert not without or with_ in (without, ["critical"])


@pytest.mark.parametrize("rule", [COUNT, PEOPLE, CARRIED])
def test_who_comes_late_rings_what_he_would_have_rung_in_time(
    rule: dict[str, Any], mention: Mention, engine: Make, daemon: MakeDaemon
) -> None:
    """Three within the hour, the last of whom comes just after somebody else has moved the window on."""
    first, second, third, other = _mentions(
        mention, [(who, at, "acme", -1.0) for who, at in ((1, 0), (2, 9), (3, 3650), (4, 3665))]
    )
    for order in ([first, second, third, other], [first, second, other, third]):
        one = daemon(engine(rule), listened=QUIET)
        assert _fed(one.rules, order, one.states)


LATE = 15
"""So many minutes something may come late here."""

_late = st.lists(st.tuples(_said, st.integers(0, LATE * 60)), max_size=40)


def _arrived(mentions: Sequence[Observed], delays: Sequence[int]) -> list[Observed]:
    arrivals = {each.id: each.written_at + timedelta(seconds=late) for each, late in zip(mentions, delays, strict=True)}
    return sorted(mentions, key=lambda each: (arrivals[each.id], each.id))


def _shown(mentions: Sequence[Observed], at: datetime, *, people: bool) -> int:
    """How many there were within the hour, and the minute that is open: of all that were ever said."""
    minute = at.replace(second=0, microsecond=0)
    inside = [each for each in mentions if minute - 60 * MINUTE <= each.written_at < minute + MINUTE]
    return len({each.author.id for each in inside}) if people else len(inside)


@settings(max_examples=EXAMPLES)
@given(rule=st.sampled_from([COUNT, PEOPLE, CARRIED]), said=_late, cuts=st.sets(st.integers(0, 40)))
def test_the_order_inside_the_lateness_does_not_matter(
    rule: dict[str, Any], said: list[tuple[Said, int]], cuts: set[int], mention: Mention, engine: Make, daemon: MakeDaemon
) -> None:
    """Whatever rings in time rings late within the hour; nothing rings for more than was there; and a restart changes nothing."""
    rule = rule | {"keep_firing_for": "0s"}
    mentions = _mentions(mention, [(who, at, "acme", mood) for (who, at, _, mood), _ in said])
    arrived = _arrived(mentions, [late for _, late in said])
    through, cut, punctual = (daemon(engine(rule), listened=QUIET) for _ in range(3))
    in_time = _fed(punctual.rules, sorted(mentions, key=lambda each: (each.written_at, each.id)), punctual.states)
    for number, each in enumerate(arrived):
        for one in (through, cut):
            one.hear(each)
        if number in cuts:
            cut.restart()
    assert cut.rang == through.rang
    rang = through.rang
    hour = timedelta(hours=1)
    for finding in in_time:
        assert any(abs(finding.at - each.at) <= hour + MINUTE for each in rang), "it would have rung"
    for finding in rang:
        assert finding.observed <= _shown(mentions, finding.at, people="measure" in rule), "so many were never there"
    late = [each for each in rang if any(reason.startswith("late: ") for reason in each.reasons)]
    assert len({each.at for each in late}) == len(late), "told once"


@settings(max_examples=EXAMPLES)
@given(rule=st.sampled_from([PEOPLE, CARRIED]), said=_late, again=st.sets(st.integers(0, 39)))
def test_whoever_repeats_himself_changes_nothing(
    rule: dict[str, Any], said: list[tuple[Said, int]], again: set[int], mention: Mention, engine: Make, daemon: MakeDaemon
) -> None:
    """Where people are counted: whatever rings, rings at the same moments for as many, beside what they say once more."""
    mentions = _mentions(mention, [(who, at, "acme", mood) for (who, at, _, mood), _ in said])
    arrived = _arrived(mentions, [late for _, late in said])
    once, twice = daemon(engine(rule), listened=QUIET), daemon(engine(rule), listened=QUIET)
    for number, each in enumerate(arrived):
        once.hear(each)
        twice.hear(each)
        if number in again:
            found = len(twice.rang)
            twice.hear(replace(each, id=each.id + 1000))
            del twice.rang[found:]
    assert [(each.at, each.observed) for each in twice.rang] == [(each.at, each.observed) for each in once.rang]
