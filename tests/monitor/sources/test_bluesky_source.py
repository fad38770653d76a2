"""Bluesky: sessions, what is shown to nobody, threads that have grown, deep searches, and what its posts say."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from aiohttp import web
from pydantic import SecretStr, ValidationError

from monitor.domain.clock import ManualClock
from monitor.domain.errors import Trouble
from monitor.domain.mention import Form
from monitor.sources import Deleted, HttpClient, Source, bluesky, build
from monitor.sources.bluesky_posts import in_thread, mention
from monitor.sources.bluesky_settings import BlueskySettings
from monitor.sources.signing import Token
from monitor.testing import AtOnce, Site, drain, trouble_of
from monitor.testing.contract import OWN, SECRET, START, Post
from tests.contracts.fake_bluesky import ACCOUNT, FakeBluesky, did, problem

_FACET = "app.bsky.richtext.facet"
GIVEN = {"kind": "bluesky", "account": f"@{ACCOUNT.title()}", "password": SECRET, "own_accounts": [OWN]}


@pytest.fixture
def network(site: Site) -> FakeBluesky:
    """Its server."""
    fake = FakeBluesky()
    site.answer = fake.answer
    return fake


@pytest.fixture
def made(site: Site, http: HttpClient, clock: ManualClock) -> Any:
    """Makes a source."""

    def make(**given: Any) -> Source:
        settings = BlueskySettings.model_validate({**GIVEN, "url": site.url, **given})
        return build("it", settings, http=http, clock=clock, inbox=None, workshop=AtOnce())  # type: ignore[arg-type]

    return make


def answering(site: Site, network: FakeBluesky, method: str, *answers: web.Response) -> None:
    """A method answers otherwise, once for each of these."""
    left = list(answers)

    async def answer(request: web.Request) -> web.StreamResponse:
        if request.path.endswith(method) and left:
            return left.pop(0)
        return await network.answer(request)

    site.answer = answer


async def drain_deleted(source: Source, cursor: str | None) -> list[Deleted]:
    """What is told to be gone, until there is no more."""
    told: list[Deleted] = []
    while True:
        batch = await source.poll(cursor)
        told, cursor = [*told, *batch.deleted], batch.cursor
        if not batch.more:
            return told


async def test_one_session_lasts(network: FakeBluesky, made: Any) -> None:
    """A token that has ended is renewed without the password; one that cannot be renewed is got anew by it."""
    source = made()
    cursor = (await source.poll(None)).cursor
    network.renewed += 1  # the server has forgotten both of its tokens
    cursor = (await source.poll(cursor)).cursor
    assert (network.sessions, network.times("com.atproto.server.refreshSession")) == (2, 1)
    source._session._token = Token(SecretStr("ended"), refresh=SecretStr(f"again-{network.token}"))
    await source.poll(cursor)
    assert (network.sessions, network.times("com.atproto.server.refreshSession")) == (2, 2)


@pytest.mark.parametrize(
    ("status", "name", "words"),
    [
        (401, "AuthenticationRequired", "does not accept our credentials"),
        (401, "AuthFactorTokenRequired", "app password"),
        (400, "AccountDeactivated", "AccountDeactivated"),
        (401, "AccountTakedown", "AccountTakedown"),
    ],
)
async def test_an_account_that_may_not_read(
    site: Site, network: FakeBluesky, made: Any, status: int, name: str, words: str
) -> None:
    """Stops the source, with what to do."""
    answering(site, network, "createSession", problem(status, name))
    error = await trouble_of(made().poll(None))
    assert (error.permanent, words in error.detail) == (True, True)


async def test_sessions_that_are_given_too_often(site: Site, network: FakeBluesky, made: Any, clock: ManualClock) -> None:
    """A server limits how often somebody signs in: that is waited for."""
    reset = str(int((clock.wall() + timedelta(minutes=4)).timestamp()))
    answering(site, network, "createSession", problem(429, "RateLimitExceeded", RateLimit_Reset=reset, RateLimit_Remaining="0"))
    error = await trouble_of(made().poll(None))
    assert (error.trouble, error.retry_after) == (Trouble.THROTTLED, 240)


async def test_an_account_of_ours_that_is_elsewhere(network: FakeBluesky, made: Any) -> None:
    """Is told once, and stops nothing; one that can be none of Bluesky's is not asked for."""
    network.publish(Post(0))
    source = made(own_accounts=["nobody.example", "@brand@mastodon.example", "brand"])
    batch = await source.poll(None)
    assert [each.where for each in batch.rejected] == ["own nobody.example"]
    assert len(batch.mentions) == 1
    again = await source.poll(batch.cursor)
    assert again.rejected == []
    assert {query["actor"] for method, query in network.asked if method.endswith("getAuthorFeed")} == {ACCOUNT, "nobody.example"}


