"""The one table of all that the console answers, and what each row needs."""

from __future__ import annotations

from typing import Final

from monitor.console import account, api, charting, dashboard, health, home, people, plans, rules, static, streams
from monitor.console.route import Route

AREAS: Final = (static, streams, charting, account, home, dashboard, rules, plans, health, people, api)

ROUTES: Final[tuple[Route, ...]] = tuple(route for area in AREAS for route in area.ROUTES)
