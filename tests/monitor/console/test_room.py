"""The crisis room: what it shows, what each role may do in it, and how two people live a crisis in it from alert to signature."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import pytest
from sqlalchemy import update

from monitor.console.room.acts import NEEDS
from monitor.console.room.publishing import LIMITS, cut, cuts
from monitor.console.room.refusals import REFUSALS
from monitor.domain.account import MAY, Role
from monitor.plans import VERBS
from monitor.storage.tables import plan_run
from tests.monitor.console.conftest import ROLES, Office, Open, Page
from tests.monitor.pipeline.conftest import CHECK_PLAN
from tests.monitor.web.conftest import PEOPLE, PLAN

HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>{{ 7*7 }}"
NAMES = {"manager": "Max", "monitor": "Mona", "admin": "Ada"}
CREW: dict[str, Any] = {
    "people": {**PEOPLE["people"], **{name: {"name": called, "email": f"{name}@acme.example"} for name, called in NAMES.items()}},
    "roles": {"spokesperson": {"primary": "admin"}},
}
SIGNED: dict[str, Any] = PLAN | {"closure": {"sign_off": "manager"}, "stakeholders": [{"group": "press", "update_every": "1h"}]}


async def storm(office: Office) -> int:
    """A plan was opened by what rings. Returns its run's number."""
    await office.home.storm(8)
    await office.home.act()
    (run,) = await office.home.runs()
    return run.id


def once(page: Page) -> str:
    """What makes the forms of a page ones that are done once."""
    found = re.search(r'name="once" value="(\w+)"', page.text)
    assert found is not None
    return found[1]


def fingerprint(page: Page) -> str:
    """Which words stand on a page."""
    found = re.search(r'name="fingerprint" value="(\w+)"', page.text)
    assert found is not None
    return found[1]


async def press(office: Office, role: str, verb: str, **fields: str) -> Page:
    """Open the room and press a button in it; follow where it leads."""
    page = await office[role].get("/runs/1")
    assert f'action="/runs/1/{verb}"' in page.text, f"{role} is not offered {verb}"
    done = await office[role].post(f"/runs/1/{verb}", once=once(page), **fields)
    return await office[role].get(done.leads_to.partition("#")[0]) if done.status == 303 else done


async def test_a_drill_that_is_opened_twice_by_one_form_is_one(open_console: Open) -> None:
    """Nobody is called together twice by a double click."""
    office = await open_console(people=CREW, plans=[SIGNED])
    form = {"plan": SIGNED["id"], "why": "practice", "drill": "on", "once": once(await office["manager"].get("/runs"))}
    assert [(await office["manager"].post("/runs", **form)).leads_to for _ in range(2)] == ["/runs/1", "/runs"]
    assert len(await office.home.runs()) == 1


async def test_two_people_live_a_crisis_without_scripts(open_console: Open) -> None:
    """From the alert to the signature, by forms alone: one changes the words, another says yes, and each signs what is theirs."""
    office = await open_console(people=CREW, plans=[SIGNED])
    await storm(office)
    assert "You have it" in (await press(office, "monitor", "acknowledge")).text
    await press(office, "monitor", "check", step="facts", item="0")
    page = await press(office, "monitor", "check", step="facts", item="1")
    assert page.text.count("☑") == 2
    page = await office["monitor"].get("/runs/1")
    edited = {"words-fr": "Nous savons.", "words-en": "We know.", "fingerprint": fingerprint(page)}
    page = await press(office, "monitor", "edit", step="answer", **edited)
    assert "changed by Mona, not approved" in page.text
    stale = await press(office, "admin", "approve", step="answer", fingerprint=edited["fingerprint"])
    assert (stale.status, "The words are others by now (Mona)." in stale.text) == (409, True)
    page = await office["admin"].get("/runs/1")
    page = await press(office, "admin", "approve", step="answer", fingerprint=fingerprint(page))
    assert "approved by Ada" in page.text
    await office.home.act()
    assert office.home.kinds("queue") == ["step"], "what is approved goes to be published"
    await press(office, "manager", "updated", to="press")
    await press(office, "monitor", "note", text="the press called")
    page = await press(office, "admin", "stand-down", text="the fire is out")
    assert "Stood down." in page.text
    refused = await press(office, "admin", "sign-off")
    assert (refused.status, "You may not sign this off. Who may: Max." in refused.text) == (409, True)
    page = await press(office, "manager", "sign-off")
    assert "Signed off: the run is closed." in page.text
    (run,) = await office.home.runs()
    assert (run.state, run.closed_by) == ("closed", "manager")
    assert "the press called" in page.text
    assert 'method="post" action="/runs' not in page.text, "nothing is left to do"


