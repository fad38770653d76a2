"""A simulation as lines of 80 columns: what happened when, who was told of it, and what it came to."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain, groupby
from zoneinfo import ZoneInfo

from monitor.domain.plan import EventKind, Language, Plan, RunState, StatementStep, StepState, TimelineEvent, localized
from monitor.plans.phrases import UNTOLD
from monitor.plans.story import titles_of, told
from monitor.settings import Settings
from monitor.simulation.playing import Played, PlayedRun
from monitor.simulation.words import WORDS
from notifiers.catalogue import typeset
from notifiers.message import Message
from notifiers.reader import Reader
from notifiers.reasons import worded
from notifiers.safe import one_line
from notifiers.voice import Voice

WIDTH = 80
_CLOCK = 7  # columns of a line before its words
_WHY = 120  # characters of a reason
_LONGEST = 1000  # and of what is told as one
_OFTEN = 2  # minutes like earlier ones that are told one by one
_ROUTES = frozenset({"default", "ops"})
_QUIET = UNTOLD | {EventKind.ALERT_ACKNOWLEDGED}


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that happened, in words."""

    at: datetime
    said: str


def lines(played: Played, settings: Settings, file: str) -> Iterator[str]:
    """All of it, in the language of the configuration."""
    teller = _Teller(played, settings)
    yield from teller.heading(file)
    for number, each in enumerate(played.runs, 1):
        yield from teller.run(each, number)
    if not played.runs:
        yield teller.say("nothing")
    yield teller.say("nothing_sent")


class _Teller:
    def __init__(self, played: Played, settings: Settings) -> None:
        self._played = played
        self._settings = settings
        self._language: Language = settings.language
        self._reader = Reader(settings.language, settings.timezone)
        self._zone = ZoneInfo(settings.timezone)
        self._titles = {rule.id: rule.title for rule in settings.rules if rule.title}

    def say(self, key: str, **values: object) -> str:
        """A phrase."""
        return WORDS[self._language][key].format(**values)

    def heading(self, file: str) -> Iterator[str]:
        """Which plan, which recording, which people."""
        played, zone = self._played, self._reader.zone
        yield self.say("title", plan=localized(self._settings.plans[played.plan].title, self._language))
        if played.first is not None and played.last is not None:
            days = dict.fromkeys(map(self._day, (played.first, played.last)))
            yield from self._wrapped(self.say("recording", file=file, posts=played.mentions, days=" – ".join(days), zone=zone))
        yield from self._wrapped(self.say("opened_by", rules=", ".join(map(self._rule, played.opened_by))))
        yield self.say(f"answers.{played.answers}") + "."
        yield ""

    def run(self, played: PlayedRun, number: int) -> Iterator[str]:
        """One run, day by day, and what it came to."""
        if len(self._played.runs) > 1:
            yield self.say("run", n=number)
        for day, together in groupby(folded(self._told(played), self._again), key=lambda line: self._day(line.at)):
            yield day
            for clock, at_once in groupby(together, key=lambda line: self._clock(line.at)):
                for place, line in enumerate(at_once):
                    yield from self._wrapped(line.said, "" if place else clock)
        yield ""
        yield from self._wrapped(", ".join(self._sums(played)) + ".")
        yield ""

    # --- what happened ---------------------------------------------------------------------------------------------------

    def _told(self, played: PlayedRun) -> list[Line]:
        """Events and messages in the order of their moments, events first."""
        happened = [*self._events(played), *self._messages(played)]
        return sorted(happened, key=lambda line: line.at)

    def _events(self, played: PlayedRun) -> Iterator[Line]:
        """The timeline, without single posts, of which a crisis has hundreds, and without what became of each message."""
        for event in played.events:
            if event.kind.startswith(("plan.", "alert.")) and event.kind not in _QUIET and not _is_a_post(event, played):
                yield Line(event.at, self._event(event, played))

    def _event(self, event: TimelineEvent, played: PlayedRun) -> str:
        titles = titles_of(played.run.definition, self._titles)
        said = told(event, titles, self._called, self._language).said
        why = self._reason((event.detail or {}).get("reasons"), event.at)
        return self.say("why", said=said, why=why) if why else said

    def _messages(self, played: PlayedRun) -> Iterator[Line]:
        """Who was told, those who were told the same at one moment together."""
        told = [message for message, _ in played.messages]
        for (at, why, step), alike in groupby(
            told, key=lambda each: (each.created_at, _why(each.plan_why), each.plan_step or each.plan_about)
        ):
            key = f"told.{why}" if f"told.{why}" in WORDS[self._language] else "told.other"
            said = self.say(key, step=self._step(played.run.definition, step), kind=why)
            to = dict.fromkeys(self._name(each.receiver) for each in alike)
            yield Line(at, self.say("told", to=", ".join(to), why=said))

    # --- what it came to -------------------------------------------------------------------------------------------------

    def _sums(self, played: PlayedRun) -> Iterator[str]:
        run = played.run
        taken = next((event.at for event in played.events if event.kind == EventKind.PLAN_ACKNOWLEDGED), None)
        yield self.say("sum.taken", after=self._after(run.opened_at, taken)) if taken else self.say("sum.untaken")
        if (said := _first_word(played)) is not None:
            yield self.say("sum.said", after=self._after(run.opened_at, said))
        over = run.closed_at or max(event.at for event in played.events)
        yield self.say("sum.closed" if run.state is RunState.CLOSED else "sum.open", after=self._after(run.opened_at, over))
        receivers = dict.fromkeys(self._name(message.receiver) for message, _ in played.messages)
        yield self.say("sum.messages", n=len(played.messages), receivers=", ".join(receivers))
        joined = sum(event.kind == EventKind.ALERT_OPENED and _is_a_post(event, played) for event in played.events)
        counted = {
            "posts": joined,
            "late": sum(each.late for each in run.steps),
            "skipped": sum(each.state is StepState.WAITING for each in run.steps),
        }
        yield from (self.say(f"sum.{key}", n=n) for key, n in counted.items() if n)

    # --- small words -----------------------------------------------------------------------------------------------------

    def _wrapped(self, said: str, clock: str | None = None) -> list[str]:
        """Lines of at most 80 columns, the clock before the first; None: they begin at the edge."""
        begin = "" if clock is None else f"{clock:<{_CLOCK}}"
        plain = one_line(said, _LONGEST)
        whole = typeset(plain) if self._language == "fr" else plain  # so that no line begins with a colon
        return textwrap.wrap(whole, WIDTH, initial_indent=begin, subsequent_indent=" " * len(begin))

    def _again(self, times: int, first: datetime, last: datetime) -> str:
        return self.say("again", n=times, last=self._reader.moment(last, first))

    def _after(self, since: datetime, until: datetime) -> str:
        minutes = round((until - since) / timedelta(minutes=1))
        return self._reader.span(timedelta(minutes=minutes)) if minutes else self._reader.span(until - since)

    def _day(self, at: datetime) -> str:
        return self._reader.day(at.astimezone(self._zone).date())

    def _clock(self, at: datetime) -> str:
        return at.astimezone(self._zone).strftime("%H:%M")

    def _name(self, name: str) -> str:
        """Who acted, or got a message."""
        return self._played.names.get(name, self.say("somebody") if name in _ROUTES else name)

    def _reason(self, reasons: object, at: datetime) -> str:
        """The first reason of an alert, in the reader's words where there are any."""
        if not isinstance(reasons, list | tuple) or not reasons:
            return ""
        voice = Voice(Message("", "first", "info", self._language, self._settings.timezone, at, "", 1, self._settings.brand))
        return one_line(worded(voice, str(reasons[0])) or str(reasons[0]), _WHY)

    def _called(self, name: str) -> str:
        """Whom an event names: people, roles, and routes."""
        return self.say(f"route.{name}") if name in _ROUTES else self._name(name)

    def _rule(self, id_: str) -> str:
        title = self._titles.get(id_)
        return localized(title, self._language) if title is not None else id_

    def _step(self, plan: Plan, id_: object) -> str:
        step = plan.step(str(id_))
        return localized(step.called, self._language) if step is not None else str(id_ or "")


