"""The digests that there are: those that are configured, and one of each kind that nobody has configured."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from monitor.settings import Settings
from monitor.settings.digests import DigestKind, DigestSettings

_DEFAULTS: Final[Mapping[str, DigestKind]] = {"morning": "morning", "week": "weekly", "month": "monthly"}


def known(settings: Settings) -> Mapping[str, DigestSettings]:
    """By name, in the order of the configuration; a kind that is missing there can be read all the same, and leaves to nobody."""
    there = {each.kind for each in settings.digests.values()}
    spare = {
        name: DigestSettings(kind=kind, to=("default",))
        for name, kind in _DEFAULTS.items()
        if kind not in there and name not in settings.digests
    }
    return {**settings.digests, **spare}
