"""What the pages of rules show of each: how it reads, how it did, and what keeps it quiet. Pure."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from monitor.domain.alert import Alert, AlertState, Silence
from monitor.domain.plan import localized
from monitor.settings import Settings
from notifiers.message import Language
from rules import Rule

_SAID_ELSEWHERE: Final = ("id", "title", "kind", "severity", "mode")


@dataclass(frozen=True, slots=True)
class Line:
    """One rule. `rang` is how often among the alerts that are looked back on, of which `false` were called false alarms."""

    id: str
    title: str
    kind: str
    severity: str
    observed: bool
    place: str
    open: int
    rang: int
    false: int
    last: datetime | None
    silenced: Silence | None


def lines(
    settings: Settings, alerts: Sequence[Alert], false: Collection[int], silences: Iterable[Silence], language: Language
) -> list[Line]:
    """In the order of the files."""
    by_rule: dict[str, list[Alert]] = {}
    for each in alerts:
        by_rule.setdefault(each.rule, []).append(each)
    quiet = {str(each.matcher["rule"]): each for each in silences if set(each.matcher) == {"rule"}}
    return [line(settings, rule, by_rule.get(rule.id, []), false, quiet.get(rule.id), language) for rule in settings.rules]


def line(
    settings: Settings, rule: Rule, alerts: Sequence[Alert], false: Collection[int], silence: Silence | None, language: Language
) -> Line:
    """From its own alerts."""
    return Line(
        id=rule.id,
        title=called(rule, language),
        kind=rule.kind,
        severity=rule.severity,
        observed=rule.mode == "observe",
        place=settings.places.get(f"rule.{rule.id}", ""),
        open=sum(each.state is AlertState.OPEN for each in alerts),
        rang=len(alerts),
        false=sum(each.id in false for each in alerts),
        last=max((each.fired_at for each in alerts), default=None),
        silenced=silence,
    )


def called(rule: Rule, language: Language) -> str:
    """What people call it."""
    return localized(rule.title, language) if rule.title else rule.id


def written(rule: Rule) -> list[tuple[str, str]]:
    """Its settings as the file names them, one a line: `fire.at_least` and `5`."""
    said = rule.model_dump(mode="json", by_alias=True, exclude_unset=True)
    return list(_flat({name: each for name, each in said.items() if name not in _SAID_ELSEWHERE}))


def _flat(tree: Mapping[str, Any], above: str = "") -> Iterable[tuple[str, str]]:
    for name, each in tree.items():
        if isinstance(each, Mapping) and each:
            yield from _flat(each, f"{above}{name}.")
        elif isinstance(each, list) and all(isinstance(one, str | int | float) for one in each):
            yield f"{above}{name}", ", ".join(map(str, each))
        else:
            yield f"{above}{name}", each if isinstance(each, str) else json.dumps(each, ensure_ascii=False)
