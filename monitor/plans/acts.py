"""What people do in a run, the same from wherever they do it: each act is one change and one event, or is refused in words."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from monitor.domain.errors import UsageError
from monitor.domain.plan import (
    ALWAYS_KNOWN,
    PLACES,
    ChecklistStep,
    Language,
    Plan,
    PlanRun,
    RunState,
    StatementStep,
    Step,
    StepRun,
    StepState,
    Undo,
    WebhookStep,
    places,
)
from monitor.plans.aftermath import ask_for_report
from monitor.plans.effects import Effect, Moved, Note, Tell, Why, as_observed
from monitor.plans.ladder import next_rung
from monitor.plans.news import tell
from monitor.plans.steps import is_automatic, is_delivered
from rules.base import suggest
from rules.figures import Figures

_DOABLE = frozenset({StepState.WAITING, StepState.READY, StepState.OVERDUE})
_AT_WORK = frozenset({StepState.RUNNING, StepState.DONE, StepState.FAILED})  # what failed may have been done all the same


class RefusedError(UsageError):
    """The act is not possible as the run stands, or not for this person."""


@dataclass(frozen=True, slots=True)
class Act:
    """Something a person does. `names` are all that stand for them: their name in contacts.yaml, and their roles at this moment.

    `verb` is one of `VERBS`; what else it needs stands in `step`, `item` (the place of an item, from 0), `to` (a person, role or
    group of stakeholders), `level`, `text` (a note or a reason) and `words` (an edited statement, by language).
    """

    verb: str
    by: str
    at: datetime
    names: Collection[str] = ()
    step: str | None = None
    item: int | None = None
    to: str | None = None
    level: int | None = None
    text: str | None = None
    words: Mapping[Language, str] | None = None
    figures: Figures = field(default_factory=Figures)


_ENDING = frozenset({"stand_down", "sign_off", "false_alarm"})


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
        raise RefusedError(f"plan run {run.id} is closed: nothing is left to do in it")
    moved = verb(run.definition, run, replace(done, figures=replace(done.figures, level=run.level)))
    if not moved.effects:
        return Moved(run)
    return Moved(replace(moved.run, touched_at=done.at), as_observed(run, moved.effects))


# --- who has it ----------------------------------------------------------------------------------------------------------


def _acknowledge(plan: Plan, run: PlanRun, done: Act) -> Moved:
    """« Je prends en charge »: the chase ends, and whoever did it leads until somebody else is named."""
    del plan
    if run.acknowledged_at is not None:
        return Moved(run)
    taken = replace(run, acknowledged_at=done.at, acknowledged_by=done.by, lead=_known_as(done) or run.lead)
    return Moved(taken, (_note("acknowledged", done),))


def _known_as(done: Act) -> str | None:
    """The name by which messages reach whoever acts; None for somebody who is not in contacts.yaml."""
    return done.by if done.by in done.names else None


def _assign(plan: Plan, run: PlanRun, done: Act) -> Moved:
    """Somebody leads the run, or a step is theirs."""
    to = _needs(done.to, "say to whom")
    if done.step is None:
        if run.lead == to:
            return Moved(run)
        told = Tell((to,), Why.ASSIGNED, times=run.version)
        return Moved(replace(run, lead=to), (_note("assigned", done, to=to), told))
    step = _step(plan, done)
    at = run.step(step.id)
    if at.owner == to:
        return Moved(run)
    told = Tell((to,), Why.ASSIGNED, step.id, times=run.version)
    return Moved(run.with_step(replace(at, owner=to)), (_note("step.assigned", done, to=to), told))


def _escalate(plan: Plan, run: PlanRun, done: Act) -> Moved:
    """Help, now: the next rung of the ladder, or everyone."""
    to = next_rung(plan, run) or tuple(plan.named())
    moved = replace(run, rung=run.rung + 1, rung_at=done.at)
    return Moved(moved, (_note("escalated", done, to=list(to)), Tell(to, Why.ESCALATED, times=run.version)))


def _hand_over(plan: Plan, run: PlanRun, done: Act) -> Moved:
    """« Passation »: a shift ends. Whoever takes over leads from now on, and reads how things stand; nobody is chased for it."""
    del plan
    to = _needs(done.to, "say to whom")
    taken = run if run.acknowledged_at is not None else replace(run, acknowledged_at=done.at, acknowledged_by=done.by)
    told = Tell((to,), Why.HANDOVER, times=run.version)
    return Moved(replace(taken, lead=to), (_note("handed_over", done, to=to), told))


def _updated(plan: Plan, run: PlanRun, done: Act) -> Moved:
    """A group of stakeholders has heard from us; how long it waits is counted from now."""
    known = [each.group for each in plan.stakeholders]
    group = _needs(done.to, "say which group")
    if group not in known:
        raise RefusedError(f"plan {plan.id} has no stakeholders `{group}`; {suggest(group, known)}")
    return Moved(tell(run, group, done.at), (_note("updated", done, group=group),))


# --- whether and how gravely ---------------------------------------------------------------------------------------------


def _confirm(plan: Plan, run: PlanRun, done: Act) -> Moved:
    """It is a crisis, or one still: the automatic steps begin. Who says so has taken it, too."""
    if run.state not in {RunState.AWAITING_CONFIRMATION, RunState.STOOD_DOWN}:
        return Moved(run)
    begun = replace(run, state=RunState.RUNNING, confirmed_at=done.at, confirmed_by=done.by, confirm_by=None)
    begun = replace(begun, stood_down_at=None, stood_down_by=None)
    taken = _acknowledge(plan, begun, done)
    return Moved(taken.run, (_note("confirmed", done), *taken.effects))


def _set_level(plan: Plan, run: PlanRun, done: Act) -> Moved:
    """A person says how grave it is. The figures raise it again only once they ask for more than this, and than they do now."""
    known = [each.level for each in plan.severity]
    level = done.level
    if level is None or level not in known:
        raise RefusedError(f"plan {plan.id} has no level {level}; {suggest(str(level), map(str, known))}")
    if level == run.level:
        return Moved(run)
    why = _needs(done.text, "say why the level changes")
    graver = run.level is None or level > run.level
    moved = replace(run, level=level, level_since=done.at, proposed_level=None)
    if graver:
        moved = replace(moved, rung=0)
    found = plan.level(level)
    approver = [found.approver] if found is not None and found.approver else []
    told = Tell(tuple(dict.fromkeys([*plan.notify, *approver])), Why.LEVEL, times=run.version)
    return Moved(moved, (_note("level.raised" if graver else "level.lowered", done, level=level, why=why), told))


# --- what is done --------------------------------------------------------------------------------------------------------


def _check(plan: Plan, run: PlanRun, done: Act) -> Moved:
    """Tick an item of a list; with the last one the step is done."""
    step, at = _doable(plan, run, done)
    if not isinstance(step, ChecklistStep):
        raise RefusedError(f"the step `{step.id}` has no list to tick: `done` ends it")
    if done.item is None or not 0 <= done.item < len(step.items):
        raise RefusedError(f"the list of `{step.id}` has {len(step.items)} items, from 1 to {len(step.items)}")
    if done.item in at.checked:
        return Moved(run)
    checked = replace(at, checked=tuple(sorted({*at.checked, done.item})))
    noted: list[Effect] = [_note("step.checked", done, item=done.item + 1)]
    if len(checked.checked) == len(step.items):
        checked = _ended(checked, StepState.DONE, done)
        noted.append(_note("step.done", done))
    return Moved(run.with_step(checked), tuple(noted))


def _done(plan: Plan, run: PlanRun, done: Act) -> Moved:
    """A person has done a step: one of theirs, or an automatic one that failed."""
    if run.step(_step(plan, done).id).state is StepState.DONE:
        return Moved(run)
    step, at = _doable(plan, run, done)
    if isinstance(step, StatementStep) and step.approval is not None and at.approved_at is None:
        raise RefusedError(f"the words of `{step.id}` are not approved yet: {_who(step.approval.role)} says yes or no first")
    return Moved(run.with_step(_ended(at, StepState.DONE, done)), (_note("step.done", done),))


def _skip(plan: Plan, run: PlanRun, done: Act) -> Moved:
    """A step is left out, and why."""
    why = _needs(done.text, "say why the step is left out")
    step = _step(plan, done)
    at = run.step(step.id)
    if at.state is StepState.SKIPPED:
        return Moved(run)
    if at.state is StepState.RUNNING and is_delivered(step):
        raise RefusedError(f"the step `{step.id}` is on its way already: nobody can call it back")
    if at.ended and at.state is not StepState.FAILED:
        raise RefusedError(f"the step `{step.id}` is {at.state} already")
    return Moved(run.with_step(replace(_ended(at, StepState.SKIPPED, done), detail=why)), (_note("step.skipped", done, why=why),))


def _edit(plan: Plan, run: PlanRun, done: Act) -> Moved:
    """Other words than those that were prepared: they need somebody else's word, whatever was approved before."""
    step, at = _doable(plan, run, done)
    if not isinstance(step, StatementStep) or not done.words:
        raise RefusedError(f"the step `{step.id}` has no words to change")
    _require_all_words(step, at, done)
    for text in done.words.values():
        _require_known_places(step, text)
    edited = replace(at, words={**(at.words or {}), **done.words}, edited_by=done.by, approved_at=None, approved_by=None)
    if at.state is StepState.FAILED:  # they may be used after all
        edited = replace(edited, state=StepState.READY, ended_at=None)
    noted = _note("step.edited", done, languages=sorted(done.words))
    if step.approval is None or at.state is StepState.WAITING:  # they are asked for when it begins
        return Moved(run.with_step(edited), (noted,))
    asked = Tell(step.approval.role, Why.APPROVAL, step.id, times=run.version)
    return Moved(run.with_step(replace(edited, approval_by=done.at + step.approval.within)), (noted, asked))


