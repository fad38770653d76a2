"""Public posts with a hashtag, posts that mention our account, and what our accounts say, from servers with the Mastodon API."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal, Self
from urllib.parse import quote, urlsplit

from pydantic import AfterValidator, Field, SecretStr, model_validator

from monitor.domain.errors import SourceError, Trouble
from monitor.domain.mention import Author, Engagement, Form, Mention
from monitor.sources.base import Batch, Rejected, SourceSettings, dump_cursor, load_cursor
from monitor.sources.feed import server_address
from monitor.sources.http import HttpClient
from monitor.sources.mastodon_threads import UNKNOWABLE, Threads
from monitor.sources.paging import id_order
from monitor.sources.text import html_to_text, is_own, whole
from monitor.sources.times import parse_time

PAGE = 40  # the most that Mastodon gives
ASK_AGAIN = 100  # polls until we ask anew for an account of ours that nobody knew
OWN_PAGE = 20  # of what our own accounts say: each answer may cost a request more
_BEGINNING = "0"  # below every id there is: a stream that was empty is read from its beginning
_SNOWFLAKE = 10**17  # ids above it carry their time: milliseconds since 1970, then 16 bits


def _tag(name: str) -> str:
    tag = name.strip().lstrip("#").casefold()
    if not tag:
        raise ValueError("a hashtag has at least one letter")
    return tag


class MastodonSettings(SourceSettings):
    """Hashtags and mentions on one server (Mastodon, GoToSocial, Pleroma, Akkoma and others with the same API).

    The first look takes the newest 40 posts of each; from then on every post is read, however many there are between two looks.

    What `own_accounts` say there is read, too: what they answer is known to be answered. That is one request an account and look,
    and one more for each post that they answer and that was not seen since the start. Answers in private need the `token` of the
    account that gives them.
    """

    kind: Literal["mastodon"] = Field(description="a server with the Mastodon API")
    url: Annotated[str, AfterValidator(server_address)] = Field(description="the server, for instance https://mastodon.social")
    token: SecretStr | None = Field(
        None, description="an access token with read:statuses and read:notifications; needed for mentions"
    )
    hashtags: tuple[Annotated[str, AfterValidator(_tag)], ...] = Field(
        (), description="hashtags to watch, with or without the sign"
    )
    mentions: bool = Field(False, description="true to read the posts that mention the token's account")
    network: str = Field("mastodon", min_length=1, max_length=32, description="the network its posts are counted under")
    overlap: timedelta = Field(
        timedelta(minutes=15),
        ge=timedelta(0),
        description="how far back each look at a hashtag reaches: posts of other servers come late, with ids of their own time",
    )

    stream: bool = Field(
        False, description="true to look at once when the server says that something came, by its stream; needs a `token`"
    )

    @model_validator(mode="after")
    def _asks_for_something(self) -> Self:
        if self.stream and self.token is None:
            raise ValueError("`stream: true` needs a `token`: servers stream to accounts only")
        if not (self.hashtags or self.mentions):
            raise ValueError("nothing to watch: name `hashtags`, or set `mentions: true` and give a `token`")
        if self.mentions and self.token is None:
            raise ValueError("`mentions: true` needs a `token`: notifications belong to an account")
        return self

    def networks(self) -> frozenset[str]:
        return frozenset({self.network})


@dataclass(frozen=True, slots=True)
class _Stream:
    """One list on the server: its name in the cursor, its path, and what to ask of it."""

    name: str
    path: str
    asked: Mapping[str, str]
    overlap: timedelta
    limit: int = PAGE


@dataclass(frozen=True, slots=True)
class _Place:
    """Where we stand in a stream: the newest id seen, and while paging the id reached so far."""

    newest: str
    at: str | None = None


@dataclass(frozen=True, slots=True)
class _Page:
    """One page understood: its mentions oldest first, and where we stand now."""

    mentions: Sequence[Mention]
    rejected: Sequence[Rejected]
    place: _Place


class Mastodon:
    """The cursor holds, per stream, the newest id seen; ids sort by time, and paging goes forward from there by `min_id`.

    The first poll takes the newest page only: what was said before we looked is history, not news.
    """

    def __init__(self, settings: MastodonSettings, http: HttpClient) -> None:
        self.network = settings.network
        self._settings = settings
        self._http = http
        self._host = urlsplit(settings.url).hostname or ""
        self._origin = f"mastodon {settings.url}"
        self._streams = tuple(_streams(settings))
        self._accounts: dict[str, str] = {}  # our own, by handle: their ids on this server
        self._polls = 0
        self._threads = Threads(lambda status_id: self._ask(f"/api/v1/statuses/{quote(status_id, safe='')}"))

    async def poll(self, cursor: str | None) -> Batch:
        """One page of every stream (of those still being paged, while there are any). Raises `SourceError`."""
        places = {name: _Place(**place) for name, place in load_cursor(self._origin, cursor).items()}
        unknown = await self._find_accounts()
        streams = (*self._streams, *self._own_streams())
        paging = [s for s in streams if s.name in places and places[s.name].at is not None]
        pages = [await self._page(stream, places.get(stream.name)) for stream in paging or streams]
        for stream, page in zip(paging or streams, pages, strict=True):
            places[stream.name] = page.place
        kept = {s.name: places[s.name] for s in streams if s.name in places}
        mentions = sorted((m for page in pages for m in page.mentions), key=lambda mention: mention.written_at)
        return Batch(
            mentions,
            cursor=dump_cursor(self._origin, {name: {"newest": place.newest, "at": place.at} for name, place in kept.items()}),
            more=any(place.at is not None for place in kept.values()),
            watermark=_watermark(pages),
            rejected=unknown + [rejected for page in pages for rejected in page.rejected],
        )

    async def _find_accounts(self) -> list[Rejected]:
        """Ask for the ids of our own accounts; seldom for those whom nobody knows here: they may be of another network."""
        asked = self._settings.own_accounts if self._polls % ASK_AGAIN == 0 else ()
        told = [(handle, await self._find_account(handle)) for handle in asked if handle not in self._accounts]
        self._polls += 1
        return [Rejected(f"own account {handle[:80]}", f"what it answers here is not seen: {why}") for handle, why in told if why]

    async def _find_account(self, handle: str) -> str | None:
        """Why one of our own accounts is not known here; None: it is."""
        try:
            account = await self._ask("/api/v1/accounts/lookup", {"acct": handle.removeprefix("@")})
        except SourceError as error:
            if error.trouble not in UNKNOWABLE:
                raise
            return error.detail
        if not (isinstance(account, Mapping) and isinstance(account.get("id"), str)):
            return "the server does not say who that is"
        self._accounts[handle] = account["id"]
        return None

    def _own_streams(self) -> list[_Stream]:
        """What each of our own accounts says; an account with two handles is read once."""
        asked = {"exclude_reblogs": "true"}
        return [
            _Stream(f"own:{each}", f"/api/v1/accounts/{quote(each, safe='')}/statuses", asked, self._settings.overlap, OWN_PAGE)
            for each in dict.fromkeys(self._accounts.values())
        ]

    async def _ask(self, path: str, params: Mapping[str, str] | None = None) -> object:
        """The JSON at a path of the server. Raises `SourceError`."""
        answer = await self._http.get(
            self._settings.url + path, within=self._settings.timeout, params=params, token=self._settings.token
        )
        return answer.json()

    async def _page(self, stream: _Stream, place: _Place | None) -> _Page:
        start = None if place is None else place.at or _rewound(place.newest, stream.overlap)
        params = {**stream.asked, "limit": str(stream.limit)} | ({"min_id": start} if start else {})
        items = _objects(await self._ask(stream.path, params), stream)
        unseen = (item for item in items if start is None or id_order(item["id"]) > id_order(start))
        new = sorted(unseen, key=lambda item: id_order(item["id"]))
        await self._follow([status for item in new if isinstance(status := _status(item), Mapping)])
        mentions, rejected = await asyncio.to_thread(self._understand, new)
        return _Page(mentions, rejected, _advanced(place, start, [item["id"] for item in new]))

    async def _follow(self, statuses: Sequence[Mapping[str, Any]]) -> None:
        """Remember the statuses, and find out what those of our own accounts answer."""
        for status in statuses:
            self._threads.note(status)
        for status in statuses:
            account, number = status.get("account"), status.get("in_reply_to_id")
            if number and isinstance(account, Mapping) and isinstance(account.get("acct"), str) and self._is_ours(account):
                await self._threads.follow(str(number))

    def _is_ours(self, account: Mapping[str, Any]) -> bool:
        """By handle or by id: a handle's server is not always the one that we ask."""
        ours = self._accounts.values()
        return account.get("id") in ours or is_own(self._handle(account["acct"]), self._settings.own_accounts)

    def _understand(self, items: Sequence[Mapping[str, Any]]) -> tuple[list[Mention], list[Rejected]]:
        """Statuses (or the statuses of notifications) as mentions. Runs in a thread: hostile HTML takes a while."""
        mentions, rejected = [], []
        for item in items:
            status = _status(item)
            if status is None or (isinstance(status, Mapping) and status.get("reblog")):
                continue  # a deleted post, or a boost: somebody else's words, seen where they were said
            try:
                mentions.append(self._mention(status))
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                rejected.append(Rejected(f"status {str(item['id'])[:40]}", f"not as the API documents it ({_problem(error)})"))
        return mentions, rejected

    def _mention(self, status: Mapping[str, Any]) -> Mention:
        text = html_to_text(status["content"])
        tags = [tag["name"] for tag in status.get("tags") or () if isinstance(tag.get("name"), str)]
        parent, thread = self._answers(status)
        return Mention(
            network=self.network,
            text=text or _described(status),
            written_at=parse_time(status["created_at"]),
            uri=status.get("uri") or status.get("url") or f"{self._settings.url}/statuses/{quote(status['id'])}",
            form=_form(status),
            title=html_to_text(status.get("spoiler_text") or ""),
            author=self._author(status["account"]),
            language=status.get("language"),
            parent=parent,
            thread=thread,
            engagement=_engagement(status),
            hashtags=frozenset(tag.casefold() for tag in tags),
            sensitive=status.get("sensitive") if isinstance(status.get("sensitive"), bool) else None,
        )

    def _answers(self, status: Mapping[str, Any]) -> tuple[str | None, str | None]:
        """The addresses of what it answers, in the API where no other is known, and of what began its thread."""
        number = status.get("in_reply_to_id")
        if not number:
            return None, None
        parent, thread = self._threads.above(str(number))
        return parent or f"{self._settings.url}/api/v1/statuses/{quote(str(number))}", thread

    def _handle(self, acct: str) -> str:
        return acct if "@" in acct else f"{acct}@{self._host}"

    def _author(self, account: Mapping[str, Any]) -> Author:
        """`name@server` is the same whichever server shows the post; the account's id is not."""
        handle = self._handle(account["acct"])
        return Author(
            id=handle.casefold(),
            handle=handle,
            name=str(account.get("display_name") or ""),
            reach=whole(account.get("followers_count")),
            own=self._is_ours(account),
        )


