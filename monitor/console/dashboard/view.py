"""The dashboard's numbers at a glance, each beside what it was as many days before: pure, from sums."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from monitor.domain.tally import Tally
from monitor.figures.course import net
from monitor.figures.engagement import Flight, Flown
from monitor.settings import Settings
from monitor.storage.figures import Sum

SEEN: Final = (
    "mentions",
    "negative",
    "neutral",
    "positive",
    "complaints",
    "engagement",
    "answered",
    "own_posts",
    "own_engagement",
)
_MAPS: Final = 6  # networks that have a map of the week
_SHOWN: Final = 5


@dataclass(frozen=True, slots=True)
class Glance:
    """`more` is by how much of what was before there is more now (−1 … ); None: there was nothing before."""

    now: Tally
    net: float | None
    net_before: float | None
    more: float | None
    complained: float | None
    answered: float | None


def together(sums: Iterable[Sum]) -> Tally:
    """All of it."""
    whole = Tally()
    for each in sums:
        whole = whole.plus(each.tally)
    return whole


def glance(now: Tally, before: Tally) -> Glance:
    """The cards."""
    said = now.mentions
    return Glance(
        now,
        net(now),
        net(before),
        said / before.mentions - 1 if before.mentions else None,
        now.complaints / said if said else None,
        now.answered / said if said else None,
    )


def loudest(sums: Iterable[Sum]) -> list[str]:
    """The networks on which most is said."""
    said: Counter[str] = Counter()
    for each in sums:
        said[each.of[0]] += each.tally.mentions
    return [network for network, number in said.most_common(_MAPS) if number]


def far_off(posts: Sequence[Flown]) -> tuple[list[Flown], list[Flown]]:
    """Those that soar, the highest first, and those that fall flat, the newest first."""
    soaring = sorted((each for each in posts if each.flight is Flight.SOARS), key=lambda each: -each.engagement)
    return soaring[:_SHOWN], [each for each in posts if each.flight is Flight.FLAT][:_SHOWN]


def lacking(settings: Settings) -> str:
    """Why there may be nothing to show: no `sources`, or sources that have brought nothing of these days ("")."""
    return "" if any(each.enabled for each in settings.sources.values()) else "sources"
