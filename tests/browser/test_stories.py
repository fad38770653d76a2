"""What people do in the console, from beginning to end, each in a window of their own."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import urlsplit

from playwright.async_api import expect

from tests.browser.conftest import Set, Stage
from tests.browser.window import TELEPHONE, Window
from tests.monitor.console.test_room import CREW, SIGNED
from tests.monitor.pipeline.conftest import COMPLAINT, CRISIS

CRISIS_PLAN: Final[dict[str, Any]] = {"people": CREW, "plans": [SIGNED]}
TOLD: Final[dict[str, Any]] = {"rules": [COMPLAINT | {"notify": "room"}, CRISIS | {"notify": "room"}]}


async def test_a_complaint_arrives_live_and_is_assigned(stage: Set) -> None:
    """It is announced without moving a row; one takes it by keyboard alone, gives it on, and who else looks sees it at once."""
    opened = await stage(people=CREW)
    home = opened.office.home
    async with opened.window("monitor") as mona, opened.window("manager") as max_:
        await mona.go("/feed")
        await max_.go("/feed")
        await mona.live()
        await max_.live()
        await home.hears("my Acme is broken", by="ada")
        await expect(mona.page.locator("#arrived a")).to_be_visible()
        await mona.page.locator("#arrived a").click()
        await max_.page.locator("#arrived a").click()
        await expect(max_.says("my Acme is broken")).to_be_visible()
        await mona.live()
        await max_.live()
        await mona.press("j", "o")
        await mona.headed("Mention 1")
        await expect(max_.page.locator("#m1 .who")).to_have_text("Mona")
        await mona.press("a")
        await expect(mona.page.locator("#state")).to_contain_text("to Mona")
        await expect(max_.page.locator("#h1")).to_contain_text("to Mona")
        await mona.field("Assign to").select_option("ana")
        await mona.button("Assign").click()
        await expect(mona.page.locator("#state")).to_contain_text("to Ana Lopez")
        await expect(max_.page.locator("#h1")).to_contain_text("to Ana Lopez")
        await max_.button("Answered").click()
        await expect(mona.page.locator("#state")).to_contain_text("answered")
    async with home.store.read() as tx:
        handled = (await tx.handling.of([1]))[1]
    assert (handled.state, handled.by) == ("answered", "manager")


async def test_two_at_once_and_the_slower_one_reads_who_was_faster(stage: Set) -> None:
    """Whoever has an old page does nothing by it, and keeps what they typed."""
    opened = await stage(people=CREW)
    await opened.office.home.hears("my Acme is broken", by="ada")
    async with opened.window("monitor") as mona, opened.window("manager", scripts=False) as max_:
        await mona.go("/feed/1")
        await max_.go("/feed/1")
        await mona.button("Take").click()
        await expect(mona.page.locator("#state")).to_contain_text("to Mona")
        await max_.button("Take").click()
        await expect(max_.page.get_by_role("alert")).to_contain_text("Nothing of yours was done: somebody was faster.")
        await expect(max_.page.get_by_role("alert")).to_contain_text("Assigned to Mona.")


async def test_an_alert_is_acknowledged_from_the_link_in_the_mail(stage: Set) -> None:
    """On a telephone, without signing in; a colleague's page shows it at once, and the link leads on to the console."""
    opened = await stage(people=CREW, **TOLD)
    home = opened.office.home
    await home.hears("my Acme is broken")
    await home.act()
    link = next(message.links["acknowledge"] for message in home.told("room") if message.links)
    async with opened.window("viewer") as colleague, opened.window(size=TELEPHONE) as reader:
        await colleague.go("/alerts/1")
        await colleague.live()
        await expect(colleague.page.locator("#stands")).to_contain_text("nobody yet")
        await reader.page.goto(link)
        await reader.check_access()
        await reader.page.get_by_role("combobox").select_option("monitor")
        await reader.page.get_by_role("button").click()
        await expect(colleague.page.locator("#stands")).to_contain_text("Mona")
        await reader.page.locator("a[href='/alerts/1']").click()
        assert urlsplit(reader.page.url).path == "/sign-in"
    assert (await home.alert()).acknowledged_by == "monitor"


async def _ring(opened: Stage) -> None:
    await opened.office.home.storm(8)
    await opened.office.home.act()


async def test_a_crisis_is_lived_by_two_from_the_alert_to_the_signature(stage: Set) -> None:
    """Each in a window of their own, each seeing what the other did without loading anything."""
    opened = await stage(**CRISIS_PLAN)
    home = opened.office.home
    async with opened.window("monitor") as mona, opened.window("admin", size=TELEPHONE) as ada:
        await mona.go("/")
        await mona.live()
        await _ring(opened)
        await mona.page.get_by_role("link", name="Storm plan").click()
        await ada.go("/runs/1")
        await mona.live()
        await ada.live()
        await expect(mona.page.locator("p.here .who")).to_have_text("Ada")
        await mona.button("I take charge").click()
        await expect(ada.page.locator("#now")).to_contain_text("Mona")
        for item in ("Vrai ?", "Qui ?"):
            await mona.page.get_by_role("button", name=f"Tick: {item}").click()
        await expect(ada.page.locator("#step-facts")).to_have_class("done")
        await mona.page.locator("#edit-answer summary").click()
        await mona.page.locator("#edit-answer textarea[lang=en]").fill("We know, and we look into it.")
        await mona.button("Change: somebody else approves").click()
        await expect(ada.page.locator("#step-answer")).to_contain_text("changed by Mona, not approved")
        await ada.button("Yes, approve these words").click()
        await expect(mona.page.locator("#step-answer")).to_contain_text("approved by Ada")
        await home.act()
        assert home.kinds("queue") == ["step"], "what was approved left to be published"
        await mona.page.locator("#note").fill("the press called")
        await mona.press("Enter")
        await expect(ada.page.locator("#story")).to_contain_text("the press called")
        await ada.check_access()
        await ada.button("Stand down").click()
        await expect(mona.page.locator("main")).to_contain_text("Stood down")
    async with opened.window("manager") as max_:
        await max_.go("/runs/1")
        await max_.page.locator(".room-main").get_by_role("button", name="Sign off").first.click()
        await expect(max_.page.locator("#now")).to_contain_text("Closed")
        await expect(max_.page.locator("form[action^='/runs']")).to_have_count(0)
        await max_.check_access()
    (run,) = await home.runs()
    assert (run.state, run.closed_by) == ("closed", "manager")


