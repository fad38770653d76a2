"""A Facebook Page, read from a server that answers as Meta documents it, and from recorded answers."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web
from pydantic import SecretStr, ValidationError

from monitor.domain.clock import ManualClock
from monitor.domain.errors import Trouble
from monitor.domain.mention import Form, Mention
from monitor.sources import HttpClient, Kit
from monitor.sources.base import Batch
from monitor.sources.facebook import Facebook, FacebookSettings
from monitor.sources.webhook import Refused
from monitor.testing.servers import AtOnce, Drained, Site, drain, loopback, serving, trouble_of
from tests.graph import PAGE, GraphServer, Said, call
from tests.inbox import Inbox

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
YEAR = timedelta(days=365)
RECORDED = Path(__file__).resolve().parents[4] / "shared" / "data" / "payloads" / "facebook"


@dataclass
class Desk:
    """A Page on a server, and whoever reads it."""

    server: GraphServer
    inbox: Inbox
    site: Site
    http: HttpClient
    clock: ManualClock
    settings: FacebookSettings

    def source(self, **changed: Any) -> Facebook:
        settings = self.settings.model_copy(update=changed)
        return Facebook(settings, Kit("page", self.http, self.clock, self.inbox, AtOnce()))

    async def poll(self, cursor: str | None = None, **changed: Any) -> Batch:
        return await self.source(**changed).poll(cursor)

    async def drain(self, cursor: str | None = None, **changed: Any) -> Drained:
        return await drain(self.source(**changed), cursor, at_most=500)

    def post(self, number: int, ago: timedelta = timedelta(hours=1), author: str | None = "brand", **more: Any) -> Said:
        said = Said(f"{PAGE}_{number}", f"post {number}", NOW - ago, author, **more)
        self.server.say(said)
        return said

    def comment(self, number: int, post: Said, at: datetime = NOW, **more: Any) -> Said:
        said = Said(f"{post.id.rpartition('_')[2]}_{number}", f"comment {number}", at, under=post.id, **more)
        self.server.say(said)
        return said

    def hears(self, *changes: tuple[str, dict[str, Any]]) -> None:
        self.inbox.put(call("page", PAGE, NOW, *changes), NOW)


@pytest_asyncio.fixture
async def desk() -> AsyncIterator[Desk]:
    """A Page of ours, read with the secret of an app."""
    clock, server = ManualClock(NOW), GraphServer("t0ken", "s3cret")
    async with serving() as site, HttpClient(loopback(retries=0, breaker_failures=1000), clock, pause=0) as http:
        site.answer = server.answer
        settings = FacebookSettings(
            kind="facebook", url=site.url, page=PAGE, token=SecretStr("t0ken"), app_secret=SecretStr("s3cret"),
            verify_token=SecretStr("words"), own_accounts=("77",), tagged=True,
        )  # fmt: skip
        yield Desk(server, Inbox(), site, http, clock, settings)


def texts(mentions: list[Mention] | tuple[Mention, ...] | Any) -> list[str]:
    """What they say."""
    return [mention.text for mention in mentions]


async def test_our_posts_and_what_visitors_write_are_told_apart(desk: Desk) -> None:
    """A visitor's post is a mention; ours has our followers for its reach; nobody becomes ours by bearing our name."""
    desk.post(1)
    desk.post(2, author="ann")
    desk.server.say(Said(f"{PAGE}_3", "post 3", NOW, "Brand"), Said(f"{PAGE}_4", "post 4", NOW, "77"))
    found = {mention.text: mention.author for mention in (await desk.drain()).mentions}
    assert {text: author and (author.own, author.reach) for text, author in found.items()} == {
        "post 1": (True, 4321), "post 2": (False, None), "post 3": (False, None), "post 4": (True, None),
    }  # fmt: skip


