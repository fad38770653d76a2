"""What Bluesky says: mentions of an account, answers to it and quotes, searches, threads, and what our own accounts write."""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from monitor.domain.errors import SourceError, Trouble
from monitor.domain.mention import Mention
from monitor.sources.base import Batch, Deleted, Rejected, dump_cursor, load_cursor, understand
from monitor.sources.bluesky_posts import NETWORK, in_thread, mention, written_at
from monitor.sources.bluesky_reach import LOT, Reach, lots
from monitor.sources.bluesky_session import signed_in, what_bluesky_means
from monitor.sources.bluesky_settings import BlueskySettings, actor, is_actor
from monitor.sources.conversation import ABOVE, Conversation
from monitor.sources.http import Answer
from monitor.sources.kinds import Kind, Kit
from monitor.sources.lists import Page, read_lists
from monitor.sources.mapping import at
from monitor.sources.paging import Seen, Walk
from monitor.sources.text import whole
from monitor.sources.times import parse_time
from monitor.sources.turns import Turns

PAGE = 100  # the most that a list gives
OWN_PAGE = 30  # of what an account of ours writes: under these we see when somebody answers or quotes
OVERLAP = timedelta(minutes=15)  # posts are found late, and are dated by when they were written
AGAIN = 100  # posts that are looked at again at each look: four calls
WATCHED = 500  # that take turns
DEEPEST = 95  # pages of one search; its server goes down to 10,000 posts
DUE = 10  # threads and lists of quotes that are read at one look because they have grown
DEPTH = 100  # of answers to answers
SHOWN_DEPTH = 10  # of a conversation that is shown to a person
_REASONS = ("mention", "reply", "quote")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+(Z|[+-]\d\d:\d\d)")
_TICK = timedelta(milliseconds=1)
_AGAIN = "again"
_UNDER = ("replies ", "quotes ")

_ReadPage = Callable[[str, Walk, Mapping[str, Any]], Awaitable[Page]]


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a walk stands in a search: the server's cursor, through how many pages it led, and before which moment these lie."""

    cursor: str = ""
    pages: int = 0
    until: str = ""

    @classmethod
    def load(cls, written: str | None) -> _Place:
        return cls(*json.loads(written)) if written else cls()

    def further(self, cursor: str | None, page: Sequence[Seen]) -> str | None:
        """The next one: no search is led so deep that its server would end it."""
        if cursor is None:
            return None
        if self.pages + 1 < DEEPEST or not page:
            return json.dumps([cursor, self.pages + 1, self.until])
        return json.dumps(["", 0, _written(min(each.at for each in page) + _TICK)])


