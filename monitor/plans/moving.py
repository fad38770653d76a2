"""What the passing of time, the figures and the ends of deliveries bring about in a run: one pure step, as often as one likes.

The order is that of a person's attention: how grave it is, whether it begins, what is to be done, who is to be chased. A run that
is moved twice at one moment does nothing the second time; one that is moved late does each late thing once.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from monitor.domain.plan import EventKind, Level, Plan, PlanRun, RunState
from monitor.domain.plan.run import StepState
from monitor.plans.aftermath import remind_of_report
from monitor.plans.effects import Effect, Moved, Note, Tell, Why, as_observed
from monitor.plans.ladder import above, climb, next_climb, next_rung
from monitor.plans.news import next_news, remind
from monitor.plans.set_back import by_this_clock
from monitor.plans.steps import SHOWN, carry, is_delivered, next_of_steps
from rules.figures import Figures, in_words

LOOK: Final = timedelta(minutes=1)
"""How often the figures of a run are looked at that asks for any."""

SUSTAINED: Final = timedelta(minutes=5)
"""How long figures ask for more than when a person lowered the level, before they raise it against that word."""

_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known at a moment (`now`: story time, aware): the figures, and what became of the messages of steps, by step."""

    now: datetime
    figures: Figures = field(default_factory=Figures)
    delivered: Mapping[str, tuple[StepState, str]] = field(default_factory=dict)  # done or failed, and the details
    tried: Collection[str] = ()  # steps under way of which every message was sent once, and is tried again
    settled: bool = False  # of a closed run: its report is signed, or nobody owes one


def move(run: PlanRun, facts: Facts) -> Moved:
    """The run as it becomes by now, with what that asks for. Of a closed one nothing but its report is asked for."""
    if not run.open:
        return remind_of_report(run, facts.now, settled=facts.settled)
    plan = run.definition
    run = with_peak(by_this_clock(plan, run, facts.now), facts.figures)
    if run.state is RunState.OBSERVING:  # nothing leaves the house: what would have, has arrived
        facts = replace(facts, delivered={each.id: (StepState.DONE, "") for each in plan.steps if is_delivered(each)})
    effects: list[Effect] = []
    for part in (_grade, _calm, _begin, _steps, _climb, _remind, _news):
        moved = part(plan, run, replace(facts, figures=replace(facts.figures, level=run.level)))
        run = moved.run
        effects += moved.effects
    return Moved(replace(run, wake_at=_wakes(plan, run, facts.now)), as_observed(run, effects))


def with_peak(run: PlanRun, figures: Figures) -> PlanRun:
    """The run, which remembers how high each figure was at its highest."""
    known = run.peak or {}
    now = {name: value for name in SHOWN if (value := getattr(figures, name)) is not None and value > known.get(name, -1)}
    return replace(run, peak={**known, **now}) if now else run


# --- how grave it is -----------------------------------------------------------------------------------------------------


def _grade(plan: Plan, run: PlanRun, facts: Facts) -> Moved:
    """The level rises by itself. It falls by the plan's rule, or is proposed to fall."""
    if run.drill:
        return Moved(run)  # how grave it is was said when it was opened: the figures are those of a calm day
    asked = _asked(plan, facts.figures)
    if asked is None:
        return Moved(replace(run, asked_since=None, outside_since=None))
    unsure = _may_be_graver(plan, asked, facts.figures)
    run = _beside_what_a_person_said(plan, run, asked, facts.now, unsure=unsure)
    if _rises(run, asked, facts.now):
        return _rise(plan, run, asked, facts)
    if unsure:
        return Moved(replace(run, asked_level=asked.level, asked_since=None))
    if run.asked_level != asked.level or run.asked_since is None:
        # How long they have asked for less is counted from the moment they fell below the plan's threshold.
        limit = plan.deescalate.below_level if plan.deescalate is not None else 0
        below = asked.level < limit and run.asked_level is not None and run.asked_level < limit
        since = run.asked_since if below and run.asked_since is not None else facts.now
        proposed = run.proposed_level if asked.level < limit else None
        run = replace(run, asked_level=asked.level, asked_since=since, proposed_level=proposed)
    return _fall(plan, run, facts)


def _rises(run: PlanRun, asked: Level, now: datetime) -> bool:
    """Whether the figures ask for more: at once, but against a person's word only once they have done so for a while."""
    if run.level is None:
        return True
    if run.lowered_from is None:
        return asked.level > max(run.level, -1 if run.asked_level is None else run.asked_level)
    since = run.outside_since
    return asked.level > run.lowered_from and since is not None and now >= since + SUSTAINED


