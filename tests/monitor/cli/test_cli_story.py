"""Events on the terminal: in the words of pages and messages."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from monitor.cli.story import words
from monitor.domain.plan import EventKind, TimelineEvent
from monitor.settings.contacts import Contacts


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        ("fr", ["Alerte « orage » prise en charge, par ines (web) – j’appelle", "alert silenced – rule orage, silence 3"]),
        ("en", ["Alert “orage” acknowledged, by ines (web) – j’appelle", "alert silenced – rule orage, silence 3"]),
    ],
)
def test_events_are_told_in_the_configured_language(language: str, expected: list[str]) -> None:
    """With who did it, through what, and what they wrote; what has no phrase, with what it names."""
    at = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
    settings: Any = SimpleNamespace(language=language, contacts=Contacts())
    story = [
        TimelineEvent(at, EventKind.ALERT_ACKNOWLEDGED, "ines", "web", detail={"rule": "orage", "note": "j’appelle"}),
        TimelineEvent(at, EventKind.ALERT_SILENCED, detail={"rule": "orage", "silence": 3}),
    ]
    told = [words(settings)(event).replace("\u202f", " ").replace("\xa0", " ") for event in story]
    assert told == expected