class Bluesky:
    """The cursor holds a walk through each list, how many answers and quotes our posts had, and what is looked at again."""

    network = NETWORK

    def __init__(self, settings: BlueskySettings, kit: Kit) -> None:
        self._settings, self._kit = settings, kit
        self._session = signed_in(
            kit.http, settings.url, clock=kit.clock, within=settings.timeout, account=settings.account, password=settings.password
        )
        self._origin = f"bluesky {settings.url} {settings.account}"
        self._ours = (settings.account, *settings.own_accounts)
        self._reach = Reach(self._ask, kit.clock)
        self._told: set[str] = set()  # what is not shown to us: said once
        self._kinds: Mapping[str, _ReadPage] = {
            "mentions": self._mentions,
            "search": self._search,
            "own": self._own,
            "followed": self._thread,
            "replies": self._thread,
            "quotes": self._quotes,
        }

    async def poll(self, cursor: str | None) -> Batch:
        """A page of each list (of those being paged, while there are any). Raises `SourceError`."""
        state = load_cursor(self._origin, cursor)
        due, turns, gone = _due(state.get("lists", {})), Turns.load(state.get("again")), set[str]()
        looked_at: Sequence[str] = ()

        async def read(name: str, walk: Walk, kept: Mapping[str, Any]) -> Page:
            nonlocal looked_at
            if name == _AGAIN:
                looked_at = turns.due(AGAIN)
                return await self._again(looked_at, walk, gone)
            if name.startswith(_UNDER) and not walk.more:
                if name not in due:
                    return Page(walk, kept=kept)
                kept = {"count": due[name]}
            return await self._page(name, walk, kept)

        batch = await read_lists(self._origin, cursor, [*self._lists(), *_under(state.get("lists", {})), _AGAIN], read)
        new = [each.uri for each in batch.mentions if each.uri]
        after = turns.after(len(looked_at), gone=gone, new=new, most=WATCHED)
        kept = {**load_cursor(self._origin, batch.cursor), "again": after.dump()}
        return replace(batch, cursor=dump_cursor(self._origin, kept))

    async def conversation(self, uri: str) -> Conversation:
        """One call, or two where the conversation is large. Raises `SourceError`."""
        try:
            views = await self._around(uri, SHOWN_DEPTH)
        except SourceError as error:
            if error.trouble is not Trouble.TOO_LARGE:
                raise
            views = await self._around(uri, 1)
        found, rejected = understand(views, lambda view: mention(view, {}, self._ours))
        answered = {each.parent for each in found}
        whole = all(each.uri in answered or not each.engagement.replies for each in found)
        return Conversation(found, whole=whole, rejected=rejected)

    async def _around(self, uri: str, depth: int) -> Sequence[Mapping[str, Any]]:
        asked = [("uri", uri), ("depth", str(depth)), ("parentHeight", str(ABOVE))]
        views, _ = in_thread(at((await self._ask("app.bsky.feed.getPostThread", asked)).json(), "thread"))
        return views

    def _lists(self) -> list[str]:
        """By their names in the cursor. An account of ours that cannot be one of Bluesky's is of another network."""
        ours = dict.fromkeys(actor(each) for each in self._ours if is_actor(each))
        return [
            *(["mentions"] if self._settings.mentions else []),
            *(f"search {words}" for words in self._settings.searches),
            *(f"own {who}" for who in ours),
            *(f"followed {uri}" for uri in self._settings.threads),
        ]

    async def _page(self, name: str, walk: Walk, kept: Mapping[str, Any]) -> Page:
        """A page of a list. What is not shown to us is told once; where a place is refused, the next look begins at the top."""
        kind, _, which = name.partition(" ")
        try:
            return await self._kinds[kind](which, walk, kept)
        except SourceError as error:
            lost = error.trouble is Trouble.REFUSED and walk.more
            if not lost and error.trouble is not Trouble.GONE:
                raise
            told = [] if which in self._told and not lost else [Rejected(name[:200], error.detail)]
            self._told.add(which)
            return Page(walk.again(), rejected=told, kept=kept)

    async def _mentions(self, which: str, walk: Walk, kept: Mapping[str, Any]) -> Page:
        """A notification holds the words, and not how the public reacted: the posts are asked for by their names."""
        del which, kept
        place = [("cursor", walk.at)] if walk.at else []
        reasons = [("reasons", each) for each in _REASONS]
        answer = await self._ask("app.bsky.notification.listNotifications", [*reasons, ("limit", str(PAGE)), *place])
        seen, odd = understand(answer.objects("notifications"), _told_of)
        page = [each for each, _ in seen]
        walk, new = walk.take(page, _further(answer, page), overlap=OVERLAP)
        wanted = {each.id for each, is_wanted in seen if is_wanted}
        found, rejected = await self._read(await self._posts(list(dict.fromkeys(each.id for each in new if each.id in wanted))))
        return Page(walk, found, [*odd, *rejected])

    async def _search(self, words: str, walk: Walk, kept: Mapping[str, Any]) -> Page:
        del kept
        place, since = _Place.load(walk.at), walk.since(OVERLAP)
        asked = {
            "q": words,
            "sort": "latest",
            "limit": str(PAGE),
            "since": _written(since) if since else "",
            "until": place.until,
            "cursor": place.cursor,
        }
        answer = await self._ask("app.bsky.feed.searchPosts", [(name, value) for name, value in asked.items() if value])
        views = answer.objects("posts")
        seen, odd = understand(views, lambda view: (_seen(view), view))
        page = [each for each, _ in seen]
        walk, _ = walk.take(page, place.further(_cursor(answer) if views else None, page), overlap=OVERLAP)
        # What is known comes again while it is young: people may have reacted since.
        found, rejected = await self._read([view for each, view in seen if since is None or each.at >= since])
        return Page(walk, found, [*odd, *rejected])

    async def _own(self, who: str, walk: Walk, kept: Mapping[str, Any]) -> Page:
        """What one of our accounts writes, without what it only passes on; and how many answers and quotes there are to it."""
        place = [("cursor", walk.at)] if walk.at else []
        answer = await self._ask("app.bsky.feed.getAuthorFeed", [("actor", who), ("limit", str(OWN_PAGE)), *place])
        seen, odd = understand(answer.objects("feed"), _listed)
        page = [each for each, _ in seen]
        after, _ = walk.take(page, _further(answer, page), overlap=OVERLAP)
        views = [view for _, view in seen if view is not None]
        if not walk.more:
            kept = {"posts": {str(view["uri"]): _counted(view, kept, first=walk.floor is None) for view in views}}
        found, rejected = await self._read(views)
        return Page(after, found, [*odd, *rejected], kept=kept)

    async def _thread(self, uri: str, walk: Walk, kept: Mapping[str, Any]) -> Page:
        try:
            answer = await self._ask("app.bsky.feed.getPostThread", [("uri", uri), ("depth", str(DEPTH)), ("parentHeight", "0")])
            views, gone = in_thread(at(answer.json(), "thread"))
        except SourceError as error:
            if error.trouble not in {Trouble.MALFORMED, Trouble.TOO_LARGE}:
                raise
            # A thread may be larger than any answer may be: the other lists know most of it.
            return Page(walk, rejected=[Rejected(f"thread {uri}"[:200], error.detail)], kept=kept)
        found, rejected = await self._read(views)
        return Page(walk, found, rejected, deleted=[Deleted(self.network, each) for each in gone], kept=kept)

    async def _quotes(self, uri: str, walk: Walk, kept: Mapping[str, Any]) -> Page:
        place = [("cursor", walk.at)] if walk.at else []
        answer = await self._ask("app.bsky.feed.getQuotes", [("uri", uri), ("limit", str(PAGE)), *place])
        seen, odd = understand(answer.objects("posts"), lambda view: (_seen(view), view))
        page = [each for each, _ in seen]
        walk, new = walk.take(page, _further(answer, page), overlap=OVERLAP, history=True)
        fresh = {each.id for each in new}
        found, rejected = await self._read([view for each, view in seen if each.id in fresh])
        return Page(walk, found, [*odd, *rejected], kept=kept)

    async def _again(self, due: Sequence[str], walk: Walk, gone: set[str]) -> Page:
        """Posts that were brought before, as they are now. Those that are no longer given are gone, and are put there."""
        views = await self._posts(due)
        if not views and len(due) > LOT:  # so many people do not take back what they said at the same time
            return Page(
                walk, rejected=[Rejected("posts that were brought before", "none is given any more; not taken for deleted")]
            )
        gone.update(set(due) - {str(view.get("uri")) for view in views})
        found, rejected = await self._read(views)
        return Page(walk, found, rejected, deleted=[Deleted(self.network, uri) for uri in due if uri in gone])

    async def _posts(self, uris: Sequence[str]) -> list[Mapping[str, Any]]:
        """Posts by their names, but for those that are not there."""
        answers = [await self._ask("app.bsky.feed.getPosts", [("uris", uri) for uri in lot]) for lot in lots(uris)]
        return [view for answer in answers for view in answer.objects("posts")]

    async def _read(self, views: Sequence[Mapping[str, Any]]) -> tuple[list[Mention], list[Rejected]]:
        authors = (at(view, "author.did") for view in views)
        reach = await self._reach.of(did for did in authors if isinstance(did, str))
        return understand(views, lambda view: mention(view, reach, self._ours))

    async def _ask(self, method: str, params: Sequence[tuple[str, str]]) -> Answer:
        return await self._kit.http.get(
            f"{self._settings.url}/xrpc/{method}?{urlencode(params)}",
            within=self._settings.timeout,
            signer=self._session,
            means=what_bluesky_means,
        )


