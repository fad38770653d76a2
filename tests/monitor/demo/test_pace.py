"""The story waits for a busy machine, and not for ever."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from monitor.demo.pace import READ_WITHIN, Pace, PacedClock
from monitor.domain.mention import Enriched, Mention, Scores
from monitor.storage import Store

AT = datetime(2026, 3, 12, 12, 0, tzinfo=UTC)
STRIDE = timedelta(hours=1)
FAST = 1e9  # story seconds per real second: the clock is at its end whenever it is asked


@pytest.fixture
def clock() -> PacedClock:
    """A clock that may run for an hour, and does so at once."""
    return PacedClock(AT, FAST, until=AT + STRIDE)


def test_the_clock_stands_still_where_it_must_and_goes_on_from_there() -> None:
    """The real time in which it stood is lost: when it may go on, it does not leap."""
    clock = PacedClock(AT, FAST, until=AT + STRIDE)
    assert clock.now() == clock.now() == AT + STRIDE
    clock.speed = 1e-6
    clock.until += STRIDE
    assert AT + STRIDE <= clock.now() < AT + STRIDE + timedelta(seconds=1)


@pytest.mark.parametrize(("arrived", "goes_on"), [(1, False), (2, True), (5, True)])
async def test_the_story_goes_on_when_what_was_written_has_arrived(
    store: Store, clock: PacedClock, arrived: int, *, goes_on: bool
) -> None:
    """Posts that a source may still be about to read are not waited for."""
    just_now = AT + STRIDE - READ_WITHIN + timedelta(seconds=1)
    pace = Pace(clock, store, [just_now, AT, AT], stride=STRIDE, end=AT + 9 * STRIDE, arrived=lambda: arrived)
    await pace.look(patient=True)
    assert (clock.until > AT + STRIDE) == goes_on


async def test_the_story_waits_for_what_is_not_judged_until_patience_ends(store: Store, clock: PacedClock) -> None:
    """A post that was read and stored is judged before the clock goes on; without patience it goes on all the same."""
    async with store.begin() as tx:
        said = Mention("file", "It leaks", AT, uri="https://p.example/1")
        await tx.mentions.add([Enriched(said, frozenset(), frozenset(), Scores())], source="social", seen_at=AT)
        await tx.commit()
    pace = Pace(clock, store, [AT], stride=STRIDE, end=AT + 9 * STRIDE, arrived=lambda: 1)
    await pace.look(patient=True)
    assert clock.until == AT + STRIDE
    await pace.look(patient=False)
    assert clock.until == AT + 2 * STRIDE


async def test_the_clock_stops_at_the_end_and_goes_on_as_it_is_told(store: Store, clock: PacedClock) -> None:
    """A demo that somebody looks at stands in the middle of its crisis; from there a minute takes a minute."""
    pace = Pace(clock, store, [AT], stride=STRIDE, end=AT + STRIDE / 2, arrived=lambda: 1)
    await pace.look(patient=False)
    assert clock.until == AT + STRIDE / 2
    here = clock.now()
    clock.go_on(1, AT + 9 * STRIDE)
    assert here <= clock.now() < here + timedelta(minutes=1)
