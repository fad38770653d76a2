"""X: what is searched for, what a post says, what it costs, where X goes back to, and what it answers otherwise."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from monitor.domain.clock import ManualClock
from monitor.domain.errors import SourceError, Trouble
from monitor.domain.mention import Form, Mention
from monitor.sources import KINDS, HttpClient
from monitor.sources.base import understand
from monitor.sources.http import Answer
from monitor.sources.kinds import Kit
from monitor.sources.x import X
from monitor.sources.x_answers import listed
from monitor.sources.x_posts import BEGINNING, Posts, address, before, said_at
from monitor.sources.x_settings import XSettings
from monitor.testing import AtOnce, Site, drain, trouble_of
from monitor.testing.contract import OWN, Post, numbers
from tests.contracts.fake_x import FakeX, problem, tweet_id

MONTHLY = {"amount": 100, "per": "month"}
ITEM: dict[str, Any] = {"id": "1364398068313903104", "text": "hello", "author_id": "7", "created_at": "2021-02-24T02:13:43.000Z"}
POSTS = Posts((OWN,), account="99", retweets=False)


def settings(**changed: Any) -> XSettings:
    """Settings that are right, but for what is changed."""
    return XSettings.model_validate({"kind": "x", "token": "t", "names": ["Acme"], "budget": [MONTHLY], **changed})


@pytest.fixture
def network(site: Site, clock: ManualClock) -> FakeX:
    """X, as documented."""
    made = FakeX(clock, "t")
    site.answer = made.answer
    return made


@pytest.fixture
def x(site: Site, http: HttpClient, clock: ManualClock, network: FakeX) -> Callable[..., X]:
    """Makes a source that listens to it."""
    assert site.answer == network.answer

    def make(**changed: Any) -> X:
        source = KINDS["x"].build(settings(url=site.url, **changed), Kit("x", http, clock, None, AtOnce()))  # type: ignore[arg-type]
        assert isinstance(source, X)
        return source

    return make


def left(source: X) -> list[float]:
    """What is left of its budgets."""
    return [round(amount, 6) for _, amount in source.purse.left()]


# What is searched for


@pytest.mark.parametrize(
    ("watched", "sent"),
    [
        ({"names": ["Acme  Paris"], "handles": ["@acme"], "hashtags": ["#Été"]}, '("Acme Paris" OR @acme OR #Été) -is:retweet'),
        ({"names": [], "query": "acme OR kettle lang:fr"}, "(acme OR kettle lang:fr) -is:retweet"),
        ({"names": [], "query": "acme -is:retweet"}, "acme -is:retweet"),
        ({"retweets": True}, '"Acme"'),
        ({"names": [], "account": "@acme"}, ""),
    ],
)
def test_a_search_is_made_of_what_is_watched(watched: Mapping[str, Any], sent: str) -> None:
    """Or it is one's own; what is only passed on is left out by X already, which costs nothing."""
    assert settings(**watched).search() == sent


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"names": ["kettle" * 10] * 9}, "the search has .* letters, and X takes 512: divide it among two sources"),
        ({"query": "acme"}, "`query` is the whole search"),
        ({"names": []}, "nothing to watch"),
        ({"names": ['"Acme"']}, "without quotation marks"),
        ({"handles": ["@été"]}, "no handle on X"),
        ({"account": "acme@mastodon.social"}, "no handle on X"),
        ({"hashtags": ["two words"]}, "no hashtag"),
        ({"budget": []}, "at least 1 item"),
        ({"budget": [{"amount": 0.1}]}, "a budget of 0.1 dollars is never enough to ask: .* up to 0.15 dollars"),
        ({"budget": [{"amount": 9, "of": "posts"}]}, "up to 10 posts"),
        ({"budget": [MONTHLY, MONTHLY]}, "count the same for the same period"),
    ],
)
def test_wrong_settings_say_what_to_write(changed: Mapping[str, Any], told: str) -> None:
    """At load, before anything is paid for."""
    with pytest.raises(ValidationError, match=told):
        settings(**changed)


def test_its_network_is_x() -> None:
    """Rules may name it."""
    assert settings().networks() == frozenset({"x"})


def test_a_budget_must_be_given() -> None:
    """Nobody finds out by a bill that X is paid for."""
    given = settings().model_dump(exclude={"budget"})
    with pytest.raises(ValidationError, match="budget"):
        XSettings.model_validate(given)


