"""`tocsin observed`: what would have rung of what is only observed, as the daily account says it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from monitor.cli.app import RINGS, app
from monitor.cli.context import DEFAULT_CONFIG, AsJson, ConfigDir, clock, loaded, run, say, show_json, typed_moment
from monitor.domain.errors import UsageError

if TYPE_CHECKING:
    from monitor.settings import Settings
    from monitor.storage import UnitOfWork
    from notifiers import Message

_DAY = timedelta(days=1)


@app.command(rich_help_panel=RINGS)
def observed(
    config: ConfigDir = DEFAULT_CONFIG,
    since: Annotated[
        str,
        typer.Option("--from", help="A day or a moment, as 2026-03-02 or 2026-03-02T14:30.", show_default="the last account"),
    ] = "",
    until: Annotated[str, typer.Option("--to", help="The same; a day is meant whole.", show_default="now")] = "",
    as_json: AsJson = False,
) -> None:
    """Say what would have rung of what is only observed, and in how many messages. Nothing is sent.

    The same stands in the account that leaves once a day, as long as anything is only observed.
    """
    settings = loaded(config)

    async def work() -> None:
        from monitor.storage import Store
        from notifiers.render import payload, text

        store = await Store.open(settings.storage, create=False)
        try:
            async with store.read() as tx:
                message = await _account(tx, settings, store.installation, since, until)
        finally:
            await store.close()
        if as_json:
            show_json(payload(message)["data"]["account"])
            return
        account, _, _ = text(message).rpartition("\n\n-- \n")  # below it stands why somebody gets a mail
        for line in account.split("\n"):
            say(line)

    run(work)


async def _account(tx: UnitOfWork, settings: Settings, installation: str, since: str, until: str) -> Message:
    from monitor.domain.alert import Notification, NotificationKind
    from monitor.pipeline.compose import Composer
    from notifiers.message import CountFacts

    ends = typed_moment("--to", until, settings.timezone, ends=True) if until else clock.now()
    begins = typed_moment("--from", since, settings.timezone) if since else await _last_account(tx, ends)
    if begins >= ends:
        raise UsageError(f"--from {since or begins.isoformat()} is not before {until or 'now'}: nothing lies between them")
    receivers = [each for name in settings.observing.to or ("default",) for each in settings.resolve(name)]
    if not receivers:
        raise UsageError("nobody would get the account: name somebody in `observing.to` or `routing.default`")
    now = clock.now()
    asked = Notification(0, None, receivers[0], 1, NotificationKind.ACCOUNT, (), now, now)
    message = await Composer(settings, installation, replay=False).account(tx, asked, begins, ends)
    assert message.account is not None
    # Whoever types it is none of the receivers: how many messages there would have been in all is what they can be told.
    return replace(message, language=settings.language, account=replace(message.account, yours=CountFacts()))


async def _last_account(tx: UnitOfWork, ends: datetime) -> datetime:
    """Since when there was no account, or for a day."""
    from monitor.pipeline.observing import KINDS, span

    told = [span(event)[1] for event in await tx.timeline.of_kinds(KINDS) if event.at <= ends]
    return next((moment for moment in reversed(told) if moment < ends), ends - _DAY)
