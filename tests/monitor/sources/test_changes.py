"""What a source has brought is brought again only when it has changed."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from monitor.domain.mention import Engagement, Mention
from monitor.sources import changes
from monitor.sources.changes import Brought

AT = datetime(2026, 3, 1, tzinfo=UTC)
IT = Mention("wall", "hello", AT, uri="https://x.example/1", hashtags=frozenset({"a", "b", "c"}))


def kept(brought: Brought) -> Brought:
    """After a restart."""
    return Brought.load(json.loads(json.dumps(brought.dump())))


def test_the_same_is_brought_once() -> None:
    """Across restarts, and in whatever order its hashtags stand."""
    brought, first = Brought().news([IT, IT])
    assert first == [IT]
    assert kept(brought).news([replace(IT, hashtags=frozenset({"c", "b", "a"}))])[1] == []


def test_what_has_changed_is_brought_again() -> None:
    """An edited text, and what the public did since."""
    brought, _ = Brought().news([IT])
    for changed in (replace(IT, text="bye"), replace(IT, engagement=Engagement(likes=2))):
        assert kept(brought).news([changed])[1] == [changed]


def test_rubbish_is_nothing() -> None:
    """A cursor that somebody wrote by hand."""
    assert Brought.load(["x"]) == Brought.load(None) == Brought()


@given(st.lists(st.integers(0, 50), max_size=60), st.integers(1, 20))
def test_nothing_is_ever_lost(numbers: list[int], most: int) -> None:
    """However little is remembered, every mention is brought at least once, oldest first."""
    remembered, changes.MOST_BROUGHT = changes.MOST_BROUGHT, most
    try:
        brought, seen = Brought(), set()
        for number in numbers:
            brought, news = brought.news([replace(IT, uri=f"https://x.example/{number}", written_at=AT + timedelta(number))])
            seen |= {mention.uri for mention in news}
            assert len(brought.known) <= most
        assert len(seen) == len(set(numbers))
    finally:
        changes.MOST_BROUGHT = remembered
