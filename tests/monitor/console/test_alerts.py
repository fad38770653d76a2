"""The alerts' pages: what rings and why, who was told, what each role may do, and what a false alarm says of its rule."""

from __future__ import annotations

import json
import re
from datetime import timedelta

import pytest

from monitor.console.alerts.course import seen
from monitor.console.alerts.effect import record
from monitor.domain.alert import Alert
from monitor.domain.tally import moment_of
from monitor.settings import Settings
from notifiers.base import DeliveryError, Reason
from tests.monitor.console.conftest import Office, Open

HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>{{ 7*7 }}"


@pytest.fixture
async def crowd(console: Office) -> Office:
    """A crowd rang, from two networks, and the room was told; alert 1."""
    home = console.home
    await home.brings(home.mention("Acme is on fire", by="first", network="bluesky", ago=timedelta(minutes=20)))
    await home.storm(4)
    await home.act()
    return console


async def test_the_list_says_what_rings_and_what_is_over(crowd: Office) -> None:
    """Severity by word and shape, what was seen against what is usual, and who has it; each leads to its page."""
    page = await crowd["viewer"].get("/alerts")
    assert 'class="badge critical">critical' in page.text
    assert "<strong>5</strong> / ?" in page.text
    assert "nobody yet" in page.text
    assert 'href="/alerts/1"' in page.text
    assert 'href="/alerts/1"' in (await crowd["viewer"].get("/")).text
    await crowd.home.wait(timedelta(hours=3))
    page = await crowd["viewer"].get("/alerts")
    assert "All is calm: nothing fires." in page.text
    assert 'href="/alerts/1"' in page.text.partition("Over</h2>")[2]
    assert 'href="/alerts/1"' not in (await crowd["viewer"].get("/alerts?before=1")).text


async def test_the_page_says_why_and_how_it_spread(crowd: Office) -> None:
    """The sentence of messages, the first post, the networks in their order, the posts, who was told and that it arrived."""
    page = await crowd["viewer"].get("/alerts/1")
    assert "5 people" in page.text
    assert page.text.index(">first</bdi></a>, bluesky") < page.text.index("bluesky ·")
    assert page.text.index("bluesky ·") < page.text.index("mastodon ·")
    assert 'href="/feed/' in page.text
    assert 'class="badge good">delivered' in page.text
    assert 'href="/runs/1"' in page.text
    assert "Plan opened" in page.text


async def test_the_chart_marks_the_moment(crowd: Office) -> None:
    """What was said by the hour, with a mark where it rang; there is none for an alert that is not there."""
    page = await crowd["viewer"].get("/alerts/1/chart.json")
    spec = json.loads(page.text)
    values = [each["value"] for each in spec["data"]["values"]]
    assert sum(values) == 5
    assert spec["layer"][1]["mark"]["type"] == "rule"
    assert (await crowd["viewer"].get("/alerts/9/chart.json")).status == 404


def test_usual_is_the_same_hour_of_the_weeks_before() -> None:
    """Of as many of the last four as anything was heard in; before that nobody knows."""
    last = 10_000
    said = {last: 50, last - 168: 4, last - 336: 2}
    (here,) = seen(said, last, last + 1)
    assert (here.at, here.observed, here.expected) == (moment_of(last), 50, 3.0)
    assert seen({last: 5}, last, last + 1)[0].expected is None


async def test_an_alert_is_taken_once(crowd: Office) -> None:
    """The second one is told in words that somebody was faster, and nothing changes."""
    await crowd["monitor"].post("/alerts/1/acknowledge")
    assert "You have it: nobody is reminded" in (await crowd["monitor"].get("/alerts/1")).text
    await crowd["manager"].post("/alerts/1/acknowledge")
    page = await crowd["manager"].get("/alerts/1")
    assert "somebody else has it already" in page.text
    assert "Nobody is reminded any more: monitor has it." in page.text
    assert (await crowd.home.alert()).acknowledged_by == "monitor"


async def test_a_silence_has_a_reason_and_an_end(crowd: Office) -> None:
    """Without one it is refused, and what was typed stays; in force it says until when, and anybody who may ends it."""
    refused = await crowd["monitor"].post("/alerts/1/silence", lasts="60", reason="")
    assert (refused.status, "Say why: whoever wonders" in refused.text) == (422, True)
    refused = await crowd["monitor"].post("/alerts/1/silence", lasts="9999999", reason="a test of the sirens")
    assert (refused.status, "a test of the sirens" in refused.text) == (422, True)
    await crowd["monitor"].post("/alerts/1/silence", lasts="60", reason="a test of the sirens")
    await crowd.home.judge()
    listed = await crowd["viewer"].get("/alerts")
    assert "a test of the sirens" in listed.text
    assert "/silences/1/end" not in listed.text
    await crowd["manager"].post("/silences/1/end")
    assert "a test of the sirens" not in (await crowd["viewer"].get("/alerts")).text
    assert (await crowd["manager"].post("/silences/1/end")).leads_to == "/alerts"


