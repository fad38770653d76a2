"""What people call what the store knows by short names: rules, subjects, plans, and what an alert is about."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from monitor.domain.alert import BY_HAND, BY_HAND_TITLE, Alert
from monitor.domain.plan import PlanRun, UnreadableRunError, localized
from monitor.pipeline.compose import called
from monitor.web.desk import Desk
from notifiers.message import Language

_NUMBERS: Final = {"subject", "mention", "author"}  # parts of a key that say nothing to people


def rules(desk: Desk, language: Language) -> Mapping[str, str]:
    """The titles of the rules that have one, and of what is no rule's: an alert that a person opened."""
    titles = {rule.id: localized(rule.title, language) for rule in desk.settings.rules if rule.title}
    return titles | {BY_HAND: localized(BY_HAND_TITLE, language)}


def subject(desk: Desk, name: str | None) -> str:
    """The first of a subject's names; empty where it is none of the configuration."""
    found = desk.settings.subjects.get(name or "")
    return found.names[0] if found is not None and found.names else ""


def about(desk: Desk, alert: Alert) -> str:
    """The subject, and what else tells it from others of its rule."""
    others = (value for name, value in alert.key.items() if name not in _NUMBERS)
    return ", ".join(filter(None, (subject(desk, alert.labels.get("subject")), *others)))


def plan(run: PlanRun, language: Language) -> str:
    """The title of a run's plan; its bare name where another version of Tocsin has written it."""
    try:
        return localized(run.definition.title, language)
    except UnreadableRunError:
        return run.plan


def people(desk: Desk) -> list[tuple[str, str]]:
    """Everybody to whom something can be given: people, then roles, each with what they are called."""
    contacts = desk.settings.contacts
    known = called(contacts)
    return [(name, known[name]) for name in (*contacts.people, *contacts.roles)]