def _require_known_places(step: StatementStep, text: str) -> None:
    """What is published is read by everybody, with every place filled in."""
    known = ALWAYS_KNOWN if step.publish is not None else PLACES
    for place in places(text):
        if place not in known:
            raise RefusedError(f"nothing is sure to fill in `{{{{{place}}}}}` of `{step.id}`; {suggest(place, known)}")


def _require_all_words(step: StatementStep, at: StepRun, done: Act) -> None:
    """Whoever changed words last answers for all of them: nobody approves their own because somebody else changed others."""
    left = {*(at.words or {})} - {*(done.words or {})}
    if left and at.approved_at is None and at.edited_by != done.by:
        raise RefusedError(
            f"{at.edited_by} changed `{step.id}` in {_and(left)}, and nobody has approved that yet:"
            f" write those words, too, or have them approved first"
        )


def _approve(plan: Plan, run: PlanRun, done: Act) -> Moved:
    """A recorded yes: to the words as they stand, which who changed them does not give, or to taking a step back at the end."""
    step, at = _to_approve(plan, run, done)
    if at.approved_at is not None:
        return Moved(run)
    if at.edited_by in {done.by, *done.names}:
        allowed = _who(_approvers(plan, run, step))
        raise RefusedError(f"you changed the words of `{step.id}`: somebody else of {allowed} approves them")
    approved = replace(at, approved_at=done.at, approved_by=done.by, approval_by=None)
    noted = _note("step.approved", done)
    if isinstance(step, WebhookStep):
        return Moved(run.with_step(approved), (noted,))
    if (
        step.publish is not None and not at.times and not run.drill
    ):  # what failed may have gone out all the same: a person sees to the rest
        sent = replace(approved, state=StepState.RUNNING, started_at=done.at, times=1)
        return Moved(run.with_step(sent), (noted, Tell((step.publish,), Why.STEP, step.id)))
    to = at.owner or run.lead
    told = (Tell((to,), Why.APPROVED, step.id, times=run.version),) if to else ()
    return Moved(run.with_step(approved), (noted, *told))


