"""Commands for when a crisis is over: its report, what is left to do, and the evidence."""

from __future__ import annotations

import os
import sys
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from monitor.cli.app import plan
from monitor.cli.context import (
    DEFAULT_CONFIG,
    By,
    ConfigDir,
    actor,
    clock,
    creating,
    opened,
    out,
    plural,
    row,
    run,
    say,
    table,
    unknown,
)
from monitor.domain.errors import UsageError

if TYPE_CHECKING:
    from monitor.report import Action, Report
    from monitor.settings import Outline
    from monitor.storage import Store

RunNumber = Annotated[int, typer.Argument(help="The run's number.")]
_ENDINGS = {".html": "html", ".htm": "html", ".md": "markdown", ".json": "json"}

follow_up = typer.Typer(name="follow-up", help="What a crisis leaves to do, by whom and until when.", invoke_without_command=True)
plan.add_typer(follow_up)


@plan.command("report")
def report(
    number: RunNumber,
    config: ConfigDir = DEFAULT_CONFIG,
    form: Annotated[
        Literal["html", "markdown", "json"] | None,
        typer.Option("--format", help="What to write.", show_default="by the ending of --output, else markdown"),
    ] = None,
    language: Annotated[
        Literal["fr", "en"] | None, typer.Option(help="In which language.", show_default="that of monitor.yaml")
    ] = None,
    output: Annotated[Path | None, typer.Option(help="The file to write; without, it is printed.")] = None,
    sign: Annotated[bool, typer.Option("--sign", help="Say that you have read it and stand for it: reminders end.")] = False,
    by: By = "",
) -> None:
    """The after-action report (RETEX) on a run: what happened when, how long it took, what the plan lacked, what is left to do."""

    async def work() -> None:
        from monitor.pipeline import aftermath
        from monitor.report import render
        from notifiers.reader import Reader

        chosen = form or _ENDINGS.get(output.suffix.lower() if output else "", "markdown")
        async with opened(config, rules=True) as (settings, store):
            if sign:
                new = await aftermath.sign_report(store, number, actor(by), clock.now())
                say(f"Run {number}: {'the report is signed' if new else 'somebody has signed the report already'}.")
                if output is None and form is None:
                    return
            made = await _made(settings, store, number)
        _write(render(made, Reader(language or settings.language, settings.timezone), chosen), output)

    run(work)


async def _made(settings: Outline, store: Store, number: int) -> Report:
    from monitor.report import build, read

    async with store.read() as tx:
        seen = await read(tx, number, clock.now())
    subject = settings.subjects.get(seen.incident.subject or "") or next(iter(settings.subjects.values()))
    rules = {rule.id: rule.title for rule in settings.rules if rule.title}
    return build(seen, settings.contacts, settings.timezone, subject=subject.names[0], rules=rules)


def _write(content: str, output: Path | None) -> None:
    """To the terminal, or into a file that its owner alone may read: it speaks of people."""
    if output is None:
        sys.stdout.write(content)
        return
    with creating(output), open(os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8", newline="") as file:
        file.write(content)
    say(f"{output} is written.")


@plan.command("evidence")
def evidence(
    number: RunNumber,
    config: ConfigDir = DEFAULT_CONFIG,
    form: Annotated[Literal["jsonl", "csv"], typer.Option("--format", help="One JSON object a line, or a spreadsheet.")] = "jsonl",
    output: Annotated[Path | None, typer.Option(help="The file to write; without, it is printed.")] = None,
    with_sensitive: Annotated[
        bool, typer.Option("--with-sensitive", help="Show authors and words of sensitive posts, too: health, politics, religion.")
    ] = False,
) -> None:
    """Export the posts behind a run: raw text, author, address, moment, and the SHA-256, held against what was captured."""

    async def work() -> None:
        from monitor.report.evidence import FORMATS, exhibits

        async with opened(config) as (_, store), store.read() as tx:
            found = await exhibits(tx, number, with_sensitive=with_sensitive)
        _write(FORMATS[form](found), output)
        changed = sum(each.verdict == "changed" for each in found)
        if changed:
            typer.echo(f"{plural(changed, 'post')} no longer as captured: see `verdict`.", err=True)

    run(work)


@follow_up.callback()
def list_actions(context: typer.Context, number: RunNumber, config: ConfigDir = DEFAULT_CONFIG) -> None:
    """What a run leaves to do: without `add` or `done`, the list."""
    context.obj = number
    if context.invoked_subcommand is not None:
        return

    async def work() -> None:
        async with opened(config) as (settings, store):
            _show((await _made(settings, store, number)).actions)

    run(work)


def _show(actions: list[Action] | tuple[Action, ...]) -> None:
    if not actions:
        out.print("Nothing is noted.")
        return
    rows = table("no.", "due", "by", "state", "what")
    today = clock.now().date()
    for each in actions:
        state = ("done", "green") if each.done_at else ("overdue", "red") if each.due < today else ("open", "")
        row(rows, str(each.number), each.due.isoformat(), each.owner, state, each.text)
    out.print(rows)


@follow_up.command("add")
def add(
    context: typer.Context,
    text: Annotated[str, typer.Argument(help="What is to be done.")],
    owner: Annotated[str, typer.Option(help="Who does it: a person or role of contacts.yaml.")],
    due: Annotated[str, typer.Option(help="Until when: a day, as 2026-12-24.")],
    config: ConfigDir = DEFAULT_CONFIG,
    by: By = "",
) -> None:
    """Note something to be done, by whom and until when: `tocsin plan follow-up 3 add --owner ana --due 2026-12-24 "…"`."""

    async def work() -> None:
        from monitor.pipeline import aftermath

        day = _day(due)
        async with opened(config) as (settings, store):
            known = {*settings.contacts.people, *settings.contacts.roles}
            if owner not in known:
                raise unknown("person or role", owner, known)
            new = aftermath.NewAction(text, owner, day)
            number = await aftermath.add_action(store, context.obj, new, actor(by), clock.now())
        say(f"Run {context.obj}: action {number} is noted.")
        say("Once it is done: ", (f"tocsin plan follow-up {context.obj} done {number}", "bold"))

    run(work)


def _day(written: str) -> date:
    try:
        return date.fromisoformat(written)
    except ValueError:
        raise UsageError(f"{written}: write the day as 2026-12-24") from None


@follow_up.command("done")
def done(
    context: typer.Context,
    number: Annotated[int, typer.Argument(help="The action's number.")],
    config: ConfigDir = DEFAULT_CONFIG,
    by: By = "",
) -> None:
    """Say that an action is done."""

    async def work() -> None:
        from monitor.pipeline import aftermath

        async with opened(config) as (_, store):
            new = await aftermath.end_action(store, context.obj, number, actor(by), clock.now())
        say(f"Run {context.obj}: action {number} {'is done' if new else 'was done already'}.")

    run(work)
