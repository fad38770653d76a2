"""The shared inbox as pages: what stands in it, how it is searched, and that nobody answers twice."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from typing import Any

import pytest

from monitor.domain.handling import HandlingState
from monitor.domain.mention import Author, Form
from monitor.sentiment import Scorer
from monitor.sentiment.scorer import Explanation
from monitor.storage import feed
from notifiers.message import Language
from tests.monitor.console.conftest import Office, Open, Page

HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>{{ 7*7 }}"
FIRST = "https://social.example/1"


async def says(office: Office, text: str = "my Acme is broken", **more: Any) -> None:
    """Somebody says something, which is judged."""
    await office.home.hears(text, **more)


async def state(office: Office, number: int = 1) -> tuple[HandlingState, str | None]:
    """How a mention is handled, and whose it is."""
    async with office.home.store.read() as tx:
        handling = (await tx.handling.of([number]))[number]
    return handling.state, handling.assignee


def shown(page: Page) -> list[int]:
    """The numbers of the mentions in a list, from the top."""
    return [int(number) for number in re.findall(r'<li id="m(\d+)"', page.text)]


async def test_a_mention_says_all_that_is_known_of_it(console: Office) -> None:
    """Who, where, when, how it is scored and because of which words, what is wanted, and whose it is."""
    ada = Author("ada", handle="ada_l", name="Ada L.", reach=12_345, verified=True)
    await says(console, "I want a refund, my Acme broke. Really disappointed!", by=None, author=ada, form=Form.REVIEW)
    text = (await console["viewer"].get("/feed")).text
    for part in ("Ada L.", "@ada_l", "verified", "12,345 followers", "review", "negative", "wants money back", "New"):
        assert part in text, part
    assert "<bdi>disappointed</bdi>" in text
    assert "“really” strengthens it" in text


async def test_the_newest_stand_first_and_pages_go_on(console: Office) -> None:
    """By the number of the last one: what arrives meanwhile moves nothing."""
    await console.home.brings(*(console.home.mention(f"Acme {number}", by=f"p{number}") for number in range(30)))
    first = await console["viewer"].get("/feed")
    assert shown(first) == list(range(30, 5, -1))
    older = re.search(r'href="(/feed\?before=\d+)" rel="next"', first.text)
    assert older is not None
    await says(console)
    assert shown(await console["viewer"].get(older[1])) == [5, 4, 3, 2, 1]


async def test_where_the_look_ended_one_may_look_further(console: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty page is not the end."""
    monkeypatch.setattr(feed, "LOOK_BACK", 2)
    await says(console, "Acme is great, I love it, thank you")
    for number in range(3):
        await says(console, f"Acme {number}")
    page = await console["viewer"].get("/feed?tone=positive")
    assert shown(page) == []
    assert "Look further back" in page.text
    further = re.search(r'href="([^"]+)" rel="next"', page.text)
    assert further is not None
    assert shown(await console["viewer"].get(further[1].replace("&amp;", "&"))) == [1]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("q=broken", [1]),
        ("q=-broken", [2]),
        ("tone=negative", [1]),
        ("form=reply", [2]),
        ("reach=100", [2]),
        ("subject=acme&network=net", []),
        ("state=new", [2, 1]),
        ("state=assigned", []),
        ("assignee=monitor", []),
        ("since=2020-01-01", [2, 1]),
        ("until=2020-01-01", []),
        ("period=24h", [2, 1]),
        ("period=nonsense", [2, 1]),
    ],
)
async def test_filters_stand_in_the_address(console: Office, query: str, found: list[int]) -> None:
    """Whoever gets the address sees the same, and each filter that is on can be taken off."""
    await says(console)
    await says(console, "Acme opens at nine", by=None, author=Author("bo", reach=500), form=Form.REPLY)
    page = await console["viewer"].get(f"/feed?{query}")
    assert (page.status, shown(page)) == (200, found)
    assert ("Remove this filter" in page.text) == ("state" not in query)


