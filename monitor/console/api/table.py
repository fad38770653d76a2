"""The one table of all that the API answers."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final

from monitor.console.api import alerts, figures, house, mentions, openapi, runs, silences
from monitor.console.api.answering import route_of
from monitor.console.api.endpoint import Asked, Endpoint, Nothing
from monitor.console.route import Route
from monitor.domain.account import Permission


async def document(asked: Asked[Nothing, Nothing]) -> dict[str, Any]:
    """This description of the API, as OpenAPI 3.1."""
    del asked
    return written()


@lru_cache(maxsize=1)
def written() -> dict[str, Any]:
    """The OpenAPI document of all endpoints."""
    return openapi.document(ENDPOINTS)


ENDPOINTS: Final[tuple[Endpoint, ...]] = (
    *mentions.ENDPOINTS,
    *alerts.ENDPOINTS,
    *silences.ENDPOINTS,
    *runs.ENDPOINTS,
    *figures.ENDPOINTS,
    *house.ENDPOINTS,
    Endpoint("GET", "/openapi.json", document, Permission.LOOK, name="openapi"),
)

ROUTES: Final[tuple[Route, ...]] = tuple(map(route_of, ENDPOINTS))
