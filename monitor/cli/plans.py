"""Commands about emergency plans being carried out."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from monitor.cli.answers import show_answers
from monitor.cli.app import plan
from monitor.cli.context import (
    DEFAULT_CONFIG,
    By,
    ConfigDir,
    Note,
    actor,
    clock,
    loaded,
    local,
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
from monitor.cli.story import words
from monitor.domain.errors import UsageError

if TYPE_CHECKING:
    from monitor.domain.plan import Language, PlanRun, StatementStep, Step, TimelineEvent
    from monitor.pipeline.places import Fill
    from monitor.settings import Outline
    from monitor.storage import Store

_RUN_STATES = {
    "awaiting_confirmation": "waits for a confirmation",
    "running": "under way",
    "observing": "only observed",
    "stood_down": "stood down, waits for the signature",
    "closed": "closed",
}
_WORDS = 20_000  # characters: what somebody may say yes to is shown whole
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
                row(rows, str(each.id), each.plan, str(each.incident_id), local(each.opened_at, settings), _stands(each))
            out.print(rows if runs else "No plan was ever opened.")

    run(work)


Evidence = Annotated[bool, typer.Option("--evidence", help="Show the posts that it captured or kept, each held to its hash.")]


@plan.command("show")
def show(number: RunNumber, evidence: Evidence = False, config: ConfigDir = DEFAULT_CONFIG) -> None:
    """Show a run: its steps, the statements ready to copy, and its timeline."""

    async def work() -> None:
        from monitor.cli.plan_evidence import show_evidence
        from monitor.pipeline.drills import answers_of
        from monitor.report.evidence import exhibits

        async with opened(config) as (settings, store), store.read() as tx:
            found = await tx.plans.get(number)
            if found is None:
                raise UsageError(f"there is no plan run {number}; `tocsin plan list` lists them")
            if evidence:
                kept = await exhibits(tx, number, with_sensitive=True)
                show_evidence([each for each in kept if each.captured_at is not None], settings)
                return
            story = await tx.timeline.of_incident(found.incident_id)
            answered = await answers_of(tx, found, settings.contacts) if found.drill else []
            known = await filling(tx, found, settings)
        _show_steps(found, settings, known)
        if answered:
            show_answers(answered, settings)
        say("")
        say(("Timeline", "bold"))
        for line in _told(found, story, settings):
            say(f"  {line}")
        if commands := _next(found):
            say("")
            say("Next: ", (", ".join(commands), "bold"))

    run(work)


def _stands(found: PlanRun) -> str:
    return f"{_RUN_STATES[found.state]}{' (a drill)' if found.drill else ''}"


def _show_steps(found: PlanRun, settings: Outline, known: Fill) -> None:
    from monitor.domain.plan import localized

    say((localized(found.definition.title, settings.language), "bold"), f"  {_stands(found)}")
    say("")
    widest = max(12, *(len(step.id) for step in found.definition.steps))
    for step in found.definition.steps:
        say(f"  {_state_of(found, step):<24} {step.id:<{widest}} {localized(step.called, settings.language)}")
        detail = found.step(step.id).detail
        for line in ([said(detail)] if detail else []) + _inside(found, step, settings, known):
            say(f"    {line}")


def _state_of(found: PlanRun, step: Step) -> str:
    """Where a step stands, in words that say who is to act."""
    from monitor.domain.plan import RunState, StepState
    from monitor.plans.steps import is_automatic

    state = found.step(step.id).state
    if not found.open and not found.step(step.id).ended:
        return "not done"
    if state in {StepState.WAITING, StepState.READY}:
        if not is_automatic(step):
            return "to do"
        return "waits for the confirmation" if found.state is RunState.AWAITING_CONFIRMATION else "automatic, soon"
    return "under way" if state is StepState.RUNNING else str(state)


def _inside(found: PlanRun, step: Step, settings: Outline, known: Fill) -> list[str]:
    """What a step is about: its list, or its statement ready to copy, in every language there is."""
    from monitor.domain.plan import ChecklistStep, StatementStep, localized

    at = found.step(step.id)
    if isinstance(step, ChecklistStep):
        items = [said(localized(item, settings.language)) for item in step.items]
        return [f"[{'x' if place in at.checked else ' '}] {place + 1}. {item}" for place, item in enumerate(items)]
    if not isinstance(step, StatementStep):
        return []
    words = _worded(found.words(step), _status(found, step), known)
    prepared = found.definition.statement(step.statement)
    changed = {language: text for language, text in prepared.text.items() if language in (at.words or {})} if prepared else {}
    return [*words, *_worded(changed, "as it was prepared", known), f"fingerprint {found.fingerprint(step)}"]


def _worded(words: Mapping[Language, str], status: str, known: Fill) -> list[str]:
    """Words in each language, their places filled in as they are at this moment."""
    from monitor.domain.plan import filled

    now = clock.now()
    shown = {language: filled(text, known(language=language, now=now)) for language, text in words.items()}
    return [f"[{language}, {status}] {said(text, _WORDS)}" for language, text in shown.items()]


def _status(found: PlanRun, step: StatementStep) -> str:
    """Whether these words may be used, and by whose word."""
    from monitor.plans.approval import usable

    at, prepared = found.step(step.id), found.definition.statement(step.statement)
    if at.approved_by is not None:
        return f"approved by {at.approved_by}"
    if at.edited_by is not None:
        return f"changed by {at.edited_by}, not approved"
    today = clock.now().date()
    if prepared is None or prepared.status == "draft":
        return "draft"
    if prepared.expired(today):
        return f"approved until {prepared.expires}, to be approved anew"
    return "approved" if usable(found.definition, found, step, today) else "not approved yet"


def _next(found: PlanRun) -> list[str]:
    """The commands that carry a run on."""
    from monitor.domain.plan import RunState

    if found.state is RunState.CLOSED:
        return [f"tocsin plan report {found.id}"]
    if found.state is RunState.STOOD_DOWN:
        return [f"tocsin plan sign-off {found.id}"]
    confirm = [f"tocsin plan confirm {found.id}"] if found.state is RunState.AWAITING_CONFIRMATION else []
    todo = [step.id for step in found.definition.steps if _state_of(found, step) in {"to do", "failed", "overdue"}]
    take = [f"tocsin plan ack {found.id}"] if found.acknowledged_at is None and not confirm else []
    return confirm + take + ([_doing(found, todo[0])] if todo else []) or [f"tocsin plan close {found.id}"]


def _doing(found: PlanRun, id_: str) -> str:
    """What ends a step, or the yes that its words wait for."""
    from monitor.domain.plan import StatementStep, StepState
    from monitor.plans.approval import why_asked

    plan, at, today = found.definition, found.step(id_), clock.now().date()
    step, open_ = plan.step(id_), at.approved_at is None and at.state is not StepState.WAITING
    if isinstance(step, StatementStep) and open_ and why_asked(plan, found, step, today) is not None:
        return f"tocsin plan approve {found.id} {id_} {found.fingerprint(step)}"
    return f"tocsin plan done {found.id} {id_}"


def _told(found: PlanRun, story: Iterable[TimelineEvent], settings: Outline) -> Iterator[str]:
    """The timeline. The hundred complaints of a crisis are one line: what is to do must not scroll away."""
    from monitor.plans.phrases import UNTOLD

    own = (each for each in story if each.plan_run_id in {None, found.id} and each.kind not in UNTOLD)
    for what, alike in groupby(own, key=words(settings, found.definition)):
        first, *others = alike
        times = f", {len(others) + 1} times" if others else ""
        yield f"{local(first.at, settings)}  {what}{times}"


StepName = Annotated[str, typer.Argument(help="The step's name, as `tocsin plan show` lists it.")]
Why_ = Annotated[str, typer.Option("--why", help="The reason, for the timeline.")]


def act_in_run(number: int, config: Path, verb: str, by: str, said_when_done: str, said_otherwise: str, **more: Any) -> None:
    """Do one thing in a run, and say what is next. An act that changes nothing is no error."""

    async def work() -> None:
        from monitor.pipeline import operations
        from monitor.plans import Act
        from monitor.settings.duty import names_of
        from rules.figures import Figures

        now, who = clock.now(), actor(by).name
        async with opened(config) as (settings, store):
            contacts = {*settings.contacts.people, *settings.contacts.roles}
            before = await _version(store, number)
            names = names_of(settings.contacts, who, now, settings.timezone)
            figures = await operations.figures_now(store, number, now) if verb == "stand_down" else Figures()
            done = Act(verb, who, now, names, contacts=contacts, figures=figures, **more)
            found = await operations.act_in_plan(store, number, done, "cli")
        changed = found.version != before or found.touched_at == now
        say(f"Plan {found.plan}, run {number}: {said_when_done if changed else said_otherwise}.")
        if commands := _next(found):
            say("Next: ", (", ".join(commands), "bold"))

    run(work)


async def _version(store: Store, number: int) -> int:
    async with store.read() as tx:
        found = await tx.plans.get(number)
    return found.version if found is not None else 0


PlanName = Annotated[str, typer.Argument(help="The plan's id.")]
Subject = Annotated[str, typer.Option(help="What it is about: a subject of monitor.yaml.", show_default="the first one")]


def begin(name: str, subject: str, why: str, config: Path, by: str, *, drill: bool = False, level: int | None = None) -> None:
    """Open a plan by hand."""

    async def work() -> None:
        from monitor.pipeline import operations
        from monitor.storage import Store

        settings = loaded(config)
        chosen = settings.plans.get(name)
        if chosen is None:
            raise unknown("plan", name, settings.plans)
        about = subject or next(iter(settings.subjects))
        if about not in settings.subjects:
            raise unknown("subject", about, settings.subjects)
        store = await Store.open(settings.storage, create=False)
        try:
            made = await operations.open_plan_by_hand(
                store, chosen, about, actor(by), clock.now(), why=why, drill=drill, level=level
            )
        finally:
            await store.close()
        at = f", at level {made.level}" if made.level is not None else ""
        say(f"Plan {name}, run {made.id}: opened{f' as a drill{at}' if drill else ''}. The daemon tells its people now.")
        say("Next: ", (f"tocsin plan ack {made.id}, tocsin plan show {made.id}", "bold"))

    run(work)


@plan.command("open")
def open_(name: PlanName, subject: Subject = "", why: Why_ = "", config: ConfigDir = DEFAULT_CONFIG, by: By = "") -> None:
    """Open a plan by hand, for what no rule can see, and say why: its people are told, its steps begin."""
    begin(name, subject, why, config, by)


@plan.command("ack")
def acknowledge(number: RunNumber, config: ConfigDir = DEFAULT_CONFIG, by: By = "", note: Note = "") -> None:
    """Take a run: nobody is chased any more, and you lead it."""
    act_in_run(number, config, "acknowledge", by, "it is yours", "somebody has taken it already", text=note or None)


@plan.command("confirm")
def confirm(number: RunNumber, config: ConfigDir = DEFAULT_CONFIG, by: By = "") -> None:
    """Say that this is a crisis: the automatic steps begin, in a plan that waits for a person."""
    act_in_run(number, config, "confirm", by, "the automatic steps begin now", "nothing waited for a confirmation")


@plan.command("assign")
def assign(
    number: RunNumber,
    to: Annotated[str, typer.Argument(help="A person or role of contacts.yaml.")],
    step: Annotated[str, typer.Option(help="Give them this step, not the whole run.")] = "",
    config: ConfigDir = DEFAULT_CONFIG,
    by: By = "",
) -> None:
    """Give the run, or one of its steps, to somebody: they are told."""
    act_in_run(
        number,
        config,
        "assign",
        by,
        f"{step or 'the run'} is {to}'s",
        f"{step or 'the run'} was {to}'s",
        to=to,
        step=step or None,
    )


@plan.command("escalate")
def escalate(number: RunNumber, config: ConfigDir = DEFAULT_CONFIG, by: By = "", note: Note = "") -> None:
    """Ask for help now: the next rung of the plan's ladder is told."""
    act_in_run(number, config, "escalate", by, "the next people are told now", "nobody is left to tell", text=note or None)


