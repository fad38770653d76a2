"""What people do with a mention: once, by whoever was first, and known to rules, alerts and whoever watches."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from monitor.domain.errors import UsageError
from monitor.domain.feedback import Feedback
from monitor.domain.handling import Deed, HandledMeanwhileError, Handling, HandlingState, Seen, Verb
from monitor.domain.mention import Author, Form, Observed
from monitor.pipeline import handling, operations
from monitor.pipeline.handling import Act
from monitor.pipeline.operations import Actor

if TYPE_CHECKING:
    from tests.monitor.pipeline.conftest import Build, Configure, House

HOUR = timedelta(hours=1)
US = Author("acme", handle="acme", own=True)


@pytest.fixture
async def desk(hut: Build) -> House:
    """A house in which somebody has said one thing, mention 1."""
    home = hut()
    await home.hears("Acme is fine", uri="https://social.example/1")
    return home


def act(home: House, version: int = 0, *, by: str = "ana", note: str = "") -> Act:
    """Somebody acts on mention 1, as they saw it."""
    return Act(Seen(1, version), Actor(by, "console"), home.clock.now(), note)


async def history(home: House) -> list[Deed]:
    """What was done with mention 1."""
    async with home.store.read() as tx:
        deeds = await tx.handling.history(1)
        assert await tx.handling.after(0, 10) == deeds
        assert await tx.handling.newest() == (deeds[-1].id if deeds else 0)
    return deeds


async def seen(home: House) -> Observed:
    """Mention 1."""
    async with home.store.read() as tx:
        return (await tx.mentions.get([1]))[0]


async def test_nobody_answers_twice(desk: House) -> None:
    """Who acts on what another has changed meanwhile is told who did what, and when; nothing is kept of their try."""
    taken = await handling.assign(desk.store, desk.settings, act(desk, note=" I know her "), "ana")
    assert taken == Handling(1, HandlingState.ASSIGNED, "ana", 1, desk.clock.now(), "ana")
    with pytest.raises(
        HandledMeanwhileError, match="mention 1 was changed meanwhile: ana made it `assigned`, for ana at "
    ) as said:
        await handling.answer(desk.store, desk.settings, act(desk, by="ben"))
    assert said.value.now == taken
    assert [(deed.verb, deed.by, deed.through, deed.note) for deed in await history(desk)] == [
        (Verb.ASSIGN, "ana", "console", "I know her")
    ]
    assert not (await seen(desk)).answered


async def test_two_at_one_moment_are_one_and_a_refusal(house: Build) -> None:
    """Whoever commits first has it, on both databases, also when both saw that nobody had touched it."""
    home = house()
    await home.hears("Acme is fine")
    async with home.store.begin() as tx:
        (known,) = (await tx.handling.of([1])).values()
        first = Handling(1, HandlingState.CLOSED, None, 1, home.clock.now(), "ana")
        assert await tx.handling.save(known, first)
        assert not await tx.handling.save(known, first)
        second = Handling(1, HandlingState.NEW, None, 2, home.clock.now(), "ben")
        assert await tx.handling.save(first, second)
        assert not await tx.handling.save(first, second)


async def test_a_mention_goes_round(desk: House, configure: Configure) -> None:
    """To a role, answered, taken back, closed, and open again: as whose it was."""
    assigned = await handling.assign(desk.store, desk.settings, act(desk), "lead")
    same = await handling.assign(desk.store, desk.settings, act(desk, 1), "lead")
    assert same == assigned
    answered = await handling.answer(desk.store, desk.settings, act(desk, 1))
    assert (answered.state, answered.assignee, (await seen(desk)).answered) == (HandlingState.ANSWERED, "lead", True)
    back = await handling.reopen(desk.store, act(desk, 2))
    assert (back.state, (await seen(desk)).answered) == (HandlingState.ASSIGNED, None)
    closed = await handling.close(desk.store, act(desk, 3))
    assert (closed.state, closed.version) == (HandlingState.CLOSED, 4)
    with pytest.raises(UsageError, match=r"nobody in contacts.yaml is called `leed`; .*lead"):
        await handling.assign(desk.store, desk.settings, act(desk, 4), "leed")
    with pytest.raises(UsageError, match="there is no mention 7"):
        await handling.close(desk.store, Act(Seen(7, 0), Actor("ana", "console"), desk.clock.now()))


async def test_what_is_opened_again_waits_whatever_was_done_since(desk: House) -> None:
    """Answered by hand, closed, and open again: it waits for an answer, or nobody would ever be reminded of it."""
    await handling.answer(desk.store, desk.settings, act(desk))
    desk.clock.advance(HOUR)
    await handling.close(desk.store, act(desk, 1, by="ben"))
    back = await handling.reopen(desk.store, act(desk, 2))
    assert (back.state, (await seen(desk)).answered) == (HandlingState.NEW, None)


async def test_what_we_were_seen_to_answer_is_answered(desk: House) -> None:
    """By a reply of our own account, without anybody's doing; that stays so when a person opens it again."""
    await desk.hears("Thank you", by=None, author=US, form=Form.REPLY, parent="https://social.example/1")
    async with desk.store.read() as tx:
        (now,) = (await tx.handling.of([1])).values()
    assert (now.state, now.by, now.version) == (HandlingState.ANSWERED, "tocsin", 1)
    assert [(deed.verb, deed.through) for deed in await history(desk)] == [(Verb.ANSWER, "network")]
    back = await handling.reopen(desk.store, act(desk, 1))
    assert (back.state, (await seen(desk)).answered) == (HandlingState.NEW, True)