# What a post says


def test_a_post_says_all_that_it_says() -> None:
    """A long one is whole, entities are signs again, and short links say where they lead."""
    long = {
        "text": "A &lt;b&gt; &amp;amp; https://t.co/a",
        "entities": {"urls": [{"url": "https://t.co/a", "expanded_url": "https://acme.example/"}, {"url": "A"}]},
    }
    _, mention = POSTS.read({**ITEM, "text": "A &lt;b …", "note_tweet": long}, {})
    assert mention is not None
    assert mention.text == "A <b> &amp; https://acme.example/"
    assert mention.written_at == datetime(2021, 2, 24, 2, 13, 43, tzinfo=UTC)


@pytest.mark.parametrize(("code", "language"), [("fr", "fr"), ("qme", None), ("zxx", None), ("iw", "he"), (None, None)])
def test_languages_are_languages(code: str | None, language: str | None) -> None:
    """X has codes for posts that are only links or tags, and old ones for three languages."""
    _, mention = POSTS.read({**ITEM, "lang": code}, {})
    assert mention is not None
    assert mention.language == language


@pytest.mark.parametrize(
    ("user", "verified"),
    [
        ({"verified": True, "verified_type": "blue"}, False),
        ({"verified": True, "verified_type": "government"}, True),
        ({"verified": False, "verified_type": "none"}, False),
        ({"verified": True}, True),
        ({}, None),
    ],
)
def test_a_check_that_is_bought_verifies_nobody(user: Mapping[str, Any], verified: bool | None) -> None:
    """Organisations are vetted."""
    _, mention = POSTS.read(ITEM, {"7": {"id": "7", "username": "ann", **user}})
    assert mention is not None
    assert mention.author is not None
    assert mention.author.verified is verified


def test_an_author_who_is_not_shown_is_known_by_the_id() -> None:
    """Protected or suspended since; our own account is ours without its handle."""
    mentions = [POSTS.read({**ITEM, "author_id": each}, {})[1] for each in ("7", "99")]
    authors = [mention.author for mention in mentions if mention is not None]
    assert [(each.id, each.handle, each.own) for each in authors if each is not None] == [("7", "", False), ("99", "", True)]


def test_what_a_post_answers_is_its_parent() -> None:
    """In the thread first, else what it quotes; the thread is what began it."""
    both = [{"type": "quoted", "id": "2"}, {"type": "replied_to", "id": 3}]
    _, answer = POSTS.read({**ITEM, "referenced_tweets": both, "conversation_id": "1"}, {})
    _, quote = POSTS.read({**ITEM, "referenced_tweets": both[:1], "conversation_id": ITEM["id"]}, {})
    assert answer is not None
    assert quote is not None
    assert (answer.parent, answer.thread, answer.form) == (address("3"), address("1"), Form.REPLY)
    assert (quote.parent, quote.thread, quote.form) == (address("2"), None, Form.POST)


def test_what_is_passed_on_or_has_another_version_is_no_mention() -> None:
    """It has its place in the list all the same; retweets count where they are asked for."""
    passed_on = {**ITEM, "referenced_tweets": [{"type": "retweeted", "id": "2"}]}
    earlier = {**ITEM, "edit_history_tweet_ids": [ITEM["id"], "1364398068313903105"]}
    assert [POSTS.read(each, {})[1] for each in (passed_on, earlier)] == [None, None]
    seen, mention = Posts((), None, retweets=True).read(passed_on, {})
    assert seen.id == ITEM["id"]
    assert mention is not None
    assert mention.parent == address("2")


