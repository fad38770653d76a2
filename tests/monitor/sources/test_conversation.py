"""The conversation around a post: how it is laid out, and what each network shows of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from monitor.domain.clock import ManualClock
from monitor.domain.errors import SourceError, Trouble
from monitor.domain.mention import Mention
from monitor.sources import HttpClient, build
from monitor.sources.bluesky_settings import BlueskySettings
from monitor.sources.conversation import ABOVE, BELOW, Conversation, Conversing, Thread, arranged
from monitor.sources.mastodon import Mastodon, MastodonSettings
from monitor.sources.reddit import RedditSettings
from monitor.sources.youtube import YouTubeSettings
from monitor.sources.youtube_comments import top_comment
from monitor.testing import AtOnce, Site
from monitor.testing.contract import OWN, SECRET, START, Post
from tests.contracts.fake_bluesky import ACCOUNT, FakeBluesky
from tests.contracts.test_reddit_contract import FakeReddit
from tests.contracts.test_youtube_contract import CHANNEL, FakeYouTube

if TYPE_CHECKING:
    from monitor.sources import SourceSettings
    from tests.monitor.sources.conftest import MockServer

Make = Callable[["SourceSettings"], Conversing]


@pytest.fixture
def made(http: HttpClient, clock: ManualClock) -> Make:
    """Makes a source that can be asked for conversations."""

    def make(settings: SourceSettings) -> Conversing:
        source = build("it", settings, http=http, clock=clock, inbox=None, workshop=AtOnce())  # type: ignore[arg-type]
        assert isinstance(source, Conversing)
        return source

    return make


def said(number: int, answers: int | None = None, minute: float | None = None) -> Mention:
    """A post by its number, and the number of what it answers."""
    at = START + timedelta(minutes=number if minute is None else minute)
    return Mention("net", f"post {number}", at, uri=f"u:{number}", parent=None if answers is None else f"u:{answers}")


def laid_out(thread: Thread) -> list[str]:
    """Each post as people see it, a point for each step to the right."""
    return ["." * each.depth + each.post.text.removeprefix("post ") for each in thread.posts]


async def trouble(source: Conversing, uri: str) -> Trouble:
    """Why there is no conversation."""
    with pytest.raises(SourceError) as raised:
        await source.conversation(uri)
    return raised.value.trouble


# --- how it is laid out --------------------------------------------------------------------------------------------------


def test_answers_stand_under_what_they_answer() -> None:
    """Above the post only what leads to it; below it each answer before the next, and before it those to it."""
    posts = [said(0), said(1, 0), said(2, 1), said(5, 2), said(3, 2), said(4, 3), said(6, 0), said(7)]
    assert laid_out(arranged("u:2", posts)) == ["0", ".1", "..2", "...3", "....4", "...5"]


def test_a_post_that_nobody_has_leaves_its_answers() -> None:
    """It was deleted: what was said to it is there."""
    thread = arranged("u:1", [said(0), said(2, 1), said(3, 2)])
    assert (laid_out(thread), thread.post) == (["2", ".3"], None)


def test_a_thread_is_shown_up_to_a_limit() -> None:
    """And says that there is more."""
    crowd = arranged("u:0", [said(0), *(said(number, 0) for number in range(1, BELOW + 2))])
    assert (len(crowd.below), crowd.whole) == (BELOW, False)
    deep = arranged("u:100", [said(0), *(said(number, number - 1) for number in range(1, 101))])
    assert (len(deep.above), deep.whole) == (ABOVE, False)


@given(st.dictionaries(st.integers(0, 12), st.none() | st.integers(0, 12), max_size=12), st.integers(0, 12))
def test_whatever_answers_whatever_a_thread_ends(answers: Mapping[int, int | None], middle: int) -> None:
    """Each post is shown at most once, one step right of what it answers, even where posts answer one another in a ring."""
    thread = arranged(f"u:{middle}", [said(number, above) for number, above in answers.items()])
    keys = [each.post.key for each in thread.posts]
    assert len(keys) == len(set(keys)) <= len(answers)
    assert (thread.post is not None) == (middle in answers)
    depths = {each.post.key: each.depth for each in thread.posts}
    assert all(depths.get(each.post.parent or "", each.depth - 1) == each.depth - 1 for each in thread.below)


# --- what networks show --------------------------------------------------------------------------------------------------


def bluesky(site: Site) -> BlueskySettings:
    """Of the fake's account."""
    return BlueskySettings(kind="bluesky", url=site.url, account=ACCOUNT, password=SecretStr(SECRET), own_accounts=(OWN,))