def _reject(plan: Plan, run: PlanRun, done: Act) -> Moved:
    """A no: the words must be changed, or others used."""
    why = _needs(done.text, "say what is wrong with the words")
    step, at = _to_approve(plan, run, done)
    if isinstance(step, WebhookStep):
        raise RefusedError(f"`{step.id}` is taken back only with a yes: there is nothing to refuse")
    if at.state is StepState.RUNNING:
        raise RefusedError(f"the words of `{step.id}` are on their way already: they were approved by {at.approved_by}")
    rejected = replace(at, approved_at=None, approved_by=None, approval_by=None, detail=why)
    to = at.owner or run.lead
    told = Tell((to,) if to else plan.notify, Why.REJECTED, step.id, times=run.version)
    return Moved(run.with_step(rejected), (_note("step.rejected", done, why=why), told))


def _to_approve(plan: Plan, run: PlanRun, done: Act) -> tuple[StatementStep | WebhookStep, StepRun]:
    step = _step(plan, done)
    at = run.step(step.id)
    allowed = _approvers(plan, run, step)
    if not isinstance(step, StatementStep | WebhookStep) or not allowed:
        raise RefusedError(f"the step `{step.id}` needs nobody's approval")
    if at.state is StepState.WAITING or (at.ended and isinstance(step, StatementStep)):
        raise RefusedError(f"the step `{step.id}` is {at.state}: there is nothing to approve in it")
    if not {*done.names} & {*allowed}:  # a role is nobody's name: whoever types one must have it
        raise RefusedError(f"{done.by} may not approve `{step.id}`: that is for {_who(allowed)}")
    return step, at


