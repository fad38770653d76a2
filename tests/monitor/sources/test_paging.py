"""Walks over made-up servers: nothing is lost, nothing is endless."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from monitor.sources.paging import MOST_PAGES, Seen, Walk, beyond

START = datetime(2026, 3, 1, tzinfo=UTC)
OVERLAP = timedelta(minutes=2)


@dataclass
class Server:
    """A list of posts, in pages that are named by their number or by the last id before them."""

    size: int
    newest_first: bool
    by_id: bool
    posts: list[Seen] = field(default_factory=list)

    def publish(self, minute: int) -> None:
        """A post of so many minutes after the start."""
        self.posts.append(Seen(str(len(self.posts)), START + timedelta(minutes=minute)))

    def page(self, at: str | None) -> tuple[list[Seen], str | None]:
        """A page, and where the next is."""
        ordered = sorted(self.posts, key=lambda each: (each.at, int(each.id)), reverse=self.newest_first)
        ids = [each.id for each in ordered]
        first = 0 if at is None else ids.index(at) + 1 if self.by_id else int(at) * self.size
        page = ordered[first : first + self.size]
        if first + self.size >= len(ordered):
            return page, None
        return page, page[-1].id if self.by_id else str(first // self.size + 1)


def step(server: Server, cursor: str) -> tuple[str, list[Seen], bool]:
    """One poll: the cursor after it, what it found, and whether there is more."""
    walk = Walk.load(json.loads(cursor))
    walk, new = walk.take(*server.page(walk.at), overlap=OVERLAP, newest_first=server.newest_first)
    return json.dumps(walk.dump()), new, walk.more


def walked(server: Server, cursor: str) -> tuple[str, list[Seen]]:
    """Polls until there is no more; a walk that sees more pages than there are fails here."""
    found: list[Seen] = []
    for _ in range(2 * len(server.posts) + 3):
        cursor, new, more = step(server, cursor)
        found += new
        if not more:
            return cursor, found
    raise AssertionError("it does not end")


@given(
    size=st.integers(1, 4),
    by_id=st.booleans(),
    first=st.integers(0, 6),
    told=st.lists(st.one_of(st.integers(-1, 3), st.none()), max_size=40),
    killed=st.lists(st.booleans(), min_size=1, max_size=7),
)
def test_nothing_is_lost_between_polls(size: int, by_id: bool, first: int, told: list[int | None], killed: list[bool]) -> None:
    """Posts come in bursts, at equal times, and a little late; polls come in between (None), and some die before their commit."""
    server = Server(size, newest_first=True, by_id=by_id)
    for _ in range(first):
        server.publish(0)
    cursor, found, _ = step(server, "{}")
    history = {each.id for each in server.posts} - {each.id for each in found}
    stored, minute, polls, burst = {each.id for each in found}, 0, 0, 0
    for advance in told:
        if advance is not None:
            burst += 1
            if burst >= size and not by_id:
                continue  # of numbered pages one comes again when a page of posts comes before it: seldom, and never for ever
            minute = max(minute, minute + advance)
            server.publish(max(0, minute - (advance < 0)))  # one that is written a minute before the last
            continue
        polls, burst = polls + 1, 0
        after, found, _ = step(server, cursor)
        if not killed[polls % len(killed)]:
            cursor, stored = after, stored | {each.id for each in found}
    for _ in range(3):  # nobody publishes any more: the walk ends, and the next one is whole
        cursor, found = walked(server, cursor)
        stored |= {each.id for each in found}
    assert stored | history >= {each.id for each in server.posts}
    assert walked(server, cursor)[1] == []


@given(size=st.integers(1, 4), counts=st.lists(st.integers(0, 9), min_size=1, max_size=6))
def test_oldest_first_with_history(size: int, counts: list[int]) -> None:
    """A list that is sorted the other way, read from its beginning."""
    server, walk, stored = Server(size, newest_first=False, by_id=False), Walk(), set()
    for minute, number in enumerate(counts):
        for _ in range(number):
            server.publish(minute)
        for _ in range(len(server.posts) + 2):
            walk, new = walk.take(*server.page(walk.at), newest_first=False, history=True)
            stored |= {each.id for each in new}
            if not walk.more:
                break
    assert stored == {each.id for each in server.posts}


@given(
    pages=st.lists(st.lists(st.integers(0, 5), max_size=3), min_size=1, max_size=5),
    tokens=st.lists(st.sampled_from(["a", "b", "c"]), min_size=1, max_size=5),
)
def test_nothing_is_endless(pages: list[list[int]], tokens: list[str]) -> None:
    """A server that gives the same pages in turn for ever, with tokens as it likes."""
    walk = Walk(floor=START)
    for number in range(MOST_PAGES + 1):
        page = [Seen(str(each), START + timedelta(minutes=each)) for each in pages[number % len(pages)]]
        walk, _ = walk.take(page, tokens[number % len(tokens)])
        if not walk.more:
            break
    assert not walk.more
    assert number < 4 * len(pages) * len(tokens) + 3


def test_a_list_that_is_made_up_ends() -> None:
    """New entries for ever, newer than all that is known: a limit ends them."""
    walk = Walk(floor=START)
    for number in range(MOST_PAGES + 1):
        walk, _ = walk.take([Seen(str(number), START + timedelta(days=1))], str(number))
        if not walk.more:
            break
    assert (number, walk.gave_up) == (MOST_PAGES - 1, True)
    assert "gave_up" not in walk.dump()


def test_what_is_pinned_on_top_ends_no_walk() -> None:
    """An old entry that stands first is no sign that the rest is old."""
    old, new = Seen("old", START - timedelta(days=9)), Seen("new", START + timedelta(minutes=1))
    walk, found = Walk(floor=START).take([old, new], "2")
    assert (found, walk.more) == ([new], True)


def test_a_lost_place_loses_nothing() -> None:
    """The walk begins again at the first page, with the floor it had."""
    walk, _ = Walk(floor=START).take([Seen("9", START + timedelta(minutes=9))], "token")
    assert walk.again() == Walk(floor=START)
    assert not walk.take([Seen("1", START - OVERLAP)], "token")[0].gave_up
    assert walk.watermark == START


def test_rubbish_is_the_beginning() -> None:
    """A cursor that nobody wrote."""
    states: tuple[object, ...] = (
        None,
        7,
        [],
        {"floor": "x"},
        {"floor": "2026-01-01T00:00:00"},
        {"known": 3},
        {"repeats": "x"},
        {"floor": {}},
    )
    for state in states:
        assert Walk.load(state) == Walk()


def test_ids_beyond_the_last_come_in_their_order() -> None:
    """By length, then by letter."""
    assert beyond(["10", "9", "11", "8"], "8") == ["9", "10", "11"]
    assert beyond(["2", "1"], None) == ["1", "2"]


def test_what_is_known_does_not_end_a_walk_through_answers() -> None:
    """New answers may stand under old comments: whoever asks says when it is enough."""
    known = [Seen(str(number), START) for number in range(3)]
    walk, _ = Walk(START).take(known, "2", through=True)
    assert walk.more
    walk, new = walk.take([Seen("new", START + timedelta(hours=1)), Seen("old", START)], "3", through=True)
    assert ([each.id for each in new], walk.more) == (["new", "old"], True)
    walk, _ = walk.take([], None, through=True)
    assert not walk.more
