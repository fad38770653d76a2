"""What a person called over stays so wherever its alert goes, and holds nothing back that is another's."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import text

from monitor.domain.errors import UsageError
from monitor.pipeline import opening, operations
from monitor.pipeline.operations import Actor
from monitor.plans import Act
from tests.monitor.pipeline.conftest import COMPLAINT, CRISIS, House
from tests.monitor.pipeline.observed_days import DAYS, HOUR, LONG, MINUTE, PAUSE, STORM, by_hand, eve, open_runs, pass_time

if TYPE_CHECKING:
    from monitor.domain.plan import PlanRun
    from tests.monitor.pipeline.conftest import Build

ZOE = Actor("zoe", "cli")
DANGER = CRISIS | LONG | {"id": "danger", "exempt": True}  # it rings all the while, and has no plan
SMOKE = {"where": {"text": {"any_of": ["smoke"]}}}
LATER_DANGER = DANGER | SMOKE
CUSTOMER = COMPLAINT | {"plan": "storm", "key": ["author"], "realert": "1h", "resolve": {"after": "7d"}}
ONE_STEP = PAUSE | {"steps": PAUSE["steps"][:1]}
SIGNED = ONE_STEP | {"closure": {"sign_off": "ben"}}


async def over(home: House, run: PlanRun | None = None, *, verb: str = "stand_down", by: str = "zoe") -> None:
    """A person ends a run: the newest."""
    number = (run or (await home.runs())[0]).id
    done = Act(verb, by, home.clock.now(), {by}, text="a film")
    await operations.act_in_plan(home.store, number, done, "cli")


async def silence(home: House, rule: str, lasting: timedelta) -> None:
    """A person silences a rule."""
    await operations.silence(home.store, {"rule": rule}, lasting=lasting, reason="known", actor=ZOE, at=home.clock.now())


async def states(home: House) -> list[str]:
    """How all runs stand, the newest first."""
    return [str(run.state) for run in await home.runs()]


async def taken(home: House, rule: str) -> None:
    """A person takes every alert of a rule."""
    for alert in await home.alerts():
        if alert.rule == rule:
            await operations.acknowledge(home.store, alert.id, Actor("ana", "cli"), home.clock.now())


async def morning(home: House) -> None:
    """Observing ends at nine: it is ten."""
    await pass_time(home, 6 * HOUR, step=30 * MINUTE)


async def test_it_stays_so_in_the_incident_that_its_alert_joins(hut: Build) -> None:
    """The alert moves to what rings already: its people are told, and the plan that a person closed is not opened there."""
    home = hut(rules=[DANGER, STORM], plans=[PAUSE], observing=DAYS)
    await eve(home)
    await home.storm()
    await home.act()
    await over(home)
    await morning(home)
    assert len({alert.incident_id for alert in await home.alerts()}) == 1
    assert (await open_runs(home), home.told("queue"), "plan" in home.kinds("room")) == ([], [], False)


@pytest.mark.parametrize("first", [0, 1])
async def test_the_plan_of_another_alert_there_opens_all_the_same(hut: Build, first: int) -> None:
    """Two trials of one plan: a person closed one of them, and what was observed by the other rings still."""
    rules = [STORM | {"id": "danger", "exempt": True}, STORM]
    home = hut(rules=rules[first:] + rules[:first], plans=[PAUSE], observing=DAYS)
    await eve(home)
    await home.storm()
    await home.act()
    incident = (await home.alert("crisis")).incident_id
    await over(home, next(run for run in await home.runs() if run.incident_id == incident))
    await morning(home)
    assert await open_runs(home) == ["running"]


@pytest.mark.parametrize("verb", ["stand_down", "false_alarm"])
async def test_also_when_a_silence_covered_it_at_that_moment(hut: Build, verb: str) -> None:
    """Who calls it over sees that it is observed, and need not know of the silence."""
    home = hut(rules=[DANGER, STORM], plans=[ONE_STEP], observing=DAYS)
    await eve(home)
    await home.storm()
    await home.act()
    await silence(home, "crisis", 6 * HOUR)
    await home.wait(10 * MINUTE)
    await over(home, verb=verb)
    await pass_time(home, 8 * HOUR, step=30 * MINUTE)
    assert len({alert.incident_id for alert in await home.alerts()}) == 1
    assert (await open_runs(home), home.told("queue")) == ([], [])


async def test_a_new_crisis_there_opens_its_plan(hut: Build) -> None:
    """It rang after that was called over."""
    home = hut(rules=[DANGER, STORM, STORM | SMOKE | {"id": "late"}], plans=[PAUSE], observing=DAYS)
    await eve(home)
    await home.storm()
    await home.act()
    await over(home)
    await morning(home)
    await home.storm(text="Acme is all smoke")
    await home.act()
    assert await open_runs(home) == ["running"]


async def test_a_later_trial_of_the_incident_does_not_wipe_it_out(hut: Build) -> None:
    """That trial is over with what it was for, by itself; the first alert rings still."""
    home = hut(rules=[STORM, STORM | SMOKE | {"id": "smoke", "window": "30m"}], plans=[PAUSE], observing=DAYS)
    await eve(home)
    await home.storm()
    await home.act()
    await over(home)
    await home.storm(text="Acme is all smoke")
    await home.act()
    await morning(home)
    assert (await open_runs(home), home.kinds("queue")) == ([], [])


async def test_nor_where_its_plan_alone_was_tried(hut: Build, configure: Any) -> None:
    """People were told of the alert; a later trial came and went, and then the plan is put into force."""
    tried = ONE_STEP | {"activation": {"mode": "observe"}}
    rules = [STORM, STORM | SMOKE | {"id": "smoke", "window": "30m"}]
    home = hut(rules=rules, plans=[tried])
    await home.storm()
    await home.act()
    await over(home)
    await home.storm(text="Acme is all smoke")
    await home.wait(2 * HOUR, step=30 * MINUTE)
    home.restart(configure(rules=rules, plans=[ONE_STEP]))
    await home.wait(HOUR, step=30 * MINUTE)
    assert (await open_runs(home), home.told("queue")) == ([], [])


# --- nothing is observed -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("verb", ["stand_down", "false_alarm"])
async def test_a_customer_who_writes_again_opens_no_room_that_was_closed(hut: Build, verb: str) -> None:
    """The crowd had taken it over from their thread, and it stays the crowd's."""
    home = hut(rules=[CUSTOMER, STORM], plans=[ONE_STEP])
    await home.hears("Acme is broken", by="customer")
    await home.act()
    await home.wait(10 * MINUTE)
    await home.storm()
    await home.act()
    await over(home, verb=verb)
    await home.act()
    await home.wait(2 * HOUR, step=30 * MINUTE)
    await home.hears("Acme is still broken", by="customer")
    await home.act()
    (run,) = await home.runs()
    assert (run.state, run.incident_id) == ("closed", (await home.alert("crisis")).incident_id)