@given(moment=st.datetimes(datetime(2011, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001 - `timezones` says it
def test_ids_tell_their_time(moment: datetime) -> None:
    """What comes after the id before a moment was written at that moment or later."""
    last = before(moment)
    assert last is not None
    assert said_at(last) < moment <= said_at(str(int(last) + 1)) + timedelta(milliseconds=1)
    assert said_at(str(tweet_id(moment, 2**22 - 1))) <= moment


@pytest.mark.parametrize("number", ["", "-1", "1e9", "９９", "a" * 99])
def test_what_is_no_id_is_told(number: str) -> None:
    """An entry that is not as documented hides no other."""
    with pytest.raises(ValueError, match="no id of a post"):
        said_at(number)


def test_before_the_first_id_there_is_nothing() -> None:
    """Ids count from a night of November 2010, and end where time does."""
    assert before(BEGINNING) is None
    assert said_at("9" * 99).year > 2300


# What it costs


async def test_it_costs_what_x_takes(x: Callable[..., X], network: FakeX) -> None:
    """Posts and authors, each once a day however often they are read, and in how many lists."""
    source = x(names=["Acme"], account="acme", budget=[MONTHLY, {"amount": 500, "per": "month", "of": "posts"}])
    network.publish(Post(0, author="ann"))
    first = await drain(source)
    assert numbers(first.mentions) == [0]
    assert len(first.mentions) == 1
    for number in range(1, 30):
        network.publish(Post(number, number / 100, author=f"author{number % 7}"))
    await drain(source, (await drain(source, first.cursor)).cursor)
    posts = sum(what.startswith("post") for _, what in network.paid)
    users = sum(what.startswith("user") for _, what in network.paid)
    assert (posts, users) == (30, 9)
    assert left(source) == [round(100 - posts * 0.005 - users * 0.01, 6), 500 - posts]


async def test_a_restart_pays_for_nothing_again(x: Callable[..., X], network: FakeX) -> None:
    """What was paid for today is known by the cursor; rubbish in it is nothing."""
    network.publish(Post(0))
    before = x()
    cursor = (await before.poll(None)).cursor
    assert cursor is not None
    after = x()
    after.purse.restore(before.purse.spent)
    await after.poll(cursor)
    assert left(after) == left(before) == [99.985]
    again = x()
    await again.poll(cursor.replace('"ids":[', '"ids":7,"odd":['))
    assert left(again) == [99.985]


async def test_another_day_is_paid_for_again(x: Callable[..., X], network: FakeX, clock: ManualClock) -> None:
    """What lies within the overlap is read once more after midnight, UTC."""
    source = x()
    network.publish(Post(0))
    cursor = (await drain(source)).cursor
    clock.advance(timedelta(days=1))
    await drain(source, cursor)
    assert len(network.paid) == 4
    assert left(source) == [round(100 - 2 * 0.015, 6)]


async def test_it_asks_for_no_more_than_it_can_pay_and_stops(x: Callable[..., X], network: FakeX, clock: ManualClock) -> None:
    """It stops in the middle of a page's list, keeps what it has paid for, and goes on the next day where it stopped."""
    source = x(budget=[{"amount": 0.6, "per": "day"}], overlap=0)
    network.publish(Post(0))
    cursor = (await drain(source)).cursor
    for number in range(1, 66):
        network.publish(Post(number, number, author=f"author{number}"))
    found: list[Mention] = []
    for day in range(2):
        clock.advance(timedelta(days=1))
        while True:
            batch = await source.poll(cursor)
            found, cursor = [*found, *batch.mentions], batch.cursor
            if left(source) == [0] or not batch.more:
                break
        assert [asked["max_results"] for asked in network.asked] == ["10", "40", "40"][: 2 + day]
    assert sorted(numbers(found)) == list(range(66))


async def test_a_budget_that_is_used_up_is_told(x: Callable[..., X], network: FakeX, clock: ManualClock) -> None:
    """Nobody is asked any more, and it says until when."""
    source = x(budget=[{"amount": 10, "per": "day", "of": "posts"}])
    network.publish(Post(0))
    cursor = (await source.poll(None)).cursor
    asked = len(network.asked)
    error = await trouble_of(source.poll(cursor))
    assert (error.trouble, len(network.asked)) == (Trouble.SPENT, asked)
    assert "its budget of 10 posts a day is used up; it is asked again at 2026-03-03 00:00 UTC" in error.detail
    clock.advance(timedelta(days=1))
    await source.poll(cursor)


async def test_what_is_paid_for_is_kept_when_the_rest_is_too_dear(x: Callable[..., X], network: FakeX) -> None:
    """The search took what was left: its posts are brought, and the next poll says that nothing is left."""
    source = x(account="acme", budget=[{"amount": 14, "per": "day", "of": "posts"}])
    for number in range(10):
        network.publish(Post(number, number))
    batch = await source.poll(None)
    assert len(batch.mentions) == 10
    assert (await trouble_of(source.poll(batch.cursor))).trouble is Trouble.SPENT


async def test_what_fails_costs_nothing(x: Callable[..., X], site: Site) -> None:
    """X takes money only for answers that give something."""
    source = x()
    for status in (400, 401, 403, 429, 503):
        site.says(status)
        await trouble_of(source.poll(None))
    site.says(200, '{"data": [')
    await trouble_of(source.poll(None))
    assert left(source) == [100]


# Where X goes back to


async def test_after_more_than_a_week_a_gap_is_told(x: Callable[..., X], network: FakeX, clock: ManualClock) -> None:
    """The id that was reached is refused; what is younger than seven days is read, page by page."""
    source = x()
    network.publish(Post(0))
    cursor = (await drain(source)).cursor
    clock.advance(timedelta(days=9))
    network.publish(Post(1, 60))
    for number in range(2, 152):
        network.publish(Post(number, 60 * 24 * 4 + number))
    found = await drain(source, cursor)
    assert sorted(numbers(found.mentions)) == list(range(2, 152))
    assert [each.where for each in found.rejected] == ["search"]
    assert "what was written after 2026-03-01 12:00 UTC, and before these, was not read" in found.rejected[0].why
    assert not any("start_time" in asked for asked in network.asked)
    assert (await drain(source, found.cursor)).rejected == []


async def test_another_search_goes_on_where_the_one_before_was(x: Callable[..., X], network: FakeX) -> None:
    """A token is good for the search that it came with: the new one begins anew, from what is known."""
    network.publish(Post(0))
    cursor = (await drain(x())).cursor
    for number in range(1, 202):
        network.publish(Post(number, number))
    batch = await x().poll(cursor)
    assert batch.more
    found = await drain(x(names=["Acme", "Akme"]), batch.cursor)
    assert set(range(1, 202)) <= set(numbers(found.mentions))


async def test_a_token_that_is_refused_loses_nothing(x: Callable[..., X], network: FakeX) -> None:
    """Then it begins at the newest again."""
    network.publish(Post(0))
    cursor = (await drain(x())).cursor
    for number in range(1, 202):
        network.publish(Post(number, number))
    cursor = (await x().poll(cursor)).cursor
    assert cursor is not None
    found = await drain(x(), cursor.replace('"t100.', '"u100.'))
    assert set(range(1, 202)) <= set(numbers(found.mentions))


async def test_an_address_that_is_gone_is_no_old_place(x: Callable[..., X], site: Site, network: FakeX) -> None:
    """410 means what it means everywhere."""
    network.publish(Post(0))
    cursor = (await drain(x())).cursor
    site.says(410)
    assert (await trouble_of(x().poll(cursor))).trouble is Trouble.GONE


# What it answers otherwise


@pytest.mark.parametrize(
    ("answer", "trouble", "told"),
    [
        (problem(429, "usage-capped", "UsageCapExceeded", period="Monthly"), Trouble.SPENT, "console.x.com"),
        (problem(402, "credits", "CreditsDepleted"), Trouble.SPENT, "buy credits"),
        (problem(403, "credits", "SpendCapReached", reset_date="2026-04-01"), Trouble.SPENT, "raise the limit"),
        (problem(403, "client-forbidden", "Client Forbidden", reason="client-not-enrolled"), Trouble.CREDENTIALS, "to a project"),
        (problem(403, "about:blank", "This application is suspended"), Trouble.CREDENTIALS, "has suspended the app"),
        (problem(403, "about:blank", "Forbidden"), Trouble.CREDENTIALS, "renew the token"),
        (problem(503, "about:blank", "Service Unavailable"), Trouble.UNAVAILABLE, "503"),
        (problem(400, "invalid-request", "Invalid Request", errors=[{"parameters": {"query": ["("]}}]), Trouble.REFUSED, "check"),
    ],
)
async def test_errors_say_what_to_do(x: Callable[..., X], site: Site, answer: Any, trouble: Trouble, told: str) -> None:
    """Whether to buy, to repair, or to wait."""
    site.says(answer.status, answer.text)
    error = await trouble_of(x().poll(None))
    assert (error.trouble, told in error.detail) == (trouble, True), error.detail


async def test_a_limit_is_waited_for(x: Callable[..., X], site: Site, clock: ManualClock) -> None:
    """429 with the old body, until the moment that X names."""
    reset = str(int(clock.wall().timestamp()) + 300)
    site.says(
        429, '{"errors": [{"code": 88, "message": "Rate limit exceeded"}]}', x_rate_limit_reset=reset, x_rate_limit_remaining="0"
    )
    error = await trouble_of(x().poll(None))
    assert (error.trouble, error.retry_after) == (Trouble.THROTTLED, 300)


async def test_deleted_and_suspended_are_no_failure(x: Callable[..., X], site: Site) -> None:
    """A 200 that lists what it could not show brings all the rest."""
    errors = [{"resource_type": "user", "title": "Forbidden", "detail": "User has been suspended: [7]."}]
    site.says_json({"data": [ITEM], "errors": errors, "meta": {"result_count": 1}})
    batch = await x().poll(None)
    assert ([mention.text for mention in batch.mentions], batch.rejected) == (["hello"], [])


async def test_our_account_is_looked_up_once(x: Callable[..., X], network: FakeX) -> None:
    """Its id outlives a restart."""
    cursor = (await drain(x(account=OWN))).cursor
    await drain(x(account=OWN), cursor)
    assert sum(not asked for asked in network.asked) == 1


async def test_an_account_that_is_not_shown_stops_no_search(x: Callable[..., X], network: FakeX) -> None:
    """It is told; where there is nothing else to read the settings are wrong."""
    network.suspended.add("acme")
    network.publish(Post(0))
    batch = await x(account="acme").poll(None)
    assert (numbers(batch.mentions), [each.where for each in batch.rejected]) == ([0], ["account"])
    assert "User has been suspended: [acme]." in batch.rejected[0].why
    error = await trouble_of(x(names=[], account="acme").poll(None))
    assert (error.trouble, "check `account`" in error.detail) == (Trouble.REFUSED, True)


async def test_a_list_that_is_not_shown_any_more_is_told(x: Callable[..., X], network: FakeX, site: Site) -> None:
    """Our account was protected: its lists have only errors, and nothing is forgotten."""
    network.publish(Post(0))
    cursor = (await drain(x(names=[], account=OWN))).cursor
    site.says_json({"errors": [{"detail": "Sorry, you are not authorized to see the user with id: [7]."}]})
    batch = await x(names=[], account=OWN).poll(cursor)
    assert [each.where for each in batch.rejected] == ["mentions", "own"]
    assert not batch.more
    assert json.loads(batch.cursor or "") == json.loads(cursor or "")


NAMES = st.sampled_from(["id", "type", "text", "url"])
JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=4,
)
ODD = ["text", "edit_history_tweet_ids", "referenced_tweets", "note_tweet", "entities", "public_metrics", "lang", "author_id"]


@given(
    meta=JUNK,
    errors=JUNK,
    users=JUNK | st.just([{"id": "7"}]),
    post=st.fixed_dictionaries({"id": JUNK | st.just("9" * 30)}, optional=dict.fromkeys(ODD, JUNK)),
)
def test_whatever_it_says_is_a_page_or_an_error(meta: Any, errors: Any, users: Any, post: Any) -> None:
    """A field that is not as documented costs at most the post in which it stands."""
    document = {"meta": meta, "errors": errors, "data": [post], "includes": {"users": users}}
    try:
        page = listed(Answer(200, {}, b"", "https://api.x.com/2", document=document))
    except SourceError:
        return
    met, rejected = understand(page.posts, lambda each: POSTS.read(each, page.users))
    assert len(met) + len(rejected) == 1


def recorded(folder: Path) -> list[Mapping[str, Any]]:
    """The answers that others have recorded."""
    tapes = [yaml.safe_load(path.read_text()) for path in sorted(folder.glob("*.yaml"))]
    bodies = [gzip.decompress(each["response"]["body"]["string"]) for tape in tapes for each in tape["interactions"]]
    return [json.loads(body) for body in [*(path.read_bytes() for path in sorted(folder.glob("*.json"))), *bodies]]


def test_recorded_answers_are_read_without_loss(shared: Path) -> None:
    """Every post becomes a mention with its words, its time and its address, also where nobody asked for more."""
    found = []
    for answer in recorded(shared / "data/payloads/x"):
        users = {user["id"]: user for user in answer.get("includes", {}).get("users", ())}
        found += [Posts((), None, retweets=True).read(post, users)[1] for post in answer["data"]]
    mentions = [mention for mention in found if mention is not None]
    assert len(mentions) == len(found) > 20
    assert all(mention.text and mention.uri and mention.written_at.year in {2020, 2021, 2022} for mention in mentions)
    assert {mention.author.handle for mention in mentions if mention.author} == {"happycamper", "snowman", "jellybeanjones"}
