"""Looks now and then whether the cards on disk are those of the configuration at work, and writes what is not."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Final

import structlog

from monitor import paper
from monitor.cards import folder
from monitor.cards.card import Card, card
from monitor.cards.page import LAYOUT, data
from monitor.cards.tongue import Tongue
from monitor.domain.clock import Clock
from monitor.settings import Settings
from monitor.workshop.pool import WorkError, Workshop
from notifiers.reader import Reader

log = structlog.get_logger(__name__)

MEMORY: Final = 1024 * 2**20  # bytes that the layout of a PDF may take, in a process of its own
PATIENCE: Final = timedelta(minutes=1)  # for one PDF


class Keeper:
    """One `step` brings all cards up to date. What goes wrong is told once, and tried again at the next."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._trouble = ""  # what the log was told last

    async def step(self) -> int:
        """Write what is not as it should be. It never fails: cards are the least of a daemon's work."""
        trouble = ""
        try:
            left = await asyncio.to_thread(self._pages)
            if left and paper.available():
                trouble = await self._papers(left)
        except OSError as error:
            trouble = error.strerror or str(error)
        self._tell(trouble)
        return 0

    def _pages(self) -> list[folder.Kept]:
        today = Tongue(Reader(self._settings.language, self._settings.timezone)).today(self._clock.now())
        return folder.keep(self._settings.card_folder, self._cards(), today)

    def _cards(self) -> list[Card]:
        settings, now = self._settings, self._clock.now()
        languages = dict.fromkeys(settings.cards.languages or (settings.language,))
        return [card(plan, settings, language, now) for plan in settings.plans.values() for language in languages]

    async def _papers(self, left: list[folder.Kept]) -> str:
        """Lay out the PDFs that are missing, one by one, in a process of their own. What went wrong, or nothing."""
        async with Workshop(memory=MEMORY) as workshop:
            for each in left:
                try:
                    made = await workshop.run(paper.pdf, LAYOUT.read_bytes(), data(each.card), within=PATIENCE)
                except WorkError as error:
                    return f"{each.pdf.name}: to lay it out {error}"
                except Exception as error:  # noqa: BLE001 whatever it is, the page is there
                    return f"{each.pdf.name}: it could not be laid out ({type(error).__name__})"
                await asyncio.to_thread(folder.write, each.pdf, made)
        return ""

    def _tell(self, trouble: str) -> None:
        where = str(self._settings.card_folder)
        if trouble and trouble != self._trouble:
            log.warning("cards.not_kept", folder=where, problem=trouble, so="the cards there are not up to date")
        elif self._trouble and not trouble:
            log.info("cards.kept_again", folder=where)
        self._trouble = trouble
