"""The loop stalls, the hour changes, dates are absurd: polls and messages go on."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

import aiohttp
import apscheduler.schedulers.base
import apscheduler.triggers.interval
import pytest
from aiohttp import web

from monitor import scheduling
from monitor.domain import clock as clocks
from monitor.domain.clock import SystemClock
from monitor.pipeline.intake import Intake, Polled
from monitor.sources.text import LATENESS
from monitor.telemetry import metrics
from monitor.testing import serving
from notifiers.signing import headers
from tests.monitor.daemon.conftest import SECRET, Folder, Start, call_in

Patiently = Callable[..., Awaitable[Any]]


class Wall:
    """The wall clock of this process, as we and APScheduler read it; the monotonic one is left alone, as the kernel does."""

    def __init__(self) -> None:
        self.offset = timedelta(0)

    def set_to(self, moment: datetime) -> None:
        """From now on it is `moment`."""
        self.offset = moment - datetime.now(UTC)


@pytest.fixture
def wall(monkeypatch: pytest.MonkeyPatch) -> Wall:
    """A wall clock that a test sets."""
    clock = Wall()

    class Like(type):
        def __instancecheck__(cls, value: object) -> bool:
            return isinstance(value, datetime)

    class Shifted(datetime, metaclass=Like):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
            return datetime.now(tz) + clock.offset

    for module in (clocks, apscheduler.schedulers.base, apscheduler.triggers.interval):
        monkeypatch.setattr(module, "datetime", Shifted)
    monkeypatch.setattr(scheduling, "LOOK_EVERY", 0.1)
    return clock


@pytest.fixture
def polls(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """When each poll ended, by the monotonic clock."""
    ended: list[float] = []
    poll = Intake.poll

    async def counted(self: Intake, name: str) -> Polled:
        polled = await poll(self, name)
        ended.append(time.monotonic())
        return polled

    monkeypatch.setattr(Intake, "poll", counted)
    return ended


async def more(patiently: Patiently, ended: list[float], count: int = 3) -> None:
    """Wait until some more polls have ended."""
    before = len(ended)

    async def polled() -> bool:
        return len(ended) >= before + count

    await patiently(polled, "polls go on")


@pytest.mark.fault("time", "the event loop stalls for longer than APScheduler's grace")
async def test_a_stalled_loop_skips_no_turn_for_good(
    folder: Folder, at_work: Start, patiently: Patiently, polls: list[float], logged: io.StringIO
) -> None:
    """What fell due meanwhile is done afterwards; the lateness is logged and measured."""
    late = metrics.registry.get_sample_value("tocsin_loop_late_seconds_total") or 0.0
    folder.write()
    async with at_work():
        await more(patiently, polls, 1)
        time.sleep(3.5)  # noqa: ASYNC251 that is the fault
        await more(patiently, polls)

        async def told() -> bool:
            return "loop.blocked" in logged.getvalue()

        await patiently(told, "the lateness is logged")
    assert (metrics.registry.get_sample_value("tocsin_loop_late_seconds_total") or 0.0) > late + 1


@pytest.mark.fault("time", "daylight saving begins or ends")
@pytest.mark.parametrize("change", [datetime(2026, 3, 29, 1, tzinfo=UTC), datetime(2026, 10, 25, 1, tzinfo=UTC)])
async def test_the_change_of_the_hour_changes_nothing(
    folder: Folder,
    at_work: Start,
    patiently: Patiently,
    wall: Wall,
    polls: list[float],
    monkeypatch: pytest.MonkeyPatch,
    change: datetime,
    logged: io.StringIO,
) -> None:
    """All is reckoned in UTC: polls keep their rhythm through it, on a machine in Paris too."""
    monkeypatch.setenv("TZ", "Europe/Paris")
    time.tzset()
    try:
        wall.set_to(change - timedelta(seconds=2))
        folder.write(folder.base + "timezone: Europe/Paris\n")
        async with at_work():
            await more(patiently, polls, 5)
            assert SystemClock().now() > change
        assert "clock.jumped" not in logged.getvalue()
    finally:
        monkeypatch.undo()
        time.tzset()


@pytest.mark.fault("time", "a post says that it was written in the year 2200, or before there were networks")
@pytest.mark.parametrize("written", ["2200-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "1901-01-01T00:00:00Z"])
async def test_an_absurd_date_delays_nobody_else(folder: Folder, at_work: Start, patiently: Patiently, written: str) -> None:
    """It counts as written now at the latest, or is refused by itself; the next post, of today, rings as ever."""
    told: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        told.append(await request.text())
        return web.Response(status=204)

    async with serving() as hub:
        hub.answer = answer
        folder.write(hub=f"{hub.url}/in")
        async with at_work() as daemon:
            post = {"text": "My Acme is broken", "author": "marty", "url": "https://t.example/0", "created_at": written}
            body = json.dumps(post).encode()
            signed = headers([SECRET], "call-0", SystemClock().now(), body)
            async with aiohttp.request("POST", f"{daemon.address}/hooks/tickets", data=body, headers=signed) as call:
                assert call.status == 202
            await call_in(daemon.address, 1)

            async def rang() -> bool:
                return any("https://tickets.example/1" in message for message in told)

            await patiently(rang, "the post of today rings")
        newest = metrics.registry.get_sample_value("tocsin_source_newest_mention_timestamp_seconds", {"source": "tickets"})
        assert newest is not None
        assert newest <= (SystemClock().now() + LATENESS).timestamp()
