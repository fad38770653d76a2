"""An Instagram account, read from a server that answers as Meta documents it, and from recorded answers."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from pydantic import SecretStr, ValidationError

from monitor.domain.clock import ManualClock
from monitor.domain.errors import Trouble
from monitor.domain.mention import Form
from monitor.sources import HttpClient, Kit
from monitor.sources.base import Batch
from monitor.sources.instagram import Instagram, InstagramSettings
from monitor.testing.servers import AtOnce, Drained, Site, drain, loopback, serving, trouble_of
from tests.graph import ACCOUNT, GraphServer, Said, call, permalink
from tests.inbox import Inbox

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
YEAR = timedelta(days=365)
RECORDED = Path(__file__).resolve().parents[4] / "shared" / "data" / "payloads" / "instagram"


@dataclass
class Desk:
    """An account on a server, and whoever reads it."""

    server: GraphServer
    inbox: Inbox
    site: Site
    http: HttpClient
    clock: ManualClock
    settings: InstagramSettings

    async def poll(self, cursor: str | None = None, **changed: Any) -> Batch:
        return await self.source(**changed).poll(cursor)

    def source(self, **changed: Any) -> Instagram:
        settings = self.settings.model_copy(update=changed)
        return Instagram(settings, Kit("account", self.http, self.clock, self.inbox, AtOnce()))

    async def drain(self, cursor: str | None = None) -> Drained:
        return await drain(self.source(), cursor, at_most=500)

    def post(self, number: int, ago: timedelta = timedelta(hours=1), **more: Any) -> Said:
        said = Said(str(number), f"post {number}", NOW - ago, **{"author": "brand", "where": "media", **more})
        self.server.say(said)
        return said

    def comment(self, number: int, post: Said, at: datetime = NOW, **more: Any) -> Said:
        said = Said(str(number), f"comment {number}", at, under=post.id, **more)
        self.server.say(said)
        return said

    def hears(self, *changes: tuple[str, dict[str, Any]]) -> None:
        self.inbox.put(call("instagram", ACCOUNT, NOW, *changes), NOW)


@pytest_asyncio.fixture
async def desk() -> AsyncIterator[Desk]:
    """An account of ours, read with the secret of an app."""
    clock, server = ManualClock(NOW), GraphServer("t0ken", "s3cret", ACCOUNT)
    async with serving() as site, HttpClient(loopback(retries=0, breaker_failures=1000), clock, pause=0) as http:
        site.answer = server.answer
        settings = InstagramSettings(
            kind="instagram", url=site.url, account=ACCOUNT, token=SecretStr("t0ken"), app_secret=SecretStr("s3cret"),
            own_accounts=("brand_fr",),
        )  # fmt: skip
        yield Desk(server, Inbox(), site, http, clock, settings)


def texts(mentions: Any) -> list[str]:
    """What they say."""
    return [mention.text for mention in mentions]


async def test_comments_and_answers_are_linked(desk: Desk) -> None:
    """To the post's own address; ours are recognised, with how many follow us; an author who is not told is unknown."""
    post = desk.post(1)
    comment = desk.comment(5, post, likes=3)
    desk.comment(6, post, answers=comment.id, author="Brand_FR")
    desk.comment(7, post, author=None)
    found = {mention.text: mention for mention in (await desk.drain()).mentions}
    said, answer, ours = found["comment 5"], found["comment 6"], found["post 1"]
    assert (said.form, said.uri, said.parent) == (Form.COMMENT, f"{permalink('1')}c/5/", permalink("1"))
    assert (answer.form, answer.parent, answer.thread) == (Form.REPLY, said.uri, permalink("1"))
    assert ours.author is not None
    assert (ours.author.handle, ours.author.reach, ours.engagement.replies) == ("brand", 4321, 3)
    assert answer.author is not None
    assert (answer.author.own, said.engagement.likes, found["comment 7"].author) == (True, 3, None)