async def test_what_a_person_answered_waits_no_more(hut: Build, configure: Configure) -> None:
    """A rule that waits for an answer does not ring for it."""
    waits: dict[str, Any] = {"id": "waits", "title": {"en": "w"}, "kind": "absence", "where": {"text": {"any_of": ["when"]}}}
    home = hut(configure(rules=[waits | {"within": "4h", "realert": "1d"}]))
    await home.hears("Good morning", by=None, author=US, form=Form.REPLY)
    await home.hears("Acme, when do you open?")
    await handling.answer(home.store, home.settings, Act(Seen(2, 0), Actor("ana", "console"), home.clock.now()))
    await home.wait(6 * HOUR)
    assert await home.alerts() == []


async def test_feedback_and_notes(desk: House) -> None:
    """They need no version; about nothing of ours, a mention is nobody's work."""
    said = Feedback(1, "sentiment", "positive", "ana", desk.clock.now())
    assert (await handling.wrong_score(desk.store, act(desk, 9), [said])).version == 0
    assert (await handling.note(desk.store, act(desk, 9, note="call her\x00"))).version == 0
    with pytest.raises(UsageError, match="a note says something"):
        await handling.note(desk.store, act(desk, note=" "))
    gone = await handling.not_about(desk.store, act(desk, note="a bicycle"), ["acme"])
    assert gone.state is HandlingState.NOT_ABOUT_US
    assert [(deed.verb, deed.note) for deed in await history(desk)] == [
        (Verb.SCORE, ""),
        (Verb.NOTE, "call her"),
        (Verb.NOT_ABOUT_US, "a bicycle"),
    ]
    async with desk.store.read() as tx:
        assert [each.kind for each in await tx.feedback.of_mention(1)] == ["sentiment", "not_about"]


async def test_an_alert_by_hand_is_one_like_others(house: Build) -> None:
    """It is told, with the post; taken; not opened twice; and ends by an answer, or by its time, while others are judged on."""
    home = house()
    await home.hears("Acme is fine")
    alert = await handling.open_alert(home.store, home.settings, act(home, note="she is a minister"), "critical")
    assert (await handling.open_alert(home.store, home.settings, act(home))).id == alert.id
    await home.judge()
    await home.act()
    (told,) = home.told("desk")
    assert ([post.author for post in told.posts], told.severity) == (["ada"], "critical")
    await operations.acknowledge(home.store, alert.id, Actor("ben", "console"), home.clock.now())
    await home.hears("Acme is broken", by="bob")
    await home.judge()  # whoever judges has noticed by now that the alerts are to be read again
    assert {each.rule: each.acknowledged_by for each in await home.alerts()} == {"by-hand": "ben", "complaint": None}
    await handling.answer(home.store, home.settings, act(home))
    assert (await home.alert("by-hand")).resolved_reason == "answered: ana says so"
    again = await handling.open_alert(home.store, home.settings, act(home))
    await home.wait(25 * HOUR, step=HOUR)
    over = [each for each in await home.alerts() if each.id == again.id]
    assert [each.resolved_reason for each in over] == ["its time is over"]


