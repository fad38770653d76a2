"""Posts on X: those that a search finds, those that mention our account, and what it writes. X is paid by what is read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from math import inf
from typing import Any

from monitor.domain.clock import Clock
from monitor.domain.errors import SourceError, Trouble
from monitor.domain.mention import Mention
from monitor.sources.base import Batch, Rejected, dump_cursor, gave_up, load_cursor, understand
from monitor.sources.budget import Purse
from monitor.sources.http import Answer
from monitor.sources.kinds import Kit
from monitor.sources.paging import MOST_KNOWN, Walk
from monitor.sources.signing import InHeader
from monitor.sources.x_answers import explained, listed, what_x_means
from monitor.sources.x_posts import BEGINNING, FIELDS, Posts, before
from monitor.sources.x_settings import LEAST, XSettings

PAGE = 100  # the most that X gives
FIRST = 10  # posts of the first look: what was said before we looked is history, and costs as much as news
_LIST_LEAST = 5  # of the lists of an account X gives no smaller page


@dataclass(frozen=True, slots=True)
class _List:
    """One list of posts: its path, what to ask of it, its parameter for the next page's token, and its smallest page."""

    name: str
    path: str
    asked: Mapping[str, str]
    token: str
    least: int


@dataclass(frozen=True, slots=True)
class _Page:
    mentions: Sequence[Mention]
    rejected: Sequence[Rejected]
    walk: Walk


@dataclass(slots=True)
class _Paid:
    """What was paid for today: X counts each object once a day (UTC). What a crash forgets is counted again: rather too much."""

    clock: Clock
    _day: str | None = None
    _ids: dict[str, None] = field(default_factory=dict)

    def new(self, ids: Iterable[str]) -> int:
        """How many of them cost something."""
        today = self.clock.wall().date().isoformat()
        if today != self._day:
            self._day, self._ids = today, {}
        before = len(self._ids)
        self._ids |= dict.fromkeys(ids)
        return len(self._ids) - before

    def load(self, state: Any) -> None:
        """What a cursor keeps of it, where nothing is known yet."""
        if self._day is None and isinstance(state, dict) and isinstance(state.get("ids"), list):
            self._day, self._ids = str(state.get("day")), dict.fromkeys(map(str, state["ids"]))

    def dump(self) -> dict[str, Any]:
        """What a cursor keeps: the newest."""
        return {"day": self._day, "ids": list(self._ids)[-MOST_KNOWN:]}


@dataclass(slots=True)
class _Bill:
    posts: int = 0
    authors: int = 0


