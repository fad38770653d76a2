"""Alerts, silences, incidents and plan runs by the API: the same acts as in the room, once, and in somebody's name."""

from __future__ import annotations

from datetime import timedelta

from monitor.console.api.runs import NEEDS
from monitor.domain.account import Permission
from tests.monitor.console.api.conftest import Give
from tests.monitor.console.conftest import Office


async def test_alerts_and_incidents_are_listed_and_shown(give: Give) -> None:
    """Pages as everywhere; one alert has the mentions behind it, one incident its alerts and runs."""
    program = await give("viewer")
    await (await give("monitor")).post("/mentions/4/open_alert", {})
    first = (await program.get("/alerts", limit="1")).said
    second = (await program.get("/alerts", limit="1", before=str(first["next"]))).said
    assert [each["rule"] for each in first["items"] + second["items"]] == ["by-hand", "crisis"]
    assert second["next"] is None
    crisis = (await program.get(f"/alerts/{second['items'][0]['id']}")).said
    assert len(crisis["evidence"]) == 3
    whole = (await program.get(f"/incidents/{crisis['incident_id']}")).said
    assert (whole["alerts"], len(whole["runs"]), whole["subject"]) == ([1, 2], 1, "acme")
    assert (await program.get("/alerts", state="resolved")).said["items"] == []
    assert {each["id"] for each in (await program.get("/incidents", state="open")).said["items"]} >= {crisis["incident_id"]}


async def test_an_alert_is_taken_by_one(give: Give) -> None:
    """Who had it already is told so with 200, anybody else with 409 and the name."""
    first, second = await give("monitor"), await give("manager")
    for _ in range(2):
        taken = await first.post("/alerts/1/acknowledge", {"note": "I call them"})
        assert (taken.status, taken.said["acknowledged_by"]) == (200, "monitor")
    late = await second.post("/alerts/1/acknowledge")
    assert (late.status, late.said["now"]["acknowledged_by"]) == (409, "monitor")
    assert "monitor has acknowledged alert 1" in late.said["detail"]


async def test_a_deployment_keeps_quiet_what_it_breaks(office: Office, give: Give) -> None:
    """A silence by rule is in force, is listed, and ends early, once or twice."""
    program = await give("monitor")
    until = (office.home.clock.now() + timedelta(hours=2)).isoformat()
    made = await program.post("/silences", {"rule": "crisis", "reason": "deploying", "ends_at": until})
    assert (made.status, made.said["matcher"], made.said["author"]) == (201, {"rule": "crisis"}, "monitor")
    assert [each["id"] for each in (await program.get("/silences")).said["items"]] == [made.said["id"]]
    office.home.clock.advance(timedelta(minutes=5))
    for _ in range(2):
        ended = await program.post(f"/silences/{made.said['id']}/end")
        assert (ended.status, ended.said["ends_at"] < made.said["ends_at"]) == (200, True)
    assert (await program.get("/silences")).said["items"] == []


async def test_more_of_the_same_is_kept_quiet(office: Office, give: Give) -> None:
    """By one alert: its rule, and what it is about. Moments may be milliseconds."""
    program = await give("monitor")
    until = int((office.home.clock.now() + timedelta(hours=2)).timestamp() * 1000)
    made = await program.post("/alerts/1/silence", {"reason": "known", "ends_at": until})
    alert = (await program.get("/alerts/1")).said
    assert (made.status, made.said["matcher"]) == (201, {"rule": alert["rule"], "key": alert["key"]})


async def test_a_silence_that_is_none_is_refused(office: Office, give: Give) -> None:
    """One of nothing, of an unknown rule, without an end, or without a reason; each names its field."""
    program = await give("monitor")
    now = office.home.clock.now()
    later, before = (now + timedelta(hours=1)).isoformat(), (now - timedelta(hours=1)).isoformat()
    for said, field in (
        ({"reason": "a", "ends_at": later}, ""),
        ({"reason": "a", "ends_at": later, "rule": "crisis", "everything": True}, ""),
        ({"reason": "a", "ends_at": later, "rule": "crysis"}, "rule"),
        ({"reason": "a", "ends_at": before, "rule": "crisis"}, "ends_at"),
        ({"reason": "", "ends_at": later, "rule": "crisis"}, "reason"),
        ({"reason": "a", "rule": "crisis"}, "ends_at"),
        ({"reason": "a", "ends_at": later, "rule": "crisis", "every": []}, "every"),
    ):
        answer = await program.post("/silences", said)
        assert (answer.status, [each["field"] for each in answer.said["errors"]]) == (422, [field]), said
    assert (await program.get("/silences")).said["items"] == []


