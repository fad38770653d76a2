"""Hashtags and mentions on a server with the Mastodon API, against a small server of our own that forgets nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from aiohttp import web
from pydantic import SecretStr, ValidationError

from monitor.domain.errors import Trouble
from monitor.domain.mention import Author, Engagement, Form, Mention
from monitor.sources.http import HttpClient
from monitor.sources.mastodon import PAGE, Mastodon, MastodonSettings
from monitor.testing import Site, drain, trouble_of

START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
TOKEN = SecretStr("tok-123")


def snowflake(minute: float, serial: int = 0) -> str:
    """An id as Mastodon makes them: the time in milliseconds, then 16 bits."""
    moment = START + timedelta(minutes=minute)
    return str((int(moment.timestamp() * 1000) << 16) + serial)


def status(status_id: str, minute: float = 0, **fields: object) -> dict[str, Any]:
    """A status as the API gives it."""
    account = {"acct": "ann", "display_name": "Ann", "followers_count": 12, "id": "1"}
    return {
        "id": status_id,
        "uri": f"https://social.example/users/ann/statuses/{status_id}",
        "created_at": (START + timedelta(minutes=minute)).isoformat().replace("+00:00", "Z"),
        "content": f"<p>post {status_id}</p>",
        "account": account,
        "language": "fr",
    } | fields


class Server:
    """Serves lists of statuses by path, newest first, with `min_id` as Mastodon understands it; statuses and accounts alone."""

    def __init__(self, site: Site) -> None:
        self.lists: dict[str, list[dict[str, Any]]] = {}
        self.posts: dict[str, dict[str, Any]] = {}
        self.found: list[dict[str, Any]] = []  # by whatever search
        self.together = True  # whether it shows several statuses at once, as Mastodon 4.3 does
        self.accounts: dict[str, str] = {}
        self.fails: dict[str, int] = {}
        self.site = site
        site.answer = self.answer

    def looked_up(self) -> list[str]:
        """The numbers of the posts that were asked for one by one, in order."""
        return [each.path.rpartition("/")[2] for each in self.site.asked if each.path.startswith("/api/v1/statuses/")]

    def says(self, *said: dict[str, Any]) -> None:
        """An account of ours, `acme`, has said this."""
        self.accounts["acme"] = "9"
        ours = {"acct": "acme", "id": "9"}
        self.lists.setdefault("/api/v1/accounts/9/statuses", []).extend(each | {"account": ours} for each in said)

    async def answer(self, request: web.Request) -> web.Response:
        if request.path in self.fails:
            return web.Response(status=self.fails[request.path])
        if request.path == "/api/v1/accounts/lookup":
            found = self.accounts.get(request.query["acct"])
            return web.json_response({"id": found} if found else {"error": "nobody"}, status=200 if found else 404)
        if request.path == "/api/v2/search":
            finds = sorted(self.found, key=lambda item: int(item["id"]), reverse=True)
            skipped = int(request.query["offset"])
            return web.json_response({"statuses": finds[skipped : skipped + PAGE], "accounts": [], "hashtags": []})
        if request.path.startswith("/api/v1/statuses"):
            return self.alone(request)
        items = sorted(self.lists.get(request.path, []), key=lambda item: int(item["id"]))
        limit = min(int(request.query.get("limit", "20")), PAGE)
        page = items[-limit:]
        if "min_id" in request.query:
            page = [item for item in items if int(item["id"]) > int(request.query["min_id"])][:limit]
        return web.json_response(page[::-1])

    def alone(self, request: web.Request) -> web.Response:
        """Statuses by their ids, not as part of a list."""
        if request.path == "/api/v1/statuses" and self.together:
            return web.json_response([self.posts[each] for each in request.query.getall("id[]") if each in self.posts])
        post = self.posts.get(request.path.rpartition("/")[2])
        return web.json_response(post or {"error": "no such post"}, status=200 if post else 404)


@pytest.fixture
def server(site: Site) -> Server:
    """A server that speaks enough of the API."""
    return Server(site)


TAG = "/api/v1/timelines/tag/acme"
OURS = "/api/v1/notifications"


@pytest.fixture
def watching(site: Site, http: HttpClient) -> Callable[..., Mastodon]:
    """Makes a source that watches #acme, unless told otherwise."""

    def make(**settings: Any) -> Mastodon:
        asked = {"kind": "mastodon", "url": site.url, "hashtags": ["#Acme"]} | settings
        return Mastodon(MastodonSettings.model_validate(asked), http)

    return make


