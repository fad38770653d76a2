"""Somebody who has signed in opens a page of another site, and that page tries what it can with their session."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus

import pytest
from aiohttp import web
from playwright.async_api import expect

from monitor.demo.servers import free_port
from tests.browser.conftest import Set
from tests.browser.injections import TRAVERSALS

_FORM = """<!doctype html><title>evil</title>
<form method="post" action="{target}/accounts/viewer">
<input name="do" value="disable"><input name="csrf" value="{csrf}"></form>
<iframe src="{target}/accounts"></iframe>
<script>
addEventListener("message", () => document.forms[0].submit());
const tries = [
  fetch("{target}/audit", {{credentials: "include"}}).then((each) => each.text()),
  fetch("{target}/accounts/viewer", {{method: "POST", credentials: "include", body: new URLSearchParams("do=disable")}}),
  fetch("{target}/presence", {{method: "POST", credentials: "include", headers: {{"Content-Type": "application/json"}}}}),
  new Promise((told, failed) => {{
    const events = new EventSource("{target}/events", {{withCredentials: true}});
    events.onopen = told;
    events.onerror = failed;
  }}),
];
Promise.allSettled(tries).then((all) => {{
  document.title = "learnt " + all.filter((each) => each.status === "fulfilled").length;
}});
</script>"""


@asynccontextmanager
async def _evil(host: str, target: str, csrf: str = "") -> AsyncIterator[str]:
    """A site of somebody else; its address."""

    async def page(request: web.Request) -> web.Response:
        del request
        return web.Response(text=_FORM.format(target=target, csrf=csrf), content_type="text/html")

    app = web.Application()
    app.router.add_get("/", page)
    runner = web.AppRunner(app)
    await runner.setup()
    port = free_port()
    try:
        await web.TCPSite(runner, "127.0.0.1", port).start()
        yield f"http://{host}:{port}"
    finally:
        await runner.cleanup()


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"], ids=["another site", "another port of ours"])
async def test_no_other_page_uses_a_session(stage: Set, host: str) -> None:
    """Not by a form, in a frame, by a script or by the stream: neither where the cookie stays at home nor where it is sent."""
    opened = await stage()
    async with opened.window("admin") as admin, _evil(host, admin.address, "guessed") as evil:
        assert await admin.go("/accounts") == 200
        other = await admin.context.new_page()
        await other.goto(evil)
        await expect(other).to_have_title("learnt 0")
        frame = other.frames[1]
        assert "Accounts" not in await frame.content()
        async with other.expect_navigation():
            await other.evaluate("postMessage('go', '*')")
        # Refused; or, where the cookie stayed at home, sent to the way in, which leads on to the first page.
        assert await other.locator("h1").inner_text() in {"You may not do that", "Overview"}
        admin.expect_faults("Content Security Policy", "CORS", "asks elsewhere", "403", "404", "303", "ERR_")
        assert await admin.go("/accounts") == 200
        await expect(admin.page.get_by_text("locked", exact=True)).to_have_count(0)


async def test_a_form_is_of_one_session(stage: Set) -> None:
    """The secret of another person's page opens nothing, and a page from before signing in again says what to do."""
    opened = await stage()
    async with opened.window("admin") as admin:
        await admin.go("/accounts")
        secret = opened.office["viewer"].csrf
        await admin.page.evaluate(
            "(secret) => document.querySelectorAll('[name=csrf]').forEach((it) => { it.value = secret; })", secret
        )
        await admin.field("Login name").fill("eve")
        await admin.button("Make the account").click()
        await admin.headed("You may not do that")
        await admin.go("/accounts")
        await expect(admin.page.get_by_text("eve", exact=True)).to_have_count(0)


@pytest.mark.fault("hostile", "an address looks for files, or leads elsewhere")
async def test_no_address_finds_a_file_or_leads_away(stage: Set) -> None:
    """However it is written, it is a page that says that nothing is there, and it is ours."""
    opened = await stage()
    async with opened.window("viewer") as viewer:
        for path in TRAVERSALS:
            answer = await viewer.page.goto(viewer.address + path)
            assert answer is not None
            assert answer.status in {HTTPStatus.BAD_REQUEST, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND} or viewer.path == "/", (
                path
            )
            assert "root:" not in await viewer.page.content(), path
            assert viewer.page.url.startswith(viewer.address), path
        await viewer.check_access()
