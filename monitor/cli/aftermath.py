"""Commands for when a crisis is over: its report, what is left to do, and the evidence."""

from __future__ import annotations

import sys
from collections.abc import Sequence
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
    from monitor.pipeline.aftermath import NewAction
    from monitor.report import Action, Report
    from monitor.settings import Outline
    from monitor.storage import Store

RunNumber = Annotated[int, typer.Argument(help="The run's number.")]
_ENDINGS = {".html": "html", ".htm": "html", ".md": "markdown", ".json": "json"}


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
    """Make the after-action report (RETEX) on a run: what happened when, how long it took, what the plan lacked, what is left."""

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
    from monitor.cards.folder import write

    with creating(output):
        write(output, content.encode("utf-8"))
    say(f"{output} is written.")


@plan.command("evidence")
def evidence(
    number: RunNumber,
    config: ConfigDir = DEFAULT_CONFIG,
    form: Annotated[
        Literal["jsonl", "csv"], typer.Option("--format", help="One JSON object a line, or a spreadsheet.")
    ] = "jsonl",
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


@plan.command("follow-up")
def follow_up(
    number: RunNumber,
    verb: Annotated[Literal["list", "add", "done"], typer.Argument(help="What to do with them.")] = "list",
    what: Annotated[
        str, typer.Argument(help="With `add`: what is to be done. With `done`: the action's number.", show_default=False)
    ] = "",
    owner: Annotated[
        str, typer.Option(help="With `add`: who does it, a person or role of contacts.yaml.", show_default=False)
    ] = "",
    due: Annotated[str, typer.Option(help="With `add`: until when, a day as 2026-12-24.", show_default=False)] = "",
    config: ConfigDir = DEFAULT_CONFIG,
    by: By = "",
) -> None:
    """What a crisis leaves to do, by whom and until when: list it, add to it, or say that something is done."""

    async def work() -> None:
        async with opened(config) as (settings, store):
            if verb == "add":
                await _add(store, number, _new(settings, what, owner, due), by)
            elif verb == "done":
                await _end(store, number, what, by)
            else:
                _show((await _made(settings, store, number)).actions)

    run(work)


def _new(settings: Outline, text: str, owner: str, due: str) -> NewAction:
    from monitor.pipeline.aftermath import NewAction

    known = {*settings.contacts.people, *settings.contacts.roles}
    if not text or not owner or not due:
        raise UsageError('say what, who and until when: `tocsin plan follow-up 3 add "…" --owner PERSON --due 2026-12-24`')
    if owner not in known:
        raise unknown("person or role", owner, known)
    try:
        return NewAction(text, owner, date.fromisoformat(due))
    except ValueError:
        raise UsageError(f"{due}: write the day as 2026-12-24") from None


async def _add(store: Store, run_id: int, new: NewAction, by: str) -> None:
    from monitor.pipeline import aftermath

    number = await aftermath.add_action(store, run_id, new, actor(by), clock.now())
    say(f"Run {run_id}: action {number} is noted, for {new.owner}, by {new.due.isoformat()}.")
    say("Once it is done: ", (f"tocsin plan follow-up {run_id} done {number}", "bold"))


async def _end(store: Store, run_id: int, what: str, by: str) -> None:
    from monitor.pipeline import aftermath

    if not what.isdecimal():
        raise UsageError(f"say which action is done, by its number: `tocsin plan follow-up {run_id}` lists them")
    new = await aftermath.end_action(store, run_id, int(what), actor(by), clock.now())
    say(f"Run {run_id}: action {what} {'is done' if new else 'was done already'}.")


def _show(actions: Sequence[Action]) -> None:
    if not actions:
        say("Nothing is noted.")
        return
    rows = table("no.", "due", "by", "state", "what")
    today = clock.now().date()
    for each in actions:
        state = ("done", "green") if each.done_at else ("overdue", "red") if each.due < today else ("open", "")
        row(rows, str(each.number), each.due.isoformat(), each.owner, state, each.text)
    out.print(rows)
