"""What people do in a run, the same from wherever they do it: each act is one change and one event, or is refused in words."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Final

from monitor.domain.plan import (
    ChecklistStep,
    Closure,
    EventKind,
    Plan,
    PlanRun,
    RunState,
    StatementStep,
    StepState,
    Undo,
    WebhookStep,
)
from monitor.plans.acting import Act, RefusedError, doable, ended, needs, note, step_of, who
from monitor.plans.aftermath import ask_for_report
from monitor.plans.effects import Effect, Moved, Note, Tell, Why, as_observed
from monitor.plans.ladder import next_rung
from monitor.plans.news import tell
from monitor.plans.statements import approve, edit, reject, require_no_yes
from monitor.plans.steps import is_delivered
from rules.base import suggest
from rules.duration import format_duration
from rules.figures import FiguresWhere

OPS: Final = "ops"
"""Whoever sees to Tocsin itself: told of a plan that nobody owns."""
_AT_WORK = frozenset({StepState.RUNNING, StepState.DONE, StepState.FAILED})  # what failed may have been done all the same


_ENDING = frozenset({"stand_down", "sign_off", "false_alarm"})
_NEEDS_EARNEST = frozenset({"confirm", "escalate", "hand_over"})
"""Whoever does these counts on what follows: in a run that is only observed nothing does."""


def act(run: PlanRun, done: Act) -> Moved:
    """The run after somebody has acted. An act that changes nothing is no error and leaves no event.

    Raises `RefusedError`; `UnreadableRunError` for a run that another version opened.
    """
    verb = VERBS.get(done.verb)
    if verb is None:
        raise RefusedError(f"nobody can `{done.verb}` in a plan run; {suggest(done.verb, VERBS)}")
    if not run.open and done.verb in _ENDING:
        return Moved(run)  # of two who end it at one moment, neither was wrong
    if not run.open:
        raise RefusedError(f"plan run {run.id} is closed: nothing is left to do in it", "closed")
    if run.state is RunState.OBSERVING and done.verb in _NEEDS_EARNEST:
        raise RefusedError(
            f"plan run {run.id} is only observed: nobody is told, and nothing is done. If this is a crisis, open the plan in"
            f" earnest: `tocsin plan open {run.plan} --subject … --why …`",
            "observed",
        )
    moved = verb(run.definition, run, replace(done, figures=replace(done.figures, level=run.level)))
    if not moved.effects:
        return Moved(run)
    effects = (*_also_taken(run, moved, done), *moved.effects)
    return Moved(replace(moved.run, touched_at=done.at), as_observed(run, effects))


def _also_taken(run: PlanRun, moved: Moved, done: Act) -> Iterator[Effect]:
    """Who hands over or ends what nobody had has taken it, too, and the report counts that; to end a drill answers nothing."""
    taken = run.acknowledged_at is None and moved.run.acknowledged_at is not None
    said = any(isinstance(each, Note) and each.kind == EventKind.PLAN_ACKNOWLEDGED for each in moved.effects)
    if taken and not said and not (run.drill and done.verb in _ENDING):
        yield Note(EventKind.PLAN_ACKNOWLEDGED)


# --- who has it ----------------------------------------------------------------------------------------------------------


def _acknowledge(plan: Plan, run: PlanRun, done: Act) -> Moved:
    """« Je prends en charge »: the chase ends, and whoever did it leads until somebody else is named."""
    del plan
    if run.acknowledged_at is not None:
        return _also_here(run, done)
    taken = replace(run, acknowledged_at=done.at, acknowledged_by=done.by, lead=_known_as(done) or run.lead)
    return Moved(taken, (note(EventKind.PLAN_ACKNOWLEDGED, done),))


def _also_here(run: PlanRun, done: Act) -> Moved:
    """Somebody has it already. A drill asks everybody whom it told, so that there the others' answers are noted, too."""
    return Moved(run, (note(EventKind.PLAN_ANSWERED, done),) if run.drill and done.by != run.acknowledged_by else ())


def _known_as(done: Act) -> str | None:
    """The name by which messages reach whoever acts; None for somebody who is not in contacts.yaml."""
    return done.by if done.by in done.names else None