def _streams(settings: MastodonSettings) -> list[_Stream]:
    tags = [
        _Stream(f"tag:{tag}", f"/api/v1/timelines/tag/{quote(tag, safe='')}", {}, settings.overlap) for tag in settings.hashtags
    ]
    ours = _Stream("mentions", "/api/v1/notifications", {"types[]": "mention"}, timedelta(0))
    return [*tags, ours] if settings.mentions else tags


def _status(item: Mapping[str, Any]) -> Any:
    """The status itself, or that of a notification: None where it was deleted."""
    return item.get("status") if "account" in item and "type" in item else item


def _objects(page: object, stream: _Stream) -> list[Mapping[str, Any]]:
    """The page as a list of objects with ids. Raises `SourceError(MALFORMED)`."""
    if not isinstance(page, list) or not all(isinstance(item, dict) and isinstance(item.get("id"), str) for item in page):
        raise SourceError(
            Trouble.MALFORMED,
            f"{stream.path} did not answer with a list of objects with ids; does the server speak the Mastodon API?",
        )
    return page


def _rewound(newest: str, overlap: timedelta) -> str:
    """An id as old as `newest` minus the overlap, where ids carry their time; else `newest` itself."""
    if not (overlap and newest.isascii() and newest.isdigit() and int(newest) > _SNOWFLAKE):
        return newest
    return str(max(int(newest) - (int(overlap.total_seconds() * 1000) << 16), 0))


