"""Remembers for a moment what was gathered: a page, its charts and its export ask for the same."""

from __future__ import annotations

from collections import OrderedDict
from datetime import datetime, timedelta
from typing import Final

from aiohttp import web

from monitor.digest import Paper, Scope, gather, tell
from monitor.digest.value import Digest
from monitor.settings import Settings
from monitor.web.desk import Desk
from notifiers.reader import Reader

_FRESH: Final = timedelta(seconds=30)
_MOST: Final = 16


class Shelf:
    """Digests that were gathered lately, by what they are about."""

    def __init__(self) -> None:
        self._kept: OrderedDict[Scope, tuple[datetime, Settings, Digest]] = OrderedDict()

    async def paper(self, desk: Desk, scope: Scope, reader: Reader) -> Paper:
        """The digest in its reader's words."""
        return tell(await self._gathered(desk, scope), desk.settings, reader)

    async def _gathered(self, desk: Desk, scope: Scope) -> Digest:
        known = self._kept.get(scope)
        if known is not None and known[1] is desk.settings and desk.wall() - known[0] < _FRESH:
            return known[2]
        found = await gather(desk.store, desk.settings, desk.clock, scope)
        self._kept[scope] = (desk.wall(), desk.settings, found)
        self._kept.move_to_end(scope)
        while len(self._kept) > _MOST:
            self._kept.popitem(last=False)
        return found


SHELF: Final = web.AppKey("shelf", Shelf)
