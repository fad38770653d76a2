"""Routing: each matter goes to the team it concerns, and stays with it for all of its life."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.domain.alert import HEALTH_KINDS, SEVERITIES, Addressee, Alert, AlertState, NewAlert, Severity
from monitor.domain.mention import Author
from monitor.pipeline import operations
from monitor.pipeline.operations import Actor
from monitor.pipeline.recipients import Recipients
from monitor.settings import Contacts, Routing, Settings
from tests.monitor.pipeline.conftest import COMPLAINT, CRISIS

if TYPE_CHECKING:
    from tests.monitor.pipeline.conftest import Build, Configure, House

HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
UNNAMED = {name: value for name, value in CRISIS.items() if name != "notify"} | {"severity": "warning"}
LOUDER = UNNAMED | {"raise": [{"at_least": 6, "severity": "critical"}], "keep_firing_for": "24h"}
PRESS = {"title": "Press", "where": {"author.reach": {"gte": 100_000}}, "to": "phone"}
COMPLAINTS = {"where": {"rule": "complaint"}, "to": "desk"}
GRAVE = {"title": "Crisis room", "where": {"severity": "critical"}, "to": "room"}


def _routing(*routes: dict[str, Any]) -> dict[str, Any]:
    return {"default": "queue", "ops": "tech", "routes": list(routes)}


async def _told(home: House) -> dict[str, list[str]]:
    """Who was told of what, by now."""
    await home.act()
    return {name: kinds for name in sorted(home.settings.receivers) if (kinds := home.kinds(name))}


@pytest.mark.parametrize(
    ("routes", "reach", "told"),
    [
        ([PRESS, COMPLAINTS], 10, ["desk"]),
        ([PRESS, COMPLAINTS], 200_000, ["phone"]),
        ([PRESS | {"continue": True}, COMPLAINTS], 200_000, ["desk", "phone"]),
        ([PRESS | {"continue": True}, GRAVE, {"to": ["room", "phone"]}], 200_000, ["phone", "room"]),
        ([PRESS, GRAVE], 10, ["queue"]),
        ([PRESS], None, ["queue"]),
        ([{"where": {"not": PRESS["where"]}, "to": "room"}], None, ["queue"]),
        ([{"where": {"text": {"any_of": "broken"}, "subjects": "acme"}, "to": "room"}], None, ["room"]),
        ([{"to": ["lead", "default"]}], 10, ["backup-phone", "phone", "queue"]),
        ([], 10, ["queue"]),
    ],
)
async def test_the_first_route_that_matches_decides(
    hut: Build, routes: list[dict[str, Any]], reach: int | None, told: list[str]
) -> None:
    """With `continue` the next is asked, too; what nobody knows matches none; without any it is the default."""
    home = hut(rules=[COMPLAINT], routing=_routing(*routes))
    home.clock.advance(12 * HOUR)
    await home.hears("Acme: broken", author=Author("ada", handle="ada", reach=reach))
    assert list(await _told(home)) == told


async def test_who_is_named_by_the_rule_is_told_whatever_the_routes_say(hut: Build) -> None:
    """The rule is the closer word."""
    home = hut(rules=[CRISIS], routing=_routing({"to": "desk"}))
    await home.storm()
    assert list(await _told(home)) == ["room"]
    assert (await home.alert()).goes_to == (Addressee("room", "its rule says so"),)


@pytest.mark.parametrize("kind", HEALTH_KINDS)
def test_what_is_about_ourselves_takes_no_route(kind: str, configured: Settings, moment: datetime) -> None:
    """It goes to ops, whatever the first route would take."""
    settings = configured.model_copy(update={"routing": Routing.model_validate(_routing({"to": "desk"}))})
    new = NewAlert("source-health", kind, {"source": "net"}, "critical", moment, 1, None, "failures")
    assert Recipients(settings).addressees(new) == (Addressee("ops", "it is about Tocsin itself"),)


async def test_an_alert_says_whom_it_goes_to_and_why(house: Build) -> None:
    """In the store, and on the timeline: by number and title of the route."""
    home = house(rules=[COMPLAINT], routing=_routing(GRAVE, PRESS | {"continue": True}, COMPLAINTS))
    await home.hears("Acme: broken", author=Author("ada", handle="ada", reach=200_000))
    assert (await home.alert()).goes_to == (Addressee("phone", "route 2 (Press)"), Addressee("desk", "route 3"))
    [opened] = await home.timeline("alert.opened")
    assert opened.detail is not None
    assert opened.detail["goes_to"] == ["phone: route 2 (Press)", "desk: route 3"]


async def test_an_alert_stays_with_its_people_when_routes_are_edited(house: Build) -> None:
    """Through a restart with another configuration: reminders and the all-clear go where the first message went."""
    home = house(
        rules=[UNNAMED | {"realert": "1h", "keep_firing_for": "90m"}],
        routing=_routing({"where": {"rule": "crisis"}, "to": "room"}),
    )
    await home.storm()
    assert await _told(home) == {"room": ["first"]}
    edited = house(
        rules=[UNNAMED | {"realert": "1h", "keep_firing_for": "90m", "notify": "phone"}], routing=_routing({"to": "desk"})
    )
    home.restart(edited.settings)
    await home.wait(4 * HOUR)
    assert await _told(home) == {"room": ["first", "reminder", "reminder", "resolved"]}


async def test_what_becomes_graver_is_told_to_those_whom_that_concerns_as_well(house: Build) -> None:
    """Whoever had it keeps it; the crisis room joins, through a restart, too, and hears of the end."""
    home = house(rules=[LOUDER], routing=_routing(GRAVE, {"where": {"rule": "crisis"}, "to": "desk"}))
    await home.storm()
    assert await _told(home) == {"desk": ["first"]}
    home.restart()
    await home.storm(7)
    assert await _told(home) == {"desk": ["first", "worse"], "room": ["worse"]}
    [worse] = await home.timeline("alert.worse")
    assert worse.detail is not None
    assert worse.detail["joined"] == ["room: route 1 (Crisis room)"]
    home.restart()
    await home.wait(27 * HOUR, step=HOUR)
    assert {kinds[-1] for kinds in (await _told(home)).values()} == {"resolved"}


async def test_whom_no_route_names_joins_nobody(hut: Build) -> None:
    """The default is for what nobody is named for; it joins what became graver only where a route says so."""
    home = hut(rules=[LOUDER], routing=_routing({"where": {"severity": "warning"}, "to": "desk"}))
    await home.storm()
    await home.storm(7)
    assert await _told(home) == {"desk": ["first", "worse"]}
    named = hut(rules=[LOUDER], routing=_routing({"where": {"severity": "critical"}, "to": "default"})).settings
    assert [each.name for each in Recipients(named).newcomers(await home.alert(), None)] == ["default"]


async def test_trouble_that_comes_back_goes_to_the_same_people(hut: Build) -> None:
    """A reopened alert is the same alert."""
    home = hut(rules=[UNNAMED | {"keep_firing_for": "0m"}], routing=_routing({"to": "room"}))
    await home.storm()
    await home.wait(2 * HOUR)
    assert await _told(home) == {"room": ["first", "resolved"]}
    home.restart(hut(rules=[UNNAMED | {"keep_firing_for": "0m"}], routing=_routing({"to": "desk"})).settings)
    await home.storm()
    await home.wait(10 * MINUTE, step=MINUTE)
    assert await _told(home) == {"room": ["first", "resolved", "more"]}
    assert len(await home.alerts()) == 1


async def test_whom_an_alert_goes_to_is_decided_under_a_silence_too(hut: Build) -> None:
    """Told at its end, by what the mention said that rang it."""
    home = hut(rules=[COMPLAINT], routing=_routing(PRESS))
    await operations.silence(
        home.store, {"rule": "complaint"}, lasting=HOUR, reason="known", actor=Actor("zoe", "cli"), at=home.clock.now()
    )
    await home.hears("Acme: broken", author=Author("ada", handle="ada", reach=200_000))
    assert await _told(home) == {}
    await home.wait(2 * HOUR)
    assert await _told(home) == {"phone": ["first"]}


async def test_old_posts_gathered_take_no_route_by_what_one_of_them_says(hut: Build) -> None:
    """They are about no single author."""
    home = hut(rules=[COMPLAINT], routing=_routing(PRESS, COMPLAINTS))
    await home.hears("Acme: broken", author=Author("ada", handle="ada", reach=200_000), ago=timedelta(days=30))
    assert (await home.alert()).goes_to == (Addressee("desk", "route 2"),)


async def test_an_alert_of_an_older_version_goes_where_it_would_now(hut: Build) -> None:
    """Whom it goes to was not kept: the configuration is asked."""
    home = hut(rules=[UNNAMED | {"realert": "1h", "keep_firing_for": "9h"}], routing=_routing({"to": "room"}))
    await home.storm()
    async with home.store.begin() as tx:
        await tx.alerts.address((await home.alert()).id, ())
        await tx.commit()
    home.restart()
    await home.wait(80 * MINUTE)
    assert await _told(home) == {"room": ["first", "reminder"]}


_NAMES = ["desk", "ana", "lead", "ops", "default"]
_ROUTES = st.fixed_dictionaries(
    {"to": st.lists(st.sampled_from(_NAMES), min_size=1, max_size=3), "continue": st.booleans()},
    optional={
        "where": st.sampled_from(
            [{"rule": "complaint"}, {"severity": {"gte": "critical"}}, {"topics": "price"}, {"not": {"kind": "mention"}}]
        )
    },
)


@given(
    routes=st.lists(_ROUTES, max_size=4), severity=st.sampled_from(SEVERITIES), kind=st.sampled_from(["mention", "source_health"])
)
def test_nobody_is_never_the_answer(
    routes: list[dict[str, Any]], severity: Severity, kind: str, configured: Settings, moment: datetime
) -> None:
    """Whatever the routes ask for, and when all whom they named are gone: somebody is told, each once."""
    written = {"default": ("queue",), "ops": ("tech",), "routes": routes}
    settings = configured.model_copy(update={"routing": Routing.model_validate(written)})
    new = NewAlert("complaint", kind, {"author": "1"}, severity, moment, 1, None, "mentions")
    decided = Recipients(settings).addressees(new)
    alert = Alert(
        id=1, incident_id=1, fingerprint="", rule="complaint", kind=kind, category="alert", severity=severity,
        state=AlertState.OPEN, key=new.key, labels={}, fired_at=moment, opened_at=moment, last_seen_at=moment, told_at=moment,
        observed=1, expected=None, measure="mentions", window=None, learning=False, coverage=None, reasons=(), occurrences=1,
        plan=None, goes_to=decided,
    )  # fmt: skip
    gone = settings.model_copy(update={"contacts": Contacts(), "rules": (), "receivers": {"queue": settings.receivers["queue"]}})
    for later in (settings, gone):
        told = Recipients(later).of(alert, moment)
        assert told
        assert len(set(told)) == len(told)
    assert len({each.name for each in decided}) == len(decided)


@pytest.fixture
def configured(configure: Configure) -> Settings:
    """A rule that names nobody, receivers, people and a role."""
    return configure(rules=[COMPLAINT])
