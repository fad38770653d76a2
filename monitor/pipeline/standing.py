"""Gathers where a run stands, for whoever was not there: what was done since when, and how the figures went."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from monitor.domain.plan import EventKind, NotifyStep, Plan, PlanRun, StatementStep, TimelineEvent, filled, localized
from monitor.pipeline.figures import figures_of
from monitor.plans import Why
from monitor.plans.news import due_at, told_at
from monitor.plans.steps import SHOWN, is_held
from monitor.storage import UnitOfWork
from notifiers.catalogue import group as group_name
from notifiers.message import DoneFacts, FigureFacts, GroupFacts, Language, PlanFacts, StandingFacts
from rules.figures import Figures

_NOTED: Final = EventKind.PLAN_NOTED
_ABOUT = ("to", "posts", "mention")  # what an event that is about no step and no level is about


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
    told = [_done(plan, each, language, people) for each in story if each.kind.startswith("plan.")]
    begins = before is None or since == run.opened_at  # the report before has told what happened at its own moment
    return StandingFacts(
        since=since,
        began=run.opened_at,
        window=plan.window,
        level_since=run.level_since,
        figures=tuple(_figures(run, figures, _figures_in(before) if before is not None else Figures())),
        done=tuple(each for each in told if since < each.at <= now or (each.at == since and begins)),
        notes=tuple(each for each in told if each.what == _NOTED.removeprefix("plan.")),
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


def _done(plan: Plan, event: TimelineEvent, language: Language, people: Mapping[str, str]) -> DoneFacts:
    detail: Mapping[str, Any] = event.detail or {}
    who = people.get(event.actor, event.actor) if event.by_hand else ""
    note = detail.get("text") or detail.get("why") or detail.get("note") or ""
    return DoneFacts(event.at, event.kind.removeprefix("plan."), who, _about(plan, detail, language, people), str(note))


def _about(plan: Plan, detail: Mapping[str, Any], language: Language, people: Mapping[str, str]) -> str:
    """What an event is about, as people call it: its step, its level, or whom."""
    step = plan.step(str(detail.get("step") or ""))
    level = plan.level(detail["level"]) if isinstance(detail.get("level"), int) else None
    called = level.name if level is not None else step.called if step is not None and "posts" not in detail else None
    if called is not None:
        return localized(called, language)
    if (group := detail.get("group")) is not None:
        return group_name(language, str(group))
    found = next((detail[name] for name in _ABOUT if detail.get(name) is not None), "")
    names = found if isinstance(found, list) else [found]
    return ", ".join(people.get(str(name), str(name)) for name in names)
