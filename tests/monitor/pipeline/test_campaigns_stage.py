"""Campaigns on the daemon's way: what they ask more of, and what is told of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from notifiers.render import text
from tests.monitor.pipeline.conftest import COMPLAINT, CRISIS

if TYPE_CHECKING:
    from tests.monitor.pipeline.conftest import Build

SALE = {"sale": {"subjects": "acme", "from": "2026-03-01", "to": "2026-03-20", "times": 2}}


async def test_in_a_campaign_a_crisis_needs_more_and_a_complaint_does_not(hut: Build) -> None:
    """Five people on fire are a crisis on any other day; the message says why six were needed. Each customer is heard."""
    home = hut(rules=[COMPLAINT, CRISIS], campaigns=SALE, language="fr")
    await home.storm(people=5)
    await home.hears("my Acme is broken", by="lea")
    await home.act()
    assert (home.kinds("room"), home.kinds("desk")) == ([], ["first"])
    await home.storm(people=6)
    await home.act()
    assert home.kinds("room") == ["first"]
    said = text(home.told("room")[0]).replace("\u00a0", " ")
    assert "la campagne « sale » multiplie les seuils par 2" in said


async def test_a_campaign_that_is_over_asks_nothing(hut: Build) -> None:
    """One of last year may stand in the file for ever."""
    then = {"sale": SALE["sale"] | {"from": "2025-03-01", "to": "2025-03-20"}}
    home = hut(rules=[CRISIS], campaigns=then)
    await home.storm(people=3)
    await home.act()
    assert home.kinds("room") == ["first"]
