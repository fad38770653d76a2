"""The demo ends in the console with the bad day under way, and the tutorial shows three newcomers around in it."""

from __future__ import annotations

import asyncio
import re
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from playwright.async_api import Browser, expect

from tests.browser.window import TELEPHONE, Window, window

PASSWORD = "any password will do"


@asynccontextmanager
async def _demo(program: Path, folder: Path) -> AsyncIterator[list[str]]:
    """The demo, while somebody looks; a link for each of its people."""
    command = ("demo", "--stay", "--seconds", "10", "--out", str(folder))
    playing = await asyncio.create_subprocess_exec(
        program, *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    assert playing.stdout is not None
    links: list[str] = []
    try:
        while len(links) < 3 and (line := await playing.stdout.readline()):
            links += re.findall(r"http://\S+/welcome\?link=\S+", line.decode())
        assert len(links) == 3, (await playing.communicate())[1].decode()
        yield links
    finally:
        playing.send_signal(signal.SIGINT)
        said, _ = await playing.communicate()
    assert b"Next: " in said
    assert playing.returncode == 0


async def _enter(window: Window, link: str) -> None:
    await window.page.goto(link)
    await window.field("Password").fill(PASSWORD)
    await window.field("Once more").fill(PASSWORD)
    await window.button("Continue").click()
    await window.headed("Overview")


async def _watch(awa: Window) -> None:
    """The social media monitor: finds a complaint, takes it, answers it, and sees the danger."""
    await awa.page.locator(".side").get_by_role("link", name="Feed").click()
    await awa.page.get_by_text("Filters", exact=True).click()
    await awa.page.get_by_text("negative", exact=True).first.click()
    await awa.button("Show these").click()
    first = awa.page.locator("ol.feed > li").first
    await first.get_by_text("Why", exact=True).click()
    await first.get_by_role("button", name="Take").click()
    await expect(awa.page.locator("ol.feed > li").first).to_contain_text("to Awa Konaté")
    await awa.page.locator("ol.feed > li").first.get_by_role("button", name="Answered").click()
    await awa.page.locator(".side").get_by_role("link", name="Alerts").click()
    await awa.page.get_by_role("link", name="Possible danger").first.click()
    await awa.button("I take charge").click()
    await expect(awa.page.locator("#stands")).to_contain_text("Awa Konaté")


async def _lead(ines: Window) -> None:
    """The community manager: takes the crisis, finds the words, notes something. On a telephone."""
    await ines.page.get_by_role("link", name="Product outage").first.click()
    await ines.headed("Product outage")
    await ines.button("I take charge").first.click()
    await expect(ines.page.locator("#now")).to_contain_text("Inès Delorme")
    await expect(ines.page.locator("#steps")).to_contain_text("Pause the publishing queue")
    await expect(ines.button("Copy").first).to_be_visible()
    await ines.page.locator("#note").fill("the press called")
    await ines.button("Note it").click()
    await expect(ines.page.locator("#story")).to_contain_text("the press called")
    await ines.check_access()


async def _answer_for_it(maud: Window) -> None:
    """Operations: figures, reports, health, accounts."""
    for place in ("Dashboard", "Reports", "Health", "Rules", "Accounts", "Audit log"):
        await maud.page.locator(".side").get_by_role("link", name=place).click()
        await maud.headed(place)
    await expect(maud.page.locator("main")).to_contain_text("maud")


async def test_a_newcomer_of_each_role_finds_the_way(browser: Browser, typed_program: Path, tmp_path: Path) -> None:
    """As docs/tutorial-console.md says it, in the true daemon, from the link that the demo prints."""
    async with _demo(typed_program, tmp_path / "out") as links:
        address = links[0].partition("/welcome")[0]
        for link, walk, size in zip(links, (_watch, _lead, _answer_for_it), ((1280, 800), TELEPHONE, (1280, 800)), strict=True):
            async with window(browser, address, size=size) as newcomer:
                await _enter(newcomer, link)
                await walk(newcomer)
