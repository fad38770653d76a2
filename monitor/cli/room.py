"""Commands for the room in which a crisis is worked through: the card on the wall, the change of shift, who has read what."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from monitor.cli.app import plan
from monitor.cli.context import (
    DEFAULT_CONFIG,
    By,
    ConfigDir,
    Note,
    actor,
    clock,
    creating,
    err,
    loaded,
    local,
    me,
    opened,
    out,
    plural,
    row,
    run,
    said,
    say,
    table,
    unknown,
)
from monitor.cli.filled import filling
from monitor.cli.plans import PlanName, RunNumber, act_in_run
from monitor.cli.respect import day_in
from monitor.domain.errors import TocsinError, UsageError

if TYPE_CHECKING:
    from monitor.cards import Card
    from monitor.domain.plan import PlanRun
    from monitor.settings import Outline
    from monitor.storage import Store, UnitOfWork
    from notifiers.message import Message

_FORMATS = ("html", "pdf")


# --- the card ------------------------------------------------------------------------------------------------------------


@plan.command("card")
def card(
    name: PlanName,
    form: Annotated[str, typer.Option("--format", help="html or pdf.", show_default="by --output's ending, else html")] = "",
    output: Annotated[Path | None, typer.Option("--output", "-o", help="The file to write, for your eyes alone.")] = None,
    language: Annotated[
        Literal["fr", "en"] | None, typer.Option(help="In which language: fr or en.", show_default="that of monitor.yaml")
    ] = None,
    config: ConfigDir = DEFAULT_CONFIG,
) -> None:
    """Print the card of a plan: whom to call, what to do, what to say, on a page or two of paper.

    The daemon keeps the cards of all plans up to date in the folder that `cards` of monitor.yaml names.
    """
    chosen = _format(form, output)
    settings = loaded(config)
    if name not in settings.plans:
        raise unknown("plan", name, settings.plans)
    from monitor.cards import card as of

    made = of(settings.plans[name], settings, language or settings.language, clock.now())
    _put(_laid_out(made, chosen), output)
    for who in made.without_phone:
        err.print(f"{who} has no telephone in contacts.yaml: the card leaves room to write it in.", markup=False)


def _format(form: str, output: Path | None) -> str:
    chosen = form or (output.suffix.lower().removeprefix(".") if output is not None else "") or "html"
    if chosen not in _FORMATS:
        raise UsageError(f"a card is html or pdf, not `{chosen}`")
    if chosen == "pdf":
        from monitor.paper import require

        require()
        if output is None and sys.stdout.isatty():
            raise UsageError("a PDF is no text for a terminal: name a file with --output")
    return chosen


def _laid_out(made: Card, form: str) -> bytes:
    from monitor.cards.page import LAYOUT, data, html

    if form == "pdf":
        from monitor.paper import pdf

        return pdf(LAYOUT.read_bytes(), data(made))
    return html(made)


def _put(content: bytes, output: Path | None) -> None:
    if output is None:
        sys.stdout.buffer.write(content)
        return
    from monitor.cards.folder import write

    with creating(output):
        write(output, content)
    say(f"Written to {output}. Print it: it is needed when no screen is.")


# --- the change of shift -------------------------------------------------------------------------------------------------


@plan.command("handover")
def handover(
    number: Annotated[int | None, typer.Argument(help="The run's number; without it, all open runs and alerts.")] = None,
    to: Annotated[str, typer.Option("--to", help="Send it to this person or role, who leads from then on.")] = "",
    config: ConfigDir = DEFAULT_CONFIG,
    by: By = "",
    note: Note = "",
) -> None:
    """Print the note at the end of a shift: where we stand, what was done, what comes next, who waits, what is open.

    Without a run, nothing is left out that whoever comes next should know.
    """

    async def work() -> None:
        async with opened(config) as (settings, store):
            _require_known(to, settings)
            runs = await _runs(store, number)
            for each in runs:
                await _print_handover(store, each, settings)
            if number is None:
                await _print_alerts(store, settings, runs)
            if to and number is None:
                await _hand_over_all(store, runs, settings, to, by, note)
            elif to:
                await _hand_over(store, runs[0], settings, to, by, note)

    run(work)


def _require_known(to: str, settings: Outline) -> None:
    """Raises `UsageError` unless somebody can take over."""
    known = {*settings.contacts.people, *settings.contacts.roles}
    if to and to not in known:
        raise unknown("person or role", to, known)


async def _runs(store: Store, number: int | None) -> list[PlanRun]:
    async with store.read() as tx:
        if number is None:
            return await tx.plans.open_runs()
        found = await tx.plans.get(number)
    if found is None:
        raise UsageError(f"there is no plan run {number}; `tocsin plan list` lists them")
    return [found]


async def _print_handover(store: Store, found: PlanRun, settings: Outline) -> None:
    from monitor.domain.plan import UnreadableRunError
    from notifiers.render.view import view

    try:
        async with store.read() as tx:
            message = await _handover_message(tx, found, settings)
    except UnreadableRunError as error:
        say(str(error))
        return
    shown, title = view(message), message.plan.title if message.plan is not None else found.plan
    say((f"{shown.kind}{shown.colon}{said(title)}, run {found.id}", "bold"))
    for title, lines in shown.sections:
        say("")
        say((title, "bold"))
        for line, _ in lines:
            say(f"  {line}")
    if shown.answers:
        say("")
        say((shown.words["answers"], "bold"))
        for answer in shown.answers:
            say(f"  {answer.label}{shown.colon}{said(answer.text)}")
    say("")


async def _handover_message(tx: UnitOfWork, found: PlanRun, settings: Outline) -> Message:
    """The note as a message to nobody yet: printed, it says the same as when it is sent."""
    from functools import partial

    from monitor.pipeline.compose import called, plan_facts
    from monitor.pipeline.standing import standing_of, with_standing
    from monitor.plans import Why
    from notifiers.message import Message

    now, language, people = clock.now(), settings.language, called(settings.contacts)
    fill, brand = await filling(tx, found, settings), settings.brand
    standing = await standing_of(tx, found, now, language=language, people=people, why=Why.HANDOVER, step=None, handed_over=False)
    known = {language: fill(language=language, now=now)}
    told = plan_facts(found, language, None, people, why=Why.HANDOVER, known=known, day=now.date())
    facts = with_standing(told, found, standing, language, partial(fill, language=language))
    return Message("", "step", "info", language, settings.timezone, now, "", 1, brand, incident_id=found.incident_id, plan=facts)


async def _print_alerts(store: Store, settings: Outline, runs: list[PlanRun]) -> None:
    """What rings beside the plans: whoever comes next has it, too."""
    from monitor.cli.act import open_alerts

    shown = await open_alerts(store, settings)
    if shown is not None:
        say(("Open alerts", "bold"))
        out.print(shown)
    elif not runs:
        say("No plan is open, and nothing rings.")


async def _hand_over_all(store: Store, runs: list[PlanRun], settings: Outline, to: str, by: str, note: str) -> None:
    """Hand over whatever is a crisis. What cannot be handed over is told at the end, and keeps none of the others."""
    from monitor.domain.plan import RunState, UnreadableRunError
    from monitor.plans import RefusedError

    failed = []
    for each in runs:
        if each.drill or each.state is RunState.OBSERVING:
            say(f"Run {each.id} is {'a drill' if each.drill else 'only observed'}: it is handed over by its number alone.")
            continue
        try:
            await _hand_over(store, each, settings, to, by, note)
        except (RefusedError, UnreadableRunError) as error:
            failed.append(str(error))
    if failed:
        raise TocsinError("\n".join(failed))


async def _hand_over(store: Store, found: PlanRun, settings: Outline, to: str, by: str, note: str) -> None:
    from monitor.pipeline import operations
    from monitor.plans import Act
    from monitor.settings.duty import names_of

    now, who = clock.now(), actor(by).name
    names = names_of(settings.contacts, who, now, settings.timezone)
    contacts = {*settings.contacts.people, *settings.contacts.roles}
    done = Act("hand_over", who, now, names, to=to, contacts=contacts, text=note or None)
    await operations.act_in_plan(store, found.id, done, "cli")
    say(f"Run {found.id} is {to}'s: the daemon sends them this note now.")


@plan.command("updated")
def updated(
    number: RunNumber,
    group: Annotated[str, typer.Argument(help="A group of the plan's stakeholders.")],
    config: ConfigDir = DEFAULT_CONFIG,
    by: By = "",
    note: Note = "",
) -> None:
    """Note that a group of stakeholders has heard from us: its `update_every` is counted from now."""
    act_in_run(number, config, "updated", by, f"{group} has heard from us", "nothing changed", to=group, text=note or None)


@plan.command("keep")
def keep(
    number: RunNumber,
    post: Annotated[str, typer.Argument(help="The post's number, as `tocsin alert show` names it, or its address.")],
    config: ConfigDir = DEFAULT_CONFIG,
    by: By = "",
    note: Note = "",
    until: Annotated[str, typer.Option("--until", help="The day on which it may go, as 2027-01-31; without it, nobody's.")] = "",
    thread: Annotated[
        Path | None,
        typer.Option(help="Write what stands above and below it, asked of its network now, into this file.", show_default=False),
    ] = None,
) -> None:
    """Keep a post with a run as evidence: it is put under legal hold, and neither retention nor erasure takes it.

    Of the thread around it the store keeps no word: only the file's SHA-256 stands in the timeline.
    """

    async def work() -> None:
        from monitor.pipeline import operations

        async with opened(config) as (settings, store):
            ends = day_in(until, settings) if until else None
            hold, kept, new = await operations.keep_post(
                store, number, post, note=note, actor=actor(by), at=clock.now(), until=ends
            )
            how = "is kept" if new else "was kept already"
            say(f"Post {kept.id} {how} with run {number}, by hold {hold.id}. SHA-256: {hold.evidence_hash}")
            if thread is not None:
                await _keep_thread(config, store, number, kept.id, thread, by)
        say("Next: ", (f"tocsin hold evidence {hold.id}, tocsin hold release {hold.id}", "bold"))

    run(work)


async def _keep_thread(config: Path, store: Store, number: int, mention: int, file: Path, by: str) -> None:
    """Write the thread around a post into a file, and the file's SHA-256 into the timeline."""
    from monitor.cli.thread import read, write
    from monitor.pipeline import operations

    found = await read(loaded(config), store, mention)
    sha256 = write(found, file)
    await operations.note_thread(store, number, found, sha256, actor=actor(by), at=found.at)
    say(f"Its thread is in {file}: {plural(len(found.said), 'post')}. SHA-256: {sha256}")
    if found.source is None:
        say(f"It holds what is stored, for {said(found.why)}. Look at it yourself: {said(found.mention.page)}", style="yellow")


