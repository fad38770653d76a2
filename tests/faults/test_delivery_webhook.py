"""A webhook that fails in every way it can: the message is kept or ends with its reason, others are served, ops hear of it."""

from __future__ import annotations

import asyncio
import tracemalloc
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from aiohttp import web
from pydantic import SecretStr

from monitor.sources.http import GuardedClient, HttpClient, HttpSettings
from monitor.testing import raw_server, serving
from notifiers import WebhookSettings
from notifiers.webhook import Webhook
from tests.monitor.pipeline.conftest import COMPLAINT, CRISIS, configure, hut, lite

if TYPE_CHECKING:
    from tests.monitor.pipeline.conftest import Build, House

__all__ = ["configure", "hut", "lite"]  # fixtures
SECOND = timedelta(seconds=1)
PATIENCE = timedelta(milliseconds=400)  # real time, of one call
MB = 2**20


@asynccontextmanager
async def calling(build: Build, url: str, patience: timedelta = PATIENCE) -> AsyncIterator[House]:
    """A house that owes the room an emergency by webhook, and the desk a complaint by something that works."""
    home = build(rules=[COMPLAINT, CRISIS])
    settings = WebhookSettings(kind="webhook", url=SecretStr(url), timeout=patience)
    async with HttpClient(HttpSettings(allow=("127.0.0.1",)), home.clock) as http:
        home.doors["room"] = Webhook(settings, GuardedClient(http))  # type: ignore[assignment]
        home.restart()
        await home.hears("Globex broken", by="bob")
        await home.storm()
        yield home


async def pass_a_minute(home: House) -> None:
    """Let 65 s pass as the daemon sees them."""
    for _ in range(13):
        home.clock.advance(5 * SECOND)
        await home.act()
        await home.stages.evaluate.tick()
    await home.act()


async def room(home: House) -> tuple[str, str | None, int]:
    """How the message to the room stands."""
    (record,) = [each for each in await home.deliveries() if each.receiver == "room"]
    assert record.detail
    return record.state, record.reason, record.attempts


def heard(home: House, receiver: str) -> set[str]:
    """The rules that a receiver was told of."""
    return {facts.rule for message in home.told(receiver) for facts in message.alerts}


async def stays_owed(home: House, reason: str) -> None:
    """What is promised of every failure that may pass.

    It is tried five times in a minute, its reason is told, others are served at once, somebody else is told of the emergency,
    and ops of the receiver.
    """
    await home.act()
    assert home.kinds("desk") == ["first"]
    await pass_a_minute(home)
    assert await room(home) == ("pending", reason, 5)
    assert heard(home, "tech") == {"receiver-health"}
    assert "crisis" in heard(home, "desk")


def hanging(ended: asyncio.Event) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """Takes the call, and says nothing."""

    async def answer(request: web.Request) -> web.StreamResponse:
        del request
        await ended.wait()
        raise ConnectionResetError

    return answer


@pytest.mark.fault("network", "a webhook that refuses connections")
async def test_a_refused_connection(hut: Build) -> None:
    """The message stays owed and is tried by the schedule; others are served, the next channel and ops are told."""
    async with serving() as site:
        url = site.url
    async with calling(hut, url) as home:
        await stays_owed(home, "unavailable")


@pytest.mark.fault("network", "a webhook that takes the call and never answers")
async def test_a_webhook_that_hangs(hut: Build) -> None:
    """Each call ends within its time limit; the message stays owed, others are served, the next channel and ops are told."""
    ended = asyncio.Event()
    async with serving() as site:
        site.answer = hanging(ended)
        async with calling(hut, site.url) as home:
            await stays_owed(home, "timeout")
        ended.set()


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        pytest.param(500, "unavailable", marks=pytest.mark.fault("network", "a webhook that answers 500")),
        pytest.param(401, "credentials", marks=pytest.mark.fault("network", "a webhook that refuses our signature")),
        pytest.param(404, "unavailable", marks=pytest.mark.fault("network", "a webhook that was deployed wrong")),
    ],
)
async def test_a_webhook_that_refuses(hut: Build, status: int, reason: str) -> None:
    """The message stays owed and is tried by the schedule; others are served, the next channel and ops are told."""
    async with serving() as site:
        site.says(status)
        async with calling(hut, site.url) as home:
            await stays_owed(home, reason)
        assert len(site.asked) == 5