async def test_the_end_of_a_customers_room_is_not_that_of_a_silenced_crowd(hut: Build) -> None:
    """When the silence ends the crowd rings still, and its plan opens."""
    home = hut(rules=[CUSTOMER, STORM], plans=[ONE_STEP])
    await home.hears("Acme is broken", by="customer")
    await home.act()
    await silence(home, "crisis", 2 * HOUR)
    await home.wait(10 * MINUTE)
    await home.storm()
    await home.act()
    await over(home)
    await home.wait(3 * HOUR, step=30 * MINUTE)
    assert "running" in await states(home)


async def test_nor_of_a_crowd_that_is_only_tried(hut: Build, configure: Any) -> None:
    """Its rule is put into force while it rings still."""
    home = hut(rules=[CUSTOMER, STORM | {"mode": "observe"}], plans=[ONE_STEP])
    await home.hears("Acme is broken", by="customer")
    await home.storm()
    await home.act()
    await over(home)
    home.restart(configure(rules=[CUSTOMER, STORM], plans=[ONE_STEP]))
    await home.wait(2 * HOUR, step=30 * MINUTE)
    assert "running" in await states(home)


@pytest.mark.parametrize("signs", [True, False])
async def test_a_late_end_of_an_old_crisis_is_not_that_of_a_new_one(hut: Build, signs: bool) -> None:
    """Its signature comes, or somebody tidies it up, while a new crisis is silenced: that one opens its plan."""
    crisis = CRISIS | {"plan": "storm", "realert": "10m"}
    home = hut(rules=[crisis], plans=[SIGNED if signs else ONE_STEP])
    await home.storm()
    await home.act()
    if signs:
        await over(home)
    await home.wait(5 * HOUR, step=30 * MINUTE)
    await silence(home, "crisis", 30 * MINUTE)
    await home.storm()
    await home.act()
    await (over(home, verb="sign_off", by="ben") if signs else over(home))
    await home.wait(45 * MINUTE)
    assert "running" in await states(home)


