"""What every source must hold to. A new source joins by a stage: where posts appear, and how to listen to them."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from pydantic import SecretStr

from monitor.domain.clock import ManualClock
from monitor.domain.errors import SourceError
from monitor.domain.mention import Mention
from monitor.sources import (
    FeedSettings,
    FileSettings,
    HttpClient,
    MastodonSettings,
    Source,
    WebhookSourceSettings,
    build,
    sanitise,
)
from monitor.sources.base import SourceSettings
from monitor.testing import AtOnce, Site, drain, loopback, serving

START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
SECRET = "s3cr3t-w0rd"


@dataclass(frozen=True)
class Post:
    """Something said. `minute` is counted from START; equal minutes are equal times."""

    number: int
    minute: float
    author: str = "ann"

    @property
    def written_at(self) -> datetime:
        return START + timedelta(minutes=self.minute)


@dataclass
class Stage:
    """Where posts appear, and how to listen to them. `site` is the server behind it, if it has one."""

    site: Site
    publish: Callable[[Post], None]
    settings: SourceSettings
    http: HttpClient
    clock: ManualClock
    inbox: Any = None

    def listen(self) -> Source:
        """A fresh source, as after a restart."""
        return build("stage", self.settings, http=self.http, clock=self.clock, inbox=self.inbox, workshop=AtOnce())  # type: ignore[arg-type]


@asynccontextmanager
async def feed(site: Site, http: HttpClient, clock: ManualClock, path: Path) -> AsyncIterator[Stage]:
    """A feed that keeps everything, behind a password and a key."""
    posts: list[Post] = []

    async def answer(request: web.Request) -> web.Response:
        items = "".join(
            f"<item><title>post {post.number}</title><link>https://x.example/{post.number}</link><author>{post.author}</author>"
            f"<pubDate>{format_datetime(post.written_at)}</pubDate></item>"
            for post in reversed(posts)
        )
        return web.Response(text=f'<rss version="2.0"><channel>{items}</channel></rss>', headers={"ETag": f'"{len(posts)}"'})

    site.answer = answer
    url = f"{site.url}/feed?key={SECRET}".replace("http://", f"http://me:{SECRET}@")
    yield Stage(site, posts.append, FeedSettings(kind="feed", url=url, own_accounts=("brand",)), http, clock)


@asynccontextmanager
async def mastodon(site: Site, http: HttpClient, clock: ManualClock, path: Path) -> AsyncIterator[Stage]:
    """A server with the Mastodon API, asked with a token."""
    posts: list[Post] = []

    def status(post: Post) -> dict[str, Any]:
        return {
            "id": str((int(post.written_at.timestamp() * 1000) << 16) + post.number),
            "uri": f"https://x.example/{post.number}",
            "created_at": post.written_at.isoformat(),
            "content": f"<p>post {post.number}</p>",
            "account": {"acct": post.author},
        }

    async def answer(request: web.Request) -> web.Response:
        if request.path.startswith("/api/v1/accounts/"):
            return web.json_response([] if request.path.endswith("/statuses") else {"id": "7", "acct": "brand"})
        statuses = sorted(map(status, posts), key=lambda each: int(each["id"]))
        since = request.query.get("min_id")
        page = statuses[-40:] if since is None else [each for each in statuses if int(each["id"]) > int(since)][:40]
        return web.json_response(page[::-1])

    site.answer = answer
    settings = MastodonSettings(kind="mastodon", url=site.url, hashtags=("x",), token=SecretStr(SECRET), own_accounts=("brand",))
    yield Stage(site, posts.append, settings, http, clock)


@dataclass(frozen=True)
class Call:
    """One stored call."""

    id: int
    body: bytes
    received_at: datetime


@dataclass
class Inbox:
    """The store's inbox, in memory."""

    calls: dict[int, Call] = field(default_factory=dict)
    done: set[int] = field(default_factory=set)

    def put(self, post: Post) -> None:
        said = {"id": post.number, "text": f"post {post.number}", "author": post.author, "date": post.written_at.isoformat()}
        number = len(self.calls) + 1
        self.calls[number] = Call(number, json.dumps(said).encode(), post.written_at)

    async def pending(self, source: str, limit: int, most: int) -> Sequence[Call]:
        return [call for number, call in self.calls.items() if number not in self.done][:limit]

    async def processed(self, id_: int, at: datetime, error: str | None = None) -> None:
        self.done.add(id_)


@asynccontextmanager
async def webhook(site: Site, http: HttpClient, clock: ManualClock, path: Path) -> AsyncIterator[Stage]:
    """Calls that other systems made."""
    inbox = Inbox()
    settings = WebhookSourceSettings(kind="webhook", secret=SecretStr(SECRET), own_accounts=("brand",))
    yield Stage(site, inbox.put, settings, http, clock, inbox)