async def test_what_a_form_leaves_empty_is_no_filter(console: Office) -> None:
    """It is not even in the address."""
    page = await console["viewer"].get("/feed?q=panne&tone=negative&since=&reach=&period=")
    assert (page.status, page.leads_to) == (303, "/feed?q=panne&tone=negative")


async def test_a_text_that_the_scorer_trips_over_is_shown(console: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without reasons, and the others with theirs."""
    await says(console, "Acme is wonderful, I love it")
    await says(console)
    explain = Scorer.explain

    def trips(scorer: Scorer, text: str, language: str | None) -> Explanation:
        if "broken" in text:
            raise ValueError(text)
        return explain(scorer, text, language)

    monkeypatch.setattr(Scorer, "explain", trips)
    page = await console["viewer"].get("/feed")
    assert shown(page) == [2, 1]
    assert page.text.count("because of:") >= 1
    assert "<bdi>wonderful,</bdi>" in page.text or "<bdi>wonderful</bdi>" in page.text


async def test_days_are_those_of_the_visitor(console: Office) -> None:
    """In Paris the day begins an hour before it does in UTC; the last day is whole."""
    await says(console)
    day = console.home.clock.now().date()
    assert shown(await console["viewer"].get(f"/feed?since={day}&until={day}")) == [1]
    assert shown(await console["viewer"].get(f"/feed?until={day - timedelta(days=1)}")) == []


@pytest.mark.parametrize("query", ["tone=furious", "since=yesterday", "reach=many", "since=9999-99-99", "sentiment_from=nan"])
async def test_an_address_that_is_not_understood_says_so(console: Office, query: str) -> None:
    """And filters nothing, rather than something else."""
    await says(console)
    page = await console["viewer"].get(f"/feed?{query}")
    assert (page.status, shown(page)) == (400, [1])
    assert query.partition("=")[0] in page.text


async def test_numbers_by_state_go_by_the_filters(console: Office) -> None:
    """What is counted beside a state is what one finds there."""
    await says(console)
    await says(console, "Acme opens at nine")
    await console["monitor"].post("/feed/1", do="take", version="0")

    def numbers(page: Page) -> list[str]:
        return re.findall(r'<span class="soft number">([^<]+)</span></a>', page.text)

    assert numbers(await console["viewer"].get("/feed")) == ["1", "1", "0", "0", "0"]
    assert numbers(await console["viewer"].get("/feed?q=broken&state=new")) == ["0", "1", "0", "0", "0"]


async def test_who_takes_one_has_it(console: Office) -> None:
    """The browser goes back to the list, at the mention; the next page says what was done."""
    await says(console)
    person = console["monitor"]
    done = await person.post("/feed/1", do="take", version="0", back="/feed?tone=negative")
    assert (done.status, done.leads_to) == (303, "/feed?tone=negative#m1")
    assert await state(console) == (HandlingState.ASSIGNED, "monitor")
    assert "It is yours." in (await person.get("/feed")).text


@pytest.mark.parametrize("back", ["https://evil.example/", "//evil.example", "/feedback", "/feed?a#b", "/feed?\\", ""])
async def test_nobody_is_sent_elsewhere(console: Office, back: str) -> None:
    """Whatever a form says: only to the list, or to the mention."""
    await says(console)
    assert (await console["monitor"].post("/feed/1", do="take", version="0", back=back)).leads_to == "/feed/1"


@pytest.mark.parametrize(
    ("language", "told"),
    [
        ("en", ("somebody was faster", "Ana Lopez has changed it", "Assigned to Ana Lopez")),
        ("fr", ("quelqu’un a été plus rapide", "Ana Lopez l’a modifiée", "Confiée à Ana Lopez")),
    ],
)
async def test_nobody_answers_twice(open_console: Open, language: Language, told: tuple[str, ...]) -> None:
    """Who is slower is told who did what; nothing of theirs is done, and what they had written is kept for them."""
    console = await open_console(language)
    await says(console)
    await console["manager"].post("/feed/1", do="assign", to="ana", version="0")
    async with console.home.store.read() as tx:
        (deed,) = await tx.handling.history(1)
    assert (deed.by, deed.through) == ("manager", "console")
    slow = await console["monitor"].post("/feed/1", do="answered", version="0", note="I wrote to her")
    assert slow.status == 409
    for part in (told[0], told[2], "I wrote to her"):
        assert part in slow.text
    assert await state(console) == (HandlingState.ASSIGNED, "ana")


@pytest.mark.parametrize(
    ("fields", "after", "verb"),
    [
        ({"do": "answered"}, HandlingState.ANSWERED, "answered"),
        ({"do": "close"}, HandlingState.CLOSED, "found nothing to answer"),
        ({"do": "not-about", "subject": "acme"}, HandlingState.NOT_ABOUT_US, "said that it is not about us"),
        ({"do": "note", "note": "a friend of ours"}, HandlingState.NEW, "wrote a note"),
        ({"do": "score", "sentiment": "positive", "complaint": "no"}, HandlingState.NEW, "said that it was scored wrongly"),
        ({"do": "alert", "severity": "critical", "note": "look"}, HandlingState.NEW, "opened an alert"),
    ],
)
async def test_each_deed_is_done_and_told(console: Office, fields: dict[str, str], after: HandlingState, verb: str) -> None:
    """On the mention's page stands who did it, with what they noted."""
    await says(console)
    person = console["monitor"]
    assert (await person.post("/feed/1", version="0", **fields)).leads_to == "/feed/1"
    assert (await state(console))[0] == after
    text = (await person.get("/feed/1")).text
    assert verb in text
    assert fields.get("note", "") in text


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"do": "note"}, "Écrivez ce que les autres doivent savoir."),
        ({"do": "score"}, "si c’est une plainte"),
        ({"do": "not-about"}, "Choisissez de quoi cela ne parle pas"),
        ({"do": "not-about", "subject": "nothing"}, "Choisissez de quoi cela ne parle pas"),
        ({"do": "assign", "to": "nobody"}, "Choisissez une personne ou un rôle."),
        ({"do": "end", "alert": "99"}, "Seule une alerte ouverte par une personne"),
    ],
)
async def test_what_cannot_be_done_is_said_in_the_visitor_s_language(
    open_console: Open, fields: dict[str, str], why: str
) -> None:
    """On the page of the mention, in words; nonsense is no request."""
    console = await open_console("fr")
    await says(console)
    refused = await console["monitor"].post("/feed/1", version="0", **fields)
    assert (refused.status, why in refused.text, "not done" in refused.text) == (422, True, False)
    assert (await console["monitor"].post("/feed/1", version="x", do="take")).status == 400
    assert (await console["monitor"].post("/feed/1", version="0", do="dance")).status == 400


