"""What is usual is learnt key by key, and what is not is a surprise, in whatever order it comes and after a restart."""

from __future__ import annotations

import json
from itertools import pairwise
from math import exp, lgamma, log, log10
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.chance import improbability
from rules.surprise import Surprise


def usual() -> Surprise:
    """With the half-lives that a rule of an hour has when it says nothing."""
    return Surprise(level=864, dispersion=2016)


def fed(counts: list[int], surprise: Surprise | None = None, *, since: int = 0) -> Surprise:
    """So many in each bucket, one bucket after the other."""
    surprise = surprise or usual()
    for at, count in enumerate(counts, since):
        surprise.add(at, count)
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


def test_a_week_of_the_usual_is_no_surprise_and_twice_as_much_is() -> None:
    """Six every five minutes; then twelve, for as long as a window."""
    week = fed([6] * 2016)
    assert week.dump()["level"] == pytest.approx(6)
    assert week.score() < 0.5
    storm = fed([6] * 2016 + [12] * 12)
    assert storm.score() > 2.1


def test_a_key_that_is_always_unsteady_is_hard_to_surprise() -> None:
    """The same mean, in hours of nothing and hours of twelve: what comes spreads widely, and that is learnt."""
    steady, unsteady = fed([6] * 2016 + [12] * 18), fed([*[0] * 36, *[12] * 36] * 28 + [12] * 18)
    assert steady.score() > unsteady.score() + 1


def test_a_surprise_fades_with_time_alone() -> None:
    """After an hour and a half of nothing more, nothing is surprising."""
    surprise = fed([6] * 2016 + [30] * 6)
    assert surprise.score() > 4
    surprise.advance(2016 + 6 + 30)
    assert surprise.score() < 1


def test_what_spreads_widely_is_forgotten_at_its_own_pace() -> None:
    """The same level, the same bursts a week ago: the shorter memory of how widely they spread is surprised again."""
    bursts = [*[2] * 288, *([0] * 12 + [20] * 12) * 24, *[2] * 2016, *[8] * 12]
    quick, slow = fed(bursts, Surprise(level=864, dispersion=144)), fed(bursts, Surprise(level=864, dispersion=8064))
    assert quick.score() > slow.score() + 0.3


def test_one_burst_does_not_make_a_silent_key_numb_for_ever() -> None:
    """However large: what it teaches about spreading is bounded, so that another one stands out within days."""
    surprise = fed([0] * 864 + [500] + [0] * 800)
    before = fed([0] * 864 + [500] + [0] * 800 + [40] * 12)
    assert surprise.score() < 0.5
    assert before.score() > 2.1


