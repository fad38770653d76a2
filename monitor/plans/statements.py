"""The words of a run: changed, approved as they were read, rejected; nobody uses those that wait for a yes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from monitor.domain.plan import (
    ALWAYS_KNOWN,
    CALLED_WITHIN,
    PLACES,
    EventKind,
    Plan,
    PlanRun,
    StatementStep,
    Step,
    StepRun,
    StepState,
    WebhookStep,
    places,
)
from monitor.plans import approval
from monitor.plans.acting import Act, RefusedError, doable, needs, note, step_of, who
from monitor.plans.effects import Moved, Tell, Why
from rules.base import suggest


def edit(plan: Plan, run: PlanRun, done: Act) -> Moved:
    """Other words than those that were prepared: they need somebody else's word, whatever was approved before."""
    step, at = doable(plan, run, done)
    if not isinstance(step, StatementStep) or not done.words:
        raise RefusedError(f"the step `{step.id}` has no words to change")
    _require_same_words(run, step, at, done)
    _require_all_words(step, at, done)
    for text in done.words.values():
        _require_known_places(step, text)
    edited = replace(at, words={**(at.words or {}), **done.words}, edited_by=done.by, approved_at=None, approved_by=None)
    if at.state is StepState.FAILED:  # they may be used after all
        edited = replace(edited, state=StepState.READY, ended_at=None)
    changed = run.with_step(edited)
    noted = note(EventKind.STEP_EDITED, done, languages=sorted(done.words), words=changed.fingerprint(step))
    if at.state is StepState.WAITING:  # they are asked for when it begins
        return Moved(changed, (noted,))
    asked = Tell(approval.asked(plan, changed, step), Why.APPROVAL, step.id, times=run.version)
    return Moved(run.with_step(replace(edited, approval_by=done.at + approval.within(step))), (noted, asked))


def _require_known_places(step: StatementStep, text: str) -> None:
    """What is published is read by everybody, with every place filled in."""
    known = ALWAYS_KNOWN if step.publish is not None else PLACES
    for place in places(text):
        if place not in known:
            raise RefusedError(
                f"nothing is sure to fill in `{{{{{place}}}}}` of `{step.id}`; {suggest(place, known)}", "place", what=place
            )


def _require_same_words(run: PlanRun, step: StatementStep, at: StepRun, done: Act) -> None:
    """Whoever says which words they changed overwrites no others that somebody has written meanwhile."""
    if done.fingerprint is not None and done.fingerprint != run.fingerprint(step):
        raise RefusedError(
            f"{at.edited_by or 'somebody'} has changed the words of `{step.id}` meanwhile: read them, then change them",
            "changed",
            who=[at.edited_by] if at.edited_by else (),
        )


def _require_all_words(step: StatementStep, at: StepRun, done: Act) -> None:
    """Whoever changed words last answers for all of them: nobody approves their own because somebody else changed others."""
    left = {*(at.words or {})} - {*(done.words or {})}
    if left and at.approved_at is None and at.edited_by != done.by:
        raise RefusedError(
            f"{at.edited_by} changed `{step.id}` in {_and(left)}, and nobody has approved that yet:"
            f" write those words, too, or have them approved first",
            "other_languages",
            who=[at.edited_by] if at.edited_by else (),
            what=", ".join(sorted(left)),
        )


def approve(plan: Plan, run: PlanRun, done: Act) -> Moved:
    """A recorded yes: to the words as they stand, which who changed them does not give, or to taking a step back at the end."""
    step, at = _to_approve(plan, run, done)
    if isinstance(step, StatementStep):
        _require_these_words(run, step, at, done)
    if at.approved_at is not None:
        return Moved(run)
    if at.edited_by in {done.by, *done.names}:
        allowed = who(_approvers(plan, run, step))
        somebody = f"somebody else of {allowed}" if allowed else "somebody else"
        raise RefusedError(
            f"you changed the words of `{step.id}`: {somebody} approves them", "own_words", who=_approvers(plan, run, step)
        )
    approved = replace(at, approved_at=done.at, approved_by=done.by, approval_by=None)
    if isinstance(step, WebhookStep):
        return Moved(run.with_step(approved), (note(EventKind.STEP_APPROVED, done),))
    noted = note(EventKind.STEP_APPROVED, done, words=run.fingerprint(step))
    if step.publish is not None and not at.times and not run.drill:
        # Once: what failed may have gone out all the same, and a person sees to the rest.
        sent = replace(approved, state=StepState.RUNNING, started_at=done.at, times=1, **_time_to_arrive(at, done.at))
        return Moved(run.with_step(sent), (noted, Tell((step.publish,), Why.STEP, step.id)))
    to = at.owner or run.lead
    told = (Tell((to,), Why.APPROVED, step.id, times=run.version),) if to else ()
    return Moved(run.with_step(approved), (noted, *told))