async def test_an_answered_one_is_opened_again(console: Office) -> None:
    """By whoever saw that it was answered."""
    await says(console)
    await console["monitor"].post("/feed/1", do="answered", version="0")
    await console["monitor"].post("/feed/1", do="reopen", version="1")
    assert await state(console) == (HandlingState.NEW, None)


async def test_an_alert_by_hand_has_its_title_and_its_end(console: Office) -> None:
    """It stands on the page of its mention, with the others, and a person ends it there."""
    await says(console)
    person = console["monitor"]
    await person.post("/feed/1", do="alert", version="0")
    text = (await person.get("/feed/1")).text
    assert "Alert opened by hand" in text
    assert "A customer complains" in text
    (number,) = re.findall(r'name="alert" value="(\d+)"', text)
    await person.post("/feed/1", do="end", alert=number, version="0")
    assert (await console.home.alert("by-hand")).resolved_reason == "monitor ended it"
    assert 'name="alert"' not in (await person.get("/feed/1")).text


async def test_the_thread_and_the_author_stand_beside_it(console: Office) -> None:
    """What it answers, what answers it, and what else its author said, as far as it is kept."""
    await says(console, "Is Acme open?", by="ada", uri=FIRST)
    await says(console, "Ask Acme!", by="bo", uri="https://social.example/2", parent=FIRST, form=Form.REPLY)
    await says(console, "Acme was great last year", by="ada")
    text = (await console["viewer"].get("/feed/1")).text
    assert "Ask Acme!" in text
    assert 'href="/feed/2"' in text
    assert "Acme was great last year" in text
    assert "Ask the network" not in text


