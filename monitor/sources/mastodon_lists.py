"""The lists of a server with the Mastodon API, and where we stand in one: ids sort by time, and paging goes forward from one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import quote

from monitor.domain.errors import SourceError, Trouble
from monitor.sources.mastodon_settings import MastodonSettings
from monitor.sources.paging import id_order

PAGE = 40  # the most that Mastodon gives
OWN_PAGE = 20  # of what our own accounts say: each answer may cost a request more
_BEGINNING = "0"  # below every id there is: a list that was empty is read from its beginning
_SNOWFLAKE = 10**17  # ids above it carry their time: milliseconds since 1970, then 16 bits


@dataclass(frozen=True, slots=True)
class Listed:
    """One list on the server: its name in the cursor, its path, and what to ask of it.

    `numbered`: it knows no ids, only how many to leave out, and comes newest first, as what a search finds does.
    """

    name: str
    path: str
    asked: Mapping[str, str]
    overlap: timedelta
    limit: int = PAGE
    numbered: bool = False

    def items(self, answer: object) -> list[Mapping[str, Any]]:
        """The entries of a page. Raises `SourceError(MALFORMED)`."""
        page = answer.get("statuses") if self.numbered and isinstance(answer, Mapping) else answer
        if not isinstance(page, list) or not all(isinstance(item, dict) and isinstance(item.get("id"), str) for item in page):
            raise SourceError(
                Trouble.MALFORMED,
                f"{self.path} did not answer with a list of objects with ids; does the server speak the Mastodon API?",
            )
        return page


@dataclass(frozen=True, slots=True)
class Place:
    """Where we stand in a list: the newest id seen, and while paging the id reached so far."""

    newest: str
    at: str | None = None

    def start(self, overlap: timedelta) -> str:
        """The id behind which the next page begins: so long before the newest, where ids carry their time."""
        carries = self.newest.isascii() and self.newest.isdigit() and int(self.newest) > _SNOWFLAKE
        if self.at or not (overlap and carries):
            return self.at or self.newest
        return str(max(int(self.newest) - (int(overlap.total_seconds() * 1000) << 16), 0))


def advanced(place: Place | None, start: str | None, ids: Sequence[str]) -> Place:
    """Where we stand after a page. A page with nothing beyond `start` ends the paging, whatever the server claims."""
    reached = max(ids, key=id_order, default=None)
    if place is None:
        return Place(reached or _BEGINNING)
    if reached is None:
        return Place(max(place.newest, start or "", key=id_order))
    return Place(place.newest, at=reached) if id_order(reached) < id_order(place.newest) else Place(reached, at=reached)


def lists(settings: MastodonSettings) -> list[Listed]:
    """Those that need no account's number."""
    overlap = settings.overlap
    tags = [Listed(f"tag:{tag}", f"/api/v1/timelines/tag/{quote(tag, safe='')}", {}, overlap) for tag in settings.hashtags]
    ours = [Listed("mentions", "/api/v1/notifications", {"types[]": "mention"}, timedelta(0))] if settings.mentions else []
    found = [
        Listed(f"search:{words}", "/api/v2/search", {"type": "statuses", "q": words}, overlap, numbered=True)
        for words in settings.searches
    ]
    return [*tags, *ours, *found]


def timeline(name: str, account: str, overlap: timedelta, limit: int) -> Listed:
    """What an account says, without what it boosts."""
    return Listed(name, f"/api/v1/accounts/{quote(account, safe='')}/statuses", {"exclude_reblogs": "true"}, overlap, limit)