def ids(mentions: list[Mention]) -> list[str]:
    """The ids of the statuses behind mentions."""
    return [(mention.uri or "").rpartition("/")[2] for mention in mentions]


async def test_a_status_becomes_a_mention(server: Server, watching: Callable[..., Mastodon]) -> None:
    """Text, author, reach, tags, counts, the post it answers."""
    server.lists[TAG] = [
        status(
            snowflake(0),
            content='<p>Tout est <a href="https://social.example/tags/panne">#panne</a> &amp; <span>rien</span></p><p>😡</p>',
            spoiler_text="Colère",
            sensitive=True,
            in_reply_to_id="77",
            tags=[{"name": "Panne"}, {"name": "Acme"}, {}],
            replies_count=1,
            reblogs_count=2,
            favourites_count=3,
        )
    ]
    (mention,) = (await watching(own_accounts=["@ann"]).poll(None)).mentions
    assert mention == Mention(
        network="mastodon",
        text="Tout est #panne & rien\n\n😡",
        written_at=START,
        uri=f"https://social.example/users/ann/statuses/{snowflake(0)}",
        form=Form.REPLY,
        title="Colère",
        author=Author("ann@127.0.0.1", "ann@127.0.0.1", "Ann", 12, own=True),
        language="fr",
        parent=f"{server.site.url}/api/v1/statuses/77",
        engagement=Engagement(1, 2, 3),
        hashtags=frozenset({"panne", "acme"}),
        sensitive=True,
    )


async def test_the_first_look_takes_the_newest_page(server: Server, watching: Callable[..., Mastodon]) -> None:
    """What was said long before is history."""
    server.lists[TAG] = [status(snowflake(n), n) for n in range(100)]
    first = await drain(watching())
    assert ids(first.mentions) == [snowflake(n) for n in range(60, 100)]
    assert first.polls == 1


async def test_pages_until_it_reaches_what_it_has(server: Server, watching: Callable[..., Mastodon]) -> None:
    """A hundred posts between two polls: all are seen, oldest first, and then it rests."""
    server.lists[TAG] = [status(snowflake(0), 0)]
    first = await drain(watching())
    server.lists[TAG] += [status(snowflake(n), n) for n in range(1, 101)]
    second = await drain(watching(), first.cursor)
    assert set(ids(second.mentions)) >= {snowflake(n) for n in range(1, 101)}
    assert second.mentions == sorted(second.mentions, key=lambda mention: mention.written_at)
    third = await drain(watching(), second.cursor)
    assert len(third.mentions) <= 16  # the overlap, nothing else


async def test_a_stream_that_was_empty_is_read_from_its_beginning(server: Server, watching: Callable[..., Mastodon]) -> None:
    """More than a page between the first, empty look and the second: nothing is lost."""
    first = await drain(watching())
    server.lists[TAG] = [status(snowflake(n), n) for n in range(90)]
    assert len((await drain(watching(), first.cursor)).mentions) == 90


async def test_a_post_that_federates_late_is_seen(server: Server, watching: Callable[..., Mastodon]) -> None:
    """Its id is that of its own time, behind our cursor: the overlap reaches back for it."""
    server.lists[TAG] = [status(snowflake(30), 30)]
    first = await drain(watching())
    late = status(snowflake(20), 20)
    server.lists[TAG].append(late)
    assert late["id"] in ids((await drain(watching(), first.cursor)).mentions)
    assert (await drain(watching(overlap="PT0S"), first.cursor)).mentions == []


