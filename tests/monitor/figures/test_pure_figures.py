"""What figures make of what was counted."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.domain.mention import Engagement, Observed, Utterance
from monitor.domain.tally import Tally, answer_step, hour_of, moment_of
from monitor.figures.answers import FEWEST, measured
from monitor.figures.course import mean, net, points, total
from monitor.figures.engagement import Flight, flown
from monitor.figures.span import Span
from monitor.figures.terms import found
from monitor.figures.voice import shares
from monitor.figures.week import averaged
from monitor.storage.figures import Sum

NOW = datetime(2026, 3, 29, 12, tzinfo=UTC)
ZONES = ("Europe/Paris", "America/New_York", "Asia/Kolkata", "America/St_Johns", "Pacific/Auckland", "UTC")


@given(st.dates(date(2020, 1, 1), date(2030, 1, 1)), st.integers(1, 400), st.sampled_from(ZONES))
def test_the_pieces_of_a_span_are_its_hours_in_order(first: date, days: int, zone: str) -> None:
    """None is left out, none comes twice, and each lies on a day of the span."""
    span = Span(first, first + timedelta(days=days), zone)
    pieces = list(span.hours())
    assert (pieces[0].since, pieces[-1].until) == (hour_of(span.begins), hour_of(span.ends))
    assert all(one.until == other.since and one.since < one.until for one, other in pairwise(pieces))
    local = {(hour + offset) // 24 for since, until, offset, _ in pieces for hour in range(since, until)}
    assert local == {(day - date(1970, 1, 1)).days for day in span.days}


def test_the_day_on_which_clocks_go_forward_has_23_hours() -> None:
    """Whatever the zone, a day is the reader's."""
    span = Span.last(1, NOW, "Europe/Paris")
    assert sum(until - since for since, until, *_ in span.hours()) == 23
    assert span.before == Span(date(2026, 3, 28), date(2026, 3, 29), "Europe/Paris")
    assert moment_of(hour_of(NOW)) == NOW


def test_a_course_has_every_day() -> None:
    """One without a word counts nothing; a day of two pieces is one."""
    sums = [Sum(("x", 0), Tally(1)), Sum(("x", 2), Tally(2)), Sum(("x", 2), Tally(3))]
    days = [date(1970, 1, 1) + timedelta(days=n) for n in range(3)]
    course = points(sums, days)
    assert [(each.of, each.tally.mentions) for each in course] == [("x", 1), ("x", 0), ("x", 5)]
    assert total(course).mentions == 6


def test_net_sentiment_is_of_what_was_scored() -> None:
    """Unscored mentions count for nothing, and nothing scored is no nought."""
    assert net(Tally(mentions=10, negative=3, neutral=1, positive=1)) == pytest.approx(-0.4)
    assert mean(Tally(mentions=10, negative=3, neutral=1, positive=1, sentiment=-1500)) == pytest.approx(-0.3)
    assert net(Tally(mentions=10)) is mean(Tally(mentions=10)) is None


def test_shares_of_voice_add_up() -> None:
    """Whoever nobody speaks of has none; without a word before there is nothing to compare with."""
    us, them, nobody = shares(["us", "them", "nobody"], {"us": Tally(30), "them": Tally(10)}, {"us": Tally(5)})
    assert [(each.share, each.before) for each in (us, them, nobody)] == [(0.75, 1.0), (0.25, 0.0), (0.0, 0.0)]
    assert shares(["us"], {"us": Tally(1)}, {})[0].before is None
    assert shares(["us"], {}, {}) == []


def test_a_day_that_comes_twice_counts_half_each_time() -> None:
    """Monday's first hour, and Sunday's last."""
    weeks = averaged([Sum(("x", 0), Tally(4)), Sum(("x", 167), Tally(3))], {0: 2, 6: 1})
    assert (weeks["x"][0][0], weeks["x"][6][23], sum(map(sum, weeks["x"]))) == (2.0, 3.0, 5.0)


@given(st.lists(st.integers(60, 5_000_000), min_size=FEWEST, max_size=60))
def test_answer_times_are_right_to_a_tenth(seconds: list[int]) -> None:
    """The median and the ninth decile, as counting them exactly gives them."""
    steps = sorted(map(answer_step, seconds))
    (speed,) = measured([("x", step, steps.count(step)) for step in sorted(set(steps))])
    ranked = sorted(seconds)
    for told, share in ((speed.median, 0.5), (speed.slow, 0.9)):
        assert told is not None
        exact = ranked[max(0, -int(-len(ranked) * share // 1) - 1)]
        assert told.total_seconds() == pytest.approx(exact, rel=0.11)


def test_a_few_answers_are_no_figure() -> None:
    """They would be about one person's day."""
    assert measured([("x", 3, FEWEST - 1)])[0][1:] == (FEWEST - 1, None, None)


def test_posts_soar_and_fall_flat_against_their_networks_habit() -> None:
    """Three times the median, or a third of it; where five posts are not known, nobody can tell."""

    def post(likes: int, network: str = "x") -> Observed:
        return Observed(likes, network, "own", "post", "t", NOW, NOW, engagement=Engagement(likes=likes))

    found = flown([*map(post, (10, 12, 30, 3, 10)), post(900, "y")])
    assert [each.flight for each in found] == [Flight.AS_USUAL, Flight.AS_USUAL, Flight.SOARS, Flight.FLAT, Flight.AS_USUAL, None]


def test_emerging_terms_say_how_many_say_them() -> None:
    """Now, and in the week before."""
    before = [Utterance(n, f"The kettle number {n} is fine") for n in range(40)]
    now = [Utterance(n, "The kettle has a burning battery") for n in range(8)]
    terms = found(now, before)
    assert [(each.now, each.before) for each in terms if "battery" in each.term] == [(8, 0)]
    assert found(now, []) == []