@pytest.mark.parametrize("before", [True, False])
async def test_a_false_alarm_opens_no_other_plan_later(hut: Build, before: bool) -> None:
    """It took an alert that was silenced, if nobody had: the plan that this asks for does not open at the end."""
    other = ONE_STEP | {"id": "other", "steps": [{"id": "tell", "action": "webhook", "receiver": "tech"}]}
    home = hut(rules=[STORM, STORM | {"id": "second", "plan": "other"}], plans=[ONE_STEP, other])
    await silence(home, "second", HOUR)
    await home.storm()
    await home.act()
    if before:
        await taken(home, "second")
    await over(home, verb="false_alarm")
    await home.act()
    await home.wait(2 * HOUR, step=30 * MINUTE)
    assert [(run.plan, run.state) for run in await home.runs()] == [("storm", "closed")]


async def test_the_plan_of_what_was_taken_under_a_silence_waits_until_it_is_graver(hut: Build, configure: Any) -> None:
    """Two people have decided: nobody is called. Graver than they knew, it is told for the first time, and its plan opens."""
    plan = ONE_STEP | {"notify": ["phone"]}
    home = hut(rules=[STORM | {"severity": "warning"}], plans=[plan])
    await silence(home, "crisis", HOUR)
    await home.storm()
    await taken(home, "crisis")
    await home.wait(2 * HOUR, step=30 * MINUTE)
    assert (await states(home), home.kinds("room")) == ([], [])
    home.restart(configure(rules=[STORM], plans=[plan]))
    await home.storm(people=5)
    await home.act()
    assert (await states(home), home.kinds("room"), home.kinds("phone")[0]) == (["running"], ["first"], "plan")


async def test_a_customer_of_a_crisis_that_is_over_opens_no_trial_with_each_message(hut: Build) -> None:
    """Their plan is only observed: there would be one for each reminder, closed at the next look."""
    home = hut(rules=[CUSTOMER, CRISIS | {"window": "30m"}], plans=[ONE_STEP | {"activation": {"mode": "observe"}}])
    await home.storm()
    await home.hears("Acme is broken", by="customer")
    await home.wait(3 * HOUR, step=30 * MINUTE)
    for _ in range(3):
        await home.wait(2 * HOUR, step=HOUR)
        await home.hears("Acme is broken", by="customer")
        await home.wait(20 * MINUTE)
    assert len(await home.runs()) == 1


# --- a plan that a person opened by hand ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "others", [[], [STORM | {"id": "danger", "exempt": True, "window": "30m"}]], ids=["alone", "beside a danger"]
)
async def test_what_a_person_opened_and_closed_does_not_begin_again_when_observing_ends(
    hut: Build, others: list[dict[str, Any]]
) -> None:
    """It was about what was observed: who called it over is believed."""
    home = hut(rules=[*others, STORM], plans=[PAUSE], observing=DAYS)
    await eve(home)
    await home.storm()
    await by_hand(home)
    assert home.kinds("queue") == ["step"]
    await over(home)
    await home.act()
    await morning(home)
    assert (await open_runs(home), home.kinds("queue")) == ([], ["step"])


async def test_nor_when_the_rule_that_is_tried_is_put_into_force(hut: Build, configure: Any) -> None:
    """A rule that is tried has an incident of its own, and the person meant that, too."""
    home = hut(rules=[STORM | {"mode": "observe"}], plans=[PAUSE])
    await home.storm()
    await by_hand(home)
    await over(home)
    await home.act()
    home.restart(configure(rules=[STORM], plans=[PAUSE]))
    await home.wait(2 * HOUR, step=30 * MINUTE)
    assert (await open_runs(home), home.kinds("queue")) == ([], ["step"])