async def test_a_conversation_on_bluesky(site: Site, made: Make) -> None:
    """By one call, above and below; what was deleted above ends it, and what is not there is said to be gone."""
    fake = FakeBluesky()
    site.answer = fake.answer
    fake.posts = {n: Post(n, n, OWN if n == 3 else "ann", answers=n - 1 if n else None) for n in range(4)}
    source = made(bluesky(site))
    found = await source.conversation(fake.uri(2))
    assert laid_out(arranged(fake.uri(2), found.posts)) == ["0", ".1", "..2", "...3"]
    assert [each.author.own for each in found.posts if each.author and each.text == "post 3"] == [True]
    assert (found.whole, site.asked[-1].query["uri"]) == (True, fake.uri(2))
    del fake.posts[0]
    assert laid_out(arranged(fake.uri(2), (await source.conversation(fake.uri(2))).posts)) == ["1", ".2", "..3"]
    assert await trouble(source, fake.uri(9)) is Trouble.GONE


async def test_a_conversation_that_is_too_large_is_asked_for_with_fewer_steps(site: Site, made: Make) -> None:
    """It says that there is more."""
    fake = FakeBluesky()
    fake.posts = {0: Post(0), **{number: Post(number, number, answers=number - 1) for number in (1, 2)}}

    async def answer(request: web.Request) -> web.StreamResponse:
        if request.query.get("depth") == "10":
            return web.Response(body=b"x" * 2**21)
        if request.query.get("depth") == "1":
            fake.posts.pop(2, None)
            fake.record[1] = {"text": "post 1"}
        return await fake.answer(request)

    site.answer = answer
    found = await made(bluesky(site)).conversation(fake.uri(0))
    assert laid_out(arranged(fake.uri(0), found.posts)) == ["0", ".1"]


class Comments(FakeReddit):
    """Also serves the page of a post."""

    page: Any = None

    async def answer(self, request: web.Request) -> web.Response:
        """A token, or the page."""
        if request.path.startswith("/comments/"):
            return web.json_response(self.page)
        return await super().answer(request)


def of_reddit(site: Site) -> RedditSettings:
    """Of the fake's app."""
    return RedditSettings(
        kind="reddit", url=site.url, token_url=f"{site.url}/api/v1/access_token", account="acme_team", client_id="app",
        client_secret=SecretStr(SECRET), subreddits=("tea",), own_accounts=(OWN,),
    )  # fmt: skip


def listing(*things: Any) -> dict[str, Any]:
    """Things as Reddit lists them."""
    return {"kind": "Listing", "data": {"children": list(things)}}


async def test_a_conversation_on_reddit(site: Site, made: Make) -> None:
    """The post, comments to comments, and whether Reddit keeps some back; a deleted one is not there, those to it are."""
    fake = Comments()
    site.answer = fake.answer
    post = {"id": "post", "name": "t3_post", "title": "My kettle", "selftext": "post 0", "is_self": True, "author": "ann",
            "created_utc": START.timestamp(), "num_comments": 4, "score": 3}  # fmt: skip
    tree = [fake.comment(each) for each in (Post(1, 1), Post(2, 2, OWN, answers=1), Post(3, 3, answers=2, deleted=True))]
    tree[1]["data"]["replies"] = listing(tree[2], {"kind": "more", "data": {"count": 2, "children": ["x", "y"]}})
    tree[0]["data"]["replies"] = listing(tree[1])
    fake.page = [listing({"kind": "t3", "data": post}), listing(tree[0], {"kind": "t1", "data": {}}, 7)]
    source = made(of_reddit(site))
    at = "https://www.reddit.com/comments/post"
    found = await source.conversation(f"{at}/_/1")
    assert laid_out(arranged(f"{at}/_/1", found.posts)) == ["0", ".1", "..2"]
    assert (found.whole, len(found.rejected)) == (False, 1)
    assert {name: site.asked[-1].query[name] for name in ("comment", "context")} == {"comment": "1", "context": "8"}
    fake.page = {"error": 7}
    assert await trouble(source, at) is Trouble.MALFORMED
    assert await trouble(source, "https://www.reddit.com/message/messages/7") is Trouble.REFUSED


