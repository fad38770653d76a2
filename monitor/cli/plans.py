"""Commands about emergency plans being carried out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated

import typer

from monitor.cli.app import plan
from monitor.cli.context import DEFAULT_CONFIG, By, ConfigDir, actor, clock, local, opened, out, row, run, said, say, table
from monitor.domain.errors import UsageError

if TYPE_CHECKING:
    from monitor.domain.plan import PlanRun, TimelineEvent
    from monitor.settings import Settings

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
                row(rows, str(each.id), each.plan, str(each.incident_id), local(each.opened_at, settings), each.state)
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
        for event in story:
            say(f"  {local(event.at, settings)}  {event.kind:<18}  {_what(event)}")

    run(work)


def _show_steps(found: PlanRun, settings: Settings) -> None:
    from monitor.domain.plan import StatementStep
    from monitor.pipeline.compose import localized

    definition, states = found.definition, {each.step: each.state for each in found.steps}
    say((localized(definition.title, settings.language), "bold"), f"  {found.state}")
    say("")
    for step in definition.steps:
        say(f"  {states[step.id]:<8} {localized(step.title, settings.language)}")
        if isinstance(step, StatementStep):
            words = next(each for each in definition.statements if each.id == step.statement)
            for language, text in words.text.items():
                say(f"           [{language}, {words.status}] {said(text)}")


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
            say(f"Plan {found.plan}, run {number}, is {found.state} already: nothing waited for a confirmation.")

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
