"""Whose recorded yes the words of a statement need, why, and when they may be used."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Literal

from monitor.domain.plan import Plan, PlanRun, StatementStep

Reason = Literal["plan", "edited", "expired"]
_WITHIN = timedelta(minutes=30)


def why_asked(plan: Plan, run: PlanRun, step: StatementStep, day: date) -> Reason | None:
    """Why the words of a step need a yes in this run: the plan says so, somebody changed them, or their last day has passed.

    None: they were prepared in calm weather, and whoever uses them says that they did.
    """
    if step.approval is not None:
        return "plan"
    if run.step(step.id).edited_by is not None:
        return "edited"
    prepared = plan.statement(step.statement)
    return "expired" if prepared is not None and prepared.expired(day) else None


def usable(plan: Plan, run: PlanRun, step: StatementStep, day: date) -> bool:
    """Whether these very words may be used: by a yes in this run, or by one in calm weather where nothing asks for another."""
    if run.step(step.id).approved_at is not None:
        return True
    prepared = plan.statement(step.statement)
    return prepared is not None and prepared.status == "approved" and why_asked(plan, run, step, day) is None


def approvers(plan: Plan, run: PlanRun, step: StatementStep) -> Sequence[str]:
    """Who may say yes: whom the step names, or else who approved the words in calm weather; and who approves at this level.

    Nobody: the plan names none but whoever changed the words, and anybody else may.
    """
    level, prepared = plan.level(run.level), plan.statement(step.statement)
    above = level.approver if level is not None else None
    if step.approval is not None:
        return _each(*step.approval.role, above)
    names = _each(prepared.approved_by if prepared is not None else None, above)
    return tuple(name for name in names if name != run.step(step.id).edited_by)


def _each(*names: str | None) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for name in names if name))


def asked(plan: Plan, run: PlanRun, step: StatementStep) -> Sequence[str]:
    """Who is asked first."""
    return step.approval.role if step.approval is not None else approvers(plan, run, step) or plan.notify


def within(step: StatementStep) -> timedelta:
    """How long a yes is waited for before others are asked, too."""
    return step.approval.within if step.approval is not None else _WITHIN


def escalates(step: StatementStep) -> bool:
    """Whether others are asked when it does not come."""
    return step.approval is None or step.approval.on_timeout == "escalate"
