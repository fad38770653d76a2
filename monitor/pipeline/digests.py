"""Owes each digest once for each of its days and receivers, whatever restarts, moves or is set meanwhile.

That it was owed stands in a record of its own, written in the same transaction as the message. What was missed while nothing ran
is not told day by day: the next one reaches back to the last that was owed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final, Protocol

from monitor.domain.alert import AlertEvent, NotificationKind
from monitor.domain.clock import Clock
from monitor.domain.digest import Owed
from monitor.pipeline.quiet_hours import Quiet
from monitor.pipeline.recipients import Recipients
from monitor.settings import Settings
from monitor.storage import Store, UnitOfWork
from notifiers import Message
from notifiers.message import Language

_LATELY: Final = timedelta(days=70)  # what was owed before that is no reason not to owe it now: a month, and a month of rest
_LONGEST: Final = timedelta(days=7)  # a morning reaches back no further
_ORDINARY: Final = AlertEvent(0, NotificationKind.DIGEST, "info", 0, None, 0)  # as quiet hours see a digest


Story = Mapping[tuple[str, str], Sequence[Owed]]
"""What was owed, by digest and receiver, the newest first."""


class Writes(Protocol):
    """Writes a digest into the message that tells it: what is above the stages knows how."""

    async def write(self, owed: Owed, message: Message) -> Message:
        """The message with its letter."""
        ...


class Digests:
    """Owes what is due."""

    def __init__(self, settings: Settings, store: Store, clock: Clock) -> None:
        self._settings = settings
        self._store = store
        self._clock = clock
        self._recipients = Recipients(settings)
        self._quiet = Quiet(settings)

    async def step(self) -> int:
        """Owe what is due now. Returns how many messages that were."""
        if not self._settings.digests:
            return 0
        now = self._clock.now()
        async with self._store.read() as tx:
            found = list(due(self._settings, self._recipients, await _lately(tx, now), now))
        if not found:
            return 0
        async with self._store.begin() as tx:
            story = await _lately(tx, now)
            owed = sum([await self._owe(tx, each) for each in due(self._settings, self._recipients, story, now)])
            await tx.commit()
        return owed

    async def _owe(self, tx: UnitOfWork, owed: Owed) -> int:
        """Whoever never had this digest gets the next one: what lies before is no news."""
        if not await tx.digests.known(owed.digest, owed.receiver):
            await tx.digests.begin(owed)
            return 0
        if not await tx.digests.begin(owed):
            return 0  # another process, whose record could not be seen yet, was faster
        notification = await tx.notifications.add(
            incident_id=None,
            receiver=owed.receiver,
            kind=NotificationKind.DIGEST,
            events=(),
            created_at=owed.owed_at,
            due_at=self._quiet.until(owed.receiver, _ORDINARY, owed.owed_at) or owed.owed_at,
        )
        assert notification is not None, "only steps of plans are told once"
        await tx.digests.tell(owed, notification.id)
        return 1


async def _lately(tx: UnitOfWork, now: datetime) -> Story:
    found: dict[tuple[str, str], list[Owed]] = {}
    for each in await tx.digests.since(now - _LATELY):
        found.setdefault((each.digest, each.receiver), []).append(each)
    return found


def due(settings: Settings, recipients: Recipients, known: Story, now: datetime) -> Iterator[Owed]:
    """What is to be noted at a moment (aware)."""
    for name, digest in settings.digests.items():
        for receiver in recipients.expand(digest.to, now):
            story = known.get((name, receiver), ())
            this = newest(settings, name, receiver, now)
            # What a clock wrote that was ahead, and was set back, is passed over.
            last = next((each for each in story if each.owed_at <= now), None)
            if all(each.day != this.day for each in story) and (last is None or last.day < this.day):
                yield this if last is None else _reaching_back(this, last, whole=digest.kind != "morning")


def newest(settings: Settings, name: str, receiver: str, now: datetime) -> Owed:
    """The digest of the newest day on which it leaves and whose hour has come, for one receiver."""
    digest, (_, zone) = settings.digests[name], reads(settings, receiver)
    day, moment = digest.last(now, zone)
    return Owed(name, receiver, day, digest.moment(digest.before(day), zone), moment, now)


def reads(settings: Settings, receiver: str) -> tuple[Language, str]:
    """The language and the time zone of a receiver."""
    found = settings.receivers[receiver]
    return found.language or settings.language, found.timezone or settings.timezone


def _reaching_back(due: Owed, last: Owed, *, whole: bool) -> Owed:
    """From where the last one ended, if nothing was told since; a report is about its own week or month, `whole`."""
    return due if whole else replace(due, since=max(min(due.since, last.until), due.until - _LONGEST))
