"""Commands that rehearse an emergency plan: with its real people, or against a recording."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated, Literal

import typer

from monitor.cli.answers import show_answers
from monitor.cli.app import plan
from monitor.cli.context import DEFAULT_CONFIG, By, ConfigDir, loaded, opened, run, say
from monitor.cli.plans import Subject, Why_, begin
from monitor.domain.errors import InputError, UsageError


@plan.command("drill")
def drill(
    name: Annotated[str, typer.Argument(help="The plan's id.")] = "",
    report: Annotated[int, typer.Option(help="Say who answered this run, and begin nothing.", show_default=False)] = 0,
    level: Annotated[
        int,
        typer.Option(help="Which level is rehearsed: its ladder, and how soon somebody must answer.", show_default="the gravest"),
    ] = -1,
    subject: Subject = "",
    why: Why_ = "drill",
    config: ConfigDir = DEFAULT_CONFIG,
    by: By = "",
) -> None:
    """Rehearse a plan with its real people: each message says that it is a drill, nothing is published, no webhook is called."""
    if bool(name) == bool(report):
        raise UsageError("rehearse which plan? Give its id, or --report and the number of a drill's run")
    if name:
        begin(name, subject, why, config, by, drill=True, level=level if level >= 0 else None)
    else:
        _report(report, config)


def _report(number: int, config: ConfigDir) -> None:
    async def work() -> None:
        from monitor.pipeline.drills import answers_of

        async with opened(config) as (settings, store), store.read() as tx:
            found = await tx.plans.get(number)
            if found is None:
                raise UsageError(f"there is no plan run {number}; `tocsin plan list` lists them")
            answered = await answers_of(tx, found, settings.contacts)
        show_answers(answered, settings)

    run(work)


@plan.command("simulate")
def simulate(
    name: Annotated[str, typer.Argument(help="The plan's id.")],
    file: Annotated[Path, typer.Argument(help="A recording: JSON Lines or CSV, oldest first, as for `tocsin replay`.")],
    answers: Annotated[
        Literal["prompt", "late", "nobody"], typer.Option(help="How the people who are made up answer.")
    ] = "prompt",
    config: ConfigDir = DEFAULT_CONFIG,
) -> None:
    """Try a plan against a recording, with people who are made up, and say what would have happened. Nothing is sent."""
    from monitor.replay import recording
    from monitor.simulation import Answers, about, lines, play
    from monitor.telemetry import configure_logging

    if not file.is_file():
        raise InputError(f"{file}: there is no such file")
    configure_logging("console", "error")
    settings = about(recording(loaded(config), file), name)
    played = asyncio.run(play(settings, name, Answers(answers)))
    for line in lines(played, settings, file.name):
        say(line)
