"""Posts with a tag on Tumblr, and what is said to the posts of a blog."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, SecretStr, model_validator

from monitor.domain.errors import SourceError, Trouble
from monitor.sources.base import Batch, SourceSettings, load_cursor, understand
from monitor.sources.budget import Budget, Purse, affordable
from monitor.sources.feed import server_address
from monitor.sources.http import Answer
from monitor.sources.kinds import Kind, Kit
from monitor.sources.lists import Page, read_lists
from monitor.sources.mapping import at
from monitor.sources.paging import Seen, Walk
from monitor.sources.signing import InAddress
from monitor.sources.text import whole
from monitor.sources.times import parse_time
from monitor.sources.tumblr_posts import NETWORK, address, note, post, sorted_by

PAGE = 20  # the most that Tumblr gives
OVERLAP = timedelta(minutes=10)
_BLOG = "blog"
_NOTES = "notes "


def _tag(written: str) -> str:
    tag = written.strip().lstrip("#")
    if not tag:
        raise ValueError("a tag has at least one letter")
    return tag


class TumblrSettings(SourceSettings):
    """Posts with tags, and replies to the newest 20 posts of a blog. The first look takes the newest 20 of each."""

    kind: Literal["tumblr"] = Field(description="Tumblr")
    key: SecretStr = Field(description="the OAuth consumer key of an application that you have registered")
    hashtags: tuple[Annotated[str, AfterValidator(_tag)], ...] = Field((), description="tags to watch, with or without the sign")
    blog: str | None = Field(
        None, pattern=r"^[\w-]{1,32}$", description="a blog of ours, as in NAME.tumblr.com: what is said to its newest 20 posts"
    )
    every: timedelta = Field(timedelta(minutes=10), gt=timedelta(0), description="how often to ask")
    budget: Budget | None = Field(None, description="how many calls, if not the 1,000 an hour and 5,000 a day of a key")
    url: Annotated[str, AfterValidator(server_address)] = Field("https://api.tumblr.com", description="the API")

    @model_validator(mode="after")
    def _asks_for_something(self) -> Self:
        if not (self.hashtags or self.blog):
            raise ValueError("nothing to watch: name `hashtags`, or a `blog`")
        affordable(len(self.hashtags) + (self.blog is not None), self.every, self.budgets())
        return self

    def networks(self) -> frozenset[str]:
        return frozenset({NETWORK})

    def budgets(self) -> Sequence[Budget]:
        return (self.budget,) if self.budget else (Budget(amount=1_000, per="hour"), Budget(amount=5_000, per="day"))


class Tumblr:
    """The cursor holds a walk through the posts of each tag and of the blog, and through the notes of each of its posts.

    Notes are read when a post has another number of them than when they were read last.
    """

    network = NETWORK

    def __init__(self, settings: TumblrSettings, kit: Kit) -> None:
        self.purse = Purse(settings.budgets(), kit.clock)
        self._settings, self._kit = settings, kit
        self._signer = InAddress(settings.key, "api_key")
        self._ours = (*settings.own_accounts, *([settings.blog] if settings.blog else ()))
        self._origin = f"tumblr {settings.url} {settings.blog}"
        self._tags = {f"tag {tag}": tag for tag in settings.hashtags}

    async def poll(self, cursor: str | None) -> Batch:
        """A page of each list (of those being paged, while there are any); first what notes are owed. Raises `SourceError`."""
        posts, owed = self._owed(cursor)
        names = [*self._tags, *([_BLOG] if self._settings.blog else ()), *(_NOTES + number for number in posts)]

        async def read(name: str, walk: Walk, kept: Mapping[str, Any]) -> Page:
            if name.startswith(_NOTES):
                number = name.removeprefix(_NOTES)
                return await self._notes(number, walk, posts[number]) if number in owed else Page(walk, kept=kept)
            return Page(walk, kept=kept) if owed and not walk.more else await self._posts(name, walk, kept)

        batch = await read_lists(self._origin, cursor, names, read)
        return replace(batch, more=batch.more or bool(self._owed(batch.cursor)[1]))

    def _owed(self, cursor: str | None) -> tuple[dict[str, Mapping[str, Any]], set[str]]:
        """The blog's newest posts by their numbers, and of which of them the notes are to be read."""
        lists = load_cursor(self._origin, cursor).get("lists", {})
        posts = lists.get(_BLOG, {}).get("posts", {}) if self._settings.blog else {}
        read = {number: lists.get(_NOTES + number, {}) for number in posts}
        return posts, {
            number
            for number, each in posts.items()
            if read[number].get("count", 0) != each["count"] or Walk.load(read[number].get("walk")).more
        }

    async def _posts(self, name: str, walk: Walk, kept: Mapping[str, Any]) -> Page:
        place = {"before": walk.at} if walk.at else {}
        tag = self._tags.get(name)
        where, asked = (
            ("tagged", {"tag": tag}) if tag is not None else (f"blog/{self._settings.blog}/posts", {"reblog_info": "true"})
        )
        answer = await self._ask(where, {**asked, **place, "limit": str(PAGE)})
        items = answer.objects("response.posts", "response")
        seen, odd = understand(items, lambda item: (Seen(str(item["id"]), sorted_by(item)), item))
        found, rejected = understand([item for _, item in seen], lambda item: post(item, self._ours))
        since, first = walk.since(OVERLAP), walk.floor is None
        after, _ = walk.take([each for each, _ in seen], _further([each for each, _ in seen], walk), overlap=OVERLAP)
        if name == _BLOG and not walk.more:
            kept = {"posts": {each.id: self._counted(each, item, kept, first=first) for each, item in seen}}
        young = [mention for mention in found if since is None or name == _BLOG or mention.written_at >= since]
        return Page(after, young, [*odd, *rejected], kept=kept)

    @staticmethod
    def _counted(seen: Seen, item: Mapping[str, Any], kept: Mapping[str, Any], *, first: bool) -> dict[str, Any]:
        """How many notes a post has; of one that came after our first look all are news, from when it was written."""
        before = kept.get("posts", {}).get(seen.id)
        since = before.get("since") if before else None if first else seen.at.isoformat()
        return {"count": whole(item.get("note_count")) or 0, "since": since}

    async def _notes(self, number: str, walk: Walk, known: Mapping[str, Any]) -> Page:
        if walk.floor is None and not walk.more and known["since"]:
            walk = Walk(parse_time(known["since"]))
        place = {"before_timestamp": walk.at} if walk.at else {}
        kept = {"count": known["count"]}
        blog = str(self._settings.blog)
        try:
            answer = await self._ask(f"blog/{blog}/notes", {"id": number, "mode": "conversation", **place})
        except SourceError as error:
            if error.trouble is not Trouble.GONE:
                raise
            return Page(walk.again(), kept=kept)  # the post was deleted meanwhile
        items = [each for each in answer.objects("response.notes") if each.get("type") in {"reply", "reblog"}]
        found, rejected = understand(items, lambda item: note(item, address(blog, number), self._ours))
        further = at(answer.json(), "response._links.next.query_params.before_timestamp")
        page = [Seen(mention.key, mention.written_at) for mention in found]
        walk, _ = walk.take(page, str(further) if further and found else None)
        return Page(walk, found, rejected, kept=kept)

    async def _ask(self, where: str, asked: Mapping[str, str]) -> Answer:
        self.purse.spend()
        return await self._kit.http.get(
            f"{self._settings.url}/v2/{where}", within=self._settings.timeout, params=asked, signer=self._signer, means=_means
        )