async def test_it_goes_with_the_person(desk: House) -> None:
    """An erasure removes what was done and said about their mention, and their name from other notes."""
    await desk.hears("Acme again", by="grace@social.example")
    await handling.note(desk.store, act(desk, note="ask @grace@social.example"))
    other = Act(Seen(2, 0), Actor("ana", "console"), desk.clock.now(), "she is angry")
    await handling.close(desk.store, other)
    await operations.erase(desk.store, "mastodon", "grace@social.example", Actor("dpo", "cli"), desk.clock.now())
    async with desk.store.read() as tx:
        assert await tx.handling.history(2) == []
        assert "grace" not in (await tx.handling.history(1))[0].note


async def test_an_answer_that_came_first_counts(hut: Build) -> None:
    """What our own accounts answered before the mention itself was stored is answered in the shared inbox, too."""
    home = hut()
    await home.hears("We are sorry", by=None, author=US, parent="https://social.example/1", form=Form.REPLY)
    await home.hears("Acme is fine", uri="https://social.example/1", ago=HOUR)
    async with home.store.read() as tx:
        (asked,) = (await tx.handling.of([2])).values()
    assert (asked.state, asked.by) == (HandlingState.ANSWERED, "tocsin")


async def test_who_takes_one_needs_no_entry_in_contacts(desk: House) -> None:
    """An account of the console is enough to say: I do this."""
    taken = await handling.assign(desk.store, desk.settings, act(desk, by="zoe"), "zoe")
    assert (taken.state, taken.assignee) == (HandlingState.ASSIGNED, "zoe")


async def test_an_answer_by_hand_is_counted(desk: House) -> None:
    """What is counted per hour says so at once, and takes it back; counting all anew comes to the same."""
    seen = []
    for work in (handling.answer(desk.store, desk.settings, act(desk)), handling.reopen(desk.store, act(desk, 1))):
        await work
        async with desk.store.begin() as tx:
            counted = await tx.tallies.everything()
            await tx.tallies.rebuild(desk.clock.now() - 2 * HOUR, print)
            assert await tx.tallies.everything() == counted
        seen.append(bool(counted[1]))
    assert seen == [True, False]


async def test_a_person_ends_what_a_person_opened(hut: Build) -> None:
    """And whoever was told of it is told; what a rule has opened ends with what the rule watches."""
    home = hut()
    await home.hears("my Acme is broken")
    opened = await handling.open_alert(home.store, home.settings, act(home, note="a friend of ours"))
    await handling.end_alert(home.store, home.settings, opened.id, Actor("ben", "console"), home.clock.now(), "all is well")
    again = await handling.end_alert(home.store, home.settings, opened.id, Actor("ana", "console"), home.clock.now())
    assert again.resolved_reason == "ben ended it: all is well"
    rule = await home.alert("complaint")
    with pytest.raises(UsageError, match="is no alert that a person has opened"):
        await handling.end_alert(home.store, home.settings, rule.id, Actor("ben", "console"), home.clock.now())


async def test_what_a_person_opened_has_a_title(hut: Build) -> None:
    """In the language of whoever is told."""
    home = hut()
    await home.hears("Acme is fine")
    await handling.open_alert(home.store, home.settings, act(home, note="a friend of ours"), "critical")
    await home.deliver()
    (told,) = [message for door in home.doors for message in home.told(door)]
    assert told.alerts[0].title == {"fr": "Alerte ouverte à la main", "en": "Alert opened by hand"}[told.language]