async def test_what_stands_under_our_posts_is_read_when_it_grows(network: FakeBluesky, made: Any) -> None:
    """Not what stood there at the first look; then answers and quotes, once, and nothing while their number stays."""
    network.publish(Post(0, 0, OWN))
    network.publish(Post(1, 1, answers=0))
    source = made(mentions=False)
    first = await source.poll(None)
    assert [each.text for each in first.mentions] == ["post 0"]
    seen = await drain(source, first.cursor)
    assert network.times("app.bsky.feed.getPostThread") == 0
    network.quoting[3] = 0
    for post in (Post(2, 2, answers=0), Post(3, 3)):
        network.publish(post)
    seen = await drain(source, seen.cursor)  # it sees that there are more
    rest = await drain(source, seen.cursor)
    assert sorted(each.text for each in rest.mentions) == ["post 1", "post 2", "post 3"]
    quote = next(each for each in rest.mentions if each.text == "post 3")
    assert (quote.form, quote.parent, quote.thread) == (Form.POST, network.uri(0), None)
    assert (await drain(source, rest.cursor)).mentions == []
    assert (network.times("app.bsky.feed.getPostThread"), network.times("app.bsky.feed.getQuotes")) == (1, 2)


async def test_many_quotes_are_read_to_their_end(network: FakeBluesky, made: Any) -> None:
    """Page by page, also those of one moment across a page."""
    source = made(mentions=False)
    first = await source.poll(None)
    network.publish(Post(0, 0, OWN))
    network.quoting |= dict.fromkeys(range(1, 251), 0)
    for number in range(1, 251):
        network.publish(Post(number, 1 + number // 60))
    rest = await drain(source, (await drain(source, first.cursor)).cursor)
    assert len({each.uri for each in rest.mentions}) == 250


async def test_a_followed_thread(network: FakeBluesky, made: Any) -> None:
    """Is read at each look, whoever began it; once it is gone that is told."""
    network.publish(Post(0))
    network.publish(Post(1, 1, "bob", answers=0))
    source = made(mentions=False, threads=[network.uri(0)])
    first = await source.poll(None)
    assert [each.text for each in first.mentions] == ["post 0", "post 1"]
    network.publish(Post(2, 2, "eve", answers=1))
    second = await source.poll(first.cursor)
    assert [each.text for each in second.mentions] == ["post 2"]
    network.publish(Post(0, deleted=True))
    third = await source.poll(second.cursor)
    assert [each.uri for each in third.deleted] == [network.uri(0)]
    assert [each.why for each in third.rejected] != []
    assert (await source.poll(third.cursor)).rejected == []


async def test_a_thread_beyond_all_measure_stops_nothing(site: Site, network: FakeBluesky, made: Any) -> None:
    """It is told, and what else there is is read."""
    network.publish(Post(0))
    answering(site, network, "getPostThread", web.Response(body=b"{" * 100))
    batch = await made(threads=[network.uri(0)]).poll(None)
    assert ([each.text for each in batch.mentions], len(batch.rejected)) == (["post 0"], 1)


async def test_a_place_that_is_refused_begins_at_the_top(site: Site, network: FakeBluesky, made: Any) -> None:
    """A cursor that a server takes no longer must not hold the source up for ever."""
    source = made(searches=["post"], mentions=False)
    network.publish(Post(0))
    first = await source.poll(None)
    for number in range(1, 151):
        network.publish(Post(number, number))
    begun = await source.poll(first.cursor)
    answering(site, network, "searchPosts", problem(400, "InvalidRequest", "Malformed cursor"))
    lost = await source.poll(begun.cursor)
    assert (lost.more, [each.where for each in lost.rejected]) == (False, ["search post"])
    rest = await drain(source, lost.cursor)
    assert {each.text for each in (*begun.mentions, *rest.mentions)} == {f"post {number}" for number in range(1, 151)}


async def test_a_search_deeper_than_its_server_goes(network: FakeBluesky, made: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Begins anew below where it was, and loses nothing, not even of the same moment."""
    monkeypatch.setattr(bluesky, "DEEPEST", 2)
    source = made(searches=["post"], mentions=False)
    network.publish(Post(0))
    cursor = (await source.poll(None)).cursor
    for number in range(1, 701):
        network.publish(Post(number, 30 + number // 30))
    rest = await drain(source, cursor)
    assert len({each.uri for each in rest.mentions}) == 700
    deepest = max(int(query.get("cursor", 0)) for method, query in network.asked if method.endswith("searchPosts"))
    assert deepest == 100


async def test_what_is_brought_is_looked_at_again_in_turns(network: FakeBluesky, made: Any) -> None:
    """Two hundred and fifty posts: within three looks each deletion and each like is seen, however old the post."""
    source = made(searches=["post"], mentions=False)
    network.publish(Post(0))
    cursor = (await source.poll(None)).cursor
    for number in range(1, 251):
        network.publish(Post(number, number))
    cursor = (await drain(source, cursor)).cursor
    network.publish(Post(7, deleted=True))
    network.publish(Post(180, 180, likes=1000))
    gone, liked = [], []
    for _ in range(3):
        batch = await source.poll(cursor)
        cursor = batch.cursor
        gone += [each.uri for each in batch.deleted]
        liked += [each.text for each in batch.mentions]
    assert (gone, liked) == ([network.uri(7)], ["post 180"])


async def test_a_network_that_has_forgotten_everything_is_not_believed(site: Site, network: FakeBluesky, made: Any) -> None:
    """Where none of many posts is given any more they are not marked as deleted; their turn comes again."""
    source = made(searches=["post"], mentions=False)
    for number in range(50):
        network.publish(Post(number, number))
    cursor = (await drain(source, (await source.poll(None)).cursor)).cursor
    answering(site, network, "getPosts", web.json_response({"posts": []}), web.json_response({"posts": []}))
    batch = await source.poll(cursor)
    assert (batch.deleted, [each.where for each in batch.rejected]) == ([], ["posts that were brought before"])
    network.publish(Post(7, deleted=True))
    assert [each.uri for each in (await drain_deleted(source, batch.cursor))] == [network.uri(7)]


async def test_followers_are_asked_for_once_a_day(network: FakeBluesky, made: Any, clock: ManualClock) -> None:
    """And not for each post."""
    network.publish(Post(0))
    source = made()
    cursor = (await source.poll(None)).cursor
    network.publish(Post(1, 1, reach=9))
    cursor = (await drain(source, cursor)).cursor
    assert network.times("app.bsky.actor.getProfiles") == 1
    clock.advance(timedelta(days=2))
    network.publish(Post(2, 2, reach=9))
    last = (await drain(source, cursor)).mentions[-1]
    assert (network.times("app.bsky.actor.getProfiles"), last.author and last.author.reach) == (2, 9)


async def test_what_our_account_passes_on_is_not_ours(network: FakeBluesky, made: Any) -> None:
    """Nor brought because of it."""
    network.publish(Post(0))
    network.passed_on.add(0)
    assert (await made(mentions=False).poll(None)).mentions == []


async def test_what_a_post_says(network: FakeBluesky, made: Any) -> None:
    """Tags beside the text, pictures without words, warnings; and when the network had it, where its program says nonsense."""
    network.record[0] = {
        "langs": ["fr", "en"],
        "tags": ["Bouilloire"],
        "facets": [
            {"features": [{"$type": f"{_FACET}#tag", "tag": "Fuite"}, {"$type": f"{_FACET}#link", "uri": "https://a.test"}]}
        ],
        "createdAt": "2031-01-01T00:00:00Z",
    }
    network.view[0] = {"labels": [{"val": "graphic-media"}]}
    network.record[1] = {
        "text": "",
        "createdAt": "when I was young",
        "embed": {"$type": "app.bsky.embed.images", "images": [{"alt": "a kettle, in flames"}, {"alt": ""}]},
    }
    network.record[2] = {
        "embed": {
            "$type": "app.bsky.embed.recordWithMedia",
            "record": {"record": {"uri": network.uri(0)}},
            "media": {"images": []},
        }
    }
    for number in range(3):
        network.publish(Post(number, number))
    tagged, pictured, quoting = (await made().poll(None)).mentions
    assert (tagged.hashtags, tagged.language, tagged.sensitive) == ({"bouilloire", "fuite"}, None, True)
    assert (tagged.written_at, pictured.written_at) == (START, START + timedelta(minutes=1))
    assert (pictured.text, pictured.language, pictured.sensitive) == ("a kettle, in flames", "en", False)
    assert (quoting.parent, quoting.engagement.shares) == (network.uri(0), 2)


def test_a_link_without_words() -> None:
    """Says what its card says; a list that is quoted is no post that is answered."""
    view = {
        "uri": "at://did:plc:a/app.bsky.feed.post/1",
        "author": {"did": did("ann"), "handle": "ann.test", "verification": {"trustedVerifierStatus": "valid"}},
        "record": {
            "text": "",
            "embed": {
                "external": {"title": "Kettles", "description": "recalled"},
                "record": {"uri": "at://a/app.bsky.graph.list/1"},
            },
        },
        "indexedAt": "2026-03-01T12:00:00.000Z",
    }
    read = mention(view, {}, [did("ann")])
    assert (read.text, read.parent, read.engagement.shares) == ("Kettles\nrecalled", None, None)
    assert read.author is not None
    assert (read.author.own, read.author.verified, read.author.reach) == (True, True, None)


def test_a_thread_of_all_that_may_stand_in_it() -> None:
    """Posts, what is gone, what is blocked, and what nobody documents."""
    gone = {"$type": "app.bsky.feed.defs#notFoundPost", "uri": "at://gone", "notFound": True}
    blocked = {"$type": "app.bsky.feed.defs#blockedPost", "uri": "at://blocked", "blocked": True}
    deep = {"post": {"uri": "at://c"}, "replies": None}
    thread = {"post": {"uri": "at://a"}, "replies": [gone, blocked, 7, {"post": {"uri": "at://b"}, "replies": [deep]}]}
    found, lost = in_thread(thread)
    assert ({each["uri"] for each in found}, lost) == ({"at://a", "at://b", "at://c"}, ["at://gone"])


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"account": "me@example.org"}, "is no account on Bluesky"),
        ({"account": "acme"}, "is no account on Bluesky"),
        ({"threads": ["https://example.org/1"]}, "is no post"),
        ({"url": "bsky.social"}, "address"),
    ],
)
def test_settings_that_cannot_be_meant(given: dict[str, Any], words: str) -> None:
    """Are told with what to write."""
    with pytest.raises(ValidationError, match=words):
        BlueskySettings.model_validate({**GIVEN, **given})


def test_accounts_and_posts_as_people_copy_them() -> None:
    """With a sign, in any case, by the address in the browser."""
    settings = BlueskySettings.model_validate({**GIVEN, "threads": ["https://bsky.app/profile/ann.test/post/3k2a"]})
    assert (settings.account, settings.threads) == (ACCOUNT, ("at://ann.test/app.bsky.feed.post/3k2a",))
    assert settings.networks() == {"bluesky"}
    assert BlueskySettings.model_validate({**GIVEN, "account": "did:plc:aBc"}).account == "did:plc:aBc"


async def test_the_cursor_stays_small(network: FakeBluesky, made: Any) -> None:
    """After a thousand posts it has less than 300 KB."""
    source = made(searches=["post"])
    cursor = (await source.poll(None)).cursor
    for number in range(1000):
        network.publish(Post(number, 1))
    drained = await drain(source, cursor)
    assert len(drained.cursor or "") < 300_000
    assert len(json.loads(drained.cursor or "")["again"]["names"]) == bluesky.WATCHED
