"""What a rule says about telling: to observe only, to limit, to repeat ever more seldom, to be over once we answered."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from monitor.domain.alert import AlertState
from monitor.domain.mention import Author, Form
from monitor.pipeline import operations, passing
from monitor.pipeline.operations import Actor
from tests.monitor.pipeline.conftest import CHECK_PLAN, CRISIS

if TYPE_CHECKING:
    from tests.monitor.pipeline.conftest import Build

HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
ZOE = Actor("zoe", "cli")
COMPLAINT: dict[str, Any] = {"id": "complaint", "kind": "mention", "where": {"text": {"any_of": ["broken"]}}}
OBSERVED = {"mode": "observe"}


async def test_an_observed_alert_is_kept_and_told_to_nobody(house: Build) -> None:
    """It stands among the alerts, marked, and in the timeline; nobody is told, also not of its end."""
    home = house(rules=[CRISIS | OBSERVED | {"plan": "storm"}], plans=[CHECK_PLAN])
    await home.storm()
    await home.wait(3 * HOUR)
    alert = await home.alert()
    assert (alert.told_at, alert.labels["observed"], alert.state) == (None, "yes", AlertState.RESOLVED)
    assert [event.kind for event in await home.timeline("alert.")] == ["alert.observed", "alert.resolved"]
    assert not home.doors["room"].taken
    assert await home.runs() == []


async def test_an_observed_alert_makes_no_incident_worse(hut: Build) -> None:
    """What happens to the subject is told as if the observed rule were not there."""
    home = hut(rules=[CRISIS | OBSERVED, CRISIS | {"id": "talk", "severity": "warning", "fire": {"at_least": 4}}])
    await home.storm(people=4)
    await home.act()
    assert home.kinds("room") == ["first"]
    async with home.store.read() as tx:
        assert {each.severity for each in await tx.incidents.list()} == {"info", "warning"}


async def test_what_is_still_open_when_its_rule_rings_again_is_told_once(house: Build, configure: Any) -> None:
    """The rule was tried for a while and is trusted now; a restart tells nothing twice."""
    home = house(rules=[COMPLAINT | OBSERVED])
    await home.hears("Acme is broken")
    await home.wait(HOUR)
    for _ in range(2):
        home.restart(configure(rules=[COMPLAINT]))
        await home.wait(HOUR)
    assert home.kinds("desk") == ["first"]
    assert [event.kind for event in await home.timeline("alert.")] == ["alert.observed", "alert.told"]


async def test_what_was_told_before_its_rule_is_observed_is_not_told_again(hut: Build, configure: Any) -> None:
    """Neither repeated nor opened anew: whoever only observes a rule wants to hear nothing of it."""
    home = hut(rules=[CRISIS | {"window": "1d", "realert": "1h"}])
    await home.storm()
    await home.act()
    home.restart(configure(rules=[CRISIS | OBSERVED | {"window": "1d", "realert": "1h"}]))
    await home.wait(5 * HOUR, step=HOUR)
    assert home.kinds("room") == ["first"]


async def test_what_an_observed_rule_leaves_behind_is_told_to_nobody(
    hut: Build, configure: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rule is removed, and its open alerts end a few at a time: those that are left are still only observed."""
    monkeypatch.setattr(passing, "ENDED_AT_ONCE", 1)
    home = hut(rules=[COMPLAINT | OBSERVED])
    for n in range(3):
        await home.hears("Acme is broken", by=f"customer{n}")
    home.restart(configure(rules=[CRISIS]))
    await home.wait(HOUR)
    assert home.kinds("desk") == []
    assert {alert.resolved_reason for alert in await home.alerts()} == {"the rule is gone"}


async def test_a_limit_gathers_what_is_beyond_it(house: Build) -> None:
    """Two complaints an hour come alone, the others in one message; an hour later two more come alone."""
    home = house(rules=[COMPLAINT | {"limit": {"per": "1h", "max": 2}}])
    for _ in range(2):
        for n in range(3):
            await home.hears("Acme is broken", by=f"{home.clock.now()}{n}")
        home.restart()
        for n in range(3, 6):
            await home.hears("Acme is broken", by=f"{home.clock.now()}{n}")
        await home.act()
        await home.wait(HOUR)
    told = sorted([alert.id for alert in message.alerts] for message in home.told("desk"))
    assert told == [[1], [2], [3, 4, 5, 6], [7], [8], [9, 10, 11, 12]]
    limited = [event.alert_id for event in await home.timeline("alert.limited")]
    assert limited == [3, 4, 5, 6, 9, 10, 11, 12]


