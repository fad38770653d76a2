"""The door: who is let in, and how people and programs are told what went wrong."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from typing import Any

import pytest
from yarl import URL

from monitor.access import tokens
from monitor.access.auditing import By
from monitor.domain.account import Permission
from monitor.domain.errors import StorageError
from tests.monitor.console.conftest import Office, Open


async def test_the_way_back_is_remembered(console: Office) -> None:
    """Whoever follows a link into the console comes out there after signing in; a form is not sent twice."""
    page = await console["stranger"].get("/audit?whom=ana&before=12")
    assert URL(page.leads_to).query["next"] == "/audit?whom=ana&before=12"
    assert (await console["stranger"].post("/health/reload")).leads_to == "/sign-in"


async def test_an_error_is_a_page_for_people_and_json_for_programs(console: Office) -> None:
    """With the same status; the page has the layout of whoever has signed in, and none for others."""
    page = await console["viewer"].get("/nothing")
    assert (page.status, "<h1>Nothing is here</h1>" in page.text, 'action="/sign-out"' in page.text) == (404, True, True)
    stranger = await console["stranger"].get("/nothing", **{"Accept-Language": "fr"})
    assert (stranger.status, "<h1>Il n’y a rien ici</h1>" in stranger.text, "sign-out" in stranger.text) == (404, True, False)
    program = await console["viewer"].ask("GET", "/nothing", {"Accept": "application/json"})
    assert (program.status, json.loads(program.text)) == (404, {"error": "not found"})


async def test_a_console_that_is_not_wanted_is_not_there(open_console: Open) -> None:
    """Neither its pages nor its way in, for people or programs, whoever has signed in before."""
    office = await open_console(console={"enabled": False})
    for path in ("/", "/feed", "/sign-in", "/static/console.css", "/api/v1/me", "/events"):
        assert (await office["stranger"].get(path)).status == 404
        assert (await office["admin"].get(path)).status == 404


async def test_a_viewer_learns_that_they_may_not(console: Office) -> None:
    """In their language, and without what an administrator would see."""
    page = await console["viewer"].get("/accounts")
    assert (page.status, "You may not do that" in page.text, "/audit" in page.text) == (403, True, False)


async def test_a_store_that_is_away_is_no_bug(console: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """People and programs are told to come back."""

    @asynccontextmanager
    async def away() -> Any:
        raise StorageError("the disk is gone")
        yield

    monkeypatch.setattr(console.home.store, "read", away)
    page = await console["viewer"].get("/", **{"Accept-Language": "en"})
    assert (page.status, "Tocsin cannot answer now" in page.text, "disk" in page.text) == (503, True, False)
    program = await console["viewer"].ask("GET", "/", {"Accept": "application/json"})
    assert (program.status, program.headers["Retry-After"]) == (503, "5")


async def test_a_bug_says_nothing_of_itself(console: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """The log has it; the page does not."""
    monkeypatch.setattr("monitor.console.home.open_alerts", lambda *_: 1 / 0)
    page = await console["viewer"].get("/")
    assert (page.status, "An error of ours" in page.text, "division" in page.text) == (500, True, False)


async def test_a_program_comes_in_by_its_token(console: Office) -> None:
    """It may what its scopes say, needs no secret of a form, and is told 401 when the token is none."""
    store, now = console.home.store, console.home.clock.wall()
    async with store.read() as tx:
        account = await tx.accounts.named("admin")
    assert account is not None
    _, secret = await tokens.make(
        store, account, "grafana", frozenset({Permission.LOOK}), tokens.LONGEST, By("admin", "cli"), now
    )
    shown = {"Authorization": f"Bearer {secret}", "Accept": "application/json"}
    stranger = console["stranger"]
    assert (await stranger.ask("GET", "/", shown)).status == 200
    assert (await stranger.ask("GET", "/accounts", shown)).status == 403
    assert (await stranger.ask("GET", "/", {**shown, "Authorization": "Bearer tocsin_x"})).status == 401


async def test_another_site_gets_nothing_done(console: Office) -> None:
    """Not even with the right secret, when the browser says that the form is not ours."""
    admin = console["admin"]
    page = await admin.ask("POST", "/health/reload", {"Origin": "https://evil.example"}, {"csrf": admin.csrf})
    assert page.status == 403
    assert (await admin.forge("/health/reload", csrf=console["viewer"].csrf)).status == 403


async def test_a_form_is_a_form(console: Office) -> None:
    """What a page never sends is not read: no files, nothing compressed."""
    admin = console["admin"]
    async with admin.session.post("/health/reload", data=b"x", headers={"Content-Type": "text/plain"}) as answer:
        assert answer.status == 415
    async with admin.session.post(
        "/health/reload", data=b"x", headers={"Content-Encoding": "gzip", "Content-Type": "application/json"}
    ) as answer:
        assert answer.status == 415


async def test_other_systems_see_no_console(console: Office) -> None:
    """Hooks and signed calls answer as they did: with JSON, and without asking for an account."""
    answer = await console["stranger"].get("/hooks/nothing")
    assert (answer.status, answer.headers["Content-Type"].partition(";")[0]) == (404, "application/json")
    assert (await console["stranger"].get("/take?link=x")).status == 403