def _assign(plan: Plan, run: PlanRun, done: Act) -> Moved:
    """Somebody leads the run, or a step is theirs."""
    to = _somebody(done)
    if done.step is None:
        if run.lead == to:
            return Moved(run)
        told = Tell((to,), Why.ASSIGNED, times=run.version)
        return Moved(replace(run, lead=to), (note(EventKind.PLAN_ASSIGNED, done, to=to), told))
    step = step_of(plan, done)
    at = run.step(step.id)
    if at.owner == to:
        return Moved(run)
    told = Tell((to,), Why.ASSIGNED, step.id, times=run.version)
    return Moved(run.with_step(replace(at, owner=to)), (note(EventKind.STEP_ASSIGNED, done, to=to), told))


def _somebody(done: Act) -> str:
    to = needs(done.to, "say to whom")
    if to not in done.contacts:
        raise RefusedError(
            f"`{to}` is no person or role of contacts.yaml, and nobody would hear of it; {suggest(to, done.contacts)}",
            "nobody",
            what=to,
        )
    return to


def _escalate(plan: Plan, run: PlanRun, done: Act) -> Moved:
    """Help, now: the next rung of the ladder, or everyone."""
    to = next_rung(plan, run) or tuple(plan.named())
    moved = replace(run, rung=run.rung + 1, rung_at=done.at)
    return Moved(moved, (note(EventKind.PLAN_ESCALATED, done, to=list(to)), Tell(to, Why.ESCALATED, times=run.version)))


def _hand_over(plan: Plan, run: PlanRun, done: Act) -> Moved:
    """« Passation »: a shift ends. Whoever takes over leads from now on, and reads how things stand; nobody is chased for it."""
    del plan
    to = _somebody(done)
    taken = run if run.acknowledged_at is not None else replace(run, acknowledged_at=done.at, acknowledged_by=done.by)
    told = Tell((to,), Why.HANDOVER, times=run.version)
    return Moved(replace(taken, lead=to), (note(EventKind.PLAN_HANDED_OVER, done, to=to), told))


def _updated(plan: Plan, run: PlanRun, done: Act) -> Moved:
    """A group of stakeholders has heard from us; how long it waits is counted from now."""
    known = [each.group for each in plan.stakeholders]
    group = needs(done.to, "say which group")
    if group not in known:
        raise RefusedError(f"plan {plan.id} has no stakeholders `{group}`; {suggest(group, known)}")
    return Moved(tell(run, group, done.at), (note(EventKind.PLAN_UPDATED, done, group=group),))


# --- whether and how gravely ---------------------------------------------------------------------------------------------


def _confirm(plan: Plan, run: PlanRun, done: Act) -> Moved:
    """It is a crisis, or one still: the automatic steps begin. Who says so has taken it, too."""
    if run.state not in {RunState.AWAITING_CONFIRMATION, RunState.STOOD_DOWN}:
        return Moved(run)
    begun = replace(run, state=RunState.RUNNING, confirmed_at=done.at, confirmed_by=done.by, confirm_by=None)
    begun = replace(begun, stood_down_at=None, stood_down_by=None)
    taken = _acknowledge(plan, begun, done)
    return Moved(taken.run, (note(EventKind.PLAN_CONFIRMED, done), *taken.effects))


def _set_level(plan: Plan, run: PlanRun, done: Act) -> Moved:
    """A person says how grave it is. What they lower, figures raise only once they ask for more than now, and for a while."""
    known = [each.level for each in plan.severity]
    level = done.level
    if level is None or level not in known:
        raise RefusedError(f"plan {plan.id} has no level {level}; {suggest(str(level), map(str, known))}")
    if level == run.level:
        return Moved(run)
    why = needs(done.text, "say why the level changes")
    graver = run.level is None or level > run.level
    moved = replace(run, level=level, level_since=done.at, proposed_level=None, lowered_from=None, outside_since=None)
    if graver:
        moved = replace(moved, rung=0)
    else:  # what is seen at this moment raises it no more
        seen = run.level if run.asked_level is None else run.asked_level
        moved = replace(moved, lowered_from=max(level, seen or 0))
    found = plan.level(level)
    approver = [found.approver] if found is not None and found.approver else []
    told = Tell(tuple(dict.fromkeys([*plan.notify, *approver])), Why.LEVEL, times=run.version)
    return Moved(moved, (note(EventKind.LEVEL_RAISED if graver else EventKind.LEVEL_LOWERED, done, level=level, why=why), told))


