"""How long a server asks us to wait."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.sources.limits import LONGEST, retry_after

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
SOON = NOW + timedelta(seconds=90)


@pytest.mark.parametrize(
    "headers",
    [
        {"Retry-After": "90"},
        {"retry-after": format_datetime(SOON, usegmt=True)},
        {"X-RateLimit-Reset": str(int(SOON.timestamp()))},
        {"x-rate-limit-reset": str(int(SOON.timestamp()))},
        {"X-RateLimit-Reset": str(int(SOON.timestamp() * 1000))},
        {"X-RateLimit-Reset": "2026-03-02T08:01:30.000000Z"},
        {"X-RateLimit-Reset": "2026-03-02T08:01:30"},
        {"X-Ratelimit-Reset": "90"},
        {"RateLimit-Reset": " 90 "},
        {"RateLimit": '"default";r=0;t=90'},
        {"RateLimit": "limit=100, remaining=0, reset=90"},
        {"Retry-After": "soon", "X-RateLimit-Reset": "90"},
    ],
)
def test_every_form_is_understood(headers: dict[str, str]) -> None:
    """Seconds, HTTP-date, epoch, milliseconds, ISO-8601, seconds left: ninety seconds all the same."""
    assert retry_after(headers, NOW) == pytest.approx(90, abs=1e-6)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Retry-After": ""},
        {"Retry-After": "nan"},
        {"Retry-After": "٣"},
        {"X-RateLimit-Reset": "whenever"},
        {"RateLimit": "r=0"},
    ],
)
def test_no_word_is_no_word(headers: dict[str, str]) -> None:
    """Where nothing is said, our own backoff decides."""
    assert retry_after(headers, NOW) is None


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("99999999", LONGEST), ("-5", 0), ("inf", LONGEST), ("9999-12-31T23:59:59Z", LONGEST), ("1", 1)],
)
def test_absurd_values_are_bounded(value: str, seconds: float) -> None:
    """Nobody can silence us for a year, nor make us ask in a loop."""
    assert retry_after({"Retry-After": value}, NOW) == seconds


@given(st.dictionaries(st.sampled_from(["Retry-After", "X-RateLimit-Reset", "RateLimit"]), st.text(max_size=40)))
def test_any_header_is_survived(headers: dict[str, str]) -> None:
    """Whatever stands there, the answer is a bounded wait or none."""
    wait = retry_after(headers, NOW)
    assert wait is None or 0 <= wait <= LONGEST
