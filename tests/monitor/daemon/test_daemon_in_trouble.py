"""The daemon in trouble: what fails inside is told outside, and what passes is outlived."""

from __future__ import annotations

import asyncio
import io
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial
from types import SimpleNamespace
from typing import Any

import aiohttp
import pytest

from monitor import daemon as daemon_module
from monitor import reloading, vitals, workers
from monitor import shift as shift_module
from monitor.daemon import Daemon
from monitor.domain.clock import ManualClock, SystemClock
from monitor.domain.errors import StorageError
from monitor.pipeline import intake
from monitor.pipeline.evaluate import Evaluator
from monitor.settings import Settings
from monitor.shift import Shift
from monitor.storage import StorageSettings, Store
from monitor.telemetry import metrics, systemd
from monitor.testing import serving
from monitor.vitals import Vitals
from tests.monitor.daemon.conftest import Hanging, call_in, value

Folder = Any
Start = Any
Patiently = Callable[..., Awaitable[Any]]


async def test_what_cannot_be_judged_does_not_keep_health_alerts_from_ringing(folder: Folder) -> None:
    """When judging fails the look at the clock happens all the same, as often as it is due; the failure is not hidden."""
    looked: list[str] = []

    class Evaluate:
        async def step(self, at_most: int) -> int:
            del at_most
            raise ZeroDivisionError

        async def tick_behind(self) -> None:
            looked.append("at our own health alone")

    folder.write()
    stages = SimpleNamespace(evaluate=Evaluate())
    shift = Shift(folder.settings(), Any, ManualClock(SystemClock().now()), stages)  # type: ignore[arg-type]
    shift._ask_for_tick()
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            await shift._judge()
    assert looked == ["at our own health alone"]


async def test_an_evaluator_that_always_fails_is_told_to_everybody(
    folder: Folder, at_work: Start, patiently: Patiently, monkeypatch: pytest.MonkeyPatch, logged: io.StringIO
) -> None:
    """The endpoints are not ready, and systemd's watchdog is fed no more once it has lasted."""
    fed: list[bool] = []
    looked: list[bool] = []
    feed = Vitals.feed

    async def looking(self: Vitals) -> None:
        await feed(self)
        looked.append(True)

    monkeypatch.setattr(Vitals, "feed", looking)
    monkeypatch.setattr(shift_module, "PULSE", timedelta(seconds=0.02))
    monkeypatch.setattr(vitals, "HOPELESS", timedelta(seconds=0.2))
    monkeypatch.setattr(workers, "AFTER_A_BUG", 0.01)
    monkeypatch.setattr(systemd, "watchdog", lambda: fed.append(True))

    async def poisoned(_: Evaluator, at_most: int) -> int:
        del at_most
        raise ZeroDivisionError

    folder.write()
    async with at_work() as daemon, aiohttp.ClientSession(daemon.private_address) as client:
        await patiently(lambda: ready(client), "it works")
        monkeypatch.setattr(Evaluator, "step", poisoned)

        async def says_so() -> bool:
            async with client.get("/-/ready") as answer:
                return answer.status == 503 and "`evaluate`" in await answer.text()

        await patiently(says_so, "the evaluator is named")

        async def starved() -> bool:
            return "watchdog.not_fed" in logged.getvalue()

        await patiently(starved, "the watchdog is not fed")
        before = len(fed), len(looked)

        async def looked_again() -> bool:
            return len(looked) > before[1] + 3

        await patiently(looked_again, "it is looked at again")
        assert len(fed) == before[0]
        assert logged.getvalue().count("watchdog.not_fed") == 1, "one line, however long it lasts"
        monkeypatch.undo()
        await patiently(lambda: ready(client), "it works again")


async def ready(client: aiohttp.ClientSession) -> bool:
    """Whether the daemon says that it is."""
    async with client.get("/-/ready") as answer:
        return answer.status == 200


