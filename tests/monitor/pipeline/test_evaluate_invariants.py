"""What holds of judging whatever is said: restarts, duplicates, wrong clocks and repeated replays change no alert."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from monitor.domain.clock import ManualClock
from monitor.domain.mention import Author, Form, Mention
from monitor.settings import Settings
from monitor.storage import StorageSettings, Store

if TYPE_CHECKING:
    from tests.monitor.pipeline.conftest import Build, Configure, House

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
LOOK = 10 * MINUTE
US = Author("acme", handle="acme", own=True)
MORNING = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
# A long hunt: TOCSIN_EXAMPLES=2000 .venv/bin/pytest tests/monitor/pipeline/test_evaluate_invariants.py
EXAMPLES = int(os.environ.get("TOCSIN_EXAMPLES", "3"))

COMPLAINT = {"id": "complaint", "kind": "mention", "where": {"text": {"any_of": ["broken"]}}, "resolve": {"after": "2h"}}
WINDOW: dict[str, Any] = {"kind": "window", "window": "10m", "keep_firing_for": "5m", "notify": "room"}
RULES = [
    COMPLAINT,
    {**WINDOW, "id": "few", "where": {"text": {"any_of": ["fire"]}}, "fire": {"at_least": 2}},
    {**WINDOW, "id": "lasting", "window": "30m", "fire": {"at_least": 3}, "for": "10m", "measure": {"distinct": "author"}},
    {
        **WINDOW,
        "id": "unusual",
        "fire": {"at_least": 2, "times_expected": 1.5, "surprise": 0.5},
        "baseline": {"min_history": "30m", "level": "1h", "dispersion": "2h"},
    },
    {**WINDOW, "id": "share", "measure": {"share": {"text": {"any_of": ["fire"]}}}, "fire": {"at_least": 2, "share": 0.5}},
    {**WINDOW, "id": "reach", "measure": {"sum": "author.reach"}, "fire": {"at_least": 30}},
    {
        "id": "drop",
        "kind": "sentiment_drop",
        "window": "20m",
        "fire": {"drop": 0.2, "at_least": 2},
        "baseline": {"min_history": "10m"},
    },
    {
        "id": "flat",
        "kind": "flatline",
        "window": "30m",
        "fire": {"usually": 1, "at_most_expected": 0.5},
        "baseline": {"min_history": "30m"},
    },
    {
        "id": "term",
        "kind": "new_term",
        "field": "hashtags",
        "memory": "2h",
        "warm_up": "10m",
        "fire": {"at_least": 2, "within": "10m", "times_expected": 1.5},
    },
    {"id": "unanswered", "kind": "absence", "where": {"text": {"any_of": ["when"]}}, "within": "10m"},
]
WHAT = ["fire", "broken", "is on fire and broken, I hate it #burning", "works wonderfully, I love it", "opens when?", "we answer"]
# Minutes since the one before, who, what.
_said = st.lists(st.tuples(st.integers(0, 12), st.sampled_from("abc"), st.sampled_from(WHAT)), min_size=1, max_size=10)
Said = list[tuple[int, str, str]]
# Praise and an answer of ours, then a storm, a question, and silence: something for every kind.
STORY: Said = [
    (0, "a", "we answer"),
    *((4, who, "works wonderfully, I love it") for who in "abcabcabc"),
    *((1, who, "is on fire and broken, I hate it #burning") for who in "abc"),
    (1, "a", "opens when?"),
]
Happen = Callable[["House", int], Awaitable[object]]


async def nothing(home: House, number: int) -> None:
    """Happens after most mentions."""
    del home, number


def mentions(said: Said) -> list[Mention]:
    """What is said in a story."""
    at, made = MORNING, []
    for number, (gap, who, what) in enumerate(said):
        at += gap * MINUTE
        uri, author = f"https://social.example/{number}", Author(who, handle=who, name=who, reach=10)
        ours = {"author": US, "form": Form.REPLY} if what == "we answer" else {"author": author}
        made.append(Mention("mastodon", f"Acme {what}", at, uri=uri, **ours))
    return made


async def alerts(home: House) -> list[tuple[object, ...]]:
    """What rang, when and why, and what came of it. A mention goes by its address: its number says how many were refused, too."""
    found = await home.alerts()
    async with home.store.read() as tx:
        mentions = await tx.mentions.get([int(each.key["mention"]) for each in found if "mention" in each.key])
    called = {str(each.id): each.url for each in mentions}
    return [
        (
            each.rule,
            {part: called[value] if part == "mention" else value for part, value in each.key.items()},
            each.severity,
            each.fired_at,
            each.resolved_reason,
            each.observed,
            each.reasons,
        )
        for each in found
    ]


async def wait(home: House, until: datetime) -> None:
    """Let time pass, with a look at the clock now and then; a recording does so by itself."""
    while not home.drive and home.clock.now() < until:
        home.clock.advance_to(min(home.clock.now() + LOOK, until))
        await home.stages.intake.poll("net")
        await home.stages.evaluate.tick()


def jump(home: House, by: timedelta | None) -> None:
    """The clock is set, and the daemon's watcher sees it."""
    if by is not None:
        home.clock.current += by
        if by < timedelta(0):
            home.stages.evaluate.set_back()


