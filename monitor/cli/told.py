"""Who was told of an alert, when and how; who was not, and why."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from monitor.cli.context import clock, local, plural, said
from monitor.domain.alert import OBSERVED, Alert, AlertState, DeliveryRecord, DeliveryState, Notification, NotificationKind

if TYPE_CHECKING:
    from monitor.domain.alert import Silence
    from monitor.domain.plan import TimelineEvent
    from monitor.settings import Outline, Settings
    from monitor.storage import UnitOfWork


@dataclass(frozen=True)
class Told:
    """What an alert's messages and its story say."""

    alert: Alert
    messages: Sequence[tuple[Notification, DeliveryRecord]]
    story: Sequence[TimelineEvent]  # what happened to this alert
    silence: Silence | None  # that covers it, or did until it was over

    @classmethod
    async def of(cls, tx: UnitOfWork, alert: Alert, story: Sequence[TimelineEvent], standing: Sequence[Silence] = ()) -> Told:
        """Read what became of every message about an alert.

        `story` is that of its incident, `standing` the silences of the configuration.
        """
        by = alert.silenced_by or ""
        silences = await tx.silences.many([int(by)]) if by.isdecimal() else {each.id: each for each in standing}
        messages = await tx.notifications.of_alert(alert.incident_id, alert.id, alert.opened_at)
        records = await tx.deliveries.of_messages([each.id for each in messages])
        about = [(each, records[each.id]) for each in messages if each.id in records]
        return cls(alert, about, [each for each in story if each.alert_id == alert.id], silences.get(by))

    def lines(self, settings: Settings | Outline) -> Iterator[str]:
        """Who was told, the oldest first."""
        for message, record in self.messages:
            if not _is_held(message, record):
                step = f" {message.plan_step}" if message.plan_step else ""
                when = local(record.ended_at or record.next_attempt_at, settings)
                yield f"{record.receiver}: {record.kind}{step}, {outcome(record)}, {when}"

    def missing(self, settings: Settings | Outline) -> Iterator[str]:
        """Who was not told, or not at once, or is told no more; and why."""
        from monitor.domain.plan import EventKind

        yield from self._nobody(settings)
        yield from self._inhibited()
        for message, record in self.messages:
            if _is_held(message, record):
                yield f"{record.receiver}: quiet hours hold it until {local(message.due_at, settings)}"
        if any(event.kind == EventKind.ALERT_LIMITED for event in self.story):
            yield "on its own: nobody, only in a digest: the `limit` of its rule was reached"
        if self.alert.acknowledged_by and self.alert.state is AlertState.OPEN:
            yield f"again: nobody, since {said(self.alert.acknowledged_by)} has acknowledged it"

    def _nobody(self, settings: Settings | Outline) -> Iterator[str]:
        from monitor.pipeline.silencing import quiet_until

        by, over = self.alert.silenced_by, self.alert.state is AlertState.RESOLVED
        who = "nobody" if self.alert.told_at is None else "nobody more"
        if by is None or (over and self.alert.told_at is not None):
            return
        if by == OBSERVED:
            how = "it is only observed (observing.until, or its rule's mode)" if settings.observing.until else ""
            yield f"{who}: {how or 'its rule is only observed (mode: observe)'}"
            return
        why = f" ({said(self.silence.reason, 100)}, {said(self.silence.author)})" if self.silence else ""
        if over:
            yield f"nobody: silence {said(by)} covered it until it was over{why}"
        else:
            until = f" until {local(quiet_until(self.silence, clock.now()), settings)}" if self.silence else ""
            yield f"{who}: silence {said(by)} covers it{until}{why}"

    def _inhibited(self) -> Iterator[str]:
        from monitor.domain.plan import EventKind

        waiting: dict[str, int] = {}
        for event in self.story:
            detail = event.detail or {}
            if event.kind == EventKind.ALERT_INHIBITED:
                waiting |= dict.fromkeys(_names(detail.get("receivers")), _first(detail.get("by")))
            elif event.kind == EventKind.ALERT_RELEASED:
                waiting = {name: by for name, by in waiting.items() if name not in _names(detail.get("receivers"))}
        how = "keeps it quiet" if self.alert.state is AlertState.OPEN else "kept it quiet until it was over"
        yield from (f"{name}: alert {by} {how}" for name, by in waiting.items())


def outcome(record: DeliveryRecord) -> str:
    """What became of a message."""
    why = f": {record.reason}: {said(record.detail)}" if record.reason and record.state is not DeliveryState.DELIVERED else ""
    return f"{record.state} after {plural(record.attempts, 'attempt')}{why}"


def _is_held(message: Notification, record: DeliveryRecord) -> bool:
    waits = record.state is DeliveryState.PENDING and record.attempts == 0
    return message.kind is NotificationKind.HELD and waits and message.due_at > clock.now()


def _names(written: object) -> list[str]:
    return [str(each) for each in written] if isinstance(written, list) else []


def _first(written: object) -> int:
    return int(written[0]) if isinstance(written, list) and written else 0
