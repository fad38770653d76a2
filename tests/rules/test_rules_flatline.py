"""Flatlines: when silence rings, when it means nothing, and what is remembered of what is usual."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from monitor.domain.mention import Observed
from rules import Calm, Engine, Finding, FlatlineRule, RuleFile, States
from rules.cases import History
from rules.chance import improbability, scarcity
from rules.season import HourOfWeek, Level, hour_of_week
from rules.traffic import AHEAD, Traffic

Mention = Callable[..., Observed]
Make = Callable[..., Engine]

MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
KEY = {"subject": "acme"}
FLAT: dict[str, Any] = {
    "id": "flat",
    "kind": "flatline",
    "window": "6h",
    "fire": {"surprise": 3, "at_most_expected": 0.2},
    "baseline": {"min_history": "3d"},
}
SEASONAL = FLAT | {
    "window": "2h",
    "fire": {"at_most_expected": 0.2},
    "timezone": "Europe/Paris",
    "baseline": {"season": "hour_of_week", "min_history": "14d"},
}


EAGER = FLAT | {"fire": {"surprise": 1.5}, "raise": [{"surprise": 4, "severity": "critical"}]}
END = MONDAY + timedelta(days=5)


def _steady(mention: Mention, until: timedelta, every: timedelta = 12 * MINUTE, first: int = 1, **said: Any) -> list[Observed]:
    return [mention(first + n, at=MONDAY + n * every, **said) for n in range(int(until / every))]


def _live(
    rules: Engine, mentions: Sequence[Observed], until: datetime, states: States | None = None, since: datetime = MONDAY
) -> Iterator[Finding]:
    """What rings, looked at every half hour as the mentions come."""
    states = States() if states is None else states
    waiting, now = list(mentions), since
    while now <= until:
        while waiting and waiting[0].written_at <= now:
            assert rules.observe(waiting.pop(0), states) == []
        yield from rules.due(states, now)
        now += 30 * MINUTE


def test_traffic_that_stops_rings_once_it_is_too_improbable(mention: Mention, engine: Make) -> None:
    """Thirty in six hours are usual; when a fifth of that is left, it rings and says so, at each look until traffic is back."""
    states, rules = States(), engine(FLAT)
    end = MONDAY + timedelta(days=5)
    first, *more = _live(rules, _steady(mention, timedelta(days=5)), end + 8 * HOUR, states)
    assert end + 4 * HOUR <= first.at <= end + 6 * HOUR
    assert (first.rule, first.kind, first.key, first.subject) == ("flat", "flatline", KEY, "acme")
    assert (first.measure, first.window, first.learning, first.evidence) == ("mentions", 6 * HOUR, False, ())
    assert first.observed <= 6
    assert first.expected == pytest.approx(30, abs=1)
    assert first.reasons[0] == f"{first.observed:.0f} mentions within 6h, usually 30 mentions"
    assert first.reasons[1].startswith("a surprise of ")
    assert first.reasons[1].endswith("so few by chance")
    assert first.reasons[2] == "rings where 5 mentions are usual, at 20% of it or less, a surprise of 3"
    assert len(more) == (end + 8 * HOUR - first.at) / (30 * MINUTE)


@pytest.mark.parametrize("rule", [FLAT, SEASONAL | {"window": "6h"}])
def test_a_past_that_it_was_told_is_as_good_as_one_that_it_saw(rule: dict[str, Any], mention: Mention, engine: Make) -> None:
    """Nothing is missing before a window has passed that it saw; then silence rings as it would have."""
    states, rules = States(), engine(rule)
    rules.learnt(History(rule="flat", level=30, dispersion=0.1, age=timedelta(days=30)), KEY, states, MONDAY)
    assert not list(
        _live(
            rules,
            [],
            MONDAY + 5 * HOUR,
            States.load({key: state for key, state in states.take_dirty().items() if state is not None}),
        )
    )
    first, *_ = _live(rules, _steady(mention, 6 * HOUR), MONDAY + 13 * HOUR, states)
    assert MONDAY + 10 * HOUR <= first.at <= MONDAY + 12 * HOUR
    assert first.expected == pytest.approx(30, abs=2)
    assert rules.usual(states)["flat"][0] == KEY


def test_who_was_told_of_too_short_a_past_still_learns(mention: Mention, engine: Make) -> None:
    """However little comes then."""
    states, rules = States(), engine(FLAT)
    rules.learnt(History(rule="flat", level=300, dispersion=0.1, age=timedelta(days=2)), KEY, states, MONDAY)
    assert not list(_live(rules, [mention()], MONDAY + 23 * HOUR, states))
    assert rules.usual(states) == {}


def test_it_is_over_when_traffic_is_back(mention: Mention, engine: Make) -> None:
    """It rings on for `keep_firing_for` after it last held."""
    states, rules = States(), engine(FLAT)
    end = MONDAY + timedelta(days=5)
    assert list(_live(rules, _steady(mention, timedelta(days=5)), end + 6 * HOUR, states))
    back = [mention(9000 + n, at=end + 6 * HOUR + n * MINUTE) for n in range(29)]
    for each in back:
        rules.observe(each, states)
    assert isinstance(rules.tick("flat", KEY, states, end + 6 * HOUR + 29 * MINUTE), Finding)
    calm = rules.tick("flat", KEY, states, end + 7 * HOUR)
    assert isinstance(calm, Calm)
    assert calm.observed == 29


def test_where_little_is_usual_silence_says_nothing(mention: Mention, engine: Make) -> None:
    """Four in six hours are fewer than the floor of five."""
    quiet = _steady(mention, timedelta(days=5), 90 * MINUTE)
    rule = FLAT | {"fire": {"at_most_expected": 0}}
    assert not list(_live(engine(rule), quiet, MONDAY + timedelta(days=6)))
    assert list(_live(engine(rule | {"fire": {"at_most_expected": 0, "usually": 3}}), quiet, MONDAY + timedelta(days=6)))


def test_nothing_rings_while_it_learns(mention: Mention, engine: Make) -> None:
    """Before `min_history` nobody knows what is missing."""
    rule = FLAT | {"baseline": {"min_history": "6d"}}
    states, rules = States(), engine(rule)
    assert not list(_live(rules, _steady(mention, timedelta(days=4)), MONDAY + timedelta(days=5), states))
    calm = rules.tick("flat", KEY, states, MONDAY + timedelta(days=5))
    assert calm.reasons[1] == "what is usual is still being learnt (needs 6d)"
    assert calm.expected is None


def test_what_has_not_come_yet_is_not_missing(mention: Mention, engine: Make) -> None:
    """It looks no further than everything was seen, and what comes later in time counts where it belongs."""
    states, rules = States(), engine(FLAT)
    end = MONDAY + timedelta(days=5)
    mentions = _steady(mention, timedelta(days=5))
    assert not list(_live(rules, mentions, end, states))
    asked = {"net": end}
    assert not rules.due(states, end + 20 * HOUR, end + 19 * HOUR, asked)
    assert not rules.due(states, end + 20 * HOUR, end + 19 * HOUR, {"net": None})
    assert not rules.due(states, end + 20 * HOUR, end + 19 * HOUR, {"net": end + 20 * HOUR, "ill": end})
    assert not rules.due(states, end + 20 * HOUR, end + 19 * HOUR, {})
    for n in range(100):
        rules.observe(mention(8000 + n, at=end + n * 12 * MINUTE), states)
    assert not rules.due(states, end + 20 * HOUR, None, {"net": end + 20 * HOUR})
    assert rules.due(states, end + 30 * HOUR, None, {"net": end + 30 * HOUR})


@pytest.mark.parametrize(
    ("where", "delivered", "rings"),
    [
        ({"source": "net"}, {"net": 1, "ill": 0}, True),
        ({"source": {"in": ["net", "other"]}}, {"net": 1, "other": 0}, False),
        ({"all": [{"source": "net"}]}, {"net": 1, "ill": 0}, True),
        ({"source": "net"}, {"other": 1}, False),
        ({"source": {"not": "ill"}}, {"net": 1, "ill": 0}, False),
    ],
)
def test_a_rule_waits_for_the_sources_that_feed_it(
    where: dict[str, Any], delivered: dict[str, int], rings: bool, mention: Mention, engine: Make
) -> None:
    """Those that its conditions name, or all; one that is not asked any more brings nothing, and is waited for."""
    states, rules = States(), engine(FLAT | {"where": where})
    end = MONDAY + timedelta(days=5)
    list(_live(rules, _steady(mention, timedelta(days=5), source="net"), end, states))
    later = end + 10 * HOUR
    seen = {source: later if well else end for source, well in delivered.items()}
    assert bool(rules.due(states, later, None, seen)) is rings


def test_a_key_that_is_named_may_never_have_been_seen(mention: Mention, engine: Make) -> None:
    """Nothing ever came of it for as long as others are learnt: that is what nobody would notice."""
    rule = FLAT | {"key": ["network"], "keys": ["mastodon", "bluesky"]}
    states, rules = States(), engine(rule)
    mentions = _steady(mention, timedelta(days=4))
    first, *_ = _live(rules, mentions, MONDAY + timedelta(days=4), states)
    assert (first.key, first.subject, first.expected) == ({"network": "bluesky"}, None, None)
    assert MONDAY + timedelta(days=3) <= first.at <= MONDAY + timedelta(days=3, hours=1)
    assert first.reasons[0] == "nothing has ever come of a key that the rule names, in 3d and more"
    rules.observe(mention(9999, network="bluesky", at=MONDAY + timedelta(days=4)), states)
    assert isinstance(rules.tick("flat", {"network": "bluesky"}, states, MONDAY + timedelta(days=4, hours=2)), Calm)


def test_people_are_counted_once(mention: Mention, engine: Make) -> None:
    """One person who posts on does not hide that all others left."""
    rule = FLAT | {"measure": {"distinct": "author"}}
    crowd = _steady(mention, timedelta(days=5))
    bot = _steady(mention, timedelta(days=6), first=5000, author=7)
    both = sorted([*crowd, *bot], key=lambda each: each.written_at)
    (first, *_) = _live(engine(rule), both, MONDAY + timedelta(days=6))
    assert first.observed <= 6
    assert first.measure == "authors"
    assert not list(_live(engine(FLAT | {"fire": {"at_most_expected": 0.2}}), both, MONDAY + timedelta(days=6)))


def test_a_quiet_night_is_no_flatline_by_the_hour_of_the_week(mention: Mention, engine: Make) -> None:
    """By one level every night rings; by the hours of the week none does, and a silent day does."""
    by_day = [
        each
        for each in _steady(mention, timedelta(days=30), 10 * MINUTE)
        if 8 <= each.written_at.astimezone(ZoneInfo("Europe/Paris")).hour < 20
    ]
    silent = MONDAY + timedelta(days=28)  # a Monday
    before = [each for each in by_day if each.written_at < silent]
    plain = SEASONAL | {"baseline": {"min_history": "14d"}}
    nights = [each.at for each in _live(engine(plain), before, silent)]
    assert len({at.date() for at in nights}) >= 12
    findings = list(_live(engine(SEASONAL), before, silent + timedelta(hours=20)))
    assert findings
    hours = {each.at.astimezone(ZoneInfo("Europe/Paris")).hour for each in findings}
    assert min(each.at for each in findings) > silent + 7 * HOUR
    assert hours <= set(range(9, 23))
    assert "usually means at this hour of the week (Europe/Paris)" in findings[0].reasons


def test_the_hours_of_the_week_follow_the_clocks() -> None:
    """Noon is noon in summer and in winter; the hour that comes twice is one, and the one that is skipped does not come."""
    paris = ZoneInfo("Europe/Paris")
    winter, summer = datetime(2026, 3, 23, 11, tzinfo=UTC), datetime(2026, 3, 30, 10, tzinfo=UTC)
    assert hour_of_week(winter.timestamp(), paris) == hour_of_week(summer.timestamp(), paris) == 12
    twice = [datetime(2026, 10, 25, hour, 30, tzinfo=UTC).timestamp() for hour in (0, 1)]
    assert [hour_of_week(each, paris) for each in twice] == [6 * 24 + 2] * 2
    hours = HourOfWeek(1, "Europe/Paris")
    sunday = datetime(2026, 3, 29, tzinfo=UTC).timestamp()
    hours.learn(7, sunday, sunday + 4 * 3600)
    assert hours.at(datetime(2026, 4, 5, 0, 30, tzinfo=UTC).timestamp()) is None
    assert hours.at(datetime(2026, 4, 5, 1, 30, tzinfo=UTC).timestamp()) == 7


def test_half_an_hour_off_is_learnt_where_it_belongs() -> None:
    """In India the hours begin at half past."""
    hours = HourOfWeek(1, "Asia/Kolkata")
    ten = datetime(2026, 3, 2, 10, 30, tzinfo=UTC).timestamp()  # 16:00 there
    hours.learn(9, ten, ten + 3600)
    hours.learn(1, ten + 3600, ten + 7200)
    assert (hours.at(ten + 60), hours.at(ten + 3600), hours.at(ten + 3660)) == (9, 9, 1)


def test_whoever_asks_learns_how_it_stood_when_it_was_last_looked_at(mention: Mention, engine: Make) -> None:
    """What has come since then, or is on its way, is not known where somebody only asks."""
    states, rules = States(), engine(FLAT)
    steady = _steady(mention, timedelta(days=5))
    list(_live(rules, steady, END, states))
    (stands,) = rules.standing("flat", steady[-1], states, END + 20 * HOUR)
    assert isinstance(stands, Calm)
    assert (stands.at, stands.observed) == (END, 30)
    assert stands.expected == pytest.approx(30, abs=1)


@given(st.lists(st.tuples(st.integers(0, 80), st.integers(1, 6)), min_size=1, max_size=30))
def test_a_level_is_a_mean_first(parts: list[tuple[int, int]]) -> None:
    """While little was seen, every moment weighs the same; what was learnt survives being stored."""
    level, at = Level(1e12), 0.0
    for value, hours in parts:
        level.learn(value, at, at + hours * 3600)
        at += hours * 3600
    mean = sum(value * hours for value, hours in parts) / sum(hours for _, hours in parts)
    assert level.at(at) == pytest.approx(mean, abs=1e-4)
    assert Level(1e12).load(json.loads(json.dumps(level.dump()))).at(at) == level.at(at)


@given(st.integers(0, 60), st.floats(0.5, 80), st.floats(0.02, 50))
def test_the_chance_of_so_few_is_the_rest_of_that_of_more(count: int, mean: float, size: float) -> None:
    """Fewer than usual or more than that: together they are certain."""
    few = 10 ** -scarcity(count, mean, size)
    if count < mean < count + 1:
        assert few + 10 ** -improbability(count + 1, mean, size) == pytest.approx(1, abs=1e-6)
    assert 0 < few <= 1
    assert scarcity(max(count - 1, 0), mean, size) >= scarcity(count, mean, size)


@pytest.fixture(scope="module")
def learnt(mention: Mention, engine: Make) -> dict[Any, Any]:
    """What is remembered after five days of steady traffic, as it is stored."""
    states = States()
    list(_live(engine(EAGER), _steady(mention, timedelta(days=5)), MONDAY + timedelta(days=5), states))
    return states.take_dirty()


def test_less_makes_it_louder(mention: Mention, engine: Make) -> None:
    """By a smaller part of the usual, a greater surprise, or where more is usual: all that one `raise` asks must hold."""
    louder = [{"at_most_expected": 0.05, "usually": 20, "severity": "critical"}]
    states, rules = States(), engine(FLAT | {"raise": louder, "severity": "info"})
    found = list(_live(rules, _steady(mention, timedelta(days=5)), END + 8 * HOUR, states))
    assert {each.severity for each in found} == {"info", "critical"}
    assert all((each.severity == "critical") is (each.observed <= 0.05 * (each.expected or 0)) for each in found)
    more = FLAT | {"raise": [{"at_most_expected": 0.05, "usually": 50, "severity": "critical"}]}
    assert {each.severity for each in _live(engine(more), _steady(mention, timedelta(days=5)), END + 8 * HOUR)} == {"warning"}


def test_a_surprise_that_makes_it_louder_is_told(mention: Mention, engine: Make) -> None:
    """Also where `fire` goes by a part of the usual alone."""
    rule = FLAT | {"fire": {"at_most_expected": 0.2}, "raise": [{"surprise": 3, "severity": "critical"}]}
    found = list(_live(engine(rule), _steady(mention, timedelta(days=5)), END + 8 * HOUR))
    assert found[-1].severity == "critical"
    assert found[-1].reasons[1].startswith("a surprise of ")


def test_of_a_key_that_never_came_nothing_is_known(mention: Mention, engine: Make) -> None:
    """So nothing makes it louder."""
    rule = FLAT | {"key": ["network"], "keys": ["bluesky"], "raise": [{"at_most_expected": 0, "severity": "critical"}]}
    first, *_ = _live(engine(rule), _steady(mention, timedelta(days=4)), MONDAY + timedelta(days=4))
    assert (first.key, first.severity) == ({"network": "bluesky"}, "warning")


@settings(max_examples=30, deadline=None)
@given(later=st.lists(st.integers(1, 355), max_size=40), data=st.data())
def test_fewer_mentions_never_silence_it(
    later: list[int], data: st.DataObject, learnt: dict[Any, Any], mention: Mention, engine: Make
) -> None:
    """With what is usual as it is, whoever else leaves makes it no less quiet, and it rings no less loud."""
    fewer = data.draw(st.lists(st.sampled_from(later), max_size=len(later))) if later else []
    kept = [minutes for n, minutes in enumerate(later) if minutes in fewer[: n + 1]]
    rang = []
    for minutes in (later, kept):
        states, rules = States.load(learnt), engine(EAGER)
        for n, each in enumerate(minutes):
            rules.observe(mention(7000 + n, at=END + each * MINUTE), states)
        rang.append([each.severity for each in rules.due(states, END + 6 * HOUR)])
    without, with_ = rang[1], rang[0]
    assert not with_ or without in (with_, ["critical"])


@settings(max_examples=15, deadline=None)
@given(later=st.lists(st.integers(1, 1400), max_size=60), cut=st.integers(0, 47), order=st.randoms())
def test_neither_a_restart_nor_the_order_changes_anything(
    later: list[int], cut: int, order: Any, learnt: dict[Any, Any], mention: Mention, engine: Make
) -> None:
    """What is stored is all there is; and within a bucket whoever comes first counts as much as whoever comes last."""
    mentions = [mention(7000 + n, at=END + each * MINUTE) for n, each in enumerate(sorted(later))]
    whole, parted = States.load(learnt), States.load(learnt)
    rules = engine(EAGER)
    expected = list(_live(rules, mentions, END + 24 * HOUR, whole, END))
    found = []
    for step in range(49):
        now = END + step * 30 * MINUTE
        here = [each for each in mentions if now - 30 * MINUTE < each.written_at <= now]
        order.shuffle(here)
        for each in here:
            rules.observe(each, parted)
        found += rules.due(parted, now)
        if step == cut:
            parted = States.load(learnt | {key: json.loads(json.dumps(state)) for key, state in parted.take_dirty().items()})
    assert found == expected


def test_what_is_waited_for_stays_bounded() -> None:
    """While a source is ill for weeks, what the others bring is not all kept; and what was left out teaches nothing."""
    traffic = Traffic(60.0, Level(1e6), dispersion=1e6, different=False)
    traffic.begin(0)
    for at in range(5 * AHEAD):
        traffic.add(at, at)
    assert len(traffic.dump()["came"]) <= AHEAD + 1
    assert traffic.value is None
    for _ in range(40):
        traffic.move()
    assert traffic.value == 12


def test_a_key_that_has_just_begun_is_not_forgotten(mention: Mention, engine: Make) -> None:
    """Or it would learn from its second mention on."""
    states, rules = States(), engine(FLAT)
    rules.observe(mention(1, at=MONDAY), states)
    assert rules.sweep(states, MONDAY + timedelta(minutes=1)) == 0


def test_a_key_of_which_nothing_is_usual_is_forgotten(mention: Mention, engine: Make) -> None:
    """After months of silence, unless the rule names it."""
    for keys, left in (((), 0), (("acme",), 1)):
        states, rules = States(), engine(FLAT | {"keys": list(keys)})
        rules.observe(mention(1, at=MONDAY), states)
        rules.due(states, MONDAY + timedelta(days=90))
        rules.sweep(states, MONDAY + timedelta(days=90))
        assert len(states) == left


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"fire": {}}, "say how few are too few: surprise: 3, or at_most_expected: 0.2"),
        ({"fire": {"at_most_expected": 1}}, "less than 1"),
        ({"key": ["author"]}, "one person who says nothing is no news"),
        ({"window": "10m"}, "a silence of 10m is no silence yet"),
        ({"keys": ["acme"], "key": ["subject", "network"]}, "must name all parts of the key: write {subject: …, network: …}"),
        ({"keys": [{"network": "web"}]}, "must name all parts of the key: write {subject: …}"),
        ({"baseline": {"season": "hour_of_week"}}, "write min_history: 21d, or remove `season`"),
        ({"timezone": "Europe/Pari"}, "did you mean `Europe/Paris`?"),
        ({"require": {"source": "ill"}}, "'healthy'"),
        ({"measure": {"share": {"sentiment": {"lt": 0}}}}, "distinct"),
        ({"raise": [{"severity": "critical"}]}, "says no more than a severity: add usually, surprise or at_most_expected"),
        ({"raise": [{"at_least": 3, "severity": "critical"}]}, "`at_least` is not known here"),
    ],
)
def test_a_flatline_that_means_nothing_is_refused(change: dict[str, Any], says: str) -> None:
    """The error says what to write instead."""
    with pytest.raises(ValidationError) as wrong:
        RuleFile.model_validate({"version": 1, "rules": [FLAT | change]})
    assert says in str(wrong.value)


def test_the_clocks_are_those_of_the_rule_its_file_or_the_brand() -> None:
    """In this order."""
    file: dict[str, Any] = {"version": 1, "rules": [FLAT, FLAT | {"id": "own", "timezone": "Asia/Tokyo"}]}
    assert _clocks(file) == ["Europe/Paris", "Asia/Tokyo"]
    file["defaults"] = {"timezone": "Europe/Rome"}
    assert _clocks(file) == ["Europe/Rome", "Asia/Tokyo"]


def _clocks(file: dict[str, Any]) -> list[str | None]:
    rules = RuleFile.model_validate(file).effective("Europe/Paris")
    return [rule.timezone for rule in rules if isinstance(rule, FlatlineRule)]


def test_the_shipped_rule_notices_that_nobody_replies_any_more(mention: Mention) -> None:
    """After four weeks of a reply every twenty minutes, within six hours, and once it has learnt."""
    path = Path(__file__).resolve().parents[2] / "config" / "rules" / "flatline.yaml"
    rules = Engine(RuleFile.model_validate(yaml.safe_load(path.read_text(encoding="utf-8"))).effective("Europe/Paris"), {})
    replies = _steady(mention, timedelta(days=28), 20 * MINUTE, form="reply")
    end = MONDAY + timedelta(days=28)
    posts = [mention(9000 + n, at=end + n * HOUR, form="post") for n in range(8)]
    first, *_ = _live(rules, [*replies, *posts], end + 8 * HOUR)
    assert first.key == KEY
    assert end + 4 * HOUR <= first.at <= end + 6 * HOUR