@pytest.fixture
async def room(console: Office) -> Office:
    """A console in which a plan is open."""
    await storm(console)
    return console


FIELDS: Mapping[str, Mapping[str, str]] = {
    "assign": {"to": "ana"},
    "hand_over": {"to": "ana"},
    "check": {"step": "facts", "item": "0"},
    "done": {"step": "facts"},
    "skip": {"step": "facts", "text": "no time"},
    "edit": {"step": "answer", "words-fr": "Autre chose."},
    "reject": {"step": "answer", "text": "too long"},
    "level": {"level": "1", "text": "calmer"},
    "note": {"text": "noted"},
    "false_alarm": {"text": "a film"},
}
REFUSED: Mapping[str, str] = {
    "confirm": "Nothing changed",
    "approve": "You may not approve this",
    "reject": "You may not approve this",
    "sign_off": "It must be stood down before",
    "updated": "",
}


def test_every_act_of_a_plan_has_a_place() -> None:
    """Whatever can be done by command can be done in the room."""
    assert NEEDS.keys() == VERBS.keys()


@pytest.mark.parametrize("verb", NEEDS)
async def test_an_act_is_done_or_refused_in_words(room: Office, verb: str) -> None:
    """By whoever may; a viewer is offered none, and what is refused stands on the page, in words and not as a command."""
    for role in ROLES:
        page = await room[role].get("/runs/1")
        may = NEEDS[verb] in MAY[Role(role)]
        assert may or f'/runs/1/{verb.replace("_", "-")}"' not in page.text, f"{role} is offered {verb}"
    fields = dict(FIELDS.get(verb, {}))
    if verb == "approve":
        fields = {"step": "answer", "fingerprint": fingerprint(await room["manager"].get("/runs/1"))}
    page = await room["manager"].post(f"/runs/1/{verb.replace('_', '-')}", once="ab12", **fields)
    if page.status == 303:
        page = await room["manager"].get("/runs/1")
    said = REFUSED.get(verb, "")
    assert said in page.text
    assert "tocsin plan" not in page.text.partition('role="alert"')[2].partition("</p>")[0]


async def test_a_form_that_is_sent_twice_is_one_act(room: Office) -> None:
    """Nobody knew whether it came through: the same note of the same page stands once in the timeline."""
    for _ in range(2):
        done = await room["monitor"].post("/runs/1/note", once="ab12", text="the minister called")
        assert done.status == 303
    await room["monitor"].post("/runs/1/note", once="ab12", text="and hung up")
    page = await room["viewer"].get("/runs/1")
    assert page.text.count('dir="auto">the minister called') == 1
    assert page.text.count('dir="auto">and hung up') == 1


async def test_whoever_changes_words_that_changed_meanwhile_keeps_what_they_wrote(room: Office) -> None:
    """The second of two editors reads the first one's words, and finds their own in the form."""
    read = fingerprint(await room["monitor"].get("/runs/1"))
    await room["monitor"].post("/runs/1/edit", step="answer", fingerprint=read, **{"words-fr": "D’abord."})
    late = await room["manager"].post("/runs/1/edit", step="answer", fingerprint=read, **{"words-fr": "Ensuite."})
    assert late.status == 409
    assert "The words are others by now (monitor)." in late.text
    assert "D’abord.</p>" in late.text
    assert "Ensuite.</textarea>" in late.text


async def test_what_somebody_wrote_is_text(open_console: Open) -> None:
    """Notes, words, reasons and posts of strangers are shown, and do nothing."""
    office = await open_console("fr")
    await office.home.storm(8, f"Acme is on fire {HOSTILE}")
    await office.home.act()
    await office["monitor"].post("/runs/1/note", text=HOSTILE)
    await office["monitor"].post("/runs/1/edit", step="answer", **{"words-fr": HOSTILE})
    await office["monitor"].post("/runs/1/skip", step="facts", text=HOSTILE)
    page = await office["manager"].get("/runs/1")
    assert "<script>alert" not in page.text
    assert "<img" not in page.text
    assert page.text.count("&lt;script&gt;alert(1)") > 4
    assert "Cellule de crise" in page.text


