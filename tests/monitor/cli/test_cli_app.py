"""The help of `tocsin` itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer.main

from monitor.cli.app import BEGIN, KEEPS, LISTENS, RINGS, app

if TYPE_CHECKING:
    from tests.monitor.cli.conftest import Tocsin


def test_every_command_says_what_it_is_for() -> None:
    """One that says nothing would stand among those about what is kept."""
    commands = getattr(typer.main.get_command(app), "commands")  # noqa: B009 the type of the group is hidden
    assert {each.rich_help_panel for each in commands.values()} == {BEGIN, RINGS, LISTENS, KEEPS}


def test_a_newcomer_finds_the_first_steps_first(tocsin: Tocsin) -> None:
    """Within 80 columns, each command in one place."""
    shown = tocsin("--help").output
    assert max(map(len, shown.splitlines())) <= 80
    begins = [shown.index(f"─ {panel} ─") for panel in (BEGIN, RINGS, LISTENS, KEEPS)]
    assert begins == sorted(begins)
    assert shown.index("│ init ") < begins[1] < shown.index("│ alerts ")
