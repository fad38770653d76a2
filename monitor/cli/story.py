"""Events of the timeline on a terminal, in the words in which pages and messages tell them, in the configured language."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from monitor.cli.context import said

if TYPE_CHECKING:
    from monitor.domain.plan import Plan, TimelineEvent
    from monitor.settings import Outline

Words = Callable[["TimelineEvent"], str]
"""What an event says, in one line without its moment."""

_LONGEST = 200  # characters
_NAMED = ("rule", "receiver", "plan", "step", "silence", "note")  # of what has no phrase, what is worth knowing


def words(settings: Outline, plan: Plan | None = None) -> Words:
    """Tells events; steps and levels by what `plan` calls them, rules by their ids, which commands take."""
    from monitor.pipeline.compose import called
    from monitor.plans.phrases import UNTOLD
    from monitor.plans.story import titles_of, told

    titles = titles_of(plan) if plan is not None else {}
    people = called(settings.contacts)

    def line(event: TimelineEvent) -> str:
        found = told(event, titles, lambda name: people.get(name, name), settings.language)
        through = f" ({event.through})" if event.by_hand and event.through else ""
        note = _named(event.detail or {}) if event.kind in UNTOLD else found.note
        return said(f"{found.said}{through}{f' – {note}' if note else ''}", _LONGEST)

    return line


def _named(detail: Mapping[str, object]) -> str:
    return ", ".join(f"{name} {detail[name]}" for name in _NAMED if detail.get(name))
