"""One crisis has one room: opened by hand and by its rule, closed and open again, with its evidence, and calls that arrive."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import update

from monitor.domain.errors import UsageError
from monitor.domain.plan import StatementStep
from monitor.pipeline import operations
from monitor.pipeline.operations import Actor
from monitor.plans import Act
from monitor.report.evidence import exhibits
from monitor.storage.tables import mention
from notifiers import DeliveryError, Reason
from notifiers.render import html, text
from tests.monitor.pipeline.conftest import COMPLAINT, CONTACTS, CRISIS, MONITOR

if TYPE_CHECKING:
    from tests.monitor.pipeline.conftest import Build, Configure, House

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
ZOE = Actor("zoe", "cli")
RULE = CRISIS | {"plan": "storm", "notify": "room", "realert": "1d"}
PLAN: dict[str, Any] = {
    "id": "storm",
    "title": {"en": "Storm plan", "fr": "Plan tempête"},
    "notify": ["room"],
    "activation": {"mode": "automatic"},
    "steps": [
        {"id": "pause", "action": "webhook", "receiver": "queue", "undo": {"receiver": "tech"}},
        {"id": "evidence", "action": "capture"},
        {"id": "facts", "action": "checklist", "role": "ana", "items": [{"en": "True?"}]},
        {"id": "hold", "action": "statement", "statement": "holding"},
    ],
    "escalation": [{"at": 1, "unless": "acknowledged", "notify": ["ana"]}],
    "statements": [
        {
            "id": "holding",
            "text": {"en": "We know. More at {{next_update}}.", "fr": "Nous savons. Suite à {{next_update}}."},
            "status": "approved",
            "approved_by": "ben",
            "expires": "2099-01-01",
        }
    ],
}


def housed(build: Build, *, plan: dict[str, Any] | None = None, **more: Any) -> House:
    """A house with the crisis rule and the plan; Ana has `phone`, Ben `backup-phone`."""
    return build(rules=[RULE], plans=[PLAN | (plan or {})], **more)


def plain(said: str) -> str:
    """Words as they are read, whatever the layout makes of the spaces."""
    return " ".join(said.replace("| ", "").split())


async def by_hand(home: House, **more: Any) -> int:
    """Somebody opens the plan before anything rings."""
    plan = home.settings.plans["storm"]
    run = await operations.open_plan_by_hand(home.store, plan, "acme", ZOE, home.clock.now(), why="they called", **more)
    await home.act()
    return run.id


# --- one room ------------------------------------------------------------------------------------------------------------


async def test_a_rule_joins_the_plan_that_a_person_opened(house: Build) -> None:
    """The storm that was foretold has one run: it sees what rings, keeps its story, and its people hear of the alert."""
    home = housed(house)
    number = await by_hand(home)
    await home.storm()
    await home.act()
    (run,) = await home.runs()
    assert run.id == number
    assert run.incident_id == (await home.alert()).incident_id
    async with home.store.read() as tx:
        story = [event.kind for event in await tx.timeline.of_incident(run.incident_id)]
    assert story[0] == "plan.opened"
    assert "plan.joined" in story
    assert home.kinds("room") == ["plan", "first"]
    assert home.kinds("queue") == ["step"], "what was done is not done twice"


async def test_what_joined_is_forgotten_in_its_order(hut: Build) -> None:
    """The messages of the first incident tell of the run of the second: they go first, and nothing holds up retention."""
    home = housed(hut)
    await by_hand(home)
    await home.storm()
    await home.wait(3 * HOUR)
    await home.do("stand_down")
    await home.act()
    later = home.clock.now() + timedelta(days=400)
    while await home.store.forget(home.settings.storage.retention, later, 100):
        pass
    assert await home.runs() == []


async def test_a_second_room_by_hand_is_refused_with_the_number_of_the_first(hut: Build) -> None:
    """Two people at two in the morning: the second is shown where the first is. A drill is no room."""
    home = housed(hut)
    await by_hand(home, drill=True)
    await home.storm()
    with pytest.raises(UsageError, match="plan storm is open about this already: run 2"):
        await by_hand(home)


async def test_a_drill_is_joined_by_nothing(hut: Build) -> None:
    """A real crisis has its own run."""
    home = housed(hut)
    await by_hand(home, drill=True)
    await home.storm()
    assert [run.drill for run in await home.runs()] == [False, True]


async def test_what_is_only_observed_is_no_room(hut: Build) -> None:
    """Somebody sees a crisis while a plan is being tried: theirs begins."""
    home = housed(hut, plan={"activation": {"mode": "observe"}})
    await home.storm()
    await by_hand(home)
    (running, tried) = await home.runs()
    assert (running.state, tried.state) == ("running", "closed")
    assert running.incident_id == (await home.alert()).incident_id


async def test_a_plan_that_was_stood_down_is_not_joined(hut: Build) -> None:
    """It waits for a signature, and chases nobody: what rings now has its own."""
    home = housed(hut, plan={"closure": {"sign_off": "ben"}})
    await by_hand(home)
    await home.do("stand_down")
    await home.storm()
    assert [run.state for run in await home.runs()] == ["running", "stood_down"]


async def test_a_complaint_that_still_rings_keeps_no_room_from_the_next_crisis(house: Build) -> None:
    """It had joined the first crisis, and is open for a day; the run that nobody has closed is that of the next."""
    home = house(rules=[COMPLAINT, RULE | {"realert": "1h"}], plans=[PLAN])
    await home.storm()
    await home.hears("Acme is broken", by="customer")
    await home.wait(3 * HOUR)
    assert (await home.alert("complaint")).resolved_at is None
    await home.storm()
    await home.act()
    (run,) = await home.runs()
    assert run.incident_id == (await home.alerts())[-1].incident_id != (await home.alert("complaint")).incident_id
    assert home.kinds("queue") == ["step"], "what was done is not done twice"


async def test_the_crowd_takes_over_the_room_of_one_customer(house: Build) -> None:
    """The plan was opened for whoever was in danger; when it becomes a crisis, the same people go on in the same run."""
    home = house(rules=[COMPLAINT | {"key": ["author"], "plan": "storm"}, RULE], plans=[PLAN])
    await home.hears("Acme is broken", by="customer")
    await home.storm()
    await home.act()
    (run,) = await home.runs()
    assert run.incident_id == (await home.alert("crisis")).incident_id != (await home.alert("complaint")).incident_id
    home.clock.advance(12 * HOUR)
    await home.hears("Acme is broken, still", by="customer")
    await home.act()
    assert len(await home.runs()) == 1, "the customer says it again: that is no second room"


async def test_two_customers_have_a_room_each(hut: Build) -> None:
    """One thread is never mixed with another."""
    home = hut(rules=[COMPLAINT | {"key": ["author"], "plan": "storm"}], plans=[PLAN])
    for name in ("ada", "bob"):
        await home.hears("Acme is broken", by=name)
    assert len({run.incident_id for run in await home.runs()}) == 2


async def test_what_comes_back_joins_the_room_that_is_open_by_now(house: Build) -> None:
    """Its own run was closed, and somebody has opened the plan anew: that one goes on, and the closed one stays closed."""
    home = housed(house)
    await home.storm()
    await home.wait(2 * HOUR)
    await home.do("stand_down")
    number = await by_hand(home)
    await home.storm()
    await home.act()
    runs = {run.id: run for run in await home.runs()}
    assert [run.id for run in runs.values() if run.open] == [number]
    assert runs[number].incident_id == (await home.alert()).incident_id


async def test_a_plan_that_is_opened_by_hand_sees_what_rings_already(hut: Build) -> None:
    """Another rule rang about the subject: the run belongs to its incident."""
    home = hut(rules=[CRISIS | {"notify": "desk"}], plans=[PLAN])
    await home.storm()
    await by_hand(home)
    (run,) = await home.runs()
    assert run.incident_id == (await home.alert()).incident_id


# --- again ---------------------------------------------------------------------------------------------------------------


async def test_a_crisis_that_comes_back_pauses_the_queue_again(house: Build) -> None:
    """The end let posts go out again; the same step stops them anew, as a message of its own, and once."""
    home = housed(house)
    await home.storm()
    await home.wait(2 * HOUR)
    await home.do("stand_down")
    await home.act()
    assert (home.kinds("queue"), home.kinds("tech")) == (["step"], ["call"])
    await home.storm()
    await home.act()
    home.restart()
    await home.act()
    first, second = home.told("queue")
    assert first.id != second.id
    (run,) = await home.runs()
    assert (run.step("pause").state, run.reopened_at) == ("done", home.clock.now())
    await home.do("stand_down", text="over")
    await home.act()
    assert len(home.told("tech")) == 2


async def test_what_is_only_observed_stays_so_when_it_comes_back(hut: Build) -> None:
    """A plan that was tried for a week calls nothing because the crisis was over for a while."""
    home = housed(hut, plan={"activation": {"mode": "observe"}})
    await home.storm()
    await home.wait(2 * HOUR)
    await home.storm()
    await home.act()
    assert [run.state for run in await home.runs()] == ["observing", "closed"]
    assert home.kinds("queue") == []


async def test_what_was_only_observed_is_carried_out_when_it_comes_back_in_earnest(house: Build, configure: Configure) -> None:
    """The plan was put into force meanwhile: a run of its own does what the trial had only written down, once."""
    home = house(rules=[RULE], plans=[PLAN | {"activation": {"mode": "observe"}}])
    await home.storm()
    await home.do("check", by="ana", step="facts", item=0)
    await home.wait(2 * HOUR)
    home.restart(configure(rules=[RULE], plans=[PLAN]))
    await home.storm()
    await home.act()
    run, tried = await home.runs()
    assert (run.state, run.step("facts").state, run.step("evidence").state) == ("running", "ready", "done")
    assert (tried.state, tried.step("facts").state, tried.incident_id == run.incident_id) == ("closed", "done", False)
    assert home.kinds("queue") == ["step"]
    assert len(await home.timeline("plan.captured")) == 1


async def test_what_a_person_opened_in_earnest_comes_back_so(hut: Build, configure: Configure) -> None:
    """Though its plan was only observed then: it is not by now."""
    rules = [CRISIS | {"id": "talk", "realert": "1d"}, RULE | {"fire": {"at_least": 5}}]
    home = hut(rules=rules, plans=[PLAN | {"activation": {"mode": "observe"}}])
    await home.storm()
    await by_hand(home)
    await home.wait(2 * HOUR)
    await home.do("stand_down")
    home.restart(configure(rules=rules, plans=[PLAN]))
    await home.storm(people=5)
    assert [run.state for run in await home.runs()] == ["running"]


async def test_what_went_on_elsewhere_comes_back_to_where_it_began(house: Build) -> None:
    """The run went on with the next incident and was closed there; an alert of the first comes back within its time."""
    smoke = RULE | {"id": "smoke", "where": {"text": {"any_of": ["smoke"]}}, "window": "30m"}
    home = house(rules=[RULE | {"realert": "30m", "window": "30m"}, smoke], plans=[PLAN])
    await home.storm()
    await home.storm(text="Acme is all smoke")
    await home.wait(2 * HOUR)
    await home.storm()
    await home.wait(2 * HOUR)
    await home.do("stand_down", text="over")
    home.clock.advance(10 * MINUTE)
    await home.storm(text="Acme is all smoke")
    await home.act()
    (run,) = await home.runs()
    assert (run.state, run.incident_id) == ("running", (await home.alert("smoke")).incident_id)


@pytest.mark.fault("time", "the clock is set back between a plan's trial and a crisis that comes back")
async def test_what_was_done_in_earnest_is_not_done_twice_though_the_clock_was_set_back(hut: Build, configure: Configure) -> None:
    """The trial ended later by the clock; the run that followed is none, and calls nobody twice."""
    call = PLAN | {"steps": [{"id": "tell", "action": "notify", "receiver": "phone"}], "escalation": []}
    home = hut(rules=[RULE], plans=[call | {"activation": {"mode": "observe"}}])
    home.clock.advance(6 * HOUR)
    await home.stages.intake.poll("net")
    await home.storm()
    await home.wait(2 * HOUR)
    home.clock.advance(-5 * HOUR)
    home.restart(configure(rules=[RULE], plans=[call]))
    await home.storm()
    await home.wait(2 * HOUR)
    number = (await home.runs())[0].id
    done = Act("stand_down", "zoe", home.clock.now(), {"zoe"}, text="over")
    await operations.act_in_plan(home.store, number, done, "cli")
    await home.storm()
    await home.act()
    assert (await home.runs())[0].reopened_at == home.clock.now()
    assert home.kinds("phone").count("step") == 1


# --- words ---------------------------------------------------------------------------------------------------------------


async def test_whoever_is_asked_for_a_yes_reads_every_language_and_types_what_names_the_words(hut: Build) -> None:
    """Changed words come whole, French and English, each with its own way to write the hour, and the command holds their name."""
    home = housed(hut)
    await home.storm()
    await home.act()
    run = await home.do("edit", by="ana", step="hold", words={"fr": "Nous cherchons. Suite à {{next_update}}."})
    await home.act()
    asked = home.told("backup-phone")[-1]
    step = run.definition.step("hold")
    assert isinstance(step, StatementStep)
    for said in (text(asked), html(asked)):
        assert "We know. More at 09:00." in plain(said)
        assert "Nous cherchons. Suite à 09 h 00." in plain(said)
        assert run.fingerprint(step) in said
    assert f"tocsin plan approve {run.id} hold {run.fingerprint(step)}" in text(asked)


async def test_words_past_their_day_are_called_so_and_asked_about(hut: Build) -> None:
    """The message says since when they are no longer approved, and nowhere that they are ready to copy."""
    home = housed(hut, plan={"statements": [PLAN["statements"][0] | {"expires": "2026-02-01"}]})
    await home.storm()
    await home.act()
    (asked,) = [each for each in home.told("backup-phone") if each.plan and each.plan.why == "approval"]
    assert asked.plan is not None
    step = next(each for each in asked.plan.steps if each.id == "hold")
    assert (step.approved, step.expired) == (False, date(2026, 2, 1))
    assert "approved until 1 February 2026: read it as if it were new" in plain(text(asked))
    (opened,) = home.told("room")
    assert "ready to copy" not in plain(text(opened))
    assert "Approved until 1 February 2026, and no longer" in plain(text(opened))


# --- evidence ------------------------------------------------------------------------------------------------------------


async def test_evidence_is_shown_with_what_proves_it(hut: Build) -> None:
    """Each post as the store keeps it, held to its hash: what was altered, or erased, says so."""
    home = housed(hut)
    await home.storm()
    await home.act()
    async with home.store.begin() as tx:
        kept = await exhibits(tx, 1, with_sensitive=False)
        assert [each.verdict for each in kept] == ["unchanged"] * 3
        assert all(each.text for each in kept)
        await tx.mentions._session.run(update(mention).where(mention.c.id == kept[0].mention).values(text="Acme is fine"))
        await tx.mentions._session.run(mention.delete().where(mention.c.id == kept[1].mention))
        await tx.commit()
    async with home.store.read() as tx:
        found = await exhibits(tx, 1, with_sensitive=False)
    assert [each.verdict for each in found] == ["changed", "unchanged", "gone"]


# --- calls that arrive ---------------------------------------------------------------------------------------------------

_REFUSED = DeliveryError(Reason.UNAVAILABLE, "connection refused")


async def _called(build: Build, people: dict[str, Any] | None = None, **changes: Any) -> House:
    """Nobody has taken the plan, Ana is called, and her telephone is dead from then on."""
    home = housed(build, people=CONTACTS | {"people": people} if people else CONTACTS, plan=changes)
    await home.storm()
    await home.act()
    home.doors["phone"].troubles = [_REFUSED] * 1000
    home.clock.advance(15 * MINUTE)
    return home


async def _minute(home: House) -> None:
    for _ in range(60):
        await home.act()
        home.clock.advance(SECOND)


async def test_a_rung_whose_only_channel_is_dead_is_replaced_within_a_minute(hut: Build) -> None:
    """That the room knows of the crisis is not that somebody was called: the call goes to the people of the plan."""
    home = await _called(hut)
    before = len(home.told("room"))
    await _minute(home)
    whys = [each.plan.why for each in home.told("room")[before:] if each.plan]
    assert whys == ["untaken"]
    (event,) = await home.timeline("delivery.fallback")
    assert event.detail is not None
    assert (event.detail["receiver"], event.detail["to"]) == ("phone", "room")


async def test_the_same_person_is_reached_another_way_first(hut: Build) -> None:
    """Ana has a second telephone that the rung did not use: hers is hers."""
    people = CONTACTS["people"] | {"ana": CONTACTS["people"]["ana"] | {"receivers": ["phone", "desk"]}}
    home = await _called(hut, people, escalation=[{"at": 1, "unless": "acknowledged", "notify": ["phone"]}])
    before = len(home.told("desk"))
    await _minute(home)
    assert [each.plan.why for each in home.told("desk")[before:] if each.plan] == ["untaken"]


async def test_a_rung_on_two_channels_needs_no_third(hut: Build) -> None:
    """One of them is dead, the other arrives: nobody else is woken."""
    home = await _called(hut, escalation=[{"at": 1, "unless": "acknowledged", "notify": ["ana", "ben"]}])
    before = len(home.told("room"))
    await _minute(home)
    assert [each.plan.why for each in home.told("backup-phone") if each.plan] == ["untaken"]
    assert home.told("room")[before:] == []


async def test_when_every_channel_is_dead_each_is_tried_in_its_place_and_none_in_a_circle(hut: Build) -> None:
    """A call goes from one to the next, to each of them once."""
    home = await _called(hut)
    for name in home.settings.receivers:
        home.doors[name].troubles = [_REFUSED] * 1000
    for _ in range(5):
        await _minute(home)
    calls = [each for each in await home.deliveries() if each.kind == "call" and each.state == "pending"]
    assert len({each.receiver for each in calls}) == len(calls)
    assert {each.receiver for each in calls} >= {"phone", "room"}


async def test_a_plan_opened_by_hand_is_told_to_somebody_though_its_room_is_dead(hut: Build) -> None:
    """Nothing rings, so no alert has people: those of the installation hear of it."""
    home = housed(hut)
    home.doors["room"].troubles = [_REFUSED] * 1000
    await by_hand(home)
    await _minute(home)
    assert home.kinds("desk") == ["plan"]


def test_the_receivers_of_these_tests_have_no_fallback() -> None:
    """Else the above would show less than it says."""
    assert not any("fallback" in each for each in MONITOR["receivers"].values())
