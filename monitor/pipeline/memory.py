"""What the evaluator keeps in memory between transactions, and forgets when one fails."""

from __future__ import annotations

from dataclasses import dataclass

from monitor.domain.alert import Alert
from monitor.pipeline import catch_up
from monitor.pipeline.copies import Copies
from monitor.pipeline.open_alerts import OpenAlerts
from monitor.pipeline.rebuild import Rebuild
from rules import REMEMBERING, States


@dataclass(slots=True)
class Memory:
    """True to the store for as long as we hold the lease."""

    states: States
    rings: OpenAlerts
    rebuild: Rebuild | None  # of rules that were edited, until it has come to what is judged
    copies: Copies | None = None  # None: not loaded yet, for a look at the clock needs none

    def ringing(self, *, gathered: bool) -> list[Alert]:
        """The open alerts of rules that remember: those that such a rule calls over, or (`gathered`) those of old news."""
        found = (alert for kind in REMEMBERING for alert in self.rings.of_kind(kind))
        return [alert for alert in found if catch_up.is_gathered(alert) is gathered]
