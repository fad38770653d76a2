"""The unit of work: everything that one transaction may touch. It alone commits, and forgets all unless it did."""

from __future__ import annotations

from monitor.storage.alerts import Alerts
from monitor.storage.authors import Authors
from monitor.storage.deliveries import Deliveries
from monitor.storage.evaluator import Evaluator
from monitor.storage.inbox import Inbox
from monitor.storage.incidents import Incidents
from monitor.storage.mentions import Mentions
from monitor.storage.notifications import Notifications
from monitor.storage.plans import Plans
from monitor.storage.receivers import Receivers
from monitor.storage.rule_states import RuleStates
from monitor.storage.session import Session
from monitor.storage.silences import Silences
from monitor.storage.sources import Sources
from monitor.storage.timeline import Timeline


class UnitOfWork:
    """One transaction. Given by `Store.begin` (may write) and `Store.read` (may not)."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self.mentions = Mentions(session)
        self.authors = Authors(session)
        self.sources = Sources(session)
        self.inbox = Inbox(session)
        self.rule_states = RuleStates(session)
        self.evaluator = Evaluator(session)
        self.incidents = Incidents(session)
        self.alerts = Alerts(session)
        self.notifications = Notifications(session)
        self.deliveries = Deliveries(session)
        self.receivers = Receivers(session)
        self.plans = Plans(session)
        self.timeline = Timeline(session)
        self.silences = Silences(session)

    async def commit(self) -> None:
        """Make it all last. Nothing can be done in this unit of work afterwards. Raises `StorageError`."""
        await self._session.commit()
