"""What every source must hold to, as a class of tests: a source joins by a stage, which is where posts appear for it.

    class TestForum(SourceContract):
        def perform(self, scene: Scene) -> Stage:
            forum = MyForum()                      # a few lines that answer as the network's documentation says
            scene.site.answer = forum.answer
            return Stage(KIND, ForumSettings(kind="forum", url=scene.site.url, key=SECRET, own_accounts=(OWN,)), forum.publish)

It needs pytest and pytest-asyncio. What a network cannot tell is exempt, with a reason; then the suite checks that the source
does not pretend to know it.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import structlog
from aiohttp import web

from monitor.domain.clock import ManualClock
from monitor.domain.errors import SourceError, Trouble
from monitor.domain.mention import Mention
from monitor.sources import HttpClient, Kind, Kit, Source, sanitise
from monitor.sources.base import Attentive, SourceSettings
from monitor.sources.conversation import BELOW, Conversing, Thread, arranged
from monitor.testing.servers import AtOnce, Drained, Handler, Site, drain, loopback, serving, trouble_of

START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
SECRET = "s3cr3t-w0rd"  # noqa: S105 - whoever sees it anywhere has found a fault
OWN = "brand"
_BIG = 2**53
_MOST_CALLS = 8  # for a thread, signing in included: a person waits
PROMISES = {
    "server": "answers of every kind are understood",
    "credentials": "refused credentials are told from a server that is down",
    "throttling": "a limit is waited for as told",
    "replies": "what answers something is linked to it",
    "reach": "how many people an author reaches is known",
    "verified": "whether an author is verified is known",
    "engagement": "how the public reacted is known",
    "changes": "what was edited, and what the public did since, is seen",
    "deletions": "what was deleted is seen",
    "pages": "a list of pages is read to its end",
    "equal": "any number of posts of one moment is seen",
    "big": "ids beyond 2^53 stay what they are",
    "conversation": "the thread around a post is shown to who asks for it",
}


@dataclass(frozen=True)
class Post:
    """Something said on the stage. `minute` is counted from `START`; equal minutes are equal times.

    `answers` is another's number. `zoneless`: where the network writes times as text, it is written in UTC without saying so.
    """

    number: int
    minute: float = 0
    author: str = "ann"
    answers: int | None = None
    likes: int = 0
    reach: int = 7
    verified: bool = False
    edited: bool = False
    deleted: bool = False
    zoneless: bool = False

    @property
    def written_at(self) -> datetime:
        """When it was written."""
        return START + timedelta(minutes=self.minute)

    @property
    def stamp(self) -> str:
        """The same, as ISO-8601."""
        return (self.written_at.replace(tzinfo=None) if self.zoneless else self.written_at).isoformat()

    @property
    def text(self) -> str:
        """What it says."""
        return f"post {self.number}" + (", corrected" if self.edited else "")


@dataclass(frozen=True)
class Scene:
    """What a stage is made of: a server at hand, the way to it, a clock that stands still, an empty folder."""

    site: Site
    http: HttpClient
    clock: ManualClock
    folder: Path


@dataclass
class Stage:
    """Where posts appear, and how to listen to them.

    `publish` shows a post from now on, or shows it anew where its number was there. `exempt` says what the network cannot tell
    or needs no telling, each with its reason; see `PROMISES`. `crowd` is how many answers to one post it is tried with.
    """

    kind: Kind[Any]
    settings: SourceSettings
    publish: Callable[[Post], None]
    exempt: Mapping[str, str] = field(default_factory=dict)
    inbox: Any = None
    crowd: int = 1_000

    def __post_init__(self) -> None:
        unknown = set(self.exempt) - set(PROMISES)
        assert not unknown, f"no promise is called {sorted(unknown)}; there are {', '.join(PROMISES)}"


def checklist(stage: Stage) -> list[tuple[str, str]]:
    """Every promise, and `done`, or `exempt` with the reason."""
    return [(words, f"exempt: {stage.exempt[name]}" if name in stage.exempt else "done") for name, words in PROMISES.items()]


class Listening:
    """A stage in its scene."""

    def __init__(self, scene: Scene, stage: Stage) -> None:
        self.scene, self.stage = scene, stage
        self._open: list[Attentive] = []

    def source(self, **changed: Any) -> Source:
        """A fresh source, as after a restart."""
        settings = self.stage.settings.model_copy(update=changed) if changed else self.stage.settings
        workshop = AtOnce()
        source = self.stage.kind.build(settings, Kit("stage", self.scene.http, self.scene.clock, self.stage.inbox, workshop))
        if isinstance(source, Attentive):
            self._open.append(source)
        return source

    async def close(self) -> None:
        """End the connections of those that keep one."""
        for source in self._open:
            await source.close()

    def publish(self, *posts: Post) -> None:
        """Show them."""
        for post in posts:
            self.stage.publish(post)

    async def drain(self, cursor: str | None = None) -> Drained:
        """All there is, by fresh sources: nothing but the cursor is kept."""
        return await drain(self.source(), cursor, at_most=500)

    async def thread(self, uri: str) -> Thread:
        """The thread around a post, by a fresh source that can be asked for it, laid out as people see it."""
        source = self.source()
        assert isinstance(source, Conversing)
        said = await source.conversation(uri)
        return arranged(uri, map(sanitise, said.posts), whole=said.whole)

    def must(self, promise: str) -> bool:
        """Whether the stage is not exempt."""
        return promise not in self.stage.exempt

    @contextmanager
    def answering(self, wrap: Callable[[Handler], Handler]) -> Iterator[None]:
        """For a while the server answers otherwise; `wrap` is given how it answered before."""
        before = self.scene.site.answer
        assert before is not None
        self.scene.site.answer = wrap(before)
        try:
            yield
        finally:
            self.scene.site.answer = before


def saying(status: int, body: bytes = b"", **headers: str) -> Callable[[Handler], Handler]:
    """The same to everybody. In header names write an underscore for each hyphen."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}

    async def same(request: web.Request) -> web.Response:
        del request
        return web.Response(status=status, body=body, headers=named)

    return _instead(same)