def _approvers(plan: Plan, run: PlanRun, step: Step) -> Sequence[str]:
    """Whoever the step names, for its words or for its undo; and of words the approver of the level. Without any, nobody."""
    if isinstance(step, WebhookStep):
        return step.undo.approval if step.undo is not None else ()
    if not isinstance(step, StatementStep) or step.approval is None:
        return ()
    level = plan.level(run.level)
    return tuple(dict.fromkeys([*step.approval.role, *([level.approver] if level is not None and level.approver else [])]))


def _note_down(plan: Plan, run: PlanRun, done: Act) -> Moved:
    """Something worth remembering."""
    del plan
    return Moved(run, (_note("noted", done, text=_needs(done.text, "say what is to be noted")),))


# --- the end -------------------------------------------------------------------------------------------------------------


def _stand_down(plan: Plan, run: PlanRun, done: Act) -> Moved:
    """« Lever la crise »: it waits for the signature that the plan asks for; against the plan's figures it needs a reason."""
    if run.state is RunState.STOOD_DOWN:
        return Moved(run)
    when = plan.closure.when
    if when is not None and when.holds(done.figures) is not True and not done.text:
        seen = ", ".join(f"{name} {value}" for name, value in when.said(done.figures).items())
        raise RefusedError(f"the plan asks for figures that do not hold yet ({seen}): say why it is over all the same")
    down = replace(run, stood_down_at=done.at, stood_down_by=done.by)
    if run.acknowledged_at is None:  # who ends it has taken it
        down = replace(down, acknowledged_at=done.at, acknowledged_by=done.by)
    noted = _note("stood_down", done, **({"why": done.text} if done.text else {}))
    if plan.closure.sign_off is None or plan.closure.sign_off in done.names:
        closed = _close(plan, down, done)
        return replace(closed, effects=(noted, *closed.effects))
    return Moved(
        replace(down, state=RunState.STOOD_DOWN), (noted, Tell((plan.closure.sign_off,), Why.SIGN_OFF, times=run.version))
    )