def _further(page: Sequence[Seen], walk: Walk) -> str | None:
    """The end of a page, and the whole second of it, since others may have the same; where that leads nowhere, what is before."""
    if len(page) < PAGE:
        return None
    last = int(page[-1].at.timestamp())
    return str(last + 1 if walk.at is None or last + 1 < int(walk.at) else last)


def _means(status: int, headers: Mapping[str, str], document: Any) -> SourceError | None:
    """Each of its limits has headers of its own."""
    del document
    if status == 404:  # noqa: PLR2004 - HTTP's own number
        return SourceError(Trouble.GONE, "there is no such blog or post; check `blog`")
    for per in ("perday", "perhour"):
        left, wait = headers.get(f"x-ratelimit-{per}-remaining"), headers.get(f"x-ratelimit-{per}-reset", "")
        if status == 429 and left == "0" and wait.isdecimal():  # noqa: PLR2004
            return SourceError(Trouble.THROTTLED, "the calls of the key are used up", retry_after=float(wait))
    return None


KIND = Kind(
    TumblrSettings,
    Tumblr,
    where="Free and at once: the OAuth consumer key of an application, from https://www.tumblr.com/oauth/apps.",
    page="watch-tumblr.md",
    documents=("https://github.com/tumblr/docs/blob/master/api.md",),
    example={"hashtags": ["{brand}"], "every": "10m"},
)