def folded(told: Iterable[Line], again: Callable[[int, datetime, datetime], str]) -> Iterator[Line]:
    """What happened, with minutes in which nothing new is said, as the reports and reminders of a calm night, as one line.

    `again` words that line: how often, from when, until when.
    """
    seen: set[tuple[str, ...]] = set()

    def is_known(minute: Sequence[Line]) -> bool:
        known = len(seen)
        seen.add(tuple(line.said for line in minute))
        return len(seen) == known

    minutes = [list(each) for _, each in groupby(told, key=lambda line: line.at.replace(second=0, microsecond=0))]
    for known, stretch in groupby(minutes, key=is_known):
        alike = list(stretch)
        if known and len(alike) > _OFTEN:
            first, last = alike[0][0].at, alike[-1][0].at
            yield Line(first, again(len(alike), first, last))
        else:
            yield from chain(*alike)


def _is_a_post(event: TimelineEvent, played: PlayedRun) -> bool:
    """Whether an event is about what one person said, other than what opened the run."""
    alert = played.alerts.get(event.alert_id or 0)
    return alert is not None and alert.personal and event.at > played.run.opened_at


def _why(why: str | None) -> str:
    return why or "opened"


def _first_word(played: PlayedRun) -> datetime | None:
    """When the first statement was out."""
    statements = {step.id for step in played.run.definition.steps if isinstance(step, StatementStep)}
    out = (each.ended_at for each in played.run.steps if each.step in statements and each.state is StepState.DONE)
    return min((at for at in out if at is not None), default=None)
