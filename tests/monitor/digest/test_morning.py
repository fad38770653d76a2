"""The morning caucus: what happened, what to answer first, and on a quiet day a line that says so."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from monitor.digest.as_text import text
from tests.monitor.digest.conftest import HOSTILE, MONDAY, Desk

HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("language", "said"), [("fr", "Tout est calme\u00a0: 1 source saine, 07:58"), ("en", "All is calm: 1 healthy source, 07:58")]
)
async def test_a_quiet_day_is_one_calm_line(quiet: Desk, language: str, said: str) -> None:
    """It says what was checked, for silence alone is no peace."""
    paper = await quiet.paper("dawn", "fr" if language == "fr" else "en")
    assert (paper.headline, paper.calm, paper.urgent) == (said, True, "")
    assert paper.subject == f"Acme · {said}"
    assert "1" in paper.checked
    assert "opportunities" in {section.key for section in paper.sections}


async def test_without_a_source_that_answers_nothing_is_calm(house: object) -> None:
    """A daemon that hears nothing does not say that all is well."""
    desk: Desk = house()  # type: ignore[operator]
    paper = await desk.paper("dawn")
    assert (paper.calm, paper.headline) == (False, "No source has brought anything yet")


async def test_a_loud_night_is_told_by_weight(loud: Desk) -> None:
    """The plan and the critical alert stand above the complaint."""
    paper = await loud.paper("dawn")
    night = next(each for each in paper.sections if each.key == "night")
    assert [line.tone for line in night.lines] == ["critical", "critical", "warning"]
    assert "taken by nobody" in night.lines[1].under
    assert not paper.calm


async def test_who_took_it_and_how_long_that_took_is_said(loud: Desk) -> None:
    """By name, with the time from ringing to taking."""
    async with loud.home.store.begin() as tx:
        (alert,) = [each for each in await tx.alerts.list() if each.rule == "crisis"]
        await tx.alerts.acknowledge(alert.id, "ana", loud.home.clock.now())
        await tx.commit()
    said = text(await loud.paper("dawn"))
    assert "taken by Ana after" in said


async def test_a_night_of_chatter_hides_no_complaint(loud: Desk) -> None:
    """What waits for an answer is told although hundreds spoke after it."""
    home = loud.home
    before = {section.key: section for section in (await loud.paper("dawn")).sections}["answer"]
    await home.brings(*(home.mention(f"Acme is at the fair, hall {number}", by=f"c{number}", ago=HOUR) for number in range(220)))
    home.clock.advance(timedelta(seconds=1))
    day = {section.key: section for section in (await loud.paper("dawn", day=MONDAY + timedelta(days=1))).sections}
    assert {line.text for line in day["answer"].lines} >= {line.text for line in before.lines}


async def test_what_happened_leads_to_its_page(loud: Desk) -> None:
    """An alert and a plan run stand in the console; where nobody reaches that, no address is written."""
    paper = await loud.paper("dawn")
    pages = [line.page for section in paper.sections if section.key == "night" for line in section.lines]
    assert {page.rpartition("/")[0] for page in pages} == {"/alerts", "/runs"}
    elsewhere = text(replace(paper, console="https://tocsin.example"))
    assert all(f"  https://tocsin.example{page}\n" in elsewhere for page in pages)
    assert "/alerts/" not in text(paper)


async def test_what_others_write_passes_for_nothing_of_ours(loud: Desk) -> None:
    """Their lines are quoted, their tricks of direction are gone, and a link that is none of the web is not shown."""
    said = text(await loud.paper("dawn"))
    lines = [line for line in said.splitlines() if "HYPERLINK" in line or "alert(1)" in line]
    assert HOSTILE[:10] in said
    assert all(line.lstrip().startswith((">", "- >")) for line in lines)
    assert "\u202e" not in said
    assert "javascript:" not in said
    assert max(map(len, said.splitlines())) <= 72


async def test_a_post_of_ours_says_what_it_drew(loud: Desk) -> None:
    """With our audience."""
    paper = await loud.paper("dawn")
    audience = next(each for each in paper.sections if each.key == "audience")
    assert "51 reactions" in audience.lines[0].under


async def test_whoever_praises_twice_is_an_ambassador(loud: Desk) -> None:
    """Opportunities are praise, questions, and those who speak well of us again and again."""
    paper = await loud.paper("dawn")
    chances = next(each for each in paper.sections if each.key == "opportunities")
    assert [line.text for line in chances.lines if line.mark == "ambassador"] == ["Zoe"]
