"""`tocsin digest`: read a digest or a report in the terminal, and send one end to end."""

from __future__ import annotations

import sys
from datetime import date
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from monitor.cli.app import digest
from monitor.cli.context import DEFAULT_CONFIG, ConfigDir, clock, loaded, run, say, unknown
from monitor.domain.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from monitor.digest import Scope, Writer
    from monitor.settings import Settings
    from notifiers import Message

Name = Annotated[str, typer.Argument(help="Its name in monitor.yaml, or morning, week, month.")]
Day = Annotated[str, typer.Option("--day", help="The day on which it leaves, as 2026-03-02.", show_default="the newest")]


@digest.command("show")
def show(
    name: Name,
    day: Day = "",
    form: Annotated[Literal["text", "html", "json", "csv"], typer.Option("--as", help="How it is written.")] = "text",
    config: ConfigDir = DEFAULT_CONFIG,
) -> None:
    """Write a digest to standard output, as things stand now. Nothing is sent."""
    settings = loaded(config)
    scope = _scope(settings, name, day, settings.timezone)

    async def work() -> None:
        async with _Writing(settings) as writer:
            sys.stdout.write(await _written(writer, settings, scope, form))

    run(work)


@digest.command("send")
def send(
    name: Name,
    to: Annotated[str, typer.Option("--to", help="A receiver, person or role.")],
    day: Day = "",
    config: ConfigDir = DEFAULT_CONFIG,
) -> None:
    """Send a digest now, through the real receivers. The one that is due leaves all the same."""
    settings = loaded(config)
    names = {*settings.receivers, *settings.contacts.people, *settings.contacts.roles}
    if to not in names:
        raise unknown("receiver, person or role", to, names)

    async def work() -> None:
        async with _Writing(settings) as writer:
            sent = [await _send(writer, settings, name, day, each) for each in settings.resolve(to, clock.now())]
        if not all(sent):
            raise typer.Exit(ExitCode.UNAVAILABLE)

    run(work)


def _scope(settings: Settings, name: str, day: str, zone: str) -> Scope:
    from monitor.digest import known, scope_of

    digests = known(settings)
    if name not in digests:
        raise unknown("digest", name, digests)
    try:
        wanted = date.fromisoformat(day) if day else digests[name].last(clock.now(), zone)[0]
    except ValueError:
        raise UsageError(f"--day {day} is no day: write it as 2026-03-02") from None
    return scope_of(name, digests[name], wanted, zone)


class _Writing:
    """A writer, as long as the store is open and a worker draws."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    async def __aenter__(self) -> Writer:
        from monitor.charts.drawing import Drawer
        from monitor.digest import Writer
        from monitor.storage import Store

        self._store = await Store.open(self._settings.storage, create=False)
        self._drawer = Drawer()
        return Writer(self._settings, self._store, clock, self._drawer)

    async def __aexit__(self, *_: object) -> None:
        await self._drawer.close()
        await self._store.close()


async def _written(writer: Writer, settings: Settings, scope: Scope, form: str) -> str:
    from monitor.digest.as_data import as_csv, as_json
    from monitor.digest.as_text import text
    from notifiers.reader import Reader

    if form == "html":
        return await writer.document(scope, Reader(settings.language, scope.zone))
    paper = await writer.paper(scope, Reader(settings.language, scope.zone))
    return {"text": text, "json": as_json, "csv": as_csv}[form](paper)


async def _send(writer: Writer, settings: Settings, name: str, day: str, receiver: str) -> bool:
    """Send to one receiver, and say what became of it."""
    import notifiers
    from monitor.pipeline.digests import reads
    from monitor.sources.http import GuardedClient, HttpClient
    from notifiers import DeliveryError

    language, zone = reads(settings, receiver)
    scope = _scope(settings, name, day, zone)
    now = clock.now()
    plain = _plain(settings, receiver, f"digest_{name}_{now:%Y%m%d%H%M%S}", language, zone)
    async with HttpClient(settings.http, clock) as http:
        built = notifiers.build(
            receiver, settings.receivers[receiver], smtp=settings.smtp, http=GuardedClient(http), reply_to=settings.reply_to
        )
        try:
            receipt = await built.send(await writer.message(scope, plain), attempted_at=clock.wall())
        except DeliveryError as error:
            say(f"{receiver}: not sent, {error}")
            return False
    say(f"{receiver}: sent, {receipt.detail}")
    return True


def _plain(settings: Settings, receiver: str, name: str, language: str, zone: str) -> Message:
    from notifiers.message import Message

    return Message(
        id=name,
        kind="digest",
        severity="info",
        language="fr" if language == "fr" else "en",
        timezone=zone,
        created_at=clock.now(),
        conversation=name,
        sequence=1,
        brand=settings.brand,
        receiver=receiver,
    )
