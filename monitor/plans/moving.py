"""What the passing of time, the figures and the ends of deliveries bring about in a run: one pure step, as often as one likes.

The order is that of a person's attention: how grave it is, whether it begins, what is to be done, who is to be chased. A run that
is moved twice at one moment does nothing the second time; one that is moved late does each late thing once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from monitor.domain.plan import EVERYONE, Level, Plan, PlanRun, Rung, RunState
from monitor.domain.plan.run import StepState
from monitor.plans.effects import Capture, Effect, Moved, Note, Tell, Why
from monitor.plans.steps import carry, next_of_steps
from rules.figures import Figures, in_words

LOOK: Final = timedelta(minutes=1)
"""How often the figures of a run are looked at that asks for any."""
ACK_WITHIN: Final = timedelta(minutes=15)
"""How soon somebody takes a run whose level says nothing of it."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known at a moment (`now`: story time, aware): the figures, and how the messages of steps ended, by step."""

    now: datetime
    figures: Figures = field(default_factory=Figures)
    delivered: Mapping[str, tuple[StepState, str]] = field(default_factory=dict)  # done or failed, and the details


def move(run: PlanRun, facts: Facts) -> Moved:
    """The run as it becomes by now, with what that asks for. A closed one stays as it is."""
    if not run.open:
        return Moved(replace(run, wake_at=None))
    plan = run.definition
    if run.state is RunState.OBSERVING:  # nothing leaves the house: what would have, has arrived
        under_way = {each.step: (StepState.DONE, "") for each in run.steps if each.state is StepState.RUNNING}
        facts = replace(facts, delivered=under_way)
    facts = replace(facts, figures=replace(facts.figures, level=run.level))
    effects: list[Effect] = []
    for part in (_grade, _begin, _steps, _climb, _remind):
        moved = part(plan, run, facts)
        run = moved.run
        effects += moved.effects
    if run.state is RunState.OBSERVING:
        effects = [_observed(each) for each in effects]
    return Moved(replace(run, wake_at=_wakes(plan, run, facts.now)), tuple(effects))


def _observed(effect: Effect) -> Effect:
    """What a plan that is only observed would have done."""
    if isinstance(effect, Tell):
        return Note("would_tell", {"to": list(effect.to), "why": effect.why, **({"step": effect.step} if effect.step else {})})
    return Note("would_capture", {"step": effect.step}) if isinstance(effect, Capture) else effect


# --- how grave it is -----------------------------------------------------------------------------------------------------


def _grade(plan: Plan, run: PlanRun, facts: Facts) -> Moved:
    """The level rises by itself. It falls by the plan's rule, or is proposed to fall."""
    asked = _asked(plan, facts.figures)
    if asked is None:
        return Moved(run)
    if run.level is None or asked.level > run.level:
        return _rise(plan, run, asked, facts)
    if run.asked_level != asked.level:
        # How long they have asked for less is counted from the moment they fell below the plan's threshold.
        limit = plan.deescalate.below_level if plan.deescalate is not None else 0
        below = asked.level < limit and run.asked_level is not None and run.asked_level < limit
        proposed = run.proposed_level if asked.level < limit else None
        run = replace(run, asked_level=asked.level, asked_since=run.asked_since if below else facts.now, proposed_level=proposed)
    return _fall(plan, run, asked, facts)


def _asked(plan: Plan, figures: Figures) -> Level | None:
    """The first level from the top that the figures ask for."""
    for level in sorted(plan.severity, key=lambda each: -each.level):
        if level.when is None or level.when.holds(figures) is True:
            return level
    return None


def _rise(plan: Plan, run: PlanRun, level: Level, facts: Facts) -> Moved:
    """Everybody of the plan hears of a graver level, and who approves at it. The first stands in the message that opens it."""
    first = run.level is None
    risen = replace(run, level=level.level, level_since=facts.now, asked_level=level.level, asked_since=facts.now)
    why = level.when.said(facts.figures) if level.when is not None else {}
    asked = in_words(level.when) if level.when is not None else ""
    noted = Note("level.set" if first else "level.raised", {"level": level.level, "asked": asked, **why})
    if first:
        return Moved(risen, (noted,))
    risen = replace(risen, acknowledged_at=None, acknowledged_by=None, rung=0, rung_at=None)
    to = dict.fromkeys([*plan.notify, *([level.approver] if level.approver else []), *([run.lead] if run.lead else [])])
    return Moved(risen, (noted, Tell(tuple(to), Why.LEVEL, times=level.level)))


def _fall(plan: Plan, run: PlanRun, asked: Level, facts: Facts) -> Moved:
    rule = plan.deescalate
    if rule is None or run.level is None or run.asked_since is None:
        return Moved(run)
    if asked.level >= min(rule.below_level, run.level) or facts.now < run.asked_since + rule.for_:
        return Moved(run)
    to = _whoever_leads(plan, run)
    if rule.by == "rule":
        fallen = replace(run, level=asked.level, level_since=facts.now)
        return Moved(fallen, (Note("level.lowered", {"level": asked.level}), Tell(to, Why.LEVEL, times=asked.level)))
    if run.proposed_level == asked.level:
        return Moved(run)
    proposed = replace(run, proposed_level=asked.level)
    return Moved(proposed, (Note("level.proposed", {"level": asked.level}), Tell(to, Why.LEVEL, times=asked.level)))


