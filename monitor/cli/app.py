"""The commands, by what they are for. Each module registers its own."""

from __future__ import annotations

from importlib.metadata import version as installed
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

BEGIN, RINGS, LISTENS, KEEPS = "To begin", "What rings, and whom it reaches", "Sources, rules and scores", "What is kept"
"""What commands are for, in the order of the help."""
_PANELS = (BEGIN, RINGS, LISTENS, KEEPS)


class ByPurpose(TyperGroup):
    """A newcomer finds the first steps first."""

    def list_commands(self, ctx: Any) -> list[str]:
        """The names of the commands, by what they are for."""
        return sorted(
            super().list_commands(ctx), key=lambda name: _PANELS.index(getattr(self.commands[name], "rich_help_panel", KEEPS))
        )


class GivenByDefault(TyperGroup):
    """`tocsin feedback 12 --not-complaint` is `tocsin feedback give 12 --not-complaint`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put in what may be left out."""
        named = not args or args[0] in {*self.commands, "--help"}
        return super().parse_args(ctx, args if named else ["give", *args])


class ListedByDefault(TyperGroup):
    """`tocsin sources --json` is `tocsin sources list --json`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put in what may be left out."""
        listed = not args or (args[0].startswith("-") and args[0] != "--help")
        return super().parse_args(ctx, ["list", *args] if listed else args)


app = typer.Typer(
    name="tocsin",
    help="Hears what is said about a brand, rings when it must, and opens the emergency plan.",
    cls=ByPurpose,
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    epilog="New here? `tocsin demo` shows a brand's bad day in under a minute; `tocsin init DIR` starts your own.",
)
sources = typer.Typer(name="sources", help="Where Tocsin listens, and how each source stands.", cls=ListedByDefault)
replies = typer.Typer(name="replies", help="What people answer to e-mails.", no_args_is_help=True)
receivers = typer.Typer(name="receivers", help="How people are told.", no_args_is_help=True)
alert = typer.Typer(name="alert", help="One alert: show it, or ring a test.", no_args_is_help=True)
rules = typer.Typer(name="rules", help="What rings, and why it does or does not.", no_args_is_help=True)
routes = typer.Typer(name="routes", help="Whom alerts go to.", no_args_is_help=True)
plan = typer.Typer(name="plan", help="The emergency plans being carried out.", no_args_is_help=True)
feedback = typer.Typer(name="feedback", help="What was judged wrongly, said by you.", cls=GivenByDefault, no_args_is_help=True)
figures = typer.Typer(name="figures", help="What the dashboard and reports are made of.", no_args_is_help=True)
digest = typer.Typer(name="digest", help="What is told in the morning, of a week and of a month.", no_args_is_help=True)
hold = typer.Typer(name="hold", help="What is kept for legal claims.", no_args_is_help=True)
account = typer.Typer(name="account", help="Who may use the console.", cls=ListedByDefault)
for panel, groups in (
    (RINGS, (alert, plan, routes, receivers, replies, digest, feedback)),
    (LISTENS, (sources, rules)),
    (KEEPS, (account, hold, figures)),
):
    for group in groups:
        app.add_typer(group, rich_help_panel=panel)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"tocsin {installed('tocsin')}")
        raise typer.Exit


@app.callback()
def tocsin(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and end.")
    ] = False,
) -> None:
    """Hears what is said about a brand, rings when it must, and opens the emergency plan."""
