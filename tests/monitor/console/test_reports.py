"""Digests and reports as pages: read, printed, saved by those who may."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from tests.monitor.console.conftest import Office, Open


async def test_every_kind_can_be_read(console: Office) -> None:
    """Although nobody has configured any: the list says how to have one sent."""
    page = await console["viewer"].get("/reports")
    assert page.status == 200
    for name in ("morning", "week", "month"):
        assert f'href="/reports/{name}"' in page.text
    assert "leaves to nobody" in page.text


@pytest.mark.parametrize("name", ["morning", "week", "month"])
async def test_a_name_leads_to_its_newest_day(console: Office, name: str) -> None:
    """The address of a day stays the same, and can be sent to somebody."""
    page = await console["viewer"].get(f"/reports/{name}")
    assert page.status == 303
    assert (await console["viewer"].get(page.leads_to)).status == 200


async def test_any_days_can_be_read(console: Office) -> None:
    """From the first to the last, both included; what are no days is not found."""
    page = await console["viewer"].get("/reports/week?from=2026-02-03&to=2026-02-05")
    shown = await console["viewer"].get(page.leads_to)
    assert "from 3 February 2026 to 5 February 2026" in shown.text
    for days in ("from=2026-02-05&to=2026-02-03", "from=2000-01-01&to=2026-02-03"):
        assert (await console["viewer"].get(f"/reports/week?{days}")).status == 404


@pytest.mark.parametrize(
    "path", ["/reports/none", "/reports/week/never", "/reports/week/0001-01-01", "/reports/week/2026-03-02/charts/no"]
)
async def test_what_is_not_there_is_not_found(console: Office, path: str) -> None:
    """A name, a day or a chart that does not exist."""
    assert (await console["viewer"].get(path)).status == 404


async def test_what_others_wrote_is_text(console: Office) -> None:
    """Hostile words are shown, and are nothing else."""
    home = console.home
    await home.brings(home.mention("I love Acme <script>alert(1)</script>, a wonderful service, thank you!", by="zoe"))
    page = await console["viewer"].get(f"/reports/week?from={home.clock.now():%Y-%m-%d}&to={home.clock.now():%Y-%m-%d}")
    shown = await console["viewer"].get(page.leads_to)
    assert "&lt;script&gt;alert(1)" in shown.text
    assert "<script>alert" not in shown.text
    (path, _, query) = page.leads_to.partition("?")
    for form in ("json", "svg"):
        assert (await console["viewer"].get(f"{path}/charts/volume.{form}?{query}")).status == 200


async def test_what_rang_leads_to_its_page(open_console: Open) -> None:
    """From the morning's digest to the alert, without an address that others reach."""
    office = await open_console()
    home = office.home
    await home.storm(4)
    await home.act()
    shown = await office["viewer"].get(f"/reports/morning/{home.clock.now() + timedelta(days=1):%Y-%m-%d}")
    assert '<a href="/alerts/1">Open</a>' in shown.text


async def test_only_who_may_export_is_offered_it(console: Office) -> None:
    """There are names of people in it."""
    path = (await console["manager"].get("/reports/week")).leads_to
    assert "export.csv" in (await console["manager"].get(path)).text
    assert "export.csv" not in (await console["monitor"].get(path)).text
    saved = await console["manager"].get(f"{path}/export.csv")
    assert saved.headers["Content-Type"].startswith("text/csv")
    assert saved.headers["Content-Disposition"].startswith("attachment")
    data = json.loads((await console["manager"].get(f"{path}/export.json")).text)
    assert data["figures"]["kind"] == "weekly"


async def test_a_configured_digest_has_its_page(open_console: Open) -> None:
    """In the visitor's language, under the name that somebody gave it; who got it is said."""
    office = await open_console("fr", digests={"aube": {"kind": "morning", "to": "room", "at": "09:00"}})
    await office.home.stages.digests.step()
    office.home.clock.advance(timedelta(hours=2))
    assert await office.home.stages.digests.step() == 1
    page = await office["viewer"].get("/reports")
    assert "Point du matin" in page.text
    assert "part à 09:00" in page.text
    assert "envoyé à room" in page.text
