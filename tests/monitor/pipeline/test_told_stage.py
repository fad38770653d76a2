"""Messages: the figures of the moment they were decided, and what is still open of the incident when they are sent."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from notifiers.render import payload

if TYPE_CHECKING:
    from tests.monitor.pipeline.conftest import Build

HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)


async def test_the_figures_of_a_message_are_those_of_one_moment(house: Build) -> None:
    """What comes between the decision and the sending changes neither the figures nor the reasons that hold them."""
    home = house()
    await home.storm()
    await home.storm(people=7)
    await home.act()
    (facts,) = home.told("room")[0].alerts
    assert (facts.observed, facts.learning) == (3, True)
    assert facts.reasons[0] == "3 authors within 1h"
    (alert,) = [each for each in await home.alerts() if each.rule == "crisis"]
    assert alert.observed == 7
    sent: dict[str, Any] = payload(home.told("room")[0])["data"]["alerts"][0]
    assert repr(sent["observed"]) == "3.0"
