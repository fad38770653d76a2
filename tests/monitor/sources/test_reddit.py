"""Reddit: tokens, lists that are closed or lost, limits, things of every kind, and recorded answers read without loss."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from aiohttp import web
from pydantic import ValidationError

from monitor.domain.clock import ManualClock
from monitor.domain.errors import Trouble
from monitor.domain.mention import Form
from monitor.sources import HttpClient, Source, build
from monitor.sources.reddit import RedditSettings
from monitor.sources.reddit_things import is_gone, mention
from monitor.testing import AtOnce, Site, drain, trouble_of
from monitor.testing.contract import SECRET, Post
from monitor.testing.servers import Handler
from tests.contracts.test_reddit_contract import FakeReddit

GIVEN = {"kind": "reddit", "account": "acme_team", "client_id": "app", "client_secret": SECRET, "subreddits": ["r/Tea"]}


@pytest.fixture
def reddit(site: Site) -> FakeReddit:
    """Its server; posts with an odd number are comments in r/tea."""
    fake = FakeReddit()
    site.answer = fake.answer
    return fake


@pytest.fixture
def made(site: Site, http: HttpClient, clock: ManualClock) -> Any:
    """Makes a source of r/tea."""

    def make(**given: Any) -> Source:
        said = {**GIVEN, "url": site.url, "token_url": f"{site.url}/api/v1/access_token", **given}
        settings = RedditSettings.model_validate(said)
        return build("it", settings, http=http, clock=clock, inbox=None, workshop=AtOnce())  # type: ignore[arg-type]

    return make


def listing_at(site: Site, path: str, before: Handler, status: int, said: Any = None, **headers: str) -> None:
    """One path answers otherwise from now on."""

    async def answer(request: web.Request) -> web.StreamResponse:
        if request.path == path:
            return web.json_response(said, status=status, headers=headers)
        return await before(request)

    site.answer = answer


async def test_a_token_that_has_ended_is_got_anew(site: Site, reddit: FakeReddit, made: Any, clock: ManualClock) -> None:
    """After a day, and when it is refused earlier; every request names the account that answers for it."""
    source = made()
    cursor = (await source.poll(None)).cursor
    reddit.valid = 7  # somebody has revoked ours
    cursor = (await source.poll(cursor)).cursor
    assert reddit.valid == 8
    clock.advance(timedelta(days=1))
    await source.poll(cursor)
    assert reddit.valid == 9
    assert {request.headers["User-Agent"] for request in site.asked} == {"server:app:tocsin (by /u/acme_team)"}


async def test_a_permanent_token_is_used(site: Site, reddit: FakeReddit, made: Any) -> None:
    """For the inbox of an account; reading it marks nothing as read."""
    bodies: list[dict[str, Any]] = []

    async def answer(request: web.Request) -> web.StreamResponse:
        if request.method == "POST":
            bodies.append(dict(await request.post()))
        return await reddit.answer(request)

    site.answer = answer
    await made(mentions=True, inbox=True, refresh_token="permanent").poll(None)
    assert bodies == [{"grant_type": "refresh_token", "refresh_token": "permanent"}]
    asked = {request.path: request.query.get("mark") for request in site.asked if request.path.startswith("/message/")}
    assert asked == {"/message/mentions": "false", "/message/inbox": "false"}


async def test_a_search_is_asked_for_the_newest_posts(site: Site, reddit: FakeReddit, made: Any) -> None:
    """In all of Reddit."""
    post = {
        "id": "a",
        "name": "t3_a",
        "title": "A kettle",
        "is_self": True,
        "selftext": "It leaks",
        "author": "ann",
        "created_utc": 1.75e9,
    }
    listing_at(site, "/search", reddit.answer, 200, {"data": {"after": None, "children": [{"kind": "t3", "data": post}]}})
    (mention,) = (await drain(made(subreddits=[], searches=['"acme kettle"']))).mentions
    assert (mention.title, mention.text, mention.form) == ("A kettle", "It leaks", Form.POST)
    assert {name: site.asked[-1].query[name] for name in ("q", "sort", "type")} == {
        "q": '"acme kettle"',
        "sort": "new",
        "type": "link",
    }


async def test_an_app_that_is_not_accepted_stops_the_source(site: Site, reddit: FakeReddit, made: Any) -> None:
    """A wrong secret, or a permanent token that was revoked."""
    assert (await trouble_of(made(client_secret="wrong").poll(None))).trouble is Trouble.CREDENTIALS
    listing_at(site, "/api/v1/access_token", reddit.answer, 400, {"error": "invalid_grant"})
    error = await trouble_of(made().poll(None))
    assert (error.trouble, SECRET in str(error)) == (Trouble.CREDENTIALS, False)


async def test_a_place_whose_entry_was_deleted_loses_nothing(site: Site, reddit: FakeReddit, made: Any) -> None:
    """The page after it is empty: the walk begins at the newest entry again, by time."""
    reddit.posts[1] = Post(1)
    cursor = (await drain(made())).cursor
    reddit.posts |= {number: Post(number, number) for number in range(3, 503, 2)}
    begun = await made().poll(cursor)
    after = json.loads(begun.cursor or "")["lists"]["r/tea comments"]["walk"]["at"]
    del reddit.posts[int(after.removeprefix("t1_"))]
    lost = await made().poll(begun.cursor)
    assert (lost.more, lost.mentions) == (False, [])
    rest = await drain(made(), lost.cursor)
    assert len(begun.mentions) + len(rest.mentions) == 250
    assert (await drain(made(), rest.cursor)).mentions == []


async def test_a_list_that_ends_in_nothing_ends(site: Site, reddit: FakeReddit, made: Any) -> None:
    """Where the page after the last is empty every time it is the end, after the second time."""
    reddit.posts[1] = Post(1)
    cursor = (await drain(made())).cursor
    page = {"data": {"after": "t1_x", "children": [reddit.comment(Post(number, number)) for number in (5, 3)]}}
    empty: dict[str, Any] = {"data": {"after": None, "children": []}}

    async def answer(request: web.Request) -> web.StreamResponse:
        if request.path == "/r/tea/comments":
            return web.json_response(empty if "after" in request.query else page)
        return await reddit.answer(request)

    site.answer = answer
    for _ in range(2):
        cursor = (await drain(made(), cursor)).cursor
    kept = json.loads(cursor or "")["lists"]["r/tea comments"]
    assert kept["walk"]["floor"] == Post(5, 5).written_at.isoformat()
    assert kept["lost"] is False


@pytest.mark.parametrize(
    ("status", "said", "headers"),
    [
        (403, {"reason": "private", "message": "Forbidden", "error": 403}, {}),
        (404, {"reason": "banned", "message": "Not Found", "error": 404}, {}),
        (302, None, {"Location": "/subreddits/search?q=tea"}),
    ],
)
async def test_a_closed_subreddit_stops_nobody(
    site: Site, reddit: FakeReddit, made: Any, status: int, said: Any, headers: dict[str, str]
) -> None:
    """It is private, banned, or not there, where Reddit leads to a search: said once, and the others are read."""
    reddit.posts[0] = Post(0)
    listing_at(site, "/r/tea/comments", reddit.answer, status, said, **headers)
    source = made(subreddits=["tea", "kettles"])
    found = await drain(source)
    assert [each.text for each in found.mentions] == ["post 0"]
    assert [each.where for each in found.rejected] == ["r/tea comments"]
    assert (await drain(source, found.cursor)).rejected == []


async def test_a_listing_without_an_end_is_given_up_and_told(site: Site, reddit: FakeReddit, made: Any) -> None:
    """The same page whatever it is asked."""
    reddit.posts[1] = Post(1)
    cursor = (await drain(made())).cursor
    page = {"data": {"after": "t1_3", "children": [reddit.comment(Post(3, 3))]}}
    listing_at(site, "/r/tea/comments", reddit.answer, 200, page)
    assert [(each.where, "for ever" in each.why) for each in (await drain(made(), cursor)).rejected] == [("r/tea comments", True)]


async def test_odd_things_hide_no_others(site: Site, reddit: FakeReddit, made: Any) -> None:
    """One without a time, one of a kind that nobody knows, one that is no thing at all."""
    good = reddit.comment(Post(1))
    odd = [{"kind": "t1", "data": {"name": "t1_7"}}, {**good, "kind": "more"}, {"kind": "t1", "data": 7}]
    listing_at(site, "/r/tea/comments", reddit.answer, 200, {"data": {"after": None, "children": [*odd, good]}})
    batch = await made().poll(None)
    assert (len(batch.mentions), len(batch.rejected)) == (1, 3)


async def test_when_no_call_is_left_it_rests(reddit: FakeReddit, made: Any) -> None:
    """Until Reddit's own counter begins anew; our own holds to a hundred a minute."""
    reddit.left = 0.0
    assert (await made().poll(None)).rest == timedelta(seconds=582)
    for left in (1.0, "many"):
        reddit.left = left
        assert (await made().poll(None)).rest is None
    source = made(budget={"amount": 1, "per": "minute"})
    assert (await trouble_of(source.poll(None))).trouble is Trouble.THROTTLED