async def test_a_killed_paging_goes_on_where_it_was(server: Server, watching: Callable[..., Mastodon]) -> None:
    """In the middle of many pages, the committed cursor is enough."""
    server.lists[TAG] = [status(snowflake(0), 0)]
    first = await drain(watching())
    server.lists[TAG] += [status(snowflake(n), n) for n in range(1, 101)]
    half = await watching().poll(first.cursor)
    assert half.more
    assert half.watermark == half.mentions[-1].written_at
    rest = await drain(watching(), half.cursor)
    assert set(ids([*half.mentions, *rest.mentions])) >= {snowflake(n) for n in range(1, 101)}


async def test_equal_times_and_short_ids_lose_nothing(server: Server, watching: Callable[..., Mastodon]) -> None:
    """Small numeric ids, as other servers give, are ordered as numbers."""
    server.lists[TAG] = [status(str(n)) for n in range(1, 8)]
    first = await drain(watching())
    server.lists[TAG] += [status(str(n)) for n in range(8, 112)]
    assert ids((await drain(watching(), first.cursor)).mentions) == [str(n) for n in range(8, 112)]


async def test_mentions_come_through_notifications(server: Server, watching: Callable[..., Mastodon]) -> None:
    """With the token, only of type mention; a direct message is one; a deleted post is passed over."""

    def notification(number: int, **fields: object) -> dict[str, Any]:
        told = status(snowflake(number), number, **fields)
        return {"id": str(number), "type": "mention", "account": told["account"], "status": told}

    gone = notification(3) | {"status": None}
    server.lists[OURS] = [notification(1), notification(2, visibility="direct"), gone]
    first = await drain(watching(hashtags=[], mentions=True, token=TOKEN))
    assert [mention.form for mention in first.mentions] == [Form.POST, Form.MESSAGE]
    asked = server.site.asked[0]
    assert (asked.query["types[]"], asked.headers["Authorization"]) == ("mention", "Bearer tok-123")
    server.lists[OURS] += [notification(n) for n in range(4, 90)]
    rest = await drain(watching(hashtags=[], mentions=True, token=TOKEN), first.cursor)
    assert len(rest.mentions) == 86


async def test_boosts_are_somebody_else_s_words(server: Server, watching: Callable[..., Mastodon]) -> None:
    """A boost is not a mention."""
    server.lists[TAG] = [status("1", reblog=status("2")), status("3")]
    assert ids((await drain(watching())).mentions) == ["3"]


async def test_a_status_that_is_not_as_documented_is_rejected_alone(server: Server, watching: Callable[..., Mastodon]) -> None:
    """The others of its page are read."""
    bad: list[dict[str, Any]] = [
        status("1", content=None),
        status("2", created_at="whenever"),
        status("3", account=None),
        status("4", tags=["x"]),
        {"id": "5"},
    ]
    server.lists[TAG] = [*bad, status("6")]
    seen = await drain(watching())
    assert ids(seen.mentions) == ["6"]
    assert [rejected.where for rejected in seen.rejected] == [f"status {n}" for n in range(1, 6)]


async def test_quirks_of_other_servers(server: Server, watching: Callable[..., Mastodon]) -> None:
    """No uri but a url, no counts, media without words, an account of another server, tags null."""
    media = [{"description": "A burning router"}, {}]
    account = {"acct": "Bob@Other.example"}
    server.lists[TAG] = [
        status(
            "1", uri=None, url="https://pleroma.example/notice/1", tags=None, content="", media_attachments=media, account=account
        ),
        status("2", uri=None, url=None, replies_count="many"),
    ]
    first, second = (await watching().poll(None)).mentions
    assert (first.uri, first.text, first.author) == (
        "https://pleroma.example/notice/1",
        "A burning router",
        Author("bob@other.example", "Bob@Other.example"),
    )
    assert (second.uri, second.engagement) == (f"{server.site.url}/statuses/2", Engagement())


@pytest.mark.parametrize("body", ["{}", "[1]", '[{"id": 5}]', '"x"', "[{", "null"])
async def test_what_is_no_list_of_statuses_is_malformed(site: Site, watching: Callable[..., Mastodon], body: str) -> None:
    """The server speaks something else."""
    site.says(200, body)
    assert (await trouble_of(watching().poll(None))).trouble is Trouble.MALFORMED


