"""The path of a mention, from a network's answer to a message on somebody's telephone. This file alone names the stages.

    source ─► intake ─► enrich ─► evaluate ─► alerting        judging: a mention becomes an alert
                                                 │  one transaction: alert + pending deliveries + plan run
                                                 ▼
                                          delivery · plans     acting: pending rows become e-mails, webhooks, steps
                                                 ▲
                                              replies           what people answer to e-mails acknowledges

The two halves are joined by the store and by nothing else. Each stage is a class with a `step`: it does what is due and says
how much it did. Who calls `step`, and when, is the business of the daemon (woken by events) or of a replay (in a loop).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from monitor.domain.clock import Clock, ManualClock
from monitor.mailbox import Mailbox
from monitor.pipeline.alerting import Alerting
from monitor.pipeline.delivery import Deliverer
from monitor.pipeline.digests import Digests, Writes
from monitor.pipeline.enrich import Enricher
from monitor.pipeline.evaluate import Evaluator
from monitor.pipeline.intake import Intake
from monitor.pipeline.mail_replies import MailReplies
from monitor.pipeline.observing import Accounts
from monitor.pipeline.plans import PlanRunner
from monitor.pipeline.readings import Readings
from monitor.pipeline.second_opinion import SecondOpinion
from monitor.sentiment import Scorer
from monitor.sentiment.away import Away
from monitor.settings import Settings
from monitor.sources import Source
from monitor.storage import Store
from monitor.telemetry import metrics
from monitor.workshop.pool import Workshop
from notifiers import Notifier
from rules import Engine


@dataclass(frozen=True, slots=True)
class Flow:
    """All stages of one configuration, in the order in which a mention meets them."""

    intake: Intake  # asks the sources; commits mentions, enriched, together with the cursor
    evaluate: Evaluator  # reads what was committed, applies the rules; alerting happens in its transaction
    plans: PlanRunner  # carries the steps of an opened emergency plan, in order
    readings: Readings  # asks whoever must have read a plan, in calm weather
    accounts: Accounts  # owes the daily account of what is only observed
    digests: Digests  # owes digests and reports, each once for its day
    deliver: Deliverer  # claims what is owed to a receiver and sends it
    replies: MailReplies | None = None  # reads what people answer to e-mails: « OK » acknowledges

    async def act(self) -> None:
        """Carry plans and deliver until nothing more is due at this moment: for whoever does not wait for real time."""
        with metrics.stage("act"):
            while await self.plans.step() + await self._deliver():
                pass

    async def _deliver(self) -> int:
        return sum([await self.deliver.step(receiver) for receiver in await self.deliver.due()])


def build(
    settings: Settings,
    store: Store,
    clock: Clock,
    sources: Mapping[str, Source],
    notifiers: Mapping[str, Notifier],
    *,
    owner: str,
    drive: ManualClock | None = None,
    dry_run: bool = False,
    scoring: Workshop | None = None,
    asking: Workshop | None = None,
    mailbox: Mailbox | None = None,
    digests: Writes | None = None,
) -> Flow:
    """Wire the stages of one configuration.

    `owner` names this process in leases. A replay gives `drive`, the clock that its recording moves, and `dry_run`, which
    records what would have been sent. `scoring` are the workers that score what would hold up the others,
    `asking` those that give second opinions. `mailbox` is where answers to e-mails arrive. `digests` writes digests and reports.
    """
    away = Away(settings.sentiment, scoring) if scoring else None
    enricher = Enricher(settings.subjects, Scorer(settings.sentiment), settings.ours, away)
    second = Away(settings.sentiment, asking, str(settings.sentiment.second_opinion)) if asking else None
    engine = Engine(settings.rules, settings.lists, settings.calendar)
    alerting = Alerting(settings)
    return Flow(
        intake=Intake(settings, store, clock, sources, enricher, SecondOpinion(settings, clock, second), drive=drive),
        evaluate=Evaluator(settings, store, clock, engine, alerting, owner=owner, drive=drive),
        plans=PlanRunner(settings, store, clock),
        readings=Readings(settings, store, clock),
        accounts=Accounts(settings, store, clock),
        digests=Digests(settings, store, clock),
        deliver=Deliverer(
            settings, store, clock, notifiers, owner=owner, dry_run=dry_run, replay=drive is not None, digests=digests
        ),
        replies=MailReplies(settings, store, clock, mailbox) if mailbox is not None else None,
    )