@pytest.mark.fault("network", "a webhook that redirects, perhaps inward")
async def test_a_redirect_is_a_failure(hut: Build) -> None:
    """The signed body goes nowhere that nobody configured; the record says to write the final address."""
    async with serving() as elsewhere, serving() as site:
        elsewhere.says(204)
        site.says(307, Location=elsewhere.url)
        async with calling(hut, site.url) as home:
            await stays_owed(home, "unavailable")
            (record,) = [each for each in await home.deliveries() if each.receiver == "room"]
            assert record.detail
            assert "write the final address" in record.detail
        assert elsewhere.asked == []


@pytest.mark.fault("network", "a webhook that is gone (410)")
async def test_a_webhook_that_is_gone_rings(hut: Build) -> None:
    """It is called once and disabled; the emergency goes to the default at once, and ops are told that the receiver is gone."""
    async with serving() as site:
        site.says(410)
        async with calling(hut, site.url) as home:
            await home.act()
            assert "crisis" in heard(home, "desk")
            await pass_a_minute(home)
            assert await room(home) == ("failed", "gone", 1)
            assert heard(home, "tech") == {"receiver-health"}
        assert len(site.asked) == 1


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.fault("network", "a webhook that asks for patience (429 or 503 with Retry-After)")
async def test_retry_after_is_obeyed(hut: Build, status: int) -> None:
    """It is not called again before the time it asked for, and then it is."""
    async with serving() as site:
        site.says(status, Retry_After="90")
        async with calling(hut, site.url) as home:
            await home.act()
            site.says(204)
            home.clock.advance(89 * SECOND)
            await home.act()
            assert len(site.asked) == 1
            home.clock.advance(SECOND)
            await home.act()
        assert len(site.asked) == 2


@pytest.mark.parametrize("asked", ["31536000", "1e999", "-5", "Fri, 31 Dec 9999 23:59:59 GMT", "soon"])
@pytest.mark.fault("network", "a webhook that asks for an absurd Retry-After")
async def test_an_absurd_retry_after_silences_nobody(hut: Build, asked: str) -> None:
    """After an hour at most it is called again; meanwhile the emergency has been told to somebody else."""
    async with serving() as site:
        site.says(503, Retry_After=asked)
        async with calling(hut, site.url) as home:
            await home.act()
            site.says(204)
            await pass_a_minute(home)
            home.clock.advance(timedelta(hours=1))
            await home.act()
            assert "crisis" in heard(home, "desk") or len(site.asked) == 2
        assert len(site.asked) == 2


@pytest.mark.fault("network", "a webhook whose answer is endless")
async def test_a_huge_answer_is_not_read(hut: Build) -> None:
    """Success is the status; of a body of 200 MB a few kilobytes are read."""

    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for _ in range(200):
            await response.write(b"x" * MB)
        return response

    async with serving() as site:
        site.answer = answer
        async with calling(hut, site.url, 30 * SECOND) as home:
            tracemalloc.start()
            await home.act()
            _, peak = tracemalloc.get_traced_memory()
            tracemalloc.stop()
            assert (await room(home))[0] == "delivered"
    assert peak < 64 * MB


@pytest.mark.fault("network", "a webhook that trickles its answer, a byte at a time")
async def test_a_trickle_ends_in_time(hut: Build) -> None:
    """The time limit is for the whole call: an answer that never ends is a failure, tried again."""
    async with raw_server(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\nx", hang=True) as url, calling(hut, url) as home:
        await home.act()
        assert await room(home) == ("pending", "timeout", 1)
        assert home.kinds("desk") == ["first"]


@pytest.mark.parametrize(
    "answer", [b"", b"HTTP/1.1 200 OK\r\nContent-Le", b"SSH-2.0-OpenSSH_9.6\r\n", b"HTTP/1.1 999 \xff\xfe\r\n\r\n"]
)
@pytest.mark.fault("network", "something that is no HTTP answers for a webhook, or hangs up half-way")
async def test_an_answer_that_is_none_is_a_failure(hut: Build, answer: bytes) -> None:
    """The message stays owed, with a reason in words."""
    async with raw_server(answer) as url, calling(hut, url) as home:
        await home.act()
        state, reason, attempts = await room(home)
        assert (state, attempts) == ("pending", 1)
        assert reason in {"unavailable", "timeout"}