# --- what is done --------------------------------------------------------------------------------------------------------


def _check(plan: Plan, run: PlanRun, done: Act) -> Moved:
    """Tick an item of a list; with the last one the step is done."""
    step, at = doable(plan, run, done)
    if not isinstance(step, ChecklistStep):
        raise RefusedError(f"the step `{step.id}` has no list to tick: `done` ends it")
    if done.item is None or not 0 <= done.item < len(step.items):
        raise RefusedError(f"the list of `{step.id}` has {len(step.items)} items, from 1 to {len(step.items)}")
    if done.item in at.checked:
        return Moved(run)
    checked = replace(at, checked=tuple(sorted({*at.checked, done.item})))
    noted: list[Effect] = [note(EventKind.STEP_CHECKED, done, item=done.item + 1)]
    if len(checked.checked) == len(step.items):
        checked = ended(checked, StepState.DONE, done)
        noted.append(note(EventKind.STEP_DONE, done))
    return Moved(run.with_step(checked), tuple(noted))


def _done(plan: Plan, run: PlanRun, done: Act) -> Moved:
    """A person has done a step: one of theirs, or an automatic one that failed."""
    if run.step(step_of(plan, done).id).state is StepState.DONE:
        return Moved(run)
    step, at = doable(plan, run, done)
    if isinstance(step, StatementStep) and at.approved_at is None:
        require_no_yes(plan, run, step, done)
    return Moved(run.with_step(ended(at, StepState.DONE, done)), (note(EventKind.STEP_DONE, done),))


def _skip(plan: Plan, run: PlanRun, done: Act) -> Moved:
    """A step is left out, and why."""
    why = needs(done.text, "say why the step is left out")
    step = step_of(plan, done)
    at = run.step(step.id)
    if at.state is StepState.SKIPPED:
        return Moved(run)
    if at.state is StepState.RUNNING and is_delivered(step):
        raise RefusedError(f"the step `{step.id}` is on its way already: nobody can call it back", "on_its_way")
    if at.ended and at.state is not StepState.FAILED:
        raise RefusedError(f"the step `{step.id}` is {at.state} already", "ended")
    return Moved(
        run.with_step(replace(ended(at, StepState.SKIPPED, done), detail=why)), (note(EventKind.STEP_SKIPPED, done, why=why),)
    )


def _note_down(plan: Plan, run: PlanRun, done: Act) -> Moved:
    """Something worth remembering."""
    del plan
    return Moved(run, (note(EventKind.PLAN_NOTED, done, text=needs(done.text, "say what is to be noted")),))


# --- the end -------------------------------------------------------------------------------------------------------------


def _stand_down(plan: Plan, run: PlanRun, done: Act) -> Moved:
    """« Lever la crise »: it waits for the signature that the plan asks for; against the plan's figures it needs a reason."""
    if run.state is RunState.STOOD_DOWN:
        return Moved(run)
    if plan.closure.when is not None and not run.drill and not done.text:
        _require_calm(plan.closure, plan.closure.when, run, done)
    down = replace(run, stood_down_at=done.at, stood_down_by=done.by)
    if run.acknowledged_at is None:  # who ends it has taken it
        down = replace(down, acknowledged_at=done.at, acknowledged_by=done.by)
    noted = note(EventKind.PLAN_STOOD_DOWN, done, **({"why": done.text} if done.text else {}))
    # What is only observed waits for no signature: stood down, it would be observed no more, and act on the outside.
    if run.state is RunState.OBSERVING or plan.closure.sign_off is None or plan.closure.sign_off in done.names:
        closed = _close(plan, down, done)
        return replace(closed, effects=(noted, *closed.effects))
    return Moved(
        replace(down, state=RunState.STOOD_DOWN), (noted, Tell((plan.closure.sign_off,), Why.SIGN_OFF, times=run.version))
    )


