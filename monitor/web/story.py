"""The timeline as the lines of a page: what happened, who did it; what repeats stands once, what only machines care for not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from monitor.domain.alert import Alert
from monitor.domain.plan import EventKind, Localized, PlanRun, TimelineEvent
from monitor.plans.phrases import UNTOLD
from monitor.plans.story import Titles, Told, titles_of, told
from monitor.web.desk import Desk
from notifiers.message import Message
from notifiers.reader import Reader

_OF_PLANS: Final = frozenset(
    {EventKind.PLAN_OPENED, EventKind.PLAN_REOPENED, EventKind.PLAN_STOOD_DOWN, EventKind.PLAN_CLOSED, EventKind.PLAN_FALSE_ALARM}
)


@dataclass(frozen=True, slots=True)
class Moment:
    """One line. `told` holds what people wrote: hostile until escaped. `times`: how often it happened in a row."""

    at: str
    told: Told
    times: int


def moments(desk: Desk, message: Message, run: PlanRun, story: Sequence[TimelineEvent]) -> list[Moment]:
    """What happened in a run, or to the alerts that it is about, in its order, for the reader of a message."""
    own = [each for each in story if each.plan_run_id in {None, run.id} and each.kind not in UNTOLD]
    return _lines(desk, message, titles_of(run.definition, _rules(desk)), own)


def moments_of_alert(desk: Desk, message: Message, alert: Alert, story: Sequence[TimelineEvent]) -> list[Moment]:
    """What happened to an alert, and how the plan that it asked for began and ended; the room has the rest."""
    own = [
        each
        for each in story
        if (each.alert_id == alert.id and each.kind not in UNTOLD) or (alert.plan is not None and each.kind in _OF_PLANS)
    ]
    return _lines(desk, message, {f"rule:{name}": title for name, title in _rules(desk).items()}, own)


def _rules(desk: Desk) -> dict[str, Localized]:
    return {rule.id: rule.title for rule in desk.settings.rules if rule.title}


def _lines(desk: Desk, message: Message, titles: Titles, own: Sequence[TimelineEvent]) -> list[Moment]:
    lines = [(each.at, told(each, titles, desk.called, message.language)) for each in own]
    reader = Reader(message.language, message.timezone)
    alike = [[*group] for _, group in groupby(lines, key=lambda line: line[1])]
    return [Moment(reader.moment(group[0][0], message.created_at), group[0][1], len(group)) for group in alike]
