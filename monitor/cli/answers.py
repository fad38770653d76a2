"""Who answered a drill, as a table."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from monitor.cli.context import local, out, row, say, table

if TYPE_CHECKING:
    from monitor.plans.answers import Answer, Pace
    from monitor.settings import Outline


def show_answers(answered: Iterable[Answer], settings: Outline) -> None:
    """Everybody who was told: when, through what, whether they answered; then how fast, and the roles of which nobody did."""
    from monitor.plans.answers import pace, silent_roles

    found = list(answered)
    say("")
    say(("Who answered", "bold"))
    rows = table("who", "told", "through", "answered")
    for each in found:
        refused = [f"not {name}" for name in each.refused]
        row(rows, _called(each), local(each.told_at, settings), ", ".join([*each.through, *refused]), _answered(each))
    out.print(rows)
    if took := pace(found):
        say(_pace(took))
    if silent := silent_roles(found):
        say(f"Nobody answered for {', '.join(silent)}.")


def _called(answer: Answer) -> str:
    return f"{answer.who} ({', '.join(answer.roles)})" if answer.roles else answer.who


def _answered(answer: Answer) -> str:
    if answer.answered_at is None:
        return "no answer"
    return "yes" if answer.told_at is not None else "yes, without being told by name"


def _pace(took: Pace) -> str:
    """Of the team: how long each of them took is not shown."""
    from rules.duration import format_duration

    first = f"The first answered after {format_duration(took.first)}"
    if took.half is None or took.last is None:
        return f"{first}."
    return f"{first}, half of them within {format_duration(took.half)}, the last after {format_duration(took.last)}."
