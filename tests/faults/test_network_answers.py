"""A source answers, and what it says is wrong, endless, or always the same."""

from __future__ import annotations

import gzip
import json
import tracemalloc
import zlib
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from monitor.domain.clock import ManualClock
from monitor.testing import Site, serving
from tests.faults.listening import MINUTE, Monitor, listening, publish

MB = 2**20
HOUR = timedelta(hours=1)
STATUS: dict[str, Any] = {
    "uri": "https://x.example/1",
    "created_at": "2026-03-02T07:59:00Z",
    "content": "<p>Acme news</p>",
    "account": {"acct": "ann"},
}


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    """The server that misbehaves."""
    async with serving() as made:
        yield made


def sources(site: Site) -> dict[str, Any]:
    """The same server as a feed and as a server with the Mastodon API."""
    return {"news": f"{site.url}/feed", "social": {"kind": "mastodon", "url": site.url, "hashtags": ["acme"]}}


async def stays_put(monitor: Monitor, name: str, trouble: str) -> None:
    """A poll fails under the right name: nothing is stored, the cursor is what it was, and the source is asked again."""
    before = (await monitor.state(name)).cursor
    assert (await monitor.poll(name)).stored == 0
    state = await monitor.state(name)
    assert (state.trouble, state.cursor, state.stopped) == (trouble, before, False)


@pytest.mark.fault("network", "a feed's address answers with JSON, a list, a web page or nothing")
@pytest.mark.parametrize(
    "body", ['{"error": "down"}', "[]", '"text"', "<!doctype html><p>Log in</p>", "", '{"items": NaN}', "null"]
)
async def test_no_feed(tmp_path: Path, clock: ManualClock, site: Site, body: str) -> None:
    """What is no feed is named malformed, and never taken for a feed without news."""
    site.says(200, body)
    async with listening(tmp_path, clock, sources(site)) as monitor:
        await stays_put(monitor, "news", "malformed")


@pytest.mark.fault("network", "an API answers with another type than it documents")
@pytest.mark.parametrize(
    "body",
    ["{}", '{"error": "down"}', "null", "[1]", '[{"id": 5}]', '[{"id": NaN}]', '[{"id": "1"', "<p>Log in</p>", "", "[" * 9000],
)
async def test_no_list_of_posts(tmp_path: Path, clock: ManualClock, site: Site, body: str) -> None:
    """An object for a list, a number for a text, NaN, half a document: malformed, and the cursor stays."""
    site.says_json([STATUS | {"id": "1"}])
    async with listening(tmp_path, clock, sources(site)) as monitor:
        assert (await monitor.poll("social")).stored == 1
        site.says(200, body)
        await stays_put(monitor, "social", "malformed")


@pytest.mark.fault("network", "numbers come as text and texts as numbers within one post")
async def test_wrong_types_within_a_post(tmp_path: Path, clock: ManualClock, site: Site) -> None:
    """What can be understood is stored, what cannot is reported by its place, and the posts beside it are not lost."""
    odd = [
        STATUS
        | {"id": "1", "uri": "https://x.example/1", "favourites_count": "12", "account": {"acct": "a", "followers_count": "9"}},
        STATUS | {"id": "2", "uri": "https://x.example/2", "content": 5},
        STATUS | {"id": "3", "uri": "https://x.example/3", "created_at": 1e300},
        STATUS | {"id": "4", "uri": "https://x.example/4", "account": None},
        STATUS | {"id": "5", "uri": "https://x.example/5", "tags": [{"name": 7}], "language": 3, "favourites_count": -1e400},
    ]
    site.says(200, json.dumps(odd[:4]))
    async with listening(tmp_path, clock, sources(site)) as monitor:
        polled = await monitor.poll("social")
        assert (polled.stored, polled.rejected) == (1, 3)
        site.says(200, json.dumps([odd[4] | {"favourites_count": "many"}]))
        polled = await monitor.poll("social")
        assert (polled.stored, polled.rejected) == (1, 0)


