"""The Bluesky source against Bluesky's own servers: what they list, what they lose, and how they limit."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from pydantic import SecretStr

from monitor.domain.clock import SystemClock
from monitor.domain.errors import Trouble
from monitor.domain.mention import Form
from monitor.sources import HttpClient, Source, build
from monitor.sources.bluesky_settings import BlueskySettings
from monitor.sources.conversation import Conversing, arranged
from monitor.sources.signing import Token
from monitor.testing import AtOnce, drain, loopback, trouble_of
from tests.bluesky import PASSWORD, Bluesky, Person

# The servers may still be being installed beside the tests.
pytestmark = pytest.mark.timeout(420)


@pytest.fixture
async def out() -> AsyncIterator[HttpClient]:
    """A way out whose clock is the servers'."""
    async with HttpClient(loopback(per_host=64), SystemClock(), pause=0) as client:
        yield client


@pytest.fixture
def listening(out: HttpClient) -> Callable[..., Source]:
    """Makes a source that listens for somebody, with an app password of theirs."""

    def make(person: Person, **more: Any) -> Source:
        given = {"kind": "bluesky", "url": person.server, "account": person.handle, "password": PASSWORD, **more}
        settings = BlueskySettings.model_validate(given)
        return build("it", settings, http=out, clock=SystemClock(), inbox=None, workshop=AtOnce())  # type: ignore[arg-type]

    return make


async def test_what_is_said_to_an_account(bluesky: Bluesky, listening: Callable[..., Source]) -> None:
    """More mentions than a page has; an answer with its parent, a quote, and our own answer under what it answers."""
    brand, ann = bluesky.join("brand"), bluesky.join("ann")
    brand.follow(ann)
    source = listening(brand, password=brand.app_password())
    first = await drain(source)
    news = brand.post("a new kettle #acmekettle")
    complaint = ann.mention(brand, "it leaks")
    answer = ann.answer(news, "mine too")
    quote = ann.quote(news, "what a kettle")
    ours = brand.answer(complaint, "we are on it")
    ann.like(news)
    ann.mention_often(brand, [f"number {number}" for number in range(130)], at_once=10)
    bluesky.settle()
    rest = await drain(source, first.cursor)
    found = {mention.uri: mention for mention in rest.mentions}
    assert rest.rejected == []
    assert len([mention for mention in found.values() if "number" in mention.text]) == 130
    assert (found[news["uri"]].hashtags, found[news["uri"]].author.own) == (frozenset(), True)  # type: ignore[union-attr]
    assert found[news["uri"]].engagement.likes == 1
    assert (found[answer["uri"]].form, found[answer["uri"]].parent) == (Form.REPLY, news["uri"])
    assert (found[quote["uri"]].form, found[quote["uri"]].parent) == (Form.POST, news["uri"])
    assert (found[ours["uri"]].parent, found[ours["uri"]].thread) == (complaint["uri"], complaint["uri"])
    author = found[complaint["uri"]].author
    assert author is not None
    assert (author.id, author.handle, author.reach, author.verified, author.own) == (ann.did, "ann.test", 1, False, False)
    assert found[complaint["uri"]].text == "@brand.test it leaks"


async def test_threads_quotes_searches_and_what_is_deleted(bluesky: Bluesky, listening: Callable[..., Source]) -> None:
    """Answers to answers, and quotes of what another account of ours wrote; what is taken back is told."""
    spout, bob, eve = bluesky.join("spout"), bluesky.join("bob"), bluesky.join("eve")
    offer = spout.post("an offer")
    elsewhere = bob.post("the zanzibar kettle")
    bluesky.settle()
    watched = {"own_accounts": [spout.handle], "searches": ["zanzibar"], "threads": [elsewhere["uri"]]}
    source = listening(eve, **watched)
    first = await drain(source)
    assert {mention.text for mention in first.mentions} == {"an offer", "the zanzibar kettle"}
    answer = bob.answer(offer, "too dear")
    quote = bob.quote(offer, "look at that")
    deep = bob.answer(bob.answer(elsewhere, "boils"), "and leaks", root=elsewhere)
    found_too = bob.post("zanzibar again")
    bluesky.settle()
    second = await drain(source, first.cursor)  # here it sees that the offer has an answer and a quote
    third = await drain(source, second.cursor)
    found = {mention.uri: mention for mention in (*second.mentions, *third.mentions)}
    assert {answer["uri"], quote["uri"], deep["uri"], found_too["uri"]} <= set(found)
    assert found[deep["uri"]].thread == elsewhere["uri"]
    assert (found[offer["uri"]].engagement.replies, found[offer["uri"]].engagement.shares) == (1, 1)
    assert isinstance(source, Conversing)
    around = await source.conversation(deep["uri"])
    thread = arranged(deep["uri"], around.posts)
    assert ([each.post.text for each in thread.posts], around.whole) == (["the zanzibar kettle", "boils", "and leaks"], True)
    below = arranged(offer["uri"], (await source.conversation(offer["uri"])).posts)
    assert [(each.depth, each.post.text, each.post.author and each.post.author.own) for each in below.posts] == [
        (0, "an offer", True), (1, "too dear", False)
    ]  # fmt: skip
    bob.delete(quote)
    bob.delete(elsewhere)
    bluesky.settle()
    last = await source.poll(third.cursor)
    assert {each.uri for each in last.deleted} == {quote["uri"], elsewhere["uri"]}
    assert [each.where for each in last.rejected] == [f"followed {elsewhere['uri']}"]
    left = arranged(deep["uri"], (await source.conversation(deep["uri"])).posts)
    assert [each.post.text for each in left.posts] == ["boils", "and leaks"]
    assert (await trouble_of(source.conversation(elsewhere["uri"]))).trouble is Trouble.GONE


async def test_a_session_is_renewed_by_the_server(bluesky: Bluesky, listening: Callable[..., Source]) -> None:
    """A token that is taken no longer is renewed without the password; where that fails the password is asked for."""
    zoe = bluesky.join("zoe")
    bluesky.settle()
    first: Any = listening(zoe)
    await first.poll(None)
    refresh = first._session._token.refresh
    second: Any = listening(zoe, password="wrong")
    second._session._token = Token(SecretStr("no.such.token"), refresh=refresh)
    assert (await second.poll(None)).rejected == []
    assert second._session._token.refresh != refresh
    second._session._token = Token(SecretStr("no.such.token"), refresh=SecretStr("nor.such.one"))
    error = await trouble_of(second.poll(None))
    assert (error.trouble, "wrong" in str(error)) == (Trouble.CREDENTIALS, False)


async def test_a_limit_of_the_server_is_waited_for(bluesky: Bluesky, listening: Callable[..., Source]) -> None:
    """After thirty times in five minutes nobody may sign in; until when, RateLimit-Reset says, and nothing else."""
    nobody = Person(bluesky.limited, "nobody.test", "did:plc:nobody", "")
    errors = await asyncio.gather(*(trouble_of(listening(nobody).poll(None)) for _ in range(31)))
    assert Counter(each.trouble for each in errors) == {Trouble.CREDENTIALS: 30, Trouble.THROTTLED: 1}
    (wait,) = (each.retry_after for each in errors if each.trouble is Trouble.THROTTLED)
    assert wait is not None
    assert 0 < wait <= 300