def _instead(handler: Handler) -> Callable[[Handler], Handler]:
    def wrap(before: Handler) -> Handler:
        del before
        return handler

    return wrap


def numbers(mentions: Sequence[Mention]) -> list[int]:
    """The posts behind mentions, each once, in order: what the store would hold."""
    return [int(text.removeprefix("post ").partition(",")[0]) for text in dict.fromkeys(mention.text for mention in mentions)]


_NONSENSE = (
    b"",
    b"null",
    b"[]",
    b"{}",
    b"42",
    b'"words"',
    b"[[1]]",
    b'[{"id":{}}]',
    b'{"data":7,"items":[3]}',
    b"\xff",
    b"<html>",
)


class SourceContract:
    """Derive from it, and say in `perform` where posts appear."""

    pytestmark = pytest.mark.asyncio

    def perform(self, scene: Scene) -> Stage:
        """The stage of this source, empty."""
        raise NotImplementedError

    @pytest_asyncio.fixture
    async def here(self, tmp_path: Path) -> AsyncIterator[Listening]:
        """The stage, while a test lasts."""
        clock = ManualClock(NOW)
        settings = loopback(retries=0, breaker_failures=1000)
        async with serving() as site, HttpClient(settings, clock, pause=0) as http:
            scene = Scene(site, http, clock, tmp_path)
            listening = Listening(scene, self.perform(scene))
            yield listening
            await listening.close()

    async def test_it_pages_to_what_it_has(self, here: Listening) -> None:
        """Between two polls far more than one page appears: everything is seen, and then it rests."""
        here.publish(Post(0))
        first = await here.drain()
        here.publish(*(Post(number, number / 100) for number in range(1, 1202)))
        rest = await here.drain(first.cursor)
        assert sorted(numbers([*first.mentions, *rest.mentions])) == list(range(1202))
        assert rest.rejected == []

    async def test_a_batch_begins_with_its_oldest(self, here: Listening) -> None:
        """Whatever the network's order, the mentions of a poll are oldest first."""
        here.publish(*(Post(number, number) for number in range(5)))
        times = [mention.written_at for mention in (await here.source().poll(None)).mentions]
        assert times == sorted(times)
        assert times

    async def test_equal_times_lose_nothing(self, here: Listening) -> None:
        """A hundred posts of one moment, half of them seen before."""
        if not here.must("equal"):
            return
        here.publish(Post(0))
        first = await here.drain()
        here.publish(*(Post(number, 5) for number in range(1, 51)))
        second = await here.drain(first.cursor)
        here.publish(*(Post(number, 5) for number in range(51, 101)))
        third = await here.drain(second.cursor)
        assert sorted(numbers([*first.mentions, *second.mentions, *third.mentions])) == list(range(101))

    async def test_it_starts_again_anywhere(self, here: Listening) -> None:
        """A kill after any poll, before or after its commit: the store ends up with everything, under stable identities."""
        here.publish(Post(0))
        cursor = (await here.drain()).cursor
        here.publish(*(Post(number, number / 100) for number in range(1, 601)))
        stored: dict[str, str] = {}
        for attempt in range(200):
            batch = await here.source().poll(cursor)
            if attempt % 3:  # every third poll is lost before its commit
                cursor = batch.cursor
                stored |= {sanitise(mention, NOW).key: mention.text for mention in batch.mentions}
                if not batch.more:
                    break
        assert len(stored) == len(set(stored.values()))
        assert set(stored.values()) >= {f"post {number}" for number in range(1, 601)}

    async def test_a_crowd_under_one_post(self, here: Listening) -> None:
        """So many answers to one post are all seen, each linked to it."""
        here.publish(Post(0, author=OWN))
        first = await here.drain()
        here.publish(*(Post(number, 1 + number / 1000, answers=0) for number in range(1, here.stage.crowd + 1)))
        rest = await here.drain(first.cursor)
        assert sorted({0, *numbers(rest.mentions)}) == list(range(here.stage.crowd + 1))

    async def test_our_own_posts_are_recognised(self, here: Listening) -> None:
        """Nobody is alarmed by what the brand says itself."""
        here.publish(Post(0, 0, OWN), Post(1, 1, "ann"))
        mentions = (await here.drain()).mentions
        assert {mention.text: mention.author is not None and mention.author.own for mention in mentions} == {
            "post 0": True,
            "post 1": False,
        }

    async def test_answers_are_linked_to_what_they_answer(self, here: Listening) -> None:
        """The parent of an answer is the key of what it answers."""
        here.publish(Post(0, 0), Post(1, 1, answers=0))
        found = {mention.text: sanitise(mention) for mention in (await here.drain()).mentions}
        expected = found["post 0"].key if here.must("replies") else None
        assert found["post 1"].parent == expected

    async def test_a_thread_is_shown_to_who_asks(self, here: Listening) -> None:
        """Of a post its answers, and of an answer what it answers, under the identities that polls give them."""
        assert isinstance(here.source(), Conversing) is here.must("conversation")
        if not here.must("conversation"):
            return
        here.publish(Post(0, 0, author=OWN), Post(1, 1, answers=0))
        polled = {mention.text: sanitise(mention).key for mention in (await here.drain()).mentions}
        thread = await here.thread(polled["post 0"])
        assert ([each.post.text for each in thread.below], thread.whole) == (["post 1"], True)
        if here.must("replies"):
            assert thread.below[0].post.key == polled["post 1"]
            thread = await here.thread(polled["post 1"])
            assert [each.post.text for each in thread.posts] == ["post 0", "post 1"]

    async def test_a_thread_has_an_end(self, here: Listening) -> None:
        """Of a crowd's answers some are shown, by few calls, and it is said that there are more; also of a page that repeats."""
        if not here.must("conversation"):
            return
        here.publish(Post(0, 0, author=OWN))
        key = sanitise((await here.drain()).mentions[0]).key
        here.publish(*(Post(number, 1 + number / 1000, answers=0) for number in range(1, here.stage.crowd + 1)))
        thread = await here.thread(key)
        assert (0 < len(thread.below) <= BELOW, thread.whole) == (True, False)
        asked = len(here.scene.site.asked)
        with here.answering(_the_same_for_ever):
            assert len((await here.thread(key)).below) <= BELOW
        assert len(here.scene.site.asked) - asked <= _MOST_CALLS

    async def test_who_asks_for_a_thread_is_told_what_is_wrong(self, here: Listening) -> None:
        """A post that is gone, a redirect inward, answers that break off or are none: an error, or a thread without them."""
        if not here.must("conversation"):
            return
        here.publish(Post(0, 0, author=OWN))
        key = sanitise((await here.drain()).mentions[0]).key
        bad = [saying(200, nonsense, Content_Type="application/json") for nonsense in _NONSENSE]
        with structlog.testing.capture_logs() as lines:
            with here.answering(saying(302, Location="http://169.254.169.254/latest/meta-data/")):
                error = await trouble_of(here.thread(key))
            assert error.trouble in {Trouble.REFUSED, Trouble.GONE, Trouble.MALFORMED}
            for wrap in (_breaking_off, *map(saying, (401, 403, 404, 410, 429, 500)), *bad):
                with here.answering(wrap):
                    said = await _outcome(here.thread(key))
                assert SECRET not in f"{said} {lines!r}"

    async def test_authors_are_known(self, here: Listening) -> None:
        """By handle, or by name where nobody has one; how many they reach, and whether they are verified, where it is told."""
        here.publish(Post(0, 0, "ann", reach=1234, verified=True))
        (mention,) = (await here.drain()).mentions
        assert mention.author is not None
        assert (mention.author.handle or mention.author.name).partition("@")[0] == "ann"
        assert mention.author.reach == (1234 if here.must("reach") else None)
        assert mention.author.verified == (True if here.must("verified") else None)

    async def test_what_the_public_does_is_seen(self, here: Listening) -> None:
        """How many liked it."""
        here.publish(Post(0, likes=41))
        (mention,) = (await here.drain()).mentions
        assert mention.engagement.likes == (41 if here.must("engagement") else None)

    async def test_changes_are_seen(self, here: Listening) -> None:
        """A post that was edited, and liked since, comes again under the same identity with what it says now."""
        if not here.must("changes"):
            return
        here.publish(Post(0, 0, likes=1))
        first = await here.drain()
        here.publish(Post(0, 0, likes=2, edited=True))
        again = await here.drain(first.cursor)
        last = again.mentions[-1]
        assert (sanitise(last).key, last.text) == (sanitise(first.mentions[0]).key, "post 0, corrected")
        assert not here.must("engagement") or last.engagement.likes == 2  # noqa: PLR2004

    async def test_deletions_are_seen(self, here: Listening) -> None:
        """A post that was deleted is said to be gone, under the identity it had."""
        here.publish(Post(0), Post(1, 1))
        first = await here.drain()
        here.publish(Post(0, deleted=True))
        batch = await here.source().poll(first.cursor)
        gone = [(each.network, each.uri) for each in batch.deleted]
        lost = next(sanitise(mention) for mention in first.mentions if mention.text == "post 0")
        assert gone == ([(lost.network, lost.key)] if here.must("deletions") else [])

    async def test_times_are_aware_and_in_utc(self, here: Listening) -> None:
        """A mention is dated by when it was written; a time without a zone is taken for UTC."""
        here.publish(Post(0, 3), Post(1, 4, zoneless=True))
        mentions = (await here.drain()).mentions
        assert {(mention.written_at, mention.written_at.tzinfo) for mention in mentions} == {
            (START + timedelta(minutes=minute), UTC) for minute in (3, 4)
        }
        assert {mention.network for mention in mentions} == {here.source().network}

    async def test_large_ids_stay_what_they_are(self, here: Listening) -> None:
        """Two ids that are one as floating-point numbers."""
        if not here.must("big"):
            return
        here.publish(Post(_BIG, 1), Post(_BIG + 1, 2))
        mentions = (await here.drain()).mentions
        assert len({sanitise(mention).key for mention in mentions}) == len(mentions) == 2  # noqa: PLR2004

    async def test_rubbish_for_a_cursor_is_no_cursor(self, here: Listening) -> None:
        """A cursor of another source, of another server, or of nobody, never stops the reading."""
        here.publish(Post(0))
        own = (await here.drain()).cursor or "{}"
        state = json.loads(own)
        foreign = json.dumps({**state, "of": "0123456789abcdef"}) if isinstance(state, dict) else own
        for cursor in ("", "rubbish", "[]", '{"of":"x","offset":10,"url":"http://other"}', foreign):
            assert numbers((await here.drain(cursor)).mentions) == [0]

    async def test_no_secret_shows(self, here: Listening) -> None:
        """Neither in what goes wrong, nor in a repr, a cursor, or a line of the log."""
        here.publish(Post(0))
        with structlog.testing.capture_logs() as lines:
            cursor = (await here.drain()).cursor
            shown = [repr(here.stage.settings), str(here.stage.settings), repr(here.source()), repr(cursor)]
            for status in (400, 401, 403, 404, 410, 429, 500):
                here.scene.site.answer = here.scene.site.answer or _nobody
                with here.answering(saying(status)):
                    shown.append(await _outcome(here.source().poll(cursor)))
            for body in _NONSENSE:
                with here.answering(saying(200, body, Content_Type="application/json")):
                    shown.append(await _outcome(here.source().poll(cursor)))
        assert SECRET not in " ".join([*shown, repr(lines)])

    async def test_refused_credentials_are_told(self, here: Listening) -> None:
        """A 401 or 403 stops the source: only a person can help."""
        if not here.must("credentials"):
            return
        here.publish(Post(0))
        for status in (401, 403):
            with here.answering(saying(status)):
                error = await trouble_of(here.source().poll(None))
            assert (error.trouble, error.permanent) == (Trouble.CREDENTIALS, True), status

    async def test_a_limit_is_waited_for_as_told(self, here: Listening) -> None:
        """429, with any of the forms in which servers say how long."""
        if not here.must("throttling"):
            return
        here.publish(Post(0))
        soon = NOW + timedelta(seconds=90)
        forms: list[tuple[dict[str, str], float | None]] = [
            ({}, None),
            ({"Retry_After": "90"}, 90),
            ({"Retry_After": format_datetime(soon, usegmt=True)}, 90),
            ({"X_RateLimit_Reset": str(int(soon.timestamp()))}, 90),
            ({"x_rate_limit_reset": str(int(soon.timestamp()))}, 90),
            ({"X_RateLimit_Reset": soon.isoformat()}, 90),
            ({"X_Ratelimit_Reset": "90"}, 90),
            ({"RateLimit_Reset": str(int(soon.timestamp()))}, 90),
        ]
        for headers, wait in forms:
            with here.answering(saying(429, b"", **headers)):
                error = await trouble_of(here.source().poll(None))
            assert (error.trouble, error.retry_after) == (Trouble.THROTTLED, wait), headers

    async def test_it_recovers_from_whatever_a_server_says(self, here: Listening) -> None:
        """Errors, answers that break off, and answers of the wrong shape: told as such, and afterwards nothing is missing."""
        if not here.must("server"):
            return
        here.publish(Post(0))
        cursor = (await here.drain()).cursor
        here.publish(*(Post(number, number) for number in range(1, 4)))
        bad = [saying(200, nonsense, Content_Type="application/json") for nonsense in _NONSENSE]
        seen: list[Mention] = []
        for wrap in (*map(saying, (500, 502, 503)), *bad, _breaking_off):
            with here.answering(wrap):
                try:
                    batch = await here.source().poll(cursor)
                except SourceError as error:
                    assert error.trouble in {Trouble.UNAVAILABLE, Trouble.MALFORMED, Trouble.REFUSED}  # noqa: PT017
                else:
                    seen, cursor = [*seen, *batch.mentions], batch.cursor
        seen += (await here.drain(cursor)).mentions
        assert {1, 2, 3} <= set(numbers(seen)) <= {0, 1, 2, 3}

    async def test_a_server_that_hangs_is_given_up(self, here: Listening) -> None:
        """A poll ends by the source's `timeout`."""
        if not here.must("server"):
            return
        here.publish(Post(0))
        release = asyncio.Event()

        async def hang(request: web.Request) -> web.Response:
            del request
            await release.wait()
            return web.Response()

        with here.answering(_instead(hang)):
            error = await trouble_of(here.source(timeout=timedelta(seconds=0.05)).poll(None))
            release.set()
        assert error.trouble is Trouble.TIMEOUT

    async def test_a_page_that_comes_again_for_ever_ends(self, here: Listening) -> None:
        """A server that gives the same page whatever it is asked."""
        if not (here.must("server") and here.must("pages")):
            return
        here.publish(Post(0))
        cursor = (await here.drain()).cursor
        here.publish(*(Post(number, number) for number in range(1, 400)))
        with here.answering(_the_same_for_ever):
            await here.drain(cursor)

    async def test_a_redirect_inward_is_refused(self, here: Listening) -> None:
        """A server that sends us to an address of a private network, or to another host with our secret."""
        if not here.must("server"):
            return
        here.publish(Post(0))
        for target in ("http://169.254.169.254/latest/meta-data/", "http://10.0.0.1/", "file:///etc/passwd"):
            with here.answering(saying(302, Location=target)):
                error = await trouble_of(here.source().poll(None))
            assert error.trouble in {Trouble.REFUSED, Trouble.MALFORMED}, target


def _breaking_off(before: Handler) -> Handler:
    async def cut(request: web.Request) -> web.StreamResponse:
        answer = await before(request)
        body = bytes(getattr(answer, "body", b"") or b"")
        headers = {"Content-Type": answer.headers.get("Content-Type", "application/json")}
        return web.Response(body=body[: len(body) // 2], headers=headers) if body else web.Response(status=500)

    return cut


def _the_same_for_ever(before: Handler) -> Handler:
    kept: dict[str, tuple[int, bytes, dict[str, str]]] = {}

    async def same(request: web.Request) -> web.StreamResponse:
        if request.path not in kept:
            answer = await before(request)
            headers = {name: value for name, value in answer.headers.items() if name.lower() in {"content-type", "link"}}
            kept[request.path] = answer.status, bytes(getattr(answer, "body", b"") or b""), headers
        status, body, headers = kept[request.path]
        return web.Response(status=status, body=body, headers=headers)

    return same


async def _nobody(request: web.Request) -> web.Response:
    del request
    return web.Response(status=404)


async def _outcome(polling: Awaitable[object]) -> str:
    try:
        return repr(await polling)
    except SourceError as error:
        return f"{error!r} {error} {error.detail}"
