"""In the room of a crisis: reports to a board, the change of shift, who has read a plan, posts that are kept."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from monitor.domain.errors import UsageError
from monitor.domain.plan import Plan
from monitor.pipeline import operations
from monitor.pipeline.operations import Actor
from monitor.pipeline.readings import by_day, must_read, note_reading
from monitor.pipeline.standing import standing_of
from monitor.report.evidence import exhibits
from monitor.settings import Contacts
from notifiers.render import html, text
from notifiers.wording import headline, next_action, why
from tests.monitor.pipeline.conftest import CRISIS
from tests.monitor.pipeline.test_plan_runs_stage import PLAN

if TYPE_CHECKING:
    from monitor.domain.clock import ManualClock
    from tests.monitor.pipeline.conftest import Build, House

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
ZOE = Actor("zoe", "cli")
GROUPS = [{"group": "customers", "channel": "info-page", "update_every": "90m"}]
STATEMENTS = [{"id": "holding", "status": "approved", "text": {"en": "We know. Back at {{next_update}}."}}]
STEPS = [*PLAN["steps"][:3], {"id": "hold", "action": "statement", "statement": "holding"}, PLAN["steps"][4]]


def housed(build: Build, **changes: Any) -> House:
    """A house with the crisis rule and a plan that reports to a board, at `desk`, every two hours."""
    more = {"stakeholders": GROUPS, "statements": STATEMENTS, "steps": STEPS, "escalation": []}
    return build(rules=[CRISIS | {"plan": "storm", "notify": "room"}], plans=[PLAN | more | changes])


async def _one_crisis(home: House) -> None:
    """A storm, taken by Ana; the holding statement is out; two hours later it is louder."""
    await home.storm(3)
    await home.act()
    await home.do("acknowledge", by="ana")
    await home.do("done", by="ana", step="hold")
    await home.wait(110 * MINUTE)
    await home.storm(9)
    await home.wait(10 * MINUTE)


async def test_a_board_reads_how_it_goes_what_was_done_and_what_comes(hut: Build) -> None:
    """Against the report before; the words that are out stand in it whole, and when the next report comes."""
    home = housed(hut)
    await _one_crisis(home)
    first, second = home.told("desk")
    assert first.plan is not None
    assert second.plan is not None
    assert first.plan.standing is not None
    standing = second.plan.standing
    assert standing is not None
    assert [(each.name, each.now, each.before) for each in standing.figures[:2]] == [("mentions", 9, 3), ("authors", 9, 3)]
    assert standing.since == first.created_at
    assert standing.next_at == second.created_at + 2 * HOUR
    said = text(second)
    assert headline(second).startswith("Situation report at ")
    assert "Level “crisis” since " in why(second)
    assert "- 9 posts within 60 minutes (+200% since " in said
    assert "Plan acknowledged, by Ana" in said
    assert "Done: “hold”, by Ana" in said
    assert "We know." not in text(first)
    at = (first.created_at + HOUR).strftime("%H:%M")
    assert f"We know. Back at {at}." in said  # as it was promised then, not as it would be now
    assert "customers (info-page): nothing is noted yet" in said
    assert next_action(second).startswith("Nothing for you to do: the next report comes at ")
    assert "What we never do" not in said


async def test_a_new_shift_reads_where_things_stand_and_leads(hut: Build) -> None:
    """By its own receiver, and what happens from then on is told to them. Strangers' words stay words."""
    home = housed(hut)
    await _one_crisis(home)
    await home.do("acknowledge", by="ana")
    await home.do("note", by="ana", text="Lyon calls back at 6? <b>ask</b>")
    home.clock.advance(SECOND)
    before = len(home.told("backup-phone"))
    await home.do("hand_over", by="ana", to="ben", text="I am gone until 8")
    home.clock.advance(SECOND)  # the daemon looks a moment later
    await home.act()
    (note,) = home.told("backup-phone")[before:]
    assert headline(note).startswith("Handover: you lead plan “Storm plan” now")
    said = text(note)
    assert "Ana: “Lyon calls back at 6? <b>ask</b>”" in said
    assert "Plan acknowledged, by Ana" in said
    assert "Handed over to Ben, by Ana (I am gone until 8)" in said
    assert "“facts” (Ana, late since" in said
    assert "<b>ask</b>" not in html(note)
    (run,) = await home.runs()
    assert run.lead == "ben"
    assert [event.detail for event in await home.timeline("plan.handed_over")] == [
        {"plan": "storm", "to": "ben", "note": "I am gone until 8"}
    ]
    await home.wait(10 * MINUTE)
    assert await _printed(home) == "handed_over Ana I am gone until 8"
    await home.do("hand_over", by="ben", to="ana")
    home.clock.advance(SECOND)
    await home.act()
    said = text(home.told("phone")[-1])
    assert "Plan acknowledged" not in said
    assert "I am gone until 8" in said  # this one began so
    assert "Handed over to Ana, by Ben" in said


