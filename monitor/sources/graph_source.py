"""What Facebook and Instagram have in common: lists of posts, the comments under them, and Meta's calls that say "look now"."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from monitor.domain.errors import SourceError, Trouble
from monitor.domain.mention import Author, Mention
from monitor.sources import strict_json
from monitor.sources.base import Batch, Rejected, dump_cursor, load_cursor, understand
from monitor.sources.graph import Graph, GraphSettings, Page
from monitor.sources.graph_calls import Door, changes
from monitor.sources.graph_posts import Entry, Found, Listing, Round, Watch
from monitor.sources.kinds import Kit
from monitor.sources.paging import Seen
from monitor.sources.text import whole
from monitor.sources.webhook import Calls, InboxItem, in_words

ASKS = 20  # single things in one poll
LOOKS = 10  # pages of comments in one poll: the poll ends, its pages are stored, and the next one follows at once
TRIES = 5  # for a single thing that a call named
_AGAIN = timedelta(hours=1)  # how often we ask anew how many follow us
_UNREADABLE = frozenset({Trouble.REFUSED, Trouble.GONE})


class GraphSource(Door, ABC):
    """The cursor holds which posts are known, how many comments each had, and a walk through the comments of those that changed.

    A poll reads each list's first page, and one page further down, in turns: so every post's number of comments is seen, however
    old it is, for two calls a look. Comments are read only where the number, or the time of the last one, has changed.
    """

    network: str
    topic: str  # what Meta's calls are about
    needs: str  # permissions for what is said under our own posts
    listings: Sequence[Listing]

    def __init__(self, settings: GraphSettings, account: str, kit: Kit) -> None:
        super().__init__(settings)
        self._settings, self._account, self._clock = settings, account, kit.clock
        self._graph = Graph(settings, kit.http)
        self._calls = Calls(kit.name, kit.clock, kit.inbox)
        self._origin = f"{settings.kind} {settings.url} {account}"
        self._ours: Mapping[str, Any] = {}
        self._asked_at: datetime | None = None
        self._until: datetime = kit.clock.wall()  # then a poll ends: it must not be given up with all that it has read

    # What a network must say of itself.

    who: str  # the fields that say who we are, and how many follow us

    @abstractmethod
    def entry(self, listing: Listing, item: Mapping[str, Any]) -> Entry:
        """A post as its list shows it. Raises ValueError and the like."""

    @abstractmethod
    async def comments(self, watch: Watch, post_id: str, at: str | None) -> tuple[list[tuple[Seen, Mention]], Page, bool | None]:
        """A page of what is said under a post; and whether newer ones may stand below older ones (None: as the page shows)."""

    @abstractmethod
    def told(self, watch: Watch, change: Mapping[str, Any], at: datetime, found: Found) -> None:
        """What one change in a call means."""

    @abstractmethod
    async def single(self, watch: Watch, ask: str, found: Found) -> None:
        """Ask for the one thing that a call named."""

    # What is the same for all.

    async def poll(self, cursor: str | None) -> Batch:
        """What is new in the lists, and up to `LOOKS` pages of comments. Raises `SourceError`."""
        state, now = load_cursor(self._origin, cursor), self._clock.wall()
        watch, found = Watch.load(state.get("watch"), floor=now - self._settings.max_age), Found()
        self._until = now + self._settings.timeout / 2
        await self._ask_who(now)
        outcomes, more = await self._hear(state.get("calls"), watch, found)
        for listing in self.listings:
            await self._list(watch, listing, found)
        await self._ask_singles(watch, found)
        look_again = await self._look(watch, found)
        found.rejected += self._graph.notes
        self._graph.notes = []
        return Batch(
            sorted(found.mentions, key=lambda mention: mention.written_at),
            dump_cursor(self._origin, {"watch": watch.dump(), "calls": outcomes}),
            more=more or look_again or 0 in watch.asks.values() or any(each.hurry for each in watch.rounds.values()),
            watermark=watch.watermark,
            rejected=found.rejected,
            deleted=found.deleted,
            rest=self._graph.rest,
        )

    async def _ask_who(self, now: datetime) -> None:
        if self._asked_at is None or not timedelta(0) <= now - self._asked_at < _AGAIN:
            ours = await self._graph.ask(self._account, {"fields": self.who}, needs=self.needs)
            if not isinstance(ours.get("id"), str | int):
                raise SourceError(Trouble.MALFORMED, f"{self._settings.url} does not say who we are; is it the Graph API?")
            self._ours, self._asked_at = {**ours, "id": str(ours["id"])}, now

    def _us(self, handle: str = "") -> Author:
        return Author(
            self._ours["id"], handle, str(self._ours.get("name") or ""), whole(self._ours.get("followers_count")), own=True
        )

    def _enough(self, asked: int) -> bool:
        """Whether this poll should end here: half of the time is up, a limit is reached, or near one a step is done."""
        slow = self._graph.rest is not None and asked > 0
        return self._graph.full or slow or self._clock.wall() >= self._until

    # Lists.

    async def _list(self, watch: Watch, listing: Listing, found: Found) -> None:
        """The first page, and where we are further down; when the first has only new ones, down to what is known, at once."""
        first = listing.name not in watch.rounds
        place = watch.rounds.setdefault(listing.name, Round())
        page, more_new = await self._take(watch, listing, None, found, history=False)
        if page.further is None:
            watch.rounds[listing.name] = Round(whole=True)
            watch.trim(self._settings.posts * len(self.listings))
            return
        if more_new and not (first and not self._is_news(watch, page, listing)):
            place.at, place.passed, place.hurry = page.further, len(page.items), True
        elif place.at is None:
            place.at, place.passed = page.further, len(page.items)
        if not self._graph.full:
            await self._further_down(watch, listing, place, found)

    async def _further_down(self, watch: Watch, listing: Listing, place: Round, found: Found) -> None:
        try:
            page, more_new = await self._take(watch, listing, place.at, found, history=not place.whole)
        except SourceError as error:
            if error.trouble is not Trouble.REFUSED:
                raise
            place.at = None  # the place has expired: the next round begins at the top
            return
        place.passed += max(len(page.items), 1)
        place.hurry = place.hurry and more_new and (place.whole or self._is_news(watch, page, listing))
        place.at = page.further if place.hurry or place.passed < self._settings.posts else None
        if place.at is None:
            place.whole, place.hurry = True, False
            watch.trim(self._settings.posts * len(self.listings))

    async def _take(self, watch: Watch, listing: Listing, at: str | None, found: Found, *, history: bool) -> tuple[Page, bool]:
        """A page of a list, and whether its last entry is one that we did not know."""
        page = await self._graph.page(listing.path, listing.params, at, needs=listing.needs, unlinked=listing.unlinked)
        entries, rejected = understand(page.items, lambda item: self.entry(listing, item))
        found.rejected += [Rejected(f"{listing.name}, {each.where}", each.why) for each in rejected]
        more_new = bool(entries) and entries[-1].id not in watch.posts
        found.mentions += [each.mention for each in entries if watch.meet(each, self._clock.wall(), history=history)]
        return page, more_new

    def _is_news(self, watch: Watch, page: Page, listing: Listing) -> bool:
        """Whether a page's last entry is young enough to be told."""
        entries, _ = understand(page.items[-1:], lambda item: self.entry(listing, item))
        return bool(entries) and entries[-1].mention.written_at >= watch.floor

    # Comments.

    async def _look(self, watch: Watch, found: Found) -> bool:
        """Read comments where there are some, a page of each post in turn; and whether it is worth going on at once."""
        put_off: set[str] = set()
        for looked in range(LOOKS):
            post_id = next((each for each in watch.due if each not in put_off), None)
            if post_id is None or self._enough(looked):
                break
            try:
                await self._read(watch, post_id, found)
            except SourceError as error:
                if error.permanent and error.trouble not in _UNREADABLE:
                    raise
                if error.trouble is Trouble.THROTTLED:  # what was read is kept
                    self._graph.throttled(error)
                    break
                found.rejected.append(Rejected(f"comments of {post_id}", error.detail))
                put_off.add(post_id)
                if error.trouble in _UNREADABLE:
                    watch.give_up(post_id)
                else:
                    watch.later(post_id)
        return any(each not in put_off for each in watch.due)

    async def _read(self, watch: Watch, post_id: str, found: Found) -> None:
        walk, due = watch.walk(post_id), watch.due[post_id]
        try:
            said, page, through = await self.comments(watch, post_id, walk.at)
        except SourceError as error:
            if error.trouble not in _UNREADABLE or walk.at is None:
                raise
            watch.again(post_id)
            return
        overlap, seen, further = self._settings.overlap, [each for each, _ in said], page.further
        since = walk.since(overlap)
        assert since is not None, "a walk through comments begins where history ends"
        newest_first = through is not None or not seen or seen[0].at >= seen[-1].at
        last = next((each for each, mention in reversed(said) if mention.parent == mention.thread), None)
        new = [each for each in seen if each.at >= since and each.id not in walk.known]
        if through and last is not None and last.at < since and due.found + due.among(new) >= due.wanted:
            further = None  # all that must be new has been found
        walk, _ = walk.take(seen, further, overlap=overlap, newest_first=newest_first, history=True, through=bool(through))
        found.mentions += [mention for each, mention in said if each.at >= since]
        watch.walked(post_id, walk, new)

    # Meta's calls.

    async def _hear(self, outcomes: Any, watch: Watch, found: Found) -> tuple[dict[str, str | None], bool]:
        if self._settings.app_secret is None:
            return {}, False
        await self._calls.settle(outcomes if isinstance(outcomes, Mapping) else {})
        waiting, more = await self._calls.waiting()
        told: dict[str, str | None] = {}
        for item in waiting:
            problems = self._understand(watch, item, found)
            found.rejected += problems
            told[str(item.id)] = in_words(problems)
        return told, more

    def _understand(self, watch: Watch, item: InboxItem, found: Found) -> list[Rejected]:
        try:
            document = strict_json.loads(item.body)
        except strict_json.NotJsonError as error:
            return [Rejected(f"call {item.id}", str(error))]
        try:
            for change, at in changes(document, self.topic, item.received_at, (self._account, self._ours.get("id"))):
                self.told(watch, change, at, found)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            return [Rejected(f"call {item.id}", f"not as Meta documents it ({type(error).__name__}: {str(error)[:120]})")]
        return []

    async def _ask_singles(self, watch: Watch, found: Found) -> None:
        """Ask for what calls named; what cannot be had is given up, what cannot be had now is tried again."""
        for asked, ask in enumerate(list(watch.asks)[:ASKS]):
            if self._enough(asked):
                return
            try:
                await self.single(watch, ask, found)
            except SourceError as error:
                if error.trouble is Trouble.THROTTLED:
                    self._graph.throttled(error)
                    return
                failed = watch.asks.pop(ask) + 1
                if error.trouble not in {*_UNREADABLE, Trouble.CREDENTIALS} and failed < TRIES:
                    watch.asks[ask] = failed  # the last now
                    continue
                if ask in found.spare:
                    found.mentions.append(found.spare[ask])
                else:
                    found.rejected.append(Rejected(ask, error.detail))
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                found.rejected.append(Rejected(ask, f"not as Meta documents it ({type(error).__name__}: {str(error)[:120]})"))
            watch.asks.pop(ask, None)