async def test_a_source_that_failed_is_asked_again_after_its_rest(
    folder: Folder, at_work: Start, patiently: Patiently, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not only when its next turn comes, which may be hours away."""
    monkeypatch.setattr(intake, "FIRST_BACKOFF", timedelta(seconds=0.05))
    async with serving() as site:
        site.says(503)
        feed = f"  news: {{kind: feed, url: {site.url}/feed, every: 6h}}\nreceivers:"
        folder.write(folder.base.replace("receivers:", feed).replace("http: {", "http: {retries: 0, "))
        async with at_work():

            async def asked_again() -> bool:
                return len(site.asked) >= 3

            await patiently(asked_again, "it is asked again and again")


@pytest.mark.parametrize(("rest", "rings"), [(None, False), (timedelta(seconds=0.01), True), (timedelta(hours=2), False)])
async def test_a_rest_is_ended_only_before_the_next_turn(folder: Folder, rest: timedelta | None, rings: bool) -> None:
    """A rest that lasts beyond the source's next turn needs no waking of its own, and a stop forgets them all."""
    folder.write(folder.base.replace("every: 1s", "every: 1h"))
    stage = SimpleNamespace(release=partial(asyncio.sleep, 0))
    stages = SimpleNamespace(evaluate=stage, deliver=stage)
    shift = Shift(folder.settings(), Any, SystemClock(), stages)  # type: ignore[arg-type]
    shift._scheduler.every("source tickets", timedelta(hours=1), lambda: None)
    shift._scheduler.start()
    shift._scheduler._scheduler.modify_job("source tickets", next_run_time=SystemClock().now() + timedelta(hours=1))  # type: ignore[union-attr]
    shift._ring_again("tickets", timedelta(minutes=1))
    shift._ring_again("tickets", rest)
    assert bool(shift._retries) is rings
    if rings:
        await asyncio.wait_for(shift._sources["tickets"].wait(), 20)
    shift._ring_again("tickets", timedelta(minutes=1))
    retry = shift._retries["tickets"]
    await shift.end()
    assert retry.cancelled()


@asynccontextmanager
async def store_away(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[asyncio.Event]:
    """No unit of work can begin inside; the event says that somebody was turned away."""
    met = asyncio.Event()

    @asynccontextmanager
    async def away(_: Store) -> AsyncIterator[None]:
        met.set()
        raise StorageError("the disk is gone")
        yield

    with monkeypatch.context() as patch:
        patch.setattr(Store, "begin", away)
        yield met


async def test_a_reload_outlives_a_store_that_is_away(
    folder: Folder, at_work: Start, monkeypatch: pytest.MonkeyPatch, logged: io.StringIO
) -> None:
    """Neither the new configuration nor the old one is to blame: the daemon waits, and the new one works in the end."""
    monkeypatch.setattr(daemon_module, "AWAY", timedelta(seconds=0.02))
    monkeypatch.setattr(reloading, "VERDICT", timedelta(seconds=0.1))
    folder.write()
    async with at_work() as daemon:
        metrics.config_reload_successful.set(0)
        daemon.ready.clear()
        async with store_away(monkeypatch) as met:
            assert (await daemon.reconfigure()).status == "waiting"
            await asyncio.wait_for(met.wait(), 20)
            met.clear()
            await asyncio.wait_for(met.wait(), 20)  # it has tried again, with what was asked for
            assert not daemon.ready.is_set()
        await asyncio.wait_for(daemon.ready.wait(), 20)
        assert value("tocsin_config_last_reload_successful") == 1
    said = logged.getvalue()
    assert "daemon.store_away" in said
    assert "config.refused" not in said


async def test_a_stop_while_the_store_is_away_is_heard(
    folder: Folder, monkeypatch: pytest.MonkeyPatch, logged: io.StringIO
) -> None:
    """Waiting for the store never outlasts the wish to end; a lease that cannot be given back is no reason to fail."""
    monkeypatch.setattr(daemon_module, "AWAY", timedelta(hours=1))
    folder.write()
    daemon = Daemon(folder.settings(), SystemClock(), folder.settings, handle_signals=False)
    running = asyncio.create_task(daemon.run())
    await asyncio.wait_for(daemon.ready.wait(), 20)
    async with store_away(monkeypatch) as met:
        daemon.reconfigure()
        await asyncio.wait_for(met.wait(), 20)
        daemon.stop()
        await asyncio.wait_for(running, 20)
    assert "lease.not_released" in logged.getvalue()


async def test_what_is_asked_while_the_daemon_starts_is_heard(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    """While the store is being opened SIGHUP kills nobody, and SIGTERM ends the daemon cleanly before it works."""
    folder.write()
    opening, go_on = asyncio.Event(), asyncio.Event()
    read: list[Settings] = []

    async def slowly(settings: StorageSettings, **named: Any) -> Store:
        opening.set()
        await go_on.wait()
        return await opened(settings, **named)

    def reload() -> Settings:
        read.append(folder.settings())
        return read[-1]

    opened = Store.open
    monkeypatch.setattr(Store, "open", slowly)
    daemon = Daemon(folder.settings(), SystemClock(), reload)
    running = asyncio.create_task(daemon.run())
    await opening.wait()
    os.kill(os.getpid(), signal.SIGHUP)
    while not read:  # noqa: ASYNC110 the signal's own way through the loop
        await asyncio.sleep(0)
    os.kill(os.getpid(), signal.SIGTERM)
    go_on.set()
    await asyncio.wait_for(running, 20)
    assert (daemon.ready.is_set(), daemon.address) == (False, "")


async def test_a_reload_asked_for_while_the_daemon_starts_is_answered(folder: Folder) -> None:
    """It is at work with the first configuration that is."""
    folder.write()
    daemon = Daemon(folder.settings(), SystemClock(), folder.settings, handle_signals=False)
    asked = daemon.reconfigure()
    running = asyncio.create_task(daemon.run())
    assert (await asyncio.wait_for(asked, 20)).status == "in_force"
    daemon.stop()
    await running


async def test_a_refused_file_while_the_daemon_starts_does_not_make_it_ready(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The service manager hears READY from the first configuration at work, not from a second one that is refused before."""
    said: list[str] = []
    for word in ("ready", "reloading"):
        monkeypatch.setattr(systemd, word, partial(said.append, word))
    folder.write()
    daemon = Daemon(folder.settings(), SystemClock(), lambda: 1 / 0, handle_signals=False)  # type: ignore[arg-type,return-value]
    await daemon.reconfigure()
    assert said == ["reloading"]


async def test_a_message_that_a_reload_cuts_off_is_sent_again_at_once(
    folder: Folder, at_work: Start, patiently: Patiently, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Under the same id, without waiting for its lease."""
    monkeypatch.setattr(shift_module, "DRAIN", timedelta(seconds=0.1))
    hanging = Hanging()
    async with serving() as hub:
        hub.answer = hanging
        folder.write(hub=f"{hub.url}/in")
        async with at_work() as daemon:
            await call_in(daemon.address, 1)
            await asyncio.wait_for(hanging.begun.wait(), 20)
            hub.says(204)
            daemon.reconfigure()

            async def again() -> bool:
                return len(hub.asked) > 1

            await patiently(again, "the message is sent again", within=20)
        assert len({each.headers["webhook-id"] for each in hub.asked}) == 1
