"""Ten thousand alerts at once: each receiver gets a bounded number of messages, every alert is in one, and each can be read."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.domain.alert import AlertEvent, Notification, NotificationKind, Severity
from monitor.pipeline.conversation import MOST, Conversations, _Talk
from monitor.settings import Routing, Settings
from notifiers import DeliveryError, Reason
from notifiers.email import compose
from notifiers.render import payload, short, text
from notifiers.smtp import SmtpSettings
from notifiers.wording import headline
from tests.monitor.pipeline.conftest import COMPLAINT, configure, hut, lite

if TYPE_CHECKING:
    from monitor.storage import UnitOfWork
    from notifiers import Message
    from tests.monitor.pipeline.conftest import Build, House

__all__ = ["configure", "hut", "lite"]  # fixtures
SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
DANGER: dict[str, Any] = COMPLAINT | {"id": "danger", "where": {"text": {"any_of": ["injured"]}}, "severity": "critical"}
SMTP = SmtpSettings(host="localhost", port=25, security="none", sender="bell@example.org")


async def outcry(home: House, people: int, text: str = "Acme is broken") -> None:
    """So many people complain at once, each an incident of their own."""
    await home.brings(*(home.mention(text, by=f"{text[-4:].strip()}-customer{n}") for n in range(people)))
    await home.judge()


async def settle(home: House, minutes: int = 12) -> None:
    """Send what is due now, and what was gathered when its time comes."""
    await home.act()
    for _ in range(4 * minutes):
        home.clock.advance(15 * SECOND)
        await home.act()


def told_of(messages: list[Message]) -> int:
    """How many alerts the messages speak of, by name or by number."""
    return sum(len(each.alerts) + each.more_alerts for each in messages)


@pytest.mark.fault("delivery", "hundreds of complaints at once, each an incident of its own")
async def test_a_storm_is_told_in_a_digest(hut: Build) -> None:
    """The first messages come one by one and at once, the rest in one digest; every alert is in one of them."""
    home = hut(rules=[COMPLAINT])
    await outcry(home, 300)
    await home.act()
    assert len(home.told("desk")) == home.settings.routing.digest_after
    await settle(home)
    *single, digest = home.told("desk")
    assert [len(each.alerts) for each in single] == [1] * 20
    assert (len(digest.alerts), digest.more_alerts) == (MOST, 80)
    assert told_of(home.told("desk")) == len(await home.alerts()) == 300
    assert digest.incident_id is None
    assert "200 new complaints" in headline(digest)
    assert "80 other alerts" in text(digest).replace("\n", " ")


@pytest.mark.fault("delivery", "something critical in the middle of a storm")
async def test_what_is_critical_is_not_buried(hut: Build) -> None:
    """After hundreds of complaints the first danger still comes at once and alone; of 100 dangers the rest comes in 30 s."""
    home = hut(rules=[COMPLAINT, DANGER])
    await outcry(home, 300)
    await home.act()
    before = len(home.told("desk"))
    await outcry(home, 1, "Acme injured me")
    await home.act()
    assert [each.severity for each in home.told("desk")[before:]] == ["critical"]
    await outcry(home, 100, "Acme injured us")
    home.clock.advance(30 * SECOND)
    await home.act()
    (digest,) = [each for each in home.told("desk") if len(each.alerts) > 1]
    assert digest.severity == "critical"
    assert sum(facts.severity == "critical" for facts in digest.alerts) == 101 - 20
    assert "danger" in headline(digest).lower()
    await settle(home)
    assert told_of(home.told("desk")) == len(await home.alerts()) == 401


async def test_whoever_found_an_alert_in_a_digest_was_told_of_it(hut: Build) -> None:
    """Also of what joined a digest that was waiting already: its end is told, and nobody else takes it for unknown."""
    home = hut(rules=[COMPLAINT])
    await outcry(home, 25)
    home.clock.advance(5 * SECOND)
    await outcry(home, 5, "Acme is broken too")
    await settle(home)
    assert told_of(home.told("desk")) == 30
    async with home.store.read() as tx:
        for alert in await home.alerts():
            assert await tx.notifications.told(alert.incident_id, alert.id, alert.opened_at) == ["desk"]


@pytest.mark.fault("delivery", "a digest that its receiver will never take")
async def test_a_lost_digest_reaches_somebody_with_all_that_nobody_else_knows(hut: Build) -> None:
    """Each alert in it is told to somebody, although others were told of the first one already."""
    widely = COMPLAINT | {"id": "outage", "where": {"text": {"any_of": ["offline"]}}, "notify": ["desk", "room"]}
    home = hut(rules=[widely, COMPLAINT])
    await outcry(home, 25, "Acme is offline")
    await outcry(home, 5, "Acme is broken")
    await home.act()
    home.doors["desk"].troubles = [DeliveryError(Reason.GONE, "410 Gone")]
    await settle(home)
    (told,) = home.told("tech")
    assert [each.rule for each in told.alerts] == ["complaint"] * 5


async def test_a_receiver_that_heard_much_today_hears_the_next_thing_at_once(hut: Build) -> None:
    """The storm over, things are told one by one again."""
    home = hut(rules=[COMPLAINT])
    await outcry(home, 50)
    await settle(home)
    before = len(home.told("desk"))
    await home.hears("Acme is broken", by="zoe")
    await home.act()
    assert len(home.told("desk")) == before + 1
    assert home.told("desk")[-1].incident_id is not None


@dataclass
class Rows:
    """The notifications of a store that holds nothing else, and sends what is due at once."""

    now: datetime
    made: dict[int, Notification] = field(default_factory=dict)
    recent_calls: int = 0
    given: int = 0

    def _of(self, incident_id: int | None, receiver: str, *, held: bool = False) -> list[Notification]:
        conversation = [each for each in self.made.values() if (each.incident_id, each.receiver) == (incident_id, receiver)]
        return [each for each in conversation if (each.kind is NotificationKind.HELD) == held]

    async def add(self, **values: Any) -> Notification:
        """A new message."""
        sequence = len(self._of(values["incident_id"], values["receiver"])) + 1
        self.given += 1
        made = Notification(id=self.given, sequence=sequence, **values | {"events": tuple(values["events"])})
        self.made[made.id] = made
        return made

    async def held(self, receiver: str, now: datetime) -> Notification | None:
        """The one that waits for the end of quiet hours."""
        return next((each for each in self._of(None, receiver, held=True) if each.due_at > now), None)

    async def take_back(self, waiting: Notification) -> None:
        """One that waits, and will not leave."""
        assert self.made.pop(waiting.id).due_at > self.now, "it has left"

    async def rewrite(self, waiting: Notification, *, due_at: datetime | None = None) -> None:
        """More in a message that waits."""
        assert self.made[waiting.id].due_at > self.now, "it has left"
        assert due_at is not None
        self.made[waiting.id] = Notification(**{name: getattr(waiting, name) for name in waiting.__slots__} | {"due_at": due_at})

    async def last_due(self, incident_id: int | None, receiver: str) -> datetime | None:
        """When the last one is due."""
        return max((each.due_at for each in self._of(incident_id, receiver)), default=None)

    async def gathering(self, incident_id: int | None, receiver: str, now: datetime) -> Notification | None:
        """The one that waits."""
        return next((each for each in reversed(self._of(incident_id, receiver)) if each.due_at > now), None)

    async def recent(self, receiver: str, since: datetime) -> tuple[int, int]:
        """How many there were lately."""
        self.recent_calls += 1
        lately = [each for each in self.made.values() if each.receiver == receiver and each.created_at > since]
        return len(lately), sum(any(event.severity == "critical" for event in each.events) for each in lately)


@dataclass
class Unit:
    """A unit of work with nothing but notifications."""

    notifications: Rows


def settled(routing: Routing) -> Settings:
    """Settings of which nothing matters but the routing."""
    return Settings.model_validate({"version": 1, "subjects": {"acme": ["Acme"]}}).model_copy(update={"routing": routing})


SEVERITY = st.sampled_from(["info", "warning", "critical"])
RING = st.tuples(st.integers(0, 400), SEVERITY, st.integers(1, 300))  # seconds since the one before, severity, how many at once


@given(rings=st.lists(RING, max_size=8), limit=st.integers(1, 30))
@settings(max_examples=15)
async def test_every_alert_is_told_once_in_a_bounded_number_of_messages(
    rings: list[tuple[int, Severity, int]], limit: int
) -> None:
    """Whatever rings when: every alert is named or counted exactly once, no message names more than 200, and few are sent."""
    rows = Rows(datetime(2026, 3, 2, 8, 0, tzinfo=UTC))
    routing, began, alert_id = Routing(digest_after=limit), rows.now, 0
    conversations, tx = Conversations(settled(routing)), cast("UnitOfWork", Unit(rows))
    for pause, severity, crowd in rings:
        rows.now += pause * SECOND
        for _ in range(crowd):
            alert_id += 1
            event = AlertEvent(alert_id, "first", severity, 1.0, None, 1)
            await conversations.owe(tx, alert_id, "desk", NotificationKind.FIRST, event, rows.now)
        await conversations.save(tx)
    sent = list(rows.made.values())
    named = [event.alert_id for each in sent for event in each.events]
    assert len(named) == len(set(named))
    assert len(named) + sum(each.more for each in sent) == alert_id
    assert all(len(each.events) <= MOST for each in sent)
    intervals = (rows.now - began) / routing.group_interval + 1
    digests = (rows.now - began) / routing.group_wait + 2
    assert len(sent) <= 2 * limit * (intervals + 1) + digests


@given(rings=st.lists(st.tuples(SEVERITY, st.integers(1, 150)), max_size=6))
def test_nobody_mild_takes_the_place_of_somebody_hurt(rings: list[tuple[Severity, int]]) -> None:
    """Of more than a message can name, those that are critical are named before all others."""
    talk, every = _Talk(None), [severity for severity, crowd in rings for _ in range(crowd)]
    for alert_id, severity in enumerate(every):
        talk.add(AlertEvent(alert_id, "first", severity, 1.0, None, 1))
    named = [event.severity for event in talk.events]
    assert named.count("critical") == min(every.count("critical"), MOST)
    assert len(named) + talk.more == len(every)


@pytest.mark.parametrize("people", [1_000, pytest.param(10_000, marks=pytest.mark.soak)])
@pytest.mark.fault("delivery", "ten thousand alerts at once")
async def test_ten_thousand_alerts_can_be_read(hut: Build, people: int) -> None:
    """Each receiver gets 21 messages; the digest names 200, counts the rest, and stays small as mail, webhook and chat."""
    home = hut(rules=[COMPLAINT])
    await outcry(home, people)
    await settle(home, minutes=6)
    told = home.told("desk")
    assert len(told) == 21
    digest = told[-1]
    mail = compose(digest, SMTP, ["desk@example.org"], home.clock.now())
    assert len(mail) < 100_000
    assert len(repr(payload(digest))) < 300_000
    assert len(short(digest)) < 2_000
    assert told_of(told) == len(await home.alerts()) == people
