"""The page of a plan run, which one may read by a link."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import update

from monitor.domain.plan import TimelineEvent
from monitor.pipeline import operations
from monitor.pipeline.links import Links
from monitor.pipeline.operations import Actor
from monitor.storage.tables import plan_run

if TYPE_CHECKING:
    from tests.monitor.web.conftest import Doorstep, Meet


async def test_it_says_how_the_run_stands(storm: Doorstep) -> None:
    """Level, steps with their ticks, words ready and not ready, what nobody does, the loudest posts, and what happened."""
    home = storm.home
    await home.do("acknowledge", by="ana")
    await home.do("check", by="ana", step="facts", item=0)
    home.clock.advance(timedelta(minutes=7))
    await home.do("note", by="ben", text="called the shop")
    status, shown = await storm.get(storm.page("ana"))
    assert status == 200
    for words in (
        "<h1>Plan tempête</h1>",
        "niveau «\u00a0vigilance\u00a0»",
        "Pris en charge par Ana Lopez à 08:00.",
        "État à 08:07",
        "☑</span>Vrai",
        "☐</span>Qui",
        "Nous cherchons.",
        "Un autre texte.",
        "Supprimer une critique",
        "Acme is on fire",
        'Plan pris en charge <span class="soft small">· Ana Lopez</span>',
        "Point coché\u00a0: «\u00a0Les faits\u00a0»",
        'Note <span class="soft small">· Ben &lt;b&gt;Roy&lt;/b&gt;</span>',
        "called the shop",
        "tocsin plan show 1",
    ):
        assert words in shown, words
    assert not any(word in shown for word in ("<script", "<form", "<button", " style="))


async def test_it_speaks_the_readers_language(storm: Doorstep) -> None:
    """That of the receiver whose link it is."""
    _, shown = await storm.get(storm.page("ben"))
    assert '<html lang="en"' in shown
    assert "Nobody has taken it yet." in shown
    assert "Plan opened" in shown


@pytest.mark.fault("people", "a post, or a note, holds markup, a template or marks of direction")
async def test_strangers_words_stay_words(meet: Meet) -> None:
    """On the page of a run strangers’ words stay words, however they are written."""
    doorstep = await meet()
    hostile = '</p><script>alert("x")</script><img src=x onerror=alert(1)> Acme is on fire {{ 7*7 }} \u202e'
    await doorstep.home.storm(text=hostile)
    await doorstep.home.act()
    await doorstep.home.do("note", by="ana", text=hostile)
    _, shown = await doorstep.get(doorstep.page("ana"))
    assert "&lt;script&gt;" in shown
    assert not any(word in shown for word in ("<script", "<img", "\u202e", "49 "))
    assert "{{ 7*7 }}" in shown


async def test_it_can_be_read_after_the_end(storm: Doorstep) -> None:
    """Closed, with who closed it and why; nothing goes on any more."""
    assert "Ce qui se passe" in (await storm.get(storm.page("ana")))[1]
    await storm.home.do("false_alarm", by="ana", text="a joke")
    status, shown = await storm.get(storm.page("ana"))
    assert status == 200
    assert "clos" in shown
    assert "Ce qui se passe" not in shown
    assert 'Fausse alerte signalée <span class="soft small">· Ana Lopez' in shown
    assert "Personne ne l’a encore pris en charge" not in shown


async def test_at_the_end_nothing_is_to_be_done_any_more(storm: Doorstep) -> None:
    """What nobody had ended by then was not done, and is neither due nor late."""
    assert "<strong>à faire</strong>" in (await storm.get(storm.page("ana")))[1]
    await storm.home.do("stand_down", by="ana")
    _, shown = await storm.get(storm.page("ana"))
    assert shown.count("<strong>pas fait</strong>") == 2
    assert not any(word in shown for word in ("<strong>à faire</strong>", "<strong>à venir</strong>", "échéance", "en retard"))


async def test_a_run_of_another_version_is_not_guessed_at(storm: Doorstep) -> None:
    """Its page says so, and its link to take it still works as far as it can."""
    run = await storm.run()
    path = storm.page("ana")
    taking = storm.link("ana")
    async with storm.home.store.begin() as tx:
        await tx.plans._session.run(update(plan_run).where(plan_run.c.id == run.id).values(snapshot={"of": "tomorrow"}))
        await tx.commit()
    status, shown = await storm.get(path)
    assert (status, "Ce plan ne peut pas être affiché" in shown) == (409, True)
    assert (await storm.get(taking))[0] == 200
    status, shown = await storm.press(taking)
    assert (status, "Ce plan ne peut pas être affiché" in shown) == (409, True)


async def test_a_run_that_is_not_there_has_no_page(storm: Doorstep) -> None:
    """And one whose receiver is gone has no reader."""
    links = Links(storm.home.settings, storm.home.store)
    for number, receiver in ((99, "ana"), (1, "nobody")):
        status, _ = await storm.get(f"/run?link={links.write('run', number, receiver, storm.home.clock.now())}")
        assert status == 410


async def test_a_run_opened_by_hand_rings_nothing(meet: Meet) -> None:
    """There is no headline to show, only the plan."""
    doorstep = await meet()
    home = doorstep.home
    plan = home.settings.plans["storm"]
    await operations.open_plan_by_hand(
        home.store, plan, "acme", Actor("zoe", "cli"), home.clock.now(), why="a call from the authorities"
    )
    await home.act()
    _, shown = await doorstep.get(doorstep.page("ana"))
    assert 'Plan ouvert <span class="soft small">· zoe' in shown
    assert "a call from the authorities" in shown
    assert "Ce qui se passe" not in shown


async def test_a_long_story_shows_its_end(storm: Doorstep) -> None:
    """Two hundred moments, and how to see the others; what repeats is one of them, what no person cares for none."""
    home, run = storm.home, await storm.run()
    events: list[tuple[str, dict[str, object]]] = [("plan.noted", {"note": f"note {number}"}) for number in range(250)]
    events += [("plan.quiet", {})] * 250 + [("alert.told", {})]
    async with home.store.begin() as tx:
        for kind, detail in events:
            await tx.timeline.add(
                TimelineEvent(home.clock.now(), kind, "ana", "cli", detail, run.incident_id, plan_run_id=run.id)
            )
        await tx.commit()
    _, shown = await storm.get(storm.page("ana"))
    assert "note 249" in shown
    assert "note 51<" in shown
    assert "note 50<" not in shown
    assert "(250 fois)" in shown
    assert "Le début n’est pas montré ici." in shown
