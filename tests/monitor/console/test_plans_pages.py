"""The pages of plans in calm weather."""

from __future__ import annotations

import pytest

from notifiers.message import Language
from tests.monitor.console.conftest import Office, Open
from tests.monitor.web.conftest import PEOPLE, PLAN


@pytest.mark.parametrize(("language", "title", "ready"), [("en", "Storm plan", "ready"), ("fr", "Plan tempête", "prêt")])
async def test_plans_are_listed(open_console: Open, language: Language, title: str, ready: str) -> None:
    """With their version, their state and where they are changed."""
    console = await open_console(language)
    plan = console.home.settings.plans["storm"]
    page = (await console["viewer"].get("/plans")).text
    for words in (title, ready, plan.version, "plans/storm.yaml:1"):
        assert words in page


async def test_a_plan_is_read_from_top_to_bottom(console: Office) -> None:
    """What is done and by whom, what is said and whether it may be, what nobody does; the card is for those who carry it out."""
    page = (await console["monitor"].get("/plans/storm")).text
    for words in ("Les faits", "Qui ?", "by people", "We look into it.", "draft", "Supprimer une critique"):
        assert words in page
    assert 'href="/plans/storm/card.html"' in page
    assert "card.html" not in (await console["viewer"].get("/plans/storm")).text
    card = await console["monitor"].get("/plans/storm/card.html")
    assert card.headers["Content-Disposition"] == 'attachment; filename="storm.html"'
    assert "Storm plan" in card.text
    assert (await console["monitor"].get("/plans/storm/card.pdf")).status == 404
    assert (await console["viewer"].get("/plans/gone")).status == 404


async def test_read_and_understood_is_said_of_a_version(open_console: Open) -> None:
    """By whoever must read it; of another version than the one seen nothing is noted."""
    people = PEOPLE | {"people": PEOPLE["people"] | {"monitor": {"name": "Mona", "receivers": ["room"]}}}
    console = await open_console(plans=[PLAN | {"read_by": ["monitor"], "owner": "monitor"}], people=people)
    person, version = console["monitor"], console.home.settings.plans["storm"].version
    assert "You are asked to read this version" in (await person.get("/plans/storm")).text
    assert (await console["viewer"].post("/plans/storm/read", version=version)).status == 404
    await person.post("/plans/storm/read", version="another")
    assert "You are asked to read this version" in (await person.get("/plans/storm")).text
    assert (await person.post("/plans/storm/read", version=version)).leads_to == "/plans/storm"
    page = (await person.get("/plans/storm")).text
    assert "You are asked" not in page
    assert "Versions that were read" in page
    assert "1 of 1" in (await console["viewer"].get("/plans")).text
