"""Because of which fields a rule does not hold for a mention."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from monitor.domain.mention import Observed
    from rules import Engine

MILD = {"sentiment": -0.1, "own": False, "reach": 10}


@pytest.mark.parametrize(
    ("where", "fields"),
    [
        ({"sentiment": {"lte": -0.4}}, ["sentiment"]),
        ({"sentiment": {"lte": 0}}, []),
        ({"author.own": False, "author.reach": {"gte": 100}, "sentiment": {"lte": -0.4}}, ["sentiment", "author.reach"]),
        ({"complaint": {"gte": 0.5}}, ["complaint"]),  # unknown: it does not hold for certain
        ({"any": [{"author.own": False}, {"sentiment": {"lte": -0.4}}]}, []),
        ({"any": [{"complaint": {"gte": 0.5}}, {"sentiment": {"lte": -0.4}}]}, ["complaint", "sentiment"]),
        ({"all": [{"any": [{"author.own": False}, {"complaint": {"gte": 1}}]}, {"sentiment": {"lte": -0.4}}]}, ["sentiment"]),
        ({"not": {"author.own": False, "sentiment": {"lte": 0}}}, ["sentiment", "author.own"]),
        ({"not": {"author.own": True}}, []),
    ],
)
def test_the_fields_are_those_that_kept_it_from_holding(
    engine: Callable[..., Engine], mention: Callable[..., Observed], where: dict[str, Any], fields: list[str]
) -> None:
    """What fails beside something that holds, within `any`, is no reason; nor is what holds, within `all`."""
    made = engine({"id": "probe", "kind": "mention", "where": where})
    assert made.failed_at("probe", mention(**MILD)) == fields
