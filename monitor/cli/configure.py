"""Commands about the configuration: write one, check it, describe it, try its sources and receivers."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal

import typer

import notifiers
from monitor import settings as configuration
from monitor import sources as networks
from monitor.cli.app import app, receivers, sources
from monitor.cli.context import DEFAULT_CONFIG, ConfigDir, clock, local, out, run, show_json, table
from monitor.domain.errors import ExitCode, UsageError
from monitor.settings import load
from monitor.sources import InboxItem
from monitor.sources.http import GuardedClient, HttpClient
from notifiers import DeliveryError
from notifiers.message import Message


@app.command()
def init(
    directory: Annotated[Path, typer.Argument(help="Where to write; existing files are never touched.")],
    brand: Annotated[str, typer.Option(prompt="Name of the brand", help="What people call you.")],
    source: Annotated[
        str, typer.Option(prompt="First source (a feed's address, or a CSV or JSON Lines file)", help="Where to listen.")
    ],
    send_to: Annotated[
        str, typer.Option(prompt="Send alerts to (an e-mail address or a webhook's https:// address)", help="Whom to tell.")
    ],
    language: Annotated[Literal["fr", "en"], typer.Option(help="Of the messages.")] = "en",
) -> None:
    """Write a configuration of ten lines, from three questions."""
    for path in configuration.scaffold(directory, brand, source, send_to, language):
        out.print(f"wrote {path}")
    out.print(f"\nNext: [bold]tocsin check --config {directory}[/], then [bold]tocsin sources try first --config {directory}[/].")


@app.command()
def check(config: ConfigDir = DEFAULT_CONFIG) -> None:
    """Read the configuration as `run` would, and say all that is wrong with it. Exit code 0, or 78."""
    report = configuration.check(config)
    typer.echo(configuration.render(report))
    if report.problems:
        raise typer.Exit(ExitCode.CONFIGURATION)


@app.command()
def schema(
    name: Annotated[str, typer.Argument(help="monitor, contacts, rules or plan; without it, all of them.")] = "",
    out_dir: Annotated[Path | None, typer.Option("--out", help="Write one NAME.schema.json per file here.")] = None,
) -> None:
    """Print the JSON Schemas, for an editor that completes and checks as you type."""
    known = configuration.schemas()
    if name and name not in known:
        raise UsageError(f"there is no schema `{name}`; there are {', '.join(known)}")
    chosen = {name: known[name]} if name else known
    if out_dir is None:
        show_json(chosen[name] if name else chosen)
        return
    out_dir.mkdir(parents=True, exist_ok=True)
    for each, written in chosen.items():
        path = out_dir / f"{each}.schema.json"
        path.write_text(json.dumps(written, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
        out.print(f"wrote {path}")


@sources.command("list")
def list_sources(config: ConfigDir = DEFAULT_CONFIG) -> None:
    """Show the sources of the configuration."""
    rows = table("source", "kind", "every", "asked")
    for name, each in load(config).sources.items():
        rows.add_row(name, each.kind, str(each.every), "yes" if each.enabled else "no")
    out.print(rows)


@sources.command("try")
def try_source(
    name: Annotated[str, typer.Argument(help="The source's name in monitor.yaml.")],
    config: ConfigDir = DEFAULT_CONFIG,
    limit: Annotated[int, typer.Option(help="How many mentions to show.", min=1, max=200)] = 10,
) -> None:
    """Ask a source once and show what was understood. Nothing is stored."""
    settings = load(config)
    if name not in settings.sources:
        raise UsageError(f"there is no source `{name}`; there are {', '.join(settings.sources) or 'none'}")

    async def work() -> None:
        async with HttpClient(settings.http, clock) as http:
            source = networks.build(name, settings.sources[name], http=http, clock=clock, inbox=_Nobody())
            seen = await networks.preview(source, limit)
        for mention in seen.mentions:
            who = mention.author.handle or mention.author.name if mention.author else "?"
            out.print(f"[bold]{local(mention.written_at, settings)}[/]  {mention.network}  ", end="")
            out.print(f"{who}  {mention.uri or ''}", markup=False, style="dim")
            out.print(f"  {(mention.title + ' — ' if mention.title else '') + mention.text}"[:400], markup=False)
        for rejected in seen.rejected:
            out.print(f"not understood: {rejected.where}: {rejected.why}", markup=False, style="yellow")
        out.print(f"\n{seen.note} {len(seen.rejected)} not understood. Nothing was stored.".replace("\n ", "\n"), markup=False)

    run(work)


@receivers.command("list")
def list_receivers(config: ConfigDir = DEFAULT_CONFIG) -> None:
    """Show who can be told, by receiver."""
    rows = table("receiver", "kind", "language")
    settings = load(config)
    for name, each in settings.receivers.items():
        rows.add_row(name, each.kind, each.language or settings.language)
    out.print(rows)


@receivers.command("try")
def try_receiver(name: Annotated[str, typer.Argument(help="A receiver or person.")], config: ConfigDir = DEFAULT_CONFIG) -> None:
    """Send one test message straight to a receiver, and say what it answered."""
    settings = load(config)
    if name not in settings.receivers:
        raise UsageError(f"there is no receiver `{name}`; there are {', '.join(settings.receivers) or 'none'}")
    receiver = settings.receivers[name]
    now = clock.now()
    message = Message(
        id=f"msg_try_{int(now.timestamp())}",
        kind="test",
        severity="info",
        language=receiver.language or settings.language,
        timezone=receiver.timezone or settings.timezone,
        created_at=now,
        conversation=f"try.{int(now.timestamp())}",
        sequence=1,
        brand=settings.brand,
    )

    async def work() -> None:
        async with HttpClient(settings.http, clock) as http:
            notifier = notifiers.build(name, receiver, smtp=settings.smtp, http=GuardedClient(http))
            async with asyncio.timeout(60):
                receipt = await notifier.send(message, attempted_at=now)
        out.print(f"{name} took the message: {receipt.detail or 'ok'}", markup=False)

    try:
        run(work)
    except (DeliveryError, TimeoutError) as error:
        out.print(f"{name} did not take the message: {str(error) or 'no answer within 60 s'}", markup=False, style="red")
        raise typer.Exit(ExitCode.UNAVAILABLE) from None


class _Nobody:
    """The inbox of a preview: what was really brought stays for the daemon."""

    async def pending(self, source: str, limit: int) -> Sequence[InboxItem]:
        del source, limit
        return ()

    async def processed(self, id: int, at: datetime, error: str | None = None) -> None:  # noqa: A002 the protocol's own name
        del id, at, error