async def test_what_was_removed_is_gone(reddit: FakeReddit, made: Any) -> None:
    """A comment whose words were taken away is marked as deleted, and the words that we have stay."""
    reddit.posts |= {1: Post(1), 3: Post(3, 1)}
    first = await drain(made())
    reddit.posts[1] = Post(1, deleted=True)
    batch = await made().poll(first.cursor)
    assert (batch.mentions, [each.uri for each in batch.deleted]) == ([], ["https://www.reddit.com/comments/post/_/1"])


def test_things_of_every_kind() -> None:
    """A comment has one address, in a subreddit and in the inbox; a link without words says where it leads."""
    at = {"created_utc": 1750348671.0, "author": "Ann"}
    listed = {"kind": "t1", "data": {**at, "id": "b", "link_id": "t3_a", "parent_id": "t1_c", "body": "hi", "score": -3}}
    inbox = {
        "kind": "t1",
        "data": {**at, "id": "b", "context": "/r/x/comments/a/words/b/?context=3", "parent_id": "t1_c", "body": "hi"},
    }
    both = [mention(thing, ["ann"]) for thing in (listed, inbox)]
    assert {each.uri for each in both} == {"https://www.reddit.com/comments/a/_/b"}
    assert {each.parent for each in both} == {"https://www.reddit.com/comments/a/_/c"}
    assert (both[0].form, both[0].engagement.likes, both[0].author and both[0].author.own) == (Form.REPLY, None, True)
    post = mention({"kind": "t3", "data": {**at, "id": "a", "title": "Look", "url": "https://x.example", "over_18": True}}, [])
    assert (post.text, post.title, post.uri, post.sensitive) == (
        "https://x.example",
        "Look",
        "https://www.reddit.com/comments/a",
        True,
    )
    letter = {
        **at,
        "author": None,
        "name": "t4_2",
        "parent_id": "t4_1",
        "first_message_name": "t4_1",
        "subject": "Re",
        "body": "x",
    }
    message = mention({"kind": "t4", "data": letter}, [])
    assert (message.form, message.author, message.parent) == (Form.MESSAGE, None, "https://www.reddit.com/message/messages/1")
    with pytest.raises(ValueError, match="t5"):
        mention({"kind": "t5", "data": at}, [])


