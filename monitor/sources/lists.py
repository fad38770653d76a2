"""A source that reads several lists of one network, each page by page to what is known: what those have in common."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from monitor.domain.mention import Mention
from monitor.sources.base import Batch, Deleted, Rejected, dump_cursor, gave_up, load_cursor
from monitor.sources.changes import Brought
from monitor.sources.paging import Walk


@dataclass(frozen=True, slots=True)
class Page:
    """A page of a list, and the walk after it. `kept` is what else the cursor shall keep of the list."""

    walk: Walk
    mentions: Sequence[Mention] = ()
    rejected: Sequence[Rejected] = ()
    deleted: Sequence[Deleted] = ()
    rest: timedelta | None = None
    kept: Mapping[str, Any] = field(default_factory=dict)


Read = Callable[[str, Walk, Mapping[str, Any]], Awaitable[Page]]
"""Reads the next page of a list, by its name, its walk, and what else the cursor keeps of it. Raises `SourceError`."""


async def read_lists(origin: str, cursor: str | None, names: Iterable[str], read: Read) -> Batch:
    """A page of each list (of those being paged, while there are any), and of their mentions those that are new or have changed.

    The cursor holds a walk through each list, and what was brought last. Raises `SourceError`.
    """
    state = load_cursor(origin, cursor)
    before = {name: state.get("lists", {}).get(name, {}) for name in dict.fromkeys(names)}
    walks = {name: Walk.load(kept.get("walk")) for name, kept in before.items()}
    going = [name for name, walk in walks.items() if walk.more]
    pages = {name: await read(name, walks[name], before[name]) for name in going or walks}
    walks |= {name: page.walk for name, page in pages.items()}
    lists = {name: {**(pages[name].kept if name in pages else before[name]), "walk": walks[name].dump()} for name in walks}
    brought, news = Brought.load(state.get("brought")).news(each for page in pages.values() for each in page.mentions)
    return Batch(
        news,
        dump_cursor(origin, {"lists": lists, "brought": brought.dump()}),
        more=any(walk.more for walk in walks.values()),
        watermark=min((walk.watermark for walk in walks.values() if walk.watermark), default=None),
        rejected=[each for page in pages.values() for each in page.rejected]
        + [gave_up(name) for name, walk in walks.items() if walk.gave_up],
        deleted=[each for page in pages.values() for each in page.deleted],
        rest=max((page.rest for page in pages.values() if page.rest), default=None),
    )
