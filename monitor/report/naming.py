"""What people are called in a report: by their roles, for it is about what was done and not about who was slow."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from monitor.domain.plan import TOCSIN
from monitor.settings.contacts import Contacts
from monitor.settings.duty import names_of


@dataclass(frozen=True, slots=True)
class Naming:
    """`preferred` are the roles that the plan names: whoever has several is called by one of those."""

    contacts: Contacts
    zone: str
    preferred: Collection[str] = ()

    def role(self, name: str, at: datetime) -> str:
        """The role that somebody had at a moment; a role or receiver by its own name; empty for whoever has none."""
        if name == TOCSIN or name in self.contacts.roles:
            return name
        roles = names_of(self.contacts, name, at, self.zone) - {name}
        return min(roles, key=lambda role: (role not in self.preferred, role), default="")

    def addressee(self, name: str, at: datetime) -> str:
        """The same of whom something goes to: what is neither a person nor a role is a receiver, and has a name of its own."""
        return self.role(name, at) if self.is_person(name) else name

    def is_person(self, name: str) -> bool:
        """Whether somebody is in contacts.yaml."""
        return name in self.contacts.people

    def behind(self, receiver: str) -> list[str]:
        """The people whom a receiver reaches; none: it is shared."""
        return [name for name, person in self.contacts.people.items() if receiver == name or receiver in person.receivers]
