"""Alerts: what rings and what is over, why, who was told, and what people do about it."""

from __future__ import annotations

from typing import Final

from monitor.console.alerts import course
from monitor.console.alerts.acting import ROUTES as _ACTS
from monitor.console.alerts.listing import alerts
from monitor.console.alerts.page import alert
from monitor.console.charting import rows
from monitor.console.route import Route
from monitor.domain.account import Permission

ROUTES: Final = (
    Route("GET", "/alerts", alerts, Permission.LOOK),
    Route("GET", r"/alerts/{alert:\d+}", alert, Permission.LOOK),
    *rows(r"/alerts/{alert:\d+}/chart", course.draw),
    *_ACTS,
)
