"""Has rules tried: one at a time, with a deadline, and remembers for some minutes what came of it."""

from __future__ import annotations

import asyncio
import re
import tempfile
from collections import OrderedDict
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from aiohttp import web

from monitor.backtest.trial import Asked, Trial, tried
from monitor.domain.errors import TocsinError
from monitor.settings import Settings
from monitor.workshop.pool import Workshop
from rules import Rule

DAYS: Final = (1, 3, 7, 14, 28)
WITHIN: Final = timedelta(seconds=60)
_MEMORY: Final = 768 * 2**20
_TIRED: Final = 96 * 2**20
_KEPT: Final = 8
_WAITING: Final = 2
_LONGEST: Final = 12  # characters of a number
_AMOUNT: Final = re.compile(r"-?(\d+\.?\d*|\.\d+)", re.ASCII)


class BusyError(TocsinError):
    """Others are having rules tried."""


class Trials:
    """One worker, which ends when nobody needs it."""

    def __init__(self) -> None:
        self._workshop = Workshop(1, memory=_MEMORY, tired=_TIRED)
        self._known: OrderedDict[tuple[object, ...], Trial] = OrderedDict()
        self._waiting = 0
        self._lock = asyncio.Lock()

    async def close(self) -> None:
        """End the worker."""
        await self._workshop.close()

    async def of(self, settings: Settings, asked: Asked) -> Trial:
        """What came of it. Raises `BusyError`, and `WorkError` where it takes too long or too much."""
        key = asked.rule.model_dump_json(), asked.since, asked.until, asked.setting, asked.value
        if key not in self._known:
            if self._waiting >= _WAITING:
                raise BusyError("others are trying rules")
            self._waiting += 1
            try:
                async with self._lock:  # two who ask the same wait for one answer
                    if key not in self._known:
                        self._known[key] = await self._try(settings, asked)
            finally:
                self._waiting -= 1
        while len(self._known) > _KEPT:
            self._known.popitem(last=False)
        return self._known[key]

    async def _try(self, settings: Settings, asked: Asked) -> Trial:
        """What strangers said leaves no trace, also when the worker is ended in the middle."""
        with tempfile.TemporaryDirectory(prefix="tocsin-", ignore_cleanup_errors=True) as folder:
            return await self._workshop.run(tried, settings, asked, folder, within=WITHIN)


TRIALS: Final = web.AppKey("trials", Trials)


def asked_of(rule: Rule, query: Mapping[str, str], now: datetime) -> Asked | None:
    """What a form says; None: nothing that can be tried. It ends at whole ten minutes: a chart finds what its page did."""
    days = next((each for each in DAYS if str(each) == query.get("days")), None)
    if days is None:
        return None
    until = now.replace(minute=now.minute - now.minute % 10, second=0, microsecond=0) + timedelta(minutes=10)
    if (ended := query.get("until", "")).isdecimal() and ended.isascii() and len(ended) < _LONGEST:
        until = min(until, datetime.fromtimestamp(int(ended), until.tzinfo))
    return Asked(rule, until - timedelta(days=days), until, query.get("setting", ""), _number(query.get("value", "")))


def _number(written: str) -> float | None:
    """As people type it, with a comma or a point; nothing that is no amount."""
    plain = written.strip().replace(",", ".")
    return float(plain) if len(plain) <= _LONGEST and _AMOUNT.fullmatch(plain) else None