@pytest.mark.parametrize(
    ("data", "gone"),
    [
        ({"body": "[removed]"}, True),
        ({"selftext": "[deleted]"}, True),
        ({"selftext": "", "removed_by_category": "moderator"}, True),
        ({"selftext": "", "removed_by_category": None}, False),
        ({"body": "[deleted] is a word"}, False),
    ],
)
def test_what_is_gone(data: dict[str, Any], gone: bool) -> None:
    """Reddit leaves the place, and takes the words away."""
    assert is_gone({"data": data}) is gone


def test_settings_teach() -> None:
    """What belongs to an account needs its token; subreddits are named as people name them."""
    for given, words in (
        ({"subreddits": []}, "nothing to watch"),
        ({"mentions": True}, "refresh_token"),
        ({"subreddits": ["a subreddit"]}, "r/kettles"),
        ({"account": "u/acme"}, "account"),
    ):
        with pytest.raises(ValidationError, match=words):
            RedditSettings.model_validate({**GIVEN, **given})
    named = ["https://www.reddit.com/r/Tea/", "/r/tea", "tea"]
    assert RedditSettings.model_validate({**GIVEN, "subreddits": named}).subreddits == ("tea",) * 3
    assert RedditSettings.model_validate(GIVEN).networks() == {"reddit"}
