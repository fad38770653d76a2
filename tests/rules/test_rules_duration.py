"""Durations as people write them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from rules.duration import Duration, PositiveDuration, format_duration, format_hours, parse_duration


@pytest.mark.parametrize(
    ("written", "seconds"),
    [("90s", 90), ("5m", 300), ("2h", 7200), ("1d", 86400), ("1w", 604800), ("1h30m", 5400), ("0m", 0), (" 1d12h ", 129600)],
)
def test_units_and_their_combinations_are_understood(written: str, seconds: int) -> None:
    """s, m, h, d and w stand alone or together, the largest first."""
    assert parse_duration(written) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("written", "says"),
    [
        ("", "is not a duration: write it like 90s"),
        ("soon", "is not a duration"),
        ("30m1h", "largest unit first"),
        ("1.5h", "is not a duration"),
        ("-5m", "is not a duration"),
        (90, "90 needs a unit: write 90s, 90m, 90h or 90d"),
        (True, "True is not a duration"),
        (None, "None is not a duration"),
        ("99999d", "is too long: ten years"),
    ],
)
def test_what_is_no_duration_is_refused_with_the_fix(written: Any, says: str) -> None:
    """The error shows how to write it."""
    with pytest.raises(ValueError, match=r"duration|unit|long") as wrong:
        parse_duration(written)
    assert says in str(wrong.value)


@given(st.integers(0, 3650 * 86400))
def test_what_is_written_can_be_read_again(seconds: int) -> None:
    """Formatting and parsing are inverse to each other for whole seconds."""
    assert parse_duration(format_duration(timedelta(seconds=seconds))) == timedelta(seconds=seconds)


@pytest.mark.parametrize(("written", "hours"), [("1d21h", "45h"), ("1h30m", "1h30m"), ("45m", "45m"), ("30s", "0m")])
def test_hours_of_work_are_no_days(written: str, hours: str) -> None:
    """They are told in hours and minutes alone."""
    assert format_hours(parse_duration(written)) == hours


@pytest.mark.parametrize(("days", "written"), [(7, "1w"), (180, "180d"), (28, "4w"), (1, "1d")])
def test_weeks_are_written_where_they_are_whole(days: int, written: str) -> None:
    """Nobody reads `25w5d` as half a year."""
    assert format_duration(timedelta(days=days)) == written


def test_a_setting_shows_the_pattern_to_editors() -> None:
    """In JSON, and in the JSON Schema, a duration is a string."""
    adapter = TypeAdapter(Duration)
    assert adapter.json_schema()["type"] == "string"
    assert adapter.dump_python(timedelta(hours=36), mode="json") == "1d12h"
    assert adapter.validate_python(timedelta(hours=1)) == timedelta(hours=1)


def test_a_positive_duration_is_longer_than_nought() -> None:
    """Where nought makes no sense it is refused."""
    with pytest.raises(ValidationError, match="0s is no time at all: write at least 1s"):
        TypeAdapter(PositiveDuration).validate_python("0s")
