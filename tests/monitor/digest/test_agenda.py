"""What is planned: iCalendar with what comes again, CSV, campaigns; and files that nobody can read."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from monitor.digest.agenda import planned
from tests.monitor.digest.conftest import MONDAY
from tests.monitor.pipeline.conftest import Configure

PARIS = ZoneInfo("Europe/Paris")


def calendar(*lines: str) -> bytes:
    """A calendar with one event."""
    head = ("BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//test//", "BEGIN:VEVENT", "UID:1", "DTSTAMP:20260101T000000Z")
    return "\r\n".join((*head, *lines, "END:VEVENT", "END:VCALENDAR", "")).encode()


def read(configure: Configure, path: Path, day: date = MONDAY) -> tuple[list[tuple[str, str]], list[str]]:
    """What is planned for a day in Paris, as (hour, title)."""
    found, unreadable = planned(configure(timezone="Europe/Paris"), [path], day, "Europe/Paris")
    return [(f"{each.at.astimezone(PARIS):%H:%M}" if each.at else "", each.title) for each in found], unreadable


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (("DTSTART:20260302T083000Z", "SUMMARY:Launch"), [("09:30", "Launch")]),
        (("DTSTART;TZID=Europe/Paris:20260302T093000", "SUMMARY:Launch"), [("09:30", "Launch")]),
        (("DTSTART:20260302T093000", "SUMMARY:Launch"), [("09:30", "Launch")]),
        (("DTSTART;VALUE=DATE:20260302", "SUMMARY:Fair"), [("", "Fair")]),
        (("DTSTART;VALUE=DATE:20260228", "DTEND;VALUE=DATE:20260303", "SUMMARY:Fair"), [("", "Fair")]),
        (("DTSTART;VALUE=DATE:20260228", "DTEND;VALUE=DATE:20260302", "SUMMARY:Fair"), []),
        (("DTSTART;TZID=Europe/Paris:20260105T093000", "RRULE:FREQ=WEEKLY;BYDAY=MO", "SUMMARY:Talk"), [("09:30", "Talk")]),
        (("DTSTART;TZID=Europe/Paris:20260106T093000", "RRULE:FREQ=WEEKLY;BYDAY=TU", "SUMMARY:Talk"), []),
        (
            (
                "DTSTART;TZID=Europe/Paris:20260105T093000",
                "RRULE:FREQ=WEEKLY;BYDAY=MO",
                "EXDATE;TZID=Europe/Paris:20260302T093000",
                "SUMMARY:Talk",
            ),
            [],
        ),
        (("DTSTART;VALUE=DATE:20260105", "RRULE:FREQ=WEEKLY;BYDAY=MO", "SUMMARY:Fair"), [("", "Fair")]),
        (("DTSTART;VALUE=DATE:20260105", "RRULE:FREQ=WEEKLY", "EXDATE;VALUE=DATE:20260223,20260302", "SUMMARY:Fair"), []),
        (("DTSTART:20260302T083000Z", "STATUS:CANCELLED", "SUMMARY:Launch"), []),
        (("DTSTART:20260301T233000Z", "SUMMARY:Midnight"), [("00:30", "Midnight")]),
    ],
)
def test_an_event_is_on_its_day(
    configure: Configure, tmp_path: Path, lines: tuple[str, ...], expected: list[tuple[str, str]]
) -> None:
    """By the clock of whoever reads."""
    path = tmp_path / "team.ics"
    path.write_bytes(calendar(*lines))
    assert read(configure, path) == (expected, [])


def test_nine_o_clock_stays_nine_o_clock(configure: Configure, tmp_path: Path) -> None:
    """What comes every week comes at the same hour after the clocks were set."""
    path = tmp_path / "team.ics"
    path.write_bytes(calendar("DTSTART;TZID=Europe/Paris:20260105T093000", "RRULE:FREQ=WEEKLY", "SUMMARY:Talk"))
    assert read(configure, path, date(2026, 3, 30)) == ([("09:30", "Talk")], [])


@pytest.mark.parametrize("mark", [",", ";"])
def test_a_table_has_a_line_for_each_post(configure: Configure, tmp_path: Path, mark: str) -> None:
    """As spreadsheets write it, in either land."""
    path = tmp_path / "posts.csv"
    rows = (
        ("Title", "date", "TIME", "who"),
        ("Launch", "2026-03-02", "09:30", "Ana"),
        ("Fair", "2026-03-02", "", ""),
        ("No", "2026-03-03", "", ""),
    )
    path.write_text("\ufeff" + "\n".join(mark.join(row) for row in rows), encoding="utf-8")
    assert read(configure, path) == ([("", "Fair"), ("09:30", "Launch")], [])


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("posts.csv", b"when,what\n2026-03-02,x\n"),
        ("posts.csv", b"date,time,title\n2026-03-02,late,x\n"),
        ("posts.csv", b"\xff\xfe\x00"),
        ("team.ics", b"nothing of the kind"),
        ("team.ics", calendar("DTSTART:20260302T083000Z", "RRULE:FREQ=NEVER", "SUMMARY:x")),
        ("team.ics", None),
    ],
)
def test_a_file_that_cannot_be_read_is_named(configure: Configure, tmp_path: Path, name: str, content: bytes | None) -> None:
    """The digest leaves all the same, and says which file, and why."""
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    found, unreadable = read(configure, path)
    assert found == []
    assert len(unreadable) == 1
    assert unreadable[0].startswith(f"{name}: ")


def test_a_campaign_is_planned(configure: Configure) -> None:
    """What we make people talk about ourselves is part of the day."""
    campaigns = {"sale": {"subjects": "acme", "from": "2026-03-02 10:00", "to": "2026-03-05", "times": 3}}
    found, _ = planned(configure(timezone="Europe/Paris", campaigns=campaigns), [], MONDAY, "Europe/Paris")
    assert [(each.title, each.at) for each in found] == [("sale", datetime(2026, 3, 2, 10, tzinfo=PARIS))]
