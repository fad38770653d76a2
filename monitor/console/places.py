"""The navigation: the areas of the console, in the order in which people see them."""

from __future__ import annotations

from collections.abc import Sequence

from monitor.console.route import Place
from monitor.console.tongue import N_
from monitor.domain.account import Permission, Visitor

PLACES: tuple[Place, ...] = (
    Place("/", N_("Overview"), "home", "h"),
    Place("/feed", N_("Feed"), "feed", "f"),
    Place("/health", N_("Health"), "health", "s"),
    Place("/accounts", N_("Accounts"), "people", "u", Permission.ADMINISTER),
    Place("/audit", N_("Audit log"), "audit", "l", Permission.ADMINISTER),
)


def places(visitor: Visitor) -> Sequence[Place]:
    """Those that a visitor may go to."""
    return [place for place in PLACES if visitor.may(place.need)]
