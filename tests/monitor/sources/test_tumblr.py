"""Tumblr: a blog's notes, seconds that are full, limits, and recorded posts read without loss."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from monitor.domain.clock import ManualClock
from monitor.domain.errors import Trouble
from monitor.domain.mention import Form
from monitor.sources import HttpClient, Source, build
from monitor.sources.tumblr import TumblrSettings
from monitor.sources.tumblr_posts import note, post, sorted_by
from monitor.testing import AtOnce, Site, drain, trouble_of
from monitor.testing.contract import SECRET, Post
from tests.contracts.test_tumblr_contract import BLOG, FakeTumblr


@pytest.fixture
def tumblr(site: Site) -> FakeTumblr:
    """Its server."""
    fake = FakeTumblr()
    site.answer = fake.answer
    return fake


@pytest.fixture
def made(site: Site, http: HttpClient, clock: ManualClock) -> Any:
    """Makes a source."""

    def make(**given: Any) -> Source:
        settings = TumblrSettings.model_validate({"kind": "tumblr", "url": site.url, "key": SECRET, "blog": BLOG, **given})
        return build("it", settings, http=http, clock=clock, inbox=None, workshop=AtOnce())  # type: ignore[arg-type]

    return make


async def test_what_is_said_to_a_post_of_ours(site: Site, tumblr: FakeTumblr, made: Any) -> None:
    """Replies are read when the number of notes has changed, all of them where the post came after our first look."""
    tumblr.blog[1] = Post(1, 1, BLOG)
    tumblr.notes[1] = {10: Post(10, 2)}
    first = await drain(made())
    assert [(mention.text, mention.author and mention.author.own) for mention in first.mentions] == [
        ("post 1", True),
        ("post 10", False),
    ]
    reply = first.mentions[1]
    assert (reply.form, reply.parent, reply.uri) == (Form.REPLY, first.mentions[0].uri, None)
    asked = len(site.asked)
    again = await drain(made(), first.cursor)
    assert (again.mentions, len(site.asked) - asked) == ([], 1)
    tumblr.blog[2] = Post(2, 3, BLOG)
    tumblr.notes[2] = {number: Post(number, 4 + number / 100) for number in range(100, 250)}
    tumblr.notes[1][11] = Post(11, 5)
    then = await drain(made(), again.cursor)
    assert {mention.text for mention in then.mentions} >= {"post 2", "post 11", *(f"post {number}" for number in range(100, 250))}


async def test_notes_and_pages_at_the_same_time(tumblr: FakeTumblr, made: Any) -> None:
    """A tag that goes on and replies that are owed do not wait for one another."""
    tumblr.posts[500] = Post(500)
    tumblr.blog[1] = Post(1, 1, BLOG)
    cursor = (await drain(made(hashtags=["tea"]))).cursor
    tumblr.posts |= {number: Post(number, number) for number in range(501, 581)}
    tumblr.notes[1] = {10: Post(10, 2)}
    found = await drain(made(hashtags=["tea"]), cursor)
    assert {mention.text for mention in found.mentions} >= {"post 10", *(f"post {number}" for number in range(501, 581))}


async def test_a_post_that_is_gone_is_left_alone(site: Site, tumblr: FakeTumblr, made: Any) -> None:
    """It was deleted after it had been listed."""
    tumblr.blog[1] = Post(1, 1, BLOG)
    tumblr.notes[1] = {10: Post(10, 2)}
    begun = await made().poll(None)
    assert begun.more
    site.says(500)
    assert (await trouble_of(made().poll(begun.cursor))).trouble is Trouble.UNAVAILABLE
    site.answer = tumblr.answer
    tumblr.blog.clear()
    rest = await drain(made(), begun.cursor)
    assert rest.mentions == []


async def test_a_second_that_is_full_ends_no_walk(tumblr: FakeTumblr, made: Any) -> None:
    """Of a second with more posts than a page what the page shows is read, and then what is older."""
    tumblr.posts[0] = Post(0)
    cursor = (await drain(made(blog=None, hashtags=["tea"]))).cursor
    tumblr.posts |= {number: Post(number, 5) for number in range(1, 31)} | {50: Post(50, 4)}
    found = {mention.text for mention in (await drain(made(blog=None, hashtags=["tea"]), cursor)).mentions}
    assert "post 50" in found
    assert len(found) == 21


@pytest.mark.parametrize(
    ("status", "headers", "trouble", "wait"),
    [
        (429, {"X_Ratelimit_Perhour_Remaining": "0", "X_Ratelimit_Perhour_Reset": "1200"}, Trouble.THROTTLED, 1200.0),
        (
            429,
            {
                "X_Ratelimit_Perday_Remaining": "0",
                "X_Ratelimit_Perday_Reset": "9000",
                "X_Ratelimit_Perhour_Remaining": "0",
                "X_Ratelimit_Perhour_Reset": "1200",
            },
            Trouble.THROTTLED,
            9000.0,
        ),
        (429, {}, Trouble.THROTTLED, None),
        (401, {}, Trouble.CREDENTIALS, None),
        (404, {}, Trouble.GONE, None),
    ],
)
async def test_what_its_errors_mean(
    site: Site, made: Any, status: int, headers: dict[str, str], trouble: Trouble, wait: float | None
) -> None:
    """Each limit has headers of its own; a blog that is not there stops the source."""
    site.says(status, "", **headers)
    error = await trouble_of(made().poll(None))
    assert (error.trouble, error.retry_after) == (trouble, wait)


async def test_its_calls_are_counted(tumblr: FakeTumblr, made: Any) -> None:
    """By the hour and by the day, unless the settings say otherwise."""
    source = made()
    await source.poll(None)
    assert [(budget.per, left) for budget, left in source.purse.left()] == [("hour", 999), ("day", 4999)]
    assert [budget.amount for budget in made(budget={"amount": 700}).purse.budgets] == [700]


def test_a_reblog_says_what_was_added() -> None:
    """And names what it answers and what began it, wherever those addresses were written."""
    item = {
        "id": 3,
        "blog_name": "Ann",
        "timestamp": 1_750_000_000,
        "featured_timestamp": 1_750_000_100,
        "reblog": {"comment": "<p>No!</p>"},
        "body": "<p>all of it</p>",
        "title": "Hm",
        "reblogged_from_url": "https://www.tumblr.com/bob/2/words",
        "reblogged_root_url": "https://kettles.example/post/1",
    }
    mention = post(item, ())
    assert (mention.text, mention.title, mention.uri) == ("No!", "Hm", "https://ann.tumblr.com/post/3")
    assert (mention.parent, mention.thread) == ("https://bob.tumblr.com/post/2", "https://kettles.example/post/1")
    assert sorted_by(item) > mention.written_at
    added = {"type": "reblog", "blog_name": "bob", "timestamp": 1_750_000_000, "post_id": "9", "added_text": "why?"}
    assert note(added, "https://ann.tumblr.com/post/3", ()).uri == "https://bob.tumblr.com/post/9"


def test_settings_teach() -> None:
    """Nothing to watch, a tag without letters, a blog by its whole address."""
    for given, words in (
        ({}, "nothing to watch"),
        ({"hashtags": ["#"]}, "one letter"),
        ({"blog": "https://a.tumblr.com"}, "blog"),
    ):
        with pytest.raises(ValidationError, match=words):
            TumblrSettings.model_validate({"kind": "tumblr", "key": "k", **given})
    assert TumblrSettings.model_validate({"kind": "tumblr", "key": "k", "blog": BLOG}).networks() == {"tumblr"}


def test_recorded_posts_are_read_without_loss(shared: Path) -> None:
    """Twenty, each with its author, its notes and an identity of its own; those without words are known by their tags."""
    document = json.loads((shared / "data/payloads/tumblr/tumblr_likes.json").read_bytes())
    mentions = [post(item, ()) for item in document["liked_posts"]]
    assert len({mention.uri for mention in mentions}) == 20
    assert all(mention.text and mention.author and mention.engagement.likes is not None for mention in mentions)
