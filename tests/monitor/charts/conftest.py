"""What the tests of charts share: every chart, drawn from a made-up month."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from math import pi, sin

import pytest

from monitor.charts.bars import emerging_terms, share_of_voice
from monitor.charts.chart import Chart
from monitor.charts.courses import net_sentiment, volume
from monitor.charts.expectation import Seen, observed_expected
from monitor.charts.flights import engagement
from monitor.charts.hours import week_map
from monitor.charts.look import Look
from monitor.charts.speed import response_times
from monitor.domain.mention import Engagement, Observed
from monitor.domain.tally import Tally
from monitor.figures.answers import Speed
from monitor.figures.course import Point
from monitor.figures.engagement import flown
from monitor.figures.terms import Term
from monitor.figures.voice import Share

HOSTILE = "</script><img src=x onerror=alert(1)>'\"${datum}"
_DAYS = [date(2026, 2, 10) + timedelta(days=number) for number in range(30)]
_NETWORKS = ("mastodon", "bluesky", "x", "reddit")
NOW = datetime(2026, 3, 11, 20, 0, tzinfo=UTC)


def _tally(day: int, place: int) -> Tally:
    mentions = round(30 + 18 * sin(day / 3 + place) + 12 * place + (300 if day == 21 and place == 1 else 0))
    negative = round(mentions * (0.3 + 0.25 * sin(day / 5 + place)))
    positive = round((mentions - negative) * 0.5)
    return Tally(mentions, negative, mentions - negative - positive, positive)


def month(networks: tuple[str, ...] = _NETWORKS) -> list[Point]:
    """Thirty days on some networks."""
    return [Point(day, of, _tally(number, place)) for place, of in enumerate(networks) for number, day in enumerate(_DAYS)]


def _posts() -> list[Observed]:
    drew = (12, 30, 8, 450, 1, 22, 17, 0, 25, 2200)
    return [
        Observed(n, "mastodon", "own", "post", f"Post {n}", NOW - timedelta(days=2 * n), NOW, engagement=Engagement(likes=likes))
        for n, likes in enumerate(drew)
    ]


def every(look: Look) -> dict[str, Chart]:
    """All charts, by name."""
    hours = [NOW - timedelta(minutes=15 * number) for number in range(48, -1, -1)]
    seen = [
        Seen(at, 4 + 3 * sin(n / 4) + (60 / (1 + abs(n - 40)) if n > 30 else 0), 4 + 3 * sin(n / 4)) for n, at in enumerate(hours)
    ]
    week = [
        [max(0.0, (6 - day) * sin(pi * hour / 24) ** 3 * 3 + (day == 2 and hour == 20) * 30) for hour in range(24)]
        for day in range(7)
    ]
    minutes = [("mastodon", 40, 14, 180), ("bluesky", 22, 35, 1500), ("x", 3, None, None), ("reddit", 12, 240, 4000)]
    speeds = [Speed(of, n, *(None if each is None else timedelta(minutes=each) for each in two)) for of, n, *two in minutes]
    return {
        "volume": volume(month(), look),
        "volume-one": volume(month(("",)), look),
        "net": net_sentiment(month(), look),
        "net-one": net_sentiment(month(("",)), look),
        "voice": share_of_voice(
            [Share("lumora", 420, 0.42, 0.55, 0.1), Share("globex", 380, 0.38, 0.3, 0.0), Share("initech", 200, 0.2, None, None)],
            look,
            {"lumora": "Lumora", "globex": "Globex", "initech": "Initech"},
        ),
        "week": week_map("Mastodon", week, look),
        "speed": response_times(speeds, look),
        "alert": observed_expected(seen, [hours[38]], look),
        "terms": emerging_terms(
            [Term("batterie", 34, 2), Term("mise à jour", 21, 1), Term("#boycott", 9, 0), Term("remboursement", 7, 3)], look
        ),
        "flight": engagement(flown(_posts()), look),
    }


@pytest.fixture(scope="session")
def charts() -> Callable[[Look], dict[str, Chart]]:
    """All charts, by name, for a look."""
    return every