def _beside_what_a_person_said(plan: Plan, run: PlanRun, asked: Level, now: datetime, *, unsure: bool) -> PlanRun:
    """Since when the figures ask for more than when a person lowered the level, or for no more than that person said.

    Once they have been calm for as long as they look back, what the person saw is over, and what comes is new.
    """
    if run.lowered_from is None:
        return run
    side, before = _side(run, asked.level), _side(run, run.asked_level)
    if side == 0 or (side < 0 and unsure):
        return replace(run, outside_since=None)
    since = run.outside_since if side == before and run.outside_since is not None else now
    if side < 0 and now >= since + plan.window:
        return replace(run, lowered_from=None, outside_since=None)
    return replace(run, outside_since=since)


def _side(run: PlanRun, asked: int | None) -> int:
    """1: more than when a person lowered the level. -1: no more than that person said. 0: as much as they saw, or unknown."""
    if run.lowered_from is None or run.level is None or asked is None:
        return 0
    return 1 if asked > run.lowered_from else -1 if asked <= run.level else 0


def _outside_until(plan: Plan, run: PlanRun) -> datetime | None:
    """When what the figures have asked for counts against, or instead of, a person's word."""
    if run.outside_since is None:
        return None
    return run.outside_since + (SUSTAINED if _side(run, run.asked_level) > 0 else plan.window)


def _asked(plan: Plan, figures: Figures) -> Level | None:
    """The first level from the top that the figures ask for."""
    for level in sorted(plan.severity, key=lambda each: -each.level):
        if level.when is None or level.when.holds(figures) is True:
            return level
    return None


def _may_be_graver(plan: Plan, asked: Level, figures: Figures) -> bool:
    """Whether nobody can tell if the figures ask for a higher level: what is missing lets none fall."""
    above = [level.when for level in plan.severity if level.level > asked.level and level.when is not None]
    return any(when.holds(figures) is None for when in above)


def _rise(plan: Plan, run: PlanRun, level: Level, facts: Facts) -> Moved:
    """Everybody of the plan hears of a graver level, and who approves at it. The first stands in the message that opens it."""
    first = run.level is None
    since = None if _may_be_graver(plan, level, facts.figures) else facts.now
    risen = replace(run, level=level.level, level_since=facts.now, asked_level=level.level, asked_since=since)
    risen = replace(risen, proposed_level=None, lowered_from=None, outside_since=None)
    why = level.when.said(facts.figures) if level.when is not None else {}
    asked = in_words(level.when) if level.when is not None else ""
    noted = Note(EventKind.LEVEL_SET if first else EventKind.LEVEL_RAISED, {"level": level.level, "asked": asked, **why})
    if first and facts.now < run.began_at + LOOK:
        return Moved(risen, (noted,))
    risen = replace(risen, acknowledged_at=None, acknowledged_by=None, rung=0)
    to = dict.fromkeys([*plan.notify, *([level.approver] if level.approver else []), *([run.lead] if run.lead else [])])
    return Moved(risen, (noted, Tell(tuple(to), Why.LEVEL, times=run.version)))


def _fall(plan: Plan, run: PlanRun, facts: Facts) -> Moved:
    """By the plan's rule at once, or by a person, who is asked once."""
    falls_at = _falls_at(plan, run)
    if falls_at is None or facts.now < falls_at:
        return Moved(run)
    told = Tell(_whoever_leads(plan, run), Why.LEVEL, times=run.version)
    if plan.deescalate is not None and plan.deescalate.by == "rule":
        fallen = replace(run, level=run.asked_level, level_since=facts.now)
        return Moved(fallen, (Note(EventKind.LEVEL_LOWERED, {"level": run.asked_level}), told))
    proposed = replace(run, proposed_level=run.asked_level)
    return Moved(proposed, (Note(EventKind.LEVEL_PROPOSED, {"level": run.asked_level}), told))


def _falls_at(plan: Plan, run: PlanRun) -> datetime | None:
    """When the level falls, or is proposed to, if the figures go on asking for as little. None: it does not."""
    rule, level, asked, since = plan.deescalate, run.level, run.asked_level, run.asked_since
    if rule is None or level is None or asked is None or since is None:
        return None
    if asked >= min(rule.below_level, level) or asked == run.proposed_level:
        return None
    return max(since, run.level_since or since) + rule.for_  # a level that somebody has just set has its time, too


def _calm(plan: Plan, run: PlanRun, facts: Facts) -> Moved:
    """Since when the figures hold that the plan asks for at its end. What nobody knows is no calm."""
    when = plan.closure.when
    holds = when is not None and when.holds(facts.figures) is True
    return Moved(replace(run, calm_since=(run.calm_since or facts.now) if holds else None))