async def test_a_server_that_repeats_itself_ends(site: Site, watching: Callable[..., Mastodon]) -> None:
    """The same page for ever, whatever is asked: the paging ends."""
    site.says(200, json.dumps([status(snowflake(n), n) for n in range(40)][::-1]))
    first = await drain(watching())
    assert (await drain(watching(), first.cursor)).polls <= 3


async def test_every_hashtag_has_its_own_place(server: Server, watching: Callable[..., Mastodon]) -> None:
    """A busy tag is paged on alone; a quiet one is not asked again meanwhile; a tag added later begins with its newest page."""
    quiet = "/api/v1/timelines/tag/%C3%A9t%C3%A9"
    server.lists[TAG] = [status(snowflake(0), 0)]
    first = await drain(watching())
    server.lists[TAG] += [status(snowflake(n), n) for n in range(1, 101)]
    server.lists["/api/v1/timelines/tag/été"] = [status(snowflake(5, 1), 5)]
    second = await drain(watching(hashtags=["acme", "été"]), first.cursor)
    assert len(second.mentions) == 101
    assert sum(request.raw_path.startswith(quiet) for request in server.site.asked) == 1


async def test_a_cursor_of_another_server_is_no_cursor(
    server: Server, watching: Callable[..., Mastodon], http: HttpClient
) -> None:
    """After the address was changed the newest page is taken, not a gap of years."""
    server.lists[TAG] = [status(str(n)) for n in range(1, 4)]
    other = json.dumps({"of": "elsewhere", "tag:acme": {"newest": "999", "at": None}})
    assert len((await drain(watching(), other)).mentions) == 3
    assert len((await drain(watching(), "not a cursor")).mentions) == 3


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({}, "nothing to watch"),
        ({"searches": ["acme"]}, "need a `token`"),
        ({"hashtags": ["x"], "searches": [" "]}, "at least 1 character"),
        ({"mentions": True}, "needs a `token`"),
        ({"hashtags": ["#"]}, "at least one letter"),
        ({"hashtags": ["x"], "url": "social.example"}, "complete address"),
    ],
)
def test_settings_that_watch_nothing(settings: dict[str, Any], why: str) -> None:
    """Found when the configuration is read."""
    with pytest.raises(ValidationError, match=why):
        MastodonSettings.model_validate({"kind": "mastodon", "url": "https://social.example"} | settings)


async def test_the_token_is_in_no_error(site: Site, watching: Callable[..., Mastodon]) -> None:
    """Nor in the settings' repr."""
    site.says(401)
    error = await trouble_of(watching(token=TOKEN).poll(None))
    assert error.trouble is Trouble.CREDENTIALS
    settings = MastodonSettings(kind="mastodon", url=site.url, token=TOKEN, hashtags=("a",))
    assert "tok-123" not in f"{error} {error!r} {settings!r}"


def by(mentions: list[Mention], handle: str) -> list[Mention]:
    """The mentions of one author."""
    return [each for each in mentions if each.author and each.author.handle.partition("@")[0] == handle]


async def test_what_our_accounts_say_is_read(server: Server, watching: Callable[..., Mastodon]) -> None:
    """As ours, page by page from where we stood; each request asks for twenty, and for no boosts."""
    server.says(status(snowflake(0), 0))
    first = await drain(watching(own_accounts=["@acme"]))
    assert [mention.author and mention.author.own for mention in first.mentions] == [True]
    server.says(*(status(snowflake(n), n) for n in range(1, 51)))
    second = await drain(watching(own_accounts=["@acme"]), first.cursor)
    assert {snowflake(n) for n in range(1, 51)} <= set(ids(second.mentions))
    asked = [each.query for each in server.site.asked if each.path == "/api/v1/accounts/9/statuses"]
    assert {(query["limit"], query["exclude_reblogs"]) for query in asked} == {("20", "true")}