def _require_these_words(run: PlanRun, step: StatementStep, at: StepRun, done: Act) -> None:
    """A yes is said to words that somebody has read: once they were changed in this run, it names those that it is for."""
    words, given = run.fingerprint(step), done.fingerprint.strip().lower() if done.fingerprint else None
    if given == words or (given is None and (at.words is None or at.approved_at is not None)):
        return
    changed = (
        f"{at.edited_by} changed the words of `{step.id}`" if at.edited_by is not None else f"`{step.id}` says something else"
    )
    said = "say which words you approve" if given is None else f"those that you approve ({given}) are not those that stand there"
    raise RefusedError(
        f"{changed}: {said}. Read them with `tocsin plan show {run.id}`, then type `{_approving(run, step)}`",
        "changed",
        who=[at.edited_by] if at.edited_by else (),
    )


def _time_to_arrive(at: StepRun, now: datetime) -> dict[str, Any]:
    """What was approved has its own time to go out: that somebody said yes is not that its receiver takes it."""
    by = now + CALLED_WITHIN
    return {"late": False, "deadline_at": by if at.deadline_at is None or at.late else min(by, at.deadline_at)}


def reject(plan: Plan, run: PlanRun, done: Act) -> Moved:
    """A no: the words must be changed, or others used."""
    why = needs(done.text, "say what is wrong with the words")
    step, at = _to_approve(plan, run, done)
    if isinstance(step, WebhookStep):
        raise RefusedError(f"`{step.id}` is taken back only with a yes: there is nothing to refuse", "nothing_to_refuse")
    if at.state is StepState.RUNNING:
        raise RefusedError(
            f"the words of `{step.id}` are on their way already: they were approved by {at.approved_by}",
            "words_on_their_way",
            who=[at.approved_by] if at.approved_by else (),
        )
    rejected = replace(at, approved_at=None, approved_by=None, approval_by=None, detail=why)
    to = at.owner or run.lead
    told = Tell((to,) if to else plan.notify, Why.REJECTED, step.id, times=run.version)
    return Moved(run.with_step(rejected), (note(EventKind.STEP_REJECTED, done, why=why), told))


def _to_approve(plan: Plan, run: PlanRun, done: Act) -> tuple[StatementStep | WebhookStep, StepRun]:
    step = step_of(plan, done)
    at = run.step(step.id)
    allowed = _approvers(plan, run, step)
    asks = approval.why_asked(plan, run, step, done.at.date()) is not None if isinstance(step, StatementStep) else bool(allowed)
    if not isinstance(step, StatementStep | WebhookStep) or not asks:
        raise RefusedError(f"the step `{step.id}` needs nobody's approval", "not_asked")
    if at.state is StepState.WAITING or (at.ended and isinstance(step, StatementStep)):
        raise RefusedError(f"the step `{step.id}` is {at.state}: there is nothing to approve in it", "nothing_to_approve")
    if allowed and not {*done.names} & {*allowed}:  # a role is nobody's name: whoever types one must have it
        raise RefusedError(f"{done.by} may not approve `{step.id}`: that is for {who(allowed)}", "not_approver", who=allowed)
    return step, at


def _approvers(plan: Plan, run: PlanRun, step: Step) -> Sequence[str]:
    """Who may say yes to the words of a step, or to its undo."""
    if isinstance(step, WebhookStep):
        return step.undo.approval if step.undo is not None else ()
    return approval.approvers(plan, run, step) if isinstance(step, StatementStep) else ()


def require_no_yes(plan: Plan, run: PlanRun, step: StatementStep, done: Act) -> None:
    """Words that wait for somebody's yes are used by nobody."""
    why, at, prepared = approval.why_asked(plan, run, step, done.at.date()), run.step(step.id), plan.statement(step.statement)
    if why is None:
        return
    said = "are not approved yet"
    if why == "edited":
        said = f"were changed by {at.edited_by}"
    elif why == "expired" and prepared is not None:
        said = f"were approved until {prepared.expires} and no longer"
    first = who(approval.approvers(plan, run, step)) or ("somebody else" if why == "edited" else "somebody")
    raise RefusedError(
        f"the words of `{step.id}` {said}: {first} says yes or no first, `{_approving(run, step)}`",
        "no_yes",
        who=approval.approvers(plan, run, step),
    )


def _approving(run: PlanRun, step: StatementStep) -> str:
    return f"tocsin plan approve {run.id} {step.id} {run.fingerprint(step)}"


def _and(names: Iterable[str]) -> str:
    return " and ".join(sorted(names))
