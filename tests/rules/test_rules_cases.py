"""The shape of a file of rule tests."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from rules import RuleTest
from rules.cases import Said, Saying, Speaker

MINUTE = timedelta(minutes=1)


def test_a_series_is_written_at_regular_times() -> None:
    """`each` says how many at each of them."""
    series = Saying.model_validate({"at": "1h", "every": "1m", "times": 2, "each": 2})
    assert list(series.moments()) == [60 * MINUTE, 60 * MINUTE, 61 * MINUTE, 61 * MINUTE]
    assert list(Saying.model_validate({"at": "5m"}).moments()) == [5 * MINUTE]


def test_an_author_may_be_a_name_alone() -> None:
    """Or settings, or nobody."""
    assert Said.model_validate({"author": "lea"}).speaker == Speaker(id="lea")
    assert Said.model_validate({"author": {"id": "lea", "reach": 10}}).speaker == Speaker(id="lea", reach=10)
    assert Said().speaker is None


STORY: dict[str, Any] = {"name": "a", "mentions": [{"at": "0m"}], "expect": []}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"mentions": [{"at": "0m", "times": 3}]}, "`every` and `times` belong together"),
        ({"mentions": [{"at": "0m", "every": "1s"}]}, "`every` and `times` belong together"),
        ({"mentions": [{"at": "0m", "every": "1s", "times": 1000, "each": 1000}]}, "1000000 mentions: 100000 at most"),
        ({"mentions": [{"at": "0m", "every": "365d", "times": 12}]}, "a story lasts ten years"),
        ({"mentions": [{"at": "5m", "arrives": "4m"}]}, "they arrive at 4m, before they are written"),
        ({"mentions": [{"at": "0m", "hashtags": ["#acme"]}]}, "write it without #: acme"),
        ({"mentions": [{"at": "0m", "sentiment": -2}]}, "greater than or equal to -1"),
        ({"mentions": []}, "a test needs `mentions` and `expect`, or `explain`"),
        ({"expect": None}, "a test needs `mentions` and `expect`, or `explain`"),
        ({"downtime": [{"from": "5m", "to": "5m"}]}, "it must end after it has begun"),
        ({"downtime": [{"from": "5m", "to": "9m"}, {"from": "1m", "to": "6m"}]}, "two of them overlap"),
        ({"explain": {"rule": "x", "matched": True, "mention": {}}}, "`explain` stands alone"),
        ({"mentions": [{"at": "0m", "replies_to": "lost"}]}, "write name: lost at the one it answers"),
        ({"mentions": [{"at": "0m", "name": "a"}, {"at": "1m", "name": "a"}]}, "two mentions are called `a`"),
        ({"mentions": [{"at": "0m", "name": "a", "every": "1m", "times": 2}]}, "two mentions are called `a`"),
    ],
)
def test_what_makes_no_story_is_refused(change: dict[str, Any], says: str) -> None:
    """In words that say what would."""
    with pytest.raises(ValidationError, match=says.replace("[", r"\[")):
        RuleTest.model_validate({**STORY, **change})


def test_downtimes_come_in_their_order() -> None:
    """One may begin where another ends."""
    told = RuleTest.model_validate({**STORY, "downtime": [{"from": "5m", "to": "9m"}, {"from": "1m", "to": "5m"}]})
    assert [each.from_ for each in told.downtime] == [MINUTE, 5 * MINUTE]


def test_what_matches_fails_nowhere() -> None:
    """`failed_at` beside `matched: true` is a contradiction."""
    with pytest.raises(ValidationError, match="what matches fails nowhere"):
        RuleTest.model_validate({"name": "a", "explain": {"rule": "x", "matched": True, "failed_at": "text", "mention": {}}})
