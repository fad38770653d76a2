"""The timeline as the lines of a page: what happened, who did it; what repeats stands once, what only machines care for not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from monitor.domain.plan import PlanRun, TimelineEvent
from monitor.plans.phrases import UNTOLD
from monitor.plans.story import Told, titles_of, told
from monitor.web.desk import Desk
from notifiers.message import Message
from notifiers.reader import Reader


@dataclass(frozen=True, slots=True)
class Moment:
    """One line. `told` holds what people wrote: hostile until escaped. `times`: how often it happened in a row."""

    at: str
    told: Told
    times: int


def moments(desk: Desk, message: Message, run: PlanRun, story: Sequence[TimelineEvent]) -> list[Moment]:
    """What happened in a run, or to the alerts that it is about, in its order, for the reader of a message."""
    titles = titles_of(run.definition, {rule.id: rule.title for rule in desk.settings.rules if rule.title})
    own = [each for each in story if each.plan_run_id in {None, run.id} and each.kind not in UNTOLD]
    lines = [(each.at, told(each, titles, desk.called, message.language)) for each in own]
    reader = Reader(message.language, message.timezone)
    alike = [[*group] for _, group in groupby(lines, key=lambda line: line[1])]
    return [Moment(reader.moment(group[0][0], message.created_at), group[0][1], len(group)) for group in alike]
