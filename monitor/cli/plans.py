"""Commands about emergency plans being carried out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from typing import TYPE_CHECKING, Annotated

import typer

from monitor.cli.app import plan
from monitor.cli.context import DEFAULT_CONFIG, By, ConfigDir, Note, actor, clock, local, opened, out, row, run, said, say, table
from monitor.domain.errors import UsageError

if TYPE_CHECKING:
    from monitor.domain.plan import PlanRun, Step, TimelineEvent
    from monitor.settings import Outline

_RUN_STATES = {
    "awaiting_confirmation": "waits for a confirmation",
    "running": "under way",
    "closed": "closed",
}
RunNumber = Annotated[int, typer.Argument(help="The run's number.")]


@plan.command("list")
def list_runs(config: ConfigDir = DEFAULT_CONFIG) -> None:
    """List the runs, the newest first."""

    async def work() -> None:
        async with opened(config) as (settings, store):
            async with store.read() as tx:
                runs = await tx.plans.list(limit=50)
            rows = table("run", "plan", "incident", "opened", "state")
            for each in runs:
                row(
                    rows, str(each.id), each.plan, str(each.incident_id), local(each.opened_at, settings), _RUN_STATES[each.state]
                )
            out.print(rows if runs else "No plan was ever opened.")

    run(work)


@plan.command("show")
def show(number: RunNumber, config: ConfigDir = DEFAULT_CONFIG) -> None:
    """Show a run: its steps, the statements ready to copy, and its timeline."""

    async def work() -> None:
        async with opened(config) as (settings, store), store.read() as tx:
            found = await tx.plans.get(number)
            if found is None:
                raise UsageError(f"there is no plan run {number}; `tocsin plan list` lists them")
            story = await tx.timeline.of_incident(found.incident_id)
        _show_steps(found, settings)
        say("")
        say(("Timeline", "bold"))
        for line in _told(story, settings):
            say(f"  {line}")
        if commands := _next(found):
            say("")
            say("Next: ", (", ".join(commands), "bold"))

    run(work)


def _show_steps(found: PlanRun, settings: Outline) -> None:
    from monitor.pipeline.compose import localized

    states = {each.step: each for each in found.steps}
    say((localized(found.definition.title, settings.language), "bold"), f"  {_RUN_STATES[found.state]}")
    say("")
    widest = max(12, *(len(step.id) for step in found.definition.steps))
    for step in found.definition.steps:
        say(f"  {_state_of(found, step):<24} {step.id:<{widest}} {localized(step.called, settings.language)}")
        detail = states[step.id].detail
        for line in ([said(detail)] if detail else []) + _inside(found, step, settings):
            say(f"    {line}")


def _state_of(found: PlanRun, step: Step) -> str:
    """Where a step stands, in words that say who is to act."""
    from monitor.domain.plan import RunState, StepState
    from monitor.pipeline.operations import is_automatic

    state = next((each.state for each in found.steps if each.step == step.id), StepState.SKIPPED)
    if state in {StepState.WAITING, StepState.READY}:
        if not is_automatic(step):
            return "to do"
        return "waits for the confirmation" if found.state is RunState.AWAITING_CONFIRMATION else "automatic, soon"
    return "under way" if state is StepState.RUNNING else str(state)


def _inside(found: PlanRun, step: Step, settings: Outline) -> list[str]:
    """What a step is about: its list, or its statement ready to copy, in every language there is."""
    from monitor.domain.plan import ChecklistStep, StatementStep
    from monitor.pipeline.compose import localized

    if isinstance(step, ChecklistStep):
        return [f"- {said(localized(item, settings.language))}" for item in step.items]
    if not isinstance(step, StatementStep):
        return []
    words = next(each for each in found.definition.statements if each.id == step.statement)
    return [f"[{language}, {words.status}] {said(text)}" for language, text in words.text.items()]


def _next(found: PlanRun) -> list[str]:
    """The commands that carry a run on."""
    from monitor.domain.plan import RunState

    if found.state is RunState.CLOSED:
        return []
    confirm = [f"tocsin plan confirm {found.id}"] if found.state is RunState.AWAITING_CONFIRMATION else []
    todo = [step.id for step in found.definition.steps if _state_of(found, step) in {"to do", "failed", "overdue"}]
    return confirm + ([f"tocsin plan done {found.id} {todo[0]}"] if todo else []) or [f"tocsin plan close {found.id}"]


def _told(story: Iterable[TimelineEvent], settings: Outline) -> Iterator[str]:
    """The timeline. The hundred complaints of a crisis are one line: what is to do must not scroll away."""
    for (kind, what), alike in groupby(story, key=lambda event: (event.kind, _what(event))):
        first, *others = alike
        times = f", {len(others) + 1} times" if others else ""
        yield f"{local(first.at, settings)}  {kind:<18}  {what}{times}"


def _what(event: TimelineEvent) -> str:
    detail: Mapping[str, object] = event.detail or {}
    told = " ".join(str(value) for value in detail.values() if isinstance(value, str))
    return said(told if event.actor == "tocsin" else f"{told} ({event.actor})", 100)


@plan.command("confirm")
def confirm(number: RunNumber, config: ConfigDir = DEFAULT_CONFIG, by: By = "") -> None:
    """Let the automatic steps begin, in a plan that waits for a person."""

    async def work() -> None:
        from monitor.domain.plan import RunState
        from monitor.pipeline import operations

        async with opened(config) as (_, store):
            found = await operations.confirm_plan(store, number, actor(by), clock.now())
        if found.state is RunState.AWAITING_CONFIRMATION:
            say(f"Plan {found.plan}, run {number}: the automatic steps begin now.")
        else:
            say(f"Plan {found.plan}, run {number}, is {_RUN_STATES[found.state]} already: nothing waited for a confirmation.")

    run(work)


@plan.command("done")
def done(
    number: RunNumber,
    step: Annotated[str, typer.Argument(help="The step's name, as `tocsin plan show` lists it.")],
    config: ConfigDir = DEFAULT_CONFIG,
    by: By = "",
    note: Note = "",
) -> None:
    """Tick off a step that people do, so that everybody sees how far the plan has come."""

    async def work() -> None:
        from monitor.pipeline import operations

        async with opened(config) as (_, store):
            ticked = await operations.finish_step(store, number, step, actor(by), clock.now(), note or None)
            async with store.read() as tx:
                found = await tx.plans.get(number)
        say(f"Step {step} {'is' if ticked else 'was already'} done.")
        if found is not None and (commands := _next(found)):
            say("Next: ", (", ".join(commands), "bold"))

    run(work)


@plan.command("close")
def close(number: RunNumber, config: ConfigDir = DEFAULT_CONFIG, by: By = "") -> None:
    """Stand down: the run is over."""

    async def work() -> None:
        from monitor.pipeline import operations

        async with opened(config) as (_, store):
            found = await operations.close_plan(store, number, actor(by), clock.now())
        say(f"Plan {found.plan}, run {number}, {'is' if found.closed_at is None else 'was already'} closed.")

    run(work)
