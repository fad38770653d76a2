"""« Je prends en charge » by the link in an e-mail, over a real connection, with a real store behind it."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from pydantic import SecretStr

from monitor.pipeline import operations
from monitor.pipeline.links import Links
from monitor.pipeline.operations import Actor
from monitor.storage import StorageSettings, Store
from tests.monitor.web.conftest import PUBLIC

if TYPE_CHECKING:
    from tests.monitor.web.conftest import Doorstep, Meet


@pytest.mark.fault("people", "a mail scanner follows a link, or a browser fetches it ahead")
async def test_whoever_only_looks_takes_nothing(storm: Doorstep) -> None:
    """Whoever asks for a page, or only for its head, takes nothing, however often: the button alone acts."""
    path = storm.link("ana")
    for _ in range(3):
        status, shown = await storm.get(path, headers={"Purpose": "prefetch"})
        assert (status, "Je prends en charge" in shown, "Ana Lopez" in shown) == (200, True, True)
        async with storm.client.head(path) as head:
            assert head.status == 200
    assert (await storm.run()).acknowledged_at is None
    assert await storm.home.timeline("plan.acknowledged") == []


async def test_the_button_takes_the_run_once(storm: Doorstep) -> None:
    """As the person whose e-mail it is, who then leads; the way leads to the run's page, and there is one event."""
    path = storm.link("ana")
    async with storm.client.post(path) as answer:
        assert (answer.status, answer.url.path) == (200, "/run")
        assert "Pris en charge par Ana Lopez à 08:00." in await answer.text()
    run = await storm.run()
    assert (run.acknowledged_by, run.lead) == ("ana", "ana")
    (event,) = await storm.home.timeline("plan.acknowledged")
    assert (event.actor, event.through, event.detail) == ("ana", "link", {"plan": "storm", "receiver": "ana"})
    storm.home.clock.advance(timedelta(minutes=5))
    status, shown = await storm.press(path)
    assert (status, "Déjà pris en charge par Ana Lopez à 08:00\u00a0: rien n’a changé." in shown) == (200, True)
    assert len(await storm.home.timeline("plan.acknowledged")) == 1


async def test_whoever_has_an_account_finds_the_way_to_the_run_in_the_console(storm: Doorstep) -> None:
    """From the link in an e-mail to the same run, where all else can be done."""
    for path in (storm.link("ana"), storm.page("ana")):
        _, shown = await storm.get(path)
        assert '<a href="/runs/1">Agir dans la console' in shown


async def test_whoever_has_an_account_finds_the_way_to_the_alert_in_the_console(meet: Meet) -> None:
    """Likewise where no plan is open."""
    calm = await meet()
    await calm.home.hears("my Acme is broken")
    await calm.home.act()
    _, shown = await calm.get(calm.link("room"))
    assert '<a href="/alerts/' in shown


async def test_where_there_is_no_console_no_link_leads_there(meet: Meet) -> None:
    """The pages of links go on without it."""
    door = await meet(console={"enabled": False})
    await door.home.storm()
    await door.home.act()
    for path in (door.link("ana"), door.page("ana")):
        status, shown = await door.get(path)
        assert (status, "/runs/" in shown) == (200, False)


@pytest.mark.fault("people", "two people press the button at the same moment")
async def test_of_two_at_one_moment_one_takes_it(storm: Doorstep) -> None:
    """One of them takes it, in one event, and the other reads who did."""
    answers = await asyncio.gather(storm.press(storm.link("ana")), storm.press(storm.link("ben")))
    assert sorted(status for status, _ in answers) == [200, 303]
    assert len(await storm.home.timeline("plan.acknowledged")) == 1
    told = next(shown for status, shown in answers if status == 200)
    assert "Déjà pris en charge par Ben" in told or "Already taken by Ana Lopez at 08:00: nothing has changed." in told


async def test_a_drill_takes_everybodys_answer(meet: Meet) -> None:
    """Who comes second reads who leads, and answers by their own link all the same; once."""
    doorstep = await meet()
    home = doorstep.home
    plan, zoe = home.settings.plans["storm"], Actor("zoe", "cli")
    await operations.open_plan_by_hand(home.store, plan, "acme", zoe, home.clock.now(), why="rehearsal", drill=True)
    await home.act()
    await doorstep.press(doorstep.link("ana"))
    path = doorstep.link("ben")
    _, shown = await doorstep.get(path)
    assert all(said in shown for said in ("Taken by Ana Lopez at 08:00.", "this drill asks everybody", "</form>"))
    assert (await doorstep.press(path))[0] == 303
    status, shown = await doorstep.press(path)
    assert (status, "Already taken by Ana Lopez at 08:00" in shown, "</form>" in shown) == (200, True, False)
    assert [each.actor for each in await home.timeline("plan.answered")] == ["ben"]
    assert (await doorstep.run()).lead == "ana"


