"""What messages say, said to whoever looks at a page: the same facts and words, in the visitor's language and time zone."""

from __future__ import annotations

from collections.abc import Sequence

from monitor.console import naming
from monitor.domain.alert import SEVERITIES, Alert, AlertEvent, NotificationKind
from monitor.pipeline.compose import alert_facts
from monitor.web.desk import Desk
from notifiers.message import Kind, Message, PlanFacts
from notifiers.reader import Reader


def message(
    desk: Desk,
    reader: Reader,
    alerts: Sequence[Alert],
    *,
    subject: str | None,
    plan: PlanFacts | None = None,
    kind: Kind = "more",
) -> Message:
    """A message that nobody sends. `subject` is a name of the configuration."""
    titles = naming.rules(desk, reader.language)
    facts = [alert_facts(AlertEvent.of(each, NotificationKind.FIRST), each, titles.get(each.rule, "")) for each in alerts]
    return Message(
        id="",
        kind=kind,
        severity=max((each.severity for each in alerts), key=SEVERITIES.index, default="info"),
        language=reader.language,
        timezone=reader.timezone,
        created_at=desk.now(),
        conversation="",
        sequence=1,
        brand=desk.settings.brand,
        subject=naming.subject(desk, subject) or subject,
        alerts=tuple(facts),
        plan=plan,
    )
