"""What a plan cannot mean, though each of its settings is right by itself: told when it is read, not at two in the morning."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter

from monitor.domain.plan import ALWAYS_KNOWN, PLACES, Level, Plan, StatementStep, Step, places
from monitor.settings.plan_names import Places, written
from monitor.settings.problems import Problem, choices, suggest
from monitor.settings.reading import Document, Path_
from rules.contradiction import DOES_NOT_HOLD, Possibilities, Wanted, Way
from rules.figures import FiguresWhere
from rules.lint import Surroundings, blocks, why
from rules.matching import value_test

_AMID = Surroundings(lists={})
_POSSIBLE = Possibilities({}, {})
_TEXTS: tuple[Places, ...] = (
    ("title",),
    ("severity", None, "name"),
    ("steps", None, "title"),
    ("steps", None, "items", None),
    ("statements", None, "text"),
    ("never", None),
)
# What of a rung speaks only of how the ladder begins anew.
_ANEW = ("every", "max", "then")


def impossible(document: Document, plan: Plan) -> Iterator[Problem]:
    """Everything of a plan that cannot be meant so."""
    yield from _circles(document, plan)
    yield from _levels(document, plan)
    yield from _falls(document, plan)
    yield from _never_begin(document, plan)
    yield from _never_hold(document, plan)
    yield from _ladder(document, plan)
    yield from _unfilled(document)
    yield from _perhaps_unfilled(document, plan)


# --- steps ---------------------------------------------------------------------------------------------------------------


def _circles(document: Document, plan: Plan) -> Iterator[Problem]:
    """Steps that wait for each other, each circle once."""
    order = [step.id for step in plan.steps]
    needs = {step.id: set(step.needs) & {*order} for step in plan.steps}
    while circle := _circle(needs):
        first = min(circle, key=order.index)
        at = circle.index(first)
        named = " → ".join(f"`{id_}`" for id_ in (*circle[at:], *circle[:at], first))
        what = f"the step waits for itself: {named}." if len(circle) == 1 else f"these steps wait for each other: {named}."
        yield document.problem(("plan", "steps", order.index(first), "needs"), what, "Remove one of them from `needs`.")
        needs[first] -= {*circle}


def _circle(needs: Mapping[str, Collection[str]]) -> Sequence[str]:
    """Steps of which each needs the next, and the last the first; nothing where there is no such circle."""
    try:
        TopologicalSorter(needs).prepare()
    except CycleError as error:
        return tuple(reversed(error.args[1][1:]))  # the sorter names what is needed first
    return ()


def _never_begin(document: Document, plan: Plan) -> Iterator[Problem]:
    """Steps that wait for a level that there is not."""
    ranks = {level.level for level in plan.severity}
    for index, step in enumerate(plan.steps):
        if not step.min_level or step.min_level in ranks:
            continue
        never = "" if step.min_level < max(ranks, default=0) else f": {_and_those_behind(plan, step)}"
        path: Path_ = ("plan", "steps", index, "min_level")
        yield document.problem(path, f"this plan has no level {step.min_level}{never}.", _another(step.min_level, ranks))


def _and_those_behind(plan: Plan, step: Step) -> str:
    behind = [step.id]
    for other in (*plan.steps, *plan.steps):  # a step may stand above those that it needs
        if other.id not in behind and {*other.needs} & {*behind}:
            behind.append(other.id)
    if len(behind) == 1:
        return "the step never begins"
    others = " and ".join(f"`{id_}`" for id_ in behind[1:])
    return f"the step never begins, and nothing that waits for it does: {others}"


def _another(level: int, ranks: Collection[int]) -> str:
    return suggest(str(level), [str(rank) for rank in ranks]) if ranks else "Write the levels of gravity: `severity`."


# --- levels --------------------------------------------------------------------------------------------------------------


def _levels(document: Document, plan: Plan) -> Iterator[Problem]:
    """The first fault in the order of the levels: what is said of the others would only follow from it."""
    for check in (_same_rank, _wrong_order, _shadowed):
        found = next(check(document, plan.severity), None)
        if found is not None:
            yield found
            return


def _same_rank(document: Document, levels: Sequence[Level]) -> Iterator[Problem]:
    for index, level in enumerate(levels):
        if level.level in {other.level for other in levels[:index]}:
            path: Path_ = ("plan", "severity", index, "level")
            yield document.problem(path, f"there are two levels of rank {level.level}.", "Give one of them another.")


def _wrong_order(document: Document, levels: Sequence[Level]) -> Iterator[Problem]:
    for index, level in enumerate(levels[1:], start=1):
        above = levels[index - 1].level
        if level.level > above:
            what = f"level {level.level} is graver than level {above}, and stands below it: the first that holds counts."
            yield document.problem(("plan", "severity", index, "level"), what, f"Put it above level {above}.")


def _shadowed(document: Document, levels: Sequence[Level]) -> Iterator[Problem]:
    """Levels that the figures never ask for, because a graver one holds whenever they do."""
    for index, level in enumerate(levels):
        if not _can_hold(level.when):
            continue
        graver = next((other for other in levels[:index] if _holds_whenever(other.when, level.when)), None)
        if graver is not None:
            what = f"the figures never ask for level {level.level}: level {graver.level} holds whenever this one does."
            fix = f"Ask for more at level {graver.level}: `when`."
            yield document.problem(("plan", "severity", index), what, fix)


def _can_hold(when: FiguresWhere | None) -> bool:
    return when is None or _POSSIBLE.clash(Wanted(when)) is None


def _holds_whenever(one: FiguresWhere | None, other: FiguresWhere | None) -> bool:
    """Whether it is certain that the one holds wherever the other does."""
    asked = [Wanted(other)] if other is not None else []
    return one is None or _POSSIBLE.clash(*asked, Wanted(one, DOES_NOT_HOLD)) is not None


def _falls(document: Document, plan: Plan) -> Iterator[Problem]:
    """A rule for falling that no run ever follows."""
    if plan.deescalate is None:
        return
    limit, ranks = plan.deescalate.below_level, {level.level for level in plan.severity}
    path: Path_ = ("plan", "deescalate", "below_level")
    if limit not in ranks:
        yield document.problem(path, f"this plan has no level {limit}.", _another(limit, ranks))
    elif limit == min(ranks):
        what = f"no level is lower than {limit}: the level never falls."
        yield document.problem(path, what, "Write a higher one, or add a level below it.")


# --- conditions ----------------------------------------------------------------------------------------------------------


def _never_hold(document: Document, plan: Plan) -> Iterator[Problem]:
    """Conditions on figures that no figures meet."""
    ranks = sorted(level.level for level in plan.severity)
    for path, when, reached in _conditions(plan, ranks):
        if (clash := _clash(path, when)) is not None:
            place = clash[-1].path if clash else path
            yield document.problem(place, f"no figures ever meet this: {why(clash, _AMID)}.", "Ask for what can be.")
        else:
            yield from _no_such_level(document, path, when, reached)


def _clash(path: Path_, when: FiguresWhere) -> Way | None:
    """Why conditions never hold, or one of their alternatives does not. None: they may."""
    alternatives = ((here, block) for here, block in blocks(when, path) if here[-2:-1] == ("any",))
    clashes = (_POSSIBLE.clash(Wanted(block, path=here)) for here, block in ((path, when), *alternatives))
    return next((clash for clash in clashes if clash is not None), None)


def _conditions(plan: Plan, ranks: Sequence[int]) -> Iterator[tuple[Path_, FiguresWhere, Sequence[int]]]:
    """Every condition of a plan, where it stands, and the levels that a run may have when it is asked."""
    for index, level in enumerate(plan.severity):
        if level.when is not None:
            yield ("plan", "severity", index, "when"), level.when, ranks
    for index, step in enumerate(plan.steps):
        if step.when is not None:
            yield ("plan", "steps", index, "when"), step.when, [rank for rank in ranks if rank >= step.min_level]
    if plan.closure.when is not None:
        yield ("plan", "closure", "when"), plan.closure.when, ranks


def _no_such_level(document: Document, path: Path_, when: FiguresWhere, ranks: Sequence[int]) -> Iterator[Problem]:
    for place, block in ((path, when), *blocks(when, path)):
        if block.level is not None and not any(value_test(block.level)(rank) for rank in ranks):
            known = f"the plan knows {choices([str(rank) for rank in ranks])} here" if ranks else "the plan has none here"
            yield document.problem((*place, "level"), f"no level is like this: {known}.", "Name one of `severity`.")


# --- the ladder ----------------------------------------------------------------------------------------------------------


def _ladder(document: Document, plan: Plan) -> Iterator[Problem]:
    """Rungs out of order, and a ladder that begins anew where there is no rung."""
    rungs = plan.escalation
    ladder = [rung for rung in rungs if rung.repeat_from is None]
    for index, rung in enumerate(rungs):
        path: Path_ = ("plan", "escalation", index)
        before = rungs[index - 1].at if index else None
        if rung.repeat_from is not None:
            yield from _anew(document, path, rung.repeat_from, len(ladder), last=index == len(rungs) - 1)
        elif rung.at is not None and before is not None and rung.at < before:
            what = f"{rung.at:g} comes before {before:g}, the moment of the rung above."
            yield document.problem((*path, "at"), what, "Put the rungs in the order of time.")
        elif alone := [name for name in _ANEW if name in rung.model_fields_set]:
            what = f"`{alone[0]}` says how a ladder begins anew, and this rung does not: it has no `repeat_from`."
            yield document.problem((*path, alone[0]), what, "Remove it, or write it beside `repeat_from`.")


def _anew(document: Document, path: Path_, first: int, rungs: int, *, last: bool) -> Iterator[Problem]:
    if not last:
        what = "the ladder begins anew at its end, and other rungs stand below."
        yield document.problem((*path, "repeat_from"), what, "Put this one last.")
    elif first >= rungs:
        there = f"the rungs are 0 to {rungs - 1}" if rungs else "there are no other rungs"
        yield document.problem((*path, "repeat_from"), f"there is no rung {first}: {there}.", "Count the rungs from 0.")


# --- words ---------------------------------------------------------------------------------------------------------------


def _unfilled(document: Document) -> Iterator[Problem]:
    """Places in the words of a plan that nothing fills in: people would read the braces, and so would the public."""
    for where in _TEXTS:
        for path, texts in written(document, where):
            for language, text in texts.items() if isinstance(texts, Mapping) else ():
                here = (*path, language)
                unknown = [name for name in places(str(text)) if name not in PLACES]
                if unknown:
                    what = f"nothing fills in `{{{{{unknown[0]}}}}}`."
                    yield document.problem(here, what, suggest(unknown[0], PLACES))
                elif str(text).count("{{") != str(text).count("}}"):
                    yield document.problem(here, "a place in braces is not closed.", "Write it like `{{brand}}`.")


def _perhaps_unfilled(document: Document, plan: Plan) -> Iterator[Problem]:
    """Places that may stay open in words that a machine publishes: before a level is known, or somebody leads."""
    by = {step.statement: step.id for step in plan.steps if isinstance(step, StatementStep) and step.publish is not None}
    for index, statement in enumerate(plan.statements):
        for language, text in statement.text.items() if statement.id in by else ():
            unsure = next((name for name in places(text) if name in PLACES and name not in ALWAYS_KNOWN), None)
            if unsure is not None:
                what = f"nothing is sure to fill in `{{{{{unsure}}}}}`, and step `{by[statement.id]}` publishes these words."
                fix = f"Those that are: {choices(ALWAYS_KNOWN)}."
                yield document.problem(("plan", "statements", index, "text", language), what, fix)