@plan.command("level")
def level(
    number: RunNumber,
    to: Annotated[int, typer.Argument(help="The level's rank.")],
    why: Why_ = "",
    config: ConfigDir = DEFAULT_CONFIG,
    by: By = "",
) -> None:
    """Say how grave it is, and why. The figures raise it again if they ask for more."""
    act_in_run(number, config, "level", by, f"its level is {to}", f"its level was {to} already", level=to, text=why or None)


@plan.command("check")
def check(
    number: RunNumber,
    step: StepName,
    item: Annotated[int, typer.Argument(help="Which item of its list, from 1.")],
    config: ConfigDir = DEFAULT_CONFIG,
    by: By = "",
) -> None:
    """Tick one item of a step's list; with the last one the step is done."""
    act_in_run(
        number,
        config,
        "check",
        by,
        f"item {item} of {step} is ticked",
        f"item {item} of {step} was ticked",
        step=step,
        item=item - 1,
    )


@plan.command("done")
def done(number: RunNumber, step: StepName, config: ConfigDir = DEFAULT_CONFIG, by: By = "", note: Note = "") -> None:
    """Tick off a step that people do, so that everybody sees how far the plan has come."""
    act_in_run(number, config, "done", by, f"step {step} is done", f"step {step} was already done", step=step, text=note or None)