async def test_a_comment_knows_its_post_and_an_answer_its_comment(desk: Desk) -> None:
    """Under addresses that Meta's calls can be traced to; with likes and answers counted."""
    post = desk.post(1)
    comment = desk.comment(5, post, likes=3)
    desk.comment(6, post, answers=comment.id)
    found = {mention.text: mention for mention in (await desk.drain()).mentions}
    said, answer = found["comment 5"], found["comment 6"]
    assert (said.form, said.parent, said.thread) == (Form.COMMENT, found["post 1"].uri, found["post 1"].uri)
    assert (answer.form, answer.parent, answer.thread) == (Form.REPLY, said.uri, said.thread)
    assert (said.uri, said.engagement.likes) == (f"https://www.facebook.com/{PAGE}/posts/1/?comment_id=5", 3)


async def test_without_the_permission_an_author_is_unknown(desk: Desk) -> None:
    """Unknown, and neither nobody nor somebody with a reach of zero."""
    desk.server.nameless = True
    desk.comment(5, desk.post(1))
    assert {mention.author for mention in (await desk.drain()).mentions} == {None}


async def test_an_old_post_that_suddenly_gets_comments_is_seen(desk: Desk) -> None:
    """Of 450 posts the oldest, years old: within as many looks as there are pages, by its number of comments alone."""
    old = desk.post(0, 5 * YEAR)
    for number in range(1, 450):
        desk.post(number, YEAR + number * MINUTE)
    cursor = (await desk.drain()).cursor
    for _ in range(5):  # the first round: what is old is history
        batch = await desk.poll(cursor)
        assert texts(batch.mentions) == []
        cursor = batch.cursor
    desk.comment(5, old)
    found: list[str] = []
    for _ in range(5):
        seen = await desk.drain(cursor)
        found, cursor = [*found, *texts(seen.mentions)], seen.cursor
    assert "comment 5" in found
    assert "post 0" in found  # its figures have changed


async def test_a_quiet_page_costs_two_calls_a_list(desk: Desk) -> None:
    """However many posts and comments there are: a list's first page, and one further down. Who we are is asked once an hour."""
    for number in range(450):
        desk.comment(1000 + number, desk.post(number, YEAR + number * MINUTE), NOW - YEAR)
    source = desk.source()
    cursor = (await drain(source, None)).cursor
    for _ in range(6):
        cursor = (await source.poll(cursor)).cursor
    desk.server.asked.clear()
    await source.poll(cursor)
    assert desk.server.asked == [f"{PAGE}/feed", f"{PAGE}/feed", f"{PAGE}/tagged"]
    assert len(cursor or "") < 50_000