# --- whether it begins ---------------------------------------------------------------------------------------------------


def _begin(plan: Plan, run: PlanRun, facts: Facts) -> Moved:
    """Nobody has said in time whether this is a crisis: whoever is next is asked, or it begins."""
    if run.state is not RunState.AWAITING_CONFIRMATION or run.confirm_by is None or facts.now < run.confirm_by:
        return Moved(run)
    waited = replace(run, confirm_by=None)
    if plan.activation.on_timeout == "activate":
        begun = replace(waited, state=RunState.RUNNING, confirmed_at=run.confirm_by, confirmed_by=None)
        return Moved(begun, (Note(EventKind.PLAN_ACTIVATED, {"why": "nobody answered in time, and the plan says so"}),))
    to = next_rung(plan, run)
    if not to:  # everyone is asked, which is the last rung, too: nobody is called twice within minutes
        waited = replace(waited, rung=run.rung + 1, rung_at=facts.now)
    return Moved(waited, (Note(EventKind.PLAN_UNCONFIRMED), Tell(to or plan.named(), Why.UNCONFIRMED, times=run.version)))


# --- what is to be done --------------------------------------------------------------------------------------------------


def _steps(plan: Plan, run: PlanRun, facts: Facts) -> Moved:
    people = partial(_next_people, plan, run)
    return carry(plan, run, facts.now, facts.figures, facts.delivered, next_people=people, tried=facts.tried)


def _next_people(plan: Plan, run: PlanRun) -> tuple[str, ...]:
    """Who is asked when something does not go as planned: whoever leads, and who is next."""
    return tuple(dict.fromkeys([*([run.lead] if run.lead else []), *above(plan, run)])) or plan.notify


# --- who is to be chased -------------------------------------------------------------------------------------------------


def _climb(plan: Plan, run: PlanRun, facts: Facts) -> Moved:
    return climb(plan, run, facts.now)


def _remind(plan: Plan, run: PlanRun, facts: Facts) -> Moved:
    """It was taken, and nothing has happened since: whoever has it is asked how it goes, or whoever is to sign."""
    quiet_at = _quiet_at(plan, run)
    if quiet_at is None or facts.now < quiet_at:
        return Moved(run)
    told = Tell(_whoever_leads(plan, run), Why.QUIET, times=run.version)
    if run.state is RunState.STOOD_DOWN and plan.closure.sign_off is not None:
        told = Tell((plan.closure.sign_off,), Why.SIGN_OFF, times=run.version)
    return Moved(replace(run, touched_at=facts.now), (Note(EventKind.PLAN_QUIET), told))


def _news(plan: Plan, run: PlanRun, facts: Facts) -> Moved:
    return remind(plan, run, facts.now)


def _quiet_at(plan: Plan, run: PlanRun) -> datetime | None:
    if run.acknowledged_at is None:
        return None
    touched = run.touched_at or run.acknowledged_at
    over = [step.ended_at for step in run.steps if step.ended and step.ended_at is not None]
    if run.state is RunState.STOOD_DOWN or len(over) < len(run.steps):
        return touched + plan.remind_every
    # Nothing is left but to stand down, perhaps after a day of calm: it is brought to mind ever more seldom.
    return touched + max(plan.remind_every, min(touched - max(over), _DAY))


def _whoever_leads(plan: Plan, run: PlanRun) -> tuple[str, ...]:
    return (run.lead,) if run.lead else plan.notify


# --- when to look again --------------------------------------------------------------------------------------------------


def _wakes(plan: Plan, run: PlanRun, now: datetime) -> datetime | None:
    looks = [now + LOOK] if (plan.severity and not run.drill) or plan.closure.when is not None else []
    return min([*looks, *moments(plan, run, now)], default=None)


def moments(plan: Plan, run: PlanRun, now: datetime) -> Iterator[datetime]:
    """When something is due in a run of which the figures stay as they are."""
    if run.state is RunState.AWAITING_CONFIRMATION and run.confirm_by is not None:
        yield run.confirm_by
    if (until := _outside_until(plan, run)) is not None:
        yield until
    if (falls_at := _falls_at(plan, run)) is not None:
        yield falls_at
    if (climbs_at := next_climb(plan, run)) is not None:
        yield climbs_at
    if (quiet_at := _quiet_at(plan, run)) is not None:
        yield quiet_at
    yield from next_news(plan, run, now)
    yield from next_of_steps(plan, run)
