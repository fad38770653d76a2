"""A message that a bug of ours keeps from being written or sent: nobody waits behind it, and somebody hears of it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from monitor.pipeline.delivery import BUGS
from notifiers.wording import next_action
from tests.monitor.pipeline.conftest import CRISIS, configure, hut, lite

if TYPE_CHECKING:
    from tests.monitor.pipeline.conftest import Build

__all__ = ["configure", "hut", "lite"]  # fixtures
MINUTE = timedelta(minutes=1)


@pytest.mark.fault("delivery", "a message that cannot be written because of a bug of ours")
async def test_what_cannot_be_written_is_told_in_plain_words(hut: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    """The emergency is told all the same, at once: how grave it is, and the command that shows the rest."""
    home = hut(rules=[CRISIS])
    await home.storm()

    async def broken(*_: Any) -> None:
        raise KeyError("a field nobody thought of")

    monkeypatch.setattr(home.stages.deliver._composer, "compose", broken)
    await home.act()
    (told,) = home.told("room")
    assert (told.kind, told.severity, told.alerts) == ("first", "critical", ())
    assert next_action(told).endswith(": tocsin alerts")


@pytest.mark.fault("delivery", "a message that a bug of ours keeps from being sent")
async def test_what_cannot_be_sent_ends_and_rings(hut: Build) -> None:
    """After three tries it ends as failed with its reason, somebody else is told, and what is behind it was sent meanwhile."""
    home = hut(rules=[CRISIS])
    home.doors["room"].troubles = [ZeroDivisionError()] * BUGS
    await home.storm()
    for _ in range(3):
        await home.act()
        home.clock.advance(MINUTE)
    (record,) = [each for each in await home.deliveries() if each.receiver == "room"]
    assert (record.state, record.reason, record.detail) == ("failed", "internal", "ZeroDivisionError")
    assert home.kinds("desk") == ["first"]
