"""Puts the console behind the public door."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

from aiohttp import web

from monitor.charts.drawing import Drawer
from monitor.console.api import LIMITS, Limits, problem_details
from monitor.console.charting import GALLERY, Gallery
from monitor.console.door import TABLE, door
from monitor.console.health import LAST_RELOAD
from monitor.console.live import LIVE, Live
from monitor.console.presence import PRESENCE, Presence
from monitor.console.routes import ROUTES
from monitor.console.rules.trying import TRIALS, Trials
from monitor.console.streams import SEATS, Seats
from monitor.web.app import Reloaded
from monitor.web.desk import DESK


@dataclass(frozen=True, slots=True)
class Console:
    """What the console needs of the daemon beside the desk: what became of the last reload."""

    last_reload: Callable[[], tuple[datetime, Reloaded] | None]

    def furnish(self, app: web.Application) -> None:
        """Add the routes, who watches over them, and what is kept in memory for all pages."""
        app[LAST_RELOAD] = self.last_reload
        app[LIVE] = Live(lambda: app[DESK]().store)
        app[PRESENCE], app[SEATS] = Presence(), Seats()
        app[GALLERY], app[TRIALS] = Gallery(Drawer()), Trials()
        app[TABLE] = MappingProxyType({app.router.add_route(row.method, row.path, row.handler): row for row in ROUTES})
        app[LIMITS] = Limits()
        app.middlewares.extend((problem_details, door))
        app.on_shutdown.append(_close)


async def _close(app: web.Application) -> None:
    """Streams never end by themselves: the end of the daemon does not wait for them."""
    await app[LIVE].close()
    await app[GALLERY].close()
    await app[TRIALS].close()