async def played(
    hut: Build, configured: Settings, said: Sequence[Mention], happens: Happen = nothing, *, drive: bool = False
) -> list[tuple[object, ...]]:
    """What rang in a story, judged one mention after the other; `happens` after each, once before and once after it is judged."""
    store = await Store.open(StorageSettings(url=SecretStr("sqlite:///:memory:")))
    try:
        home = hut(configured, store=store, clock=ManualClock(MORNING), drive=drive)
        for number, mention in enumerate(said):
            await wait(home, mention.written_at)
            await home.brings(mention)
            await happens(home, number)
            await home.judge()
            await happens(home, number)
        await wait(home, home.clock.now() + HOUR)
        return await alerts(home)
    finally:
        await store.close()


async def test_the_story_rings_for_every_kind(hut: Build, configure: Configure) -> None:
    """So that what is said of all kinds here is said of something."""
    rang = {each[0] for each in await played(hut, configure(rules=RULES), mentions(STORY))}
    assert rang == {rule["id"] for rule in RULES}


@settings(max_examples=EXAMPLES)
@given(said=_said, cuts=st.sets(st.integers(0, 9)))
@example(said=STORY, cuts={2, 11, 13})
def test_a_restart_at_any_point_changes_no_alert(hut: Build, configure: Configure, said: Said, cuts: set[int]) -> None:
    """Between a mention's arrival and its judgement, after it, and before the clock is looked at."""
    configured, story = configure(rules=RULES), mentions(said)

    async def restart(home: House, number: int) -> None:
        if number in cuts:
            home.restart()

    async def both() -> None:
        assert await played(hut, configured, story, restart) == await played(hut, configured, story)

    asyncio.run(both())


@settings(max_examples=EXAMPLES)
@given(said=_said, again=st.lists(st.integers(0, 9), max_size=10))
@example(said=STORY, again=[0, 5, 9, 12])
def test_duplicates_change_no_alert(hut: Build, configure: Configure, said: Said, again: list[int]) -> None:
    """What was said comes again, at once or much later; when it was judged, its author may have edited it."""
    configured, story = configure(rules=RULES), mentions(said)

    async def repeat(home: House, number: int) -> None:
        earlier = again[number % len(again)] if again else number
        if earlier <= number:
            await home.brings(story[earlier])
        if earlier < number:
            await home.brings(replace(story[earlier], text="Acme fire, broken"))

    async def both() -> None:
        assert await played(hut, configured, story, repeat) == await played(hut, configured, story)

    asyncio.run(both())


@settings(max_examples=EXAMPLES)
@given(said=_said)
def test_a_recording_gives_the_same_each_time(hut: Build, configure: Configure, said: Said) -> None:
    """To the last byte: alerts and their reasons."""
    configured, story = configure(rules=RULES), mentions(said)

    async def both() -> None:
        first, second = [await played(hut, configured, story, drive=True) for _ in range(2)]
        assert repr(first) == repr(second)

    asyncio.run(both())


@settings(max_examples=EXAMPLES)
@given(ahead=st.lists(st.integers(1, 500_000), min_size=1, max_size=6))
def test_what_claims_to_come_from_the_future_rings_no_later_window(hut: Build, configure: Configure, ahead: list[int]) -> None:
    """It counts when it is seen. Half an hour on nothing of it is left, and one person alone is no storm."""
    configured = configure(rules=RULES[1:2])
    story = [
        replace(each, written_at=MORNING + minutes * MINUTE)
        for each, minutes in zip(mentions([(0, "a", "fire")] * 6), ahead, strict=False)
    ]

    async def rings() -> None:
        store = await Store.open(StorageSettings(url=SecretStr("sqlite:///:memory:")))
        home = hut(configured, store=store, clock=ManualClock(MORNING))
        await home.brings(*story)
        await home.judge()
        rang = len(await home.alerts())
        assert rang == (len(story) > 1)
        await wait(home, MORNING + 30 * MINUTE)
        await home.hears("Acme fire", by="z")
        assert [each.state for each in await home.alerts()] == ["resolved"] * rang
        await store.close()

    asyncio.run(rings())


@settings(max_examples=EXAMPLES)
@given(said=_said, jumps=st.dictionaries(st.integers(0, 9), st.sampled_from([-HOUR, HOUR]), max_size=3))
def test_a_clock_that_jumps_hides_no_complaint(hut: Build, configure: Configure, said: Said, jumps: dict[int, timedelta]) -> None:
    """An hour on or back, any number of times: everybody is heard, a storm within a minute rings, and in the end all is over."""
    configured = configure(rules=RULES[:2])

    async def heard() -> None:
        store = await Store.open(StorageSettings(url=SecretStr("sqlite:///:memory:")))
        home = hut(configured, store=store, clock=ManualClock(MORNING))
        for number, (gap, who, what) in enumerate(said):
            jump(home, jumps.get(number))
            home.clock.advance(gap * MINUTE)
            await home.hears(f"Acme {what}", by=who)
            await home.stages.evaluate.tick()
        rang = [each for each in await home.alerts() if each.rule == "complaint"]
        assert len({each.key["author"] for each in rang}) == len({who for _, who, what in said if "broken" in what})
        jump(home, jumps.get(9))
        await home.storm(2)
        assert "few" in {each.rule for each in await home.alerts() if each.state == "open"}
        await wait(home, home.clock.now() + 5 * HOUR)
        assert {each.state for each in await home.alerts()} == {"resolved"}
        await store.close()

    asyncio.run(heard())
