"""Who may use the console, and what each role may do there. The table `MAY` is the only place that says so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:  # the command line names roles before it has loaded anything that takes long
    from monitor.domain.plan.words import Language

Through = Literal["console", "token", "proxy"]
"""How somebody got in, as the timeline and the audit log say it."""


class Role(StrEnum):
    """What people are here for. Each may also do what those before it may."""

    VIEWER = "viewer"
    MONITOR = "monitor"
    MANAGER = "manager"
    ADMIN = "admin"


class Permission(StrEnum):
    """One thing that somebody may do; also the scope of a token."""

    LOOK = "look"
    HANDLE = "handle"  # assign, answered, note, not about us, wrong score, open an alert
    ACKNOWLEDGE = "acknowledge"  # alerts and plan runs
    SILENCE = "silence"
    FALSE_ALARM = "false_alarm"
    CARRY_OUT = "carry_out"  # steps of plans, ticks, notes
    DECIDE = "decide"  # confirm, approve, escalate, open a plan, stand down, sign off
    EXPORT = "export"  # personal data
    ADMINISTER = "administer"  # accounts, tokens of others, audit log, reload


_OWN: Final[Mapping[Role, frozenset[Permission]]] = {
    Role.VIEWER: frozenset({Permission.LOOK}),
    Role.MONITOR: frozenset(
        {Permission.HANDLE, Permission.ACKNOWLEDGE, Permission.SILENCE, Permission.FALSE_ALARM, Permission.CARRY_OUT}
    ),
    Role.MANAGER: frozenset({Permission.DECIDE, Permission.EXPORT}),
    Role.ADMIN: frozenset({Permission.ADMINISTER}),
}
_RISING: Final = tuple(Role)
MAY: Final[Mapping[Role, frozenset[Permission]]] = {
    role: frozenset().union(*(_OWN[each] for each in _RISING[: _RISING.index(role) + 1])) for role in _RISING
}


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody who may sign in. Times are aware and in UTC; nothing in it is secret.

    `name` is what they type; `called` is what others read. None in `language` and `timezone`: those of their entry in
    contacts.yaml, or of monitor.yaml.
    """

    id: int
    name: str
    called: str
    role: Role
    created_at: datetime
    language: Language | None = None
    timezone: str | None = None
    disabled_at: datetime | None = None
    has_password: bool = False
    has_codes: bool = False  # one-time codes are set up
    subject: str | None = None  # who they are for the identity provider (`issuer subject`), once they came through it
    seen_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who asks for a page, and may what. A token may only what its `scopes` say, too; None: all that the role may.

    `account` is the login name and, where contacts.yaml has a person of this short name, that person: acts are done in that name.
    `csrf` goes into every form; whoever has no session that a form could be forged for (a token) has none.
    """

    account: str
    name: str
    role: Role
    language: Language
    timezone: str
    through: Through
    csrf: str = field(repr=False)
    scopes: frozenset[Permission] | None = None

    def may(self, permission: Permission) -> bool:
        """Whether the role has the permission and, for a token, the token, too."""
        return permission in MAY[self.role] and (self.scopes is None or permission in self.scopes)