async def test_a_conversation_costs_of_the_budget(site: Site, made: Make) -> None:
    """One that is spent asks nothing."""
    settings = of_reddit(site).model_copy(update={"budget": of_reddit(site).budget.model_copy(update={"amount": 1})})
    fake = Comments()
    site.answer, fake.page = fake.answer, []
    source = made(settings)
    assert (await source.conversation("https://www.reddit.com/comments/post")).posts == []
    asked = len(site.asked)
    assert await trouble(source, "https://www.reddit.com/comments/post") is Trouble.THROTTLED
    assert len(site.asked) == asked


async def test_a_conversation_on_youtube(site: Site, made: Make) -> None:
    """The comment on top and its replies, whichever of them is asked about."""
    fake = FakeYouTube()
    site.answer = fake.answer
    fake.posts = {0: Post(0), **{number: Post(number, number, OWN, answers=0) for number in range(1, 8)}}
    source = made(YouTubeSettings(kind="youtube", url=site.url, key=SecretStr(SECRET), channel=CHANNEL))
    at = f"https://www.youtube.com/watch?v={'v' * 11}&lc=U0"
    found = await source.conversation(f"{at}.UgReply")
    assert laid_out(arranged(at, found.posts)) == ["0", *(f".{number}" for number in range(1, 8))]
    assert found.whole
    assert await trouble(source, at + "9") is Trouble.GONE
    assert top_comment("https://www.youtube.com/watch?v=x") == ""


async def test_a_conversation_on_a_server_with_the_mastodon_api(mastodon_mock: MockServer, http: HttpClient) -> None:
    """By the post's address: of this server by its number, of another by a search; what is not there is gone."""
    first = mastodon_mock.post("post 0")
    second = mastodon_mock.post("post 1", "ada_token", in_reply_to_id=first)
    third = mastodon_mock.post("post 2", in_reply_to_id=second)
    uris = [mastodon_mock.call("GET", f"/api/v1/statuses/{each}")["uri"] for each in (first, second, third)]
    url = mastodon_mock.url.replace("127.0.0.1", "localhost")  # as it calls itself
    asked = {"kind": "mastodon", "url": url, "token": "ada_token", "hashtags": ["x"], "own_accounts": ["@ada"]}
    source = Mastodon(MastodonSettings.model_validate(asked), http)
    found = Conversation(())
    for uri in (uris[1], f"{url}/@ada/{second}"):
        found = await source.conversation(uri)
        assert laid_out(arranged(uris[1], found.posts)) == ["0", ".1", "..2"]
    assert {each.text: each.author.own for each in found.posts if each.author} == {
        "post 0": False,
        "post 1": True,
        "post 2": False,
    }
    assert await trouble(source, f"{url}/@ada/1") in {Trouble.GONE, Trouble.REFUSED}
    assert await trouble(source, "https://elsewhere.example/users/x/statuses/9") is Trouble.GONE
    malformed = {"type": "malformed", "truncate": False}
    mastodon_mock.fault(**malformed)
    assert await trouble(source, uris[1]) is Trouble.MALFORMED


@pytest.mark.parametrize("said", [{}, {"ancestors": []}, {"ancestors": [7], "descendants": []}])
async def test_a_context_that_is_none_is_malformed(site: Site, http: HttpClient, said: object) -> None:
    """A server that speaks another API."""

    async def answer(request: web.Request) -> web.Response:
        return web.json_response(said if request.path.endswith("/context") else {"id": "7"})

    site.answer = answer
    source = Mastodon(MastodonSettings.model_validate({"kind": "mastodon", "url": site.url, "hashtags": ["x"]}), http)
    assert await trouble(source, f"{site.url}/users/ann/statuses/7") is Trouble.MALFORMED
