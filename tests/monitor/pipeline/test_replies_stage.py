"""Our answers, from a server or a helpdesk to the end of an alert, in whichever order they and what they answer arrive."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import web

from monitor.domain.alert import AlertState
from monitor.domain.clock import ManualClock
from monitor.sources.http import HttpClient
from monitor.sources.mapping import Mapper, MappingSettings
from monitor.sources.mastodon import Mastodon, MastodonSettings
from monitor.testing import Site, loopback, serving
from tests.monitor.pipeline.conftest import COMPLAINT

if TYPE_CHECKING:
    from tests.monitor.pipeline.conftest import Build, House

HOUR = timedelta(hours=1)
RULES: list[dict[str, Any]] = [
    COMPLAINT | {"where": {**COMPLAINT["where"], "author.own": False}, "resolve": {"answered": True, "after": "24h"}},
    {"id": "unanswered", "kind": "absence", "where": {"text": {"any_of": ["when"]}}, "within": "4h"},
]
TAG, OURS = "/api/v1/timelines/tag/acme", "/api/v1/accounts/9/statuses"


class Network:
    """A server with the Mastodon API: `complains` and `answers` publish at this moment; `hidden` numbers are in no list yet."""

    def __init__(self, site: Site, clock: ManualClock, http: HttpClient) -> None:
        self.clock = clock
        self.hidden: set[str] = set()
        self._posts: list[dict[str, Any]] = []
        site.answer = self._answer
        settings = MastodonSettings(kind="mastodon", url=site.url, hashtags=("acme",), own_accounts=("@acme",))
        self.source = Mastodon(settings, http)
        self._cursor: str | None = None

    def says(self, text: str, *, by: str = "lea", answers: str | None = None) -> str:
        """Somebody says something; its number."""
        now = self.clock.now()
        number = str((int(now.timestamp() * 1000) << 16) + len(self._posts))
        account = {"acct": by, "id": "9" if by == "acme" else "1"}
        uri, said = f"https://social.example/{len(self._posts)}", f"<p>{text}</p>"
        post = {"id": number, "uri": uri, "created_at": now.isoformat(), "content": said, "account": account}
        self._posts.append(post | {"in_reply_to_id": answers})
        return number

    async def reach(self, home: House) -> None:
        """The source is asked, and what it brings is judged."""
        batch = await self.source.poll(self._cursor)
        self._cursor = batch.cursor
        await home.brings(*batch.mentions)
        await home.judge()
        await home.act()

    async def _answer(self, request: web.Request) -> web.Response:
        if request.path == "/api/v1/accounts/lookup":
            return web.json_response({"id": "9"})
        if request.path in {TAG, OURS}:
            ours = request.path == OURS
            listed = [each for each in self._posts if each["id"] not in self.hidden and (each["account"]["id"] == "9") is ours]
            since = int(request.query.get("min_id", "0"))
            return web.json_response([each for each in reversed(listed) if int(each["id"]) > since])
        return web.json_response(next(each for each in self._posts if request.path.endswith(each["id"])))


@pytest.fixture
async def network(clock: ManualClock) -> AsyncIterator[Network]:
    """The server, and a source that watches #acme and what our account says."""
    async with serving() as site, HttpClient(loopback(), clock, pause=0) as http:
        yield Network(site, clock, http)


async def test_our_answer_on_the_network_ends_a_complaint(house: Build, network: Network) -> None:
    """It rings, our account answers there, and that is the end of it; what we say rings nothing."""
    home = house(rules=RULES)
    complaint = network.says("my #Acme is broken")
    await network.reach(home)
    assert (await home.alert()).state is AlertState.OPEN
    home.clock.advance(HOUR)
    network.says("Sorry that it is broken, a new one is on its way", by="acme", answers=complaint)
    await network.reach(home)
    assert (await home.alert()).resolved_reason == "answered by us"
    assert home.kinds("desk") == ["first"]


@pytest.mark.parametrize(("hours", "rings"), [(3, []), (6, ["unanswered"])])
async def test_a_question_rings_unless_our_answer_comes_in_time(
    hut: Build, network: Network, hours: int, rings: list[str]
) -> None:
    """Four hours are given. The network is one on which our answers are seen: we have answered somebody before."""
    home = hut(rules=RULES)
    network.says("Good morning", by="acme", answers=network.says("Hello"))
    question = network.says("#Acme, when do you open?")
    await network.reach(home)
    await home.wait(hours * HOUR)
    network.says("At nine", by="acme", answers=question)
    await network.reach(home)
    await home.wait(6 * HOUR)
    assert [(alert.rule, alert.resolved_reason) for alert in await home.alerts()] == [(rule, "answered") for rule in rings]


@pytest.mark.parametrize("text", ["my #Acme is broken", "#Acme, when do you open?"])
async def test_an_answer_that_is_seen_first_counts_too(house: Build, network: Network, text: str) -> None:
    """The post that it answers reaches the hashtag late: nothing waits for an answer that was given, and nothing stays open."""
    home = house(rules=RULES)
    said = network.says(text)
    network.hidden.add(said)
    network.says("We are on it", by="acme", answers=said)
    await network.reach(home)
    network.hidden.clear()
    await network.reach(home)
    await home.wait(6 * HOUR)
    assert [each for each in await home.alerts() if each.state is AlertState.OPEN] == []


async def test_what_was_answered_already_is_told_once_and_over(hut: Build) -> None:
    """As when both come together in the right order: missing data never keeps anything from ringing."""
    home = hut(rules=RULES)
    said = home.mention("my Acme is broken", by="lea")
    await home.hears("We are on it", by="help@acme.social", parent=said.uri)
    await home.brings(said)
    await home.judge()
    await home.act()
    assert (await home.alert()).resolved_reason == "answered by us"
    assert home.kinds("desk") == ["first"]


async def test_a_helpdesk_s_answer_ends_the_alert(hut: Build) -> None:
    """It brings tickets and answers by call, and knows both by numbers."""
    home = hut(rules=RULES)
    mapper = Mapper(MappingSettings(mapping={"parent": "ticket", "author.own": "agent"}, network="helpdesk"))
    at = home.clock.now().isoformat()
    await home.brings(mapper.mention({"id": 4711, "text": "my Acme is broken", "date": at, "author": "lea"}))
    await home.judge()
    answer = {"id": 99, "ticket": 4711, "text": "A new one is on its way", "date": at, "author": "tom", "agent": True}
    await home.brings(mapper.mention(answer))
    await home.judge()
    assert (await home.alert()).resolved_reason == "answered by us"
