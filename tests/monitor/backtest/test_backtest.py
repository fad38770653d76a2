"""The past is judged as it would have been, measured beside, and a suggestion is what was tried."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.backtest import Backtest, Key, Span, backtest, read_recording, storage, warm_up, written
from monitor.backtest.measuring import Held
from monitor.backtest.suggesting import Life, candidates, in_the_middle
from monitor.domain.errors import InputError
from monitor.replay import recording, replay
from monitor.settings import Settings, load
from monitor.storage import Store
from rules import WindowRule
from rules.thresholds import Threshold, thresholds, with_value

MONDAY = datetime(2026, 3, 2, 0, 0, tzinfo=UTC)
HOUR, DAY, WEEK = timedelta(hours=1), timedelta(days=1), timedelta(days=7)
MONITOR = """
version: 1
timezone: Europe/Paris
subjects: {acme: [Acme], rival: [Globex]}
sources: {posts: {kind: file, path: posts.jsonl}}
receivers: {hub: {kind: webhook, url: "https://hub.invalid/", secret: whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3}}
routing: {default: hub}
"""
CRISIS = """
  - {id: crisis, kind: window, where: {text: {any_of: [broken]}}, measure: {distinct: author}, key: [subject], window: 60m,
     fire: {at_least: 5}, keep_firing_for: 10m, severity: critical}
"""
COMPLAINT = """
  - {id: complaint, kind: mention, where: {text: {any_of: [broken]}}, key: [author]}
