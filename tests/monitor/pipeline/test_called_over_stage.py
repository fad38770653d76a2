"""What a person called over stays so wherever its alert goes, and holds nothing back that is another's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

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


async def over(home: House, run: PlanRun | None = None) -> None:
    """A person stands a run down: the newest."""
    number = (run or (await home.runs())[0]).id
    done = Act("stand_down", "zoe", home.clock.now(), {"zoe"}, text="a film")
    await operations.act_in_plan(home.store, number, done, "cli")


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
    known = {"rule": "complaint"}
    await operations.silence(home.store, known, lasting=3 * HOUR, reason="known", actor=ZOE, at=home.clock.now())
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
    await operations.silence(home.store, {"rule": "complaint"}, lasting=HOUR, reason="known", actor=ZOE, at=home.clock.now())
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


def interrupt(monkeypatch: pytest.MonkeyPatch, name: str, meanwhile: Any) -> None:
    """The next time that `opening` has asked this, somebody else does something before it goes on."""
    asks = getattr(opening, name)

    async def interrupted(*args: Any, **more: Any) -> Any:
        monkeypatch.setattr(opening, name, asks)
        found = await asks(*args, **more)
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
