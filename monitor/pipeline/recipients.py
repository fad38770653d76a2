"""Who is told of an alert: the people its rule names, else those of its route; and who else, when a receiver fails."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime

from monitor.domain.alert import HEALTH_KINDS, Addressee, Alert, NewAlert
from monitor.domain.mention import Observed
from monitor.settings import Settings
from monitor.settings.routes import Routes
from rules import AlertSeen

_NO_ROUTE, _NAMES_NOBODY = "no route is for it", "its rule names nobody"


class Recipients:
    """Names of people, roles and receivers become receivers, each once and in order. Nobody is never the answer."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._named = {rule.id: rule.notify for rule in settings.rules}
        self._routes = Routes(settings)

    def addressees(self, alert: NewAlert | Alert, mention: Observed | None = None) -> tuple[Addressee, ...]:
        """Whom an alert goes to, and why: decided when it is opened, for all of its life. `mention` is what rang it."""
        return self._chosen(alert, mention) or (Addressee("default", _NO_ROUTE if self._routes else _NAMES_NOBODY),)

    def newcomers(self, alert: Alert, mention: Observed | None) -> tuple[Addressee, ...]:
        """Whom an alert that became graver goes to as well: who had it keeps it, and those join who are told of such."""
        known = {each.name for each in alert.goes_to}
        return tuple(each for each in self._chosen(alert, mention) if known and each.name not in known)

    def _chosen(self, alert: NewAlert | Alert, mention: Observed | None) -> tuple[Addressee, ...]:
        """Those whom somebody chose for it, each once."""
        found: dict[str, Addressee] = {}
        for each in self._choose(alert, mention):
            found.setdefault(each.name, each)
        return tuple(found.values())

    def _choose(self, alert: NewAlert | Alert, mention: Observed | None) -> Iterator[Addressee]:
        if named := self._named.get(alert.rule):
            yield from (Addressee(name, "its rule says so") for name in named)
        elif alert.kind == "plan_due":
            yield self._owner(alert)
        elif alert.kind in HEALTH_KINDS:
            plan = self._settings.plans.get(alert.labels.get("plan", "")) if alert.kind == "plan_health" else None
            yield from (Addressee(name, "the plan names them") for name in (plan.notify if plan is not None else ()))
            yield Addressee("ops", "it is about Tocsin itself")
        else:
            # What is gathered of old posts is about no single one of them.
            seen = AlertSeen.of(alert, None if "catch_up" in alert.labels else mention)
            yield from (Addressee(name, route.name) for route in self._routes.of(seen) for name in route.to)

    def _owner(self, alert: NewAlert | Alert) -> Addressee:
        plan = self._settings.plans.get(alert.labels.get("plan", ""))
        if plan is not None and plan.owner and self._settings.resolve(plan.owner):
            return Addressee(plan.owner, "the plan is theirs")
        return Addressee("ops", "it is about Tocsin itself")

    def of(self, alert: Alert, now: datetime) -> tuple[str, ...]:
        """The receivers of an alert. A dead receiver is not told that it is dead."""
        expanded = self.expand((each.name for each in self._of(alert)), now)
        if alert.kind != "receiver_health":
            return expanded
        dead = alert.key["receiver"]
        others = tuple(name for name in expanded if name != dead)
        return others or tuple(name for name in self._settings.receivers if name != dead)

    def _of(self, alert: Alert) -> Sequence[Addressee]:
        return alert.goes_to or self.addressees(alert)

    def fallback(self, receiver: str, now: datetime) -> tuple[str, ...]:
        """The next channel of a receiver, as its settings name it."""
        named = self._settings.receivers[receiver].fallback if receiver in self._settings.receivers else ()
        return tuple(name for name in self.expand(named, now) if name != receiver)

    def next_after(self, receiver: str, alert: Alert | None, hopes: Mapping[str, bool], now: datetime) -> tuple[str, ...]:
        """Who else is told what a receiver does not take: its fallback, else whoever makes sure that somebody knows.

        `hopes` says who is told already, and whether there is hope that it arrives: while there is, it is enough.
        """
        fresh = tuple(name for name in self.fallback(receiver, now) if name not in hopes)
        if fresh or any(hope for name, hope in hopes.items() if name != receiver):
            return fresh
        named = [each.name for each in self._of(alert) if self._is_known(each.name)] if alert is not None else []
        now_named = self._named.get(alert.rule, ()) if alert is not None else ()
        for names in (named, now_named, ("default",), ("ops",), self._settings.receivers):
            fresh = tuple(name for name in self.expand(names, now) if name != receiver and name not in hopes)
            if fresh:
                return fresh
        return ()

    def next_in_plan(self, receiver: str, people: Sequence[str], hopes: Mapping[str, bool], now: datetime) -> tuple[str, ...]:
        """Who else is told what somebody is to do in a plan run, whose `people` are these: it is not enough that they know of it.

        The receiver's fallback; else, unless there is hope that somebody learns of this very call, another channel of the same
        person, or the people of the plan, or anybody.
        """
        fresh = tuple(name for name in self.fallback(receiver, now) if name not in hopes)
        if fresh or any(hope for name, hope in hopes.items() if name != receiver):
            return fresh
        theirs = [name for name in self._settings.contacts.people if receiver in self._settings.resolve(name)]
        room = [name for name in people if self._is_known(name)]
        for names in (theirs, room, ("default",), ("ops",), self._settings.receivers):
            fresh = tuple(name for name in self.expand(names, now) if name != receiver and name not in hopes)
            if fresh:
                return fresh
        return ()

    def _is_known(self, name: str) -> bool:
        """Whether a name still stands for somebody: what an alert goes to is kept for all of its life."""
        settings = self._settings
        return name in {*settings.receivers, *settings.contacts.people, *settings.contacts.roles, "default", "ops"}

    def expand(self, names: Iterable[str], now: datetime) -> tuple[str, ...]:
        """The receivers behind names; a backup joins a primary who is off duty."""
        return tuple(dict.fromkeys(receiver for name in names for receiver in self._settings.resolve(name, now)))
