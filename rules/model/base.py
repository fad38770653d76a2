"""What every rule says, whatever its kind."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Literal

from pydantic import Field

from rules.base import Settings
from rules.model.parts import Backoff, Category, Evidence, Id, Localized, Raised, Realert, Receivers, Severity
from rules.where import Where


class Told(Settings):
    """What every rule says of whom it tells, and how."""

    id: Id = Field(description="unique among all rules; the name of its alerts")
    title: Localized | None = Field(None, description="what people call it, per language; else the id")
    severity: Severity = Field("warning", description="how loud it rings: info < warning < critical")
    realert: Realert = Field(
        timedelta(hours=6),
        description="an alert that stays open is not told again before this: a duration, or ever longer ones, such as"
        " `{first: 6h, factor: 2, most: 48h}`",
    )
    notify: Receivers = Field((), description="receivers, people or roles; empty means the default route")
    mode: Literal["ring", "observe"] = Field(
        "ring",
        description="`observe`: its alerts are opened and kept, and nobody is told, no plan is opened and no incident made worse:"
        " to try a rule. Once a day an account says what would have rung; what is still open when it rings again is told once",
    )
    exempt: bool = Field(
        False,
        description="true: nothing holds its alerts back, neither quiet hours nor limits, inhibitions and the digest of a storm."
        " For danger to people. A silence still covers them: a person asked for it",
    )

    @property
    def severities(self) -> tuple[Severity, ...]:
        """How loud it may ring: as it says, or as its `raise` says, which all kinds have that look at mentions."""
        louder: Sequence[Raised] = getattr(self, "raise_", ())
        return tuple(dict.fromkeys((self.severity, *(each.severity for each in louder))))

    def rest(self, open_for: timedelta) -> timedelta:
        """How long an alert is not told again that was last told so long after it was opened."""
        return self.realert.rest(open_for) if isinstance(self.realert, Backoff) else self.realert


class OfMentions(Told):
    """What every rule says that looks at mentions."""

    where: Where = Field(default_factory=Where, description="which mentions it looks at; empty means all")
    category: Category = Field("alert", description="`opportunity` for good news and openings")
    plan: Id | None = Field(None, description="the emergency plan that its alert opens, once per incident")
    evidence: Evidence = Field(default_factory=Evidence, description="which mentions the alert shows")
