"""Moments as data sources write them."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.sources.times import parse_time

MOMENT = datetime(2023, 11, 16, 15, 13, 18, tzinfo=UTC)


@pytest.mark.parametrize(
    "written",
    [
        "2023-11-16T15:13:18Z",
        "2023-11-16 16:13:18 +01:00",
        "2023-11-16 16:13:18 +0100",
        "2023-11-16T15:13:18.000+00:00",
        "2023-11-16T15:13:18",
        " 2023-11-16 15:13:18 ",
        "20231116T151318Z",
        "Thu, 16 Nov 2023 16:13:18 +0100",
        "Thu Nov 16 15:13:18 +0000 2023",
        1700147598,
        1700147598.0,
        "1700147598",
        1700147598000,
        "1700147598000",
        1700147598000000,
        MOMENT,
    ],
)
def test_every_common_form_is_understood(written: object) -> None:
    """One moment, however it is written."""
    assert parse_time(written) == MOMENT


def test_a_time_without_a_zone_is_local() -> None:
    """The configured zone is meant, summer time included."""
    paris = ZoneInfo("Europe/Paris")
    assert parse_time("2023-11-16 16:13:18", paris) == MOMENT
    assert parse_time("2023-07-16 16:13:18", paris).hour == 14
    assert parse_time("2023-11-16", paris) == datetime(2023, 11, 15, 23, tzinfo=UTC)


def test_a_pattern_reads_the_rest() -> None:
    """Day first, as the French write it, needs a pattern."""
    assert parse_time("16/11/2023 16h13", ZoneInfo("Europe/Paris"), "%d/%m/%Y %Hh%M") == MOMENT.replace(second=0)
    with pytest.raises(ValueError, match="pattern in `time_format`"):
        parse_time("2023-11-16", UTC, "%d/%m/%Y")


@pytest.mark.parametrize("written", ["yesterday", "", "16/11/2023", "12", True, None, [], {}, float("nan"), 1e300, "9" * 20])
def test_what_is_no_time_is_refused(written: object) -> None:
    """A time that is not understood is an error in words, never a guess."""
    with pytest.raises(ValueError, match="time"):
        parse_time(written)


@pytest.mark.parametrize(
    "written",
    [
        "0001-01-01T00:00:00Z",
        "1989-12-31T23:59:59Z",
        "2201-01-01T00:00:00Z",
        "9999-12-31T23:59:59Z",
        0,
        -1,
        datetime(1, 1, 1, tzinfo=UTC),
    ],
)
def test_a_moment_outside_our_age_is_refused(written: object) -> None:
    """Year 1 and year 9999 are how other programs write that they do not know: nobody wrote anything then."""
    with pytest.raises(ValueError, match=r"lies outside the years 1990 to 2200"):
        parse_time(written)
    assert parse_time("1990-01-01T00:00:00Z").year == 1990
    assert parse_time("2200-12-31T23:59:59Z").year == 2200


@given(st.text(max_size=60) | st.integers() | st.floats())
def test_anything_is_a_moment_or_a_value_error(written: object) -> None:
    """Nothing else is ever raised, and a moment is always aware and in UTC."""
    try:
        moment = parse_time(written, ZoneInfo("Asia/Tokyo"))
    except ValueError:
        return
    assert moment.utcoffset() is not None
    assert moment.tzinfo is UTC
