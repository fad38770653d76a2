"""Which posts soar and which fall flat, against what is usual for their network; and who and what drew most."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from enum import StrEnum
from statistics import median
from typing import Final, NamedTuple

from monitor.domain.mention import Observed
from monitor.domain.tally import ALL
from monitor.figures.span import Span
from monitor.storage import UnitOfWork
from monitor.storage.figures import Voice

FEWEST: Final = 5  # posts of ours on a network, below which nobody knows what is usual
FAR: Final = 3.0  # times as much as usual, or as little
_POSTS: Final = 200


class Flight(StrEnum):
    """How a post does."""

    SOARS = "soars"
    AS_USUAL = "as usual"
    FLAT = "flat"


class Flown(NamedTuple):
    """A post of ours; `usual` is the median of its network, None (and no `flight`) where that is not known."""

    post: Observed
    engagement: int
    usual: float | None
    flight: Flight | None


async def own_posts(tx: UnitOfWork, span: Span) -> list[Flown]:
    """What our accounts wrote, the newest first, 200 at most."""
    return flown(await tx.mentions.get(await tx.figures.own_posts(span.begins, span.ends, _POSTS)))


async def top_posts(tx: UnitOfWork, span: Span, subject: str = ALL, *, limit: int = 10) -> list[Observed]:
    """What others wrote and drew most. Sensitive ones are among them, and marked."""
    return await tx.mentions.get(await tx.figures.top_posts(span.begins, span.ends, subject, limit))


async def top_authors(tx: UnitOfWork, span: Span, subject: str = ALL, *, limit: int = 10) -> list[Voice]:
    """Those whose posts drew most."""
    return await tx.figures.top_authors(span.begins, span.ends, subject, limit)


def engagement_of(post: Observed) -> int:
    """Replies, shares and likes together."""
    loud = post.engagement
    return sum(each for each in (loud.replies, loud.shares, loud.likes) if each)


def flown(posts: Sequence[Observed]) -> list[Flown]:
    """Each beside what is usual on its network."""
    drew: defaultdict[str, list[int]] = defaultdict(list)
    for post in posts:
        drew[post.network].append(engagement_of(post))
    usual = {network: median(each) for network, each in drew.items() if len(each) >= FEWEST}
    return [_one(post, usual.get(post.network)) for post in posts]


def _one(post: Observed, usual: float | None) -> Flown:
    drew = engagement_of(post)
    if usual is None:
        return Flown(post, drew, None, None)
    much = max(usual, 1.0)  # where nothing is usual, one reaction is no success yet
    flight = Flight.SOARS if drew >= FAR * much else Flight.FLAT if drew * FAR <= usual else Flight.AS_USUAL
    return Flown(post, drew, usual, flight)
