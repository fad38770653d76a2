"""The unit of work: everything that one transaction may touch. It alone commits, and forgets all unless it did."""

from __future__ import annotations

from sqlalchemy import text, update

from monitor.storage import engine
from monitor.storage.access import Access
from monitor.storage.accounts import Accounts
from monitor.storage.alerts import Alerts
from monitor.storage.api_tokens import ApiTokens
from monitor.storage.audit import AuditLog
from monitor.storage.authors import Authors
from monitor.storage.deliveries import Deliveries
from monitor.storage.erasures import Erasures
from monitor.storage.evaluator import Evaluator
from monitor.storage.extracts import Extracts
from monitor.storage.feed import Feed
from monitor.storage.feedback import FeedbackGiven
from monitor.storage.figures import Figures
from monitor.storage.handling import Handled
from monitor.storage.holds import Holds
from monitor.storage.inbox import Inbox
from monitor.storage.incidents import Incidents
from monitor.storage.mentions import Mentions
from monitor.storage.news import Newest
from monitor.storage.notifications import Notifications
from monitor.storage.plans import Plans
from monitor.storage.receivers import Receivers
from monitor.storage.retention import Retention
from monitor.storage.rule_states import RuleStates
from monitor.storage.session import Session
from monitor.storage.sign_ins import SignIns
from monitor.storage.silences import Silences
from monitor.storage.sources import Sources
from monitor.storage.tables import installation
from monitor.storage.tallies import Tallies
from monitor.storage.timeline import Timeline

# Between two statements the server ends a transaction that stands still (IDLE_MS). A process that froze between the two messages
# of one statement counts as active, however long nothing comes, and keeps its locks.
_END_THE_FROZEN = text("""
    SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
    WHERE application_name = 'tocsin' AND datname = current_database() AND usename = current_user
    AND state = 'active' AND wait_event = 'ClientRead' AND state_change < now() - make_interval(secs => :seconds)
""")


class UnitOfWork:
    """One transaction. Given by `Store.begin` (may write) and `Store.read` (may not)."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self.tallies = Tallies(session)
        self.mentions = Mentions(session, self.tallies)
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
        self.holds = Holds(session)
        self.erasures = Erasures(session)
        self.handling = Handled(session, self.tallies)
        self.feed = Feed(session, self.mentions, self.handling)
        self.feedback = FeedbackGiven(session, self.tallies)
        self.access = Access(session)
        self.figures = Figures(session)
        self.retention = Retention(session, self.tallies)
        self.extracts = Extracts(session)
        self.accounts = Accounts(session)
        self.sign_ins = SignIns(session)
        self.tokens = ApiTokens(session)
        self.audit = AuditLog(session)
        self.newest = Newest(session)

    async def end_the_frozen(self) -> int:
        """Let PostgreSQL end the sessions of ours that have owed it the rest of a statement for too long. Returns how many."""
        return int(await self._session.scalar(_END_THE_FROZEN.bindparams(seconds=engine.IDLE_MS / 1000)))

    async def touch(self) -> None:
        """Change a record into what it is: that shows whether the store takes changes."""
        await self._session.run(update(installation).values(id=installation.c.id))

    async def commit(self) -> None:
        """Make it all last. Nothing can be done in this unit of work afterwards. Raises `StorageError`."""
        await self.timeline.write()
        await self.tallies.write()
        await self._session.commit()
