"""Plan runs for programs, by signed calls over a real connection, with a real store behind them."""

from __future__ import annotations

import asyncio
import itertools
import json
from datetime import timedelta
from io import BytesIO
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio
from sqlalchemy import update

from monitor.storage.tables import plan_run
from notifiers import signing
from tests.monitor.web.conftest import SECRET

if TYPE_CHECKING:
    from tests.monitor.web.conftest import Doorstep, Meet

OTHER = signing.new_secret()
CALLERS: dict[str, Any] = {
    "bot": {"secret": [OTHER, SECRET], "acts_as": ["ana", "spokesperson"]},
    "pager": {"secret": signing.new_secret(), "acts_as": "ana", "verbs": ["acknowledge", "note"]},
    "probe": {"secret": signing.new_secret()},
}
SECRETS: dict[str, str] = {name: each["secret"] for name, each in CALLERS.items()} | {"bot": SECRET}
_ids = itertools.count()


@pytest_asyncio.fixture
async def storm(meet: Meet) -> Doorstep:
    """A plan was opened, and there are programs that may act in it."""
    doorstep = await meet(callers=CALLERS)
    await doorstep.home.storm()
    await doorstep.home.act()
    return doorstep


async def call(door: Doorstep, caller: str = "bot", *, run: int = 1, call_id: str = "", **said: Any) -> tuple[int, Any]:
    """What is answered to one act."""
    return await send(door, SECRETS[caller], {"run": run, **said}, run=run, call_id=call_id)


