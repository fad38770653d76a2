"""What people answer to our e-mails: « OK » acknowledges what they are about, other words become a note of the plan's timeline.

An answer counts when it names one of our messages by its seal, which nobody can guess, and comes from somebody we know: from the
receiver it was sent to, or from a person of contacts.yaml. Senders can be forged, so it acknowledges, and publishes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

import structlog

from monitor.domain.alert import AlertState, Notification
from monitor.domain.clock import Clock
from monitor.domain.errors import SourceError, UsageError
from monitor.domain.plan import EventKind, PlanRun, TimelineEvent, UnreadableRunError
from monitor.domain.source import MAIL_REPLIES, SourceState
from monitor.mailbox import Letter, Mailbox, own_words, read, takes_charge
from monitor.pipeline import operations
from monitor.pipeline.intake import backoff
from monitor.pipeline.operations import Actor
from monitor.pipeline.seals import Seal
from monitor.plans import Act
from monitor.plans.answers import asks_who_has_it
from monitor.settings import Settings
from monitor.settings.duty import names_of
from monitor.storage import Store, StoreAwayError
from monitor.telemetry import metrics
from notifiers import EmailSettings
from notifiers.mail_ids import found
from notifiers.safe import clean

log = structlog.get_logger(__name__)

THROUGH = "mail"
# Of a mailbox that is read for the first time, what came before that is left alone.
FIRST_LOOK = timedelta(days=1)
_LONGEST_NOTE = 2000
_ANSWERS = frozenset({EventKind.PLAN_ACKNOWLEDGED, EventKind.PLAN_ANSWERED})


class Outcome(StrEnum):
    """What became of a letter that names one of our messages."""

    ACKNOWLEDGED = "acknowledged"
    NOTED = "noted"
    NOTHING = "nothing"  # somebody had taken it, it is over, or the words say nothing that we understand
    AUTOMATIC = "automatic"
    STRANGER = "stranger"
    GONE = "gone"  # the message is forgotten, or its run closed
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class _Answer:
    """What somebody we know wrote. `rest` is what there is to note beside a yes."""

    who: str
    yes: bool
    rest: str
    at: datetime


class MailReplies:
    """Reads the mailbox, and acts on what is answered. What was looked at is not looked at again; if it is, nothing changes."""

    def __init__(self, settings: Settings, store: Store, clock: Clock, mailbox: Mailbox) -> None:
        self._settings = settings
        self._store = store
        self._clock = clock
        self._mailbox = mailbox
        self._seal = Seal(store.mail_key)

    async def step(self, ring: Callable[[], None]) -> int:
        """Look once. Returns 1 while more waits; else `ring` is called when something comes, where the server says so.

        Trouble is recorded with a backoff and shown by health; only a store that takes nothing raises.
        """
        async with self._store.read() as tx:
            state = await tx.sources.get(MAIL_REPLIES)
        if state.stopped or self._rests(state):
            return 0
        try:
            since = (self._clock.wall() - FIRST_LOOK).date()
            batch = await self._mailbox.new(state.cursor, self._names_us, since)
        except SourceError as error:
            return await self._failed(state, error)
        for letter in batch.letters:
            await self._take(letter.raw)
        await self._seen(state, batch.cursor)
        return 1 if batch.more else await self._listen(ring)

    def _rests(self, state: SourceState) -> bool:
        now = self._clock.now()
        set_back = state.last_attempt_at is not None and now < state.last_attempt_at  # the clock was: the rest would never end
        return not set_back and state.backoff_until is not None and now < state.backoff_until

    async def _listen(self, ring: Callable[[], None]) -> int:
        try:
            await self._mailbox.listen(ring)
        except SourceError as error:  # the next look connects anew, and tells if it cannot
            log.info("mailbox.not_listening", detail=error.detail)
        return 0

    async def _seen(self, state: SourceState, cursor: str) -> None:
        async with self._store.begin() as tx:
            await tx.sources.succeeded(MAIL_REPLIES, cursor=cursor, watermark=None, at=self._clock.now())
            await tx.commit()
        if state.failures:
            log.info("mailbox.recovered", failures=state.failures)

    async def _failed(self, state: SourceState, error: SourceError) -> int:
        now = self._clock.now()
        rest = backoff(state.failures, error.retry_after)
        async with self._store.begin() as tx:
            await tx.sources.failed(
                MAIL_REPLIES,
                trouble=error.trouble,
                detail=error.detail,
                at=now,
                backoff_until=now + rest,
                stopped=error.permanent,
            )
            await tx.commit()
        log.warning("mailbox.failed", trouble=str(error.trouble), detail=error.detail, for_good=error.permanent)
        return 0

    def _names_us(self, head: bytes) -> bool:
        return any(self._seal.fits(each.message, each.seal) for each in found(head.decode("latin-1")))

    # --- one letter ----------------------------------------------------------------------------------------------------------

    async def _take(self, raw: bytes) -> None:
        """Act on one letter. One that nobody can read, or keep, holds up no other; while the store is away all of them wait."""
        try:
            outcome = await self._understood(read(raw))
        except StoreAwayError:
            raise
        except Exception:
            log.exception("reply.unreadable")
            outcome = Outcome.UNREADABLE
        metrics.mail_replies.labels(outcome=outcome).inc()

    async def _understood(self, letter: Letter) -> Outcome:
        answered = self._answered(letter)
        if answered is None:
            return Outcome.NOTHING
        number, direct = answered
        if letter.automatic:
            return _told(Outcome.AUTOMATIC, number)
        async with self._store.read() as tx:
            told = await tx.notifications.get(number)
        if told is None:
            return _told(Outcome.GONE, number)
        who = self._known(letter.sender, told.receiver)
        if who is None:
            return _told(Outcome.STRANGER, number)
        words = clean(own_words(letter.text), _LONGEST_NOTE)
        yes = direct and _asks_to_be_taken(told) and takes_charge(words)
        answer = _Answer(who, yes, words.partition("\n")[2].strip() if yes else words, self._clock.now())
        try:
            return _told(await self._act(told, answer), number, who)
        except (UsageError, UnreadableRunError):
            return _told(Outcome.GONE, number, who)

    def _answered(self, letter: Letter) -> tuple[int, bool] | None:
        """The number of the message a letter is about, and whether it answers that itself, and not somebody else's answer.

        Where a server has given our mail another name, ours stands next to it. None: it only mentions one, as bounces do.
        """
        named = [(place, each) for place, ids in enumerate(letter.answers) for each in found(ids)]
        ours = ((place, each) for place, each in named if self._seal.fits(each.message, each.seal))
        place, first = next(ours, (0, None))
        if first is None:
            return None
        return int(first.message.rpartition("_")[2]), place == 0 or (place == 1 and first.told)

    def _known(self, sender: str, receiver: str) -> str | None:
        """The person's name in contacts.yaml, or the receiver's own address; None for a stranger."""
        people = self._settings.contacts.people.items()
        person = next((name for name, each in people if each.email and each.email.lower() == sender), None)
        settings = self._settings.receivers.get(receiver)
        its_own = settings.to if isinstance(settings, EmailSettings) else ()
        return person or next((each for each in its_own if each.lower() == sender), None)

    async def _act(self, told: Notification, answer: _Answer) -> Outcome:
        if told.plan_run_id is not None:
            return await self._act_in_plan(told.plan_run_id, answer)
        return await self._acknowledge(told, answer) if answer.yes else Outcome.NOTHING

    async def _acknowledge(self, told: Notification, answer: _Answer) -> Outcome:
        """Take the alerts that this message and those before it told of: of what came later its reader knows nothing."""
        async with self._store.read() as tx:
            alerts = await tx.alerts.many(await tx.notifications.told_so_far(told))
        waiting = [each for each in alerts.values() if each.state is AlertState.OPEN and each.acknowledged_at is None]
        for each in waiting:
            actor = Actor(answer.who, THROUGH)
            await operations.acknowledge(self._store, each.id, actor, answer.at, note=answer.rest or None)
        return Outcome.ACKNOWLEDGED if waiting else Outcome.NOTHING

    async def _act_in_plan(self, number: int, answer: _Answer) -> Outcome:
        async with self._store.read() as tx:
            run = await tx.plans.get(number)
            story = await tx.timeline.of_incident(run.incident_id) if run is not None else []
        said = {
            word for event in story if event.actor == answer.who and event.through == THROUGH for word in _words(event.detail)
        }
        if answer.yes and run is not None and _wants_answer(run, story, answer.who):
            await self._do("acknowledge", number, answer)
            return Outcome.ACKNOWLEDGED
        if not answer.rest or answer.rest in said:  # it was noted, and we died before we remembered that
            return Outcome.NOTHING
        await self._do("note", number, answer)
        return Outcome.NOTED

    async def _do(self, verb: str, number: int, answer: _Answer) -> PlanRun:
        names = names_of(self._settings.contacts, answer.who, answer.at, self._settings.timezone)
        done = Act(verb, answer.who, answer.at, names, text=answer.rest or None)
        return await operations.act_in_plan(self._store, number, done, THROUGH)


def _asks_to_be_taken(told: Notification) -> bool:
    """« OK » to a step, or to words that wait for a yes, is about that alone: of a run only what asks who has it is taken."""
    return told.plan_run_id is None or asks_who_has_it(told)


def _wants_answer(run: PlanRun, story: Sequence[TimelineEvent], who: str) -> bool:
    """Whether « OK » says something: in a drill that somebody has taken, of each person once."""
    said = any(each.plan_run_id == run.id and each.actor == who and each.kind in _ANSWERS for each in story)
    return run.wants_answers and (run.acknowledged_at is None or not said)


def _words(detail: object) -> list[object]:
    return [detail.get("text"), detail.get("note")] if isinstance(detail, dict) else []


def _told(outcome: Outcome, message: int, who: str | None = None) -> Outcome:
    log.info("reply.read", outcome=str(outcome), message=message, by=who)
    return outcome
