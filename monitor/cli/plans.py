"""Commands about emergency plans being carried out."""

from __future__ import annotations

from typing import Annotated

import typer

from monitor.cli.app import plan
from monitor.cli.context import DEFAULT_CONFIG, By, ConfigDir, actor, clock, local, opened, out, run, table
from monitor.domain.errors import UsageError
from monitor.domain.plan import StatementStep
from monitor.pipeline import operations
from monitor.pipeline.compose import localized

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
                rows.add_row(str(each.id), each.plan, str(each.incident_id), local(each.opened_at, settings), each.state)
            out.print(rows if runs else "No plan was ever opened.")

    run(work)


@plan.command("show")
def show(number: RunNumber, config: ConfigDir = DEFAULT_CONFIG) -> None:
    """Show a run: its steps, the statements ready to copy, and its timeline."""

    async def work() -> None:
        async with opened(config) as (settings, store):
            async with store.read() as tx:
                found = await tx.plans.get(number)
                if found is None:
                    raise UsageError(f"there is no plan run {number}; `tocsin plan list` lists them")
                story = await tx.timeline.of_incident(found.incident_id)
            definition, states = found.definition, {each.step: each for each in found.steps}
            out.print(f"[bold]{localized(definition.title, settings.language)}[/]  {found.state}\n")
            for step in definition.steps:
                state = states[step.id]
                out.print(f"  {state.state:<8} {localized(step.title, settings.language)}", markup=False)
                if isinstance(step, StatementStep):
                    words = next(each for each in definition.statements if each.id == step.statement)
                    for language, text in words.text.items():
                        out.print(f"           [{language}, {words.status}] {text}", markup=False)
            out.print("\n[bold]Timeline[/]")
            for event in story:
                what = " ".join(str(value) for value in (event.detail or {}).values() if isinstance(value, str))
                out.print(f"  {local(event.at, settings)}  {event.kind}  {what}  {event.actor}"[:160], markup=False)

    run(work)


@plan.command("confirm")
def confirm(number: RunNumber, config: ConfigDir = DEFAULT_CONFIG, by: By = "") -> None:
    """Let the automatic steps begin, in a plan that waits for a person."""

    async def work() -> None:
        async with opened(config) as (_, store):
            found = await operations.confirm_plan(store, number, actor(by), clock.now())
        out.print(f"Plan {found.plan}, run {number}: the automatic steps begin now.")

    run(work)


@plan.command("close")
def close(number: RunNumber, config: ConfigDir = DEFAULT_CONFIG, by: By = "") -> None:
    """Stand down: the run is over."""

    async def work() -> None:
        async with opened(config) as (_, store):
            found = await operations.close_plan(store, number, actor(by), clock.now())
        out.print(f"Plan {found.plan}, run {number}, is closed.")

    run(work)