@pytest.mark.parametrize("others", [[], [LATER_DANGER]], ids=["unmoved", "moved"])
async def test_what_waits_for_its_signature_is_over(hut: Build, others: list[dict[str, Any]]) -> None:
    """Stood down and not signed off yet: it is no reason to call everybody again."""
    home = hut(rules=[*others, STORM], plans=[PAUSE | {"closure": {"sign_off": "ben"}}], observing=DAYS)
    await eve(home)
    await home.storm()
    await by_hand(home)
    await over(home)
    await home.storm(text="Acme is all smoke")
    await home.act()
    await morning(home)
    assert (await open_runs(home), home.kinds("queue")) == (["stood_down"], ["step"])


async def test_its_room_goes_with_the_first_alert_that_begins_to_ring(hut: Build) -> None:
    """Another is held open by what is observed still: one room, and the queue is paused once."""
    home = hut(rules=[LATER_DANGER, STORM, STORM | {"id": "louder"}], plans=[PAUSE], observing=DAYS)
    await eve(home)
    await home.storm()
    await by_hand(home)
    await home.storm(text="Acme is all smoke")
    await home.act()
    await morning(home)
    assert (await open_runs(home), home.kinds("queue")) == (["running"], ["step"])


async def test_a_signature_is_not_about_what_was_observed_since(hut: Build) -> None:
    """Stood down before a crowd was observed, and signed after: at the end of observing its plan opens."""
    home = hut(rules=[STORM], plans=[SIGNED], observing=DAYS)
    await home.stages.accounts.step()
    await by_hand(home)
    await over(home)
    stood_down = (await home.runs())[0]
    await home.wait(20 * HOUR, step=HOUR)
    await home.storm()
    await home.act()
    await over(home, stood_down, verb="sign_off", by="ben")
    await morning(home)
    assert await open_runs(home) == ["running"]


async def test_a_trial_that_the_crowd_took_over_is_over_for_its_customer_too(hut: Build) -> None:
    """A person called it over: in the morning neither opens the plan in earnest."""
    home = hut(rules=[CUSTOMER, STORM], plans=[ONE_STEP], observing=DAYS)
    await eve(home)
    await home.hears("Acme is broken", by="customer")
    await home.storm()
    await home.act()
    await over(home)
    await morning(home)
    assert (await open_runs(home), home.kinds("queue")) == ([], [])


async def test_a_room_by_hand_does_not_move_into_a_customers_thread(hut: Build) -> None:
    """That customer's trial was called over before; the room is about the subject."""
    home = hut(rules=[CUSTOMER], plans=[ONE_STEP], observing=DAYS)
    await eve(home)
    await home.hears("Acme is broken", by="customer")
    await home.act()
    await over(home)
    await by_hand(home)
    before = (await home.runs())[0].incident_id
    await morning(home)
    run = (await home.runs())[0]
    assert (run.state, run.incident_id) == ("running", before)


# --- what somebody has ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("others", [[DANGER], []], ids=["moved", "unmoved"])
async def test_the_plan_of_what_somebody_has_opens_when_observing_ends(hut: Build, others: list[dict[str, Any]]) -> None:
    """Who took the alert is not told of it, and its plan is carried out, whatever else rings about the subject."""
    home = hut(rules=[*others, STORM], plans=[PAUSE], observing=DAYS)
    await eve(home)
    await home.storm()
    await home.act()
    await taken(home, "crisis")
    await morning(home)
    assert (await open_runs(home), home.kinds("queue")) == (["running"], ["step"])
    assert home.kinds("room").count("plan") == 1
    await over(home)
    home.restart()
    await pass_time(home, 2 * HOUR, step=30 * MINUTE)
    assert await open_runs(home) == []


