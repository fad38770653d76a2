"""What somebody filters the shared inbox by is written into a link, and read from it unchanged."""

from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import parse_qsl, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.domain.errors import UsageError
from monitor.domain.feed import FeedFilters, Tone
from monitor.domain.handling import HandlingState
from monitor.domain.mention import Form

_LABELS = st.lists(
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), min_size=1, max_size=20)
    .map(str.strip)
    .filter(bool),
    unique=True,
    max_size=3,
).map(tuple)
_MOMENTS = st.none() | st.datetimes(timezones=st.just(UTC))
_SHARES = st.none() | st.floats(-1, 1)


def _some(of: type[Form | Tone | HandlingState]) -> st.SearchStrategy[tuple[object, ...]]:
    return st.lists(st.sampled_from(list(of)), unique=True, max_size=3).map(tuple)


_FILTERS = st.builds(
    FeedFilters,
    **dict.fromkeys(("subjects", "networks", "sources", "languages", "intents", "topics", "assignees"), _LABELS),
    forms=_some(Form),
    tones=_some(Tone),
    states=_some(HandlingState),
    sentiment_from=_SHARES,
    sentiment_to=_SHARES,
    reach=st.none() | st.integers(0, 10**12),
    since=_MOMENTS,
    until=_MOMENTS,
    words=st.text(st.characters(exclude_categories=["Cs"]), max_size=40).filter(lambda typed: not typed or bool(typed.strip())),
)


@given(_FILTERS)
def test_a_link_says_all_of_it(filters: FeedFilters) -> None:
    """Through an address and back."""
    assert FeedFilters.from_query(parse_qsl(urlencode(filters.to_query()))) == filters


@pytest.mark.parametrize(
    "query",
    [
        "reach=many",
        "reach=-1",
        "reach=1e9",
        "sentiment_from=nan",
        "sentiment_to=7",
        "since=yesterday",
        "until=0001-01-01T00:00:00%2B23:59",
        "state=gone",
        "form=tweet",
        "tone=angry",
        "subject=a%00b",
        "network=" + "n" * 300,
        "&".join(f"topic={number}" for number in range(60)),
    ],
)
def test_what_is_no_filter_is_named(query: str) -> None:
    """A link that somebody wrote by hand says which parameter is wrong."""
    with pytest.raises(UsageError, match=f"^{query.partition('=')[0]}: "):
        FeedFilters.from_query(parse_qsl(query))


def test_what_is_not_ours_is_left_alone() -> None:
    """A page has parameters of its own; an empty field of a form filters nothing; a moment without a zone is in UTC."""
    read = FeedFilters.from_query([("before", "7"), ("subject", ""), ("q", " "), ("since", "2026-03-02T08:00")])
    assert read == FeedFilters(since=datetime(2026, 3, 2, 8, tzinfo=UTC))