@pytest.mark.fault("network", "the same page for ever")
async def test_the_same_page_for_ever(tmp_path: Path, clock: ManualClock, site: Site) -> None:
    """A server that ignores where we stand ends the paging by saying nothing new; each post is stored once."""
    site.says_json([STATUS | {"id": str(number), "uri": f"https://x.example/{number}"} for number in range(140, 100, -1)])
    async with listening(tmp_path, clock, sources(site)) as monitor:
        polls = [await monitor.poll("social")]
        while polls[-1].more:
            polls.append(await monitor.poll("social"))
            assert len(polls) < 5
        assert sum(poll.stored for poll in polls) == len(await monitor.texts()) == 40


@pytest.mark.fault("network", "a gzip bomb")
@pytest.mark.parametrize("pack", [gzip.compress, zlib.compress])
async def test_a_bomb(tmp_path: Path, clock: ManualClock, site: Site, pack: Any) -> None:
    """The cap is on what comes out of the decompression: at most 64 MB extra, and the source is named too large."""
    encoding = "gzip" if pack is gzip.compress else "deflate"
    site.says(200, pack(bytes(128 * MB), 9), Content_Encoding=encoding)
    async with listening(tmp_path, clock, sources(site)) as monitor:
        tracemalloc.start()
        try:
            await stays_put(monitor, "news", "too_large")
            assert tracemalloc.get_traced_memory()[1] < 64 * MB
        finally:
            tracemalloc.stop()


