"""The way in, as a browser walks it."""

from __future__ import annotations

import re

import pyotp
import pytest
from argon2 import PasswordHasher

from monitor.access import Access, keeping
from monitor.access.auditing import By
from monitor.access.passwords import Passwords
from monitor.domain.account import Role
from tests.monitor.console.conftest import Office, Open

PASSWORD = "correct donkey battery"


@pytest.fixture
async def strict(open_console: Open) -> Office:
    """The console with its true door, and cheap hashes. Without TLS, or the browser of these tests keeps its cookie to itself."""
    console = await open_console(signed_in=(), web={"public_url": "http://tocsin.example"})
    access = Access(console.desk.settings, console.home.store, console.home.clock)
    access._passwords = Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    console.desk.__dict__["access"] = access
    return console


async def _first(office: Office) -> None:
    _, link = await keeping.add(office.home.store, "claire", "", Role.ADMIN, By("root", "cli"), office.home.clock.wall())
    page = await office["stranger"].get(f"/welcome?link={link}")
    assert (page.status, "claire" in page.text) == (200, True)
    wrong = await office["stranger"].post("/welcome", link=link, name="claire", password=PASSWORD, again="other")
    assert wrong.status == 422
    done = await office["stranger"].post("/welcome", link=link, name="claire", password=PASSWORD, again=PASSWORD)
    assert (done.status, done.leads_to) == (303, "/")
    gone = await office["stranger"].get(f"/welcome?link={link}")
    assert gone.status == 410


async def _mark(office: Office) -> None:
    """Reads the secret of the forms off a page, as a browser does."""
    page = await office["stranger"].get("/account")
    assert page.status == 200
    found = re.search(r'name="csrf" value="(\w+)"', page.text)
    assert found is not None
    office["stranger"].csrf = found[1]


async def test_somebody_invited_comes_in_out_and_in_again(strict: Office) -> None:
    """By the link, then by the password; a wrong one is refused, and the page wanted at first is reached."""
    await _first(strict)
    await _mark(strict)
    out = await strict["stranger"].post("/sign-out")
    assert (out.status, out.leads_to) == (303, "/sign-in")
    strict["stranger"].csrf = ""
    assert (await strict["stranger"].get("/account")).leads_to == "/sign-in?next=/account"
    wrong = await strict["stranger"].post("/sign-in", name="claire", password="wrong", next="/account")
    assert (wrong.status, PASSWORD in wrong.text) == (422, False)
    right = await strict["stranger"].post("/sign-in", name="claire", password=PASSWORD, next="/account")
    assert (right.status, right.leads_to) == (303, "/account")


async def test_codes_are_set_up_and_then_asked_for(strict: Office) -> None:
    """The key is shown as a picture and as letters, the recovery codes once; half a sign-in opens no page."""
    await _first(strict)
    await _mark(strict)
    me = strict["stranger"]
    page = await me.get("/sign-in/enrol")
    assert 'src="data:image/svg+xml' in page.text
    key = re.search(r">([A-Z2-7]{32})<", page.text)
    assert key is not None
    totp = pyotp.TOTP(key[1])
    shown = await me.post("/sign-in/enrol", code=totp.at(strict.home.clock.wall()))
    recovery = re.findall(r"<li>([\w-]+)</li>", shown.text)
    assert len(recovery) == 10
    await _mark(strict)
    assert (await me.get("/sign-in/enrol")).leads_to == "/account"
    await me.post("/sign-out")
    me.csrf = ""
    assert (await me.post("/sign-in", name="claire", password=PASSWORD, next="/account")).leads_to == "/sign-in/code"
    assert (await me.get("/account")).leads_to == "/sign-in/code"
    assert (await me.post("/sign-in/code", code="000000")).status == 422
    assert (await me.post("/sign-in/code", code=recovery[0])).leads_to == "/account"


