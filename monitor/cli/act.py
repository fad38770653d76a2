"""Commands for the people on duty: what rings, take charge of it, quieten it, see how Tocsin itself is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import timedelta
from typing import Annotated, Any

import typer

from monitor.cli.app import alert, app
from monitor.cli.context import (
    DEFAULT_CONFIG,
    AsJson,
    By,
    ConfigDir,
    about,
    actor,
    clock,
    local,
    opened,
    out,
    run,
    show_json,
    table,
)
from monitor.domain.alert import Alert, AlertState, DeliveryRecord, DeliveryState
from monitor.domain.errors import ExitCode, UsageError
from monitor.domain.source import SourceState
from monitor.pipeline import operations
from monitor.pipeline.sending import send_now
from monitor.settings import Settings
from rules.duration import parse_duration

_COLOURS = {"info": "blue", "warning": "yellow", "critical": "red"}


@app.command()
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
            if as_json:
                show_json([asdict(each) for each in found])
            elif not found:
                out.print("Nothing rings.")
            else:
                out.print(_alert_table(found, settings))

    run(work)


def _alert_table(found: Sequence[Alert], settings: Settings) -> Any:
    rows = table("id", "severity", "rule", "about", "since", "seen", "state")
    for each in found:
        state = "acknowledged" if each.acknowledged_at and each.state is AlertState.OPEN else str(each.state)
        severity = f"[{_COLOURS[each.severity]}]{each.severity}[/]"
        rows.add_row(
            str(each.id),
            severity,
            each.rule,
            about(each.labels, each.key, settings),
            local(each.fired_at, settings),
            str(each.occurrences),
            state,
        )
    return rows


@alert.command("show")
def show(number: Annotated[int, typer.Argument(help="The alert's number.")], config: ConfigDir = DEFAULT_CONFIG) -> None:
    """Show one alert: why it rings, the posts behind it, who was told, and what happened since."""

    async def work() -> None:
        async with opened(config) as (settings, store), store.read() as tx:
            found = await tx.alerts.get(number)
            if found is None:
                raise UsageError(f"there is no alert {number}; `tocsin alerts --all` lists them")
            posts = await tx.alerts.evidence([number], 5)
            told = await tx.deliveries.list(limit=100, incident_id=found.incident_id)
            story = await tx.timeline.of_incident(found.incident_id)
        out.print(_alert_table([found], settings))
        out.print("\n[bold]Why[/]")
        for reason in found.reasons:
            out.print(f"  {reason}", markup=False)
        out.print("\n[bold]Posts[/]")
        for post in posts:
            out.print(f"  {post.author.handle or '?'}: {post.text[:200]}  {post.url or ''}", markup=False)
        out.print("\n[bold]Told[/]")
        for each in told:
            out.print(f"  {each.receiver}: {each.kind}, {_outcome(each)}", markup=False)
        out.print("\n[bold]Since then[/]")
        for event in story:
            out.print(f"  {local(event.at, settings)}  {event.kind}  {event.actor} ({event.through})", markup=False)

    run(work)


def _outcome(record: DeliveryRecord) -> str:
    tries = f"after {record.attempts} attempt{'s' if record.attempts != 1 else ''}"
    why = f": {record.reason}: {record.detail}" if record.reason and record.state is not DeliveryState.DELIVERED else ""
    return f"{record.state} {tries}{why}"


@alert.command("test")
def test(
    rule: Annotated[str, typer.Argument(help="The rule that is said to have fired.")],
    to: Annotated[str, typer.Option("--to", help="A receiver, person or role.")],
    config: ConfigDir = DEFAULT_CONFIG,
    by: By = "",
) -> None:
    """Ring end to end, now: an alert in the store, a message marked as a test, delivered by the real receivers."""

    async def work() -> None:
        async with opened(config) as (settings, store):
            if rule not in {each.id for each in settings.rules}:
                raise UsageError(f"there is no rule `{rule}`; there are {', '.join(each.id for each in settings.rules)}")
            names = {*settings.receivers, *settings.contacts.people, *settings.contacts.roles}
            if to not in names:
                raise UsageError(f"there is no receiver, person or role `{to}`; there are {', '.join(sorted(names))}")
            failed = False
            for receiver in settings.resolve(to):
                incident = await operations.ring_for_test(store, rule, receiver, actor(by), clock.now())
                await send_now(settings, store, clock, receiver)
                async with store.read() as tx:
                    records = await tx.deliveries.list(limit=1, incident_id=incident)
                out.print(f"{receiver}: {_outcome(records[0])}", markup=False)
                failed = failed or records[0].state is not DeliveryState.DELIVERED
            if failed:
                raise typer.Exit(ExitCode.UNAVAILABLE)

    run(work)


@app.command()
def ack(
    number: Annotated[int, typer.Argument(help="The alert's number.")],
    config: ConfigDir = DEFAULT_CONFIG,
    by: By = "",
    note: Annotated[str, typer.Option(help="A word for the timeline.")] = "",
) -> None:
    """Take charge of an alert: reminders stop, and everybody sees who is on it."""

    async def work() -> None:
        async with opened(config) as (_, store):
            found = await operations.acknowledge(store, number, actor(by), clock.now(), note or None)
        if found.acknowledged_by:
            out.print(f"Alert {number} was already taken by {found.acknowledged_by}.")
        else:
            out.print(f"Alert {number} ({found.rule}) is yours. `tocsin alert show {number}` shows why it rings.")

    run(work)


@app.command()
def silence(
    lasting: Annotated[str, typer.Option("--for", help="How long: 30m, 2h, 1d.")],
    reason: Annotated[str, typer.Option(help="Why: the next person will ask.")],
    rule: Annotated[str, typer.Option(help="Alerts of this rule.")] = "",
    subject: Annotated[str, typer.Option(help="Alerts about this subject.")] = "",
    config: ConfigDir = DEFAULT_CONFIG,
    by: By = "",
) -> None:
    """Keep alerts quiet for a while. They are opened and kept; what still rings at the end is told once."""

    async def work() -> None:
        async with opened(config) as (settings, store):
            if rule and rule not in {each.id for each in settings.rules}:
                raise UsageError(f"there is no rule `{rule}`; there are {', '.join(each.id for each in settings.rules)}")
            if subject and subject not in settings.subjects:
                raise UsageError(f"there is no subject `{subject}`; there are {', '.join(settings.subjects)}")
            matcher = {name: value for name, value in (("rule", rule), ("subject", subject)) if value}
            length = _duration(lasting)
            now = clock.now()
            number = await operations.silence(store, matcher, lasting=length, reason=reason, actor=actor(by), at=now)
            out.print(f"Silence {number} until {local(now + length, settings)}. End it early: tocsin unsilence {number}")

    run(work)


def _duration(written: str) -> timedelta:
    try:
        return parse_duration(written)
    except ValueError as error:
        raise UsageError(f"--for {written}: {error}") from None


@app.command()
def silences(config: ConfigDir = DEFAULT_CONFIG, as_json: AsJson = False) -> None:
    """List the silences in force."""

    async def work() -> None:
        async with opened(config) as (settings, store):
            async with store.read() as tx:
                found = await tx.silences.active(clock.now())
            if as_json:
                show_json([asdict(each) for each in found])
                return
            rows = table("id", "covers", "until", "by", "why")
            for each in found:
                covers = ", ".join(f"{name} {value}" for name, value in each.matcher.items())
                rows.add_row(str(each.id), covers, local(each.ends_at, settings), each.author, each.reason)
            out.print(rows if found else "No silence is in force.")

    run(work)


@app.command()
def unsilence(
    number: Annotated[int, typer.Argument(help="The silence's number.")], config: ConfigDir = DEFAULT_CONFIG, by: By = ""
) -> None:
    """End a silence before its time."""

    async def work() -> None:
        async with opened(config) as (_, store):
            await operations.end_silence(store, number, actor(by), clock.now())
        out.print(f"Silence {number} has ended.")

    run(work)


@app.command()
def status(config: ConfigDir = DEFAULT_CONFIG, as_json: AsJson = False) -> None:
    """Say how everything is: sources, alerts, messages owed, plans."""

    async def work() -> None:
        async with opened(config) as (settings, store):
            async with store.read() as tx:
                sources = await tx.sources.all()
                open_alerts = await tx.alerts.list(state=AlertState.OPEN, limit=1000)
                pending = await tx.deliveries.pending()
                disabled = await tx.receivers.disabled()
                mentions = await tx.mentions.count()
                behind = await tx.mentions.behind(await tx.evaluator.offset())
                runs = await tx.plans.open_runs()
            known = [each for each in sources if each.source in settings.sources]
            if as_json:
                show_json(
                    {
                        "mentions": {"stored": mentions, "not_judged": behind},
                        "sources": [asdict(each) for each in known],
                        "alerts": {"open": len(open_alerts)},
                        "deliveries": {"pending": pending, "disabled": disabled},
                        "plan_runs": [{"id": each.id, "plan": each.plan, "state": each.state} for each in runs],
                    }
                )
                return
            rows = table("source", "state", "last answer", "detail")
            for each in known:
                rows.add_row(each.source, _health(each), local(each.last_success_at, settings), each.detail or "")
            out.print(rows)
            out.print(f"\n{mentions} mentions stored, {behind} not judged yet.")
            out.print(f"{len(open_alerts)} alerts open, {len(runs)} plans open: tocsin alerts, tocsin plan list.")
            owed = ", ".join(f"{name} {count}" for name, count in pending.items())
            out.print(f"Messages owed: {owed or 'none'}.")
            for name, why in disabled.items():
                out.print(f"[red]{name} is disabled[/]: {why}")

    run(work)


def _health(state: SourceState) -> str:
    if state.stopped:
        return "[red]stopped[/]"
    if state.trouble is not None:
        return f"[yellow]{state.trouble}[/]"
    return "[green]well[/]" if state.last_success_at else "not asked yet"