class X:
    """The cursor holds our account's id, what was searched for, what was paid for today, and a walk through each list."""

    network = "x"

    def __init__(self, settings: XSettings, kit: Kit) -> None:
        self.purse = Purse(settings.budgets(), kit.clock)
        self._settings, self._http = settings, kit.http
        self._signer = InHeader(settings.token)
        self._paid = _Paid(kit.clock)
        self._account: str | None = None
        self._origin = f"x {settings.url} {settings.account}"

    async def poll(self, cursor: str | None) -> Batch:
        """One page of every list (of those still being paged, while there are any). Raises `SourceError`."""
        state = load_cursor(self._origin, cursor)
        self._paid.load(state.get("paid"))
        unknown = await self._know_our_account(state.get("account"))
        lists = self._lists()
        walks = self._walks(state, lists)
        pages: dict[str, _Page] = {}
        for each in [each for each in lists if walks[each.name].more] or lists:
            try:
                pages[each.name] = await self._page(each, walks[each.name])
            except SourceError as error:
                if error.trouble is not Trouble.SPENT or not pages:
                    raise
                break  # what has been read is paid for; the next poll says that there is nothing left
        walks |= {name: page.walk for name, page in pages.items()}
        found = {each.key: each for page in pages.values() for each in page.mentions}  # what we search for may mention us, too
        kept = {
            "account": self._account,
            "search": self._settings.search(),
            "paid": self._paid.dump(),
            "walks": {name: walk.dump() for name, walk in walks.items()},
        }
        return Batch(
            sorted(found.values(), key=lambda mention: mention.written_at),
            dump_cursor(self._origin, kept),
            more=any(walk.more for walk in walks.values()),
            watermark=min((walk.watermark for walk in walks.values() if walk.watermark is not None), default=None),
            rejected=[*unknown, *(each for page in pages.values() for each in page.rejected)],
        )

    async def _know_our_account(self, known: Any) -> list[Rejected]:
        """Its id, asked for once. An account that X does not know stops no search."""
        handle = self._settings.account
        self._account = self._account or (str(known) if known else None)
        if handle is None or self._account is not None:
            return []
        with self._paying(0, 1) as bill:
            document = (await self._get(f"/2/users/by/username/{handle}", {})).json()
            data = document.get("data") if isinstance(document, dict) else None
            self._account = str(data["id"]) if isinstance(data, dict) and data.get("id") else None
            bill.authors = self._paid.new([f"@{self._account}"] if self._account else [])
        if self._account is not None:
            return []
        why = f"X does not show @{handle}: {explained(document)}"
        if not self._settings.search():
            raise SourceError(Trouble.REFUSED, f"{why}; check `account`")
        return [Rejected("account", why)]

    def _lists(self) -> list[_List]:
        """The search first: it is the first for which too little is left, and then the source says so."""
        lists = []
        if query := self._settings.search():
            lists.append(_List("search", "/2/tweets/search/recent", {"query": query}, "next_token", LEAST))
        if self._account is not None:
            user, token = f"/2/users/{self._account}", "pagination_token"
            lists.append(_List("mentions", f"{user}/mentions", {}, token, _LIST_LEAST))
            lists.append(_List("own", f"{user}/tweets", {"exclude": "retweets"}, token, _LIST_LEAST))
        return lists

    def _walks(self, state: Mapping[str, Any], lists: Sequence[_List]) -> dict[str, Walk]:
        kept = state.get("walks")
        walks = {each.name: Walk.load(kept.get(each.name) if isinstance(kept, dict) else None) for each in lists}
        if "search" in walks and state.get("search") != self._settings.search():
            walks["search"] = walks["search"].again()  # a token is good for the query that it came with
        return walks

    async def _page(self, each: _List, walk: Walk) -> _Page:
        """The next page; from where X still goes back to, if it no longer does to where we were."""
        since = self._since(walk)
        try:
            return await self._read(each, walk, since)
        except SourceError as error:
            if error.trouble is not Trouble.GONE or not (walk.more or since):
                raise
        if walk.more:
            return await self._page(each, walk.again())
        page = await self._page(each, Walk(BEGINNING))
        lost = f"X goes back seven days: what was written after {walk.floor:%Y-%m-%d %H:%M} UTC, and before these, was not read"
        return replace(page, rejected=[Rejected(each.name, lost), *page.rejected])

    def _since(self, walk: Walk) -> str | None:
        since = walk.since(self._settings.overlap)
        return None if since is None else before(since)

    async def _read(self, each: _List, walk: Walk, since: str | None) -> _Page:
        size = self._affordable(each, FIRST if walk.floor is None else PAGE)
        place = {name: value for name, value in (("since_id", since), (each.token, walk.at)) if value}
        with self._paying(size, size) as bill:
            page = listed(await self._get(each.path, {**each.asked, **FIELDS, **place, "max_results": str(size)}))
            bill.posts = self._paid.new(str(post.get("id")) for post in page.posts)
            bill.authors = self._paid.new(f"@{number}" for number in page.users)
        if page.problem is not None:
            return _Page([], [Rejected(each.name, page.problem)], walk.again())
        posts = Posts((*self._settings.own_accounts, self._settings.account or ""), self._account, self._settings.retweets)
        met, rejected = understand(page.posts, lambda post: posts.read(post, page.users))
        oldest = walk.since(self._settings.overlap)
        walk, _ = walk.take([seen for seen, _ in met], page.further, overlap=self._settings.overlap)
        # What is known comes again while it is young: people may have reacted since.
        mentions = [mention for seen, mention in met if mention is not None and (oldest is None or seen.at >= oldest)]
        return _Page(mentions, [*rejected, *([gave_up()] if walk.gave_up else [])], walk)

    async def _get(self, path: str, params: Mapping[str, str]) -> Answer:
        return await self._http.get(
            self._settings.url + path,
            within=self._settings.timeout,
            params=params,
            signer=self._signer,
            means=partial(what_x_means, params.keys()),
        )

    def _affordable(self, each: _List, wanted: int) -> int:
        """How many posts to ask for: never more than what is left can pay, and never fewer than X gives."""
        left = {"posts": inf, "dollars": inf}
        for budget, amount in self.purse.left():
            left[budget.counts()] = min(left[budget.counts()], amount)
        dear = self._price(1, 1)["dollars"]
        return max(each.least, int(min(wanted, left["posts"], left["dollars"] / dear if dear else inf)))

    @contextmanager
    def _paying(self, posts: int, authors: int) -> Iterator[_Bill]:
        """Takes what an answer may cost at most, and gives back what it did not: failures cost nothing. Raises `SourceError`."""
        most, bill = self._price(posts, authors), _Bill()
        self.purse.spend(most)
        try:
            yield bill
        finally:
            paid = self._price(bill.posts, bill.authors)
            self.purse.correct({name: paid[name] - amount for name, amount in most.items()})

    def _price(self, posts: int, authors: int) -> dict[str, float]:
        return {"posts": posts, "dollars": posts * self._settings.price + authors * self._settings.price_author}