@pytest.mark.parametrize("at_once", [True, False])
async def test_what_a_limit_lets_through_does_not_hang_on_batches(house: Build, at_once: bool) -> None:
    """A complaint that makes its incident worse comes alone and takes room, whether the next is judged with it or later."""
    louder = {"raise": [{"where": {"text": {"any_of": ["lawyer"]}}, "severity": "critical"}]}
    talk = CRISIS | {"severity": "info"}
    home = house(rules=[talk, COMPLAINT | louder | {"severity": "info", "limit": {"per": "1h", "max": 2}}])
    await home.storm()
    texts = ("Acme is broken", "Acme is broken, says my lawyer", "Acme is broken again", "Acme is still broken")
    said = [home.mention(text, by=f"customer{n}") for n, text in enumerate(texts)]
    for mentions in [said] if at_once else [[each] for each in said]:
        await home.brings(*mentions)
        await home.judge()
    assert [event.alert_id for event in await home.timeline("alert.limited")] == [4, 5]


async def test_what_is_exempt_knows_no_limit(hut: Build) -> None:
    """Each comes alone, whatever `limit` says, and however many came before it."""
    home = hut(rules=[COMPLAINT | {"limit": {"max": 1}, "exempt": True}], routing={"default": "desk", "digest_after": 1})
    for n in range(5):
        await home.hears("Acme is broken", by=f"customer{n}")
    await home.act()
    assert [len(message.alerts) for message in home.told("desk")] == [1] * 5


async def test_rests_grow(hut: Build) -> None:
    """Each reminder comes after twice as long a rest as the one before, up to the longest."""
    ever_longer = {"first": "1h", "factor": 2, "most": "4h"}
    home = hut(rules=[CRISIS | {"window": "2d", "realert": ever_longer}])
    began = home.clock.now()
    await home.storm()
    await home.wait(16 * HOUR, step=30 * MINUTE)
    hours = [(message.created_at - began) / HOUR for message in home.told("room")]
    assert hours == [0, 1, 3, 7, 11, 15]


@pytest.mark.parametrize(("wants", "state"), [(True, AlertState.RESOLVED), (False, AlertState.OPEN)])
async def test_our_answer_ends_an_alert_that_waits_for_it(house: Build, wants: bool, state: AlertState) -> None:
    """A reply of one of our own accounts to what rang is the end of it, if the rule says so; nobody needs to be told."""
    home = house(rules=[COMPLAINT | {"resolve": {"answered": wants, "after": "24h"}}])
    said = home.mention("my Acme is broken", by="ada")
    await home.brings(said)
    await home.judge()
    await home.act()
    await home.hears("We are sorry, Acme will help", by="help@acme.social", parent=said.uri, form=Form.REPLY)
    await home.act()
    alert = await home.alert()
    assert alert.state is state
    assert home.kinds("desk") == ["first"]
    assert alert.resolved_reason == ("answered by us" if wants else None)
    async with home.store.read() as tx:
        assert [each.answered for each in await tx.mentions.get([1, 2])] == [True, None]


async def test_what_others_answer_ends_nothing(hut: Build) -> None:
    """Only our own accounts count, and only in the thread of what rang."""
    home = hut(rules=[COMPLAINT | {"resolve": {"answered": True}}])
    said = home.mention("my Acme is broken", by="ada")
    await home.brings(said)
    await home.hears("same here, Acme", by="bob", parent=said.uri, form=Form.REPLY)
    elsewhere: dict[str, Any] = {"parent": "https://social.example/else", "form": Form.REPLY}
    await home.hears("Thank you from Acme", by="help@acme.social", **elsewhere)
    assert (await home.alert()).state is AlertState.OPEN


async def test_an_answer_in_the_thread_counts(hut: Build) -> None:
    """We answered somebody who had commented on what rang: its author reads that, too."""
    home = hut(rules=[COMPLAINT | {"resolve": {"answered": True}}])
    said = home.mention("my Acme is broken", by="ada")
    await home.brings(said)
    await home.judge()
    account = Author("help@acme.social", handle="help@acme.social")
    await home.hears("Acme sends a new one", author=account, parent="https://social.example/of-bob", thread=said.uri)
    assert (await home.alert()).resolved_reason == "answered by us"


async def test_a_silence_is_named_by_what_it_kept_quiet(hut: Build) -> None:
    """The timeline says which silence it was, and when the alert was told after all."""
    home = hut(rules=[COMPLAINT])
    at = home.clock.now()
    await operations.silence(home.store, {"rule": "complaint"}, lasting=HOUR, reason="known", actor=ZOE, at=at)
    await home.hears("Acme is broken")
    await home.wait(2 * HOUR)
    silenced, told = await home.timeline("alert.")
    assert (silenced.kind, (silenced.detail or {})["silence"]) == ("alert.silenced", 1)
    assert (told.kind, told.at) == ("alert.told", at + HOUR)
