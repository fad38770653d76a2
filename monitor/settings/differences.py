"""What changed between two configurations, by the names that people know it by: `sources.news`, `rules.complaint`, `routing`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from monitor.settings.model import Settings

_LINES = "places"  # on which line something stands: a line more above it changes nothing


def differences(before: Settings, after: Settings) -> list[str]:
    """The names of what was added, removed or changed, in the order of monitor.yaml. Values, and so secrets, are never told."""
    fields = [field for field in Settings.model_fields if field != _LINES]
    return [name for field in fields for name in _changed(field, getattr(before, field), getattr(after, field))]


def _changed(field: str, before: Any, after: Any) -> Iterator[str]:
    if field == "rules":
        before, after = ({rule.id: rule for rule in rules} for rules in (before, after))
    if not isinstance(after, Mapping):
        if before != after:
            yield field
        return
    names = [name for name in {**before, **after} if before.get(name) != after.get(name)]
    yield from (f"{field}.{name}" for name in names)
    if not names and list(before) != list(after):  # only their order is another: the first subject is the brand
        yield field
