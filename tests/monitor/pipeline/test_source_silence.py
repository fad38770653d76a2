"""How long a source has been silent: what holds of that whenever it answers, and however often we start anew."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from monitor.domain.source import SourceState
from monitor.pipeline.health import PATIENCE, silent_for
from monitor.sources import SourceSettings

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
EVERY = timedelta(minutes=2)


def ill(answers: Sequence[bool], starts: Collection[int] = ()) -> list[bool]:
    """After each poll, whether an alert of the source is open; before some polls we start anew."""
    last, started, found = None, NOON, [False]
    for number, answered in enumerate(answers):
        now = NOON + number * EVERY
        started = now if number in starts else started
        last = now if answered else last
        state = SourceState("net", first_attempt_at=NOON, last_success_at=last)
        found.append(silent_for(state, SourceSettings(every=EVERY), now, started, known=found[-1]) is not None)
    return found[1:]


_answers = st.lists(st.booleans() | st.just(False), max_size=60)
_starts = st.sets(st.integers(0, 59), max_size=6)


@given(answers=_answers, starts=_starts)
def test_a_start_gives_a_source_its_time_and_heals_nobody(answers: list[bool], starts: set[int]) -> None:
    """It rings later than without one by as long as a source may be silent, at most, and ends when it answers, and not before."""
    through, cut = ill(answers), ill(answers, starts)
    for number, (steady, anew) in enumerate(zip(through, cut, strict=True)):
        lately = any(number * EVERY - start * EVERY <= PATIENCE for start in starts if start <= number)
        assert anew == steady or (steady and lately)
    for number, (before, after) in enumerate(pairwise(cut), 1):
        assert after or not before or answers[number]


@given(answers=_answers, more=st.integers(0, 59))
def test_one_more_answer_makes_no_source_ill(answers: list[bool], more: int) -> None:
    """Whoever answers once more is never ill where he was well."""
    again = [answered or number == more for number, answered in enumerate(answers)]
    assert all(before or not after for before, after in zip(ill(answers), ill(again), strict=True))
