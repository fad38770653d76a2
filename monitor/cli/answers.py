"""Who answered a drill, as a table."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from monitor.cli.context import local, out, row, say, table

if TYPE_CHECKING:
    from monitor.plans.answers import Answer
    from monitor.settings import Outline


def show_answers(answered: Iterable[Answer], settings: Outline) -> None:
    """Everybody who was told: when, through what, and how long they took; then the roles of which nobody answered."""
    from monitor.plans.answers import silent_roles

    found = list(answered)
    say("")
    say(("Who answered", "bold"))
    rows = table("who", "told", "through", "answered")
    for each in found:
        refused = [f"not {name}" for name in each.refused]
        row(rows, _called(each), local(each.told_at, settings), ", ".join([*each.through, *refused]), _answered(each))
    out.print(rows)
    if silent := silent_roles(found):
        say(f"Nobody answered for {', '.join(silent)}.")


def _called(answer: Answer) -> str:
    return f"{answer.who} ({', '.join(answer.roles)})" if answer.roles else answer.who


def _answered(answer: Answer) -> str:
    from rules.duration import format_duration

    if answer.answered_at is None:
        return "no answer"
    return f"after {format_duration(answer.after)}" if answer.after is not None else "without being told by name"
