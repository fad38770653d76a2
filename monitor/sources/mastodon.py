"""Servers with the Mastodon API: posts with a hashtag, or that a search finds, or that mention us, and what accounts say."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote

from monitor.domain.errors import SourceError, Trouble
from monitor.sources.base import Batch, Deleted, Rejected, dump_cursor, gave_up, load_cursor, understand
from monitor.sources.changes import Brought
from monitor.sources.conversation import Conversation
from monitor.sources.http import HttpClient
from monitor.sources.mastodon_again import Again, Now, Watched
from monitor.sources.mastodon_context import context
from monitor.sources.mastodon_lists import OWN_PAGE, PAGE, Listed, Place, advanced, lists, timeline
from monitor.sources.mastodon_posts import Read, Reader, status
from monitor.sources.mastodon_settings import MastodonSettings
from monitor.sources.mastodon_threads import UNKNOWABLE, Threads
from monitor.sources.paging import Seen, Walk, id_order
from monitor.sources.text import canonical_uri
from monitor.sources.times import parse_time

ASK_AGAIN = 100  # polls until we ask anew for an account that nobody knew


@dataclass(frozen=True, slots=True)
class _Page:
    """One page understood, what the cursor keeps of its list, and while there are more pages: all before `watermark` was seen."""

    read: Read
    kept: Mapping[str, Any]
    more: bool
    watermark: datetime | None


class Mastodon:
    """The cursor holds where we stand in each list, what was brought last, and the posts that are looked at again.

    Lists are paged forward by `min_id`, from the newest id that was seen: ids sort by time, or by when a server heard of a post.
    What a search finds knows no such paging, and is walked through from the newest down. The first poll takes the newest page
    only: what was said before we looked is history, not news.
    """

    def __init__(self, settings: MastodonSettings, http: HttpClient) -> None:
        self.network = settings.network
        self._settings = settings
        self._http = http
        self._origin = f"mastodon {settings.url}"
        self._lists = tuple(lists(settings))
        self._accounts: dict[str, str] = {}  # by handle: their ids on this server
        self._polls = 0
        self._threads = Threads(lambda number: self._ask(f"/api/v1/statuses/{quote(number, safe='')}"))
        self._again = Again(self._ask)
        self._reader = Reader(settings, self._threads)

    async def poll(self, cursor: str | None) -> Batch:
        """One page of every list (of those still being paged, while there are any). Raises `SourceError`."""
        state = load_cursor(self._origin, cursor)
        unknown = await self._find_accounts()
        there = {listed.name: listed for listed in (*self._lists, *self._timelines())}
        going = [name for name in there if state.get(name, {}).get("at")]
        pages = {name: await self._page(there[name], state.get(name)) for name in going or there}
        watched = Watched.load(state.get("again"))
        now = await self._again.look(watched.due) if self._settings.look_again and not going else Now()
        reads = [*(page.read for page in pages.values()), await self._read(now.statuses)]
        brought, news = Brought.load(state.get("brought")).news(each for read in reads for each in read.mentions.values())
        places = {name: pages[name].kept if name in pages else state[name] for name in there if name in pages or name in state}
        again = watched.after(now.looked, now.gone, _addresses(reads), self._settings.look_again)
        return Batch(
            news,
            cursor=dump_cursor(self._origin, {**places, "brought": brought.dump(), "again": dict(again.posts)}),
            more=any(place.get("at") for place in places.values()),
            watermark=min((page.watermark for page in pages.values() if page.more and page.watermark), default=None),
            rejected=[*unknown, *(each for read in reads for each in read.rejected)],
            deleted=[Deleted(self.network, watched.posts[number]) for number in now.gone],
        )

    async def conversation(self, uri: str) -> Conversation:
        """Two or three calls. Without a token a server shows forty posts above and sixty below. Raises `SourceError`."""
        token = self._settings.token is not None
        statuses = await context(uri, self._ask, self._settings.url, resolve=token)
        read = await self._read(statuses)
        answered = {each.parent for each in read.mentions.values()}
        whole = all(each.uri in answered or not each.engagement.replies for each in read.mentions.values())
        return Conversation(list(read.mentions.values()), whole=whole, rejected=read.rejected)

    async def _find_accounts(self) -> list[Rejected]:
        """Ask for the ids of accounts; seldom for those whom nobody knows here: our own may be of another network.

        Raises `SourceError` where that leaves nothing to read.
        """
        due = self._polls % ASK_AGAIN == 0 or self._has_nothing
        asked = (*self._settings.own_accounts, *self._settings.accounts) if due else ()
        told = [(handle, await self._find_account(handle)) for handle in dict.fromkeys(asked) if handle not in self._accounts]
        missed = [(handle, error) for handle, error in told if error is not None]
        self._polls += 1
        self._reader.ours = {self._accounts[each] for each in self._settings.own_accounts if each in self._accounts}
        if missed and self._has_nothing:
            raise missed[0][1]
        return [self._missed(handle, error.detail) for handle, error in missed]

    @property
    def _has_nothing(self) -> bool:
        return not (self._lists or self._accounts)

    def _missed(self, handle: str, why: str) -> Rejected:
        if handle in self._settings.own_accounts:
            return Rejected(f"own account {handle[:80]}", f"what it answers here is not seen: {why}")
        return Rejected(f"account {handle[:80]}", f"what it says is not seen: {why}")

    async def _find_account(self, handle: str) -> SourceError | None:
        """Why an account is not known here; None: it is."""
        try:
            account = await self._ask("/api/v1/accounts/lookup", {"acct": handle.removeprefix("@")})
        except SourceError as error:
            if error.trouble not in UNKNOWABLE:
                raise
            return error
        if not (isinstance(account, Mapping) and isinstance(account.get("id"), str)):
            return SourceError(Trouble.MALFORMED, f"the server does not say who {handle[:80]} is")
        self._accounts[handle] = account["id"]
        return None

    def _timelines(self) -> list[Listed]:
        """What accounts say, ours first; an account with two handles is read once."""
        ours, overlap = self._reader.ours, self._settings.overlap
        others = {self._accounts[each] for each in self._settings.accounts if each in self._accounts} - ours
        return [
            *(timeline(f"own:{each}", each, overlap, OWN_PAGE) for each in sorted(ours)),
            *(timeline(f"account:{each}", each, overlap, PAGE) for each in sorted(others)),
        ]

    async def _ask(self, path: str, params: Mapping[str, str] | None = None) -> object:
        """The JSON at a path of the server. Raises `SourceError`."""
        answer = await self._http.get(
            self._settings.url + path, within=self._settings.timeout, params=params, token=self._settings.token
        )
        return answer.json()

    async def _page(self, listed: Listed, kept: Mapping[str, Any] | None) -> _Page:
        return await (self._found(listed, Walk.load(kept)) if listed.numbered else self._next(listed, kept))

    async def _next(self, listed: Listed, kept: Mapping[str, Any] | None) -> _Page:
        """The next page of a list that knows ids."""
        place = None if kept is None else Place(kept["newest"], kept["at"])
        start = None if place is None else place.start(listed.overlap)
        items = listed.items(await self._ask(listed.path, _asked(listed) | ({"min_id": start} if start else {})))
        new = sorted((each for each in items if start is None or id_order(each["id"]) > id_order(start)), key=_order)
        read = await self._read(new)
        place = advanced(place, start, [item["id"] for item in new])
        times = [each.written_at for each in read.mentions.values()]
        return _Page(read, {"newest": place.newest, "at": place.at}, place.at is not None, times[-1] if times else None)

    async def _found(self, listed: Listed, walk: Walk) -> _Page:
        """The next page of what a search finds, newest first. A short one is not the last: some posts are kept from us."""
        skipped = int(walk.at or 0)
        items = listed.items(await self._ask(listed.path, _asked(listed) | {"offset": str(skipped)}))
        dated, odd = understand(items, lambda item: (Seen(item["id"], parse_time(item["created_at"])), item))
        walk, new = walk.take([seen for seen, _ in dated], str(skipped + PAGE) if items else None, overlap=listed.overlap)
        fresh = {each.id for each in new}
        read = await self._read([item for seen, item in reversed(dated) if seen.id in fresh])
        ended = [gave_up(listed.name)] if walk.gave_up else []
        return _Page(Read(read.mentions, [*odd, *ended, *read.rejected]), walk.dump(), walk.more, walk.watermark)

    async def _read(self, items: Sequence[Mapping[str, Any]]) -> Read:
        await self._follow([said for item in items if isinstance(said := status(item), Mapping)])
        return await asyncio.to_thread(self._reader.read, items)

    async def _follow(self, statuses: Sequence[Mapping[str, Any]]) -> None:
        """Remember the statuses, and find out what those of our own accounts answer."""
        for said in statuses:
            self._threads.note(said)
        for said in statuses:
            account, number = said.get("account"), said.get("in_reply_to_id")
            if number and isinstance(account, Mapping) and isinstance(account.get("acct"), str) and self._reader.is_ours(account):
                await self._threads.follow(str(number))


def _asked(listed: Listed) -> dict[str, str]:
    return {**listed.asked, "limit": str(listed.limit)}


def _order(item: Mapping[str, Any]) -> tuple[int, str]:
    return id_order(item["id"])


def _addresses(reads: Sequence[Read]) -> dict[str, str]:
    """Of each post, by its number on the server, the address under which it is stored."""
    found = ((number, canonical_uri(each.uri)) for read in reads for number, each in read.mentions.items())
    return {number: uri for number, uri in found if uri}


__all__ = ["PAGE", "Mastodon", "MastodonSettings"]