async def test_another_password_and_an_end_to_other_sessions(strict: Office) -> None:
    """On one's own page; what is refused says why."""
    await _first(strict)
    await _mark(strict)
    me = strict["stranger"]
    new = "another fine password"
    assert (await me.post("/account/password", current="wrong", new=new, again=new)).status == 422
    assert (await me.post("/account/password", current=PASSWORD, new="a", again="b")).status == 422
    assert (await me.post("/account/password", current=PASSWORD, new=new, again=new)).leads_to == "/account"
    await _mark(strict)
    assert (await me.post("/account/sessions/end", session="999")).leads_to == "/account"
    assert (await me.post("/account/sessions/end", session="999999999999999999999")).leads_to == "/account"
    assert (await me.post("/account/codes/drop", password="wrong")).status == 422


@pytest.mark.parametrize("to", ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:x", "/\n/evil", ""])
async def test_no_link_to_us_leads_elsewhere(strict: Office, to: str) -> None:
    """After signing in, somebody is on a page of ours."""
    await _first(strict)
    strict["stranger"].session.cookie_jar.clear()
    page = await strict["stranger"].post("/sign-in", name="claire", password=PASSWORD, next=to)
    assert page.leads_to == "/"


async def test_another_site_signs_nobody_in(strict: Office) -> None:
    """A form of somebody else, with their own account in it, is refused."""
    page = await strict["stranger"].ask("POST", "/sign-in", {"Origin": "https://evil.example"}, {"name": "eve", "password": "x"})
    assert page.status == 403


async def test_people_choose_their_language_and_zone(console: Office) -> None:
    """Which the next page is in; what is no zone is refused, and nothing chosen is what is set for all."""
    me = console["viewer"]
    assert (await me.post("/account/preferences", language="fr", timezone="America/Montreal/x")).status == 422
    assert (await me.post("/account/preferences", language="fr", timezone="America/New_York")).leads_to == "/account"
    page = (await me.get("/account")).text
    assert '<html lang="fr"' in page
    assert 'value="America/New_York" autocomplete' in page
    assert (await me.post("/account/preferences", language="", timezone="")).leads_to == "/account"
    assert 'value="" autocomplete' in (await me.get("/account")).text


async def test_a_token_is_shown_once_and_may_no_more_than_its_owner(console: Office) -> None:
    """It opens pages for a program until it is ended; nobody ends those of others, and no token makes another."""
    me, program = console["monitor"], console["stranger"]
    assert (await me.post("/account/tokens", name="board", scope="administer", days="7")).status == 422
    assert (await me.post("/account/tokens", name=" ", scope="look", days="7")).status == 422
    made = await me.post("/account/tokens", name="<b>board", scope="look", days="7")
    assert (made.status, made.headers["Cache-Control"], "<b>" in made.text) == (201, "no-store", False)
    found = re.search(r'<code id="secret">([^<]+)</code>', made.text)
    assert found is not None
    shown = {"Authorization": f"Bearer {found[1]}", "Accept": "application/json"}
    assert (await program.get("/health", **shown)).status == 200
    more = await program.ask("POST", "/account/tokens", shown, {"name": "more", "scope": "look"})
    assert (more.status, more.leads_to) == (303, "/sign-in")
    page = (await me.get("/account")).text
    assert found[1] not in page
    (number,) = re.findall(r'name="token" value="(\d+)"', page)
    assert (await console["admin"].post("/account/tokens/end", token=number)).status == 404
    assert (await me.post("/account/tokens/end", token=number)).leads_to == "/account"
    assert (await program.get("/health", **shown)).status == 401
    log = (await console["admin"].get("/audit?whom=monitor")).text
    assert "made a token" in log
    assert "ended a token" in log


async def test_why_an_account_stays_as_it_is_is_said_in_french(open_console: Open) -> None:
    """Nobody locks the last administrator out, or takes somebody else's name."""
    admin = (await open_console("fr"))["admin"]
    for path, fields, why in (
        ("/accounts/admin", {"do": "disable"}, "Plus personne ne pourrait administrer"),
        ("/accounts/admin", {"do": "role", "role": "viewer"}, "Plus personne ne pourrait administrer"),
        ("/accounts/nobody", {"do": "link"}, "il n’y en a plus de ce nom"),
        ("/accounts", {"name": "viewer", "called": "", "role": "viewer"}, "peut-être déjà pris"),
    ):
        page = await admin.post(path, **fields)
        assert (page.status, why in page.text) == (422, True), why