async def test_ten_thousand_comments_take_several_polls_and_none_is_lost(desk: Desk) -> None:
    """Each poll reads so many pages and stores them; comments that come meanwhile are seen, too."""
    post = desk.post(1)
    cursor: str | None = (await desk.drain()).cursor
    for number in range(10_000):
        desk.comment(number, post, NOW + timedelta(seconds=number // 10))
    found: set[str] = set()
    polls = 0
    while True:
        batch = await desk.poll(cursor)
        found |= set(texts(batch.mentions))
        cursor, polls = batch.cursor, polls + 1
        if polls == 3:
            desk.comment(10_000, post, NOW + timedelta(seconds=1001))
        if not batch.more:
            break
        assert batch.watermark is not None
    found |= set(texts((await desk.drain(cursor)).mentions))
    assert found >= {f"comment {number}" for number in range(10_001)}
    assert 8 < polls < 20


async def test_pages_that_are_too_large_become_smaller(desk: Desk) -> None:
    """As Meta asks for with long posts; one that is never content is told."""
    for number in range(150):
        desk.post(number)
    answer, most = desk.server.answer, 30

    async def small(request: web.Request) -> web.StreamResponse:
        if int(request.query.get("limit", "1")) > most:
            said = "Please reduce the amount of data you're asking for, then retry your request"
            return web.json_response({"error": {"message": said, "code": 1}}, status=500)
        return await answer(request)

    desk.site.answer = small
    assert len((await desk.drain()).mentions) == 150
    most = 1
    assert (await trouble_of(desk.poll())).trouble is Trouble.TOO_LARGE


async def test_a_server_that_sorts_the_other_way_loses_nothing(desk: Desk) -> None:
    """Where `order` is not known, all pages are gone through."""
    desk.server.order = 1
    post = desk.post(1)
    for number in range(250):
        desk.comment(number, post, NOW - timedelta(hours=2) + number * timedelta(seconds=1))
    cursor = (await desk.drain()).cursor
    desk.comment(999, post)
    assert "comment 999" in texts((await desk.drain(cursor)).mentions)


async def test_the_place_in_a_list_may_expire_too(desk: Desk) -> None:
    """The next round begins at the top."""
    for number in range(350):
        desk.post(number, YEAR + number * MINUTE)
    cursor = (await desk.drain()).cursor
    answer, pages = desk.server.answer, 0

    async def once(request: web.Request) -> web.StreamResponse:
        nonlocal pages
        pages += "after" in request.query
        if pages == 1 and "after" in request.query:
            return web.json_response({"error": {"message": "Invalid cursor", "code": 100}}, status=400)
        return await answer(request)

    desk.site.answer = once
    batch = await desk.poll(cursor)
    desk.comment(5, desk.server.said[f"{PAGE}_349"])
    found: list[str] = []
    for _ in range(5):
        seen = await desk.drain(batch.cursor)
        found, batch = [*found, *texts(seen.mentions)], replace(batch, cursor=seen.cursor)
    assert "comment 5" in found


async def test_comments_under_advertisements(desk: Desk) -> None:
    """Posts that only ran as advertisements stand in a list of their own, which needs permissions of its own."""
    desk.comment(5, desk.post(1, where="ads_posts"))
    assert texts((await desk.drain()).mentions) == []
    assert set(texts((await desk.drain(ads=True)).mentions)) == {"post 1", "comment 5"}


async def test_posts_that_tag_us_are_mentions_and_their_comments_not_ours_to_read(desk: Desk) -> None:
    """Whichever list they stand in."""
    tagged = Said("55_1", "a post that tags us", NOW, "55", where="tagged")
    desk.server.say(tagged, replace(tagged, id="55_2", where="feed"))
    desk.comment(5, tagged)
    assert len((await desk.drain()).mentions) == 2
    assert not [path for path in desk.server.asked if "comments" in path]


async def test_a_post_whose_comments_are_not_to_be_had_stops_nobody(desk: Desk) -> None:
    """It is told, and not asked again until something changes there; one that cannot be read now is tried again."""
    gone, ill, well = desk.post(1), desk.post(2), desk.post(3)
    for number, post in enumerate((gone, ill, well)):
        desk.comment(number, post)
    missing = {"error": {"message": "Object does not exist, cannot be loaded due to missing permissions", "code": 100}}
    later = {"error": {"message": "An unknown error has occurred.", "code": 1}}
    desk.server.errors = {f"{gone.id}/comments": [missing], f"{ill.id}/comments": [later]}
    batch = await desk.drain()
    assert "comment 2" in texts(batch.mentions)
    assert [each.where for each in batch.rejected] == [f"comments of {gone.id}", f"comments of {ill.id}"]
    desk.server.asked.clear()
    assert texts((await desk.drain(batch.cursor)).mentions) == ["comment 1"]
    assert f"{gone.id}/comments" not in desk.server.asked


async def test_a_place_that_has_expired_begins_anew(desk: Desk) -> None:
    """Meta's cursors do not last: neither a list nor a walk through comments is lost with one."""
    post = desk.post(1)
    for number in range(2500):
        desk.comment(number, post, NOW + number * timedelta(seconds=1))
    batch = await desk.poll(None)
    assert batch.more
    desk.server.errors = {f"{post.id}/comments": [{"error": {"message": "Invalid cursor", "code": 100}}]}
    rest = await desk.drain(batch.cursor)
    assert {f"comment {number}" for number in range(2500)} <= {*texts(batch.mentions), *texts(rest.mentions)}


async def test_a_slow_server_is_not_asked_until_the_poll_is_given_up(desk: Desk) -> None:
    """When half of its time is up a poll ends, and keeps what it has read: else it would never get any further."""
    post = desk.post(1)
    for number in range(1000):
        desk.comment(number, post, NOW + number * timedelta(seconds=1))
    answer = desk.site.answer
    assert answer is not None

    async def slowly(request: web.Request) -> web.StreamResponse:
        desk.clock.advance(timedelta(seconds=8))
        return await answer(request)

    desk.site.answer = slowly
    batch = await desk.poll()
    assert len([path for path in desk.server.asked if "comments" in path]) == 1
    assert batch.more
    assert "comment 999" in texts(batch.mentions)


# Limits


@pytest.mark.parametrize(
    ("name", "said", "rest"),
    [
        ("X-App-Usage", {"call_count": 79, "total_time": 3, "total_cputime": 0}, None),
        ("X-App-Usage", {"call_count": 80, "total_time": 3, "total_cputime": 0}, 1),
        ("X-Page-Usage", {"call_count": 1, "total_time": 99, "total_cputime": 0}, 20),
        ("X-App-Usage", {"call_count": 100}, 60),
        ("X-Business-Use-Case-Usage", {PAGE: [{"type": "pages", "call_count": 95}]}, 16),
        ("X-Business-Use-Case-Usage", {PAGE: [{"call_count": 100, "estimated_time_to_regain_access": 19}]}, 19),
        ("X-Business-Use-Case-Usage", {PAGE: "odd"}, None),
        ("X-App-Usage", [1], None),
    ],
)
async def test_it_slows_down_before_the_wall(desk: Desk, name: str, said: Any, rest: int | None) -> None:
    """From 80 % on a look is one step, and then there is a rest, longer the nearer the limit; at the limit nothing is asked."""
    for number in range(3):
        desk.comment(number, desk.post(number))
    desk.server.headers = {name: json.dumps(said)}
    batch = await desk.poll()
    assert batch.rest == (None if rest is None else rest * MINUTE)
    assert "post 1" in texts(batch.mentions)
    looks = [path for path in desk.server.asked if "comments" in path]
    assert len(looks) == (3 if rest is None else 1 if rest <= 20 and "regain" not in str(said) else 0)
    desk.server.headers = {}
    seen = {*texts(batch.mentions), *texts((await desk.drain(batch.cursor)).mentions)}
    assert seen >= {"comment 0", "comment 1", "comment 2"}


async def test_a_limit_while_asking_for_what_a_call_named_keeps_the_rest(desk: Desk) -> None:
    """It is asked for when the limit is over."""
    comment = desk.comment(5, desk.post(1), NOW - timedelta(days=3))
    cursor = (await desk.drain()).cursor
    desk.hears(("feed", {"item": "comment", "verb": "edited", "comment_id": comment.id, "post_id": f"{PAGE}_1"}))
    desk.server.errors = {comment.id: [{"error": {"code": 613}}]}
    batch = await desk.poll(cursor)
    assert (batch.rest, texts(batch.mentions)) == (timedelta(hours=1), [])
    assert texts((await desk.poll(batch.cursor)).mentions) == ["comment 5"]


async def test_a_limit_in_the_middle_keeps_what_was_read(desk: Desk) -> None:
    """A poll that meets the limit on its way ends there, with a rest, and goes on from there."""
    first, second = desk.post(1), desk.post(2)
    desk.comment(1, first)
    desk.comment(2, second)
    limited = {"error": {"message": "(#32) Page request limit reached", "code": 32}}
    desk.server.errors = {f"{second.id}/comments": [limited], f"{first.id}/comments": []}
    batch = await desk.poll()
    assert batch.rest == timedelta(hours=1)
    rest = await desk.drain(batch.cursor)
    assert {"comment 1", "comment 2"} <= {*texts(batch.mentions), *texts(rest.mentions)}


@pytest.mark.parametrize(
    ("error", "trouble", "words"),
    [
        ({"code": 190, "error_subcode": 463}, Trouble.CREDENTIALS, "it has expired; make a new one"),
        ({"code": 190, "error_subcode": 460}, Trouble.CREDENTIALS, "changed the password"),
        ({"code": 190, "error_subcode": []}, Trouble.CREDENTIALS, "expired or was revoked"),
        ({"code": 10}, Trouble.CREDENTIALS, "pages_read_engagement, pages_read_user_content"),
        (
            {"code": 200, "message": "Requires 'pages_show_list' permission"},
            Trouble.CREDENTIALS,
            "a permission: pages_show_list;",
        ),
        ({"code": 100, "message": "Invalid appsecret_proof provided"}, Trouble.CREDENTIALS, "`app_secret` is missing, or not"),
        ({"code": 100, "message": "(#100) nonexisting field"}, Trouble.REFUSED, "nonexisting field"),
        ({"code": 1}, Trouble.UNAVAILABLE, "try again later"),
        ({"code": 2, "is_transient": True}, Trouble.UNAVAILABLE, "try again later"),
        ({"code": 4}, Trouble.THROTTLED, "limit of calls"),
        ({"code": 613}, Trouble.THROTTLED, "limit of calls"),
        ({"code": 80001}, Trouble.THROTTLED, "limit of calls"),
        ({"code": 368}, Trouble.THROTTLED, "blocked"),
        ({"code": 803, "message": "echo t0ken s3cret"}, Trouble.REFUSED, "echo *** ***"),
        ({"code": {}, "message": 7}, Trouble.REFUSED, "refuses"),
    ],
)
async def test_errors_say_what_to_do(desk: Desk, error: dict[str, Any], trouble: Trouble, words: str) -> None:
    """Each of Meta's codes is what it is, whatever its status; none shows a secret."""
    desk.server.errors = {f"{PAGE}/feed": [{"error": error}]}
    failed = await trouble_of(desk.poll())
    assert failed.trouble is trouble
    assert words in failed.detail


async def test_how_long_a_limit_lasts_is_told(desk: Desk) -> None:
    """In minutes, beside the error."""
    desk.server.headers = {"X-Business-Use-Case-Usage": json.dumps({PAGE: [{"estimated_time_to_regain_access": 7}]})}
    desk.server.errors = {f"{PAGE}/feed": [{"error": {"code": 32}}]}
    assert (await trouble_of(desk.poll())).retry_after == 420


async def test_a_version_at_its_end_is_told_once(desk: Desk) -> None:
    """Meta answers by another one then."""
    desk.server.headers = {"facebook-api-version": "v27.0"}
    source = desk.source()
    batch = await source.poll(None)
    assert [each.why for each in batch.rejected] == [
        "v26.0 of the Graph API is deprecated (Meta answers by v27.0); set a newer `version`"
    ]
    assert not (await source.poll(batch.cursor)).rejected


async def test_no_secret_stands_in_a_cursor(desk: Desk) -> None:
    """The next page's address holds the token: only the place is kept of it."""
    post = desk.post(1)
    for number in range(2500):
        desk.comment(number, post, NOW + number * timedelta(seconds=1))
    cursor = (await desk.poll()).cursor or ""
    assert "after" in cursor
    assert "t0ken" not in cursor
    assert "access_token" not in cursor
    assert "s3cret" not in repr(desk.source())


# Meta's calls


def sign(body: bytes, secret: str = "s3cret") -> dict[str, str]:
    """The header that Meta sends."""
    return {"X-Hub-Signature-256": "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}


def test_only_calls_that_are_signed_are_taken(desk: Desk) -> None:
    """By the app's secret over the raw body; the same call twice has the same name."""
    source, body = desk.source(), b'{"object": "page", "entry": []}'
    assert source.verify(sign(body), body, NOW) == source.verify(sign(body), body, NOW)
    for headers in ({}, sign(body, "other"), sign(body + b" ")):
        with pytest.raises(Refused):
            source.verify(headers, body, NOW)
    with pytest.raises(Refused, match="app_secret"):
        desk.source(app_secret=None).verify(sign(body), body, NOW)


def test_the_challenge_is_answered_to_whoever_knows_the_words(desk: Desk) -> None:
    """As Meta asks when the webhook is set up; nothing that a browser could run is ever said again."""
    asked = {"hub.mode": "subscribe", "hub.challenge": "1158201444", "hub.verify_token": "words"}
    assert desk.source().challenge(asked) == "1158201444"
    bad = ({"hub.verify_token": "word"}, {"hub.mode": "x"}, {"hub.challenge": "<script>"}, {"hub.verify_token": "\udcff"})
    for wrong in bad:
        with pytest.raises(Refused):
            desk.source().challenge({**asked, **wrong})
    with pytest.raises(Refused, match="verify_token"):
        desk.source(verify_token=None).challenge(asked)


async def test_a_call_says_where_to_look(desk: Desk) -> None:
    """A comment under an old post, whose number of comments would be seen only later; twice told, it counts once."""
    for number in range(150):
        desk.post(number, YEAR + number * MINUTE)
    old = desk.server.said[f"{PAGE}_149"]
    cursor = (await desk.poll((await desk.drain()).cursor)).cursor
    comment = desk.comment(5, old)
    added = {"item": "comment", "verb": "add", "post_id": old.id, "comment_id": comment.id, "message": "comment 5"}
    desk.hears(("feed", added))
    desk.hears(("feed", {**added, "again": True}))
    batch = await desk.poll(cursor)
    assert texts(batch.mentions).count("comment 5") == 1
    await desk.poll(batch.cursor)
    assert desk.inbox.done == {1: None, 2: None}


async def test_calls_bring_edits_and_removals(desk: Desk) -> None:
    """An edited comment comes again as it is now, a removed one is gone, and reactions are only counted."""
    post = desk.post(1)
    comment = desk.comment(5, post, NOW - timedelta(hours=1))
    first = await desk.drain()
    desk.server.said[comment.id] = replace(comment, text="comment 5, corrected")
    about = {"item": "comment", "post_id": post.id, "comment_id": comment.id}
    desk.hears(("feed", {**about, "verb": "edited"}), ("feed", {"item": "reaction", "verb": "add", "post_id": post.id}))
    batch = await desk.poll(first.cursor)
    assert texts(batch.mentions) == ["comment 5, corrected"]
    known = next(mention for mention in first.mentions if mention.text == "comment 5")
    assert (batch.mentions[0].uri, batch.mentions[0].thread) == (known.uri, known.thread)
    desk.hears(("feed", {**about, "verb": "remove"}))
    assert [each.uri for each in (await desk.poll(batch.cursor)).deleted] == [known.uri]


async def test_a_call_about_a_post_that_no_list_shows(desk: Desk) -> None:
    """Calls tell of comments under advertisements whether or not we may list these: the post is asked for, then its comments."""
    cursor = (await desk.drain()).cursor
    post = desk.post(9, where="nowhere")
    comment = desk.comment(5, post)
    added = {"item": "comment", "verb": "add", "post_id": post.id, "comment_id": comment.id, "message": "?"}
    desk.hears(
        ("feed", added), ("feed", {**added, "post_id": f"{PAGE}_8", "comment_id": "8_1", "message": "of one nobody may read"})
    )
    assert set(texts((await desk.drain(cursor)).mentions)) == {"post 9", "comment 5", "of one nobody may read"}


async def test_who_mentions_us_is_asked_for_and_else_taken_at_its_word(desk: Desk) -> None:
    """A mention stands in a place that is not ours; where it may not be read, the call's own words are all there is."""
    desk.server.say(Said("55_5", "hello @brand", NOW, "55", under="55_1"))
    readable = {"item": "comment", "verb": "add", "post_id": "55_1", "comment_id": "55_5", "message": "hello"}
    closed = {**readable, "comment_id": "55_6", "message": "hidden @brand", "created_time": int(NOW.timestamp())}
    desk.hears(("mention", readable), ("mention", closed), ("mention", {"item": "post", "verb": "add", "post_id": "66_1"}))
    batch = await desk.poll()
    assert texts(batch.mentions) == ["hello @brand", "hidden @brand"]
    assert [each.where for each in batch.rejected] == ["post 66_1"]


async def test_what_a_call_named_is_tried_again(desk: Desk) -> None:
    """A server that is busy answers later; the cursor holds a number, and none of the words."""
    comment = desk.comment(5, desk.post(1), NOW - timedelta(days=3))
    cursor = (await desk.drain()).cursor
    desk.server.errors = {comment.id: [{"error": {"code": 2}}]}
    desk.hears(("feed", {"item": "comment", "verb": "edited", "comment_id": comment.id, "post_id": f"{PAGE}_1", "message": "x!"}))
    batch = await desk.poll(cursor)
    assert (texts(batch.mentions), batch.more) == ([], False)
    assert "x!" not in (batch.cursor or "")
    assert texts((await desk.poll(batch.cursor)).mentions) == ["comment 5"]


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"7",
        b"{}",
        b'{"object": "page", "entry": [{"id": "1000", "changes": [{"field": "feed"}]}]}',
        b'{"object": "page", "entry": [{"id": "1000", "changes": [{"field": "feed", "value": [7]}]}]}',
        b'{"object": "page", "entry": 7}',
    ],
)
async def test_calls_that_are_not_as_documented_are_kept_and_told(desk: Desk, body: bytes) -> None:
    """They stop nothing, and stay stored with what was wrong with them."""
    desk.inbox.put(body, NOW)
    batch = await desk.poll()
    assert [each.where for each in batch.rejected] == ["call 1"]
    await desk.poll(batch.cursor)
    assert desk.inbox.done[1]


async def test_calls_about_others_are_none_of_ours(desk: Desk) -> None:
    """An app may be called about several Pages, and about other things."""
    added = {"item": "comment", "verb": "add", "post_id": "2_1", "comment_id": "1_5"}
    desk.inbox.put(call("page", "2000", NOW, ("feed", added)), NOW)
    desk.inbox.put(call("user", PAGE, NOW, ("feed", added)), NOW)
    desk.inbox.put(call("page", PAGE, NOW, ("leadgen", {"id": "5"})), NOW)
    batch = await desk.poll()
    assert (list(batch.mentions), list(batch.rejected)) == ([], [])


@pytest.mark.parametrize("item", [{}, {"id": "1_2"}, {"id": "1_2", "created_time": "yesterday"}])
async def test_an_odd_entry_hides_no_other(desk: Desk, item: dict[str, Any]) -> None:
    """It is left out and told."""
    shown = desk.server._facebook
    desk.server._facebook = lambda said: item if said.text == "post 2" else shown(said)  # type: ignore[method-assign]
    desk.post(2)
    desk.post(1)
    batch = await desk.poll()
    assert texts(batch.mentions) == ["post 1"]
    assert len(batch.rejected) == 1


def test_settings_that_cannot_work_say_so() -> None:
    """Before anybody is asked."""
    given: dict[str, Any] = {"kind": "facebook", "token": "x"}
    for wrong, words in (
        ({"page": "https://facebook.com/brand"}, "as it stands in its address"),
        ({"page": "brand", "verify_token": "x"}, "`verify_token` needs `app_secret`"),
        ({"page": "brand", "version": "26"}, "pattern"),
        ({"page": "brand", "url": "graph.facebook.com"}, "http"),
    ):
        with pytest.raises(ValidationError, match=words):
            FacebookSettings(**given, **wrong)
    assert FacebookSettings(**given, page="@brand.fr").page == "brand.fr"


# Recorded answers

Read = Callable[[str], Any]


@pytest.fixture
def recorded() -> Read:
    """A recorded answer."""
    if not RECORDED.exists():
        pytest.skip("the recorded answers are not on this machine")
    return lambda name: json.loads((RECORDED / name).read_text())


@pytest.mark.parametrize("name", ["feed_fields_p1", "feed_fields_p2", "feeds_default_fields_p1", "feeds_default_fields_p2"])
async def test_recorded_posts_are_understood(desk: Desk, recorded: Read, name: str) -> None:
    """None is lost, and the next page is asked for without the token in its address."""
    page = recorded(f"posts/{name}.json")
    lists = iter([page, {"data": []}, {"data": []}])
    desk.server._list = lambda request, items, linked: next(lists)  # type: ignore[method-assign, misc]
    batch = await desk.poll()
    assert (len(batch.mentions), list(batch.rejected)) == (len(page["data"]), [])
    assert all(mention.written_at.tzinfo is UTC and mention.uri for mention in batch.mentions)


@pytest.mark.parametrize("name", ["comments_p1", "comments_p2"])
async def test_recorded_comments_are_understood(desk: Desk, recorded: Read, name: str) -> None:
    """Even those of an app that sees only public content, which have no number: it stands in their address."""
    page = recorded(f"comments/{name}.json")
    desk.comment(5, desk.post(1))
    answer = desk.server._list
    desk.server._list = lambda request, items, linked: (  # type: ignore[method-assign, misc]
        {"data": page["data"]} if "comments" in request.path else answer(request, items, linked=linked)
    )
    # Told as new: what was recorded is years old.
    batch = await desk.poll(max_age=20 * YEAR)
    comments = [mention for mention in batch.mentions if mention.form is not Form.POST]
    assert len(comments) == len({mention.uri for mention in comments}) == len(page["data"])
    assert not batch.rejected


async def test_a_recorded_error_names_the_permission(desk: Desk, recorded: Read) -> None:
    """As Meta writes it."""
    desk.server.errors = {f"{PAGE}/feed": [recorded("error_data.json")]}
    failed = await trouble_of(desk.poll())
    assert (failed.trouble, "pages_read_engagement" in failed.detail) == (Trouble.CREDENTIALS, True)


async def test_a_comment_is_shown_in_its_thread(desk: Desk) -> None:
    """What stands above it and below, by a few calls; one that is gone is said to be."""
    post = desk.post(1)
    top = Said("1_2", "comment 2", NOW - timedelta(minutes=30), "ann", post.id)
    answers = [
        Said(f"1_{number}", f"answer {number}", NOW - timedelta(minutes=number), "bob", post.id, "1_2") for number in (3, 4)
    ]
    desk.server.say(top, *answers)
    uri = f"https://www.facebook.com/{PAGE}/posts/1?comment_id="
    shown = await desk.source().conversation(f"{uri}3")
    assert {each.text for each in shown.posts} == {"post 1", "comment 2", "answer 3"}
    shown = await desk.source().conversation(f"{uri}2")
    assert {each.text for each in shown.posts} == {"post 1", "comment 2", "answer 3", "answer 4"}
    assert shown.whole
    del desk.server.said[post.id]
    assert not (await desk.source().conversation(f"{uri}2")).whole
    assert (await trouble_of(desk.source().conversation(f"{uri}9"))).trouble is Trouble.GONE
    assert (await trouble_of(desk.source().conversation("https://www.facebook.com/groups/1"))).trouble is Trouble.REFUSED
