"""Finds what a text could call a person, and takes it out: pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from sqlalchemy import RowMapping

ERASED = "[erased]"
SHORTEST_NAME = 3
# Parts of our own records that hold words of ours alone: somebody who calls themselves "warning" must not change them.
_OURS = frozenset(
    (
        *("alert_id", "attempts", "event", "expected", "evidence", "learning", "matcher", "message", "mode", "observed"),
        *("plan", "receiver", "rule", "severity", "silence", "step", "until"),
    )
)


def names_of(person: RowMapping) -> re.Pattern[str] | None:
    """Whatever a text could call the person, as whole words. None when no name is sure to mean a person.

    Numbers and one or two letters are not looked for: "142 authors" is not about the person whose id is 142.
    """
    said = {person["external_id"], person["handle"].removeprefix("@"), person["name"]}
    return _whole_words(name for name in said if len(name) >= SHORTEST_NAME and not name.isnumeric())


def address_of(person: RowMapping) -> str | None:
    """The handle with its @: where anybody writes it, they mean somebody of that handle."""
    handle = person["handle"].removeprefix("@")
    return f"@{handle}" if handle and not re.search(r"\s", handle) else None


def finder(address: str) -> re.Pattern[str]:
    """Finds an address in any spelling; in `@ada.b` and `@ada@elsewhere` somebody else is meant than `@ada`."""
    return re.compile(rf"(?<![\w@]){re.escape(address)}(?![\w@-]|\.\w)", re.IGNORECASE)


def _whole_words(names: Iterable[str]) -> re.Pattern[str] | None:
    """The longest first, so that no part of a name is left over."""
    sure = sorted(names, key=len, reverse=True)
    return re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, sure))})(?!\w)") if sure else None


def without(value: Any, names: re.Pattern[str]) -> Any:
    """The same JSON, with every name in its texts replaced."""
    if isinstance(value, dict):
        return {key: inner if key in _OURS else without(inner, names) for key, inner in value.items()}
    if isinstance(value, list):
        return [without(inner, names) for inner in value]
    return names.sub(_replacement, value) if isinstance(value, str) else value


def _replacement(found: re.Match[str]) -> str:
    return f"@{ERASED}" if found[0].startswith("@") else ERASED
