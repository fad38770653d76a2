"""Writes the message of a digest: gathered, told in its receiver's words, its charts drawn as pictures."""

from __future__ import annotations

import base64
from dataclasses import replace
from typing import Final

import structlog

from monitor.charts.chart import Chart
from monitor.charts.drawing import Drawer
from monitor.charts.look import Look
from monitor.digest.as_data import as_data
from monitor.digest.as_html import Drawn, html
from monitor.digest.as_text import text
from monitor.digest.gathering import gather, scope_of
from monitor.digest.paper import Paper, Section
from monitor.digest.telling import console_of, tell
from monitor.digest.value import Scope
from monitor.domain.clock import Clock
from monitor.domain.digest import Owed
from monitor.settings import Settings
from monitor.storage import Store
from monitor.telemetry import metrics
from monitor.workshop.pool import WorkError
from notifiers import Message
from notifiers.letter import Letter, Picture
from notifiers.reader import Reader

log = structlog.get_logger(__name__)

_WIDTH: Final = 554  # pixels, as wide as the column of the mail


class Writer:
    """Writes digests of one configuration."""

    def __init__(self, settings: Settings, store: Store, clock: Clock, drawer: Drawer) -> None:
        self._settings = settings
        self._store = store
        self._clock = clock
        self._drawer = drawer

    async def write(self, owed: Owed, message: Message) -> Message:
        """The message of a digest that was owed, as things stand now, in the language and the zone of its receiver."""
        digest = self._settings.digests[owed.digest]
        scope = scope_of(owed.digest, digest, owed.day, message.timezone)
        if digest.kind == "morning":
            scope = replace(scope, since=owed.since, until=owed.until)
        return await self.message(scope, message)

    async def message(self, scope: Scope, message: Message) -> Message:
        """The message with its letter. A chart that cannot be drawn leaves its table behind."""
        paper = await self.paper(scope, Reader(message.language, message.timezone))
        drawn, pictures = await self._charts(paper)
        page = self.page(scope)
        letter = Letter(
            subject=paper.subject,
            brief=f"{paper.brand} · {paper.headline}",
            text=text(paper),
            html=html(paper, drawn, page),
            facts=as_data(paper),
            urgent=paper.urgent,
            page=page,
            calm=paper.calm,
            pictures=pictures,
        )
        return replace(message, letter=letter)

    async def document(self, scope: Scope, reader: Reader) -> str:
        """The mail as one file that opens by itself, its pictures in it."""
        paper = await self.paper(scope, reader)
        drawn, pictures = await self._charts(paper)
        found = html(paper, drawn, self.page(scope))
        for each in pictures:
            found = found.replace(f"cid:{each.name}", f"data:image/png;base64,{base64.b64encode(each.png).decode()}")
        return found

    async def paper(self, scope: Scope, reader: Reader) -> Paper:
        """The digest in its reader's words."""
        return tell(await gather(self._store, self._settings, self._clock, scope), self._settings, reader)

    def page(self, scope: Scope) -> str:
        """Where it stands in the console; empty where nobody can reach that."""
        console = console_of(self._settings)
        return f"{console}/reports/{scope.name}/{scope.day.isoformat()}" if console else ""

    async def _charts(self, paper: Paper) -> tuple[dict[str, Drawn], list[Picture]]:
        drawn: dict[str, Drawn] = {}
        pictures: list[Picture] = []
        for number, section in enumerate(each for each in paper.sections if each.draw is not None):
            drawn[section.key], made = await self._drawn(section, f"chart-{number}", paper)
            pictures += made
        return drawn, pictures

    async def _drawn(self, section: Section, name: str, paper: Paper) -> tuple[Drawn, list[Picture]]:
        assert section.draw is not None
        chart = section.draw(Look(paper.reader, width=_WIDTH))
        try:
            night = section.draw(Look(paper.reader, dark=True, width=_WIDTH))
            pictures = [Picture(f"{name}-{part}", await self._png(each)) for part, each in (("day", chart), ("night", night))]
        except (WorkError, ValueError) as error:
            log.warning("digest.not_drawn", chart=section.key, problem=str(error))
            metrics.worker_failures.labels(worker="digests").inc()
            return Drawn(chart, "", ""), []
        return Drawn(chart, *(f"cid:{each.name}" for each in pictures)), pictures

    async def _png(self, chart: Chart) -> bytes:
        return await self._drawer.png(chart.spec)
