"""Turns: everybody's comes, nobody who is gone has one, and there are never too many."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from monitor.sources.turns import Turns


def test_those_that_are_left_have_their_turn_next() -> None:
    """One by one, and from the beginning again; new ones at the end, gone ones never."""
    turns = Turns(("a", "b", "c", "d"))
    assert turns.due(2) == ("a", "b")
    turns = turns.after(2, gone={"a"}, new=["e", "b"], most=10)
    assert (turns.names, turns.due(9)) == (("b", "c", "d", "e"), ("c", "d", "e"))
    assert turns.after(3, gone=(), new=["f"], most=10).due(9) == ("b", "c", "d", "e", "f")


def test_of_too_many_the_first_go() -> None:
    """And whose turn it is stays whose turn it is."""
    turns = Turns(("a", "b", "c", "d"), 2).after(1, gone=(), new=["e", "f"], most=4)
    assert (turns.names, turns.due(1)) == (("c", "d", "e", "f"), ("d",))


def test_rubbish_is_nobody() -> None:
    """A cursor may hold anything."""
    rubbish: list[object] = [None, [], {}, {"names": 3, "at": 0}, {"names": ["a"], "at": 7}, {"names": ["a"], "at": None}]
    for state in rubbish:
        assert Turns.load(state) == Turns()
    assert Turns.load(Turns(("a", "b"), 1).dump()) == Turns(("a", "b"), 1)


@given(st.integers(0, 30), st.integers(1, 10), st.integers(1, 20))
def test_everybody_has_a_turn(many: int, count: int, most: int) -> None:
    """Within as many looks as there are lots, whatever their number."""
    names = list(map(str, range(many)))
    turns = Turns().after(0, gone=(), new=names, most=most)
    met: list[str] = []
    for _ in range(-(-len(turns.names) // count)):
        due = turns.due(count)
        met += due
        turns = turns.after(len(due), gone=(), new=(), most=most)
    assert sorted(met) == sorted(names[-most:])