def _advanced(place: _Place | None, start: str | None, ids: Sequence[str]) -> _Place:
    """Where we stand after a page. A page with nothing beyond `start` ends the paging, whatever the server claims."""
    reached = max(ids, key=id_order, default=None)
    if place is None:
        return _Place(reached or _BEGINNING)
    if reached is None:
        return _Place(max(place.newest, start or "", key=id_order))
    return _Place(place.newest, at=reached) if id_order(reached) < id_order(place.newest) else _Place(reached, at=reached)


def _watermark(pages: Sequence[_Page]) -> datetime | None:
    """While paging goes on, everything before the last post of the slowest stream has been seen."""
    return min((page.mentions[-1].written_at for page in pages if page.place.at is not None and page.mentions), default=None)


def _form(status: Mapping[str, Any]) -> Form:
    if status.get("visibility") == "direct":
        return Form.MESSAGE
    return Form.REPLY if status.get("in_reply_to_id") else Form.POST


def _described(status: Mapping[str, Any]) -> str:
    """A post without words: what its pictures are said to show."""
    media = status.get("media_attachments") or ()
    return "\n".join(str(item["description"]) for item in media if isinstance(item, Mapping) and item.get("description"))


def _engagement(status: Mapping[str, Any]) -> Engagement:
    return Engagement(
        replies=whole(status.get("replies_count")),
        shares=whole(status.get("reblogs_count")),
        likes=whole(status.get("favourites_count")),
    )


def _problem(error: Exception) -> str:
    return f"no {error.args[0]}" if isinstance(error, KeyError) else f"{type(error).__name__}: {error}"[:120]