async def test_what_joins_an_alert_that_somebody_had_is_told_for_the_first_time(hut: Build) -> None:
    """Nobody was told of anything in that incident: it is nothing that became graver."""
    home = hut(rules=[CRISIS | LONG, CRISIS | LONG | SMOKE | {"id": "smoke"}], observing=DAYS)
    await eve(home)
    await home.storm()
    await taken(home, "crisis")
    await morning(home)
    await home.storm(text="Acme is all smoke")
    await home.act()
    assert home.kinds("room") == ["first"]


async def test_a_complaint_of_a_crisis_that_is_over_opens_no_trial_at_each_look(hut: Build) -> None:
    """Somebody has it, nobody was told, and its incident is over: there is nothing to open a plan for."""
    tried = PAUSE | {"activation": {"mode": "observe"}}
    home = hut(rules=[COMPLAINT | {"plan": "storm"}, CRISIS | {"window": "30m"}], plans=[tried])
    await home.storm()
    await silence(home, "complaint", 3 * HOUR)
    await home.hears("Acme is broken", by="customer")
    await taken(home, "complaint")
    await pass_time(home, 6 * HOUR, step=30 * MINUTE)
    assert len(await home.runs()) <= 1


async def test_a_room_does_not_go_to_and_fro_between_two_customers(hut: Build) -> None:
    """Both complaints are taken, and the crises that they had joined are over: the plan is opened for neither again and again."""
    complaint = COMPLAINT | {"plan": "storm", "key": ["author"], "resolve": {"after": "7d"}}
    home = hut(rules=[complaint, CRISIS | {"window": "30m"}], plans=[PAUSE | {"steps": PAUSE["steps"][:1]}], observing=DAYS)
    await home.stages.accounts.step()
    for who in ("ada", "bob"):
        await home.storm()
        await home.hears("Acme is broken", by=who)
        await home.wait(3 * HOUR)
    await taken(home, "complaint")
    await pass_time(home, 20 * HOUR, step=HOUR)
    joined = len(await home.timeline("plan.joined"))
    await pass_time(home, 3 * HOUR, step=30 * MINUTE)
    assert len(await home.timeline("plan.joined")) == joined


async def test_a_customers_thread_that_rings_already_is_never_moved_into_the_crowd(hut: Build) -> None:
    """It began to ring when observing ended; a later silence is no second beginning."""
    home = hut(rules=[COMPLAINT | {"resolve": {"after": "7d"}}, CRISIS | LONG], observing=DAYS)
    await eve(home)
    await home.hears("Acme is broken", by="customer")
    await taken(home, "complaint")
    await morning(home)
    before = (await home.alert("complaint")).incident_id
    await silence(home, "complaint", HOUR)
    await home.wait(10 * MINUTE)
    await home.storm()
    await pass_time(home, 2 * HOUR)
    assert (await home.alert("complaint")).incident_id == before


async def test_what_a_silence_covered_first_is_tried_at_its_end(hut: Build) -> None:
    """Everything is only observed: the account has the alert, and what its plan would have done."""
    silences = {"works": {"every": "08:00-12:00", "where": {"rule": "crisis"}, "reason": "works"}}
    home = hut(rules=[STORM], plans=[PAUSE], observing={"until": "2026-03-09", "at": "09:00"}, silences=silences)
    await home.stages.accounts.step()
    await home.storm()
    await pass_time(home, 8 * HOUR, step=30 * MINUTE)
    assert await open_runs(home) == ["observing"]


# --- at the same moment --------------------------------------------------------------------------------------------------


def interrupt(
    monkeypatch: pytest.MonkeyPatch, name: str, meanwhile: Any, *, only: Callable[[Any], bool] = lambda _: True
) -> None:
    """The next time that `opening` has asked this, somebody else does something before it goes on."""
    asks = getattr(opening, name)

    async def interrupted(*args: Any, **more: Any) -> Any:
        found = await asks(*args, **more)
        if only(more):
            monkeypatch.setattr(opening, name, asks)
            await meanwhile()
        return found

    monkeypatch.setattr(opening, name, interrupted)