async def send(door: Doorstep, secret: str, body: Any, *, run: int = 1, call_id: str = "") -> tuple[int, Any]:
    """What is answered to a body, whatever it is."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = signing.headers([secret], call_id or f"call {next(_ids)}", door.home.clock.wall(), raw)
    async with door.client.post(f"/api/plans/{run}/acts", data=BytesIO(raw), headers=headers) as answer:
        return answer.status, await answer.json()


async def test_an_act_is_answered_with_the_run(storm: Doorstep) -> None:
    """The same as when a person types it: one event, with who, and through what."""
    status, answer = await call(storm, verb="acknowledge", by="ana")
    assert status == 200
    told = answer["run"]
    assert (told["acknowledged_by"], told["acknowledged_at"], told["lead"]) == ("ana", "2026-03-02T08:00:00Z", "Ana Lopez")
    assert (told["run"], told["state"], told["level_rank"], [each["id"] for each in told["steps"]]) == (
        1, "running", 1, ["facts", "answer"],
    )  # fmt: skip
    (event,) = await storm.home.timeline("plan.acknowledged")
    assert (event.actor, event.through, event.detail) == ("ana", "api", {"plan": "storm", "caller": "bot"})


async def test_all_that_an_act_needs_can_be_said(storm: Doorstep) -> None:
    """Items from one, words by language, reasons, levels, people."""
    for said in (
        {"verb": "check", "step": "facts", "item": 2},
        {"verb": "assign", "to": "cleo"},
        {"verb": "level", "level": 3, "text": "the press calls"},
        {"verb": "edit", "step": "answer", "words": {"fr": "Nous vérifions.", "en": "We check."}},
        {"verb": "stand_down", "text": "it is over"},
    ):
        status, answer = await call(storm, by="ana", **said)
        assert status == 200, answer
    run = await storm.run()
    assert (run.step("facts").checked, run.lead, run.level) == ((1,), "cleo", 3)
    assert run.step("answer").words == {"fr": "Nous vérifions.", "en": "We check."}
    assert run.closed_by == "ana"


@pytest.mark.fault("people", "a program approves words in the name of whoever changed them")
async def test_publishing_needs_two_people_here_too(storm: Doorstep) -> None:
    """It is refused with the reason (409), and only somebody else’s yes publishes them."""
    status, edited = await call(storm, verb="edit", step="answer", by="ben", words={"fr": "Tout va bien."})
    assert status == 200
    (words,) = [step["fingerprint"] for step in edited["run"]["steps"] if step["id"] == "answer"]
    status, answer = await call(storm, verb="approve", step="answer", by="ben", fingerprint=words)
    assert (status, "you changed the words" in answer["error"]) == (409, True)
    assert (await call(storm, verb="approve", step="answer", by="ana", fingerprint=words))[0] == 409, "the plan does not name her"
    assert (await call(storm, verb="approve", step="answer", by="cleo"))[0] == 409, "which words, she does not say"
    await storm.home.act()
    assert storm.home.kinds("queue") == []
    assert (await call(storm, verb="approve", step="answer", by="cleo", fingerprint=words))[0] == 200
    await storm.home.act()
    assert storm.home.kinds("queue") == ["step"]


@pytest.mark.fault("people", "a signed call is repeated")
async def test_a_call_that_comes_twice_is_done_once(storm: Doorstep) -> None:
    """It is done once, whatever has happened since, and what was refused may be asked for again."""
    for _ in range(2):
        status, _ = await call(storm, verb="note", by="ana", text="hello", call_id="one")
        assert status == 200
    assert len(await storm.home.timeline("plan.noted")) == 1
    assert (await call(storm, "pager", verb="note", text="hello", call_id="one"))[0] == 200
    assert len(await storm.home.timeline("plan.noted")) == 2, "another caller's ids are its own"
    assert (await call(storm, verb="reject", step="answer", by="ben", call_id="two"))[0] == 409
    assert (await call(storm, verb="reject", step="answer", by="ben", text="too long", call_id="two"))[0] == 200
    await storm.home.do("false_alarm", by="zoe", text="a joke")
    assert (await call(storm, verb="note", by="ana", text="hello", call_id="one"))[0] == 200


async def test_two_at_one_moment_leave_one_event(storm: Doorstep) -> None:
    """The second finds what the first left, and neither was wrong."""
    answers = await asyncio.gather(*(call(storm, verb="acknowledge", by=who) for who in ("ana", "ben")))
    assert [status for status, _ in answers] == [200, 200]
    assert len({answer["run"]["acknowledged_by"] for _, answer in answers}) == 1
    assert len(await storm.home.timeline("plan.acknowledged")) == 1


async def test_a_closed_run_takes_notes_of_nobody(storm: Doorstep) -> None:
    """409, and why."""
    await storm.home.do("false_alarm", by="zoe", text="a joke")
    status, answer = await call(storm, verb="note", by="ana", text="hello")
    assert (status, answer) == (409, {"error": "plan run 1 is closed: nothing is left to do in it"})


@pytest.mark.fault("people", "a call is unsigned, signed with another secret, old, or altered on its way")
async def test_only_a_signed_call_is_read(storm: Doorstep) -> None:
    """It is refused (401), without a word on which it was, and nothing changes."""
    body = json.dumps({"run": 1, "verb": "acknowledge", "by": "ana"}).encode()
    now = storm.home.clock.wall()
    good = signing.headers([SECRET], "a", now, body)
    refused: list[dict[str, str]] = [
        {},
        signing.headers([signing.new_secret()], "a", now, body),
        signing.headers([SECRET], "a", now - timedelta(days=1), body),
        signing.headers([SECRET], "a", now, body + b" "),
        good | {"webhook-id": "b"},
        good | {"webhook-id": "x" * 300},
        good | {"webhook-timestamp": "soon"},
    ]
    for headers in refused:
        async with storm.client.post("/api/plans/1/acts", data=body, headers=headers) as answer:
            assert (answer.status, await answer.json()) == (401, {"error": "the call is not signed as agreed"})
    async with storm.client.get("/api/plans/1") as answer:
        assert answer.status == 401
    assert (await storm.run()).acknowledged_at is None


async def test_without_callers_nobody_may_call(meet: Meet) -> None:
    """There is no secret that fits."""
    door = await meet()
    assert (await send(door, SECRET, {"run": 1, "verb": "note"}))[0] == 401


@pytest.mark.fault("people", "a program asks for what it may not do, or in a name that is not its to use")
async def test_a_caller_does_what_it_may(storm: Doorstep) -> None:
    """It is refused in words (403), whoever it says it is."""
    calls: list[tuple[str, dict[str, Any], str]] = [
        ("pager", {"verb": "approve", "step": "answer"}, "pager may not `approve`: its `verbs` are acknowledge, note"),
        ("pager", {"verb": "note", "by": "ben"}, "pager may act as ana, and not as `ben`"),
        ("bot", {"verb": "note", "by": "zoe<b>"}, "bot may act as ana, ben, cleo, and not as `zoe<b>`"),
        ("probe", {"verb": "note", "by": "ana"}, "probe may act in nobody's name, and not as `ana`"),
    ]
    for caller, said, why in calls:
        assert await call(storm, caller, **said) == (403, {"error": why})


async def test_a_caller_in_its_own_name_takes_and_notes_and_approves_nothing(storm: Doorstep) -> None:
    """It has no role, so that whatever needs somebody's word is refused."""
    assert (await call(storm, "probe", verb="note", text="hello"))[0] == 200
    assert (await call(storm, "probe", verb="approve", step="answer"))[0] == 409
    (event,) = await storm.home.timeline("plan.noted")
    assert event.actor == "probe"