async def test_a_refusal_is_in_the_readers_language(open_console: Open) -> None:
    """In French there is no English sentence in red."""
    office = await open_console("fr")
    await storm(office)
    page = await office["manager"].post("/runs/1/sign-off")
    assert "La crise doit être levée avant d’être signée." in page.text.replace("\N{NO-BREAK SPACE}", " ")


async def test_a_plan_is_opened_by_hand_with_a_reason(open_console: Open) -> None:
    """By whoever decides; a second one about the same subject is refused in words, and the first one's room is listed."""
    office = await open_console(plans=[CHECK_PLAN])
    page = await office["manager"].post("/runs", plan="storm", subject="acme", why=" ")
    assert (page.status, "Say why the plan is opened" in page.text) == (422, True)
    done = await office["manager"].post("/runs", plan="storm", subject="acme", why="the prefect called")
    assert done.leads_to == "/runs/1"
    again = await office["manager"].post("/runs", plan="storm", subject="acme", why="and again")
    assert (again.status, "open about this subject already" in again.text) == (422, True)
    assert 'href="/runs/1"' in (await office["viewer"].get("/runs")).text
    assert 'href="/runs/1"' in (await office["viewer"].get("/")).text


async def test_what_is_over_is_listed_by_pages(console: Office) -> None:
    """Closed runs stand below those that are open, and older ones behind a link."""
    await storm(console)
    await console["manager"].post("/runs/1/false-alarm", text="a film")
    page = await console["viewer"].get("/runs")
    assert "No plan is under way." in page.text
    assert 'href="/runs/1"' in page.text
    assert 'href="/runs/1"' not in (await console["viewer"].get("/runs?before=1")).text


async def test_a_run_of_another_version_can_be_closed(room: Office) -> None:
    """It is not shown, and whoever decides closes it once it was carried out by hand."""
    async with room.home.store.begin() as tx:
        await tx.plans._session.run(update(plan_run).values(snapshot={"of": "tomorrow"}))
        await tx.commit()
    page = await room["manager"].get("/runs/1")
    assert "This plan cannot be shown" in page.text
    assert 'href="/runs/1"' in (await room["viewer"].get("/runs")).text
    assert (await room["manager"].post("/runs/1/note", text="x")).status == 409
    assert (await room["manager"].post("/runs/1/close-unread")).leads_to == "/runs"
    (run,) = await room.home.runs()
    assert (run.state, run.closed_by) == ("closed", "manager")


@pytest.mark.parametrize("path", ["/runs/2", "/runs/99999999999999999999999"])
async def test_what_is_not_there_is_not_found(room: Office, path: str) -> None:
    """Neither looked at nor acted in."""
    assert (await room["manager"].get(path)).status == 404
    assert (await room["manager"].post(f"{path}/note", text="x")).status == 404


def test_words_are_cut_for_each_network() -> None:
    """Nothing is lost, no post is too long, each has its number, and what fits is left as it is."""
    text = "We look into it. " * 60 + "w" * 700
    for network, limit in LIMITS.items():
        posts = cut(text, limit)
        assert all(len(post) <= limit for post in posts), network
        bare = [re.sub(r" \(\d+/\d+\)$", "", post) for post in posts]
        assert "".join("".join(bare).split()) == "".join(text.split())
    assert cut("We know.", 280) == ["We know."]
    (alike,) = cuts("We know.")
    assert list(alike.networks) == list(LIMITS)


def test_refusals_have_words() -> None:
    """Each code that a plan gives stands in the table, and no other."""
    import inspect  # noqa: PLC0415

    from monitor.plans import acting, acts, statements  # noqa: PLC0415

    source = "".join(inspect.getsource(each) for each in (acting, acts, statements))
    given = {code for code in re.findall(r'"([a-z_]+)"\s*[,)]', source) if code in REFUSALS}
    assert given == REFUSALS.keys()
