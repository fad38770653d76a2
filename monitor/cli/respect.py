"""Commands the law asks for: what do you hold about me, and forget me."""

from __future__ import annotations

from typing import Annotated

import typer

from monitor.cli.app import app
from monitor.cli.context import DEFAULT_CONFIG, ConfigDir, clock, opened, plural, run, say, show_json

Network = Annotated[str, typer.Argument(help="The network, for instance mastodon.")]
Who = Annotated[str, typer.Argument(help="The author's handle, or id on the network.")]


@app.command()
def export(network: Network, author: Who, config: ConfigDir = DEFAULT_CONFIG) -> None:
    """Print all that is kept about one author, as JSON: the answer to an access request."""

    async def work() -> None:
        async with opened(config) as (_, store), store.read() as tx:
            show_json(await tx.authors.export(network, author))

    run(work)


@app.command()
def erase(
    network: Network,
    author: Who,
    config: ConfigDir = DEFAULT_CONFIG,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Forget one author, for good: the texts go, and the next poll does not bring them back."""
    if not yes:
        typer.confirm(f"Erase {author} on {network}? This cannot be undone.", abort=True)

    async def work() -> None:
        async with opened(config) as (_, store), store.begin() as tx:
            erased = await tx.authors.erase(network, author, clock.now())
            await tx.commit()
        say(f"Erased: {plural(erased.mentions, 'mention')} emptied. E-mails and webhooks already sent cannot be recalled.")

    run(work)
