"""Conversations: what a crowd says is gathered and counted, and what nobody can be told is told to somebody else."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import update

from monitor.pipeline import operations
from monitor.pipeline.conversation import MOST
from monitor.pipeline.operations import Actor
from monitor.storage.tables import plan_run
from notifiers import DeliveryError, Reason
from tests.monitor.pipeline.conftest import CHECK_PLAN, CRISIS

if TYPE_CHECKING:
    from tests.monitor.pipeline.conftest import Build, House

HOUR = timedelta(hours=1)
ZOE = Actor("zoe", "cli")
COMPLAINT: dict[str, Any] = {
    "id": "complaint",
    "kind": "mention",
    "where": {"text": {"any_of": ["broken"]}},
    "key": ["author"],
    "notify": "room",
}
PLAN = CHECK_PLAN | {"notify": ["phone"], "activation": {"mode": "automatic"}}
RETURNING = CRISIS | {"plan": "storm", "realert": "6h"}


async def test_a_message_names_two_hundred_alerts_and_counts_the_rest(hut: Build) -> None:
    """A crisis of thousands costs each transaction one write a conversation, and nobody gets a mail of a megabyte."""
    home = hut(rules=[COMPLAINT, CRISIS])
    await home.storm()
    await home.act()
    await home.brings(*(home.mention("Acme is broken", by=f"customer{n}") for n in range(MOST + 50)))
    await home.judge()
    await home.wait(10 * timedelta(minutes=1), step=timedelta(minutes=1))
    gathered = home.told("room")[1]
    assert (gathered.kind, len(gathered.alerts), gathered.more_alerts) == ("more", MOST, 50)
    assert len(await home.alerts()) == MOST + 51


async def test_a_message_is_gathered_no_longer_because_the_clock_was_set_back(hut: Build) -> None:
    """What comes next in a conversation waits for one interval, and not for the hour by which the last message lies ahead."""
    home = hut(rules=[COMPLAINT, CRISIS])
    await home.storm()
    await home.act()
    home.clock.current -= HOUR
    await home.hears("Acme is broken", by="customer")
    await home.wait(home.settings.routing.group_interval)
    assert home.kinds("room") == ["first", "more"]


async def closed(home: House) -> None:
    """The crisis is over for two hours, and somebody closes its plan."""
    await home.wait(2 * HOUR)
    await home.do("stand_down")


async def test_a_crisis_that_returns_opens_its_closed_plan_again(hut: Build) -> None:
    """Whoever closed the plan thought that it was over: its people hear that it is not, and there is still one run."""
    home = hut(rules=[RETURNING], plans=[PLAN])
    await home.storm()
    await closed(home)
    await home.storm()
    await home.act()
    assert [each.state for each in await home.runs()] == ["running"]
    assert home.kinds("phone").count("plan") == 2
    kinds = [event.kind for event in await home.timeline("plan.")]
    told = [kind for kind in kinds if "step" not in kind and kind != "plan.escalated"]
    assert told == ["plan.opened", "plan.acknowledged", "plan.stood_down", "plan.closed", "plan.reopened"]


@pytest.mark.parametrize(("then", "now"), [("confirm", "automatic"), ("automatic", "confirm")])
async def test_a_plan_that_is_opened_again_waits_if_it_did_or_would(hut: Build, configure: Any, then: str, now: str) -> None:
    """Its steps are those it was opened with: none goes out without a word that was asked for then, or is asked for now."""
    home = hut(rules=[RETURNING], plans=[PLAN | {"activation": {"mode": then}}])
    await home.storm()
    await closed(home)
    home.restart(configure(rules=[RETURNING], plans=[PLAN | {"activation": {"mode": now}}]))
    await home.storm()
    await home.act()
    assert [each.state for each in await home.runs()] == ["awaiting_confirmation"]
    (event,) = await home.timeline("plan.reopened")
    assert event.detail == {"plan": "storm", "mode": "confirm"}


async def test_a_crisis_that_returns_is_told_though_nobody_understands_its_run(hut: Build) -> None:
    """What another version wrote of a plan keeps nothing from being judged: the run stays closed, the rule's people are told."""
    home = hut(rules=[RETURNING], plans=[PLAN])
    await home.storm()
    await closed(home)
    async with home.store.begin() as tx:
        await tx.plans._session.run(update(plan_run).values(snapshot={"no": "plan"}))
        await tx.commit()
    await home.storm()
    await home.act()
    assert [each.state for each in await home.runs()] == ["closed"]
    assert home.kinds("room")[-1] == "first"


async def test_an_edited_rule_is_no_all_clear(hut: Build, configure: Any) -> None:
    """What the edited rule does not see may go on: people are told that nobody watches it any more, and why."""
    home = hut(rules=[CRISIS])
    await home.storm()
    await home.act()
    home.restart(configure(rules=[CRISIS | {"where": {"text": {"any_of": ["smoke"]}}}]))
    await home.judge()
    await home.wait(timedelta(minutes=10))
    assert home.kinds("room") == ["first", "resolved"]
    assert (await home.alert()).resolved_reason == "the rule was changed"
    assert [each.unwatched for each in home.told("room")[-1].alerts] == [True]


async def test_a_window_that_goes_on_is_told_again_without_a_new_post(hut: Build) -> None:
    """Nobody took charge: after `realert` people are reminded, whether or not somebody says something new."""
    home = hut(rules=[CRISIS | {"window": "1d", "realert": "6h"}])
    await home.storm()
    await home.wait(13 * HOUR, step=HOUR)
    assert home.kinds("room") == ["first", "reminder", "reminder"]
    assert (await home.alert()).occurrences == 1


async def test_a_silence_keeps_reminders_back(hut: Build) -> None:
    """A window that was told before its silence began is not told again during it."""
    home = hut(rules=[CRISIS | {"window": "1d", "realert": "2h"}])
    await home.storm()
    await home.act()
    at = home.clock.now()
    await operations.silence(home.store, {"rule": "crisis"}, lasting=5 * HOUR, reason="we know", actor=ZOE, at=at)
    await home.wait(5 * HOUR - timedelta(minutes=1), step=HOUR)
    assert home.kinds("room") == ["first"]


async def test_what_a_lost_receiver_was_owed_is_told_to_somebody_else(hut: Build, configure: Any) -> None:
    """The receiver was replaced while its server was down: the crisis goes to whom the rule names now."""
    home = hut(rules=[CRISIS])
    home.doors["room"].troubles = [DeliveryError(Reason.UNAVAILABLE, "down")]
    await home.storm()
    await home.act()
    replaced = configure(rules=[CRISIS | {"notify": "phone"}])
    del home.doors["room"]
    home.restart(replaced.model_copy(update={"receivers": {k: v for k, v in replaced.receivers.items() if k != "room"}}))
    await home.wait(HOUR, step=timedelta(minutes=1))
    assert home.kinds("phone")[:1] == ["first"]
    assert [facts.rule for facts in home.told("phone")[0].alerts] == ["crisis"]


async def test_a_gone_receivers_crisis_reaches_the_default(hut: Build) -> None:
    """410 Gone: nobody answers there any more, and the people who get everything else get this too, once."""
    home = hut(rules=[CRISIS])
    home.doors["room"].troubles = [DeliveryError(Reason.GONE, "410 Gone")]
    await home.storm()
    await home.act()
    assert home.kinds("desk") == ["first"]
