"""Commands for the people on duty: what rings, take charge of it, quieten it, see how Tocsin itself is."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from monitor.cli.app import RINGS, alert, app
from monitor.cli.context import (
    DEFAULT_CONFIG,
    AsJson,
    By,
    ConfigDir,
    Note,
    about,
    actor,
    clock,
    handles,
    loaded,
    local,
    opened,
    out,
    row,
    run,
    said,
    say,
    show_json,
    table,
    unknown,
)
from monitor.cli.story import words
from monitor.cli.told import Told, outcome
from monitor.domain.alert import OBSERVED, Alert, AlertState, DeliveryRecord, DeliveryState
from monitor.domain.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from monitor.domain.mention import Observed
    from monitor.domain.plan import Plan, TimelineEvent
    from monitor.settings import Outline, Settings
    from monitor.storage import Store, UnitOfWork

_COLOURS = {"info": "blue", "warning": "yellow", "critical": "red"}
# A daemon that runs beside us may have taken the test message before we could: real time to wait for what becomes of it.
_LOOK, _LOOKS = 0.2, 300


@app.command(rich_help_panel=RINGS)
def alerts(
    config: ConfigDir = DEFAULT_CONFIG,
    everything: Annotated[bool, typer.Option("--all", help="Resolved ones too.")] = False,
    as_json: AsJson = False,
) -> None:
    """List what rings, the newest first."""

    async def work() -> None:
        async with opened(config) as (settings, store):
            async with store.read() as tx:
                found = await tx.alerts.list(state=None if everything else AlertState.OPEN, limit=200)
                authors = await handles(tx, (each.key for each in found))
            if as_json:
                show_json([asdict(each) for each in found])
            elif found:
                out.print(_alert_table(found, settings, authors))
            else:
                say("No alert was ever raised." if everything else "Nothing rings.")

    run(work)


async def open_alerts(store: Store, settings: Outline) -> Any:
    """What rings, as a table; None when nothing does."""
    async with store.read() as tx:
        found = await tx.alerts.list(state=AlertState.OPEN, limit=200)
        authors = await handles(tx, (each.key for each in found))
    return _alert_table(found, settings, authors) if found else None


def _alert_table(found: Sequence[Alert], settings: Outline, authors: Mapping[str, str]) -> Any:
    rows = table("id", "severity", "rule", "about", "since", "seen", "state")
    for each in found:
        state = _state(each)
        row(
            rows,
            str(each.id),
            (each.severity, _COLOURS[each.severity]),
            each.rule,
            about(each.labels, each.key, settings, authors),
            local(each.fired_at, settings),
            str(each.occurrences),
            state,
        )
    return rows


def _state(found: Alert) -> str:
    """How an alert stands, and that nobody was told of it, if a silence or its rule saw to that."""
    quiet = "observed" if found.silenced_by == OBSERVED else "silenced"
    untold = found.told_at is None
    if found.state is AlertState.OPEN:
        return "acknowledged" if found.acknowledged_at else quiet if untold or found.silenced_by else str(found.state)
    return f"{found.state}, {quiet}" if untold else str(found.state)


@alert.command("show")
def show(number: Annotated[int, typer.Argument(help="The alert's number.")], config: ConfigDir = DEFAULT_CONFIG) -> None:
    """Show one alert: why it rings, the posts behind it, who was told, and what happened since."""

    async def work() -> None:
        async with opened(config) as (settings, store), store.read() as tx:
            found = await tx.alerts.get(number)
            if found is None:
                raise UsageError(f"there is no alert {number}; `tocsin alerts --all` lists them")
            posts = await tx.alerts.evidence([number], 5)
            authors = await handles(tx, [found.key])
            story = await tx.timeline.of_incident(found.incident_id)
            told = await Told.of(tx, found, story, settings.standing_silences)
            plans = {number: await _plan_of(tx, number) for number in {each.plan_run_id for each in story}}
        in_words = {number: words(settings, plan) for number, plan in plans.items()}
        since = [each for each in story if _concerns(each, found)]
        out.print(_alert_table([found], settings, authors))
        _section("Why", [*_figures(found), *(said(reason) for reason in found.reasons)])
        _section("Posts", map(_post, posts))
        if found.goes_to:
            _section("Goes to", (f"{each.name}: {each.why}" for each in found.goes_to))
        _section("Told", [*told.lines(settings)] or ["nobody"])
        if missing := [*told.missing(settings)]:
            _section("Not told", missing)
        _section("Since then", (f"{local(each.at, settings)}  {in_words[each.plan_run_id](each)}" for each in since))
        if found.state is AlertState.OPEN and not found.acknowledged_at:
            say("")
            say("Next: ", (f"tocsin ack {number}", "bold"))

    run(work)


def _figures(alert: Alert) -> list[str]:
    """What was counted against what is usual; of a single mention there is nothing to count."""
    if alert.kind != "window":
        return []
    observed = f"{alert.observed:.0%}" if alert.measure == "share" else f"{alert.observed:g} {alert.measure}"
    if alert.expected is None:
        return [f"observed {observed}; what is usual is not known yet"]
    return [f"observed {observed}, expected {f'{alert.expected:.0%}' if alert.measure == 'share' else f'{alert.expected:.3g}'}"]


def _post(post: Observed) -> str:
    if not post.text and not post.author.handle:
        return f"{post.id}  (erased on request)"
    words = "(sensitive subject: read it at the source)" if post.sensitive else said(post.text, 200)
    fate = "(since deleted)  " if post.deleted_at else "(edited)  " if post.edited_at else ""
    return f"{post.id}  {said(post.author.handle) or '?'}: {words}  {fate}{said(post.page)}"


def _concerns(event: TimelineEvent, alert: Alert) -> bool:
    """Whether what happened to an incident happened to this alert, or to the plan it asked for."""
    return event.alert_id == alert.id or (event.plan_run_id is not None and alert.plan is not None)


async def _plan_of(tx: UnitOfWork, number: int | None) -> Plan | None:
    found = await tx.plans.get(number) if number is not None else None
    return found.definition if found is not None else None


def _section(title: str, lines: Any) -> None:
    say("")
    say((title, "bold"))
    for line in lines:
        say(f"  {line.rstrip()}")


@alert.command("test")
def test(
    rule: Annotated[str, typer.Argument(help="The rule that is said to have fired.")],
    to: Annotated[str, typer.Option("--to", help="A receiver, person or role.")],
    config: ConfigDir = DEFAULT_CONFIG,
    by: By = "",
) -> None:
    """Ring end to end, now: an alert in the store, a message marked as a test, delivered by the real receivers."""

    async def work() -> None:
        settings = loaded(config)
        async with opened(config) as (_, store):
            receivers = _receivers(settings, rule, to)
            records = [await _ring(settings, store, rule, receiver, by) for receiver in receivers]
        if any(each.state is not DeliveryState.DELIVERED for each in records):
            raise typer.Exit(ExitCode.UNAVAILABLE)

    run(work)


def _receivers(settings: Settings, rule: str, to: str) -> Sequence[str]:
    rules = [each.id for each in settings.rules]
    if rule not in rules:
        raise unknown("rule", rule, rules)
    names = {*settings.receivers, *settings.contacts.people, *settings.contacts.roles}
    if to not in names:
        raise unknown("receiver, person or role", to, names)
    return settings.resolve(to, clock.now())


async def _ring(settings: Settings, store: Store, rule: str, receiver: str, by: str) -> DeliveryRecord:
    """Ring one receiver and say what became of it."""
    from monitor.pipeline import operations
    from monitor.pipeline.delivery import send_now

    incident = await operations.ring_for_test(store, rule, receiver, actor(by), clock.now())
    await send_now(settings, store, clock, receiver)
    record = await _record(store, incident)
    for _ in range(_LOOKS):
        if record.state is not DeliveryState.SENDING:
            break
        await asyncio.sleep(_LOOK)
        record = await _record(store, incident)
    say(f"{receiver}: {outcome(record)}")
    return record


async def _record(store: Store, incident: int) -> DeliveryRecord:
    async with store.read() as tx:
        return (await tx.deliveries.list(limit=1, incident_id=incident))[0]


@app.command(rich_help_panel=RINGS)
def ack(
    numbers: Annotated[list[int], typer.Argument(help="The alerts' numbers.")],
    config: ConfigDir = DEFAULT_CONFIG,
    by: By = "",
    note: Note = "",
) -> None:
    """Take charge of alerts: reminders stop, and everybody sees who is on them."""

    async def work() -> None:
        from monitor.pipeline import operations

        async with opened(config) as (_, store):
            for number in numbers:
                _say_whose(await operations.acknowledge(store, number, actor(by), clock.now(), note or None))

    run(work)


def _say_whose(found: Alert) -> None:
    """What came of an acknowledgement; `found` is the alert as it was before."""
    if found.acknowledged_by:
        say(f"Alert {found.id} was already taken by {found.acknowledged_by}.")
    elif found.state is AlertState.RESOLVED:
        say(f"Alert {found.id} ({found.rule}) is over: there is nothing left to take charge of.")
    else:
        say(f"Alert {found.id} ({found.rule}) is yours. `tocsin alert show {found.id}` shows why it rings.")
