"""What stands on the pages that the console begins with, in both languages, whoever wrote it."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from monitor.domain.account import Role
from monitor.domain.errors import Trouble
from monitor.web import Reloaded
from notifiers.message import Language
from tests.monitor.console.conftest import Office, Open

HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>{{ 7*7 }}"


async def test_the_first_page_shows_what_is_open(console: Office) -> None:
    """The gravest alert first, the plan, who has taken what, and whether the sources answer."""
    await console.home.hears("my Acme is broken")
    await console.home.storm(8)
    page = await console["viewer"].get("/")
    assert page.status == 200
    assert page.text.index("critical") < page.text.index("A customer complains")
    assert "Storm plan" in page.text
    assert "nobody yet" in page.text
    assert "1 source answers." in page.text


async def test_on_a_calm_day_it_says_so(console: Office) -> None:
    """An empty page is no page."""
    page = await console["viewer"].get("/")
    assert "All is calm: nothing fires." in page.text
    assert "No plan is under way." in page.text


@pytest.mark.parametrize(
    ("language", "title", "skip"), [("en", "Health", "Skip to the content"), ("fr", "Santé", "Aller au contenu")]
)
async def test_the_layout_speaks_the_visitors_language(open_console: Open, language: Language, title: str, skip: str) -> None:
    """Title, heading, navigation, and the way past it; there is one h1, and everybody knows where they are."""
    console = await open_console(language)
    page = await console["viewer"].get("/health")
    assert f'<html lang="{language}"' in page.text
    assert f"<title>{title} · Tocsin</title>" in page.text
    assert page.text.count("<h1>") == 1
    assert skip in page.text
    assert 'href="/health" data-key="s" aria-current="page"' in page.text
    assert '<main id="main"' in page.text


async def test_times_are_those_of_the_visitor(console: Office) -> None:
    """08:00 in UTC is 09:00 in Paris."""
    page = await console["viewer"].get("/health")
    assert "09:00</time>" in page.text


async def test_health_says_what_is_wrong_and_what_helps(console: Office) -> None:
    """In plain words, with what the network said, and how it goes on."""
    now = console.home.clock.now()
    async with console.home.store.begin() as tx:
        await tx.sources.failed(
            "net", trouble=Trouble.CREDENTIALS, detail=f"HTTP 401 {HOSTILE}", at=now, backoff_until=None, stopped=True
        )
        await tx.receivers.disable("room", "the mailbox is gone", now)
        await tx.commit()
    page = await console["viewer"].get("/health")
    assert "The key or password is not accepted." in page.text
    assert "HTTP 401" in page.text
    assert "the mailbox is gone" in page.text
    assert "1 of 1" in page.text


async def test_a_refused_configuration_is_shown_line_by_line(console: Office) -> None:
    """Until another one is in force."""
    problems = ["rules/all.yaml:3: there is no rule kind `windw`", HOSTILE]
    console.reloaded.append((console.home.clock.now(), Reloaded("refused", problems=problems)))
    page = await console["viewer"].get("/health")
    assert "rules/all.yaml:3: there is no rule kind `windw`" in page.text
    assert "the configuration before stays in force" in page.text


async def test_an_administrator_reloads(console: Office) -> None:
    """The next page says that it was done, once; nobody else has the button."""
    admin = console["admin"]
    done = await admin.post("/health/reload")
    assert (done.status, done.leads_to) == (303, "/health")
    assert "The new configuration is in force." in (await admin.get("/health")).text
    assert "The new configuration is in force." not in (await admin.get("/health")).text
    assert "/health/reload" not in (await console["manager"].get("/health")).text


async def test_a_notice_is_one_of_ours(console: Office) -> None:
    """Whoever sets a cookie cannot write on a page."""
    console["viewer"].session.cookie_jar.update_cookies({"said": "Your%20account%20is%20locked%2C%20call%200123"})
    assert "0123" not in (await console["viewer"].get("/")).text


async def test_whatever_people_are_called_is_text(console: Office) -> None:
    """Names, notes and errors are shown as they were written, and do nothing."""
    now = console.home.clock.wall()
    await console.home.hears("my Acme is broken", by=HOSTILE)
    async with console.home.store.begin() as tx:
        await tx.accounts.add("mallory", HOSTILE, Role.MONITOR, now)
        (alert,) = await tx.alerts.open_alerts()
        await tx.alerts.acknowledge(alert.id, HOSTILE, now)
        await tx.sources.failed(
            "net", trouble="odd", detail=HOSTILE, at=now, backoff_until=now + timedelta(hours=1), stopped=False
        )
        await tx.commit()
    for path in ("/", "/health", "/accounts", "/audit?whom=%3Cscript%3Ealert(1)%3C/script%3E"):
        page = await console["admin"].get(path)
        assert page.status == 200
        assert "<script>alert" not in page.text
        assert "<img" not in page.text
        assert "49" not in re.findall(r">([^<]*)<", page.text)


async def test_an_account_is_made_and_changed(console: Office) -> None:
    """The link is shown once; what is done stands in the audit log."""
    admin = console["admin"]
    made = await admin.post("/accounts", name="zoe", called="Zoé", role="monitor")
    assert (made.status, "/welcome?link=" in made.text) == (200, True)
    for what in ("role", "sign-out", "disable", "enable"):
        assert (await admin.post("/accounts/zoe", do=what, role="manager")).leads_to == "/accounts"
    assert "/welcome?link=" in (await admin.post("/accounts/zoe", do="link")).text
    log = (await admin.get("/audit?whom=zoe")).text
    for deed in ("made the account", "gave another role", "locked the account", "made a link to set a password"):
        assert deed in log


async def test_the_last_administrator_stays(console: Office) -> None:
    """What cannot be done is said, and not done; nonsense is no request."""
    admin = console["admin"]
    refused = await admin.post("/accounts/admin", do="disable")
    assert (refused.status, "That was not done." in refused.text) == (422, True)
    assert (await admin.post("/accounts", name="no such name!", role="viewer")).status == 422
    assert (await admin.post("/accounts/admin", do="nothing")).status == 400
    assert (await admin.post("/accounts/admin", do="role", role="king")).status == 400


@pytest.mark.parametrize("before", ["", "x", "-1", "9" * 30, "٣"])
async def test_the_log_is_read_from_where_one_says(console: Office, before: str) -> None:
    """Or from its end, where that is no place in it."""
    assert (await console["admin"].get(f"/audit?before={before}")).status == 200


async def test_a_long_log_has_pages(console: Office) -> None:
    """Each goes on where the one before ended."""
    admin = console["admin"]
    for _ in range(51):
        await admin.post("/accounts/viewer", do="sign-out")
    first = await admin.get("/audit")
    older = re.search(r'href="(/audit\?before=\d+)"', first.text)
    assert older is not None
    assert first.text.count("signed out everywhere") == 50
    assert (await admin.get(older[1])).text.count("signed out everywhere") == 1
