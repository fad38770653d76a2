"""Posts that are looked at again: all in turn, the newest of too many, and none that is gone."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from monitor.sources.mastodon_again import AT_ONCE, Watched

NUMBERS = st.sets(st.integers(1, 10**18).map(str), max_size=90)


@given(NUMBERS, NUMBERS)
def test_everybody_has_a_turn(first: set[str], later: set[str]) -> None:
    """Whatever comes meanwhile, whoever waits is looked at before anybody is a second time."""
    watched = Watched().after((), (), dict.fromkeys(first, "uri"), 1_000)
    looked: list[str] = []
    new = dict.fromkeys(later, "uri")
    while len(looked) < len(first):
        due = watched.due
        looked += due
        watched = watched.after(due, (), new, 1_000)
    assert set(looked[: len(first)]) == first
    assert set(watched.posts) >= first


@given(NUMBERS, st.integers(0, 50))
def test_of_too_many_the_newest_are_kept(numbers: set[str], most: int) -> None:
    """As ids sort: by length, then by letter."""
    kept = Watched().after((), (), dict.fromkeys(numbers, "uri"), most).posts
    assert sorted(kept, key=int) == sorted(numbers, key=int)[max(len(numbers) - most, 0) :]


@given(NUMBERS)
def test_what_is_gone_is_looked_at_no_more(numbers: set[str]) -> None:
    """Nor does it come back with the cursor; rubbish in one is nothing."""
    watched = Watched().after((), (), dict.fromkeys(numbers, "uri"), 1_000)
    gone = watched.due[:3]
    after = Watched.load(dict(watched.after(watched.due, gone, {}, 1_000).posts))
    assert set(after.posts) == numbers - set(gone)
    assert len(after.due) <= AT_ONCE
    assert Watched.load([1]) == Watched()