async def _printed(home: House) -> str:
    """What was done in the shift that goes on, before anybody hands it over."""
    (run,) = await home.runs()
    asked: dict[str, Any] = {"language": "en", "people": {"ana": "Ana"}, "why": "handover", "step": None, "handed_over": False}
    async with home.store.read() as tx:
        standing = await standing_of(tx, run, home.clock.now(), **asked)
    assert standing is not None
    return "\n".join(f"{each.what} {each.who} {each.note}" for each in standing.done)


async def test_whoever_leads_is_reminded_of_a_group_that_waits(hut: Build) -> None:
    """With the command that says that it was told; then it waits anew."""
    home = housed(hut)
    await home.storm()
    await home.act()
    await home.do("acknowledge", by="ben")
    await home.wait(95 * MINUTE)
    reminder = next(each for each in home.told("backup-phone") if each.plan and each.plan.why == "waiting")
    assert next_action(reminder) == "Tell them how it stands, then note it: tocsin plan updated 1 customers"
    assert "customers (info-page): nothing is noted yet, was due at" in text(reminder)
    run = await home.do("updated", by="ben", to="customers")
    assert run.updates is not None
    assert set(run.updates["customers"]) == {"told", "reminded"}


async def test_a_false_alarm_is_told_takes_back_and_reminds_nobody_any_more(house: Build) -> None:
    """The run is closed, what it changed is undone, its alerts are taken; and it counts against the rule."""
    home = housed(house)
    await home.storm()
    await home.act()
    await home.do("false_alarm", by="ana", text="an old film")
    await home.act()
    assert headline(home.told("room")[-1]) == "A false alarm: plan “Storm plan” is closed"
    assert [each.plan.why for each in home.told("tech") if each.plan] == ["undo"]
    assert (await home.alert()).acknowledged_by == "ana"
    (run,) = await home.runs()
    async with home.store.read() as tx:
        assert await tx.plans.verdicts(run.incident_id) == [("crisis", 1, 1)]


async def test_a_post_that_is_kept_outlives_retention(house: Build) -> None:
    """By its address or its number; it is under hold, with its hash in the run's timeline, and is kept once."""
    home = housed(house)
    await home.hears("Acme steals", by="eve")
    await home.storm()
    await home.act()
    (run,) = await home.runs()
    address = f"https://social.example/{home.owner}/1"
    keep: dict[str, Any] = {"note": "defamation", "actor": ZOE, "at": home.clock.now(), "until": None}
    hold, post, new = await operations.keep_post(home.store, run.id, address, **keep)
    assert (hold.reason, new, post.text) == ("plan storm, run 1: defamation", True, "Acme steals")
    again, _, new = await operations.keep_post(home.store, run.id, str(post.id), **keep)
    assert (again.id, new) == (hold.id, False)
    (kept,) = await home.timeline("plan.kept")
    assert kept.detail is not None
    assert (kept.detail["mention"], kept.detail["hold"], kept.plan_run_id) == (post.id, hold.id, run.id)
    async with home.store.read() as tx:
        proven = {each.mention: (each.verdict, each.captured_at) for each in await exhibits(tx, run.id, with_sensitive=False)}
    assert proven[post.id] == ("unchanged", kept.at), "no alert rests on it, and it is exported all the same"
    await home.do("false_alarm", text="none")
    home.clock.advance(timedelta(days=400))
    while await home.store.forget(home.settings.storage.retention, home.clock.now(), 1000):
        pass
    async with home.store.read() as tx:
        assert [each.text for each in await tx.mentions.get([post.id])] == ["Acme steals"]


