"""`tocsin figures rebuild`: what was counted per hour is counted anew."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

import typer

from monitor.cli.app import figures
from monitor.cli.context import DEFAULT_CONFIG, ConfigDir, clock, err, opened, plural, run, say


@figures.command("rebuild")
def rebuild(
    config: ConfigDir = DEFAULT_CONFIG,
    days: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="How many days to count anew; the default is as far back as no mention has been forgotten yet. Of earlier hours"
            " the figures would lose what is gone.",
        ),
    ] = None,
) -> None:
    """Count anew what figures are made of, from the mentions that are stored.

    They are kept right by themselves: this is for a store that something else has changed.
    """
    from rich.progress import Progress

    async def work() -> None:
        async with opened(config) as (settings, store):
            back = settings.storage.retention.soonest if days is None else timedelta(days=days)
            since = clock.now() - back
            with Progress(console=err, transient=True, disable=not err.is_terminal) as progress:
                async with store.begin() as tx:
                    task = progress.add_task("counting", total=await tx.tallies.waiting(since))
                    counted = await tx.tallies.rebuild(since, lambda done: progress.update(task, completed=done))
                    await tx.commit()
            say(f"Counted {plural(counted, 'mention')} anew.")

    run(work)