async def test_a_shared_mailbox_asks_who_it_is(storm: Doorstep) -> None:
    """From a list: without a name, or with one that is not on it, nobody has taken anything."""
    path = storm.link("room")
    _, shown = await storm.get(path)
    assert '<option value="cleo">Cléo</option>' in shown
    assert '<option value="ben">Ben &lt;b&gt;Roy&lt;/b&gt;</option>' in shown
    for by in ("", "mallory"):
        status, shown = await storm.press(path, by)
        assert (status, "Dites d’abord qui vous êtes" in shown) == (422, True)
    assert (await storm.run()).acknowledged_at is None
    assert (await storm.press(path, "cleo"))[0] == 303
    (event,) = await storm.home.timeline("plan.acknowledged")
    assert (event.actor, event.detail) == ("cleo", {"plan": "storm", "receiver": "room"})


@pytest.mark.fault("people", "a used link is pressed again, after what it took became graver")
async def test_a_used_link_does_not_take_what_has_become_graver(storm: Doorstep) -> None:
    """Whoever took a vigilance has not taken a crisis: that comes with a message, and a link, of its own."""
    old = storm.link("ana")
    await storm.press(old)
    await storm.home.storm(9)
    await storm.home.act()
    assert (await storm.run()).acknowledged_at is None
    for status, shown in (await storm.get(old), await storm.press(old)):
        assert (status, "prenez en charge depuis le message le plus récent" in shown) == (410, True)
    assert (await storm.run()).acknowledged_at is None
    new = storm.link("ana")
    assert new != old
    assert (await storm.press(new))[0] == 303
    assert (await storm.run()).acknowledged_by == "ana"


async def test_an_unused_link_takes_what_it_shows(storm: Doorstep) -> None:
    """An older message that nobody acted on shows how things stand by now, and takes just that."""
    old = storm.link("ben")
    await storm.home.storm(9)
    await storm.home.act()
    assert (await storm.press(old))[0] == 303
    assert (await storm.run()).acknowledged_by == "ben"


@pytest.mark.fault("people", "a link is altered, cut off, made up, or too old")
async def test_a_link_that_is_not_good_opens_nothing(storm: Doorstep) -> None:
    """Each is refused in its own words (403, 410), without one on what it was about, and nothing changes."""
    path = storm.link("ana")
    invalid = [path[:-2] + ("AA" if path[-2:] != "AA" else "BB"), path[:-10], path.partition("?")[0], path + "%ED%A0%80%00"]
    for changed in invalid:
        await _opens_nothing(storm, changed, 403, "Ce lien n’est pas valable")
    storm.home.clock.advance(timedelta(days=3))
    await _opens_nothing(storm, path, 410, "Ce lien a expiré")
    assert (await storm.run()).acknowledged_at is None


async def _opens_nothing(storm: Doorstep, path: str, status: int, said: str) -> None:
    """Whether one looks or presses."""
    for found, shown in (await storm.get(path), await storm.press(path)):
        assert (found, said in shown) == (status, True)
        assert not any(secret in shown for secret in ("Acme", "tempête", "Ana"))


@pytest.mark.fault("people", "a link comes from another installation")
async def test_a_link_of_another_installation_leads_nowhere(meet: Meet, tmp_path: Path) -> None:
    """It is not found here (404), even signed with the same secret and bearing the same numbers, and cannot be made ours."""
    doorstep = await meet(web={"public_url": PUBLIC, "secret": "s" * 40})
    await doorstep.home.storm()
    await doorstep.home.act()
    other = await Store.open(StorageSettings(url=SecretStr(f"sqlite:///{tmp_path / 'other.db'}")))
    ours, theirs = (
        Links(doorstep.home.settings, store).write("take", 1, "room", doorstep.home.clock.now())
        for store in (doorstep.home.store, other)
    )
    await other.close()
    assert (await doorstep.get(f"/take?link={ours}"))[0] == 200
    status, shown = await doorstep.get(f"/take?link={theirs}")
    assert (status, "Ce lien ne mène pas ici" in shown, "Acme" in shown) == (404, True, False)
    dressed_up = ours.partition(".")[0] + "." + theirs.partition(".")[2]
    assert (await doorstep.get(f"/take?link={dressed_up}"))[0] == 403


async def test_the_language_of_a_refusal_is_the_browsers(storm: Doorstep) -> None:
    """Nobody else is known; of an expired one its receiver is."""
    _, shown = await storm.get("/take?link=x", headers={"Accept-Language": "de, en-GB;q=0.8, fr;q=0.7"})
    assert "This link is not valid" in shown
    path = storm.link("ben")
    storm.home.clock.advance(timedelta(days=4))
    assert "This link has expired" in (await storm.get(path, headers={"Accept-Language": "fr"}))[1]


async def test_a_link_for_reading_takes_nothing(storm: Doorstep) -> None:
    """What is signed for one page opens no other."""
    run_page = storm.page("ana")
    taking = run_page.replace("/run?", "/take?")
    assert (await storm.press(taking))[0] == 403
    async with storm.client.post(run_page) as answer:
        assert answer.status == 405
    assert (await storm.run()).acknowledged_at is None