# --- whether it begins ---------------------------------------------------------------------------------------------------


def _begin(plan: Plan, run: PlanRun, facts: Facts) -> Moved:
    """Nobody has said in time whether this is a crisis: whoever is next is asked, or it begins."""
    if run.state is not RunState.AWAITING_CONFIRMATION or run.confirm_by is None or facts.now < run.confirm_by:
        return Moved(run)
    waited = replace(run, confirm_by=None)
    if plan.activation.on_timeout == "activate":
        begun = replace(waited, state=RunState.RUNNING, confirmed_at=facts.now, confirmed_by=None)
        return Moved(begun, (Note("activated", {"why": "nobody answered in time, and the plan says so"}),))
    to = _next_rung(plan, run) or plan.named()
    return Moved(waited, (Note("unconfirmed"), Tell(to, Why.UNCONFIRMED)))


def _next_rung(plan: Plan, run: PlanRun) -> tuple[str, ...]:
    """Whom the next rung of the ladder names."""
    return next((rung.notify for rung in plan.escalation[run.rung :] if rung.notify), ())


# --- what is to be done --------------------------------------------------------------------------------------------------


def _steps(plan: Plan, run: PlanRun, facts: Facts) -> Moved:
    people = partial(_next_people, plan, run)
    return carry(plan, run, facts.now, facts.figures, facts.delivered, next_people=people)


def _next_people(plan: Plan, run: PlanRun) -> tuple[str, ...]:
    """Who is asked when something does not go as planned."""
    return _next_rung(plan, run) or _whoever_leads(plan, run)


# --- who is to be chased -------------------------------------------------------------------------------------------------


def _climb(plan: Plan, run: PlanRun, facts: Facts) -> Moved:
    """Tell the rungs whose time has come. Who has taken the run ends the chase, not what is told whatever happens."""
    effects: list[Effect] = []
    if run.state is RunState.OBSERVING:
        return Moved(run)
    while (due := _rung_due(plan, run)) is not None and due[0] <= facts.now:
        _, rung = due
        told = run.acknowledged_at is None or (rung is not None and rung.unless is None)
        if told:
            to = rung.notify if rung is not None else plan.named()
            by = rung.by if rung is not None else ()
            effects += [Note("escalated", {"rung": run.rung, "to": list(to)}), Tell(to, Why.UNTAKEN, times=run.rung, by=by)]
        run = replace(run, rung=run.rung + 1, rung_at=facts.now)
    return Moved(run, tuple(effects))


def _rung_due(plan: Plan, run: PlanRun) -> tuple[datetime, Rung | None] | None:
    """The next rung of the ladder and its moment. None for the rung: everyone. None: the ladder has ended."""
    ladder = [rung for rung in plan.escalation if rung.repeat_from is None]
    again = next((rung for rung in plan.escalation if rung.repeat_from is not None), None)
    level = plan.level(run.level)
    within = (level.ack_within if level is not None else None) or ACK_WITHIN
    since = max(filter(None, (run.opened_at, run.level_since)))
    if run.rung < len(ladder):
        rung = ladder[run.rung]
        return since + within * (rung.at or 0.0), rung
    if again is None or not ladder or run.acknowledged_at is not None:
        return None
    more, rested = run.rung - len(ladder), (run.rung_at or since) + again.every
    if more < again.max:
        place = (again.repeat_from or 0) % len(ladder)
        around = ladder[place:]
        return rested, _again(around[more % len(around)])
    return (rested, None) if more == again.max and again.then == EVERYONE else None


def _again(rung: Rung) -> Rung:
    """A rung that is told once more; only while nobody has taken the run."""
    return rung.model_copy(update={"unless": "acknowledged"})


def _remind(plan: Plan, run: PlanRun, facts: Facts) -> Moved:
    """It was taken, and nothing has happened since: whoever has it is asked how it goes."""
    quiet_at = _quiet_at(plan, run)
    if quiet_at is None or facts.now < quiet_at:
        return Moved(run)
    reminded = replace(run, touched_at=facts.now)
    return Moved(reminded, (Note("quiet"), Tell(_whoever_leads(plan, run), Why.QUIET, times=int(facts.now.timestamp()))))


def _quiet_at(plan: Plan, run: PlanRun) -> datetime | None:
    if run.acknowledged_at is None or run.state is RunState.STOOD_DOWN or all(step.ended for step in run.steps):
        return None
    return max(filter(None, (run.acknowledged_at, run.touched_at))) + plan.remind_every


def _whoever_leads(plan: Plan, run: PlanRun) -> tuple[str, ...]:
    return (run.lead,) if run.lead else plan.notify


# --- when to look again --------------------------------------------------------------------------------------------------


def _wakes(plan: Plan, run: PlanRun, now: datetime) -> datetime | None:
    return min(_moments(plan, run, now), default=None)


def _moments(plan: Plan, run: PlanRun, now: datetime) -> Iterator[datetime]:
    if run.state is RunState.AWAITING_CONFIRMATION and run.confirm_by is not None:
        yield run.confirm_by
    if plan.severity:
        yield now + LOOK
    if run.state is not RunState.OBSERVING and (due := _rung_due(plan, run)) is not None:
        yield due[0]
    if (quiet_at := _quiet_at(plan, run)) is not None:
        yield quiet_at
    yield from next_of_steps(run)
