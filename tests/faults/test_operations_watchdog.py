"""A daemon that works no more is noticed: by systemd on this machine, by somebody elsewhere when the machine itself is gone."""

from __future__ import annotations

import asyncio
import io
import time
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from monitor import shift as shift_module
from monitor import vitals, workers
from monitor.domain.errors import StorageError
from monitor.pipeline.evaluate import Evaluator
from monitor.pipeline.intake import Intake, Polled
from monitor.storage import Store
from monitor.testing import serving
from tests.monitor.daemon.conftest import Folder, Start, call_in, notify_socket

Patiently = Callable[..., Awaitable[Any]]
PINGS = "WATCHDOG=1"


@pytest.fixture
def said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """What a service manager hears, on a real socket, of a daemon whose patience is short."""
    monkeypatch.setattr(shift_module, "PULSE", timedelta(seconds=0.02))
    monkeypatch.setattr(vitals, "HOPELESS", timedelta(seconds=0.2))
    monkeypatch.setattr(workers, "AFTER_A_BUG", 0.01)
    with notify_socket(tmp_path) as (address, heard):
        monkeypatch.setenv("NOTIFY_SOCKET", address)
        yield heard


def pulses(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Grows whenever the daemon has looked whether to ping."""
    looked: list[bool] = []
    feed = vitals.Vitals.feed

    async def looking(self: vitals.Vitals) -> None:
        await feed(self)
        looked.append(True)

    monkeypatch.setattr(vitals.Vitals, "feed", looking)
    return looked


async def starves(said: Callable[[], list[str]], looked: list[bool], patiently: Patiently) -> bool:
    """Whether five looks in a row bring no ping."""
    pings, looks = said().count(PINGS), len(looked)

    async def looked_again() -> bool:
        return len(looked) >= looks + 5

    await patiently(looked_again, "it looks again")
    return said().count(PINGS) == pings


@pytest.mark.fault("operations", "a poll hangs and ignores its cancellation")
async def test_a_poll_that_never_ends_trips_the_watchdog(
    folder: Folder, at_work: Start, patiently: Patiently, said: Any, monkeypatch: pytest.MonkeyPatch, logged: io.StringIO
) -> None:
    """The service manager is pinged no more once a poll has outlasted its time-out by two minutes, and starts the daemon anew."""
    monkeypatch.setattr(shift_module, "BEYOND", timedelta(seconds=-119.9))  # of 120 s, a tenth of a second
    monkeypatch.setattr(shift_module, "DRAIN", timedelta(seconds=0.05))
    monkeypatch.setattr(workers, "LAST_WORDS", timedelta(seconds=0.05))
    looked, release = pulses(monkeypatch), asyncio.Event()

    async def deaf(_: Intake, __: str) -> Polled:
        while not release.is_set():
            with suppress(asyncio.CancelledError):
                await release.wait()
        return Polled()

    monkeypatch.setattr(Intake, "poll", deaf)
    folder.write(folder.base.replace("every: 1s", "every: 1s, timeout: 120s"))
    async with at_work():

        async def starved() -> bool:
            return "watchdog.not_fed" in logged.getvalue()

        await patiently(starved, "the watchdog is not fed")
        assert "source tickets" in logged.getvalue()
        assert await starves(said, looked, patiently)
    assert "worker.abandoned" in logged.getvalue(), "the end does not wait for it either"
    release.set()


@pytest.mark.fault("operations", "something blocks the event loop")
async def test_a_blocked_loop_trips_the_watchdog(
    folder: Folder, at_work: Start, said: Any, patiently: Patiently, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While it is blocked nobody pings; when it turns again the pings and the polls go on by themselves."""
    polled: list[bool] = []
    meanwhile: list[int] = []  # pings while the loop was blocked
    poll, block = Intake.poll, asyncio.Event()

    async def counted(self: Intake, name: str) -> Polled:
        polled.append(True)
        if block.is_set():
            block.clear()
            before = said().count(PINGS)
            time.sleep(1.0)  # noqa: ASYNC251 that is the fault
            meanwhile.append(said().count(PINGS) - before)
        return await poll(self, name)

    monkeypatch.setattr(Intake, "poll", counted)
    folder.write()
    async with at_work():
        block.set()

        async def over() -> bool:
            return bool(meanwhile)

        await patiently(over, "the loop was blocked")
        assert meanwhile[0] <= 1  # that one was on its way; a turning loop would have sent several
        pings, polls = said().count(PINGS), len(polled)

        async def goes_on() -> bool:
            return said().count(PINGS) > pings + 2 and len(polled) > polls

        await patiently(goes_on, "it goes on")


@asynccontextmanager
async def away(*_: object, **__: object) -> Any:
    """A unit of work that never begins."""
    raise StorageError("the server is gone")
    yield


@pytest.mark.fault("operations", "the store is away for longer than the watchdog's patience")
async def test_a_store_that_is_away_does_not_trip_the_watchdog(
    folder: Folder, at_work: Start, patiently: Patiently, said: Any, monkeypatch: pytest.MonkeyPatch, logged: io.StringIO
) -> None:
    """The daemon is not restarted, for a new process could not begin; it works on by itself when the store is back."""
    looked = pulses(monkeypatch)

    async def closed(*_: object, **__: object) -> Store:
        raise StorageError("the server is gone")

    async with serving() as hub:
        hub.says(204)
        folder.write(hub=f"{hub.url}/in")
        async with at_work() as daemon:
            with monkeypatch.context() as patch:
                patch.setattr(Store, "begin", away)
                patch.setattr(Store, "read", away)
                patch.setattr(Store, "open", closed)

                async def hopeless() -> bool:
                    return logged.getvalue().count('"worker.failed"') > 50

                await patiently(hopeless, "everybody has failed for long")
                assert not await starves(said, looked, patiently)
            await call_in(daemon.address, 1)

            async def rang() -> bool:
                return bool(hub.asked)

            await patiently(rang, "it works on")
    assert "watchdog.not_fed" not in logged.getvalue()


@pytest.mark.fault("operations", "this process fails on a store that another one could open")
async def test_a_process_that_lost_its_store_for_good_trips_the_watchdog(
    folder: Folder, at_work: Start, patiently: Patiently, said: Any, monkeypatch: pytest.MonkeyPatch, logged: io.StringIO
) -> None:
    """When its own errors last and a fresh connection works, a restart is the cure, and the pings end."""
    looked = pulses(monkeypatch)
    folder.write()
    async with at_work():

        async def poisoned(_: Evaluator, at_most: int) -> int:
            del at_most
            raise StorageError("every connection of the pool is lost")

        with monkeypatch.context() as patch:
            patch.setattr(Evaluator, "step", poisoned)

            async def starved() -> bool:
                return "watchdog.not_fed" in logged.getvalue()

            await patiently(starved, "the watchdog is not fed")
            assert await starves(said, looked, patiently)


def beat_quickly(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    """More often than anybody may configure."""
    settings = folder.settings()
    assert settings.heartbeat is not None
    quick = settings.heartbeat.model_copy(update={"every": timedelta(seconds=1.5)})
    monkeypatch.setattr(Folder, "settings", lambda _: settings.model_copy(update={"heartbeat": quick}))


@pytest.mark.fault("operations", "the daemon, its machine or its network is gone")
async def test_the_heartbeat_ends_with_the_work(
    folder: Folder, at_work: Start, patiently: Patiently, said: Any, monkeypatch: pytest.MonkeyPatch, logged: io.StringIO
) -> None:
    """Somebody elsewhere is pinged while mentions are judged and messages sent, and hears nothing any more when that ends."""
    async with serving() as elsewhere:
        elsewhere.says(200)
        folder.write(folder.base + f"heartbeat: {{url: {elsewhere.url}/ping, every: 10s}}\n")
        beat_quickly(folder, monkeypatch)
        async with at_work():

            async def pinged() -> bool:
                return len(elsewhere.asked) >= 2

            await patiently(pinged, "the pings arrive")

            async def poisoned(_: Evaluator, at_most: int) -> int:
                del at_most
                raise ZeroDivisionError

            with monkeypatch.context() as patch:
                patch.setattr(Evaluator, "step", poisoned)

                async def silent() -> bool:
                    return "heartbeat.silent" in logged.getvalue()

                await patiently(silent, "the work does not progress")
    assert {request.path for request in elsewhere.asked} == {"/ping"}


@pytest.mark.fault("operations", "the heartbeat's own service is down")
async def test_a_heartbeat_that_nobody_takes_disturbs_nothing(
    folder: Folder, at_work: Start, patiently: Patiently, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A service that hangs keeps no message from leaving."""
    hanging = asyncio.Event()

    async def hang(request: web.Request) -> web.Response:
        hanging.set()
        await asyncio.Event().wait()
        raise AssertionError

    async with serving() as elsewhere, serving() as hub:
        elsewhere.answer = hang
        hub.says(204)
        text = folder.base + f"heartbeat: {{url: {elsewhere.url}/ping, every: 10s}}\n"
        folder.write(text, hub=f"{hub.url}/in")
        beat_quickly(folder, monkeypatch)
        async with at_work() as daemon:
            await asyncio.wait_for(hanging.wait(), 40)
            await call_in(daemon.address, 1)

            async def rang() -> bool:
                return bool(hub.asked)

            await patiently(rang, "the message leaves")