# --- who has read what ---------------------------------------------------------------------------------------------------


@plan.command("read")
def read(name: PlanName, config: ConfigDir = DEFAULT_CONFIG, by: By = "") -> None:
    """Say that you have read and understood a plan as it is now (« lu et compris »)."""

    async def work() -> None:
        from monitor.pipeline.readings import note_reading
        from monitor.storage import Store

        settings = loaded(config)
        if name not in settings.plans:
            raise unknown("plan", name, settings.plans)
        person = by or me()
        if person not in settings.contacts.people:
            raise UsageError(f"`{person}` is nobody of contacts.yaml: say who you are, as in --by lea")
        store = await Store.open(settings.storage, create=False)
        try:
            new = await note_reading(store, settings.plans[name], person, actor(by).name, clock.now(), through="cli")
        finally:
            await store.close()
        version = settings.plans[name].version
        say(f"Plan {name}, version {version}: {'noted that' if new else 'it was noted already that'} {person} has read it.")

    run(work)


@plan.command("readers")
def readers(name: PlanName, config: ConfigDir = DEFAULT_CONFIG) -> None:
    """List who of `read_by` has read this version of a plan, an older one, or none."""

    async def work() -> None:
        from monitor.domain.plan import EventKind
        from monitor.pipeline.readings import must_read, readings
        from monitor.storage import Store

        settings = loaded(config)
        if name not in settings.plans:
            raise unknown("plan", name, settings.plans)
        chosen = settings.plans[name]
        store = await Store.open(settings.storage, create=False)
        try:
            async with store.read() as tx:
                story = await tx.timeline.of_kinds([EventKind.PLAN_READ])
        finally:
            await store.close()
        people = must_read(chosen, settings.contacts)
        say(f"Plan {name}, version {chosen.version}")
        if not people:
            say("`read_by` of this plan names nobody.")
            return
        rows = table("person", "has read", "when", "version")
        for each in readings(chosen, people, story):
            row(rows, each.person, _READ[each.state], local(each.at, settings), each.version or "–")
        out.print(rows)

    run(work)


_READ = {"read": ("this version", "green"), "older": ("an older version", "yellow"), "never": ("nothing yet", "red")}
