"""Takes the pictures of the console that the documentation shows, from the demo: `.venv/bin/python docs/screenshots.py`.

Needs Chromium. Whatever is in the pictures is made up, as the brand is.
"""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

IMAGES = Path(__file__).parent / "images"
PASSWORD = "any password will do"  # noqa: S105 the demo’s accounts end with it
DESK, TELEPHONE = (1120, 760), (360, 740)
PAGES = {
    "console-feed": ("/feed?tone=negative", DESK),
    "console-alert": ("/alerts/{alert}", DESK),
    "console-room": ("/runs/1", DESK),
    "console-dashboard": ("/dashboard", DESK),
    "console-room-telephone": ("/runs/1", TELEPHONE),
}
"""By the name of a picture: which page, and how large the window is."""


@contextmanager
def demo() -> Iterator[list[str]]:
    """The demo in the middle of its crisis, while inside; a link for each role, the least first."""
    with tempfile.TemporaryDirectory() as folder:
        command = [str(Path(sys.executable).parent / "tocsin"), "demo", "--stay", "--out", folder]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as playing:  # noqa: S603 ours
            assert playing.stdout is not None
            links: list[str] = []
            for line in playing.stdout:
                links += re.findall(r"http://\S+/welcome\?link=\S+", line)
                if len(links) == len(("monitor", "manager", "admin")):
                    break
            try:
                yield links
            finally:
                playing.send_signal(signal.SIGINT)
                playing.stdout.read()


def enter(browser: Browser, link: str) -> Page:
    """Come in by a link."""
    page = browser.new_context(locale="en-GB", reduced_motion="reduce").new_page()
    page.goto(link)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_label("Once more").fill(PASSWORD)
    page.get_by_role("button").click()
    page.wait_for_url(re.compile(r"/$"))
    return page


def crisis(page: Page) -> str:
    """The number of the alert that opened the plan."""
    address = page.locator("#overview a[href^='/alerts/']", has_text="Complaints pour in").first.get_attribute("href")
    assert address is not None
    return address.rpartition("/")[2]


def take(page: Page, origin: str, alert: str) -> None:
    """All pictures, charts drawn."""
    for name, (path, (width, height)) in PAGES.items():
        page.set_viewport_size({"width": width, "height": height})
        page.goto(origin + path.format(alert=alert))
        page.locator(".live[data-state=on]").wait_for(state="attached")
        for figure in page.locator("figure[data-chart]").all()[:2]:
            figure.locator("canvas, img").first.wait_for()
        page.screenshot(path=IMAGES / f"{name}.png")
        print(f"{name}.png  {(IMAGES / f'{name}.png').stat().st_size // 1000} kB")


def main() -> None:
    """As the manager sees it."""
    with demo() as links, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"))
        page = enter(browser, links[1])
        take(page, page.url.rstrip("/"), crisis(page))
        browser.close()


if __name__ == "__main__":
    main()
