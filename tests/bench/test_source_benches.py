"""The made-up networks speak as the real ones: their pages are understood to the last entry, and what they say is counted."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from bench import many_sources, networks, source_desk, source_parsing
from bench.many_sources import EVERY, Site


@pytest.mark.parametrize("kind", [*source_parsing.BUSIEST, *source_parsing.OTHERS])
async def test_all_that_is_said_is_taken_in(kind: type[networks.Network], monkeypatch: pytest.MonkeyPatch) -> None:
    """Each of what is new becomes a mention, on pages that are read again, and stands in the store."""
    monkeypatch.setattr(source_desk, "MENTIONS", 250)
    monkeypatch.setattr("monitor.heaps.settle", lambda: None)
    async with source_desk.Desk(kind, scored=False) as desk:
        found, _ = await desk.parse()
        taken = await desk.take_in()
        async with desk._store.read() as tx:
            stored = await tx.mentions.count()
    assert found >= 250
    assert stored >= found
    assert min(taken.values()) > 0


def test_a_late_poll_is_told_from_a_punctual_one() -> None:
    """Further pages belong to their poll; a poll is late by the most punctual one, and a turn without one is missed."""
    talk = networks.Talk(datetime(2026, 3, 2, tzinfo=UTC), timedelta(seconds=5), datetime(2026, 3, 2, tzinfo=UTC))
    site = Site("a", networks.Feed(talk), "")
    site.asked = [0.0, 0.1, EVERY + 0.5, EVERY + 0.7, 2 * EVERY, 4 * EVERY]
    assert site.late(-1) == [0.0, 0.5, 0.0, 0.0]
    assert site.missed(-1, 4 * EVERY + 1) == 1
    assert site.late(3 * EVERY) == [0.0]


def test_there_are_two_hundred() -> None:
    """Of eight kinds, a fifth of which are not well."""
    sites = many_sources._sites()
    assert len(sites) == 200
    assert len({site.network.kind for site in sites}) == 8
    assert sum(site.temper != "" for site in sites) == 40