async def test_a_rule_is_silenced_and_heard_again(stage: Set) -> None:
    """With a reason and an end; the list says who and why; when it is ended, people are told again."""
    opened = await stage("fr", people=CREW, **TOLD)
    home = opened.office.home
    await home.hears("mon Acme est cassé", by="ada")
    await home.act()
    before = len(home.told("room"))
    async with opened.window("monitor", language="fr", size=TELEPHONE) as mona:
        await mona.go("/alerts/1")
        await mona.field("Pendant").select_option("120")
        await mona.page.locator("[aria-labelledby=silence-title]").get_by_label("Pourquoi").fill("le service client appelle déjà")
        await mona.press("Enter")
        await expect(mona.says("En silence : elle continue, et personne n’est prévenu.")).to_be_visible()
        await home.hears("mon Acme est cassé aussi", by="ben")
        await home.act()
        assert len(home.told("room")) == before
        await mona.go("/alerts")
        await expect(mona.says("le service client appelle déjà")).to_be_visible()
        await mona.check_access()
        await mona.button("Y mettre fin").click()
        await expect(mona.says("le service client appelle déjà")).to_have_count(0)
        await mona.check_access()
    assert [event.kind for event in await home.timeline("silence")] == ["silence.added", "silence.ended"]


async def test_a_report_is_read_printed_and_taken_along(stage: Set) -> None:
    """The morning's page tells what happened; who may export takes it as CSV; nobody else is offered that."""
    opened = await stage(people=CREW)
    await opened.office.home.hears("my Acme is broken")
    async with opened.window("manager") as max_, opened.window("viewer") as viewer:
        await max_.go("/reports")
        await max_.check_access()
        await max_.page.locator("main section a").first.click()
        await expect(max_.page.locator("article.paper h1")).to_be_visible()
        async with max_.page.expect_download() as loading:
            await max_.page.get_by_role("link", name="CSV", exact=True).click()
        assert (await loading.value).suggested_filename.endswith(".csv")
        await viewer.page.goto(max_.page.url)
        await expect(viewer.page.get_by_role("link", name="CSV", exact=True)).to_have_count(0)
        await max_.page.emulate_media(media="print")
        await expect(max_.page.locator(".side")).to_be_hidden()
        await expect(max_.page.locator("article.paper h1")).to_be_visible()


async def test_everything_can_be_done_by_keyboard_alone(stage: Set) -> None:
    """From the first page to a taken alert without a mouse; where the focus is can be seen; the help says how."""
    opened = await stage(people=CREW, **TOLD)
    await opened.office.home.hears("my Acme is broken")
    async with opened.window("monitor") as mona:
        await mona.go("/")
        await mona.press("Tab")
        await expect(mona.page.get_by_role("link", name="Skip to the content")).to_be_focused()
        await mona.press("Enter")
        await mona.press("?")
        await expect(mona.page.get_by_role("dialog")).to_contain_text("Down and up a list")
        await mona.check_access()
        await mona.press("Escape", "g", "a")
        await mona.headed("Alerts")
        await mona.press("j", "Enter")
        await mona.headed("A customer complains")
        await mona.tab_to(mona.button("I take charge"))
        await mona.press("Enter")
        await expect(mona.page.locator("#stands")).to_contain_text("Mona")
        await mona.press("g", "f")
        await mona.headed("Feed")
        await mona.press("/")
        await mona.page.keyboard.type("broken")
        await mona.press("Enter")
        await expect(mona.says("my Acme is broken")).to_be_visible()
        await _write_a_note(mona)


async def _write_a_note(window: Window) -> None:
    await window.press("j", "n")
    await expect(window.page.locator("#m1 textarea")).to_be_focused()
    await window.page.keyboard.type("called her back")
    async with window.page.expect_navigation():
        await window.press("Tab", "Enter")
    await window.go("/feed/1")
    await expect(window.says("called her back")).to_be_visible()


async def test_without_scripts_everything_is_there(stage: Set) -> None:
    """An old telephone, or a proxy that leaves scripts out: forms do the work."""
    opened = await stage(**CRISIS_PLAN)
    await _ring(opened)
    async with opened.window("monitor", scripts=False, size=TELEPHONE) as mona:
        await mona.go("/runs/1")
        await mona.button("I take charge").click()
        await expect(mona.page.locator("#now")).to_contain_text("Mona")
        await mona.go("/feed")
        await mona.button("Take").first.click()
        await expect(mona.page.locator("main")).to_contain_text("to Mona")
