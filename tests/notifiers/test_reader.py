"""Numbers, times and durations as a French or an English reader writes them."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

import pytest

from notifiers.reader import Reader

FRENCH = Reader("fr", "Europe/Paris")
ENGLISH = Reader("en", "Europe/London")
NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


def test_numbers_follow_the_language() -> None:
    """French groups by a narrow space and writes a decimal comma; English by a comma, with a point."""
    assert FRENCH.number(48200) == "48\u202f200"
    assert ENGLISH.number(48200) == "48,200"
    assert FRENCH.number(2.14) == "2,1"
    assert ENGLISH.number(23.4) == "23"
    assert FRENCH.percent(0.412) == "41\u00a0%"


@pytest.mark.parametrize("odd", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_is_a_question_mark(odd: float) -> None:
    """A message is sent even when a figure makes no sense."""
    assert FRENCH.number(odd) == FRENCH.percent(odd) == FRENCH.count(odd) == "?"
    assert FRENCH.plural(odd) == "other"


def test_people_are_counted_whole() -> None:
    """Nobody pictures a tenth of a person."""
    assert FRENCH.count(2.4) == "2"


def test_today_is_told_by_the_hour_in_the_readers_zone() -> None:
    """Noon in UTC is one o'clock in Paris in March."""
    assert FRENCH.moment(NOON, NOON + timedelta(hours=1)) == "13:00"


def test_another_day_is_named() -> None:
    """Yesterday has its date, last year its year too."""
    assert FRENCH.moment(NOON, NOON + timedelta(days=2)) == "2 mars, 13:00"
    assert ENGLISH.moment(NOON, NOON + timedelta(days=400)) == "2 Mar 2026, 12:00"


def test_the_first_of_a_month_is_no_plain_number_in_french() -> None:
    """« 1er mars », and « 11 mars » as it is."""
    first = NOON - timedelta(days=1)
    assert FRENCH.moment(first, NOON) == "1er mars, 13:00"
    assert FRENCH.day(first.date()) == "1er mars 2026"
    assert FRENCH.day(first.date(), "medium") == "1er mars 2026"
    assert FRENCH.dated("MMMd", NOON + timedelta(days=9), UTC) == "11 mars"
    assert ENGLISH.day(first.date()) == "1 March 2026"


def test_an_unknown_zone_is_utc() -> None:
    """Odd hours are better than no message; the footer names the zone."""
    odd = Reader("en", "Mars/Olympus")
    assert odd.zone == "UTC"
    assert odd.moment(NOON, NOON) == "12:00"


@pytest.mark.parametrize("odd", ["", "../../etc/passwd", "/etc/localtime", "a\0b"])
def test_no_zone_name_reads_a_file(odd: str) -> None:
    """A zone is a name of the zone database and nothing else."""
    assert Reader("en", odd).zone == "UTC"


def test_the_end_of_time_has_an_hour() -> None:
    """A post "written" on the last day of the calendar is shown in UTC."""
    assert "23:59" in FRENCH.moment(datetime.max.replace(tzinfo=UTC), NOON)


@pytest.mark.parametrize(
    ("length", "french", "english"),
    [
        (timedelta(minutes=60), "60\u00a0minutes", "60 minutes"),
        (timedelta(hours=24), "24\u00a0heures", "24 hours"),
        (timedelta(hours=6), "6\u00a0heures", "6 hours"),
        (timedelta(hours=2, minutes=10), "2\u00a0heures 10\u00a0minutes", "2 hours 10 minutes"),
        (timedelta(days=3, hours=5), "3\u00a0jours 5\u00a0heures", "3 days 5 hours"),
        (timedelta(seconds=45), "45\u00a0secondes", "45 seconds"),
        (timedelta(0), "0\u00a0seconde", "0 seconds"),
    ],
)
def test_durations_are_said_as_people_say_them(length: timedelta, french: str, english: str) -> None:
    """Up to two hours in minutes, up to two days in hours, longer spans in their two largest units."""
    assert FRENCH.span(length) == french
    assert ENGLISH.span(length) == english


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("Acme", "d’Acme"),
        ("Free", "de Free"),
        ("Électricité", "d’Électricité"),
        ("Yves Rocher", "d’Yves Rocher"),
        ("Yoplait", "de Yoplait"),
        ("@acme", "de @acme"),
        ("Honda", "de Honda"),
        ("Œuvre", "d’Œuvre"),
        ("", "de "),
    ],
)
def test_french_elides_before_a_vowel(name: str, said: str) -> None:
    """« d’Acme », and « de Free »."""
    assert FRENCH.of(name) == said


def test_english_never_elides() -> None:
    """The English phrases name the subject plainly."""
    assert ENGLISH.of("Acme") == "of Acme"


def test_french_nought_is_singular() -> None:
    """« 0 plainte », but "0 complaints"."""
    assert FRENCH.plural(0) == "one"
    assert ENGLISH.plural(0) == "other"