@pytest.mark.parametrize("silent", [2_000, 100_000, 10_000_000])
def test_silence_is_cheap_and_takes_what_was_usual_with_it(silent: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a long one only three days (of a rule of an hour) are walked through, in however many steps it is done."""
    walked: list[int] = []
    learn = Surprise._learn

    def counted(surprise: Surprise, count: int) -> None:
        walked.append(count)
        learn(surprise, count)

    monkeypatch.setattr(Surprise, "_learn", counted)
    at_once, in_steps = fed([3] * 2016), fed([3] * 2016)
    walked.clear()
    at_once.advance(2016 + silent)
    assert len(walked) < 900
    for at in range(2016, 2016 + silent, silent // 7):
        in_steps.advance(at)
    in_steps.advance(2016 + silent)
    assert _close(in_steps.dump(), at_once.dump())
    assert at_once.dump()["level"] == pytest.approx(3 * 2 ** (-silent / 864), rel=0.01, abs=1e-12)


def test_after_a_long_silence_everything_has_its_place_again() -> None:
    """What comes then is counted where it came, teaches, and ends the silence."""
    surprise = fed([1, 2, 3], fed([3] * 300), since=100_000)
    assert surprise.dump()["came"][-4:] == [0, 1, 2, 3]
    surprise.advance(100_010)
    assert surprise.dump()["came"][-10:] == [2, 3, *[0] * 8]
    assert surprise.dump()["silent"] == 6


def _close(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return all(one[name] == pytest.approx(other[name], rel=1e-9) for name in one)


@given(st.lists(st.integers(0, 5), min_size=2, max_size=60), st.lists(st.booleans(), min_size=300, max_size=300))
def test_the_order_of_arrival_does_not_matter(counts: list[int], late: list[bool]) -> None:
    """What comes up to a bucket late is counted, and teaches, as if it had been in time."""
    said = [at for at, count in enumerate(counts) for _ in range(count)]
    arrived = sorted(zip(said, late, strict=False), key=lambda each: each[0] + each[1])
    in_time, mixed = usual(), usual()
    for at in said:
        in_time.add(at, 1)
    for at, _ in arrived:
        mixed.add(at, 1)
    for surprise in (in_time, mixed):
        surprise.advance(len(counts) + 1)
    assert mixed.dump() == in_time.dump()


@given(st.permutations(range(12)), st.integers(0, 60))
def test_what_comes_in_any_order_leaves_everything_in_its_place(order: list[int], later: int) -> None:
    """The very first ones, too: all that is not open or waiting has taught, and is expected where it came."""
    surprise = usual()
    for at in order:
        surprise.add(at, 1)
    surprise.advance(12 + later)
    state = surprise.dump()
    assert len(state["came"]) - len(state["expected"]) <= 2
    assert len(state["came"]) <= 31


@given(st.lists(st.integers(0, 9), min_size=1, max_size=80), st.integers(0, 80))
def test_a_restart_changes_nothing(counts: list[int], cut: int) -> None:
    """To JSON and back, at any moment."""
    through = fed(counts)
    saved = json.loads(json.dumps(fed(counts[:cut]).dump()))
    again = fed(counts[cut:], usual().load(saved), since=min(cut, len(counts)))
    assert again.dump() == through.dump()
    assert again.score() == through.score()


@given(st.lists(st.integers(0, 9), min_size=1, max_size=80), st.integers(1, 5), st.floats(0, 1), st.booleans())
def test_one_more_is_never_less_surprising(counts: list[int], more: int, passed: float, slow_storms: bool) -> None:
    """In the open bucket, with what is usual as it is."""
    surprise = fed(counts)
    before = surprise.score(passed, slow_storms=slow_storms)
    surprise.add(len(counts) - 1, more)
    assert surprise.score(passed, slow_storms=slow_storms) >= before - 1e-6 * max(1, before)


def test_a_bucket_that_has_just_begun_expects_little() -> None:
    """A storm goes on surprising when the next twelfth of the window begins."""
    surprise = fed([6] * 2016 + [14] * 14)
    before = surprise.score()
    surprise.advance(2016 + 14)
    assert surprise.score(0.0) == pytest.approx(before, rel=0.1)
    assert surprise.score(1.0) < before - 0.2


def test_what_comes_far_too_late_is_left_out() -> None:
    """Behind everything that is still looked at."""
    surprise = fed([1] * 100)
    before = json.dumps(surprise.dump())
    surprise.add(3, 1)
    assert json.dumps(surprise.dump()) == before


@pytest.mark.parametrize("slow_storms", [True, False])
def test_what_comes_late_puts_the_sums_right_and_teaches_nothing(*, slow_storms: bool) -> None:
    """An hour late: it counts among what came, to the last of both sums, and what is usual stays."""
    counts = [2] * 88 + [10] + [2] * 11
    late, in_time = fed([2] * 100), fed(counts)
    learnt = late.dump()
    late.add(88, 8)
    for name in ("level", "spreads", "expected"):
        assert late.dump()[name] == learnt[name]
    assert late.dump()["came"] == in_time.dump()["came"]
    assert late.dump()["faded"][0] == pytest.approx(in_time.dump()["faded"][0])
    assert late.score(slow_storms=slow_storms) > in_time.score(slow_storms=slow_storms) > 0
