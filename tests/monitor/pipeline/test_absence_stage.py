"""Questions that nobody answers, from the source to the message: told once, ended by our answer, and never for missing data."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from monitor.domain.mention import Author, Form
from rules import RuleFile

if TYPE_CHECKING:
    from tests.monitor.pipeline.conftest import Build, Configure, House

HOUR = timedelta(hours=1)
UNANSWERED: dict[str, Any] = {
    "id": "unanswered",
    "title": {"en": "A question waits", "fr": "Une question attend"},
    "kind": "absence",
    "where": {"text": {"any_of": ["when"]}},
    "within": "4h",
    "realert": "1d",
}
US = Author("acme", handle="acme", own=True)


@pytest.fixture
async def desk(hut: Build, configure: Configure) -> House:
    """A house in which a reply of ours was seen, and in which somebody asks a question."""
    home = hut(configure(rules=[UNANSWERED]))
    await home.hears("Good morning", by=None, author=US, form=Form.REPLY)
    await home.hears("Acme, when do you open?", by="lea", uri="https://social.example/question")
    return home


async def answered(home: House, **more: Any) -> None:
    """We answer the question."""
    await home.hears("At nine", by=None, author=US, parent="https://social.example/question", **more)


async def test_a_question_is_told_once_and_so_is_its_answer(desk: House) -> None:
    """After four hours, with the post; when we answer at last, whoever was told of the question is told of that."""
    await desk.wait(3 * HOUR)
    assert await desk.alerts() == []
    await desk.wait(3 * HOUR)
    alert = await desk.alert("unanswered")
    assert (alert.kind, alert.labels["subject"]) == ("absence", "acme")
    (told,) = desk.told("desk")
    assert [post.author for post in told.posts] == ["lea"]
    await answered(desk)
    await desk.wait(HOUR)
    assert desk.kinds("desk") == ["first", "resolved"]
    assert (await desk.alert()).resolved_reason == "answered"


async def test_an_answer_in_time_rings_for_nobody(desk: House) -> None:
    """However long one waits then."""
    await desk.wait(3 * HOUR)
    await answered(desk)
    await desk.wait(24 * HOUR)
    assert await desk.alerts() == []


async def test_each_question_is_an_incident_of_its_own(desk: House) -> None:
    """One customer's thread never mixes with another's."""
    await desk.hears("Acme, when do you close?", by="tom")
    await desk.wait(6 * HOUR)
    first, second = await desk.alerts()
    assert first.incident_id != second.incident_id


async def test_while_the_source_is_ill_nobody_knows(desk: House) -> None:
    """Not even once it has been ill for so long that nothing else waits for it. When it is back with our answer, nothing rang."""
    for _ in range(20):
        desk.clock.advance(HOUR)
        await desk.stages.evaluate.tick()
    assert [alert.rule for alert in await desk.alerts()] == ["source-health"]
    await answered(desk, ago=17 * HOUR)
    await desk.wait(HOUR)
    assert [alert.rule for alert in await desk.alerts()] == ["source-health"]


async def test_a_restart_loses_no_question(desk: House) -> None:
    """What waits is in the store; a process that comes later rings in time, and once."""
    desk.restart()
    await desk.wait(3 * HOUR)
    desk.restart()
    await desk.wait(3 * HOUR)
    desk.restart()
    await desk.wait(3 * HOUR)
    assert desk.kinds("desk") == ["first"]


async def test_nobody_is_told_of_what_was_erased(desk: House) -> None:
    """Whoever asked to be forgotten waits for no answer."""
    async with desk.store.begin() as tx:
        await tx.erasures.erase("mastodon", "lea", desk.clock.now(), "ops")
        await tx.commit()
    await desk.wait(6 * HOUR)
    assert await desk.alerts() == []


async def test_old_questions_are_gathered(hut: Build, configure: Configure) -> None:
    """What was asked long before we listened is told together and gently, and ends by its time."""
    home = hut(configure(rules=[UNANSWERED]))
    await home.hears("Good morning", by=None, author=US, form=Form.REPLY, ago=timedelta(days=3))
    for number in range(3):
        await home.hears(f"Acme, when is number {number} due?", by=f"p{number}", ago=timedelta(days=2))
    await home.wait(HOUR)
    alert = await home.alert()
    assert (alert.key, alert.severity, alert.occurrences) == ({"catch_up": "net"}, "info", 3)
    await home.wait(timedelta(days=8), step=12 * HOUR)
    assert (await home.alert()).resolved_reason == "its time is over"


async def test_a_question_that_joined_a_crisis_does_not_hold_it_open(desk: House) -> None:
    """It is about one person, and the crisis about many."""
    crisis = {"id": "crisis", "kind": "window", "window": "60m", "fire": {"at_least": 3}, "where": {"text": {"any_of": ["fire"]}}}
    await desk.wait(4 * HOUR - timedelta(minutes=10))
    desk.restart(desk.settings.model_copy(update={"rules": (*desk.settings.rules, *_rules(crisis))}))
    await desk.storm(4)
    await desk.wait(4 * HOUR)
    asked = await desk.alert("unanswered")
    assert asked.incident_id == (await desk.alert("crisis")).incident_id
    async with desk.store.read() as tx:
        assert not await tx.alerts.hold_open(asked.incident_id)


def _rules(*written: dict[str, Any]) -> Any:
    return RuleFile.model_validate({"version": 1, "rules": list(written)}).effective()


async def test_a_clock_that_was_set_back_lets_nobody_wait_anew(desk: House) -> None:
    """What waits goes on waiting, and what nobody waits for any more is not asked for again: no window has moved on."""
    await desk.wait(6 * HOUR)
    assert (await desk.alert("unanswered")).occurrences == 1
    await answered(desk)
    await desk.hears("Acme, when do you close?", by="tom")
    await desk.wait(HOUR)
    desk.stages.evaluate.set_back()
    while await desk.stages.evaluate.step():
        pass
    await desk.wait(5 * HOUR)
    first, second = await desk.alerts()
    assert (first.resolved_reason, second.resolved_at) == ("answered", None)


async def test_an_answer_that_is_long_due_is_told_once_more_and_graver(hut: Build, configure: Configure) -> None:
    """At its moment, whatever `realert` says, also across a restart; and our answer ends it."""
    louder = {"raise": [{"waited": "8h", "severity": "critical"}]}
    home = hut(configure(rules=[UNANSWERED | louder]))
    await home.hears("Good morning", by=None, author=US, form=Form.REPLY)
    await home.hears("Acme, when do you open?", by="lea", uri="https://social.example/question")
    await home.wait(7 * HOUR)
    assert home.kinds("desk") == ["first"]
    await home.wait(2 * HOUR)
    assert home.kinds("desk") == ["first", "worse"]
    assert (await home.alert()).severity == "critical"
    await home.wait(9 * HOUR)
    assert home.kinds("desk") == ["first", "worse"]
    await answered(home)
    await home.wait(HOUR)
    assert home.kinds("desk") == ["first", "worse", "resolved"]


async def test_a_question_of_the_night_is_told_in_the_hours_of_work(hut: Build, configure: Configure) -> None:
    """And the message says that these were counted."""
    home = hut(configure(rules=[UNANSWERED | {"hours": "20:00-22:00", "within": "1h", "timezone": "UTC"}]))
    await home.hears("Good morning", by=None, author=US, form=Form.REPLY)
    await home.hears("Acme, when do you open?", by="lea", uri="https://social.example/question")
    await home.wait(24 * HOUR)
    (alert,) = await home.alerts()
    assert alert.opened_at.hour == 21
    (told,) = home.told("desk")
    assert told.alerts[0].reasons == ("not answered by any of our own accounts within 1h of work",)
