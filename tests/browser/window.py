"""A browser window with somebody before it. Whatever goes wrong in it, seen or unseen, is a fault that ends the test."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final, Literal
from urllib.parse import urlsplit

from axe_playwright_python.async_playwright import Axe
from playwright.async_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Dialog,
    Error,
    Locator,
    Page,
    Request,
    Response,
    expect,
)

TELEPHONE: Final = (360, 740)
DESK: Final = (1280, 800)

_LANGUAGES: Final = {"en": "en-GB", "fr": "fr-FR"}
_AXE: Final = Axe()
_SERIOUS: Final = frozenset({"serious", "critical"})
_RULES: Final = {
    "resultTypes": ["violations"],
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
}
_OF_A_STATUS: Final = "Failed to load resource"  # said of pages whose status we want, too: answers are looked at one by one
_TOO_WIDE: Final = """() => {
  const width = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth <= width) return [];
  return [...document.querySelectorAll("body *")]
    .filter((each) => each.getBoundingClientRect().right > width + 1 && each.checkVisibility())
    .slice(0, 5)
    .map((each) => each.outerHTML.slice(0, 120));
}"""


@dataclass  # without slots: playwright notes on it what it has called
class Window:
    """One page in a context of its own: nobody else's cookies. `faults` is empty at the end, or the test fails."""

    page: Page
    address: str
    faults: list[str] = field(default_factory=list)
    confirms: bool = True  # what is answered to a question before something that cannot be undone

    @property
    def context(self) -> BrowserContext:
        """Cookies, and other pages of the same person."""
        return self.page.context

    async def go(self, path: str) -> int:
        """Open a page of ours; the status that it came with."""
        answer = await self.page.goto(self.address + path)
        assert answer is not None
        return answer.status

    @property
    def path(self) -> str:
        """Where the window is, with its query."""
        here = urlsplit(self.page.url)
        return here.path + (f"?{here.query}" if here.query else "")

    async def headed(self, title: str) -> None:
        """Wait until the page is the one with this title."""
        await expect(self.page.get_by_role("heading", level=1)).to_have_text(title)

    async def live(self) -> None:
        """Wait until the page listens: what happens now is seen on it."""
        await expect(self.page.locator(".live")).to_have_attribute("data-state", "on")

    def button(self, name: str) -> Locator:
        """A button by what is written on it."""
        return self.page.get_by_role("button", name=name, exact=True)

    def field(self, label: str) -> Locator:
        """A field by its label."""
        return self.page.get_by_label(label)

    def says(self, words: str) -> Locator:
        """Words in the content of the page."""
        return self.page.locator("main").get_by_text(words).first

    async def press(self, *keys: str) -> None:
        """On the keyboard, wherever the focus is."""
        for key in keys:
            await self.page.keyboard.press(key)

    def expect_faults(self, *known: str) -> None:
        """Forget those so far that have one of these words: the test has caused them."""
        self.faults[:] = [each for each in self.faults if not any(one in each for one in known)]

    async def tab_to(self, target: Locator, at_most: int = 120) -> None:
        """Reach something by the Tab key alone, and see on the way that the focus can be seen."""
        for _ in range(at_most):
            await self.page.keyboard.press("Tab")
            if await target.evaluate("(wanted) => wanted === document.activeElement"):
                assert await target.evaluate(_IS_MARKED), "nobody sees where the focus is"
                return
        raise AssertionError(f"{target} is not reached by Tab")

    async def barriers(self) -> list[str]:
        """What axe finds that is serious, a page without one title, and what makes it wider than the window."""
        found = (await _AXE.run(self.page, options=_RULES)).response["violations"]
        serious = [
            f"{self.path}: {each['id']}: {each['help']}: {[node['html'][:200] for node in each['nodes'][:4]]}"
            for each in found
            if each["impact"] in _SERIOUS
        ]
        titles = await self.page.locator("h1").count()
        wide = await self.page.evaluate(_TOO_WIDE)
        return [
            *serious,
            *([f"{self.path}: {titles} titles"] if titles != 1 else []),
            *(f"{self.path}: too wide: {each}" for each in wide),
        ]

    async def check_access(self) -> None:
        """Nothing keeps anybody from using the page."""
        barriers = await self.barriers()
        assert not barriers, "\n".join(barriers)

    def _watch(self, page: Page) -> None:
        page.on("console", self._on_console)
        page.on("pageerror", self._on_error)
        page.on("dialog", self._on_dialog)
        page.on("request", self._on_request)
        page.on("response", self._on_response)

    def _on_console(self, said: ConsoleMessage) -> None:
        if said.type in {"error", "warning"} and not said.text.startswith(_OF_A_STATUS):
            self.faults.append(f"console: {said.text}")

    def _on_error(self, error: Error) -> None:
        self.faults.append(f"script: {error}")

    async def _on_dialog(self, dialog: Dialog) -> None:
        if dialog.type == "alert":
            self.faults.append(f"somebody's script says {dialog.message!r}")
        await (dialog.accept() if self.confirms else dialog.dismiss())

    def _on_request(self, request: Request) -> None:
        if not request.url.startswith((self.address + "/", "data:")):
            self.faults.append(f"asks elsewhere: {request.url}")

    def _on_response(self, response: Response) -> None:
        if response.status >= 400 and not response.request.is_navigation_request():
            self.faults.append(f"{response.status} for {response.url}")


_IS_MARKED: Final = """(it) => {
  const style = getComputedStyle(it);
  return style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 1 || style.boxShadow !== "none";
}"""


@asynccontextmanager
async def window(
    browser: Browser,
    address: str,
    *,
    language: Literal["en", "fr"] = "en",
    size: tuple[int, int] = DESK,
    dark: bool = False,
    scripts: bool = True,
    cookies: Collection[tuple[str, str]] = (),
) -> AsyncIterator[Window]:
    """Open one for somebody who has these cookies. Raises what went wrong in it at the end."""
    context = await browser.new_context(
        locale=_LANGUAGES[language],
        timezone_id="Europe/Paris",
        viewport={"width": size[0], "height": size[1]},
        color_scheme="dark" if dark else "light",
        java_script_enabled=scripts,
        reduced_motion="reduce",
    )
    try:
        for name, value in cookies:
            await context.add_cookies([{"name": name, "value": value, "url": address, "httpOnly": True, "sameSite": "Lax"}])
        opened = Window(await context.new_page(), address)
        context.on("page", opened._watch)
        opened._watch(opened.page)
        yield opened
        assert not opened.faults, "\n".join(opened.faults)
    finally:
        await context.close()