@pytest.mark.parametrize("which", ["999", "https://nowhere.example/1", "not an address"])
async def test_a_post_that_is_not_there_is_refused(hut: Build, which: str) -> None:
    """In words that say how posts are named."""
    home = housed(hut)
    await home.storm()
    await home.act()
    with pytest.raises(UsageError, match=f"there is no post `{which}` here: give its number"):
        await operations.keep_post(home.store, 1, which, note="", actor=ZOE, at=home.clock.now(), until=None)
    with pytest.raises(UsageError, match="there is no plan run 9"):
        await operations.keep_post(home.store, 9, which, note="", actor=ZOE, at=home.clock.now(), until=None)


# --- who has read what ---------------------------------------------------------------------------------------------------


async def test_whoever_must_read_a_plan_is_asked_once_per_version_by_day(house: Build, clock: ManualClock) -> None:
    """Not at night, not twice, not whoever has said so; a plan that changed is asked for again."""
    home = housed(house, read_by=["lead", "ben"])
    clock.advance_to(clock.now().replace(hour=23))
    assert await home.stages.readings.step() == 0
    clock.advance_to((clock.now() + timedelta(days=(7 - clock.now().weekday()) % 7)).replace(hour=10) + timedelta(days=7))
    assert await note_reading(home.store, home.settings.plans["storm"], "ben", "ben", clock.now(), through="cli")
    assert not await note_reading(home.store, home.settings.plans["storm"], "ben", "ben", clock.now(), through="cli")
    assert await home.stages.readings.step() == 1
    assert await home.stages.readings.step() == 0
    await home.deliver()
    (asked,) = home.told("phone")
    assert headline(asked) == "To be read: the new version of plan “Storm plan”"
    assert next_action(asked).endswith("tocsin plan read storm --by WHO")
    assert f"version {home.settings.plans['storm'].version}" in text(asked)
    assert home.told("backup-phone") == []
    home.restart(housed(house, read_by=["lead", "ben"], never=[{"en": "Panic"}]).settings)
    assert await home.stages.readings.step() == 2
    assert [(each.detail or {})["person"] for each in await home.timeline("plan.read_asked")] == ["ana", "ana", "ben"]


async def test_a_plan_that_was_taken_out_meanwhile_is_told_in_plain_words(hut: Build, clock: ManualClock) -> None:
    """The message leaves all the same, and stumbles over nothing."""
    home = housed(hut, read_by=["ben"])
    clock.advance_to((clock.now() + timedelta(days=(7 - clock.now().weekday()) % 7)).replace(hour=10) + timedelta(days=7))
    assert await home.stages.readings.step() == 1
    home.restart(hut(rules=[CRISIS], plans=[]).settings)
    await home.deliver()
    assert len(home.told("backup-phone")) == 1


def test_all_who_may_have_a_role_some_day_must_read() -> None:
    """The backup included, each once; a name that is nobody's is left out."""
    people = {name: {"name": name} for name in ("ana", "ben", "eve")}
    roles = {"lead": {"primary": "ana", "backup": "ben"}, "call": {"roster": {"people": ["eve", "ana"], "start": "2026-01-05"}}}
    contacts = Contacts.model_validate({"people": people, "roles": roles})
    plan = Plan.model_validate(PLAN | {"read_by": ["call", "lead", "ben", "zoe"]})
    assert must_read(plan, contacts) == ("eve", "ana", "ben")


def test_by_day_means_ones_own_hours(clock: ManualClock) -> None:
    """Without any: nine to six from Monday to Friday, no holiday and no leave."""
    people = {"ana": {"name": "Ana", "hours": "sat 20:00-23:00"}, "ben": {"name": "Ben", "away": "2026-03-10"}}
    contacts = Contacts.model_validate({"holidays": ["2026-03-11"], "people": people})
    monday = clock.now().replace(year=2026, month=3, day=9, hour=10, minute=0)
    assert by_day(contacts, "ben", monday, "UTC")
    for off in (
        monday.replace(hour=8),
        monday.replace(hour=18),
        monday.replace(day=8),
        monday.replace(day=10),
        monday.replace(day=11),
    ):
        assert not by_day(contacts, "ben", off, "UTC")
    assert not by_day(contacts, "ana", monday, "UTC")
    assert by_day(contacts, "ana", monday.replace(day=14, hour=21), "UTC")
