"""From what was read to the report: pure, so that the same run makes the same report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from monitor.domain.plan import EventKind, Localized, Plan, PlanRun, RunState, StatementStep, TimelineEvent, since_it_began
from monitor.plans import report_due
from monitor.plans.story import titles_of
from monitor.report import measuring
from monitor.report.actions import actions
from monitor.report.asking import asked
from monitor.report.chronicle import chronicle
from monitor.report.lacking import lacks
from monitor.report.material import Material
from monitor.report.naming import Naming
from monitor.report.steps import step_lines
from monitor.report.value import Course, Moment, Report, Signature
from monitor.settings.contacts import Contacts

_FIRSTS = (
    EventKind.ALERT_OPENED,
    EventKind.PLAN_OPENED,
    EventKind.PLAN_ACKNOWLEDGED,
    EventKind.PLAN_CONFIRMED,
)  # of these the first stands on the chart
_ALL = frozenset(
    {
        EventKind.LEVEL_RAISED,
        EventKind.PLAN_REOPENED,
        EventKind.PLAN_STOOD_DOWN,
        EventKind.PLAN_FALSE_ALARM,
        EventKind.PLAN_CLOSED,
    }
)
_MOST_MARKS = 12  # as many as can be told apart


def build(seen: Material, contacts: Contacts, zone: str, *, subject: str, rules: Mapping[str, Localized]) -> Report:
    """`subject` is what people call what it is about, `rules` what they call rules; `zone` the default time zone."""
    run, plan = seen.run, seen.run.definition
    naming = Naming(contacts, zone, frozenset(plan.named()))
    moments = chronicle(seen.story, run.id, naming)
    spans = measuring.spans(seen)
    own, lately = seen.own, since_it_began(seen.own)  # what was said of an earlier end does not hold any more
    signed, left = _signature(lately), actions(seen.story, run.id)
    kinds = {each.kind for each in lately}
    false_alarm = EventKind.PLAN_FALSE_ALARM in kinds
    observed = run.state is RunState.OBSERVING or EventKind.PLAN_WOULD_TELL in kinds
    answerable = {plan.after_action.owner or "", *([signed.by] if signed else []), *(each.owner for each in left)}
    return Report(
        run=run.id,
        plan=plan.id,
        title=plan.title,
        subject=subject,
        state=str(run.state),
        made_at=seen.now,
        opened_at=run.opened_at,
        closed_at=run.closed_at,
        prefix=plan.drill.prefix if run.drill else "",
        false_alarm=false_alarm,
        observed=observed,
        rang=bool(seen.alerts),
        why=next((str((each.detail or {}).get("why", "")) for each in own if each.kind == EventKind.PLAN_OPENED), ""),
        level=_gravest(run, own),
        spans=spans,
        course=seen.course,
        loudest=measuring.loudest(seen.course.columns),
        angriest=measuring.angriest(seen.course.columns),
        marks=_marks(moments, plan, seen.course),
        moments=moments,
        steps=step_lines(run, naming, seen.now),
        asked=asked(seen, naming),
        lacks=lacks(seen, spans, naming),
        actions=left,
        posts=seen.posts,
        deleted=seen.deleted,
        owner=plan.after_action.owner or "",
        due=None if false_alarm or observed else report_due(run),
        signed=signed,
        titles=titles_of(plan, rules),
        people={name: contacts.people[name].name for name in answerable if name in contacts.people},
    )


def _gravest(run: PlanRun, own: Sequence[TimelineEvent]) -> Localized:
    """The name of the highest level that the run has reached."""
    set_ = ((each.detail or {}).get("level") for each in own if each.kind in {EventKind.LEVEL_SET, EventKind.LEVEL_RAISED})
    ranks = [each for each in (*set_, run.level) if isinstance(each, int)]
    level = run.definition.level(max(ranks)) if ranks else None
    return level.name if level is not None else {}


def _signature(lately: Sequence[TimelineEvent]) -> Signature | None:
    """The last one since the run began: one that was opened again is to be signed anew."""
    signed = [each for each in lately if each.kind == EventKind.REPORT_SIGNED]
    return Signature(signed[-1].actor, signed[-1].at) if signed else None


def _marks(moments: Sequence[Moment], plan: Plan, course: Course) -> list[Moment]:
    """What explains the course: the first alert, who took it, each rise of the level, each statement, calm, the end."""
    firsts = [next((each for each in moments if each.kind == kind), None) for kind in _FIRSTS]
    calm = next((each for each in reversed(moments) if each.kind == EventKind.ALERT_RESOLVED), None)
    words = {step.id for step in plan.steps if isinstance(step, StatementStep)}
    spoken = [each for each in moments if each.kind == EventKind.STEP_DONE and each.said.get("step") in words]
    others = [each for each in moments if each.kind in _ALL]
    found = sorted([*filter(None, (*firsts, calm)), *spoken, *others], key=lambda each: each.until)
    return [each for each in found if course.columns and course.since <= each.until <= course.until][:_MOST_MARKS]
