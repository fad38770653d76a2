"""What kinds that count share: what is counted, and the words for how many that are."""

from __future__ import annotations

from datetime import timedelta

from rules.duration import format_duration
from rules.model import DISTINCT_COUNTED, AnyMeasure, Distinct, Mean, Share, Sum
from rules.observation import Observation

_DISTINCT = {"author": "authors", "cluster": "texts"}
_NO_SURPRISE, _MILLION = 0.5, 6  # powers of ten


def measured(measure: AnyMeasure) -> str:
    """The word for what a measure says: `mentions`, `authors`, `texts`, `share`, `mean sentiment` or `sum author.reach`."""
    if isinstance(measure, Share):
        return "share"
    if isinstance(measure, Mean):
        return f"mean {measure.mean}"
    if isinstance(measure, Sum):
        return f"sum {measure.sum}"
    return _DISTINCT[measure.distinct] if isinstance(measure, Distinct) else "mentions"


def counted_as(measure: str, mention: Observation) -> int:
    """The number of whoever wrote it, or of what is said; what nobody knows, and what nobody else says, stands for itself."""
    if measure == "texts":
        return mention.cluster if mention.cluster is not None else -mention.id
    return mention.author.id if mention.author.id is not None else -mention.id


def amount(value: float, measure: str) -> str:
    """So many of what is measured, in words; means and sums have no unit."""
    if measure == "share":
        return f"{value:.0%} of the mentions"
    if measure.startswith("mean "):
        return f"{value:,.2f}"
    if measure.startswith("sum "):
        return f"{value:,.0f}"
    bound = "at least " if measure != "mentions" and value >= DISTINCT_COUNTED else ""
    return f"{bound}{value:,.0f} {measure}" if value == round(value) else f"{value:,.1f}"


def odds(surprise: float, within: timedelta, what: str = "") -> str:
    """A surprise in words: what is one in a million is surprising enough for any words. `what` is it that surprises."""
    if surprise < _NO_SURPRISE:
        return "no surprise"
    once = f"{10**surprise:,.0f}" if surprise < _MILLION else "more than a million"
    by = f"{what} by chance" if what else "by chance"
    return f"a surprise of {surprise:.1f} over {format_duration(within)}: about one time in {once} {by}"
