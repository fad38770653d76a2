"""Each chart is one specification in the reader's words, with what it says and the table behind it."""

from __future__ import annotations

import json
import string
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from monitor.charts.bars import emerging_terms, share_of_voice
from monitor.charts.chart import Chart
from monitor.charts.courses import net_sentiment, volume
from monitor.charts.expectation import Seen, observed_expected
from monitor.charts.flights import engagement
from monitor.charts.hours import week_map
from monitor.charts.look import Look
from monitor.charts.series import MOST
from monitor.charts.speed import response_times
from monitor.charts.words import WORDS
from monitor.domain.tally import Tally
from monitor.figures.course import Point
from monitor.figures.terms import Term
from notifiers.message import Language
from notifiers.reader import Reader

Charts = Callable[[Look], dict[str, Chart]]
FRENCH, ENGLISH = Look(Reader("fr", "Europe/Paris")), Look(Reader("en", "Europe/Paris"))
HOSTILE = "</script><img src=x onerror=alert(1)>'\"${datum}"


def test_both_languages_have_the_same_words() -> None:
    """With the same gaps to be filled."""
    gaps = {
        language: {key: {name for _, name, _, _ in string.Formatter().parse(text) if name} for key, text in words.items()}
        for language, words in WORDS.items()
    }
    assert gaps["fr"] == gaps["en"]


def test_every_chart_tells_what_it_shows(charts: Charts) -> None:
    """In words for who does not see it, and in a table that is as wide as its header."""
    for look in (FRENCH, ENGLISH):
        for name, each in charts(look).items():
            assert each.alt, name
            assert each.spec["description"].startswith(each.title), name
            assert each.table.rows, name
            assert {len(row) for row in each.table.rows} == {len(each.table.header)}, name
            json.dumps(each.spec, allow_nan=False)


def test_charts_speak_the_readers_language(charts: Charts) -> None:
    """No title, no header is the same in both; numbers and months are written as each writes them."""
    french, english = charts(FRENCH), charts(ENGLISH)
    for name, each in french.items():
        assert each.title != english[name].title
        assert each.table.header != english[name].table.header
    assert "févr." in json.dumps(french["volume"].spec, ensure_ascii=False)
    assert french["volume"].alt.startswith("30 jours et 6\u202f055 mentions")
    assert english["speed"].alt.startswith("mastodon: half within 14 mins, nine of ten within 3 hrs.")


def test_the_alternative_of_the_alert_says_what_rang(charts: Charts) -> None:
    """What was seen, what was usual, and when, on the reader's clock."""
    assert charts(ENGLISH)["alert"].alt == "24 seen where 3.8 are usual, when it rang at 18:30."
    at = datetime(2026, 3, 1, 12, tzinfo=UTC)
    assert observed_expected([Seen(at, 9, None)], [at], ENGLISH).alt == (
        "9 seen when it rang at 13:00; nobody knows yet what is usual."
    )


def test_long_courses_have_days_on_their_axis() -> None:
    """A backtest's weeks are not told in hours."""
    since = datetime(2026, 3, 1, 12, tzinfo=UTC)
    forms = [
        observed_expected([Seen(since, 1, 1), Seen(since + length, 1, 1)], [], ENGLISH).spec["layer"][0]["encoding"]["x"]["axis"][
            "format"
        ]
        for length in (timedelta(hours=6), timedelta(days=9))
    ]
    assert forms == ["%H:%M", "%-d %b"]


@pytest.mark.parametrize("language", ["fr", "en"])
def test_nothing_to_show_is_said(language: Language) -> None:
    """Instead of empty axes."""
    look = Look(Reader(language, "UTC"))
    empty = (volume, net_sentiment, share_of_voice, response_times, emerging_terms, engagement)
    charts = [*(draw([], look) for draw in empty), observed_expected([], [], look), week_map("x", [[0.0] * 24] * 7, look)]
    assert {each.alt for each in charts} == {look.say("none")}


def test_what_is_beyond_six_lines_becomes_others() -> None:
    """The greatest are named; no mention is lost."""
    day = datetime(2026, 3, 1, tzinfo=UTC).date()
    many = volume([Point(day, f"n{number}", Tally(number)) for number in range(1, 10)], ENGLISH)
    assert many.table.header == ("day", "n9", "n8", "n7", "n6", "n5", "others")
    assert many.table.rows == [("1 Mar 2026", "9", "8", "7", "6", "5", "10")]
    assert len(many.table.header) == MOST + 1


def test_strangers_words_are_data_and_never_expressions(charts: Charts) -> None:
    """A term stands among the values, and nowhere else: expressions of a specification are ours."""
    chart = emerging_terms([Term(HOSTILE, 3, 0)], ENGLISH)
    assert [each["name"] for each in chart.spec["data"]["values"]] == [HOSTILE]
    for look in (FRENCH, ENGLISH):
        for each in charts(look).values():
            assert "http" not in json.dumps(each.spec).replace("https://vega.github.io/schema", "")