async def test_the_network_is_asked_on_demand(console: Office) -> None:
    """Where no source can be asked, what is kept is shown, and why."""
    await says(console, uri=FIRST)
    page = await console["monitor"].post("/feed/1/thread")
    assert page.status == 200
    assert "The network could not be asked" in page.text
    assert (await console["monitor"].post("/feed/99/thread")).status == 404


async def test_what_is_sensitive_is_shown_to_who_asks(console: Office) -> None:
    """The text is behind a word, and no reasons give it away."""
    await says(console, "Acme and my illness", sensitive=True)
    for path in ("/feed", "/feed/1"):
        text = (await console["viewer"].get(path)).text
        assert "Sensitive subject: show the text" in text
        assert "because of:" not in text


async def test_of_the_erased_nothing_is_shown(console: Office) -> None:
    """But that there was something; nothing can be done with it."""
    await says(console, by="ada")
    async with console.home.store.begin() as tx:
        await tx.erasures.erase("mastodon", "ada", console.home.clock.now(), "ben")
        await tx.commit()
    for path in ("/feed", "/feed/1"):
        page = await console["monitor"].get(path)
        assert "Nothing is left of it" in page.text
        assert 'value="take"' not in page.text
    assert (await console["monitor"].post("/feed/1/thread")).status == 404


@pytest.mark.parametrize("number", ["0", "99", "9" * 30])
async def test_what_does_not_exist_is_not_found(console: Office, number: str) -> None:
    """However it is asked for."""
    assert (await console["viewer"].get(f"/feed/{number}")).status == 404
    assert (await console["monitor"].post(f"/feed/{number}", do="take", version="0")).status == 404


async def test_whatever_people_write_is_text(console: Office) -> None:
    """Names, texts, links, notes and what was searched for do nothing."""
    who = Author("x", handle=HOSTILE, name=HOSTILE)
    await says(console, f"Acme {HOSTILE}", by=None, author=who, uri="javascript:alert(1)", title=HOSTILE)
    await console["monitor"].post("/feed/1", do="note", version="0", note=HOSTILE)
    for path in ("/feed", "/feed/1", "/feed?q=%3Cscript%3Ealert(1)%3C/script%3E", "/feed?network=%22%3E%3Cscript%3Ealert(1)"):
        page = await console["monitor"].get(path)
        assert page.status == 200
        assert "<script>alert" not in page.text
        assert "<img" not in page.text
        assert 'href="javascript' not in page.text


async def test_a_viewer_looks_and_does_nothing(console: Office) -> None:
    """There is no button that would only be refused."""
    await says(console)
    for path in ("/feed", "/feed/1"):
        assert 'name="do"' not in (await console["viewer"].get(path)).text


async def test_what_arrives_is_counted_and_moves_nothing(console: Office) -> None:
    """A page asks how many passed its filters since: in a number, and in words."""
    await says(console)
    await says(console, "Acme opens at nine")
    person = console["viewer"]
    new = json.loads((await person.get("/feed/news?after=0&q=broken")).text)
    assert new == {"count": 1, "words": "1 new mention"}
    assert json.loads((await person.get("/feed/news?after=1")).text)["count"] == 1
    assert json.loads((await person.get("/feed/news?after=2")).text)["count"] == 0
    assert (await person.get("/feed/news?after=x")).status == 400
