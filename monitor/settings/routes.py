"""The routes of monitor.yaml, compiled: which of them an alert takes."""

from __future__ import annotations

from typing import NamedTuple

from monitor.settings.model import Settings
from rules import AlertCondition, AlertSeen
from rules.finding import Verdict


class Taken(NamedTuple):
    """A route that an alert takes: its number in the file (from 1), and what people call it."""

    number: int
    title: str | None
    to: tuple[str, ...]

    @property
    def name(self) -> str:
        """As it is said where somebody asks why they are told."""
        return f"route {self.number} ({self.title})" if self.title else f"route {self.number}"


class Routes:
    """All routes, in the order of the file. They know no people: `to` may name anybody."""

    def __init__(self, settings: Settings) -> None:
        """Compiles settings that were checked: raises RuleError for a list or pattern that is none."""
        self._routes = [
            (
                Taken(number, route.title, route.to),
                AlertCondition(route.where, settings.lists, path=f"routing.routes[{number - 1}].where"),
                route.continue_,
            )
            for number, route in enumerate(settings.routing.routes, start=1)
        ]

    def __bool__(self) -> bool:
        return bool(self._routes)

    def of(self, alert: AlertSeen) -> list[Taken]:
        """The first route that matches, and those that it leads on to; none where nobody can tell that one does."""
        taken = []
        for route, condition, continues in self._routes:
            if condition.matches(alert):
                taken.append(route)
                if not continues:
                    break
        return taken

    def explain(self, alert: AlertSeen) -> list[tuple[Taken, list[Verdict]]]:
        """How the conditions of each route fare with an alert, whether or not an earlier one took it."""
        return [(route, condition.explain(alert)) for route, condition, _ in self._routes]