@asynccontextmanager
async def file(site: Site, http: HttpClient, clock: ManualClock, path: Path) -> AsyncIterator[Stage]:
    """A file that grows."""
    path /= "posts.jsonl"
    path.touch()

    def write(post: Post) -> None:
        said = {"id": post.number, "text": f"post {post.number}", "author": post.author, "date": post.written_at.isoformat()}
        with path.open("a") as stream:
            stream.write(json.dumps(said) + "\n")

    yield Stage(site, write, FileSettings(kind="file", path=str(path), own_accounts=("brand",)), http, clock)


@pytest.fixture(params=[feed, mastodon, webhook, file], ids=lambda make: make.__name__)
async def stage(request: pytest.FixtureRequest, tmp_path: Path, clock: ManualClock) -> AsyncIterator[Stage]:
    """Every source in turn."""
    async with (
        serving() as site,
        HttpClient(loopback(), clock, pause=0) as http,
        request.param(site, http, clock, tmp_path) as made,
    ):
        yield made


def numbers(mentions: Sequence[Mention]) -> list[int]:
    """The posts behind mentions, each once, in order: what the store would hold."""
    return [int(text.removeprefix("post ")) for text in dict.fromkeys(mention.text for mention in mentions)]


async def test_it_pages_to_what_it_has(stage: Stage) -> None:
    """Between two polls far more than one page appears: everything is seen, oldest first, and then it rests."""
    stage.publish(Post(0, 0))
    first = await drain(stage.listen())
    for number in range(1, 1202):
        stage.publish(Post(number, number / 100))
    rest = await drain(stage.listen(), first.cursor)
    assert numbers([*first.mentions, *rest.mentions]) == list(range(1202))
    assert rest.rejected == []


async def test_equal_times_lose_nothing(stage: Stage) -> None:
    """A hundred posts of one moment, half of them seen before."""
    stage.publish(Post(0, 0))
    first = await drain(stage.listen())
    for number in range(1, 51):
        stage.publish(Post(number, 5))
    second = await drain(stage.listen(), first.cursor)
    for number in range(51, 101):
        stage.publish(Post(number, 5))
    third = await drain(stage.listen(), second.cursor)
    assert sorted(numbers([*first.mentions, *second.mentions, *third.mentions])) == list(range(101))


async def test_it_starts_again_anywhere(stage: Stage) -> None:
    """A kill after any poll, before or after its commit: the store ends up with everything, under stable identities."""
    stage.publish(Post(0, 0))
    cursor = (await drain(stage.listen())).cursor
    for number in range(1, 1101):
        stage.publish(Post(number, number / 100))
    stored: dict[str, str] = {}
    for attempt in range(100):
        batch = await stage.listen().poll(cursor)
        if attempt % 3:  # every third poll is lost before its commit
            cursor = batch.cursor
            stored |= {sanitise(mention, stage.clock.now()).key: mention.text for mention in batch.mentions}
            if not batch.more:
                break
    assert len(stored) == len(set(stored.values()))
    assert set(stored.values()) >= {f"post {number}" for number in range(1, 1101)}


async def test_our_own_posts_are_recognised(stage: Stage) -> None:
    """Nobody is alarmed by what the brand says itself."""
    stage.publish(Post(0, 0, "brand"))
    stage.publish(Post(1, 1, "ann"))
    mentions = (await drain(stage.listen())).mentions
    assert [mention.author is not None and mention.author.own for mention in mentions] == [True, False]


async def test_times_are_aware_and_in_utc(stage: Stage) -> None:
    """A mention is dated by when it was written."""
    stage.publish(Post(0, 3))
    (mention,) = (await drain(stage.listen())).mentions
    assert (mention.written_at, mention.written_at.tzinfo) == (START + timedelta(minutes=3), UTC)
    assert mention.network == stage.listen().network


async def test_rubbish_for_a_cursor_is_no_cursor(stage: Stage) -> None:
    """A cursor of another source, or of nobody, never stops the reading."""
    stage.publish(Post(0, 0))
    for cursor in ("", "rubbish", "[]", '{"of":"x","offset":10,"url":"http://other"}'):
        assert numbers((await drain(stage.listen(), cursor)).mentions) == [0]


async def test_no_secret_shows(stage: Stage) -> None:
    """Neither in what goes wrong, nor in a repr, nor in a cursor."""
    stage.publish(Post(0, 0))
    cursor = (await drain(stage.listen())).cursor
    shown = [repr(stage.settings), repr(stage.listen()), repr(cursor)]
    for status in (401, 404, 410, 429, 500):
        stage.site.says(status)
        try:
            shown.append(repr(await stage.listen().poll(cursor)))
        except SourceError as error:
            shown.append(f"{error!r} {error} {error.detail}")
    assert SECRET not in " ".join(shown)
