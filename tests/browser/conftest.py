"""A real browser for all tests of a worker, and a console with people at it.

Whoever speaks with a browser does so in one event loop: these tests and their fixtures share that of the session.
"""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import pytest
import pytest_asyncio
from playwright.async_api import Browser, async_playwright, expect
from pydantic import SecretStr
from yarl import URL

from monitor.charts.drawing import Drawer
from monitor.demo.servers import free_port
from monitor.storage import StorageSettings, Store
from notifiers.message import Language
from tests.browser.window import Window, window
from tests.monitor.console.conftest import Office, Unpainted, consoles
from tests.monitor.pipeline.conftest import Build, Configure, configure, hut

__all__ = ["configure", "hut"]  # fixtures of the stages

HERE = Path(__file__).parent
PATIENCE = 30_000  # milliseconds: the machine may be busy

expect.set_options(timeout=PATIENCE)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All tests of this folder share a loop, and have time."""
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)
            item.add_marker(pytest.mark.timeout(600))  # a browser beside three other tests takes its time


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """Debian's Chromium, without a screen."""
    path = shutil.which("chromium")
    if path is None:
        pytest.skip("there is no Chromium: apt-get install chromium")
    async with async_playwright() as playwright:
        started = await playwright.chromium.launch(executable_path=path)
        yield started
        await started.close()


@pytest_asyncio.fixture(loop_scope="session")
async def lite(tmp_path: Path, empty_database: Path) -> AsyncIterator[Store]:
    """An empty store on SQLite, in the loop of these tests."""
    shutil.copyfile(empty_database, tmp_path / "lite.db")
    opened = await Store.open(StorageSettings(url=SecretStr(f"sqlite:///{tmp_path / 'lite.db'}")))
    yield opened
    await opened.close()


class Gathered(Unpainted):
    """The library that draws charts in a page is the true one, gathered once: it takes seconds."""

    _library: ClassVar[str] = ""

    async def script(self) -> str:
        """What `Drawer.script` says."""
        if not self._library:
            async with Drawer() as drawer:
                type(self)._library = await drawer.script()
        return self._library


@dataclass(slots=True)
class Stage:
    """A console, and windows for whoever plays a part in the story."""

    office: Office
    browser: Browser

    def window(self, role: str = "stranger", **more: Any) -> AbstractAsyncContextManager[Window]:
        """A window of somebody who has signed in, in their language; or of a stranger."""
        address = self.office.address
        known = self.office[role].session.cookie_jar.filter_cookies(URL(address))
        cookies = [(cookie.key, cookie.value) for cookie in known.values()]
        return window(self.browser, address, cookies=cookies, **more)


Set = Callable[..., Awaitable[Stage]]


@pytest_asyncio.fixture(loop_scope="session")
async def stage(browser: Browser, hut: Build, configure: Configure) -> AsyncIterator[Set]:
    """Opens a console, as `open_console` does, at the address that messages lead to."""
    async with consoles(hut, configure) as opened:

        async def set_stage(language: Language = "en", **more: Any) -> Stage:
            port = free_port()
            web = {"public_url": f"http://127.0.0.1:{port}"}
            return Stage(await opened(language, port=port, drawer=Gathered(), web=web, **more), browser)

        yield set_stage