async def test_an_account_is_ours_by_its_id_too(server: Server, watching: Callable[..., Mastodon]) -> None:
    """`acme@acme.example` lives on social.acme.example: what it says must not ring as somebody else's."""
    server.accounts["acme@acme.example"] = "9"
    server.says(status("5"))
    (mention,) = (await watching(own_accounts=["@acme@acme.example"]).poll(None)).mentions
    assert mention.author is not None
    assert mention.author.own


async def test_an_account_that_nobody_knows_is_told_and_seldom_asked_for(
    server: Server, watching: Callable[..., Mastodon]
) -> None:
    """It may be one of another network; everything else is read meanwhile."""
    server.lists[TAG] = [status("1")]
    source = watching(own_accounts=["elsewhere"])
    first = await source.poll(None)
    assert (ids([*first.mentions]), [each.where for each in first.rejected]) == (["1"], ["own account elsewhere"])
    for _ in range(5):
        assert (await source.poll(first.cursor)).rejected == []
    assert sum(each.path.endswith("/lookup") for each in server.site.asked) == 1


@pytest.mark.parametrize("seen", [True, False])
async def test_our_answer_names_what_it_answers(server: Server, watching: Callable[..., Mastodon], seen: bool) -> None:
    """By the address that it has everywhere: as it was seen, else as the server tells when asked."""
    question = status("10")
    server.posts["10"] = question
    server.lists[TAG] = [question] if seen else []
    server.says(status("11", in_reply_to_id="10"))
    source = watching(own_accounts=["acme"])
    (answer,) = by((await drain(source)).mentions, "acme")
    assert (answer.parent, answer.thread) == (question["uri"], question["uri"])
    await drain(source)
    assert server.looked_up() == ([] if seen else ["10"])


async def test_our_answer_names_what_began_the_thread(server: Server, watching: Callable[..., Mastodon]) -> None:
    """Somebody asks, and asks on; we answer the second post. Of a very long thread the beginning is not known."""
    posts = [status(str(n), in_reply_to_id=str(n - 1) if n > 10 else None) for n in range(10, 20)]
    server.posts = {each["id"]: each for each in posts}
    server.says(status("21", in_reply_to_id="11"), status("22", in_reply_to_id="19"))
    short, long = by((await drain(watching(own_accounts=["acme"]))).mentions, "acme")
    assert (short.parent, short.thread) == (posts[1]["uri"], posts[0]["uri"])
    assert (long.parent, long.thread) == (posts[9]["uri"], None)


async def test_nobody_asks_what_others_answer(server: Server, watching: Callable[..., Mastodon]) -> None:
    """It is linked where it was seen; a storm of comments costs no request more."""
    server.lists[TAG] = [status("10"), status("11", in_reply_to_id="10"), status("12", in_reply_to_id="3")]
    _, linked, unknown = (await drain(watching(own_accounts=["acme"]))).mentions
    assert (linked.parent, linked.thread) == (server.lists[TAG][0]["uri"], server.lists[TAG][0]["uri"])
    assert (unknown.parent, unknown.thread) == (f"{server.site.url}/api/v1/statuses/3", None)
    assert server.looked_up() == []


@pytest.mark.parametrize("code", [401, 403, 404, 410])
async def test_an_answer_to_what_is_not_to_be_had(server: Server, watching: Callable[..., Mastodon], code: int) -> None:
    """A post that was deleted, or is private: it is not asked for again, and stops nothing."""
    server.fails["/api/v1/statuses/10"] = code
    server.says(status("11", in_reply_to_id="10"), status("12", in_reply_to_id="10"))
    first, second = (await drain(watching(own_accounts=["acme"]))).mentions
    assert (first.form, first.parent) == (Form.REPLY, f"{server.site.url}/api/v1/statuses/10")
    assert second.parent == first.parent
    assert server.looked_up() == ["10"]


async def test_while_it_is_not_known_what_we_answered_the_source_is_ill(
    server: Server, watching: Callable[..., Mastodon]
) -> None:
    """Rather than well, and our answer seen as that to nothing; but one post never holds up all others for ever."""
    server.fails["/api/v1/statuses/10"] = 500
    server.says(status("11", in_reply_to_id="10"))
    source = watching(own_accounts=["acme"])
    for _ in range(2):
        assert (await trouble_of(source.poll(None))).trouble is Trouble.UNAVAILABLE
    assert ids([*(await source.poll(None)).mentions]) == ["11"]


