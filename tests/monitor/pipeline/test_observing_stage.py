"""While something is only observed, one account a day says what would have rung; for a first while everything may be."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from email.header import decode_header, make_header
from typing import TYPE_CHECKING, Any, cast

import pytest

import notifiers
from monitor.domain.alert import NotificationKind
from monitor.domain.plan import RunState
from monitor.pipeline import operations
from monitor.pipeline.delivery import Deliverer
from monitor.pipeline.observing import Accounts
from monitor.pipeline.operations import Actor
from monitor.settings.observing import ObservingSettings
from notifiers.message import AccountFacts
from notifiers.render import text
from notifiers.wording import headline, next_action
from tests.monitor.pipeline.conftest import CALL_PLAN, CHECK_PLAN, COMPLAINT, CRISIS, MONITOR, House
from tests.monitor.pipeline.observed_days import (
    DAY,
    DAYS,
    HOUR,
    LONG,
    MINUTE,
    PAUSE,
    STORM,
    WEEK,
    by_hand,
    eve,
    open_runs,
    pass_time,
)
from tests.post import delivering

if TYPE_CHECKING:
    from tests.monitor.pipeline.conftest import Build

TRIED = CRISIS | {"mode": "observe"}


def accounts(home: House, receiver: str = "desk") -> list[AccountFacts]:
    """The accounts that a receiver got."""
    return [message.account for message in home.told(receiver) if message.account is not None]


async def test_once_a_day_an_account_says_what_would_have_rung(house: Build) -> None:
    """Of the rule that is tried: how often, how gravely, whom it would have told; the next day, that nothing would have."""
    home = house(rules=[TRIED, COMPLAINT], observing={"at": "09:00"})
    await home.stages.accounts.step()
    await home.storm()
    await pass_time(home, 2 * HOUR)
    (account,) = accounts(home)
    (rule,) = account.rules
    assert (rule.alert.rule, rule.alert.severity, rule.alert.observed, rule.to) == ("crisis", "critical", 3, ("room",))
    assert [moment.hour for moment in rule.at] == [8]
    assert (account.since.hour, account.until.hour, account.heard, account.all.messages) == (8, 9, 3, 1)
    (message,) = home.told("desk")
    assert headline(message).startswith("Only observed: 1 alert would have rung for Acme, 1 message")
    assert len(message.posts) == 3
    assert "rules/all.yaml:1" in next_action(message)
    assert home.told("room") == []
    await pass_time(home, DAY)
    calm = accounts(home)[-1]
    assert (len(accounts(home)), calm.calm, calm.heard) == (2, True, 0)
    assert "silence is not peace" in text(home.told("desk")[-1])


async def test_nobody_gets_an_account_of_nothing_observed(hut: Build) -> None:
    """As long as every rule rings, there is none; once the rule that was tried rings, a last one says so."""
    home = hut(rules=[CRISIS], observing={"at": "09:00"})
    await pass_time(home, 2 * DAY, step=6 * HOUR)
    assert await home.timeline("observed.") == []


async def test_the_last_account_says_that_what_was_tried_rings(hut: Build, configure: Any) -> None:
    """It comes at its hour on the day after the rule was edited, and none after it."""
    home = hut(rules=[TRIED], observing={"at": "09:00"})
    await pass_time(home, DAY, step=6 * HOUR)
    home.restart(configure(rules=[CRISIS], observing={"at": "09:00"}))
    await pass_time(home, 3 * DAY, step=6 * HOUR)
    assert [event.kind for event in await home.timeline("observed.")] == [
        "observed.began", "observed.account", "observed.ended",
    ]  # fmt: skip
    assert accounts(home)[-1].switches == ()


@pytest.mark.fault("time", "the daemon is down when the daily account is due")
async def test_an_account_that_was_missed_comes_once(hut: Build) -> None:
    """It is sent once when the daemon is back, and covers all that was not told of."""
    home = hut(rules=[TRIED], observing={"at": "09:00"})
    await home.stages.accounts.step()
    await home.storm()
    home.clock.advance(3 * DAY + 4 * HOUR)
    for _ in range(3):
        home.restart()
        await pass_time(home, MINUTE, step=MINUTE)
    (account,) = accounts(home)
    assert (account.since.day, account.until.day, len(account.rules)) == (2, 5, 1)


@pytest.mark.fault("time", "the clock is set, forwards and backwards, around the hour of the daily account")
async def test_one_account_a_day_however_the_clock_is_set(hut: Build) -> None:
    """Neither an hour back nor years ahead and back makes a second of one day, or loses that of the next."""
    home = hut(rules=[TRIED], observing={"at": "09:00"})
    await home.stages.accounts.step()
    for jump in (70 * MINUTE, -HOUR, 61 * MINUTE, 2000 * DAY, -2000 * DAY, DAY, -HOUR, HOUR):
        home.clock.advance(jump)
        await home.stages.accounts.step()
    told = [event for event in await home.timeline("observed.account") if event.at.year == 2026]
    assert [str((event.detail or {}).get("until"))[:10] for event in told] == ["2026-03-02", "2026-03-03"]


@pytest.mark.fault("crash", "two processes find the daily account due at one moment")
async def test_two_processes_owe_one_account(house: Build) -> None:
    """What one has noted the other finds, in the same transaction that would owe it."""
    home = house(rules=[TRIED], observing={"at": "09:00"})
    other = Accounts(home.settings, home.store, home.clock)
    await home.stages.accounts.step()
    home.clock.advance(2 * HOUR)
    assert [await home.stages.accounts.step(), await other.step()] == [1, 0]
    assert [record.kind for record in await home.deliveries()] == [NotificationKind.ACCOUNT]


async def test_quiet_hours_hold_an_account_like_anything_ordinary(hut: Build) -> None:
    """Who sleeps until ten has it at ten; nothing else is gathered in it meanwhile."""
    hours = {"default": "desk", "quiet_hours": {"from": "22:00", "to": "10:00"}}
    home = hut(rules=[TRIED, COMPLAINT], observing={"at": "09:00"}, routing=hours)
    await home.stages.accounts.step()
    home.clock.advance(HOUR + MINUTE)
    await home.stages.accounts.step()
    await home.hears("Acme is broken")
    await home.act()
    assert home.told("desk") == []
    await home.wait(2 * HOUR)
    assert sorted(home.kinds("desk")) == ["account", "held"]


async def test_the_account_names_what_a_plan_would_have_done(house: Build) -> None:
    """Whom it would have told, and of which step; the message of a plan holds the alert of the same people, too."""
    plan = CALL_PLAN | {"activation": {"mode": "observe"}}
    home = house(rules=[CRISIS | {"plan": "storm"}], plans=[plan], observing={"at": "09:00"})
    await home.stages.accounts.step()
    await home.storm()
    await home.act()
    await pass_time(home, 2 * HOUR)
    (account,) = accounts(home)
    (opened,) = account.plans
    assert [(each.to, each.step) for each in opened.told[:2]] == [(("room",), ""), (("desk",), "Call")]
    assert account.rules == ()
    assert account.all.messages == len(opened.told)


async def test_it_arrives_as_a_mail_in_the_readers_language(hut: Build) -> None:
    """Over SMTP, in both parts: what would have rung, how often by night, and the line that lets it ring."""
    async with delivering() as (post, port):
        smtp = {"host": "127.0.0.1", "port": port, "security": "none", "sender": "tocsin@brand.example"}
        desk = {"kind": "email", "to": "desk@brand.example", "language": "fr", "timezone": "Europe/Paris"}
        receivers = MONITOR["receivers"] | {"desk": desk}
        home = hut(rules=[TRIED | {"notify": "default"}], observing={"at": "09:00"}, smtp=smtp, receivers=receivers)
        sent = notifiers.build("desk", home.settings.receivers["desk"], smtp=home.settings.smtp, http=cast("Any", None))
        home.stages = replace(
            home.stages, deliver=Deliverer(home.settings, home.store, home.clock, {"desk": sent}, owner="house")
        )
        await home.stages.accounts.step()
        home.clock.advance(17 * HOUR)
        await home.stages.intake.poll("net")
        await home.storm()
        home.clock.advance(9 * HOUR)
        await home.stages.accounts.step()
        await home.act()
        (mail,) = post.taken
        subject = str(make_header(decode_header(mail["Subject"])))
        assert subject == "Observé : 1 alerte aurait sonné pour Acme, soit 1 message, dont 1 de nuit"
        for part in mail.walk():
            if not part.is_multipart():
                said = cast("bytes", part.get_payload(decode=True)).decode()
                assert "Vous auriez reçu 1 message, dont 1 de nuit" in " ".join(said.split())
                assert "rules/all.yaml:1" in said


# --- everything is only observed -----------------------------------------------------------------------------------------


async def test_for_a_first_while_nothing_rings_and_plans_are_observed(house: Build) -> None:
    """Alerts are kept apart as if they rang: one incident, one run that is only observed, nobody told."""
    louder = CRISIS | {"id": "louder", "plan": "storm", "fire": {"at_least": 2}}
    home = house(rules=[CRISIS | {"plan": "storm"}, louder, COMPLAINT], plans=[CHECK_PLAN], observing=WEEK)
    await home.stages.accounts.step()
    await home.storm()
    await home.act()
    await home.hears("Acme is broken")
    await home.act()
    assert all(not home.told(name) for name in ("desk", "room", "phone"))
    (run,) = await home.runs()
    assert (run.state, run.opened_as) == (RunState.OBSERVING, RunState.OBSERVING)
    assert len({alert.incident_id for alert in await home.alerts()}) == 1
    await pass_time(home, 2 * HOUR)
    (account,) = accounts(home)
    assert [rule.alert.rule for rule in account.rules] == ["crisis", "louder", "complaint"]
    assert [plan.id for plan in account.plans] == ["storm"]
    assert (account.ends, account.ended) == (datetime(2026, 3, 9, 9, tzinfo=UTC), False)
    # The room hears of the plan, and in it of what opened it, then of the second alert and of the complaint in one.
    assert account.all.messages >= 2


async def test_what_is_exempt_or_about_ourselves_rings_all_the_while(hut: Build) -> None:
    """A danger is told at once, though its plan is only observed; so is a source that went silent."""
    home = hut(rules=[CRISIS | {"exempt": True, "plan": "storm"}], plans=[CHECK_PLAN], observing=WEEK)
    await home.storm()
    await home.act()
    assert home.kinds("room") == ["first"]
    assert [run.state for run in await home.runs()] == [RunState.OBSERVING]
    home.clock.advance(3 * DAY)
    await home.stages.evaluate.tick()
    await home.act()
    assert [alert.kind for message in home.told("tech") for alert in message.alerts] == ["source_health"]


async def test_at_its_end_what_rings_still_is_told_and_opens_its_plan(house: Build) -> None:
    """Once, at the hour of the last account; both alerts share a conversation, and one run is carried out."""
    louder = CRISIS | LONG | {"id": "louder", "plan": "storm"}
    plan = CHECK_PLAN | {"activation": {"mode": "automatic"}}
    home = house(rules=[CRISIS | LONG | {"plan": "storm"}, louder], plans=[plan], observing=WEEK | {"until": "2026-03-03"})
    await home.stages.accounts.step()
    await home.wait(20 * HOUR, step=HOUR)
    await home.storm()
    await pass_time(home, 4 * HOUR, step=30 * MINUTE)
    assert home.told("room") == []
    await pass_time(home, 2 * HOUR, step=30 * MINUTE)
    assert home.kinds("room")[0] == "plan"
    running, tried = await home.runs()
    assert (running.state, tried.state) == (RunState.RUNNING, RunState.CLOSED)
    assert {alert.incident_id for alert in await home.alerts()} == {running.incident_id}
    last = accounts(home)[-1]
    assert (last.ended, last.ends, last.switches) == (True, None, ())
    assert headline(home.told("desk")[-1]) == "Tocsin now rings for Acme: observing is over"
    home.restart()
    await pass_time(home, 30 * MINUTE, step=10 * MINUTE)
    assert [kind for kind in home.kinds("room") if kind != "call"] == ["plan", "first"]


async def test_at_its_end_what_is_over_is_told_to_nobody(hut: Build) -> None:
    """Its run, too, is closed: the next crisis opens the plan in earnest."""
    home = hut(rules=[CRISIS | {"plan": "storm"}], plans=[CHECK_PLAN], observing=WEEK | {"until": "2026-03-03"})
    await home.stages.accounts.step()
    await home.storm()
    await pass_time(home, 26 * HOUR)
    assert home.told("room") == []
    assert [run.state for run in await home.runs()] == [RunState.CLOSED]
    await home.storm()
    await home.act()
    assert home.kinds("room") == ["plan"]
    assert sorted(run.state for run in await home.runs()) == [RunState.AWAITING_CONFIRMATION, RunState.CLOSED]


async def test_a_plan_that_is_observed_no_more_opens_for_what_rings_still(hut: Build, configure: Any) -> None:
    """At once: the crisis goes on, and nobody was told of its plan. What was tried is closed as what it was."""
    crisis = CRISIS | LONG | {"plan": "storm", "realert": "3h"}
    home = hut(rules=[crisis], plans=[CHECK_PLAN | {"activation": {"mode": "observe"}}], observing={"at": "09:00"})
    await home.stages.accounts.step()
    await home.storm()
    await home.act()
    assert home.kinds("room") == ["first"]
    home.restart(configure(rules=[crisis], plans=[CHECK_PLAN], observing={"at": "09:00"}))
    await pass_time(home, 4 * HOUR)
    assert len(accounts(home)) == 1
    assert home.kinds("room")[:2] == ["first", "plan"]
    assert [run.state for run in await home.runs()] == [RunState.AWAITING_CONFIRMATION, RunState.CLOSED]


async def test_the_account_goes_to_whom_it_names(hut: Build) -> None:
    """People, roles and receivers; who has a role is asked when it is due."""
    home = hut(rules=[TRIED], observing={"at": "09:00", "to": ["lead", "room"]})
    await pass_time(home, 2 * HOUR)
    assert {name for name in home.settings.receivers if accounts(home, name)} == {"phone", "room"}


async def test_what_joins_the_crisis_after_its_end_joins_its_incident(hut: Build) -> None:
    """What was opened as observed is one story with what comes later."""
    talk = CRISIS | LONG | {"id": "talk", "where": {"text": {"any_of": ["smoke"]}}}
    home = hut(rules=[CRISIS | LONG, talk], observing=WEEK | {"until": "2026-03-02"})
    await home.storm()
    await pass_time(home, 2 * HOUR, step=10 * MINUTE)
    await home.storm(text="Acme is all smoke")
    await home.act()
    assert len({alert.incident_id for alert in await home.alerts()}) == 1


async def test_a_silence_is_no_alert_that_would_have_rung(hut: Build) -> None:
    """What a silence covers would have rung for nobody: the account leaves it out, until the silence is over."""
    silences = {"works": {"every": "08:00-12:00", "where": {"rule": "crisis"}, "reason": "works"}}
    home = hut(rules=[CRISIS | LONG], observing=WEEK, silences=silences)
    await home.stages.accounts.step()
    await home.storm()
    await pass_time(home, 2 * HOUR, step=10 * MINUTE)
    assert accounts(home)[-1].rules == ()
    await pass_time(home, DAY)
    assert [rule.alert.rule for rule in accounts(home)[-1].rules] == ["crisis"]
    assert home.told("room") == []


# --- it says nothing that is false ---------------------------------------------------------------------------------------


async def test_what_rings_beside_what_is_observed_is_not_denied(hut: Build, configure: Any) -> None:
    """`until` is removed and a storm rings: the last account says that all rings now, and not that posts were too few."""
    home = hut(rules=[CRISIS], observing=WEEK)
    await pass_time(home, 2 * HOUR)
    home.restart(configure(rules=[CRISIS]))
    await home.storm()
    await pass_time(home, DAY, step=6 * HOUR)
    assert home.kinds("room")[0] == "first"
    last = home.told("desk")[-1]
    said = " ".join(text(last).split())
    assert last.account is not None
    assert (last.account.calm, last.account.ended) == (True, True)
    assert headline(last) == "Tocsin now rings for Acme: observing is over"
    assert "3 posts were read." in said
    assert "All rules ring now" in said


async def test_of_a_storm_that_is_exempt_only_the_plan_was_told_to_nobody(hut: Build) -> None:
    """The room was told that it rings: the account does not say that nobody was, but of what follows."""
    home = hut(rules=[CRISIS | {"exempt": True, "plan": "storm"}], plans=[CHECK_PLAN], observing=WEEK)
    await home.stages.accounts.step()
    await home.storm()
    await pass_time(home, 2 * HOUR)
    assert home.kinds("room") == ["first"]
    assert "Of what follows nobody was told (08:00 – 09:00)" in text(home.told("desk")[-1])


async def test_a_plan_in_force_is_none_that_would_be_open(hut: Build, configure: Any) -> None:
    """That its observed run was closed to be carried out is nothing that somebody would have been told."""
    crisis, other = CRISIS | LONG | {"plan": "storm", "realert": "1h"}, COMPLAINT | {"mode": "observe"}
    tried = CHECK_PLAN | {"activation": {"mode": "observe"}}
    home = hut(rules=[crisis, other], plans=[tried], observing={"at": "09:00"})
    await home.stages.accounts.step()
    await home.storm()
    await pass_time(home, 20 * HOUR, step=2 * HOUR)
    await home.storm()
    await pass_time(home, 6 * HOUR, step=2 * HOUR)
    home.restart(configure(rules=[crisis, other], plans=[CHECK_PLAN], observing={"at": "09:00"}))
    await pass_time(home, 24 * HOUR, step=HOUR)
    assert [run.state for run in await home.runs()] != [RunState.OBSERVING]
    assert (accounts(home)[-1].plans, accounts(home)[-1].all.messages) == ((), 0)


async def test_no_backtest_is_offered_of_a_rule_that_is_gone(hut: Build, configure: Any) -> None:
    """The command would fail: only a rule that there is can be asked about."""
    other = COMPLAINT | {"mode": "observe"}
    home = hut(rules=[TRIED, other], observing={"at": "09:00"})
    await home.stages.accounts.step()
    await home.storm()
    home.restart(configure(rules=[other], observing={"at": "09:00"}))
    await pass_time(home, 2 * HOUR)
    said = text(home.told("desk")[-1])
    assert "crisis (critical)" in said
    assert "tocsin backtest crisis" not in said


async def test_an_account_names_no_folder_of_the_server(hut: Build) -> None:
    """Where it is written that something is only observed is named as it is within the configuration."""
    home = hut(rules=[TRIED], observing={"at": "09:00"})
    await pass_time(home, 2 * HOUR)
    assert [each.place for each in accounts(home)[-1].switches] == ["rules/all.yaml:1"]


async def test_of_an_erased_author_nothing_is_shown(hut: Build) -> None:
    """Erased between the hour and the sending: their post is none of those that are shown, not even as an empty card."""
    home = hut(rules=[TRIED], observing={"at": "09:00"})
    await home.stages.accounts.step()
    await home.storm()
    home.clock.advance(HOUR + MINUTE)
    await home.stages.accounts.step()
    await operations.erase(home.store, "mastodon", "person2", Actor("zoe", "cli"), home.clock.now())
    home.clock.advance(MINUTE)
    await home.act()
    (message,) = home.told("desk")
    assert ([post.author for post in message.posts], message.more_posts) == (["person1", "person0"], 0)


# --- what becomes of its runs --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("observing", [DAYS, {"at": "09:00"}], ids=["everything", "the plan"])
async def test_a_step_that_was_taken_out_after_the_trial_is_not_carried_out(
    hut: Build, configure: Any, observing: dict[str, str]
) -> None:
    """What was tried was edited for that: the plan is carried out as it is by now, for what rings still, too."""
    everything = "until" in observing
    home = hut(rules=[STORM], plans=[PAUSE | ({} if everything else {"activation": {"mode": "observe"}})], observing=observing)
    await eve(home)
    await home.storm()
    await home.act()
    home.restart(configure(rules=[STORM], plans=[PAUSE | {"steps": PAUSE["steps"][1:]}], observing=observing))
    await pass_time(home, 6 * HOUR, step=30 * MINUTE)
    assert await open_runs(home) == ["running"]
    assert (home.kinds("queue"), home.kinds("phone")[0]) == ([], "step")


@pytest.mark.parametrize("verb", ["false_alarm", "stand_down"])
async def test_what_a_person_called_over_is_over_when_observing_ends(hut: Build, verb: str) -> None:
    """Nobody is told first of what somebody has, and no plan is opened again that a person has closed."""
    home = hut(rules=[STORM], plans=[PAUSE], observing=DAYS)
    await eve(home)
    await home.storm()
    await home.act()
    await home.do(verb, text="a film")
    alert = await home.alert()
    await operations.acknowledge(home.store, alert.id, Actor("ana", "cli"), home.clock.now())
    await pass_time(home, 6 * HOUR, step=30 * MINUTE)
    assert (await open_runs(home), home.told("room"), home.told("queue")) == ([], [], [])
    await home.storm(people=9)
    await home.act()
    assert home.told("room") == []


async def test_a_room_that_a_person_opened_is_that_of_what_was_observed(house: Build) -> None:
    """Somebody saw the crisis during the week, and opened its plan: it goes on as that of what rings at the end."""
    home = house(rules=[STORM], plans=[PAUSE], observing=DAYS)
    await eve(home)
    await home.storm()
    await by_hand(home)
    await pass_time(home, 6 * HOUR, step=30 * MINUTE)
    (run,) = [run for run in await home.runs() if run.open]
    assert run.incident_id == (await home.alert()).incident_id
    assert home.kinds("queue") == ["step"]


async def test_a_rule_that_is_put_into_force_joins_what_rings(house: Build, configure: Any) -> None:
    """Its alert, too, which was kept apart: one incident, one room."""
    tried = STORM | {"id": "tried"}
    home = house(rules=[STORM, tried | {"mode": "observe"}], plans=[PAUSE])
    await home.storm()
    await home.act()
    home.restart(configure(rules=[STORM, tried], plans=[PAUSE]))
    await home.wait(2 * HOUR, step=30 * MINUTE)
    assert len(await home.runs()) == 1
    assert len({alert.incident_id for alert in await home.alerts()}) == 1
    async with home.store.read() as tx:
        assert len(await tx.incidents.list(open_only=True)) == 1


async def test_what_was_exempt_and_what_was_observed_share_a_room_in_the_end(hut: Build) -> None:
    """They were incidents of their own as long as only one of them rang."""
    home = hut(rules=[STORM | {"exempt": True}, STORM | {"id": "louder"}], plans=[PAUSE], observing=DAYS)
    await eve(home)
    await home.storm()
    await home.act()
    await pass_time(home, 6 * HOUR, step=30 * MINUTE)
    assert await open_runs(home) == ["running"]
    assert len({alert.incident_id for alert in await home.alerts()}) == 1
    assert home.kinds("room").count("plan") == 1


@pytest.mark.parametrize("rule", [STORM, COMPLAINT | {"plan": "storm", "notify": "room"}], ids=["crowd", "one customer"])
async def test_the_plan_of_a_danger_opens_at_the_end(hut: Build, rule: dict[str, Any]) -> None:
    """People were told of the danger, and somebody has taken it; its plan was only observed, and begins for what rings still."""
    home = hut(rules=[rule | {"exempt": True}], plans=[PAUSE], observing=DAYS)
    await eve(home)
    await home.storm(text="Acme is on fire and broken")
    await home.act()
    for alert in await home.alerts():
        await operations.acknowledge(home.store, alert.id, Actor("ana", "cli"), home.clock.now())
    await pass_time(home, 6 * HOUR, step=30 * MINUTE)
    assert set(await open_runs(home)) == {"running"}
    assert {run.incident_id for run in await home.runs() if run.open} == {alert.incident_id for alert in await home.alerts()}
    assert "plan" in home.kinds("room")


async def test_a_trial_is_over_with_what_it_was_opened_for(hut: Build) -> None:
    """On each day of a week its crisis comes and goes: no run stays open, and no day has more messages than the first."""
    home = hut(rules=[CRISIS | {"plan": "storm", "realert": "1h"}], plans=[PAUSE], observing=WEEK)
    await home.stages.accounts.step()
    for _ in range(3):
        await home.storm()
        await pass_time(home, DAY, step=2 * HOUR)
    assert await open_runs(home) == []
    first, second, third = [each.all.messages for each in accounts(home)[1:]] + [accounts(home)[0].all.messages]
    assert max(second, third) <= first


async def test_a_trial_that_a_silence_outlasts_is_over_too(hut: Build) -> None:
    """Observing ended under the silence, and so did what rang."""
    silences = {"works": {"every": "08:30-23:00", "where": {"rule": "crisis"}, "reason": "works"}}
    home = hut(rules=[CRISIS | {"plan": "storm", "window": "4h"}], plans=[PAUSE], observing=DAYS, silences=silences)
    await home.stages.accounts.step()
    home.clock.advance(23 * HOUR)
    await home.stages.intake.poll("net")
    await home.storm()
    await pass_time(home, 10 * HOUR, step=30 * MINUTE)
    assert [run.state for run in await home.runs()] == [RunState.CLOSED]
    assert home.told("room") == []


async def test_the_crowd_takes_over_a_trial_from_one_customer(hut: Build) -> None:
    """As it would a room: one run is observed."""
    home = hut(rules=[COMPLAINT | {"plan": "storm"}, STORM], plans=[PAUSE], observing=WEEK)
    await home.hears("Acme is broken", by="customer")
    await home.storm()
    await home.act()
    (run,) = await home.runs()
    assert (run.state, run.incident_id) == ("observing", (await home.alert("crisis")).incident_id)


# --- when ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("now", "last"),
    [
        ("2026-03-28T07:59:00+00:00", "2026-03-28T07:00:00+00:00"),
        ("2026-03-29T05:59:00+00:00", "2026-03-28T07:00:00+00:00"),
        ("2026-03-29T06:00:00+00:00", "2026-03-29T06:00:00+00:00"),
        ("2026-10-25T06:59:59+00:00", "2026-10-24T06:00:00+00:00"),
        ("2026-10-25T07:00:00+00:00", "2026-10-25T07:00:00+00:00"),
    ],
)
def test_its_hour_is_that_of_the_clock_on_the_wall(now: str, last: str) -> None:
    """At eight in the morning, also on the days on which the clock is set."""
    found = ObservingSettings().last(datetime.fromisoformat(now), "Europe/Paris")
    assert found == datetime.fromisoformat(last)


def test_every_day_has_one_hour_even_where_the_clock_skips_or_repeats_it() -> None:
    """At half past two there is one account on each day of a year, in order."""
    settings, at = ObservingSettings(at=time(2, 30)), datetime(2026, 1, 1, tzinfo=UTC)
    moments = dict.fromkeys(settings.last(at + n * 10 * MINUTE, "Europe/Paris") for n in range(366 * 24 * 6))
    assert list(moments) == sorted(moments)
    assert len({moment.astimezone().date() for moment in moments}) == len(moments) in {366, 367}


def test_it_ends_at_the_hour_of_the_last_account() -> None:
    """Whoever reads that it rings from now on can rely on it."""
    settings = ObservingSettings(until=date(2026, 3, 29))
    ends = datetime(2026, 3, 29, 6, tzinfo=UTC)
    assert settings.ends("Europe/Paris") == ends == settings.last(ends, "Europe/Paris")
    assert settings.holds(ends - timedelta(seconds=1), "Europe/Paris")
    assert not settings.holds(ends, "Europe/Paris")