def _require_calm(closure: Closure, when: FiguresWhere, run: PlanRun, done: Act) -> None:
    """The figures hold, and have held for as long as the plan says."""
    seen = ", ".join(f"{name} {value}" for name, value in when.said(done.figures).items())
    anyway = "say why it is over all the same"
    if when.holds(done.figures) is not True:
        raise RefusedError(f"the plan asks for figures that do not hold yet ({seen}): {anyway}", "not_calm", what=seen)
    held = max(done.at - (run.calm_since or done.at), timedelta(0))
    if held < closure.for_:
        wanted, since = format_duration(closure.for_), format_duration(timedelta(minutes=held // timedelta(minutes=1)))
        raise RefusedError(
            f"the plan asks for figures that hold for {wanted}, and these ({seen}) have held for {since}: {anyway}",
            "not_calm_for_long",
            what=wanted,
        )


def _sign_off(plan: Plan, run: PlanRun, done: Act) -> Moved:
    """The signature that the plan asks for."""
    if run.state is not RunState.STOOD_DOWN:
        raise RefusedError(f"plan run {run.id} was not stood down: there is nothing to sign off", "not_stood_down")
    signs = plan.closure.sign_off
    if signs is not None and signs not in done.names:
        raise RefusedError(f"{done.by} may not sign off this plan: that is for {who([signs])}", "not_signer", who=[signs])
    return _close(plan, run, done)


def _false_alarm(plan: Plan, run: PlanRun, done: Act) -> Moved:
    """« Fausse alerte »: it was none. It ends at once, and what its steps did is taken back."""
    why = needs(done.text, "say what made it look like a crisis: the rule learns from that")
    closed = _close(plan, run, done, Why.FALSE_ALARM)
    return replace(closed, effects=(note(EventKind.PLAN_FALSE_ALARM, done, why=why), *closed.effects))


def _close(plan: Plan, run: PlanRun, done: Act, why: Why = Why.OVER) -> Moved:
    """It is over. What steps changed outside is taken back, whoever was told hears of it, and whoever reports is asked to."""
    undone = [Tell((undo.receiver,), Why.UNDO, step) for step, undo in _undone(plan, run, done)]
    closed = replace(run, state=RunState.CLOSED, closed_at=done.at, closed_by=done.by, wake_at=None)
    owes = done.verb != "false_alarm" and run.state is not RunState.OBSERVING
    asked = ask_for_report(closed) if owes else Moved(closed)
    over = [Tell(plan.notify, why, times=run.version)]
    if run.drill:
        over.append(Tell((plan.owner or OPS,), Why.DRILLED, times=run.version))
    return Moved(asked.run, (note(EventKind.PLAN_CLOSED, done), *undone, *over, *asked.effects))


def _undone(plan: Plan, run: PlanRun, done: Act) -> Iterator[tuple[str, Undo]]:
    """The steps that changed something outside, and how each is taken back. Refused while that needs a word nobody has given."""
    for step in plan.steps:
        undo = step.undo if isinstance(step, WebhookStep) else None
        at = run.step(step.id)
        if undo is None or at.state not in _AT_WORK or run.drill:
            continue
        given = not undo.approval or at.approved_at is not None or {done.by, *done.names} & {*undo.approval}
        if not given and run.state is not RunState.OBSERVING:
            raise RefusedError(
                f"the end takes back the step `{step.id}`: that needs a yes of {who(undo.approval)}, by approving `{step.id}`",
                "undo",
                who=undo.approval,
                what=step.id,
            )
        yield step.id, undo


VERBS: Mapping[str, Callable[[Plan, PlanRun, Act], Moved]] = {
    "acknowledge": _acknowledge,
    "assign": _assign,
    "escalate": _escalate,
    "confirm": _confirm,
    "level": _set_level,
    "check": _check,
    "done": _done,
    "skip": _skip,
    "edit": edit,
    "approve": approve,
    "reject": reject,
    "note": _note_down,
    "hand_over": _hand_over,
    "updated": _updated,
    "stand_down": _stand_down,
    "sign_off": _sign_off,
    "false_alarm": _false_alarm,
}
"""What people can do in a run."""