@pytest.mark.fault("people", "a link is pressed whose plan run is closed")
async def test_a_closed_run_is_nobodys_to_take(storm: Doorstep) -> None:
    """It says that it is over, and nothing changes."""
    path = storm.link("ana")
    await storm.home.do("false_alarm", by="zoe", text="a joke")
    for status, shown in (await storm.get(path), await storm.press(path)):
        assert (status, "Il n’y a plus rien à prendre en charge." in shown) == (200, True)
    assert await storm.home.timeline("plan.acknowledged") == []


async def test_the_alerts_of_a_message_are_taken_together(meet: Meet) -> None:
    """One event for each, and the incident is taken, too; then the message's link has nothing left to take."""
    doorstep = await meet()
    await doorstep.home.hears("my Acme is broken <script>alert(1)</script>")
    await doorstep.home.act()
    path = doorstep.link("room")
    _, shown = await doorstep.get(path)
    assert "Alerte 1" in shown
    assert "<script" not in shown
    status, _ = await doorstep.press(path, "ana")
    assert status == 303
    assert (await doorstep.home.alert()).acknowledged_by == "ana"
    (event,) = await doorstep.home.timeline("alert.acknowledged")
    assert (event.actor, event.through) == ("ana", "link")
    _, shown = await doorstep.press(path, "ben")
    assert "Déjà pris en charge par Ana Lopez à 08:00\u00a0: rien n’a changé." in shown
    assert len(await doorstep.home.timeline("alert.acknowledged")) == 1


async def test_somebody_who_is_on_no_list_takes_it_in_the_mailboxs_name(meet: Meet) -> None:
    """The others know at least where they sit."""
    doorstep = await meet()
    await doorstep.home.hears("my Acme is broken")
    await doorstep.home.act()
    await doorstep.press(doorstep.link("room"), "room")
    assert (await doorstep.home.alert()).acknowledged_by == "room"


async def test_what_a_link_was_about_may_be_gone(storm: Doorstep) -> None:
    """Whatever retention has removed, and a receiver that is no more: nothing is left to show."""
    gone = Links(storm.home.settings, storm.home.store).write("take", 999, "ana", storm.home.clock.now())
    status, shown = await storm.get(f"/take?link={gone}")
    assert (status, "Il n’y a plus rien ici" in shown) == (410, True)
    assert (await storm.press(f"/take?link={gone}"))[0] == 410


@pytest.mark.fault("people", "a body beyond all measure is sent to a link")
async def test_a_body_beyond_all_measure_is_not_read(storm: Doorstep) -> None:
    """It is not read, nor is one that is compressed, and without a good link nobody’s body is read at all."""
    async with storm.client.post(storm.link("ana"), data=BytesIO(b"x" * (1024 * 1024 + 1))) as answer:
        assert answer.status == 413
    async with storm.client.post(storm.link("ana"), data=b"x", headers={"Content-Encoding": "gzip"}) as answer:
        assert answer.status == 415
    async with storm.client.post("/take?link=x", data=BytesIO(b"x" * (1024 * 1024 + 1))) as answer:
        assert answer.status == 403
    assert (await storm.run()).acknowledged_at is None


async def test_a_page_runs_nothing_and_fetches_nothing(storm: Doorstep) -> None:
    """Its policy names the one style by its hash; it is in no frame, no search engine and no cache."""
    async with storm.client.get(storm.link("ana")) as answer:
        policy, shown = answer.headers["Content-Security-Policy"], await answer.text()
        assert policy.startswith("default-src 'none'; style-src 'sha256-")
        assert "frame-ancestors 'none'" in policy
        assert (answer.headers["Cache-Control"], answer.headers["X-Robots-Tag"]) == ("no-store", "noindex, nofollow")
        assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert not any(word in shown for word in ("<script", "http://", "https://", " style=", " onclick"))


@pytest.mark.fault("people", "the disk is full when the button is pressed")
async def test_what_cannot_be_written_down_was_not_done(storm: Doorstep) -> None:
    """The page says that nothing was done, and the same link works a moment later."""
    path = storm.link("ana")
    storm.store.before = 1
    async with storm.client.post(path) as answer:
        assert (answer.status, answer.headers["Retry-After"]) == (503, "5")
        assert "Rien n’a été fait" in await answer.text()
    assert (await storm.run()).acknowledged_at is None
    assert (await storm.press(path))[0] == 303


async def test_the_link_of_a_test_says_that_it_works(meet: Meet) -> None:
    """Whoever set up the public address presses it from outside, and takes nothing."""
    doorstep = await meet()
    home = doorstep.home
    await operations.ring_for_test(home.store, "complaint", "ana", Actor("zoe", "cli"), home.clock.now())
    await home.act()
    for status, shown in (await doorstep.get(doorstep.link("ana")), await doorstep.press(doorstep.link("ana"))):
        assert (status, "ce lien fonctionne" in shown, "<form" in shown) == (200, True, False)
    assert await home.timeline("alert.acknowledged") == []