@plan.command("skip")
def skip(number: RunNumber, step: StepName, why: Why_ = "", config: ConfigDir = DEFAULT_CONFIG, by: By = "") -> None:
    """Leave a step out, and say why."""
    act_in_run(number, config, "skip", by, f"step {step} is left out", f"step {step} was left out", step=step, text=why or None)


@plan.command("edit")
def edit(
    number: RunNumber,
    step: StepName,
    language: Annotated[Literal["fr", "en"], typer.Argument(help="In which language: fr or en.")],
    words: Annotated[str, typer.Argument(help="The words; `-` reads them from standard input.")],
    config: ConfigDir = DEFAULT_CONFIG,
    by: By = "",
) -> None:
    """Change the words of a statement. Somebody else approves them anew."""
    text = sys.stdin.read().strip() if words == "-" else words
    if not text:
        raise UsageError("there are no words: type them, or `-` to read them from standard input")
    act_in_run(
        number, config, "edit", by, f"the words of {step} are changed", "nothing changed", step=step, words={language: text}
    )


@plan.command("approve")
def approve(
    number: RunNumber,
    step: StepName,
    words: Annotated[
        str,
        typer.Argument(help="Which words: their fingerprint, needed once they were changed.", show_default=False),
    ] = "",
    config: ConfigDir = DEFAULT_CONFIG,
    by: By = "",
    note: Note = "",
) -> None:
    """Approve the words of a step as you have read them: a recorded yes, by whom the plan names."""
    act_in_run(
        number,
        config,
        "approve",
        by,
        f"the words of {step} are approved",
        f"{step} was approved already",
        step=step,
        fingerprint=words or None,
        text=note or None,
    )


