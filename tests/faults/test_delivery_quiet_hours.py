"""Whatever rings at whatever hour: quiet hours drop nothing, say nothing twice, and hold nothing for longer than they last."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, cast

from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.domain.alert import AlertEvent, NotificationKind, Severity
from monitor.pipeline.conversation import Conversations
from monitor.settings import Routing
from monitor.settings.quiet import QuietHours
from tests.faults.test_delivery_storm import Rows, Unit, settled

if TYPE_CHECKING:
    from monitor.storage import UnitOfWork

NIGHT = QuietHours.model_validate({"from": "22:00", "to": "07:00", "timezone": "Europe/Paris"})
# The nights in which Paris sets its clocks, and one in which it does not.
EVENINGS = [datetime(2026, month, day, 16, tzinfo=UTC) for month, day in ((3, 28), (10, 24), (6, 1))]


@dataclass(frozen=True)
class Ring:
    """An alert rings, and perhaps becomes critical later, or is over."""

    pause: int  # minutes since the one before
    severity: Severity
    exempt: bool
    crowd: int
    then: str  # what becomes of the first of them, at once or after a restart


RINGS = st.lists(
    st.builds(
        Ring,
        st.integers(0, 300),
        st.sampled_from(["info", "warning", "critical"]),
        st.booleans(),
        st.integers(1, 12),
        st.sampled_from(["", "", "worse", "resolved", "reminder"]),
    ),
    max_size=10,
)


def event(alert_id: int, kind: NotificationKind, severity: Severity, *, exempt: bool) -> AlertEvent:
    """An alert's share of a message."""
    return AlertEvent(alert_id, kind, severity, 1.0, None, 1, exempt=exempt)


@given(evening=st.sampled_from(EVENINGS), rings=RINGS, limit=st.integers(1, 8))
@settings(max_examples=30)
async def test_nothing_is_dropped_doubled_or_held_for_too_long(evening: datetime, rings: list[Ring], limit: int) -> None:
    """Each alert is told once by its beginning or by what is graver; what may ring at night does, and what may not does not."""
    routing = Routing(digest_after=limit, quiet_hours=(NIGHT,))
    configured = settled(routing)
    rows, alert_id = Rows(evening), 0
    owed: dict[int, tuple[datetime, bool]] = {}  # alert: since when, and whether it may be held
    tx = cast("UnitOfWork", Unit(rows))
    for ring in rings:
        rows.now += timedelta(minutes=ring.pause)
        conversations = Conversations(configured)
        first = alert_id + 1
        for _ in range(ring.crowd):
            alert_id += 1
            share = event(alert_id, NotificationKind.FIRST, ring.severity, exempt=ring.exempt)
            await conversations.owe(tx, alert_id, "desk", NotificationKind.FIRST, share, rows.now)
            owed[alert_id] = rows.now, ring.severity != "critical" and not ring.exempt
        await conversations.save(tx)
        if ring.then and owed[first][1]:
            kind = NotificationKind(ring.then)
            severity: Severity = "critical" if kind is NotificationKind.WORSE else ring.severity
            await conversations.owe(tx, first, "desk", kind, event(first, kind, severity, exempt=ring.exempt), rows.now)
            owed[first] = rows.now, severity != "critical"
            await conversations.save(tx)
    sent = list(rows.made.values())
    assert all(each.events for each in sent)
    beginnings = Counter(each.alert_id for message in sent for each in message.events if each.event == "first")
    told = {each.alert_id for message in sent for each in message.events}
    assert max(beginnings.values(), default=1) == 1
    assert told == set(owed)
    for message in sent:
        ids = [each.alert_id for each in message.events]
        if message.kind is NotificationKind.HELD:
            assert len(ids) == len(set(ids))
        night = NIGHT.end(message.due_at, "UTC")
        assert night is None or all(each.exempt or each.severity == "critical" for each in message.events)
    for alert, (since, may_be_held) in owed.items():
        last = max(message.due_at for message in sent for each in message.events if each.alert_id == alert)
        soon = since + routing.group_interval
        assert last <= max(soon, (NIGHT.end(soon, "UTC") or NIGHT.end(since, "UTC") or soon) if may_be_held else soon)
