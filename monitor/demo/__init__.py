"""A fictional brand's bad day at accelerated time: the real daemon, real SMTP and a real webhook receiver, on loopback."""

from __future__ import annotations

import asyncio
import json
import secrets
import tempfile
import time
from base64 import b64encode
from contextlib import AsyncExitStack
from datetime import datetime, timedelta
from pathlib import Path

from pydantic import SecretStr

from monitor.daemon import Daemon
from monitor.demo.narrator import Narrator
from monitor.demo.servers import Postbox, Wall
from monitor.domain.clock import AcceleratedClock
from monitor.pipeline.outcome import Outcome, tell
from monitor.settings import Settings, load, shipped
from monitor.storage import StorageSettings, Store
from monitor.telemetry import metrics

# Story time before the first post and after the last: the daemon starts, and what was gathered leaves.
PROLOGUE = timedelta(minutes=10)
EPILOGUE = timedelta(minutes=45)
LOOK = 0.2  # seconds, real, between two looks at what happened


async def demo(folder: Path, *, seconds: float, quiet: bool) -> Outcome:
    """Play the day in about `seconds`, saving the e-mails under `folder`. `quiet` says nothing on the way."""
    began = time.perf_counter()
    story = shipped() / "demo"
    first, last = _span(story / "story.jsonl")
    start = first - PROLOGUE
    speed = (last + EPILOGUE - start).total_seconds() / seconds
    async with AsyncExitStack() as stack:
        temporary = stack.enter_context(tempfile.TemporaryDirectory(prefix="tocsin-demo-"))
        postbox = await stack.enter_async_context(Postbox(folder / "e-mails"))
        secret = "whsec_" + b64encode(secrets.token_bytes(24)).decode()
        wall = await stack.enter_async_context(Wall(folder / "webhooks", secret))
        settings = _settings(story, temporary, postbox, wall, secret)
        clock = AcceleratedClock(start, speed)
        daemon = Daemon(settings, clock, reload=lambda: settings, handle_signals=False)
        running = asyncio.create_task(daemon.run())
        store = await Store.open(settings.storage)
        stack.push_async_callback(store.close)
        narrator = Narrator(settings, store, quiet=quiet)
        narrator.open(start, seconds)
        while clock.now() < last + EPILOGUE and not running.done():
            await asyncio.sleep(LOOK)
            await narrator.look()
        daemon.stop()
        await running
        await narrator.look()
        outcome = _counted(time.perf_counter() - began)
        await tell(outcome, store)
        narrator.close(folder, postbox.saved, wall.verified)
        return outcome


def _settings(story: Path, temporary: str, postbox: Postbox, wall: Wall, secret: str) -> Settings:
    environ = {"DEMO_SMTP_PORT": str(postbox.port), "DEMO_WEBHOOK_URL": wall.url, "DEMO_WEBHOOK_SECRET": secret}
    settings = load(story, environ=environ)
    return settings.model_copy(update={"storage": StorageSettings(url=SecretStr(f"sqlite:///{temporary}/demo.db"))})


def _span(story: Path) -> tuple[datetime, datetime]:
    """When the first and the last post of the story were written."""
    lines = story.read_text(encoding="utf-8").splitlines()
    first, last = (datetime.fromisoformat(json.loads(line)["created_at"]) for line in (lines[0], lines[-1]))
    return first, last


def _counted(seconds: float) -> Outcome:
    """What the sources brought in this process, as counted for Prometheus."""
    counted = {"stored": 0, "duplicate": 0, "rejected": 0}
    for family in metrics.registry.collect():
        if family.name == "tocsin_mentions":
            for sample in family.samples:
                if sample.name == "tocsin_mentions_total" and sample.labels["outcome"] in counted:
                    counted[sample.labels["outcome"]] += int(sample.value)
    stored, duplicates, rejected = counted["stored"], counted["duplicate"], counted["rejected"]
    return Outcome(seconds, stored + duplicates + rejected, stored, duplicates, rejected)