async def test_a_thread_that_bites_its_own_tail_ends(server: Server, watching: Callable[..., Mastodon]) -> None:
    """Two posts that answer each other: a server may say anything."""
    server.posts = {"1": status("1", in_reply_to_id="2"), "2": status("2", in_reply_to_id="1")}
    server.says(status("3", in_reply_to_id="1"))
    (answer,) = (await drain(watching(own_accounts=["acme"]))).mentions
    assert (answer.parent, answer.thread) == (server.posts["1"]["uri"], None)


async def test_what_a_search_finds(server: Server, watching: Callable[..., Mastodon]) -> None:
    """The newest page at first, then everything down to what is known, whatever is said meanwhile; each once."""
    server.found = [status(snowflake(n), n) for n in range(50)]
    make = partial(watching, hashtags=[], searches=["acme -giveaway"], token=TOKEN, look_again=0)
    first = await drain(make())
    assert ids(first.mentions) == [snowflake(n) for n in range(10, 50)]
    server.found += [status(snowflake(n), n) for n in range(50, 140)]
    half = await make().poll(first.cursor)
    assert (half.more, half.watermark) == (True, START + timedelta(minutes=49))
    server.found += [status(snowflake(n), n) for n in range(140, 150)]
    rest = await drain(make(), half.cursor)
    then = await drain(make(), rest.cursor)
    assert sorted(ids([*half.mentions, *rest.mentions, *then.mentions]), key=int) == [snowflake(n) for n in range(50, 150)]
    asked = server.site.asked[0]
    assert (asked.query["q"], asked.query["type"], asked.headers["Authorization"]) == (
        "acme -giveaway",
        "statuses",
        "Bearer tok-123",
    )


async def test_a_search_that_repeats_itself_ends(site: Site, watching: Callable[..., Mastodon]) -> None:
    """A server that knows no offset: somebody is told that what is older was not read."""
    site.says_json({"statuses": [status(snowflake(0), 0)]})
    first = await drain(watching(hashtags=[], searches=["acme"], token=TOKEN, look_again=0))
    site.says_json({"statuses": [status(snowflake(n), n) for n in range(99, 59, -1)]})
    rest = await drain(watching(hashtags=[], searches=["acme"], token=TOKEN, look_again=0), first.cursor)
    assert (len(rest.mentions), [each.where for each in rest.rejected]) == (40, ["search:acme"])


async def test_what_others_say_is_read(server: Server, watching: Callable[..., Mastodon]) -> None:
    """A competitor's account: not ours, from where we stood; one that is not known here is told."""
    server.accounts["rival@x.example"] = "8"
    said = {"acct": "rival@x.example", "id": "8"}
    server.lists["/api/v1/accounts/8/statuses"] = [status(snowflake(0), account=said)]
    first = await drain(watching(hashtags=[], accounts=["@rival@x.example", "nobody"]))
    (mention,) = first.mentions
    assert mention.author is not None
    assert (mention.author.handle, mention.author.own) == ("rival@x.example", False)
    assert [each.where for each in first.rejected] == ["account nobody"]
    server.lists["/api/v1/accounts/8/statuses"].append(status(snowflake(1), 1, account=said))
    again = await drain(watching(hashtags=[], accounts=["@rival@x.example"]), first.cursor)
    assert ids(again.mentions) == [snowflake(1)]


async def test_an_account_of_which_the_server_says_nothing(site: Site, watching: Callable[..., Mastodon]) -> None:
    """That is told where there is more to read; a source that has nothing else is ill, and so is one whose server breaks down."""
    site.says_json([])
    seen = await watching(accounts=["rival"]).poll(None)
    assert [each.why for each in seen.rejected] == ["what it says is not seen: the server does not say who rival is"]
    alone = watching(hashtags=[], accounts=["rival"])
    for _ in range(2):
        assert (await trouble_of(alone.poll(None))).trouble is Trouble.MALFORMED
    site.says(500)
    assert (await trouble_of(watching(accounts=["rival"]).poll(None))).trouble is Trouble.UNAVAILABLE


