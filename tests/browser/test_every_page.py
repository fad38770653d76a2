"""Every page of the console, as its table of routes knows them, in a house where everything was said by somebody hostile."""

from __future__ import annotations

import re
from typing import Final

import pytest

from monitor.console.routes import ROUTES
from notifiers.message import Language
from tests.browser.conftest import Set, Stage
from tests.browser.lived_in import MADE_UP, live
from tests.browser.window import DESK, TELEPHONE, Window
from tests.monitor.console.test_routes import EXAMPLES

_PARTS: Final = EXAMPLES
_ODD: Final = r"""() => {
  const ours = new RegExp("^(https?://|/(?![/\\\\])|#|[?]|mailto:|tel:)");
  const careful = ["noopener", "noreferrer", "nofollow"];
  const acts = ({ name }) => name.startsWith("on") || name === "style" || name === "srcdoc";
  const all = [...document.querySelectorAll("body *")].filter((each) => !each.closest(".chart")); // which is our library's
  const odd = all.filter((each) => each.matches(
    "script, style, link, meta, base, iframe, object, embed, math, form:not([action^='/'])") || [...each.attributes].some(acts));
  const astray = [...document.links].filter((each) => !ours.test(each.getAttribute("href"))
    || (each.origin !== location.origin && !careful.every((one) => each.relList.contains(one))));
  const turned = /[\u202a-\u202e\u2066-\u2069]/.test(document.body.innerText) ? ["marks of direction"] : [];
  return [...turned, ...[...odd, ...astray].map((each) => each.outerHTML.slice(0, 200))];
}"""


async def _pages(stage: Stage) -> list[str]:
    """The addresses of all pages for an administrator, whatever stands for the parts that change."""
    pages = []
    for row in ROUTES:
        path = re.sub(r"\{(\w+)[^}]*\}", lambda found: _PARTS[found[1]], row.path)
        if row.method == "GET":
            shown = await stage.office["admin"].get(path)
            if shown.status == 200 and shown.headers["Content-Type"].startswith("text/html"):
                pages.append(path)
    return pages


async def _faults(window: Window, path: str) -> list[str]:
    if (status := await window.go(path)) != 200:
        return [f"{path}: {status}"]
    found = await window.page.evaluate(_ODD)
    return [*await window.barriers(), *(f"{path}: {each}" for each in found)]


@pytest.mark.fault("hostile", "posts, names and links hold markup, scripts, styles, odd addresses and marks of direction")
@pytest.mark.parametrize(("language", "size", "dark"), [("fr", TELEPHONE, True), ("en", DESK, False)], ids=["telephone", "desk"])
async def test_every_page_is_open_to_all_and_does_nothing_that_strangers_say(
    stage: Set, language: Language, size: tuple[int, int], dark: bool
) -> None:
    """In a real browser a text that strangers wrote is a text: it runs nothing, asks nobody, and breaks no page for anybody."""
    opened = await stage(language, **MADE_UP)
    await live(opened.office)
    async with opened.window("admin", language=language, size=size, dark=dark) as admin:
        faults = [fault for path in await _pages(opened) for fault in await _faults(admin, path)]
        assert not faults, "\n".join(faults)
