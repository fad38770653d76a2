"""Which posts a digest names: what waits for an answer, what praises us, and who does so again and again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from monitor.digest.value import Fan
from monitor.domain.feed import FeedFilters, Tone
from monitor.domain.handling import HandlingState
from monitor.domain.mention import Observed
from monitor.storage import UnitOfWork

_WAITED: Final = timedelta(days=3)  # what nobody answered for longer is the reports'
_READ: Final = 200
_WAITING: Final = 1_000  # that ask for an answer, and are weighed
_PAGES: Final = 5  # of the feed, some of them empty
_SHOWN: Final = 6
_LIKELY: Final = 0.5  # from here a complaint, or a danger, is likely
_OFTEN: Final = 2  # posts that make a friend of somebody who praises us
_FANS: Final = 8


class Found(NamedTuple):
    """All that were looked at, and those worth showing."""

    all: Sequence[Observed]
    shown: Sequence[Observed]


async def waiting(tx: UnitOfWork, subjects: Sequence[str], until: datetime) -> Found:
    """Complaints, dangers and questions that nobody has answered, the most pressing first."""
    untouched = (HandlingState.NEW, HandlingState.ASSIGNED)
    lately = FeedFilters(subjects=tuple(subjects), states=untouched, since=until - _WAITED, until=until)
    found = await tx.feed.asking(lately, _WAITING)
    asks = sorted((each for each in found if _is_said_by_others(each)), key=_pressing, reverse=True)
    return Found(asks, _without_copies(asks)[:_SHOWN])


async def praise(tx: UnitOfWork, subjects: Sequence[str], since: datetime, until: datetime) -> Found:
    """What speaks well of us and complains of nothing, the loudest first."""
    filters = FeedFilters(subjects=tuple(subjects), tones=(Tone.POSITIVE,), since=since, until=until)
    well = [each for each in await _read(tx, filters) if not _asks(each) and not each.sensitive]
    return Found(well, _without_copies(sorted(well, key=_loud, reverse=True))[:_SHOWN])


def fans(posts: Iterable[Observed]) -> list[Fan]:
    """Who praised us at least twice."""
    by: dict[int, list[Observed]] = {}
    for each in posts:
        if each.author.id is not None and (each.author.name or each.author.handle):
            by.setdefault(each.author.id, []).append(each)
    often = [
        Fan(of[0].author.name or of[0].author.handle, of[0].network, len(of), of[0].author.reach)
        for of in by.values()
        if len(of) >= _OFTEN
    ]
    return sorted(often, key=lambda each: (-each.posts, -(each.reach or 0), each.name))[:_FANS]


async def _read(tx: UnitOfWork, filters: FeedFilters) -> list[Observed]:
    """The newest that others wrote and that are still there."""
    found: list[Observed] = []
    before: int | None = None
    for _ in range(_PAGES):
        page = await tx.feed.page(filters, before=before, limit=_READ)
        found += [each for each in page.mentions if _is_said_by_others(each)]
        before = page.before
        if before is None or len(found) >= _READ:
            break
    return found


def _is_said_by_others(post: Observed) -> bool:
    return not post.author.own and not post.is_erased and post.deleted_at is None


def _asks(post: Observed) -> bool:
    return (post.complaint or 0) >= _LIKELY or (post.safety_risk or 0) >= _LIKELY or bool({"question", "refund"} & post.intents)


def _pressing(post: Observed) -> tuple[bool, bool, int, float, int]:
    return (
        (post.safety_risk or 0) >= _LIKELY,
        (post.complaint or 0) >= _LIKELY,
        post.author.reach or 0,
        post.complaint or 0,
        -post.id,
    )


def _loud(post: Observed) -> tuple[int, int, int]:
    drew = post.engagement
    return (sum(filter(None, (drew.replies, drew.shares, drew.likes))), post.author.reach or 0, post.id)


def _without_copies(posts: Sequence[Observed]) -> list[Observed]:
    """The first of those that say nearly the same."""
    first: dict[object, Observed] = {}
    for each in posts:
        first.setdefault(each.cluster if each.cluster is not None else ("alone", each.id), each)
    return list(first.values())