def _under(lists: Mapping[str, Any]) -> dict[str, tuple[int, int]]:
    """The lists under our newest posts: of each how many there are, and how many there were when it was read."""
    found = {}
    for each in lists.values():
        for uri, post in each.get("posts", {}).items():
            for kind in ("replies", "quotes"):
                name = f"{kind} {uri}"
                found[name] = post[kind], lists.get(name, {}).get("count", post["known"][kind])
    return found


def _due(lists: Mapping[str, Any]) -> dict[str, int]:
    """The lists that have another number of entries than when they were read, and how many: the first few of them."""
    changed = {name: count for name, (count, known) in _under(lists).items() if count != known}
    return dict(list(changed.items())[:DUE])


def _counted(view: Mapping[str, Any], kept: Mapping[str, Any], *, first: bool) -> dict[str, Any]:
    """How many answers and quotes a post has, and had when we met it: what stood under it at our first look is history."""
    now = {"replies": whole(view.get("replyCount")) or 0, "quotes": whole(view.get("quoteCount")) or 0}
    before = kept.get("posts", {}).get(str(view["uri"]))
    nothing = dict.fromkeys(now, 0)
    return {**now, "known": before["known"] if before else now if first else nothing}


def _told_of(item: Mapping[str, Any]) -> tuple[Seen, bool]:
    """A notification, and whether it tells of a post."""
    return Seen(str(item["uri"]), parse_time(item["indexedAt"])), item.get("reason") in _REASONS


