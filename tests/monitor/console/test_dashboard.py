"""The dashboard: what was said is found in its numbers, charts and lists, in the reader's words and days."""

from __future__ import annotations

import json
import re
from datetime import UTC, date, datetime
from urllib.parse import parse_qs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.console.dashboard.asked import PERIODS, WAYS, asked
from monitor.console.dashboard.view import glance, loudest
from monitor.domain.mention import Author, Engagement
from monitor.domain.tally import Tally
from monitor.storage.figures import Sum
from notifiers.message import Language
from tests.monitor.console.conftest import Office, Open

HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>{{ 7*7 }}"
NOW = datetime(2026, 3, 30, 20, tzinfo=UTC)
CHARTS = ("volume", "net", "voice", "terms", "answers", "posts", "week/mastodon")
RIVAL = {"subjects": {"acme": ["Acme"], "rival": {"names": ["Globex"], "competitor": True}}}


async def _busy(office: Office) -> None:
    """Some talk, some of it loud, some of it hostile, and posts of ours."""
    home = office.home
    loud, ours = Engagement(likes=50), Author("us", handle="@us", name="We", own=True)
    await home.brings(
        home.mention(f"Acme is {HOSTILE}", by="eve", engagement=loud, title=HOSTILE),
        home.mention("Globex is fine", by="bob", network="bluesky"),
        home.mention("Acme again", by="cy"),
        *(home.mention(f"Ours {n}", author=ours, engagement=Engagement(likes=likes)) for n, likes in enumerate((9, 9, 9, 0, 90))),
    )


async def test_what_was_said_is_counted_and_listed(open_console: Open) -> None:
    """The cards, who and what drew most with links to the feed, and what soars and what falls flat of ours."""
    console = await open_console(**RIVAL)
    await _busy(console)
    page = (await console["viewer"].get("/dashboard")).text
    cards = dict(re.findall(r'class="label">([^<]+)</span><div class="figure">([^<]+)</div>', page))
    assert (cards["Mentions"], cards["Our posts"]) == ("3", "5")
    (loudest_post,) = re.findall(r'href="/feed/(\d+)">&lt;script', page)
    assert "Ours 4" in page.partition("Our posts that soar")[2].partition("Our posts that fall flat")[0]
    assert "Ours 3" in page.partition("Our posts that fall flat")[2]
    assert page.count("data-chart=") == len(CHARTS) + 1  # bluesky has a map of its own, too
    about_rival = (await console["viewer"].get("/dashboard?subject=rival")).text
    assert f"/feed/{loudest_post}" not in about_rival
    assert "/feed?subject=rival" in about_rival


@pytest.mark.parametrize("path", CHARTS)
async def test_a_chart_has_an_address(open_console: Open, path: str) -> None:
    """A page with its table, a specification as wide as asked for, pictures; hostile words are data, and nothing else."""
    console = await open_console(**RIVAL)
    await _busy(console)
    viewer, where = console["viewer"], f"/dashboard/{path}"
    page = await viewer.get(f"{where}?period=7d")
    assert page.status == 200
    assert "<table>" in page.text
    assert "<script>alert" not in page.text
    narrow, wide = [json.loads((await viewer.get(f"{where}.json?width={width}")).text) for width in (320, 900)]
    assert (narrow["width"], wide["width"]) == (320, 900)
    assert wide["description"]
    dark = json.loads((await viewer.get(f"{where}.json?dark=1")).text)
    assert dark["config"]["background"] != wide["config"]["background"]
    picture = await viewer.get(f"{where}.svg")
    assert picture.headers["Content-Type"] == "image/svg+xml"
    assert "sandbox" in picture.headers["Content-Security-Policy"]
    assert (await viewer.get(f"{where}.png")).headers["Content-Type"] == "image/png"


