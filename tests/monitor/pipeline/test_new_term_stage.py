"""Something new is in the air, from the source to the message, and across restarts."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.monitor.pipeline.conftest import Build, Configure, House

HOUR = timedelta(hours=1)
TREND: dict[str, Any] = {
    "id": "trend",
    "kind": "new_term",
    "field": "hashtags",
    "warm_up": "1d",
    "fire": {"at_least": 5},
    "category": "opportunity",
}


async def fashion(home: House, people: int, start: int = 0) -> None:
    """So many people use the same hashtag."""
    await home.brings(*(home.mention("Acme #AcmeFest", by=f"p{n}") for n in range(start, start + people)))
    await home.judge()


async def test_a_new_hashtag_is_told_once_and_its_end_too(house: Build, configure: Configure) -> None:
    """Restarts between any two people change nothing."""
    home = house(configure(rules=[TREND]))
    await home.hears("Acme")
    home.clock.advance(timedelta(days=2))
    await home.stages.intake.poll("net")
    for n in range(6):
        await fashion(home, 1, start=n)
        home.restart()
    await home.wait(HOUR)
    alert = await home.alert("trend")
    assert (alert.key["term"].lower(), alert.observed, alert.occurrences) == ("acmefest", 6, 2)
    await home.wait(8 * HOUR)
    assert home.kinds("desk") == ["first", "resolved"]


async def test_while_it_warms_up_it_is_silent(hut: Build, configure: Configure) -> None:
    """Everything would be new; later, what was said then is not."""
    home = hut(configure(rules=[TREND]))
    await fashion(home, 30)
    await home.wait(timedelta(days=2), step=6 * HOUR)
    await fashion(home, 4)
    assert await home.alerts() == []
