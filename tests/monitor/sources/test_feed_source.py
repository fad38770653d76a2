"""RSS, Atom and JSON Feed."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from pydantic import ValidationError

from monitor.domain.clock import ManualClock
from monitor.domain.errors import Trouble
from monitor.domain.mention import Form
from monitor.sources.base import Batch
from monitor.sources.feed import Feed, FeedSettings
from monitor.sources.http import HttpClient
from monitor.sources.text import sanitise
from monitor.testing import AtOnce, Site, trouble_of

ITEM = """<item><title>Panne &amp;amp; colère</title><link>/news/{n}?utm_source=rss</link><guid isPermaLink="false">n-{n}</guid>
<description>&lt;p&gt;Tout est &lt;b&gt;en panne&lt;/b&gt; #Acme&lt;/p&gt;&lt;script&gt;x()&lt;/script&gt;</description>
<pubDate>Mon, 02 Mar 2026 07:0{n}:00 +0100</pubDate><author>ann@press.example (ann)</author><category>Telecom</category></item>"""


def rss(*items: str) -> str:
    """An RSS feed of these items."""
    head = "<title>News</title><language>fr-FR</language>"
    return f'<?xml version="1.0"?><rss version="2.0"><channel>{head}{"".join(items)}</channel></rss>'


async def read(site: Site, http: HttpClient, clock: ManualClock, cursor: str | None = None, **settings: Any) -> Batch:
    """Poll the feed of the site once."""
    return await Feed(FeedSettings(kind="feed", url=f"{site.url}/feed", **settings), http, clock, AtOnce()).poll(cursor)


async def test_an_rss_feed(site: Site, http: HttpClient, clock: ManualClock) -> None:
    """Entries come oldest first, as text, with absolute links, in UTC."""
    site.says(200, rss(ITEM.format(n=2), ITEM.format(n=1)), Content_Type="application/rss+xml")
    batch = await read(site, http, clock, network="press", own_accounts=("Ann",))
    first, second = batch.mentions
    assert (first.title, first.text) == ("Panne & colère", "Tout est en panne #Acme")
    assert (first.uri, second.uri) == (f"{site.url}/news/1?utm_source=rss".split("?")[0], f"{site.url}/news/2")
    assert first.written_at == datetime(2026, 3, 2, 6, 1, tzinfo=UTC)
    assert (first.form, first.network, first.language) == (Form.ARTICLE, "press", "fr")
    assert first.author is not None
    assert (first.author.id, first.author.own) == ("ann", True)
    assert first.hashtags == {"telecom"}
    assert (batch.more, batch.watermark, batch.rejected) == (False, None, [])


async def test_an_unchanged_feed_costs_nothing(site: Site, http: HttpClient, clock: ManualClock) -> None:
    """ETag and Last-Modified are sent back, also after several unchanged answers."""

    async def conditional(request: web.Request) -> web.Response:
        fresh = request.headers.get("If-None-Match") != '"v1"' or request.headers.get("If-Modified-Since") != "yesterday"
        validators = {"ETag": '"v1"', "Last-Modified": "yesterday"}
        return web.Response(text=rss(ITEM.format(n=1)), headers=validators) if fresh else web.Response(status=304)

    site.answer = conditional
    first = await read(site, http, clock)
    second = await read(site, http, clock, first.cursor)
    third = await read(site, http, clock, second.cursor)
    assert [len(batch.mentions) for batch in (first, second, third)] == [1, 0, 0]


async def test_a_feed_that_moved_is_asked_at_its_new_address(site: Site, http: HttpClient, clock: ManualClock) -> None:
    """301 is remembered; another address in the settings makes it forgotten."""

    async def moved(request: web.Request) -> web.Response:
        if request.path == "/feed":
            return web.Response(status=301, headers={"Location": "/new"})
        return web.Response(text=rss(ITEM.format(n=1)))

    site.answer = moved
    first = await read(site, http, clock)
    await read(site, http, clock, first.cursor)
    assert [request.path for request in site.asked] == ["/feed", "/new", "/new"]
    await Feed(FeedSettings(kind="feed", url=f"{site.url}/other"), http, clock, AtOnce()).poll(first.cursor)
    assert site.asked[-1].path == "/other"


async def test_a_broken_feed_gives_what_it_can_and_is_read_again_in_full(
    site: Site, http: HttpClient, clock: ManualClock
) -> None:
    """Half a document: its entries count, its ETag does not."""
    site.says(200, rss(ITEM.format(n=1), ITEM.format(n=2))[:-60], ETag='"half"')
    first = await read(site, http, clock)
    assert len(first.mentions) >= 1
    await read(site, http, clock, first.cursor)
    assert "If-None-Match" not in site.asked[-1].headers


@pytest.mark.parametrize(
    "body",
    [
        "",
        "<html><body>Not found</body></html>",
        "hello",
        '{"items": []}',
        "{nope",
        '{"version": "https://jsonfeed.org/version/1.1"}',
    ],
)
async def test_what_is_no_feed_is_malformed(site: Site, http: HttpClient, clock: ManualClock, body: str) -> None:
    """A page instead of a feed is an error in words, not an empty feed."""
    site.says(200, body)
    assert (await trouble_of(read(site, http, clock))).trouble is Trouble.MALFORMED


async def test_an_empty_feed_is_peace(site: Site, http: HttpClient, clock: ManualClock) -> None:
    """A feed without entries is no error."""
    site.says(200, rss())
    assert (await read(site, http, clock)).mentions == []


async def test_gone_is_gone(site: Site, http: HttpClient, clock: ManualClock) -> None:
    """410 stops the source."""
    site.says(410)
    assert (await trouble_of(read(site, http, clock))).permanent


async def test_entries_without_dates_ids_or_links(site: Site, http: HttpClient, clock: ManualClock) -> None:
    """Each still has one identity at every poll; without a date it was written when it was first seen."""
    site.says(
        200,
        rss(
            "<item><title>only a title</title></item>",
            "<item><description>only text</description><guid isPermaLink='false'>g1</guid></item>",
            "<item><title>evil</title><link>javascript:alert(1)</link></item>",
            "<item><title>no address</title><link>http://[::1</link></item>",
            "<item><title>by guid</title><guid>https://x.example/1</guid></item>",
            "<item><pubDate>not a date</pubDate></item>",
        ),
    )
    first, second = await read(site, http, clock), await read(site, http, clock)
    assert [mention.uri for mention in first.mentions] == [mention.uri for mention in second.mentions]
    assert {mention.written_at for mention in first.mentions} == {clock.now()}
    assert len({sanitise(mention).key for mention in first.mentions}) == 5
    assert [mention.uri for mention in first.mentions if mention.text == "by guid"] == ["https://x.example/1"]
    assert all((mention.uri or "").startswith(("urn:", "https:")) for mention in first.mentions)
    assert [rejected.why for rejected in first.rejected] == ["it has neither title nor text"]


async def test_comments_on_one_page_are_not_one(site: Site, http: HttpClient, clock: ManualClock) -> None:
    """Entries that share a link are told apart by their ids."""
    items = [
        f"<item><title>re: {n}</title><link>https://x.example/page</link><guid isPermaLink='false'>c{n}</guid></item>"
        for n in range(3)
    ]
    site.says(200, rss(*items))
    assert len({mention.key for mention in (await read(site, http, clock)).mentions}) == 3


THREAD = 'xmlns:thr="http://purl.org/syndication/thread/1.0"'


def atom(*entries: str, names: str = THREAD) -> str:
    """An Atom feed of these entries."""
    return (
        f'<?xml version="1.0"?><feed xmlns="http://www.w3.org/2005/Atom" {names}><title>Comments</title>{"".join(entries)}</feed>'
    )


def comment(number: int, answers: str, link: str = "https://blog.example/post#c{n}") -> str:
    """An entry that answers something, written in the minute of its number."""
    where = f'<link href="{link.format(n=number)}"/>' if link else ""
    time = f"<updated>2026-03-02T07:{number:02}:00Z</updated>"
    return f"<entry><id>tag:blog.example,2026:c{number}</id><title>comment {number}</title>{where}{time}{answers}</entry>"


@pytest.mark.parametrize(
    ("answers", "parent"),
    [
        (
            '<thr:in-reply-to ref="tag:blog.example,2026:p" href="https://blog.example/post" type="text/html"/>',
            "https://blog.example/post",
        ),
        ('<thr:in-reply-to ref="https://blog.example/post"/>', "https://blog.example/post"),
        ('<thr:in-reply-to ref="tag:blog.example,2026:p" href="/post?utm_source=x"/>', "{site}/post"),
        ('<link rel="in-reply-to" href="https://blog.example/post"/>', "https://blog.example/post"),
    ],
    ids=["address", "id-is-address", "relative", "link"],
)
async def test_an_entry_that_answers_says_what(
    site: Site, http: HttpClient, clock: ManualClock, answers: str, parent: str
) -> None:
    """By RFC 4685, or by a link of that relation: it is a comment, and where it answers is an address as any other."""
    site.says(200, atom(comment(1, answers)))
    (mention,) = (await read(site, http, clock)).mentions
    assert (mention.form, mention.parent) == (Form.COMMENT, parent.format(site=site.url))
    assert mention.uri == "https://blog.example/post#c1"


async def test_an_answer_is_known_under_any_prefix_and_in_rss(site: Site, http: HttpClient, clock: ManualClock) -> None:
    """The name of a namespace is its address, not what a feed calls it."""
    names = 'xmlns:t="http://purl.org/syndication/thread/1.0"'
    said = '<t:in-reply-to ref="https://blog.example/post"/>'
    site.says(200, atom(comment(1, said), names=names))
    (first,) = (await read(site, http, clock)).mentions
    item = f"<item><title>yes</title><link>https://blog.example/post#c2</link>{said}</item>"
    site.says(200, rss(item).replace("<rss ", f"<rss {names} "))
    (second,) = (await read(site, http, clock)).mentions
    assert first.parent == second.parent == "https://blog.example/post"


async def test_an_answer_to_an_entry_of_the_feed_has_its_address(site: Site, http: HttpClient, clock: ManualClock) -> None:
    """By its id alone: where that has a link, and where neither has one, at this poll and at the next."""
    to = '<thr:in-reply-to ref="tag:blog.example,2026:c{n}"/>'
    linked = [comment(1, ""), comment(2, to.format(n=1))]
    named = [comment(3, "", link=""), comment(4, to.format(n=3), link="")]
    site.says(200, atom(*linked, *named))
    one, two, three, four = (await read(site, http, clock)).mentions
    assert (two.parent, four.parent) == (one.uri, three.uri)
    assert (one.parent, one.form, two.form) == (None, Form.ARTICLE, Form.COMMENT)
    site.says(200, atom(named[1]))
    (again,) = (await read(site, http, clock)).mentions
    assert again == four


async def test_a_comment_is_not_what_it_answers(site: Site, http: HttpClient, clock: ManualClock) -> None:
    """Comments that have the address of the page are none of them the page, the first included."""
    page = "https://blog.example/post"
    said = f'<thr:in-reply-to ref="{page}"/>'
    site.says(200, atom(comment(1, said, link=page), comment(2, said, link=page)))
    mentions = (await read(site, http, clock)).mentions
    assert {mention.parent for mention in mentions} == {page}
    assert len({page, *(mention.uri for mention in mentions)}) == 3


@pytest.mark.parametrize(
    "answers", ["<thr:in-reply-to/>", '<thr:in-reply-to href="javascript:x()"/>', "<thr:in-reply-to>x</thr:in-reply-to>"]
)
async def test_an_answer_to_nothing_is_none(site: Site, http: HttpClient, clock: ManualClock, answers: str) -> None:
    """What names nothing that could be answered does no harm."""
    site.says(200, atom(comment(1, answers)))
    (mention,) = (await read(site, http, clock)).mentions
    assert (mention.parent, mention.form) == (None, Form.ARTICLE)


async def test_a_json_feed(site: Site, http: HttpClient, clock: ManualClock) -> None:
    """Version 1 and 1.1; wrong types do no harm."""
    items: list[object] = [
        {
            "id": "1",
            "url": "https://x.example/1",
            "content_html": "<p>a &amp; b</p>",
            "date_published": "2026-03-02T07:00:00+01:00",
            "tags": ["T", 1],
        },
        {
            "id": 2,
            "content_text": "x < y\nz",
            "author": {"name": "Bob"},
            "date_modified": "2026-03-02T08:00:00Z",
            "language": "en",
        },
        {"id": None, "title": 5, "authors": [None, {"name": None}], "date_published": []},
        "not an item",
        {"summary": "", "url": ["x"]},
    ]
    feed = {"version": "https://jsonfeed.org/version/1.1", "title": "J", "language": "fr", "items": items}
    site.says(200, json.dumps(feed), Content_Type="application/feed+json")
    batch = await read(site, http, clock)
    assert [mention.text for mention in batch.mentions] == ["a & b", "5", "x < y\nz"]
    assert [mention.language for mention in batch.mentions] == ["fr", "fr", "en"]
    assert batch.mentions[2].author is not None
    assert (batch.mentions[0].uri, batch.mentions[2].author.id, len(batch.rejected)) == ("https://x.example/1", "Bob", 1)


async def test_a_full_page_loses_nothing(site: Site, http: HttpClient, clock: ManualClock) -> None:
    """However many entries a feed has, all are given."""
    site.says(200, rss(*[f"<item><title>t{n}</title><link>https://x.example/{n}</link></item>" for n in range(500)]))
    assert len((await read(site, http, clock)).mentions) == 500


@pytest.mark.parametrize("url", ["ftp://x/feed", "x.example/feed", "https://", ""])
def test_an_address_that_cannot_be_a_feed(url: str) -> None:
    """Found when the configuration is read, and not quoted: it may carry a secret."""
    with pytest.raises(ValidationError, match="complete address"):
        FeedSettings(kind="feed", url=url)


def test_a_feed_s_address_is_in_no_repr() -> None:
    """Private feeds carry their key in the address."""
    assert "s3cret" not in repr(FeedSettings(kind="feed", url="https://x.example/feed?key=s3cret"))


@pytest.mark.parametrize(
    ("name", "entries", "language"),
    [("cdata_rss.atom", 10, "en"), ("iso-8859-1.rss", 1, None), ("rss_entries.xml", 30, None), ("youtube.xml", 15, None)],
)
async def test_recorded_feeds(
    site: Site, http: HttpClient, clock: ManualClock, shared: Path, name: str, entries: int, language: str | None
) -> None:
    """Real feeds: every entry has a link, a text without tags, a date of its own, and one identity."""
    site.says(200, (shared / "data" / "payloads" / "rss" / name).read_bytes())
    batch = await read(site, http, clock)
    assert len(batch.mentions) == entries
    assert batch.rejected == []
    assert len({mention.key for mention in batch.mentions}) == len(batch.mentions)
    for mention in batch.mentions:
        assert mention.uri is not None
        assert mention.uri.startswith("http")
        assert mention.written_at < clock.now()
        assert mention.text
        assert "<p>" not in mention.text
        assert mention.language == language
