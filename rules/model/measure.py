"""What a rule counts, and how far back."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Discriminator, Field, Tag

from rules.base import Settings
from rules.duration import Duration, format_duration
from rules.where import Where

DISTINCT_COUNTED = 5_000
"""Distinct authors or texts are counted exactly up to this many within a window; beyond it the figure is a lower bound."""


class Distinct(Settings):
    """Counts each different author once, or each different text."""

    distinct: Literal["author", "cluster"] = Field(
        description="what is counted once: an `author` (an unknown one counts as one per mention), or a `cluster` of posts that"
        " say nearly the same (what has fewer than 8 different words stands for itself)"
    )


class Share(Settings):
    """The share of the rule's mentions that also match these conditions; where unknown, a mention counts on neither side."""

    share: Where = Field(description="conditions on top of the rule's own `where`")


class Mean(Settings):
    """The mean of a number over the rule's mentions; those of which it is unknown are left out, and counted apart."""

    mean: Literal[
        "sentiment", "complaint", "safety_risk", "author.reach", "engagement.replies", "engagement.shares", "engagement.likes"
    ] = Field(description="which number of a mention")


class Sum(Settings):
    """The sum of a number over the rule's mentions; one of which it is unknown adds nothing."""

    sum: Literal["complaint", "author.reach", "engagement.replies", "engagement.shares", "engagement.likes"] = Field(
        description="which number of a mention: how many followers they reach together, say"
    )


AnyMeasure = Literal["count"] | Distinct | Share | Mean | Sum
_MODELS: dict[str, type[Settings]] = {"share": Share, "mean": Mean, "sum": Sum}


def _kind_of_measure(value: Any) -> str:
    for name, model in _MODELS.items():
        if isinstance(value, model) or (isinstance(value, dict) and name in value):
            return name
    return "count" if isinstance(value, str) else "distinct"


Measure = Annotated[
    Annotated[Literal["count"], Tag("count")]
    | Annotated[Distinct, Tag("distinct")]
    | Annotated[Share, Tag("share")]
    | Annotated[Mean, Tag("mean")]
    | Annotated[Sum, Tag("sum")],
    Discriminator(_kind_of_measure),
]

HowMany = Annotated[
    Annotated[Literal["count"], Tag("count")] | Annotated[Distinct, Tag("distinct")], Discriminator(_kind_of_measure)
]
"""The measures that say how many."""


def _of_a_length(window: timedelta) -> timedelta:
    if not timedelta(minutes=1) <= window <= timedelta(days=30):
        raise ValueError(f"a window of {format_duration(window)} cannot be kept: write one from 1m to 30d")
    return window


Window = Annotated[Duration, AfterValidator(_of_a_length)]
"""How far back a rule looks, in event time."""
