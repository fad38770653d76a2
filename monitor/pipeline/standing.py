"""Gathers where a run stands, for whoever was not there: what was done since when, and how the figures went."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any, Final

from monitor.domain.plan import EventKind, NotifyStep, Plan, PlanRun, StatementStep, TimelineEvent, filled, localized
from monitor.pipeline.figures import figures_of
from monitor.plans import Why
from monitor.plans.news import due_at, told_at
from monitor.plans.steps import SHOWN, is_held
from monitor.plans.story import Told, titles_of, told
from monitor.storage import UnitOfWork
from notifiers.message import DoneFacts, FigureFacts, GroupFacts, Language, PlanFacts, StandingFacts
from rules.figures import Figures

_TOLD: Final = frozenset(
    {
        EventKind.PLAN_OPENED, EventKind.PLAN_CONFIRMED, EventKind.PLAN_ACTIVATED, EventKind.PLAN_ACKNOWLEDGED,
        EventKind.PLAN_ASSIGNED, EventKind.PLAN_HANDED_OVER, EventKind.PLAN_ESCALATED, EventKind.PLAN_CAPTURED,
        EventKind.PLAN_KEPT, EventKind.PLAN_THREAD, EventKind.PLAN_UPDATED, EventKind.PLAN_STOOD_DOWN, EventKind.PLAN_CLOSED,
        EventKind.PLAN_FALSE_ALARM, EventKind.LEVEL_SET, EventKind.LEVEL_RAISED, EventKind.LEVEL_LOWERED,
        EventKind.STEP_DONE, EventKind.STEP_SKIPPED, EventKind.STEP_FAILED, EventKind.STEP_LATE, EventKind.STEP_APPROVED,
        EventKind.STEP_REJECTED, EventKind.STEP_EDITED,
    }
)  # fmt: skip
"""What is told of a run to somebody who was not there; the rest of its timeline is for those who were."""
_NOTED: Final = EventKind.PLAN_NOTED.removeprefix("plan.")


def is_report(plan: Plan, step: str | None) -> bool:
    """Whether a step is the situation report: what is told every so often."""
    found = plan.step(step or "")
    return isinstance(found, NotifyStep) and found.every is not None


async def standing_of(
    tx: UnitOfWork,
    run: PlanRun,
    now: datetime,
    *,
    language: Language,
    people: Mapping[str, str],
    why: str | None,
    step: str | None,
    handed_over: bool = True,
) -> StandingFacts | None:
    """Where a run stands at a moment, for a message that says so; None for all others.

    `people` say what people and roles are called, `why` is a word of `Why`, `step` the step that the message is. The note of a
    handover is about the shift that ends with it, or, before it is `handed_over`, about the one that goes on.
    """
    plan = run.definition
    report = why == Why.STEP and is_report(plan, step)
    if not report and why not in {Why.HANDOVER, Why.NEWS}:
        return None
    story = [each for each in await tx.timeline.of_run(run.id) if each.at <= now]
    shown = [each for each in story if each.kind == EventKind.PLAN_SITUATION and (each.detail or {}).get("step") == step]
    here = next((each for each in reversed(shown) if each.at == now), None)
    figures = _figures_in(here) if here is not None else await figures_of(tx, run, plan.window, now)
    earlier = [each for each in shown if each.at < now]
    before = earlier[-1] if report and earlier else None
    if report:
        since = before.at if before is not None else run.opened_at
    else:
        since = _shift_began(run, story, over=why == Why.HANDOVER and handed_over)
    return _standing(run, story, since, now, figures, before, language=language, people=people)


def with_standing(
    facts: PlanFacts, run: PlanRun, standing: StandingFacts | None, language: Language, fill: Callable[..., Mapping[str, str]]
) -> PlanFacts:
    """The facts of a plan with where its run stands. Words that were used stand as they were said: `fill(now=…)` knows how.

    Filled in anew, « back at 14:00 » would move on with each report, and we would seem to have promised another hour.
    """
    if standing is None:
        return facts
    words = {step.id: run.words(step) for step in run.definition.steps if isinstance(step, StatementStep)}
    steps = tuple(
        replace(step, text=filled(localized(words[step.id], language), fill(now=step.ended)))
        if step.ended is not None and step.id in words
        else step
        for step in facts.steps
    )
    return replace(facts, steps=steps, standing=standing)


def _shift_began(run: PlanRun, story: Sequence[TimelineEvent], *, over: bool) -> datetime:
    """When the run was handed over before; else when it opened. `over`: the shift has ended, by the last handover of all."""
    shifts = [run.opened_at, *(each.at for each in story if each.kind == EventKind.PLAN_HANDED_OVER)]
    return shifts[-2] if over and len(shifts) > 1 else shifts[-1]


def _figures_in(event: TimelineEvent) -> Figures:
    detail: Mapping[str, Any] = event.detail or {}
    return Figures(**{name: detail.get(name) for name in SHOWN})


def _standing(
    run: PlanRun,
    story: Sequence[TimelineEvent],
    since: datetime,
    now: datetime,
    figures: Figures,
    before: TimelineEvent | None,
    *,
    language: Language,
    people: Mapping[str, str],
) -> StandingFacts:
    plan = run.definition
    in_words = partial(told, titles=titles_of(plan), called=lambda name: people.get(name, name), language=language)
    happened = [_done(each, in_words(each)) for each in story if each.kind.startswith("plan.")]
    begins = before is None or since == run.opened_at  # the report before has told what happened at its own moment
    return StandingFacts(
        since=since,
        began=run.opened_at,
        window=plan.window,
        level_since=run.level_since,
        figures=tuple(_figures(run, figures, _figures_in(before) if before is not None else Figures())),
        done=tuple(each for each in happened if since < each.at <= now or (each.at == since and begins)),
        notes=tuple(each for each in happened if each.what == _NOTED),
        groups=tuple(
            GroupFacts(each.group, each.channel, told_at(run, each.group), due_at(run, each)) for each in plan.stakeholders
        ),
        next_at=_next_report(run),
    )


def _figures(run: PlanRun, now: Figures, before: Figures) -> Iterator[FigureFacts]:
    peak = run.peak or {}
    yield FigureFacts("mentions", now.mentions, before.mentions, peak.get("mentions"))
    yield FigureFacts("authors", now.authors, before.authors, peak.get("authors"))
    yield FigureFacts("negative_share", now.negative_share, before.negative_share, peak.get("negative_share"))


def _next_report(run: PlanRun) -> datetime | None:
    """When the next report leaves, unless people have to say first that there is a crisis still."""
    if is_held(run):
        return None
    found = [each.next_at for each in run.steps if each.next_at is not None and is_report(run.definition, each.step)]
    return min(found, default=None)


def _done(event: TimelineEvent, words: Told) -> DoneFacts:
    said = words.said if event.kind in _TOLD else ""
    return DoneFacts(event.at, event.kind.removeprefix("plan."), words.who, words.about, words.note, said)