async def test_a_false_alarm_is_kept_in_the_record_of_its_rule(crowd: Office) -> None:
    """What the threshold would have had to be stands there; called false, nobody is reminded, and it is said once."""
    page = await crowd["monitor"].get("/alerts/1")
    assert "fire.at_least: 6" in page.text
    assert "instead of 3" in page.text
    refused = await crowd["monitor"].post("/alerts/1/false-alarm", why=" ")
    assert (refused.status, "Say what made it ring for nothing." in refused.text) == (422, True)
    for _ in range(2):
        await crowd["monitor"].post("/alerts/1/false-alarm", why="a film of that name")
    page = await crowd["viewer"].get("/alerts/1")
    assert "1 of them was a false alarm." in page.text
    assert page.text.count("a film of that name") == 1
    assert (await crowd.home.alert()).acknowledged_by == "monitor"


def test_the_effect_counts_what_else_would_have_been_silent(alert: Alert, settings: Settings) -> None:
    """Of the others of the rule those below the bar, and of these the false alarms."""
    (rule,) = [each for each in settings.rules if each.id == "crisis"]
    others = [_like(alert, 2, 4.0), _like(alert, 3, 9.0), _like(alert, 4, 5.0)]
    (change,) = record(alert, rule, others, {4}).changes
    assert (change.setting, change.now, change.wanted, change.silent, change.false) == ("fire.at_least", 3, 6, 2, 1)
    assert record(alert, None, others, {1, 4}).false == 2


def _like(alert: Alert, number: int, observed: float) -> Alert:
    from dataclasses import replace  # noqa: PLC0415

    return replace(alert, id=number, observed=observed)


@pytest.fixture
async def alert(crowd: Office) -> Alert:
    """The alert of the crowd."""
    return await crowd.home.alert()


@pytest.fixture
def settings(crowd: Office) -> Settings:
    """Those of the house."""
    return crowd.home.settings


async def test_somebody_else_is_told(crowd: Office) -> None:
    """By name, now, by the ordinary message; nobody is no answer, and what is over calls nobody."""
    refused = await crowd["manager"].post("/alerts/1/call", to="nobody")
    assert (refused.status, "Choose a person or a role." in refused.text) == (422, True)
    await crowd["manager"].post("/alerts/1/call", to="cleo")
    await crowd.home.act()
    assert crowd.home.kinds("cleo") == ["first"]
    assert "Cléo is told" in (await crowd["viewer"].get("/alerts/1")).text
    await crowd.home.wait(timedelta(hours=3))
    refused = await crowd["manager"].post("/alerts/1/call", to="cleo")
    assert (refused.status, "It is over" in refused.text) == (422, True)


async def test_a_form_that_is_sent_twice_is_one_act(crowd: Office) -> None:
    """By a double click, or because nobody knew whether it came through; the same on a page opened anew is another act."""
    manager, home = crowd["manager"], crowd.home
    key = re.findall(r'name="once" value="(\w+)"', (await manager.get("/alerts/1")).text)[0]
    for _ in range(2):
        assert (await manager.post("/alerts/1/call", to="cleo", once=key)).leads_to == "/alerts/1"
        assert (await manager.post("/alerts/1/silence", lasts="60", reason="known", once=key)).leads_to == "/alerts/1"
    async with home.store.read() as tx:
        assert len(await tx.silences.not_over(home.clock.now())) == 1
    await home.act()
    assert home.kinds("cleo") == ["first"]
    await manager.post("/alerts/1/call", to="cleo", once="another")
    await home.act()
    assert home.kinds("cleo") == ["first", "first"]


async def test_the_addresses_in_an_answer_are_not_for_viewers(console: Office) -> None:
    """What a server says of a message that it refused names whom it was for; they see that it failed, and why."""
    home = console.home
    home.doors["room"].troubles = [DeliveryError(Reason.REJECTED, "invalid number +33612345678")]
    await home.storm(4)
    await home.act()
    for path in ("/alerts/1", "/health"):
        for role, shown in (("viewer", False), ("monitor", True)):
            page = await console[role].get(path)
            assert (page.status, "+33612345678" in page.text) == (200, shown), (role, path)


async def test_a_viewer_is_offered_nothing(crowd: Office) -> None:
    """Looking is all."""
    page = await crowd["viewer"].get("/alerts/1")
    assert 'method="post" action="/alerts' not in page.text


async def test_what_strangers_wrote_is_text(open_console: Open) -> None:
    """Posts, authors, reasons of silences and of false alarms."""
    office = await open_console("fr")
    await office.home.hears(f"my Acme is broken {HOSTILE}", by=HOSTILE)
    await office["monitor"].post("/alerts/1/silence", lasts="60", reason=HOSTILE)
    await office["monitor"].post("/alerts/1/false-alarm", why=HOSTILE)
    for path in ("/alerts/1", "/alerts"):
        page = await office["manager"].get(path)
        assert "<script>alert" not in page.text
        assert "<img" not in page.text.replace("<noscript>", "")
        assert "&lt;script&gt;alert(1)" in page.text
    assert "Pourquoi elle sonne" in (await office["manager"].get("/alerts/1")).text


@pytest.mark.parametrize("path", ["/alerts/2", "/alerts/99999999999999999999999"])
async def test_what_is_not_there_is_not_found(crowd: Office, path: str) -> None:
    """Neither looked at nor acted on."""
    assert (await crowd["manager"].get(path)).status == 404
    for act in ("acknowledge", "silence", "false-alarm", "call"):
        assert (await crowd["manager"].post(f"{path}/{act}")).status == 404
