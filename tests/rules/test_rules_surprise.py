"""What is usual is learnt key by key, and what is not is a surprise, in whatever order it comes and after a restart."""

from __future__ import annotations

import json
from itertools import pairwise
from math import exp, lgamma, log, log10

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.chance import improbability
from rules.surprise import Surprise
from rules.voices import EXACT, Voices


def usual(*, voices: bool = False) -> Surprise:
    """With the half-lives that a rule has when it says nothing."""
    return Surprise(level=864, dispersion=2016, voices=voices)


def fed(counts: list[int], surprise: Surprise | None = None) -> Surprise:
    """So many in each bucket, one bucket after the other, each by somebody else."""
    surprise = surprise or usual()
    for at, count in enumerate(counts):
        surprise.advance(at)
        for each in range(count):
            surprise.add(at, at * 1000 + each)
    return surprise


def summed(count: int, mean: float, size: float) -> float:
    """The same tail, term by term."""
    first = total = 0.0
    for number in range(count, count + 100_000):
        term = lgamma(number + size) - lgamma(size) - lgamma(number + 1)
        term += size * log(size / (mean + size)) + number * log(mean / (mean + size))
        first = first or term
        total += exp(term - first)
        if exp(term - first) < total * 1e-13:
            break
    return -(first / log(10) + log10(total))


@given(st.integers(1, 400), st.floats(0.001, 300), st.floats(0.2, 60))
def test_the_chance_is_that_of_every_count_from_there_on(count: int, mean: float, size: float) -> None:
    """Beside the sum of all terms of the distribution; nothing is asked of what is no more than the mean."""
    expected = summed(count, mean, size) if count > mean else 0.0
    assert improbability(count, mean, size) == pytest.approx(expected, rel=1e-6, abs=1e-6)


@given(st.floats(0.001, 1e4), st.floats(0.02, 60), st.lists(st.floats(0, 1e6), min_size=2, max_size=6))
def test_more_is_never_less_surprising(mean: float, size: float, counts: list[float]) -> None:
    """However many, whole or not."""
    found = [improbability(count, mean, size) for count in sorted(counts)]
    assert all(more >= less - 1e-6 * max(1, less) for less, more in pairwise(found))


def test_no_count_is_too_large() -> None:
    """A probability would long be 0."""
    assert improbability(1e6, 1.0, 1.0) == pytest.approx(301_030, rel=1e-4)


@given(st.lists(st.integers(-50, 10_000), max_size=200))
def test_few_voices_are_counted_exactly(who: list[int]) -> None:
    """In any order, and however often each speaks."""
    forth, back = Voices(), Voices()
    for each in who:
        forth.add(each)
    for each in reversed(who):
        back.add(each)
    assert forth.dump() == back.dump() == Voices(forth.dump()).dump()
    if len(set(who)) < EXACT:
        assert forth.value == len(set(who))


@pytest.mark.parametrize("people", [100, 1_000, 20_000])
def test_many_voices_are_estimated(people: int) -> None:
    """Right to within two standard errors, in the same little room."""
    voices = Voices()
    for who in range(people):
        voices.add(who)
        voices.add(who)
    assert voices.value == pytest.approx(people, rel=0.25)
    assert len(voices.dump()) == EXACT


def test_a_week_of_the_usual_is_no_surprise_and_twice_as_much_is() -> None:
    """Six every five minutes; then twelve, for as long as a window."""
    week = fed([6] * 2016)
    assert week.level == pytest.approx(6)
    assert week.score() < 0.5
    storm = fed([6] * 2016 + [12] * 12)
    assert storm.score() > 2.1


def test_a_key_that_is_always_unsteady_is_hard_to_surprise() -> None:
    """The same mean, in hours of nothing and hours of twelve: what comes spreads widely, and that is learnt."""
    steady, unsteady = fed([6] * 2016 + [12] * 18), fed([*[0] * 36, *[12] * 36] * 28 + [12] * 18)
    assert steady.score() > unsteady.score() + 1


def test_one_loud_voice_is_one() -> None:
    """Where different people are counted, whoever repeats himself surprises nobody."""
    surprise = fed([2] * 600, usual(voices=True))
    before = surprise.score()
    for _ in range(500):
        surprise.add(599, 7)
    assert surprise.score() <= before + 0.5


def test_a_long_silence_is_over_soon() -> None:
    """A key that was silent for years costs no more than one that was for two weeks, and counts from nothing again."""
    surprise = fed([3] * 300)
    surprise.advance(10_000_000)
    assert surprise.level < 1e-3
    surprise.add(10_000_000, 1)
    assert surprise.score() >= 0


@given(st.lists(st.integers(0, 5), min_size=2, max_size=60), st.lists(st.booleans(), min_size=300, max_size=300), st.booleans())
def test_the_order_of_arrival_does_not_matter(counts: list[int], late: list[bool], voices: bool) -> None:
    """What comes up to a bucket late is counted, and teaches, as if it had been in time."""
    said = [(at, at * 10 + each) for at, count in enumerate(counts) for each in range(count)]
    arrived = sorted(zip(said, late, strict=False), key=lambda each: each[0][0] + each[1])
    in_time, mixed = usual(voices=voices), usual(voices=voices)
    for at, who in said:
        in_time.add(at, who)
    for (at, who), _ in arrived:
        mixed.add(at, who)
    for surprise in (in_time, mixed):
        surprise.advance(len(counts) + 1)
    assert mixed.dump() == in_time.dump()


@given(st.lists(st.integers(0, 9), min_size=1, max_size=80), st.integers(0, 80), st.booleans())
def test_a_restart_changes_nothing(counts: list[int], cut: int, voices: bool) -> None:
    """To JSON and back, at any moment."""
    through = fed(counts, usual(voices=voices))
    first = fed(counts[:cut], usual(voices=voices))
    again = usual(voices=voices).load(json.loads(json.dumps(first.dump())))
    for at, count in enumerate(counts[cut:], cut):
        again.advance(at)
        for each in range(count):
            again.add(at, at * 1000 + each)
    assert again.dump() == through.dump()
    assert again.score() == through.score()


@given(st.lists(st.integers(0, 9), min_size=1, max_size=80), st.integers(1, 5), st.booleans())
def test_one_more_is_never_less_surprising(counts: list[int], more: int, slow_storms: bool) -> None:
    """In the open bucket, with what is usual as it is."""
    surprise = fed(counts)
    before = surprise.score(slow_storms=slow_storms)
    for each in range(more):
        surprise.add(len(counts) - 1, -each)
    assert surprise.score(slow_storms=slow_storms) >= before - 1e-6 * max(1, before)


def test_what_comes_far_too_late_is_left_out() -> None:
    """Behind everything that is still looked at."""
    surprise = fed([1] * 100)
    before = json.dumps(surprise.dump())
    surprise.add(3, 1)
    assert json.dumps(surprise.dump()) == before


def test_what_comes_late_puts_the_sums_right_and_teaches_nothing() -> None:
    """An hour late: it counts among what came, and what is usual stays."""
    late, in_time = fed([2] * 100), fed([2] * 88 + [10] + [2] * 11)
    level = late.level
    for each in range(8):
        late.add(88, -each)
    assert late.level == level
    assert late.score(slow_storms=True) == pytest.approx(in_time.score(slow_storms=True), rel=0.3)
