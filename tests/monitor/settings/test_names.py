"""People, roles and receivers share one namespace: whoever is named, somebody is told."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest

from monitor.settings import Person, Settings, load
from rules.recurrence import Weekly

Write = Callable[[Mapping[str, str]], Path]
CONTACTS = """\
people:
  lea: {name: Léa, email: lea@example.org, language: fr, timezone: Europe/Paris, hours: mon-fri 09:00-17:00}
  marc: {name: Marc, email: marc@example.org, receivers: [phone, me]}
  sam: {name: Sam, receivers: phone}
roles:
  manager: {primary: lea, backup: marc}
  engineer: sam
"""
MONDAY_NOON, MONDAY_NIGHT = datetime(2026, 3, 2, 11, tzinfo=UTC), datetime(2026, 3, 2, 20, tzinfo=UTC)


@pytest.fixture
def settings(write: Write, ten_lines: str) -> Settings:
    """One receiver of each sort, three people, two roles."""
    text = ten_lines.replace("receivers:\n", "receivers:\n  phone: {kind: apprise, urls: ntfys://ntfy.sh/x}\n")
    text = text.replace("{default: me}", "{default: [manager, me], ops: engineer}")
    return load(write({"monitor.yaml": text, "contacts.yaml": CONTACTS}), environ={})


@pytest.mark.parametrize(
    ("name", "receivers"),
    [
        ("me", ("me",)),
        ("lea", ("lea",)),
        ("marc", ("marc", "phone", "me")),
        ("sam", ("phone",)),
        ("manager", ("lea",)),
        ("engineer", ("phone",)),
        ("default", ("lea", "me")),
        ("ops", ("phone",)),
        ("long-gone", ("lea", "me")),
    ],
)
def test_every_name_resolves_to_receivers(settings: Settings, name: str, receivers: tuple[str, ...]) -> None:
    """A person with an address is a receiver; a name that is gone means `default`, for nobody is never the answer."""
    assert settings.resolve(name) == receivers


def test_ops_are_the_default_people_unless_said_otherwise(write: Write) -> None:
    """Somebody must hear that a source died."""
    assert load(write({}), environ={}).resolve("ops") == ("me",)


def test_outside_the_hours_of_a_roles_primary_the_backup_is_told_too(settings: Settings) -> None:
    """Too, and not instead: hours on paper are no proof that somebody is away."""
    assert settings.resolve("manager", MONDAY_NOON) == ("lea",)
    assert settings.resolve("manager", MONDAY_NIGHT) == ("lea", "marc", "phone", "me")
    assert settings.resolve("engineer", MONDAY_NIGHT) == ("phone",)


def test_a_person_keeps_their_language_and_time_zone_as_a_receiver(settings: Settings) -> None:
    """Léa reads French, whatever the others read."""
    lea = settings.receivers["lea"]
    assert (lea.kind, lea.language, lea.timezone) == ("email", "fr", "Europe/Paris")
    assert set(settings.receivers) == {"phone", "me", "lea", "marc"}


def _person(hours: object, timezone: str | None = None) -> Person:
    return Person.model_validate({"name": "X", "email": "x@example.org", "hours": hours, "timezone": timezone})


@pytest.mark.parametrize(
    ("hours", "moment", "works"),
    [
        ("mon-fri 09:00-17:00", datetime(2026, 3, 2, 9, tzinfo=UTC), True),
        ("mon-fri 09:00-17:00", datetime(2026, 3, 2, 17, tzinfo=UTC), False),
        ("mon-fri 09:00-17:00", datetime(2026, 3, 7, 12, tzinfo=UTC), False),
        ("sat-mon 09:00-17:00", datetime(2026, 3, 1, 12, tzinfo=UTC), True),
        ("Fri  22:00-06:00", datetime(2026, 3, 6, 23, tzinfo=UTC), True),
        ("fri 22:00-06:00", datetime(2026, 3, 7, 5, 59, tzinfo=UTC), True),
        ("fri 22:00-06:00", datetime(2026, 3, 6, 5, tzinfo=UTC), False),
        (["mon 09:00-12:00", "mon 14:00-17:00"], datetime(2026, 3, 2, 15, tzinfo=UTC), True),
        (["mon 09:00-12:00", "mon 14:00-17:00"], datetime(2026, 3, 2, 13, tzinfo=UTC), False),
        ([], datetime(2026, 3, 2, 3, tzinfo=UTC), True),
        ("mon", datetime(2026, 3, 2, 23, tzinfo=UTC), True),
        ("mon,wed 09:00-24:00", datetime(2026, 3, 4, 23, 59, tzinfo=UTC), True),
        ("08:00-19:00", datetime(2026, 3, 1, 12, tzinfo=UTC), True),
        ("sat 08:00-08:00", datetime(2026, 3, 8, 7, 59, tzinfo=UTC), True),
        ("sat 08:00-08:00", datetime(2026, 3, 8, 8, tzinfo=UTC), False),
    ],
)
def test_hours_are_days_and_times_of_day(hours: object, moment: datetime, works: bool) -> None:
    """Until is exclusive; hours past midnight belong to the day on which they begin; none means any hour."""
    assert _person(hours).works_at(moment, "UTC") is works


def test_hours_are_in_the_persons_own_time() -> None:
    """Nine in Tokyo is midnight in Greenwich."""
    assert _person("mon 09:00-17:00", "Asia/Tokyo").works_at(datetime(2026, 3, 2, 0, 30, tzinfo=UTC), "UTC")
    assert _person("mon 09:00-17:00").works_at(datetime(2026, 3, 2, 8, 30, tzinfo=UTC), "Europe/Paris")


@pytest.mark.parametrize(
    "written", [9, {"mon": "9-17"}, "moon 09:00-17:00", "mon-fryday 09:00-17:00", "mon 9-17", "mon 09:00 17:00"]
)
def test_hours_that_cannot_be_read_say_how_to_write_them(written: object) -> None:
    """With an example to copy."""
    with pytest.raises(ValueError, match="write days, hours or both: `sat-sun`, `22:00-07:00`"):
        _person([written])


def test_hours_are_plain_data() -> None:
    """Days count from Monday, which is 0."""
    assert _person("sat-sun 10:00-12:00").hours == (Weekly((5, 6), 10 * 60, 12 * 60),)