@plan.command("reject")
def reject(number: RunNumber, step: StepName, why: Why_ = "", config: ConfigDir = DEFAULT_CONFIG, by: By = "") -> None:
    """Say no to the words of a step, and what is wrong with them."""
    act_in_run(number, config, "reject", by, f"the words of {step} are rejected", "nothing changed", step=step, text=why or None)


@plan.command("note")
def note_down(
    number: RunNumber,
    text: Annotated[str, typer.Argument(help="What is worth remembering.")],
    config: ConfigDir = DEFAULT_CONFIG,
    by: By = "",
) -> None:
    """Write a line into the timeline."""
    act_in_run(number, config, "note", by, "noted", "nothing changed", text=text)


@plan.command("stand-down")
def stand_down(number: RunNumber, why: Why_ = "", config: ConfigDir = DEFAULT_CONFIG, by: By = "") -> None:
    """End a run; where the plan asks for a signature, it waits for that."""
    act_in_run(number, config, "stand_down", by, "stood down", "it was stood down already", text=why or None)


@plan.command("close")
def close(number: RunNumber, why: Why_ = "", config: ConfigDir = DEFAULT_CONFIG, by: By = "") -> None:
    """Stand down, too, from a run that another version of Tocsin opened and this one cannot read."""
    from monitor.domain.plan import UnreadableRunError

    async def anyhow() -> None:
        from monitor.pipeline import operations

        async with opened(config) as (_, store):
            await operations.close_unread(store, number, actor(by), clock.now())
        say(f"Run {number} is closed.")

    try:
        stand_down(number, why, config, by)
    except UnreadableRunError:
        run(anyhow)


@plan.command("sign-off")
def sign_off(number: RunNumber, config: ConfigDir = DEFAULT_CONFIG, by: By = "") -> None:
    """Sign a run off that was stood down: it is closed."""
    act_in_run(number, config, "sign_off", by, "signed off, and closed", "nothing changed")


@plan.command("false-alarm")
def false_alarm(number: RunNumber, why: Why_ = "", config: ConfigDir = DEFAULT_CONFIG, by: By = "") -> None:
    """Say that it was no crisis, and what made it look like one: the run is closed, and what it did is taken back.

    Its alerts remind nobody any more, and it is said how often the rules behind it were wrong.
    """
    act_in_run(number, config, "false_alarm", by, "it was a false alarm, and is closed", "nothing changed", text=why or None)
    run(lambda: _say_verdicts(number, config))


async def _say_verdicts(number: int, config: Path) -> None:
    """How often the rules that asked for this plan were wrong, and how to see what another threshold would have done."""
    async with opened(config) as (_, store), store.read() as tx:
        found = await tx.plans.get(number)
        verdicts = await tx.plans.verdicts(found.incident_id) if found is not None else []
    for rule, opened_, false in verdicts:
        of_them = f"{false} of them {'was a false alarm' if false == 1 else 'were false alarms'}"
        say(f"Rule {rule} has opened {plural(opened_, 'plan run')}; {of_them}.")
        say("  What would have rung less: ", (f"tocsin backtest {rule} store", "bold"))