@pytest.mark.parametrize("storage", ["postgresql"], indirect=True)
async def test_a_person_who_closes_a_trial_as_it_gives_way_is_believed(
    house: Build, configure: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between our look at the trial and its end they called it over: the plan is not opened in earnest."""
    home = house(rules=[STORM], plans=[PAUSE | {"activation": {"mode": "observe"}}])
    await home.storm()
    await home.act()
    interrupt(monkeypatch, "_is_trial", lambda: over(home))
    home.restart(configure(rules=[STORM], plans=[PAUSE]))
    await home.wait(10 * MINUTE)
    assert [(run.state, run.closed_by) for run in await home.runs()] == [("closed", "zoe")]


@pytest.mark.parametrize("storage", ["postgresql"], indirect=True)
async def test_a_crisis_joins_no_room_that_is_closed_at_that_moment(house: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its people would never hear of it: a room of its own is opened."""
    home = house(rules=[CRISIS | {"plan": "storm", "realert": "30m"}], plans=[PAUSE])
    await home.storm()
    await home.act()
    await home.wait(3 * HOUR, step=30 * MINUTE)
    interrupt(monkeypatch, "room_about", lambda: over(home))
    await home.storm()
    await home.act()
    assert [run.state for run in await home.runs()] == ["running", "closed"]


@pytest.mark.parametrize("storage", ["postgresql"], indirect=True)
async def test_who_opens_a_plan_as_its_rule_does_is_told_so(house: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    """One room, and the queue is paused once."""
    home = house(rules=[STORM], plans=[PAUSE])
    interrupt(monkeypatch, "_refuse_second", home.storm)
    with pytest.raises(UsageError, match="is open about this already: run 1"):
        await by_hand(home)
    await home.act()
    assert (await open_runs(home), home.kinds("queue")) == (["running"], ["step"])


@pytest.mark.parametrize("storage", ["postgresql"], indirect=True)
async def test_what_comes_back_to_a_run_that_is_touched_at_that_moment_opens_it(
    house: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The closed run was telling people of its end: it has not gone on elsewhere."""
    smoke = CRISIS | SMOKE | {"id": "smoke", "plan": "storm", "window": "30m", "realert": "1d"}
    home = house(rules=[CRISIS | {"plan": "storm", "realert": "30m", "window": "30m"}, smoke], plans=[ONE_STEP])
    await home.storm()
    await home.storm(text="Acme is all smoke")
    await home.wait(2 * HOUR)
    await home.storm()
    await home.wait(2 * HOUR)
    await over(home)
    home.clock.advance(10 * MINUTE)
    interrupt(monkeypatch, "_that_left", home.stages.plans.step)
    await home.storm(text="Acme is all smoke")
    await home.act()
    assert await states(home) == ["running"]


@pytest.mark.parametrize("storage", ["postgresql"], indirect=True)
async def test_a_closed_run_that_is_touched_as_it_begins_again_begins(house: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    """It was telling people of its end."""
    home = house(rules=[STORM, STORM | SMOKE | {"id": "smoke"}], plans=[ONE_STEP])
    await home.storm()
    await home.act()
    await over(home)
    home.clock.advance(MINUTE)
    interrupt(monkeypatch, "_of_incident", home.stages.plans.step)
    await home.storm(text="Acme is all smoke")
    await home.act()
    assert await states(home) == ["running"]


@pytest.mark.parametrize("storage", ["postgresql"], indirect=True)
async def test_who_stands_down_as_observing_ends_is_heard(house: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    """The two transactions wait for one another, and the one that is broken off is done again."""
    home = house(rules=[STORM], plans=[ONE_STEP], observing=DAYS)
    await eve(home)
    await home.storm()
    await by_hand(home)
    acts: list[asyncio.Task[None]] = []

    async def act_beside() -> None:
        acts.append(asyncio.create_task(over(home)))
        while not await blocked(home):  # noqa: ASYNC110 the database tells nobody
            await asyncio.sleep(0)

    interrupt(monkeypatch, "_room", act_beside, only=lambda more: not more["observed"])
    await morning(home)
    await asyncio.gather(*acts)
    assert (len(acts), await open_runs(home), home.kinds("queue")) == (1, [], ["step"])


async def blocked(home: House) -> bool:
    """Whether somebody waits for another's transaction."""
    async with home.store.read() as tx:
        waiting = text("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'")
        return bool(await tx._session.scalar(waiting))
