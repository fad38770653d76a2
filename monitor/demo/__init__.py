"""A fictional brand's bad day at accelerated time: the real daemon, real SMTP and a real webhook receiver, on loopback."""

from __future__ import annotations

import asyncio
import secrets
import shutil
import tempfile
import time
from base64 import b64encode
from collections import Counter
from collections.abc import Mapping
from contextlib import AsyncExitStack, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pydantic import SecretStr

from monitor.daemon import Daemon
from monitor.demo.narrator import Narrator
from monitor.demo.pace import Pace, PacedClock, written
from monitor.demo.servers import Postbox, Wall, free_port
from monitor.demo.visitors import invite
from monitor.domain.clock import Clock
from monitor.pipeline.outcome import Outcome, tell
from monitor.settings import CardSettings, Settings, WebSettings, load, shipped
from monitor.settings.web import PrivateWebSettings
from monitor.storage import StorageSettings, Store
from monitor.telemetry import metrics

# Story time before the first post and after the last: the daemon starts, and what was gathered leaves.
PROLOGUE = timedelta(minutes=10)
EPILOGUE = timedelta(minutes=45)
UNDER_WAY = datetime(2026, 3, 12, 13, 20, tzinfo=UTC)  # story time: complaints pour in, the plan is open, and nobody has taken it
LOOK = 0.2  # seconds, real, between two looks at what happened
STRIDE = 3 * LOOK  # seconds, real, that the story may run on by itself
PATIENCE = 60.0  # seconds, real, that a slow machine may take longer than it was asked to


async def demo(folder: Path, *, seconds: float, quiet: bool, stay: bool = False) -> Outcome:
    """Play the day in about `seconds`, saving the e-mails and what to try under `folder`. `quiet` says nothing on the way.

    To `stay` is to slow down in the middle of the crisis: from there the day goes on as days do, for whoever looks into the
    console or follows a link in the e-mails, until somebody presses Ctrl+C.
    """
    began = time.perf_counter()
    story = shipped() / "demo"
    told, repeated = (written(story / name) for name in ("story.jsonl", "agency.jsonl"))
    start, end = told[0] - PROLOGUE, told[-1] + EPILOGUE
    speed = (end - start).total_seconds() / seconds
    async with AsyncExitStack() as stack:
        temporary = stack.enter_context(tempfile.TemporaryDirectory(prefix="tocsin-demo-"))
        postbox = await stack.enter_async_context(Postbox(folder / "e-mails"))
        secret = "whsec_" + b64encode(secrets.token_bytes(24)).decode()
        wall = await stack.enter_async_context(Wall(folder / "webhooks", secret))
        environ = {"DEMO_SMTP_PORT": str(postbox.port), "DEMO_WEBHOOK_URL": wall.url, "DEMO_WEBHOOK_SECRET": secret}
        settings = _settings(story, temporary, environ, free_port())
        to_try = left_to_try(story, folder / settings.brand.lower(), environ)
        clock = PacedClock(start, speed, until=start)  # nothing happens before the daemon is there to see it
        daemon = Daemon(settings, clock, reload=lambda: settings, handle_signals=False)
        before = _counts()
        running = asyncio.create_task(daemon.run())
        stack.push_async_callback(_end, daemon, running)
        await _ready(daemon, running)
        store = await Store.open(settings.storage)
        stack.push_async_callback(store.close)
        stride = timedelta(seconds=STRIDE * speed)
        stop = UNDER_WAY if stay else end
        pace = Pace(clock, store, told + repeated, stride=stride, end=stop, arrived=lambda: _counts().total() - before.total())
        narrator = Narrator(settings, store, quiet=quiet)
        narrator.open(start, seconds)
        patience = time.monotonic() + seconds + PATIENCE
        while not running.done() and (clock.now() < stop or await _busy(store, clock, patience)):
            await pace.look(patient=time.monotonic() < patience)
            await asyncio.sleep(LOOK)
            await narrator.look()
        if stay:
            clock.go_on(1, end)
            await narrator.look()
            narrator.stay(folder, await invite(store, settings, clock))
            with suppress(asyncio.CancelledError):  # which is what Ctrl+C does
                await asyncio.wait({running})
        daemon.stop()
        await running
        await narrator.look()
        outcome = _counted(time.perf_counter() - began, before)
        await tell(outcome, store)
        narrator.close(folder, to_try, postbox.saved, wall.verified)
        return outcome


def _settings(story: Path, temporary: str, environ: Mapping[str, str], port: int) -> Settings:
    """Those of the story, with a store that is thrown away, and links in the e-mails that lead to this daemon."""
    web = WebSettings(port=port, public_url=f"http://127.0.0.1:{port}", private=PrivateWebSettings(port=0))
    storage = StorageSettings(url=SecretStr(f"sqlite:///{temporary}/demo.db"))
    own = {"storage": storage, "web": web, "cards": CardSettings(enabled=False)}
    return load(story, environ=environ).model_copy(update=own)


def left_to_try(story: Path, folder: Path, environ: Mapping[str, str]) -> Path:
    """A copy of the demo's configuration at `folder`, with nothing left to fill in: to ask it questions, and to change it."""
    shutil.copytree(story, folder, dirs_exist_ok=True, copy_function=shutil.copyfile)
    monitor = folder / "monitor.yaml"
    text = monitor.read_text("utf-8")
    for name, value in environ.items():
        text = text.replace(f"${{{name}}}", value)
    monitor.write_text(text, "utf-8")
    return folder


async def _end(daemon: Daemon, running: asyncio.Task[None]) -> None:
    """Whatever ends the demo, the daemon ends before its store is taken away."""
    daemon.stop()
    await asyncio.wait({running})


async def _ready(daemon: Daemon, running: asyncio.Task[None]) -> None:
    """Wait until the daemon works; raises what kept it from working."""
    ready = asyncio.ensure_future(daemon.ready.wait())
    await asyncio.wait({ready, running}, return_when=asyncio.FIRST_COMPLETED)
    ready.cancel()
    if running.done():
        await running


async def _busy(store: Store, clock: Clock, patience: float) -> bool:
    """Whether the day is over on the clock and not yet in the store: a slow machine gets a little more real time."""
    if time.monotonic() > patience:
        return False
    async with store.read() as tx:
        behind = await tx.mentions.behind(await tx.evaluator.offset())
        return bool(behind or await tx.deliveries.due_receivers(clock.now(), clock.wall()))


def _counts() -> Counter[str]:
    """What sources have brought in this process so far, by what became of it, as counted for Prometheus."""
    samples = (sample for family in metrics.mentions.collect() for sample in family.samples)
    counted: Counter[str] = Counter()
    for sample in samples:
        if sample.name.endswith("_total"):
            counted[sample.labels["outcome"]] += int(sample.value)
    return counted


def _counted(seconds: float, before: Counter[str]) -> Outcome:
    """What the sources have brought since."""
    now = _counts()
    stored, duplicates, rejected = (now[what] - before[what] for what in ("stored", "duplicate", "rejected"))
    return Outcome(seconds, stored + duplicates + rejected, stored, duplicates, rejected)