async def test_what_became_of_posts_is_seen(server: Server, watching: Callable[..., Mastodon]) -> None:
    """Days later, in turn, twenty by one request: new figures, edits, what is gone; what is as it was is not brought again."""
    posts = {snowflake(n): status(snowflake(n), n, favourites_count=0) for n in range(30)}
    server.lists[TAG], server.posts = list(posts.values()), dict(posts)
    first = await drain(watching())
    server.lists[TAG] = []
    server.posts[snowflake(3)] = status(snowflake(3), 3, favourites_count=7)
    server.posts[snowflake(25)] = status(snowflake(25), 25, content="<p>I was wrong</p>")
    del server.posts[snowflake(5)]
    second = await drain(watching(), first.cursor)
    third = await drain(watching(), second.cursor)
    fourth = await drain(watching(), third.cursor)
    assert [(mention.uri, mention.engagement.likes) for mention in second.mentions] == [(posts[snowflake(3)]["uri"], 7)]
    assert [mention.text for mention in third.mentions] == ["I was wrong"]
    assert fourth.mentions == []
    asked = [each.query.getall("id[]") for each in server.site.asked if each.path == "/api/v1/statuses"]
    assert [len(each) for each in asked] == [20, 20, 20]
    assert server.looked_up() == [snowflake(5)]


async def test_what_is_gone_is_told_once(server: Server, watching: Callable[..., Mastodon]) -> None:
    """By the address under which it was brought."""
    server.lists[TAG] = [status(snowflake(0))]
    first = await watching().poll(None)
    server.lists[TAG] = []
    second = await watching().poll(first.cursor)
    assert second.deleted == [("mastodon", first.mentions[0].uri)]
    assert (await watching().poll(second.cursor)).deleted == []


@pytest.mark.parametrize("code", [401, 403, 429, 500])
async def test_what_cannot_be_looked_at_is_not_gone(server: Server, watching: Callable[..., Mastodon], code: int) -> None:
    """A server that is down, or does not let us look, has deleted nothing; what is new is read all the same."""
    server.lists[TAG] = [status(snowflake(0))]
    first = await watching().poll(None)
    server.fails = {f"/api/v1/statuses/{snowflake(0)}": code}
    server.lists[TAG].append(status(snowflake(1), 1))
    second = await watching().poll(first.cursor)
    assert (second.deleted, ids([*second.mentions])) == ([], [snowflake(1)])


@pytest.mark.parametrize("shows", [True, False])
async def test_a_server_that_shows_no_several_at_once(server: Server, watching: Callable[..., Mastodon], shows: bool) -> None:
    """Before Mastodon 4.3, or one that answers something else: nothing is gone, and it is not asked so again."""
    server.lists[TAG] = [status(snowflake(n), n) for n in range(3)]
    server.posts = {each["id"]: each for each in server.lists[TAG]}
    source = watching()
    first = await source.poll(None)
    server.together = shows
    answer = server.answer

    async def other(request: web.Request) -> web.Response:
        return web.json_response({}) if shows and request.path == "/api/v1/statuses" else await answer(request)

    server.site.answer = other
    for _ in range(3):
        assert (await source.poll(first.cursor)).deleted == []
    assert sum(each.path == "/api/v1/statuses" for each in server.site.asked) == 1


async def test_the_newest_are_looked_at_again(server: Server, watching: Callable[..., Mastodon]) -> None:
    """As many as the settings say; none where they say so."""
    server.lists[TAG] = [status(snowflake(n), n) for n in range(10)]
    first = await watching(look_again=4).poll(None)
    await watching(look_again=4).poll(first.cursor)
    (asked,) = [each.query.getall("id[]") for each in server.site.asked if each.path == "/api/v1/statuses"]
    assert asked == [snowflake(n) for n in range(6, 10)]
    none = await watching(look_again=0).poll(None)
    await watching(look_again=0).poll(none.cursor)
    assert sum(each.path == "/api/v1/statuses" for each in server.site.asked) == 1
