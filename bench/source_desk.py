"""One source at work on pages that lie in memory: the real source, client, intake and store, without the network."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Mapping
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self

import yaml
from yarl import URL

from bench import networks
from monitor import heaps, sources
from monitor.domain.clock import ManualClock
from monitor.domain.mention import Scores
from monitor.pipeline.enrich import Enricher
from monitor.pipeline.inbox import StoredInbox
from monitor.pipeline.intake import Intake
from monitor.pipeline.second_opinion import SecondOpinion
from monitor.sentiment import Scorer
from monitor.settings import Settings, load
from monitor.sources import Source
from monitor.sources.http import Answer, HttpClient, Means
from monitor.sources.request import Request
from monitor.storage import StorageSettings, Store
from monitor.telemetry import configure_logging, metrics
from monitor.workshop.pool import Workshop

MENTIONS = 10_000
BEGAN = datetime(2026, 3, 2, 6, 0, tzinfo=UTC)
LASTED = timedelta(hours=10)
STAGES = ("read", "enrich", "store")
_NAME = "net"
_HEADERS = {"content-type": "application/json; charset=utf-8", "facebook-api-version": "v26.0"}


class Remembering(HttpClient):
    """Does all that the client does with a question and an answer, but for the socket. An answer is made once."""

    def __init__(self, settings: Settings, clock: ManualClock, network: networks.Network) -> None:
        super().__init__(settings.http, clock)
        self._network = network
        self._story = clock
        self._answered: dict[tuple[datetime, URL], bytes] = {}

    async def _send(self, request: Request, url: URL, led_by: URL | None, means: Means | None) -> Answer:
        del request, led_by
        asked = self._story.now(), url
        body = self._answered.get(asked)
        if body is None:
            body = self._answered[asked] = json.dumps(self._network.answer(url.path, url.query)).encode()
        document = None if means is None else self._understood(url, 200, _HEADERS, body, means)
        return Answer(200, _HEADERS, body, str(url), document=document)


class _Silent(Scorer):
    """Scores that take no time, and say nothing."""

    def score_all(self, said: Any) -> list[Scores]:
        return [Scores()] * len(said)


class Desk:
    """A source that has had its first look, and then finds `MENTIONS` new mentions. Use as an async context manager."""

    def __init__(self, kind: type[networks.Network], *, scored: bool) -> None:
        self._clock = ManualClock(BEGAN)
        talk = networks.Talk(BEGAN - LASTED / MENTIONS, LASTED / MENTIONS, BEGAN, networks.recorded(kind.kind))
        self._network, self._scorer = kind(talk), Scorer() if scored else _Silent()
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        configure_logging("console", "error")
        folder = Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="tocsin-bench-")))
        (folder / "monitor.yaml").write_text(yaml.safe_dump(self._written()), encoding="utf-8")
        self._settings = load(folder)
        self._http = await self._stack.enter_async_context(Remembering(self._settings, self._clock, self._network))
        self._workshop = await self._stack.enter_async_context(Workshop())
        storage = StorageSettings.model_validate({"url": f"sqlite:///{folder}/tocsin.db"})
        self._store = await Store.open(storage)
        self._stack.push_async_callback(self._store.close)
        heaps.settle()  # as the daemon does
        return self

    async def __aexit__(self, *failure: object) -> None:
        await self._stack.aclose()

    def _written(self) -> Mapping[str, Any]:
        return {
            "version": 1,
            "subjects": {"lumora": {"names": ["Lumora"], "handles": ["@lumora"], "hashtags": ["#lumora"]}},
            "sources": {_NAME: self._network.settings("https://network.example")},
            "receivers": {"out": {"kind": "webhook", "url": "https://never-called.invalid/"}},
            "routing": {"default": "out"},
        }

    def _source(self) -> Source:
        settings, inbox = self._settings.sources[_NAME], StoredInbox(self._store)
        return sources.build(_NAME, settings, http=self._http, clock=self._clock, inbox=inbox, workshop=self._workshop)

    def _talk_on(self, at: datetime) -> None:
        self._clock.current = self._network.talk.now = at

    async def parse(self) -> tuple[int, float]:
        """How many mentions the source makes of what is new, and the seconds that it takes."""
        source, found, more = self._source(), 0, True
        self._talk_on(BEGAN)
        cursor = (await source.poll(None)).cursor
        self._talk_on(BEGAN + LASTED)
        began = time.perf_counter()
        while more:
            batch = await source.poll(cursor)
            assert not batch.rejected, batch.rejected[0]
            cursor, more, found = batch.cursor, batch.more, found + len(batch.mentions)
        return found, time.perf_counter() - began

    async def take_in(self) -> dict[str, float]:
        """The same through intake, into the store: seconds in all, of processor time, and in each stage."""
        settings = self._settings
        enricher, second = Enricher(settings.subjects, self._scorer, settings.ours), SecondOpinion(settings, self._clock)
        intake = Intake(settings, self._store, self._clock, {_NAME: self._source()}, enricher, second)
        self._talk_on(BEGAN)
        await intake.poll(_NAME)
        self._talk_on(BEGAN + LASTED)
        before, worked, began = _stages(), time.process_time(), time.perf_counter()
        while (polled := await intake.poll(_NAME)).more:
            assert not polled.rejected, polled.reasons[0]
        taken = {"taken_in": time.perf_counter() - began, "worked": time.process_time() - worked}
        return taken | {name: spent - before[name] for name, spent in _stages().items()}


def _stages() -> dict[str, float]:
    sample = metrics.registry.get_sample_value
    return {name: sample("tocsin_stage_seconds_sum", {"stage": name}) or 0.0 for name in STAGES}
