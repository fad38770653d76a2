"""The way in, and what people say about themselves."""

from __future__ import annotations

from monitor.console.route import Route

ROUTES: tuple[Route, ...] = ()