@pytest.mark.fault("network", "an endless body")
async def test_a_body_without_end(tmp_path: Path, clock: ManualClock, site: Site) -> None:
    """Reading ends at `http.max_bytes`."""
    sent = 0

    async def pour(request: web.Request) -> web.StreamResponse:
        nonlocal sent
        response = web.StreamResponse()
        await response.prepare(request)
        for _ in range(2000):
            await response.write(bytes(MB // 4))
            sent += 1
        return response

    site.answer = pour
    async with listening(tmp_path, clock, sources(site)) as monitor:
        await stays_put(monitor, "news", "too_large")
    assert sent < 2000


@pytest.mark.fault("network", "redirects that never end")
async def test_redirects_in_circles(tmp_path: Path, clock: ManualClock, site: Site) -> None:
    """Five hops, then the source is in trouble; the address is not forgotten for another."""
    site.says(301, "", Location="/again")
    async with listening(tmp_path, clock, sources(site)) as monitor:
        await stays_put(monitor, "news", "refused")
        assert len(site.asked) == 6


async def requests_in(monitor: Monitor, site: Site, passing: timedelta) -> int:
    """How often the server is asked while time passes and the source is polled as often as it may be."""
    site.asked.clear()
    await monitor.live(passing, step=MINUTE / 2)
    return len(site.asked)


@pytest.mark.fault("network", "a storm of 401 or 403: the token was revoked")
@pytest.mark.parametrize("status", [401, 403])
async def test_credentials_refused(tmp_path: Path, clock: ManualClock, site: Site, status: int) -> None:
    """It is asked once and no more, and rings at once: a wrong token asked again and again locks accounts."""
    site.says(status)
    async with listening(tmp_path, clock, {"news": f"{site.url}/feed"}) as monitor:
        assert await requests_in(monitor, site, HOUR) == 1
        state = await monitor.state()
        assert (state.trouble, state.stopped) == ("credentials", True)
        (alert,) = await monitor.alerts()
        assert (alert.rule, str(alert.severity)) == ("source-health", "critical")


@pytest.mark.fault("network", "a storm of 429 without a word about when to come back")
async def test_limited_without_a_word(tmp_path: Path, clock: ManualClock, site: Site) -> None:
    """The rests double up to 15 minutes, and health rings: at most 12 requests in an hour."""
    site.says(429)
    async with listening(tmp_path, clock, {"news": f"{site.url}/feed"}) as monitor:
        assert await requests_in(monitor, site, HOUR) <= 12
        assert (await monitor.state()).trouble == "throttled"
        assert [alert.rule for alert in await monitor.alerts()] == ["source-health"]


@pytest.mark.fault("network", "a storm of 429 that says when to come back")
async def test_limited_for_a_while(tmp_path: Path, clock: ManualClock, site: Site) -> None:
    """Nobody is asked before the moment that was named; then what was said meanwhile is read."""
    site.says(429, Retry_After="600")
    async with listening(tmp_path, clock, {"news": f"{site.url}/feed"}) as monitor:
        assert await requests_in(monitor, site, timedelta(minutes=9, seconds=45)) == 1
        publish(site, "Acme news")
        await monitor.live(timedelta(minutes=1))
        assert await monitor.texts() == ["Acme news"]


@pytest.mark.fault("network", "a storm of 429 that says come back at once")
@pytest.mark.parametrize("said", ["0", "-5", "Thu, 01 Jan 1970 00:00:00 GMT"])
async def test_limited_and_invited(tmp_path: Path, clock: ManualClock, site: Site, said: str) -> None:
    """A moment that has passed is no invitation to a loop: at most 3 requests a poll, and the rests double all the same."""
    site.says(429, Retry_After=said)
    async with listening(tmp_path, clock, {"news": f"{site.url}/feed"}) as monitor:
        assert await requests_in(monitor, site, HOUR) <= 3 * 12


@pytest.mark.fault("network", "an absurd Retry-After: years, garbage, not a number")
@pytest.mark.parametrize("said", ["99999999999", "inf", "Fri, 01 Jan 2200 00:00:00 GMT", "nan", "٣"])
@pytest.mark.parametrize("status", [429, 503])
async def test_an_absurd_wait(tmp_path: Path, clock: ManualClock, site: Site, said: str, status: int) -> None:
    """Nobody silences a source for longer than six hours, nor unnoticed: health rings meanwhile, and then it is asked again."""
    site.says(status, Retry_After=said)
    async with listening(tmp_path, clock, {"news": f"{site.url}/feed"}) as monitor:
        await monitor.live(timedelta(minutes=15), step=MINUTE)
        assert [alert.rule for alert in await monitor.alerts()] == ["source-health"]
        assert len(site.asked) <= 3 * 12
        publish(site, "Acme news")
        await monitor.live(timedelta(hours=6), step=timedelta(minutes=15))
        assert await monitor.texts() == ["Acme news"]


@pytest.mark.fault("network", "a storm of 5xx")
async def test_a_server_in_trouble(tmp_path: Path, clock: ManualClock, site: Site) -> None:
    """At most 3 requests a poll, rests that double to 15 minutes, a bell; and all is read once the server is well."""
    site.says(503)
    async with listening(tmp_path, clock, {"news": f"{site.url}/feed"}) as monitor:
        assert await requests_in(monitor, site, HOUR) <= 3 * 12
        state = await monitor.state()
        assert (state.trouble, state.stopped, state.cursor) == ("unavailable", False, None)
        assert [alert.rule for alert in await monitor.alerts()] == ["source-health"]
        publish(site, "Acme news")
        await monitor.live(timedelta(minutes=20), step=MINUTE)
        assert await monitor.texts() == ["Acme news"]
        assert [alert.rule for alert in await monitor.alerts() if alert.resolved_at is None] == []


@pytest.mark.fault("network", "a host that many sources share is down")
async def test_a_host_of_many_sources(tmp_path: Path, clock: ManualClock, site: Site) -> None:
    """The circuit opens after 5 failures: ten sources cost the host a request each half minute at most, and all ring."""
    site.says(500)
    feeds = {f"feed-{number}": f"{site.url}/{number}" for number in range(10)}
    async with listening(tmp_path, clock, feeds) as monitor:
        asked = await requests_in(monitor, site, timedelta(minutes=20))
        assert asked <= 5 + 40
        states = [await monitor.state(name) for name in feeds]
        assert {state.trouble for state in states} == {"unavailable"}
        spared = [state.detail for state in states if "times in a row" in (state.detail or "")]
        assert all("answered 500" in (detail or "") for detail in spared)
        assert len(spared) >= 5
        assert len(await monitor.alerts()) == 10
        publish(site, "Acme news")
        await monitor.live(timedelta(minutes=20), step=MINUTE)
        assert {(await monitor.state(name)).trouble for name in feeds} == {None}
