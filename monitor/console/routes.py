"""The one table of all that the console answers, and what each row needs."""

from __future__ import annotations

from typing import Final

from monitor.console import account, api, feed, health, home, people, static, streams
from monitor.console.route import Route

AREAS: Final = (static, streams, account, home, feed, health, people, api)

ROUTES: Final[tuple[Route, ...]] = tuple(route for area in AREAS for route in area.ROUTES)