def _seen(view: Mapping[str, Any]) -> Seen:
    return Seen(str(view["uri"]), written_at(view))


def _listed(item: Mapping[str, Any]) -> tuple[Seen, Mapping[str, Any] | None]:
    """An entry of what an account writes, and its post; none where it only passes on another's."""
    post, reason = item["post"], item.get("reason")
    if reason is None:
        return _seen(post), post
    return Seen(f"passed on {post['uri']}", parse_time(reason["indexedAt"])), None


def _further(answer: Answer, page: Sequence[Seen]) -> str | None:
    """Where the next page is. Where that is only a moment, all of that moment comes again: others may have been written in it."""
    cursor = _cursor(answer)
    if cursor is None or not _MOMENT.fullmatch(cursor) or not page or page[0].at == page[-1].at:
        return cursor
    return _written(parse_time(cursor) + _TICK)


def _cursor(answer: Answer) -> str | None:
    cursor = at(answer.json(), "cursor")
    return cursor if isinstance(cursor, str) and cursor else None


def _written(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


KIND = Kind(
    BlueskySettings,
    Bluesky,
    where="Free and at once: an app password, from the app's Settings, Privacy and security, App passwords.",
    page="watch-bluesky.md",
    documents=(
        "https://docs.bsky.app/docs/api/app-bsky-notification-list-notifications",
        "https://docs.bsky.app/docs/api/app-bsky-feed-search-posts",
        "https://docs.bsky.app/docs/api/app-bsky-feed-get-post-thread",
        "https://docs.bsky.app/docs/advanced-guides/rate-limits",
    ),
    example={"account": "acme.bsky.social", "searches": ["{brand}"]},
)