def _sign_off(plan: Plan, run: PlanRun, done: Act) -> Moved:
    """The signature that the plan asks for."""
    if run.state is not RunState.STOOD_DOWN:
        raise RefusedError(f"plan run {run.id} was not stood down: there is nothing to sign off")
    signs = plan.closure.sign_off
    if signs is not None and signs not in done.names:
        raise RefusedError(f"{done.by} may not sign off this plan: that is for {_who([signs])}")
    return _close(plan, run, done)


def _false_alarm(plan: Plan, run: PlanRun, done: Act) -> Moved:
    """« Fausse alerte »: it was none. It ends at once, and what its steps did is taken back."""
    why = _needs(done.text, "say what made it look like a crisis: the rule learns from that")
    closed = _close(plan, run, done, Why.FALSE_ALARM)
    return replace(closed, effects=(_note("false_alarm", done, why=why), *closed.effects))


def _close(plan: Plan, run: PlanRun, done: Act, why: Why = Why.OVER) -> Moved:
    """It is over. What steps changed outside is taken back, whoever was told hears of it, and whoever reports is asked to."""
    undone = [Tell((undo.receiver,), Why.UNDO, step) for step, undo in _undone(plan, run, done)]
    closed = replace(run, state=RunState.CLOSED, closed_at=done.at, closed_by=done.by, wake_at=None)
    asked = Moved(closed) if done.verb == "false_alarm" else ask_for_report(closed)
    over = Tell(plan.notify, why, times=run.version)
    return Moved(asked.run, (_note("closed", done), *undone, over, *asked.effects))


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
                f"the end takes back the step `{step.id}`: that needs a yes of {_who(undo.approval)}, by approving `{step.id}`"
            )
        yield step.id, undo


# --- what they share -----------------------------------------------------------------------------------------------------


def _note(kind: str, done: Act, **more: object) -> Note:
    detail: dict[str, object] = {"step": done.step} if done.step is not None else {}
    if done.text and "why" not in more and "text" not in more:
        detail["note"] = done.text
    return Note(kind, {**detail, **more})


def _needs(given: str | None, what: str) -> str:
    if given is None or not given.strip():
        raise RefusedError(f"{what}: it stands in the timeline for whoever comes later")
    return given.strip()


def _step(plan: Plan, done: Act) -> Step:
    step = plan.step(done.step or "")
    if step is None:
        known = [each.id for each in plan.steps]
        raise RefusedError(f"plan {plan.id} has no step `{done.step}`; {suggest(done.step or '', known)}")
    return step


def _doable(plan: Plan, run: PlanRun, done: Act) -> tuple[Step, StepRun]:
    step = _step(plan, done)
    at = run.step(step.id)
    if is_automatic(step) and at.state is not StepState.FAILED:
        raise RefusedError(f"Tocsin carries out the step `{step.id}` itself; a person can do it only once it has failed")
    if at.state not in _DOABLE and at.state is not StepState.FAILED:
        raise RefusedError(f"the step `{step.id}` is {at.state} already")
    return step, at


def _ended(at: StepRun, state: StepState, done: Act) -> StepRun:
    note = done.text or f"by {done.by}"
    again = at.next_at if state is StepState.DONE else None  # who gave one situation report by hand does not end them
    return replace(at, state=state, ended_at=done.at, detail=note, next_at=again, approval_by=None)


def _who(names: Sequence[str]) -> str:
    return " or ".join(names)


def _and(names: Iterable[str]) -> str:
    return " and ".join(sorted(names))


VERBS: Mapping[str, Callable[[Plan, PlanRun, Act], Moved]] = {
    "acknowledge": _acknowledge,
    "assign": _assign,
    "escalate": _escalate,
    "confirm": _confirm,
    "level": _set_level,
    "check": _check,
    "done": _done,
    "skip": _skip,
    "edit": _edit,
    "approve": _approve,
    "reject": _reject,
    "note": _note_down,
    "hand_over": _hand_over,
    "updated": _updated,
    "stand_down": _stand_down,
    "sign_off": _sign_off,
    "false_alarm": _false_alarm,
}
"""What people can do in a run."""
