"""Commands about the configuration: write one, check it, describe it, try its sources and receivers."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal
from zoneinfo import ZoneInfo

import typer

from monitor.cli.app import BEGIN, app, receivers, sources
from monitor.cli.context import (
    DEFAULT_CONFIG,
    ConfigDir,
    clock,
    creating,
    loaded,
    local,
    out,
    plural,
    row,
    run,
    said,
    say,
    show_json,
    table,
    unknown,
)
from monitor.cli.trial import preview
from monitor.cli.understood import Reader
from monitor.domain.errors import ExitCode
from monitor.domain.mention import Mention

if TYPE_CHECKING:
    from monitor.settings import Settings
    from notifiers.message import Message

_SOURCE = "a feed's address, #hashtag@server, or a CSV or JSON Lines file"
_RECEIVER = "an e-mail address or a webhook's https:// address"
_FIRST_WHILE = timedelta(days=7)
_STORE_ANSWERS = 10  # seconds: what is wrong with the store is no fault of the configuration
_PATIENCE = 60  # seconds for a receiver to take a test message


@app.command(rich_help_panel=BEGIN)
def init(
    context: typer.Context,
    directory: Annotated[Path, typer.Argument(help="Where to write; existing files are never touched.")],
    brand: Annotated[str, typer.Option(prompt="Name of the brand", help="What people call you.")],
    source: Annotated[str, typer.Option(prompt=f"First source ({_SOURCE})", help=f"Where to listen: {_SOURCE}.")],
    send_to: Annotated[str, typer.Option(prompt=f"Send alerts to ({_RECEIVER})", help=f"Whom to tell: {_RECEIVER}.")],
    language: Annotated[Literal["fr", "en"], typer.Option(help="Of the messages, and of what is drawn.")] = "en",
    networks: Annotated[
        str, typer.Option(help="Networks to prepare, by commas: each becomes lines to complete.", show_default="none")
    ] = "",
    observe: Annotated[
        bool, typer.Option("--observe", help="Let nothing ring for a week: one message a day says what would have.")
    ] = False,
    morning: Annotated[
        bool, typer.Option("--morning", help="Send a digest at 07:58 each day; on a quiet one, a line that all is calm.")
    ] = False,
) -> None:
    """Write a configuration of ten lines, from three questions, and prepare the networks that you name."""
    from monitor import settings as configuration

    asked = context.get_parameter_source("source")
    if not networks and asked is not None and asked.name == "PROMPT":
        networks = _networks()
    prepared = list(dict.fromkeys(filter(None, (name.strip().lower() for name in networks.split(",")))))
    until = clock.now().date() + _FIRST_WHILE if observe else None
    (path,) = configuration.scaffold(
        directory, brand, source, send_to, language, observe_until=until, networks=prepared, morning=morning
    )
    say(f"wrote {path}")
    if "kind: email" in path.read_text(encoding="utf-8"):
        say("")
        say("E-mail leaves through the mail server at localhost:25: name yours under `smtp` if it is another.")
        say("E-mail wakes nobody: for the night, add a receiver that rings a telephone (kind apprise).", style="yellow")
    if until is not None:
        say(f"Until {until} nothing rings but dangers: one message a day says what would have. Then all rings by itself.")
    else:
        say("It rings from the first minute. With --observe only dangers do for a week, and a daily message says what would.")
    if not morning:
        say("With --morning a digest leaves each day at 07:58; on a quiet one it is a line that all is calm.")
    if prepared:
        say(f"Prepared, as comments: {', '.join(prepared)}. `tocsin sources add KIND` asks for what each needs, and tries it.")
    say("")
    say("Next:")
    for command in ("check", "sources try first", "receivers try me", "run"):
        say("  ", (f"tocsin {command} --config {directory}", "bold"))


def _networks() -> str:
    from monitor.settings.scaffold import offered

    say("More networks can be prepared, to be completed with a key later: ", ", ".join(offered()))
    return str(typer.prompt("Networks, by commas (Enter for none)", default="", show_default=False))


@app.command(rich_help_panel=BEGIN)
def check(config: ConfigDir = DEFAULT_CONFIG) -> None:
    """Read the configuration as `run` would, and say all that is wrong with it. Exit code 0, or 78."""
    from monitor import settings as configuration

    report = configuration.check(config, last_drills=_last_drills)
    typer.echo(configuration.render(report))
    if report.problems:
        raise typer.Exit(ExitCode.CONFIGURATION)


def _last_drills(settings: Settings) -> Mapping[str, date] | None:
    """When each plan was last rehearsed, by the store. None: there is none yet, or it cannot be asked, which others say."""
    from monitor.domain.errors import StorageError

    if not settings.own_plans:
        return None
    try:
        return asyncio.run(_read_drills(settings))
    except (StorageError, TimeoutError):
        return None


async def _read_drills(settings: Settings) -> Mapping[str, date]:
    from monitor.storage import Store

    async with asyncio.timeout(_STORE_ANSWERS):
        store = await Store.open(settings.storage, create=False)
        try:
            async with store.read() as tx:
                found = await tx.plans.last_drills()
        finally:
            await store.close()
    return {plan: at.astimezone(ZoneInfo(settings.timezone)).date() for plan, at in found.items()}


@app.command(rich_help_panel=BEGIN)
def schema(
    name: Annotated[str, typer.Argument(help="monitor, contacts, rules, rule-tests or plans; without it, all of them.")] = "",
    out_dir: Annotated[Path | None, typer.Option("--out", help="Write one NAME.schema.json per file here.")] = None,
) -> None:
    """Print the JSON Schemas, for an editor that completes and checks as you type."""
    from monitor import settings as configuration

    known = configuration.schemas()
    if name and name not in known:
        raise unknown("schema", name, known)
    chosen = {name: known[name]} if name else known
    if out_dir is None:
        show_json(chosen[name] if name else chosen)
        return
    with creating(out_dir):
        out_dir.mkdir(parents=True, exist_ok=True)
        for each, written in chosen.items():
            path = out_dir / f"{each}.schema.json"
            path.write_text(json.dumps(written, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
            say(f"wrote {path}")


@sources.command("try")
def try_source(
    name: Annotated[str, typer.Argument(help="The source's name in monitor.yaml.")],
    config: ConfigDir = DEFAULT_CONFIG,
    limit: Annotated[int, typer.Option(help="How many mentions to show.", min=1, max=200)] = 10,
) -> None:
    """Ask a source once and show what was understood. Nothing is stored."""
    settings = loaded(config)
    if name not in settings.sources:
        raise unknown("source", name, settings.sources)

    async def work() -> None:
        asked = clock.now()
        seen = await preview(name, settings.sources[name], settings.http, limit)
        reader = Reader(settings, name)
        for mention in seen.mentions:
            _show_mention(mention, settings, guessed=mention.written_at >= asked)
            say(f"  → {reader.understood(mention, clock.now())}", style="cyan")
        for rejected in seen.rejected:
            say(f"not understood: {said(rejected.where)}: {said(rejected.why)}", style="yellow")
        if seen.mentions or seen.rejected:
            say("")
        found = f"{plural(len(seen.mentions), 'mention')} shown, {len(seen.rejected)} not understood."
        say(" ".join(filter(None, (seen.note, found, "Nothing was stored."))))

    run(work)


def _show_mention(mention: Mention, settings: Settings, *, guessed: bool) -> None:
    """`guessed`: its date is later than our question, so that there was none to be read."""
    who = mention.author.handle or mention.author.name if mention.author else "?"
    say(
        (local(mention.written_at, settings), "bold"),
        ("  no date: taken as now" if guessed else "", "yellow"),
        f"  {said(mention.network)}  ",
        (f"{said(who)}  {said(mention.uri)}".rstrip(), "dim"),
    )
    say(f"  {said(f'{mention.title} — {mention.text}' if mention.title else mention.text, 400)}")


@receivers.command("list")
def list_receivers(config: ConfigDir = DEFAULT_CONFIG) -> None:
    """Show who can be told, by receiver."""
    settings = loaded(config)
    rows = table("receiver", "kind", "language")
    for name, each in settings.receivers.items():
        row(rows, name, each.kind, each.language or settings.language)
    out.print(rows if settings.receivers else "There are no receivers: add one under `receivers` in monitor.yaml.")


@receivers.command("try")
def try_receiver(name: Annotated[str, typer.Argument(help="A receiver or person.")], config: ConfigDir = DEFAULT_CONFIG) -> None:
    """Send one test message straight to a receiver, and say what it answered."""
    from notifiers import DeliveryError

    settings = loaded(config)
    if name not in settings.receivers:
        raise unknown("receiver", name, settings.receivers)
    try:
        run(lambda: _send_test(settings, name))
    except (DeliveryError, TimeoutError) as error:
        say(f"{name} did not take the message: {said(str(error)) or f'no answer within {_PATIENCE} s'}", style="red")
        raise typer.Exit(ExitCode.UNAVAILABLE) from None


async def _send_test(settings: Settings, name: str) -> None:
    import notifiers
    from monitor.sources.http import GuardedClient, HttpClient

    message = _test_message(settings, name)
    async with HttpClient(settings.http, clock) as http:
        way = GuardedClient(http)
        notifier = notifiers.build(name, settings.receivers[name], smtp=settings.smtp, http=way, reply_to=settings.reply_to)
        async with asyncio.timeout(_PATIENCE):
            receipt = await notifier.send(message, attempted_at=message.created_at)
    say(f"{name} took the message: {said(receipt.detail) or 'ok'}")


def _test_message(settings: Settings, name: str) -> Message:
    from notifiers.message import Message

    receiver, now = settings.receivers[name], clock.now()
    return Message(
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
