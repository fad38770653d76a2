"""A monitor without a daemon around it: real sources ask real servers, and all stages live on a clock that a test moves."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from monitor import sources
from monitor.domain.alert import Alert
from monitor.domain.clock import ManualClock
from monitor.domain.source import SourceState
from monitor.pipeline import flow
from monitor.pipeline.inbox import StoredInbox
from monitor.pipeline.intake import Polled
from monitor.settings import Settings, load
from monitor.sources.http import HttpClient
from monitor.storage import Store
from monitor.testing import AtOnce, RecordingNotifier, Site

MINUTE = timedelta(minutes=1)
RULE = {"id": "complaint", "kind": "mention", "where": {"text": {"any_of": ["broken"]}}}


@dataclass
class Monitor:
    """All stages of one configuration. What a test does by hand the daemon does by itself."""

    settings: Settings
    store: Store
    clock: ManualClock
    http: HttpClient
    stages: flow.Flow

    async def poll(self, name: str = "news") -> Polled:
        """Ask a source, if it is not resting."""
        return await self.stages.intake.poll(name)

    async def state(self, name: str = "news") -> SourceState:
        """How a source stands."""
        async with self.store.read() as tx:
            return await tx.sources.get(name)

    async def rested(self, name: str = "news") -> None:
        """Move the clock to when the source may be asked again, and until its host is no longer left alone."""
        until = (await self.state(name)).backoff_until or self.clock.now()
        self.clock.advance_to(max(until, self.clock.now() + self.settings.http.breaker_rest))

    async def texts(self) -> list[str]:
        """What was said, as it is stored."""
        async with self.store.read() as tx:
            return sorted(each.title or each.text for each in await tx.mentions.after(0, 10_000))

    async def live(self, passing: timedelta, *, step: timedelta = MINUTE / 4) -> None:
        """Let time pass: every source is asked as often as it may be, and health looks at it."""
        end = self.clock.now() + passing
        while self.clock.now() < end:
            self.clock.advance(step)
            for name in self.settings.sources:
                await self.poll(name)
            await self.stages.evaluate.tick()

    async def alerts(self) -> list[Alert]:
        """All alerts, oldest first."""
        async with self.store.read() as tx:
            return list(reversed(await tx.alerts.list(limit=1000)))


@asynccontextmanager
async def listening(
    folder: Path, clock: ManualClock, feeds: Mapping[str, Any], *, allow: str = "localhost", patience: float = 30, **http: Any
) -> AsyncIterator[Monitor]:
    """A monitor of these sources: a feed by its address, others as in monitor.yaml. `http` stands as in monitor.yaml, too.

    `patience` is `http.timeout` in seconds, and may be shorter than a person would make it.
    """
    monitor = {
        "version": 1,
        "subjects": {"acme": ["Acme"]},
        "sources": {name: {"kind": "feed", "url": each} if isinstance(each, str) else each for name, each in feeds.items()},
        "receivers": {"desk": {"kind": "webhook", "url": "https://desk.example/"}},
        "routing": {"default": "desk"},
        "storage": {"url": f"sqlite:///{folder}/tocsin.db"},
        "http": {"allow": [allow] if allow else [], **http},
    }
    config = folder / "config"
    (config / "rules").mkdir(parents=True)
    (config / "monitor.yaml").write_text(json.dumps(monitor))
    (config / "rules" / "acme.yaml").write_text(json.dumps({"version": 1, "rules": [RULE]}))
    settings = load(config, environ={})
    hasty = settings.http.model_copy(update={"timeout": timedelta(seconds=patience)})
    settings = settings.model_copy(update={"http": hasty})
    store = await Store.open(settings.storage)
    try:
        async with HttpClient(settings.http, clock, pause=0) as client:
            inbox = StoredInbox(store)
            built = {
                name: sources.build(name, each, http=client, clock=clock, inbox=inbox, workshop=AtOnce())
                for name, each in settings.sources.items()
            }
            doors: Mapping[str, RecordingNotifier] = defaultdict(RecordingNotifier, {"desk": RecordingNotifier()})
            yield Monitor(settings, store, clock, client, flow.build(settings, store, clock, built, doors, owner="test"))
    finally:
        await store.close()


def publish(site: Site, *titles: str, **headers: str) -> None:
    """Let the site answer with a feed of these entries."""
    items = "".join(
        f"<item><title>{title}</title><link>https://news.example/{title.replace(' ', '-')}</link></item>" for title in titles
    )
    site.says(200, f'<rss version="2.0"><channel><title>News</title>{items}</channel></rss>', **headers)