async def test_a_run_is_lived_by_programs(office: Office, give: Give) -> None:
    """Taken, ticked, noted; its story names who did it, and through what."""
    program = await give("manager")
    run = (await program.get("/runs")).said["items"][0]
    path = f"/runs/{run['id']}"
    assert (run["plan"], run["title"], run["state"]) == ("storm", "Storm plan", "running")
    taken = await program.post(f"{path}/acknowledge")
    assert (taken.status, taken.said["acknowledged_by"]) == (200, "manager")
    ticked = await program.post(f"{path}/check", {"step": "facts", "item": 1})
    assert next(step for step in ticked.said["steps"] if step["id"] == "facts")["checked"] == [0]
    await program.post(f"{path}/note", {"text": "called the plant"})
    story = (await program.get(f"{path}/timeline")).said["items"]
    by_hand = [(each["kind"], each["actor"], each["through"]) for each in story if each["actor"] == "manager"]
    assert by_hand == [(f"plan.{what}", "manager", "token") for what in ("acknowledged", "step.checked", "noted")]


async def test_a_plan_is_opened_by_hand(give: Give) -> None:
    """With a reason, by its name and that of a subject; a drill says that it is one."""
    program = await give("manager")
    made = await program.post("/runs", {"plan": "storm", "why": "the authorities called", "drill": True, "level": 1})
    assert (made.status, made.said["drill"], made.said["level_rank"], made.said["id"]) == (201, True, 1, "storm")
    for said, words in (
        ({"plan": "strom", "why": "a"}, "storm"),
        ({"plan": "storm", "why": "a", "subject": "globex"}, "subject"),
        ({"plan": "storm", "why": "a", "drill": True, "level": 7}, "level"),
        ({"plan": "storm"}, "why"),
    ):
        answer = await program.post("/runs", said)
        assert (answer.status, words in answer.said["detail"]) == (422, True), answer
    assert len((await program.get("/runs")).said["items"]) == 2


async def test_what_is_made_is_made_once(give: Give) -> None:
    """A drill that is asked for again because the answer was lost calls nobody together twice; nor is there a second silence."""
    program = await give("manager")
    until = (program.office.home.clock.now() + timedelta(hours=1)).isoformat()
    for path, said in (
        ("/runs", {"plan": "storm", "why": "practice", "drill": True}),
        ("/silences", {"rule": "crisis", "reason": "known", "ends_at": until}),
        ("/alerts/1/silence", {"reason": "known", "ends_at": until, "including_safety": True}),
    ):
        listed = "/runs" if path == "/runs" else "/silences"
        before = len((await program.get(listed)).said["items"])
        statuses = [(await program.post(path, said, Idempotency_Key="again")).status for _ in range(2)]
        assert statuses == [201, 409], path
        assert len((await program.get(listed)).said["items"]) == before + 1, path


async def test_an_act_is_done_once(give: Give) -> None:
    """A retry with the same key and the same words changes nothing; another key, or other words, is another act."""
    program = await give("monitor")
    for key, text in (("a", "one"), ("a", "one"), ("b", "one"), ("a", "two")):
        answer = await program.post("/runs/1/note", {"text": text}, Idempotency_Key=key)
        assert answer.status == 200
    story = (await program.get("/runs/1/timeline")).said["items"]
    assert [each["detail"]["text"] for each in story if each["actor"] == "monitor"] == ["one", "one", "two"]


async def test_what_a_run_refuses_is_a_conflict(give: Give) -> None:
    """In its own words: a step that is not there, words that changed since, an approval that is somebody else's."""
    program = await give("manager")
    for verb, said, words in (
        ("done", {"step": "nowhere"}, "no step"),
        ("approve", {"step": "answer", "fingerprint": "stale"}, "answer"),
    ):
        answer = await program.post(f"/runs/1/{verb}", said)
        assert (answer.status, words in answer.said["detail"]) == (409, True), answer


def test_who_decides_is_a_manager() -> None:
    """What the console's table of permissions calls a decision needs `decide` here, too."""
    decisions = {verb for verb, need in NEEDS.items() if need is Permission.DECIDE}
    assert decisions == {"confirm", "level", "escalate", "approve", "reject", "stand_down", "sign_off"}
