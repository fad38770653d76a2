"""What the tests of the store share: a moment, and short ways to make records."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from monitor.domain.alert import Alert, NewAlert
from monitor.domain.mention import Author, Enriched, Mention, Scores
from monitor.storage import Store

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


@pytest.fixture
def now() -> datetime:
    """The moment at which these stories begin."""
    return NOW


Said = Callable[..., Enriched]


@pytest.fixture
def said() -> Said:
    """Makes a scored mention: `said("https://…", by="ada", text="…", **fields of Mention)`."""

    def make(uri: str | None, *, by: str | Author | None = "ada", subjects: tuple[str, ...] = (), **more: Any) -> Enriched:
        author = Author(by, handle=by) if isinstance(by, str) else by
        fields: dict[str, Any] = {
            "network": "mastodon",
            "text": "The kettle is broken",
            "written_at": NOW,
            "author": author,
        } | more
        scores = fields.pop("scores", Scores(language="en", sentiment=-0.5, scorer="test/1"))
        return Enriched(Mention(uri=uri, **fields), frozenset(subjects), fields.get("hashtags", frozenset()), scores)

    return make


Ring = Callable[..., Any]


@pytest.fixture
def ring(store: Store) -> Ring:
    """Opens an incident with one alert on it, and commits."""

    async def open_alert(rule: str = "storm", *, evidence: tuple[int, ...] = (), subject: str = "brand", **more: Any) -> Alert:
        new: dict[str, Any] = {
            "rule": rule,
            "kind": "window",
            "key": {"subject": subject},
            "severity": "warning",
            "fired_at": NOW,
        }
        new |= {"observed": 14.0, "expected": 1.5, "measure": "authors", "window": timedelta(hours=1), "evidence": evidence}
        async with store.begin() as tx:
            key = f"{rule}:{subject}"
            incident = await tx.incidents.open_by_key(key)
            if incident is None:
                incident = await tx.incidents.open(subject=subject, open_key=key, severity="warning", at=NOW)
            alert = await tx.alerts.open(NewAlert(**new | more), incident.id, NOW)
            await tx.commit()
        return alert

    return open_alert