async def test_a_picture_is_drawn_once(console: Office) -> None:
    """Until something changes in it; each look is another picture."""
    await _busy(console)
    for _ in range(3):
        await console["viewer"].get("/dashboard/volume.svg")
    await console["manager"].get("/dashboard/volume.svg")
    assert len(console.drawer.asked) == 1
    await console["viewer"].get("/dashboard/volume.svg?dark=1")
    await console["viewer"].get("/dashboard/volume.svg?width=nonsense&dark=nonsense")
    assert len(console.drawer.asked) == 2


async def test_the_library_is_kept_for_ever(console: Office) -> None:
    """Under the name that pages know; what had it in another version is not there, and nobody waits for it."""
    await _busy(console)
    page = (await console["viewer"].get("/dashboard")).text
    (address,) = set(re.findall(r'data-library="([^"]+)"', page))
    script = await console["stranger"].get(address, **{"Accept-Encoding": "gzip"})
    assert (script.status, script.text) == (200, "// vega")
    assert script.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert (await console["stranger"].get("/charts/vega.0123456789ab.js")).status == 404


@pytest.mark.parametrize(("language", "words"), [("en", "Nothing was said in this time."), ("fr", "On n’a rien dit")])
async def test_an_empty_dashboard_says_what_is_missing(open_console: Open, language: Language, words: str) -> None:
    """Sources that brought nothing; a chart of nothing says so, too."""
    console = await open_console(language)
    page = (await console["viewer"].get("/dashboard")).text
    assert words in page
    assert 'href="/health"' in page
    assert "data-chart" not in page
    assert (await console["viewer"].get("/dashboard/volume")).status == 200


async def test_without_sources_nothing_can_be_said(open_console: Open) -> None:
    """Then that is what is missing."""
    console = await open_console(sources={})
    assert "There are no sources yet" in (await console["viewer"].get("/dashboard")).text


@pytest.mark.parametrize(
    "query",
    ["period=x", "from=2026-01-01", "from=9999-12-31&to=0001-01-01", "from=x&to=y", "subject=<b>&by=<b>", "width=9999999"],
)
async def test_nonsense_in_an_address_is_the_usual(console: Office, query: str) -> None:
    """Nobody gets an error for a link that was cut."""
    await _busy(console)
    page = await console["viewer"].get(f"/dashboard?{query}")
    assert (page.status, "<b>" in page.text) == (200, False)
    assert (await console["viewer"].get(f"/dashboard/volume.json?{query}")).status == 200


@given(
    period=st.sampled_from([*PERIODS, ""]),
    days=st.tuples(st.dates(date(1971, 1, 2), date(2100, 1, 1)), st.dates(date(1971, 1, 2), date(2100, 1, 1))),
    subject=st.sampled_from(["acme", "", "gone"]),
    by=st.sampled_from([*WAYS, "?"]),
)
def test_what_is_asked_can_be_asked_again(period: str, days: tuple[date, date], subject: str, by: str) -> None:
    """An address made of what was understood is understood alike."""
    query = {"period": period, "from": str(days[0]), "to": str(days[1]), "subject": subject, "by": by}
    first = asked(query, {"acme"}, NOW, "Europe/Paris")
    assert first.subject in {"acme", ""}
    assert 1 <= len(first.span.days) <= 1100
    again = {name: values[0] for name, values in parse_qs(first.query()).items()}
    assert asked(again, {"acme"}, NOW, "Europe/Paris") == first


def test_a_glance_compares_with_before() -> None:
    """Half as much again is half more; where there was nothing, nobody says how much more."""
    seen = glance(Tally(mentions=15, negative=5, positive=10, complaints=3, answered=6), Tally(mentions=10, negative=10))
    assert (seen.more, seen.net_before, seen.complained, seen.answered) == (0.5, -1.0, 0.2, 0.4)
    assert glance(Tally(), Tally()).more is None


def test_networks_in_pieces_are_one() -> None:
    """On both sides of the change of the clocks; the loudest comes first, and the silent not at all."""
    sums = [Sum(("x",), Tally(2)), Sum(("y",), Tally(3)), Sum(("x",), Tally(2)), Sum(("z",), Tally(0, own_posts=1))]
    assert loudest(sums) == ["x", "y"]