async def test_an_old_post_that_suddenly_gets_comments_is_seen(desk: Desk) -> None:
    """By its number of comments, within as many looks as the list has pages."""
    old = desk.post(1000, 5 * YEAR)
    for number in range(350):
        desk.post(number, YEAR + number * MINUTE)
    cursor = (await desk.drain()).cursor
    for _ in range(4):
        cursor = (await desk.poll(cursor)).cursor
    desk.comment(5000, old)
    found: list[str] = []
    for _ in range(4):
        seen = await desk.drain(cursor)
        found, cursor = [*found, *texts(seen.mentions)], seen.cursor
    assert "comment 5000" in found


async def test_a_new_answer_to_an_old_comment_is_seen(desk: Desk) -> None:
    """It stands far below the newest comments: the number of comments says that there is one more to find."""
    post = desk.post(1, 10 * YEAR)
    old = desk.comment(10, post, NOW - YEAR)
    for number in range(11, 200):
        desk.comment(number, post, NOW - YEAR + number * MINUTE)
    cursor = (await desk.drain()).cursor
    desk.comment(500, post, answers=old.id)
    desk.comment(501, post)
    desk.server.asked.clear()
    seen = await desk.drain(cursor)
    assert {"comment 500", "comment 501"} <= set(texts(seen.mentions))
    assert desk.server.asked.count("1/comments") == 4
    desk.server.asked.clear()
    desk.comment(502, post)
    assert "comment 502" in texts((await desk.drain(seen.cursor)).mentions)
    assert desk.server.asked.count("1/comments") == 1  # all that must be new is on the first page


async def test_thousands_of_answers_to_one_comment_take_several_polls_and_none_is_lost(desk: Desk) -> None:
    """They have pages of their own, and are read some at a time."""
    post = desk.post(1)
    comment = desk.comment(5, post)
    cursor: str | None = (await desk.drain()).cursor
    for number in range(10_000, 12_000):
        desk.comment(number, post, NOW + number * timedelta(seconds=1), answers=comment.id)
    found: set[str] = set()
    for _polls in range(1, 200):
        batch = await desk.poll(cursor)
        found, cursor = found | set(texts(batch.mentions)), batch.cursor
        if not batch.more:
            break
    assert found >= {f"comment {number}" for number in range(10_000, 12_000)}
    assert _polls > 5


