"""The telephone tree of a plan: whom to call, in the order of its ladder, and who stands in for whom."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from monitor.cards.tongue import Tongue
from monitor.domain.plan import EVERYONE, Plan, Rung
from monitor.plans.ladder import ACK_WITHIN
from monitor.settings import Role, Settings


@dataclass(frozen=True, slots=True)
class Call:
    """Somebody to call. `phone` is empty where contacts.yaml has none: the card leaves room to write it in."""

    name: str
    task: str
    phone: str
    hours: str
    note: str = ""
    receiver: bool = False  # no person: something that Tocsin tells, such as a chat room


@dataclass(frozen=True, slots=True)
class Branch:
    """A rung: when it is called, and who. Without anybody it says how the ladder goes on."""

    when: str
    calls: tuple[Call, ...]


class Tree:
    """The people of one plan at a moment (aware), in one reader's words."""

    def __init__(self, settings: Settings, plan: Plan, tongue: Tongue, at: datetime) -> None:
        self._settings = settings
        self._contacts = settings.contacts
        self._plan = plan
        self._tongue = tongue
        self._at = at
        top = plan.severity[0] if plan.severity else None
        self._within = (top.ack_within if top is not None else None) or ACK_WITHIN
        self.level = tongue.line(top.name) if top is not None else ""  # whose times they are; empty without levels

    def branches(self) -> tuple[Branch, ...]:
        """The ladder, from the opening to its end."""
        first = Branch(self._tongue.say("opening"), self.calls(self._plan.notify))
        return (first, *(self._branch(rung) for rung in self._plan.escalation))

    def others(self) -> tuple[Call, ...]:
        """Whoever else the plan names: approvers, whoever does a step or signs."""
        known = {each.name for branch in self.branches() for each in branch.calls}
        return tuple(each for each in self.calls(self._plan.named()) if each.name not in known and not each.receiver)

    def calls(self, names: Iterable[str]) -> tuple[Call, ...]:
        """Those behind names, each once."""
        found: dict[str, Call] = {}
        for each in (each for name in names for each in self._behind(name)):
            found.setdefault(each.name, each)
        return tuple(found.values())

    def who(self, name: str) -> str:
        """What a person or role is called: « Léa Martin (community-manager) »."""
        if name in self._contacts.people:
            return self._tongue.line(self._contacts.people[name].name)
        role = self._contacts.roles.get(name)
        if role is None or role.primary is None:
            return name
        return f"{self._tongue.line(self._contacts.people[role.primary].name)} ({name})"

    def _branch(self, rung: Rung) -> Branch:
        phrase = self._tongue.say
        if rung.repeat_from is not None:
            again = next((each for each in self._plan.escalation[rung.repeat_from :] if each.repeat_from is None), rung)
            said = phrase("again", span=self._tongue.span(rung.every), n=str(rung.max), rung=self._when(again))
            return Branch(f"{said}. {phrase('everyone')}" if rung.then == EVERYONE else said, ())
        unless = f" {phrase('unless')}" if rung.unless else ""
        return Branch(f"{self._when(rung)}{unless}", self.calls(rung.notify))

    def _when(self, rung: Rung) -> str:
        if not rung.at:
            return self._tongue.say("at_once")
        return self._tongue.say("after", span=self._tongue.span(self._within * rung.at))

    # --- who is behind a name --------------------------------------------------------------------------------------------

    def _behind(self, name: str) -> Iterator[Call]:
        if name in self._contacts.people:
            yield self._person(name, "")
        elif name in self._contacts.roles:
            yield from self._role(name, self._contacts.roles[name])
        elif name in self._settings.receivers:
            note = self._tongue.say("receiver", name=name)
            yield Call(name, "", "", "", note, receiver=True)
        else:
            routing = self._settings.routing
            named = routing.ops if name == "ops" and routing.ops else routing.default
            yield from (call for each in named if each != name for call in self._behind(each))

    def _role(self, name: str, role: Role) -> Iterator[Call]:
        for person, note in self._holders(role):
            yield self._person(person, name, note)
        if role.backup is not None:
            whom = self.who(role.primary) if role.primary is not None else name
            yield self._person(role.backup, name, self._tongue.say("backup", who=whom))

    def _holders(self, role: Role) -> Iterator[tuple[str, str]]:
        """Whoever has it; of a roster who is on call now, then who comes next, then the others."""
        if role.roster is None:
            yield str(role.primary), ""
            return
        zone = self._settings.timezone
        day = role.roster.day_at(self._at, zone)
        now, _ = role.roster.on_call(day)
        change = role.roster.next_change(day)
        following = role.roster.on_call(change)[0] if change is not None else None
        phrase, written = self._tongue.say, self._tongue.day
        yield now, phrase("on_call.until", day=written(change)) if change is not None else phrase("on_call")
        if change is not None and following is not None:
            yield following, phrase("on_call.from", day=written(change))
        yield from ((each, phrase("on_call.later")) for each in role.people if each not in {now, following})

    def _person(self, name: str, task: str, note: str = "") -> Call:
        person = self._contacts.people[name]
        hours = self._tongue.hours(person.hours)
        said = self._tongue.line(person.name)
        return Call(said, task, person.phone or "", hours, ", ".join(filter(None, (note, self._away(name)))))

    def _away(self, name: str) -> str:
        """The days of leave that are not over."""
        today, written = self._tongue.today(self._at), self._tongue.day
        spans = [each for each in self._contacts.people[name].away if each.last >= today]
        days = (
            f"{written(each.first)} – {written(each.last)}" if each.first < each.last else written(each.first) for each in spans
        )
        return self._tongue.say("away", days=", ".join(days)) if spans else ""