"""
Said = tuple[datetime, str]


def storm(at: datetime, people: int, *, about: str = "Acme") -> list[Said]:
    """So many people within an hour."""
    return [(at + timedelta(minutes=40) * number / people, f"My {about} is broken") for number in range(people)]


def configured(folder: Path, rules: str, more: str = "") -> Settings:
    """The settings of a folder with these rules, and more in monitor.yaml."""
    (folder / "rules").mkdir(parents=True, exist_ok=True)
    (folder / "monitor.yaml").write_text(MONITOR + more)
    (folder / "rules" / "acme.yaml").write_text(f"version: 1\nrules:\n{rules}")
    return load(folder, environ={})


def recorded(folder: Path, said: Sequence[Said]) -> Path:
    """A recording, each line by somebody else."""
    number = count()
    lines = [
        json.dumps({"text": text, "created_at": at.isoformat(), "author": f"user{n}", "url": f"https://posts.example/{n}"})
        for at, text in said
        if (n := next(number)) >= 0
    ]
    (folder / "posts.jsonl").write_text("\n".join(lines) + "\n")
    return folder / "posts.jsonl"


def quietly(what: str, done: int, total: int | None) -> None:
    """Nobody watches."""
    del what, done, total


async def tried(
    folder: Path,
    rules: str,
    said: Sequence[Said],
    *,
    wanted: float | None = None,
    span: Span | None = None,
    more: str = "",
) -> Backtest:
    """A backtest of these rules on what was said: all of it, if nothing else is asked."""
    wished = configured(folder, rules, more)
    await read_recording(recording(wished, recorded(folder, said)), folder / "recording.db", quietly)
    store = await Store.open(storage(folder / "recording.db"), in_place=True)
    try:
        ends = await written(store)
        assert ends is not None
        whole = Span(ends[0], ends[1] + timedelta(seconds=1), timedelta(0))
        return await backtest(wished, store, span or whole, folder, wanted=wanted, progress=quietly)
    finally:
        await store.close()


WEEKS = [
    *storm(MONDAY + 9 * HOUR, 5),
    *storm(MONDAY + DAY + 9 * HOUR, 9, about="Globex"),
    *storm(MONDAY + 3 * DAY, 6),
    *storm(MONDAY + 8 * DAY, 12),
    *storm(MONDAY + 10 * DAY, 7),
    *storm(MONDAY + 13 * DAY, 5),
]
TWO_WEEKS = Span(MONDAY, MONDAY + 2 * WEEK, timedelta(0))


async def test_it_rings_as_a_replay_does(tmp_path: Path) -> None:
    """The same alerts at the same moments, although the recording went through two databases."""
    found = await tried(tmp_path, CRISIS + COMPLAINT, WEEKS)
    wished = recording(load(tmp_path, environ={}), tmp_path / "posts.jsonl")
    outcome = await replay(wished.model_copy(update={"storage": storage(tmp_path / "replay.db")}))
    assert [(each.rule, each.at, each.severity) for each in found.judged.alerts] == [
        (each.rule, each.fired_at, each.severity) for each in sorted(outcome.alerts, key=lambda alert: alert.fired_at)
    ]
    crises = found.judged.of("crisis")
    assert [(each.key["subject"], each.observed, each.notifications) for each in crises][:2] == [("acme", 5, 1), ("rival", 5, 1)]
    assert crises[0].reasons[0] == "5 authors within 1h"
    assert crises[0].over is not None
    assert crises[0].lasted(found.span.until) == timedelta(minutes=38)  # 28 with five in the window, and keep_firing_for


OBSERVED = CRISIS.replace("severity: critical", "severity: critical, mode: observe")
SILENCES = """
silences: {all-day: {where: {rule: crisis}, every: "00:00-24:00", reason: it is tried}}
"""
CAMPAIGN = """
campaigns: {launch: {subjects: acme, from: 2026-03-10, to: 2026-03-10, times: 3}}
"""


@pytest.mark.parametrize(("rules", "more"), [(OBSERVED, ""), (CRISIS, SILENCES)])
async def test_what_would_be_told_to_nobody_is_judged_as_if_it_rang(rules: str, more: str, tmp_path: Path) -> None:
    """A rule that is only observed, or that a silence of monitor.yaml covers: its figures are those of its first moment."""
    rang = await tried(tmp_path / "rings", CRISIS, WEEKS)
    found = await tried(tmp_path / "quiet", rules, WEEKS, more=more)
    assert repr(found.judged) == repr(rang.judged)


async def test_a_campaign_raises_what_is_measured_as_what_is_judged(tmp_path: Path) -> None:
    """The twelve people of its day are too few for it, as the line says that a chart draws: fifteen, not five."""
    found = await tried(tmp_path, CRISIS, WEEKS, more=CAMPAIGN)
    readings = next(series for key, series in found.seen.readings["crisis"].items() if dict(key) == {"subject": "acme"})
    launch = MONDAY + 8 * DAY
    bars = {reading.at.day: reading.bar for reading in readings}
    assert launch.day not in {each.at.day for each in found.judged.alerts}
    assert (bars[MONDAY.day], bars[launch.day]) == (5, 15)


async def test_twice_the_same_past_is_the_same_to_the_last_byte(tmp_path: Path) -> None:
    """Alerts, readings and suggestions: nothing depends on when somebody asks."""
    first, second = [await tried(tmp_path / name, CRISIS, WEEKS, wanted=1) for name in ("one", "two")]
    assert repr(first.judged) == repr(second.judged)
    assert repr(first.seen) == repr(second.seen)
    assert first.suggestions == second.suggestions


async def test_what_is_suggested_was_tried_rang_seldom_enough_and_says_what_it_misses(tmp_path: Path) -> None:
    """Six storms in two weeks: for one a week the bell must wait for eight people; seven would have rung it three times."""
    found = await tried(tmp_path / "asked", CRISIS, WEEKS, wanted=1, span=TWO_WEEKS)
    (one,) = found.suggestions
    assert (one.threshold.name, one.threshold.value, one.value, one.alerts) == ("fire.at_least", 5, 8, 2)
    assert (one.low, one.high) == (8, 9)
    assert [each.at for each in one.missed] == [found.judged.alerts[place].at for place in (0, 2, 4, 5)]
    for least, rings in ((8, 2), (7, 3)):
        again = await tried(tmp_path / str(least), CRISIS.replace("at_least: 5", f"at_least: {least}"), WEEKS, span=TWO_WEEKS)
        assert len(again.judged.alerts) == rings


async def test_a_crisis_of_hours_in_a_recording_of_a_day_is_one_alert(tmp_path: Path) -> None:
    """A rule that rang for it once stays as it is: the day is no week in which it would have lasted for days."""
    day = [*storm(MONDAY, 1), *storm(MONDAY + 8 * HOUR, 40), *storm(MONDAY + 9 * HOUR, 40), *storm(MONDAY + 15 * HOUR, 1)]
    found = await tried(tmp_path, CRISIS, day, wanted=1)
    (crisis,) = found.judged.alerts
    assert crisis.lasted(found.span.until) > 2 * HOUR
    (one,) = found.suggestions
    assert (one.value, one.alerts, one.missed) == (5, 1, [])


async def test_a_rule_that_rings_seldom_enough_stays_as_it_is(tmp_path: Path) -> None:
    """However many more somebody could bear: no number is moved without a need."""
    for wanted in (3, 10):
        found = await tried(tmp_path / str(wanted), CRISIS, WEEKS, wanted=wanted, span=TWO_WEEKS)
        assert [(each.value, each.alerts, each.missed) for each in found.suggestions] == [(5, 6, [])]


async def test_a_rule_that_rings_too_seldom_is_made_to_ring_more(tmp_path: Path) -> None:
    """Whoever can bear three alerts a week hears of smaller things, too."""
    found = await tried(tmp_path, CRISIS.replace("at_least: 5", "at_least: 50"), WEEKS, wanted=2, span=TWO_WEEKS)
    assert found.judged.alerts == []
    assert [(each.value, each.alerts) for each in found.suggestions] == [(6, 4)]


async def test_of_a_rule_for_single_mentions_the_number_it_compares_with_is_moved(tmp_path: Path) -> None:
    """Whom the words ring is rung whatever the number is; where that is more than wanted, it says so."""
    by_reach = (
        "  - {id: loud, kind: mention, where: {any: [{author.reach: {gte: 10}}, {text: {any_of: [fire]}}]}, key: [author]}\n"
    )
    folder = tmp_path / "loud"
    folder.mkdir()
    wished = configured(folder, by_reach)
    lines = [
        {"text": "fire" if n == 1 else "Acme", "created_at": (MONDAY + n * HOUR).isoformat(), "url": f"https://p.example/{n}",
         "author": {"id": f"u{n}", "reach": n * 10}}
        for n in range(1, 8)
    ]  # fmt: skip
    (folder / "posts.jsonl").write_text("\n".join(map(json.dumps, lines)) + "\n")
    await read_recording(recording(wished, folder / "posts.jsonl"), folder / "recording.db", quietly)
    store = await Store.open(storage(folder / "recording.db"), in_place=True)
    span = Span(MONDAY, MONDAY + WEEK, timedelta(0))
    found = [await backtest(wished, store, span, folder, wanted=wanted, progress=quietly) for wanted in (3, 0.5)]
    await store.close()
    assert [(each.value, each.alerts, each.low, each.high) for each in found[0].suggestions] == [(55, 3, 51, 60)]
    assert [(each.value, each.alerts) for each in found[1].suggestions] == [(None, 1)]


async def test_what_comes_before_teaches_and_is_not_told(tmp_path: Path) -> None:
    """With a week to learn from, the usual is known on the first day; without one, it is still being learnt."""
    rule = CRISIS.replace("at_least: 5}", "at_least: 5, times_expected: 2}, baseline: {min_history: 1d}")
    said = [each for day in range(10) for each in storm(MONDAY + day * DAY + 9 * HOUR, 6)]
    after = MONDAY + 7 * DAY
    taught = await tried(tmp_path / "taught", rule, said, span=Span(after, after + 3 * DAY, WEEK))
    untaught = await tried(tmp_path / "untaught", rule, said, span=Span(after, after + 3 * DAY, timedelta(0)))
    assert (taught.past.mentions, taught.past.before) == (18, 42)
    assert (untaught.past.mentions, untaught.past.before) == (18, 0)
    assert [each.learning for each in taught.judged.alerts] == [False] * 3
    assert next(each.learning for each in untaught.judged.alerts) is True
    assert all(each.at >= after for each in taught.judged.alerts)
    readings = taught.seen.readings["crisis"][("subject", "acme"),]
    assert all(each.expected is not None and each.at >= after for each in readings)


async def test_an_alert_that_rings_at_the_end_is_not_over(tmp_path: Path) -> None:
    """What came after is not known; until then it rang."""
    found = await tried(tmp_path, CRISIS, storm(MONDAY, 8))
    (crisis,) = found.judged.alerts
    assert crisis.over is None
    assert crisis.lasted(found.span.until) == found.span.until - crisis.at


async def test_silence_until_the_end_ends_an_alert(tmp_path: Path) -> None:
    """Although nothing was said any more that would have moved the clock."""
    found = await tried(tmp_path, CRISIS, storm(MONDAY, 8), span=Span(MONDAY, MONDAY + DAY, timedelta(0)))
    (crisis,) = found.judged.alerts
    assert crisis.over is not None
    assert crisis.lasted(found.span.until) < 3 * HOUR


async def test_the_past_is_put_in_the_order_of_event_time(tmp_path: Path) -> None:
    """What a source brought late rings at the moment at which it was written."""
    found = await tried(tmp_path, CRISIS, [*storm(MONDAY + DAY, 5), *storm(MONDAY, 5)])
    assert [each.at.date().day for each in found.judged.alerts] == [2, 3]


async def test_a_recording_of_nothing_but_rubbish_says_why(tmp_path: Path) -> None:
    """The first reasons come with it; a file that is not there is an error."""
    wished = configured(tmp_path, CRISIS)
    (tmp_path / "posts.jsonl").write_text("rubbish\n" * 5)
    read = await read_recording(recording(wished, tmp_path / "posts.jsonl"), tmp_path / "recording.db", quietly)
    assert (read.mentions, read.rejected, len(read.reasons)) == (0, 5, 3)
    with pytest.raises(InputError, match=r"cannot read .*nowhere\.jsonl"):
        await read_recording(recording(wished, tmp_path / "nowhere.jsonl"), tmp_path / "other.db", quietly)


def test_rules_learn_for_twice_the_longest_time_that_they_name(tmp_path: Path) -> None:
    """What the day of an alert needs, and what `baseline` remembers."""
    rules = configured(tmp_path, CRISIS + COMPLAINT).rules
    assert warm_up(rules) == 2 * WEEK  # baseline.dispersion
    assert warm_up(rules[1:]) == 2 * DAY  # resolve.after
    assert warm_up(()) == timedelta(0)


def test_less_than_a_week_counts_as_one() -> None:
    """Two alerts in a day are not fourteen a week: nobody knows the other days."""
    day = Span(MONDAY, MONDAY + DAY, timedelta(0))
    assert (day.weeks, day.is_short) == (1, True)
    fortnight = Span(MONDAY, MONDAY + 2 * WEEK, timedelta(0))
    assert (fortnight.weeks, fortnight.is_short) == (2, False)


def test_an_alert_counts_each_day_that_it_lasts() -> None:
    """And each day of a week of which less is known, where it rang for most of that: it might never have ended."""
    day = Span(MONDAY, MONDAY + DAY, timedelta(0))
    assert [day.days(HOUR * hours) for hours in (1, 12, 13)] == [1, 1, 7]
    fortnight = Span(MONDAY, MONDAY + 2 * WEEK, timedelta(0))
    assert [fortnight.days(HOUR * hours) for hours in (13, 25, 24 * 13)] == [1, 2, 14]


def test_an_alert_that_never_ends_is_no_rare_alert(tmp_path: Path) -> None:
    """It counts again each day: a value that rings without a break rings seven times a week."""
    (rule,) = configured(tmp_path, CRISIS).rules
    assert isinstance(rule, WindowRule)
    (threshold,) = thresholds(rule)
    hours = [(MONDAY + HOUR * number).timestamp() for number in range(7 * 24)]
    held: dict[Key, list[Held]] = {
        (("subject", "acme"),): [Held(at, 9.0 if number == 50 else 3.0) for number, at in enumerate(hours)]
    }
    span = Span(MONDAY, MONDAY + WEEK, timedelta(0))
    often = with_value(rule, threshold, 2)
    (lower,) = thresholds(often)
    assert [next(candidates(often, lower, held, span, most)) for most in (2, 6)] == [(6, 4, 9)] * 2
    assert next(candidates(often, lower, held, span, 7)) == (2, 3, 3)  # as it is
    assert Life.of(rule) == Life(0, 600, 6 * 3600, holds_on=True)


@pytest.mark.parametrize(
    ("quiet", "loud", "value"),
    [(8, 9, 9), (7, 9, 8), (9, 87, 30), (20, 50, 30), (50, 60, 55), (99, 4000, 600), (99, 101, 100), (3, 3, None)],
)
def test_what_is_suggested_is_round_and_amid_what_must_not_ring_and_what_must(
    tmp_path: Path, quiet: int, loud: int, value: float | None
) -> None:
    """A little more of the one, or a little less of the other, changes nothing."""
    (rule,) = configured(tmp_path, CRISIS.replace("at_least: 5", "at_least: 1")).rules
    (threshold,) = thresholds(rule)
    peaks = [(number * 24, size) for number, size in enumerate((quiet, quiet, loud), 1)]
    series = [Held((MONDAY + HOUR * (hour + more)).timestamp(), size * (1.0 - more)) for hour, size in peaks for more in (0, 1)]
    found = next(candidates(rule, threshold, {(("subject", "acme"),): series}, Span(MONDAY, MONDAY + WEEK, DAY), 1))
    if value is not None:
        assert found == (value, quiet + 1, loud)
    else:  # nothing tells them apart: where they are too many, nothing rings
        assert found.value > loud


@given(st.integers(1, 5_000), st.integers(1, 5_000))
def test_a_suggestion_lies_within_its_bounds(one: int, other: int) -> None:
    """Whatever they are, and whether more of it rings sooner or less."""
    low, high = sorted((one, other))
    for threshold in (Threshold(("fire", "at_least"), 1.0), Threshold(("where",), 1.0, rising=False, field="author.reach")):
        ends = threshold.strength(low), threshold.strength(high)
        value = in_the_middle(threshold, *sorted(ends, key=threshold.strength), open_ended=False)
        assert min(ends) <= value <= max(ends)
        assert value == int(value)


_SAID = st.lists(st.tuples(st.integers(0, 400), st.integers(0, 30)), min_size=5, max_size=40)


@settings(max_examples=3)
@given(_SAID, st.sampled_from(["0m", "7m"]), st.sampled_from(["30m", "6h"]), st.sampled_from([1, 3]))
async def test_what_is_suggested_was_tried(
    tmp_path_factory: pytest.TempPathFactory, said: list[tuple[int, int]], lasts: str, realert: str, wanted: float
) -> None:
    """Whatever was said: the value keeps what it promises, or the report says that it does not."""
    rule = CRISIS.replace("severity: critical", f"for: {lasts}, realert: {realert}").replace("at_least: 5", "at_least: 3")
    at, lines = MONDAY, []
    for gap, more in said:
        at += timedelta(minutes=gap)
        lines += [(at + timedelta(minutes=number), "My Acme is broken") for number in range(more % 7)]
    lines = sorted([*lines, (MONDAY + 2 * WEEK, "Acme")])
    found = await tried(tmp_path_factory.mktemp("tried"), rule, lines, wanted=wanted)
    for each in found.suggestions:
        assert each.value is not None
        again = CRISIS.replace("severity: critical", f"for: {lasts}, realert: {realert}").replace(
            "at_least: 5", f"at_least: {each.value:g}"
        )
        rang = await tried(tmp_path_factory.mktemp("again"), again, lines)
        assert len(rang.judged.alerts) == each.alerts
        assert each.days <= 2 * wanted