async def test_answers_that_never_end_are_given_up(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that always has another page of answers."""
    monkeypatch.setattr("monitor.sources.instagram.MOST_PAGES", 5)
    post = desk.post(1)
    comment = desk.comment(5, post)
    for number in range(100, 160):
        desk.comment(number, post, answers=comment.id)
    answer = desk.server._list

    def endless(request: Any, items: list[Said], *, linked: bool) -> dict[str, Any]:
        found = answer(request, items, linked=linked)
        following = {"next": f"{request.url}&after=eHg"}
        return {**found, "paging": following} if "replies" in request.path else found

    monkeypatch.setattr(desk.server, "_list", endless)
    await desk.drain()
    assert desk.server.asked.count("5/replies") == 5


async def test_comments_that_count_and_are_not_shown_do_not_keep_us(desk: Desk) -> None:
    """Hidden ones, and those of people who blocked us: it is looked for them once, and then no more."""
    desk.server.hidden = 7
    desk.comment(5, desk.post(1))
    cursor = (await desk.drain()).cursor
    desk.server.asked.clear()
    await desk.drain(cursor)
    assert "1/comments" not in desk.server.asked


async def test_an_old_picture_in_which_we_are_tagged_now_is_seen(desk: Desk) -> None:
    """The list is not sorted by when we were tagged: what is not known is new, however old it is."""
    for number in range(150):
        desk.post(number, YEAR + number * MINUTE, author="ann", where="tags")
    cursor = (await desk.drain()).cursor
    for _ in range(3):
        cursor = (await desk.poll(cursor)).cursor
    desk.post(999, YEAR + 100 * MINUTE + timedelta(seconds=1), author="bob", where="tags")
    found: list[str] = []
    for _ in range(3):
        batch = await desk.poll(cursor)
        found, cursor = [*found, *texts(batch.mentions)], batch.cursor
    assert found == ["post 999"]


async def test_calls_say_where_to_look_and_whom_to_ask(desk: Desk) -> None:
    """New comments are looked for, answers and live comments asked for, mentions elsewhere fetched as documented."""
    post = desk.post(1, YEAR)
    comment = desk.comment(5, post, NOW - YEAR)
    cursor = (await desk.drain()).cursor
    elsewhere = Said("70", "a post of Ann's for @brand", NOW, "ann", where="nowhere")
    desk.server.say(elsewhere, Said("71", "@brand hello", NOW, "bob", under="70"))
    new, answer, live = desk.comment(6, post), desk.comment(7, post, answers=comment.id), desk.comment(8, post)
    about = {"media": {"id": "1"}, "text": "?", "from": {"id": "9", "username": "ann"}}
    desk.hears(
        ("comments", {**about, "id": new.id}),
        ("comments", {**about, "id": answer.id, "parent_id": comment.id}),
        ("live_comments", {**about, "id": live.id}),
        ("mentions", {"media_id": "70", "comment_id": "71"}),
        ("mentions", {"media_id": "70"}),
        ("story_insights", {"media_id": "70"}),
    )
    batch = await desk.drain(cursor)
    told = {mention.text: mention for mention in batch.mentions}
    assert set(told) == {"post 1", "comment 6", "comment 7", "comment 8", "@brand hello", "a post of Ann's for @brand"}
    assert told["@brand hello"].parent == told["a post of Ann's for @brand"].uri == permalink("70")
    assert told["comment 7"].parent == f"{permalink('1')}c/5/"
    assert batch.rejected == []


async def test_a_live_comment_that_is_gone_is_taken_at_the_calls_word(desk: Desk) -> None:
    """After the broadcast nobody can be asked any more; the call's own moment dates it."""
    value = {"id": "8", "media": {"id": "1"}, "text": "live!", "from": {"id": "9", "username": "ann"}}
    desk.hears(("live_comments", value))
    (mention,) = (await desk.drain()).mentions
    assert (mention.text, mention.written_at, mention.author and mention.author.handle) == ("live!", NOW, "ann")


async def test_the_calls_of_both_logins_are_understood(desk: Desk) -> None:
    """With Instagram's own login a call is a list, and an entry is its only change; an album is called by one of its pictures."""
    desk.comment(6, desk.post(1, YEAR), NOW)
    value = {"id": "6", "media": {"id": "of a picture in it"}, "text": "?", "from": {"id": "9", "username": "ann"}}
    entry = {"id": ACCOUNT, "time": int(NOW.timestamp()), "field": "comments", "value": value}
    desk.inbox.put(json.dumps([{"object": "instagram", "entry": [entry]}]).encode(), NOW)
    batch = await desk.drain()
    assert {mention.uri for mention in batch.mentions} == {permalink("1"), f"{permalink('1')}c/6/"}
    assert batch.rejected == []


async def test_a_mention_that_may_not_be_read_is_told(desk: Desk) -> None:
    """The account is private, or comments are off: given up, and everything else goes on."""
    desk.post(1)
    desk.hears(("mentions", {"media_id": "70", "comment_id": "71"}))
    batch = await desk.drain()
    assert (texts(batch.mentions), [each.where for each in batch.rejected]) == (["post 1"], ["mentioned 70 71"])


async def test_permissions_are_named(desk: Desk) -> None:
    """Those of Instagram."""
    desk.server.errors = {f"{ACCOUNT}/media": [{"error": {"code": 10, "message": "no"}}]}
    failed = await trouble_of(desk.poll())
    assert (failed.trouble, "instagram_manage_comments" in failed.detail) == (Trouble.CREDENTIALS, True)


def test_a_name_is_not_a_number() -> None:
    """The API knows accounts by their number alone."""
    given: dict[str, Any] = {"kind": "instagram", "token": "x"}
    assert InstagramSettings(**given, account=17841400000000000).account == "17841400000000000"
    with pytest.raises(ValidationError, match="number of the Instagram account"):
        InstagramSettings(**given, account="brand")


Read = Callable[[str], Any]


@pytest.fixture
def recorded() -> Read:
    """A recorded answer."""
    if not RECORDED.exists():
        pytest.skip("the recorded answers are not on this machine")
    return lambda name: json.loads((RECORDED / name).read_text())


async def test_recorded_lists_are_understood(desk: Desk, recorded: Read) -> None:
    """Posts and tags: none is lost."""
    media, tags = recorded("medias/medias_fields.json"), recorded("users/tagged_medias.json")
    posts = list(media.values()) if "data" not in media else media["data"]
    lists = iter([{"data": posts}, tags])
    answer = desk.server._list
    desk.server._list = lambda request, items, linked: (  # type: ignore[method-assign, misc]
        answer(request, items, linked=linked) if "comments" in request.path else next(lists)
    )
    batch = await desk.poll()
    expected = {post["id"] for post in [*posts, *tags["data"]]}
    assert (len(batch.mentions), batch.rejected) == (len(expected), [])


async def test_recorded_comments_are_understood(desk: Desk, recorded: Read) -> None:
    """Pages of comments, answers, and comments that were asked for one by one."""
    desk.comment(5, desk.post(1))
    first, second = recorded("medias/comments_p1.json"), recorded("medias/comments_p2.json")
    first["data"][0]["replies"] = recorded("comments/replies.json")
    pages, answer = iter([first, second]), desk.server._list
    desk.server._list = lambda request, items, linked: (  # type: ignore[method-assign, misc]
        next(pages) if "comments" in request.path else answer(request, items, linked=linked)
    )
    batch = await desk.poll(max_age=20 * YEAR)
    comments = [mention for mention in batch.mentions if mention.form is not Form.POST]
    assert len(comments) == len({mention.uri for mention in comments}) == 5
    assert batch.rejected == []


@pytest.mark.parametrize("name", ["mentioned_comment", "mentioned_media"])
async def test_recorded_mentions_are_understood(desk: Desk, recorded: Read, name: str) -> None:
    """What Meta answers to whoever asks who mentioned us."""
    answer, said = recorded(f"users/{name}.json"), desk.server._object
    desk.server._object = lambda number, fields: answer if "mentioned" in fields else said(number, fields)  # type: ignore[method-assign, assignment]
    told = {"media_id": "70", "comment_id": "71"} if name == "mentioned_comment" else {"media_id": "70"}
    desk.hears(("mentions", told))
    batch = await desk.drain()
    assert (len(batch.mentions), batch.rejected) == (1, [])
    assert replace(batch.mentions[0]).text.startswith("@ikroskun")


async def test_threads_are_shown_around_posts_and_comments(desk: Desk) -> None:
    """Of a post its comments and their answers, of a comment both ways; what is gone, or not ours, is said to be."""
    post = desk.post(1)
    comment = desk.comment(5, post)
    desk.comment(6, post, answers=comment.id)
    desk.comment(7, post)
    shown = await desk.source().conversation(permalink("1"))
    assert sorted(texts(shown.posts)) == ["comment 5", "comment 6", "comment 7", "post 1"]
    assert shown.whole
    for number in (5, 6):
        shown = await desk.source().conversation(f"{permalink('1')}c/{number}")
        assert sorted(texts(shown.posts)) == ["comment 5", "comment 6", "post 1"]
        assert {each.text: each.parent for each in shown.posts}["comment 6"] == f"{permalink('1')}c/5/"
    for gone in (f"{permalink('1')}c/99", permalink("2")):
        assert (await trouble_of(desk.source().conversation(gone))).trouble is Trouble.GONE