async def test_where_there_is_no_choice_nobody_need_be_named(storm: Doorstep) -> None:
    """A caller that acts for one person; one that acts for several says for whom."""
    assert (await call(storm, "pager", verb="acknowledge"))[0] == 200
    assert (await storm.run()).acknowledged_by == "ana"
    status, answer = await call(storm, verb="note", text="hello")
    assert (status, answer) == (422, {"error": "by: say in whose name: ana, ben, cleo", "field": "by"})


@pytest.mark.fault("people", "a signed call makes no sense")
async def test_what_is_malformed_is_said_with_its_field(storm: Doorstep) -> None:
    """It is refused (422) with what is wrong and where, without quoting what was sent."""
    said: dict[str, Any] = {"run": 1, "by": "ana"}
    bodies: list[tuple[Any, str | None]] = [
        (b"", None),
        (b"[]", None),
        (b'{"run": 1, "verb": NaN}', None),
        ({"run": 2, "verb": "note"}, "run"),
        ({"verb": "note"}, "run"),
        ({"run": 10**30, "verb": "note"}, "run"),
        (said, "verb"),
        (said | {"verb": "publish"}, "verb"),
        (said | {"verb": "note", "extra": 1}, "extra"),
        (said | {"verb": "check", "step": "facts", "item": "2"}, "item"),
        (said | {"verb": "check", "step": "facts", "item": 0}, "item"),
        (said | {"verb": "edit", "step": "answer", "words": {"de": "Gut."}}, "words.de"),
        (said | {"verb": "edit", "step": "answer", "words": {"fr": ""}}, "words.fr"),
    ]
    for body, field in bodies:
        status, answer = await send(storm, SECRET, body)
        assert (status, answer.get("field")) == (422, field), answer
        assert "mallory" not in answer["error"]


async def test_odd_letters_are_no_trouble(storm: Doorstep) -> None:
    """Half a character, a control character: cleaned, and never an error of ours."""
    status, _ = await send(storm, SECRET, b'{"run": 1, "verb": "note", "by": "ana", "text": "half \\ud800 and \\u0000 none"}')
    assert status == 200
    (event,) = await storm.home.timeline("plan.noted")
    assert "\ud800" not in str(event.detail)


async def test_a_run_that_is_not_there(storm: Doorstep) -> None:
    """404; and what is no number is no address."""
    assert await call(storm, run=99, verb="note", by="ana") == (404, {"error": "there is no plan run 99"})
    async with storm.client.get("/api/plans/x", headers=signing.headers([SECRET], "a", storm.home.clock.wall(), b"")) as answer:
        assert answer.status == 404


async def test_a_run_can_be_asked_for(storm: Doorstep) -> None:
    """As it stands, signed over an empty body; asking changes nothing."""
    headers = signing.headers([SECRET], "a", storm.home.clock.wall(), b"")
    for _ in range(2):
        async with storm.client.get("/api/plans/1", headers=headers) as answer:
            assert (answer.status, (await answer.json())["run"]["state"]) == (200, "running")
    async with storm.client.get("/api/plans/99", headers=headers) as answer:
        assert answer.status == 404


async def test_a_body_beyond_all_measure_is_not_read(storm: Doorstep) -> None:
    """413, before anybody looks at its signature."""
    status, _ = await send(storm, SECRET, b" " * (1024 * 1024 + 1))
    assert status == 413


async def test_a_call_that_cannot_be_written_down_is_asked_for_again(storm: Doorstep) -> None:
    """503: nothing was done, and the same call with the same id is done then."""
    storm.store.before = 1
    for expected in (503, 200):
        status, _ = await call(storm, verb="acknowledge", by="ana", call_id="again")
        assert status == expected
    assert len(await storm.home.timeline("plan.acknowledged")) == 1


async def test_a_run_of_another_version_is_refused(storm: Doorstep) -> None:
    """409, with what to do."""
    async with storm.home.store.begin() as tx:
        await tx.plans._session.run(update(plan_run).values(snapshot={"of": "tomorrow"}))
        await tx.commit()
    status, answer = await call(storm, verb="acknowledge", by="ana")
    assert (status, "another version of Tocsin" in answer["error"]) == (409, True)
