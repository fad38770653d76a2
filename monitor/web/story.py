"""The timeline in sentences: who did what, when; what repeats stands once, and what only machines care for is left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from monitor.domain.plan import EventKind, PlanRun, TimelineEvent, localized
from monitor.plans.news import groups_in
from monitor.web.desk import Desk
from monitor.web.words import Words
from notifiers.message import Message
from notifiers.reader import Reader
from notifiers.safe import one_line

_LONGEST: Final = 300  # characters of what somebody wrote


@dataclass(frozen=True, slots=True)
class Moment:
    """One line. `note` is what somebody wrote: hostile until escaped. `times`: how often it happened in a row."""

    at: str
    said: str
    note: str
    times: int


class Storyteller:
    """Tells the story of one run to one reader."""

    def __init__(self, desk: Desk, message: Message, run: PlanRun) -> None:
        self._desk = desk
        self._run = run
        self._plan = run.definition
        self._language = message.language
        self._words = Words(message.language)
        self._reader = Reader(message.language, message.timezone)
        self._now = message.created_at
        self._rules = {rule.id: localized(rule.title, message.language) for rule in desk.settings.rules if rule.title}

    def moments(self, story: Sequence[TimelineEvent]) -> list[Moment]:
        """What happened, in its order."""
        told = [(event, self._said(event), self._note(event)) for event in story if self._is_told(event)]
        return [self._moment([*group]) for _, group in groupby(told, key=lambda each: each[1:])]

    def _moment(self, group: Sequence[tuple[TimelineEvent, str, str]]) -> Moment:
        event, said, note = group[0]
        return Moment(self._reader.moment(event.at, self._now), said, note, len(group))

    def _is_told(self, event: TimelineEvent) -> bool:
        """Whether it happened in this run, or to the alerts that it is about, and there are words for it."""
        return event.plan_run_id in {None, self._run.id} and self._words.knows(f"story.{event.kind}")

    def _said(self, event: TimelineEvent) -> str:
        """« Léa prend en charge le plan »: what begins with a small letter is done by somebody."""
        said = self._words(f"story.{event.kind}", **self._values(event.detail or {}))
        who = "Tocsin" if not event.by_hand else one_line(self._desk.called(event.actor), _LONGEST)
        if said[0].islower():
            return f"{who} {said}"
        return f"{said} ({who})" if event.by_hand else said

    def _values(self, detail: Mapping[str, object]) -> dict[str, str]:
        """What fills the places of a phrase, by the names that people use."""
        to = detail.get("to", ())
        names = [to] if isinstance(to, str) else to if isinstance(to, list | tuple) else ()
        step = self._plan.step(str(detail.get("step", "")))
        level = self._plan.level(found) if isinstance(found := detail.get("level"), int) else None
        said = {
            "step": localized(step.called, self._language) if step is not None else str(detail.get("step", "")),
            "level": localized(level.name, self._language) if level is not None else str(detail.get("level", "")),
            "rule": self._rules.get(str(detail.get("rule", "")), str(detail.get("rule", ""))),
            "to": ", ".join(self._desk.called(str(name)) for name in names),
            "item": str(detail.get("item", "")),
            "receiver": str(detail.get("receiver", "")),
            "groups": groups_in(detail),
        }
        return {name: one_line(value, _LONGEST) for name, value in said.items()}

    @staticmethod
    def _note(event: TimelineEvent) -> str:
        """What somebody wrote on it: a reason, or a note. What Tocsin gives as its reasons, the alerts say better."""
        detail = event.detail or {}
        if event.kind == EventKind.PLAN_WOULD_TELL:  # its reason is a word of ours
            return ""
        return next((one_line(str(detail[name]), _LONGEST) for name in ("why", "text", "note") if detail.get(name)), "")
