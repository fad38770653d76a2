"""What is edited after it was judged: a complaint that appears by an edit rings, and nothing rings twice."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from monitor.domain.errors import StorageError
from monitor.pipeline.suspects import TRIES
from rules import Engine

if TYPE_CHECKING:
    from tests.monitor.pipeline.conftest import Build, House

HOUR = timedelta(hours=1)
COMPLAINT: dict[str, Any] = {"id": "complaint", "kind": "mention", "where": {"text": {"any_of": ["broken"]}}, "key": ["author"]}
STORM: dict[str, Any] = {
    "id": "storm", "kind": "window", "where": {"text": {"any_of": ["broken"]}}, "window": "60m", "fire": {"at_least": 2},
}  # fmt: skip


async def rung(home: House) -> list[tuple[str, int, list[int]]]:
    """Each alert: its rule, how often it held, and the mentions behind it."""
    async with home.store.read() as tx:
        alerts = sorted(await tx.alerts.list(), key=lambda each: each.id)
        return [
            (each.rule, each.occurrences, sorted(post.id for post in await tx.alerts.evidence([each.id], 9))) for each in alerts
        ]


async def test_a_complaint_that_appears_by_an_edit_rings(house: Build) -> None:
    """Once, however often it is edited after that, and in the words that rang."""
    home = house(rules=[COMPLAINT, STORM])
    said = home.mention("My Acme kettle")
    await home.brings(said)
    await home.judge()
    assert await rung(home) == []
    polled = await home.brings(replace(said, text="My Acme kettle is broken"))
    assert (polled.stored, polled.changed) == (0, 1)
    assert await home.judge() == 1
    assert await rung(home) == [("complaint", 1, [1])]
    for text in ("My Acme kettle is broken!", "My Acme kettle", "broken broken"):
        await home.brings(replace(said, text=text))
        assert await home.judge() == 0
    assert await rung(home) == [("complaint", 1, [1])]
    await home.act()
    (message,) = home.told("desk")
    assert [(post.text, post.edited) for post in message.posts] == [("My Acme kettle is broken", True)]


async def test_an_edit_that_matches_nothing_rings_nothing(hut: Build) -> None:
    """Nor does it count anew for a rule that counts."""
    home = hut(rules=[STORM])
    said = home.mention("My Acme kettle")
    await home.brings(said)
    await home.judge()
    for number in range(3):
        await home.brings(replace(said, text=f"My Acme kettle is broken {number}"))
        await home.judge()
    assert await rung(home) == []


async def test_an_edit_before_the_first_judging_is_judged_once(hut: Build) -> None:
    """The rules see the new text only, and the alert holds once."""
    home = hut(rules=[COMPLAINT])
    said = home.mention("My Acme kettle")
    await home.brings(said)
    await home.brings(replace(said, text="My Acme kettle is broken"))
    await home.judge()
    assert await rung(home) == [("complaint", 1, [1])]


async def test_an_old_post_that_is_edited_is_told_as_old_ones_are(hut: Build) -> None:
    """What was history when we met it is told gently, in its rule's catch-up."""
    home = hut(rules=[COMPLAINT])
    said = home.mention("My Acme kettle", ago=timedelta(days=30))
    await home.brings(said)
    await home.judge()
    await home.brings(replace(said, text="My Acme kettle is broken"))
    await home.judge()
    async with home.store.read() as tx:
        (alert,) = await tx.alerts.list()
    assert (alert.key, alert.severity) == ({"catch_up": "net"}, "info")


@pytest.mark.fault("hostile", "the rules trip over a text that was edited")
async def test_an_edited_text_that_cannot_be_judged_is_passed_over_aloud(hut: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ops are told which mention they must read themselves, and what is said after it is judged as ever."""
    home = hut(rules=[COMPLAINT])
    said = home.mention("My Acme kettle")
    await home.brings(said)
    await home.judge()
    await home.brings(replace(said, text="My Acme kettle is broken"))

    def trip(engine: Engine, mention: object) -> list[Any]:
        raise RuntimeError("tripped")

    monkeypatch.setattr(Engine, "observe_edited", trip)
    await home.judge()
    await home.hears("another broken Acme", by="bob")
    assert [rule for rule, *_ in await rung(home)] == ["judging-health", "complaint"]


async def test_an_alert_that_cannot_be_stored_for_an_edit_is_tried_and_passed_over(
    hut: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fault behind the rules holds up nothing for ever."""
    home = hut(rules=[COMPLAINT])
    said = home.mention("My Acme kettle")
    await home.brings(said)
    await home.judge()
    await home.brings(replace(said, text="My Acme kettle is broken"))
    evaluate: Any = home.stages.evaluate
    raise_ = evaluate._alerting.raise_

    async def fails(tx: Any, rings: Any, finding: Any, *rest: Any) -> Any:
        if finding.rule == "complaint":
            raise StorageError("cannot")
        return await raise_(tx, rings, finding, *rest)

    monkeypatch.setattr(evaluate._alerting, "raise_", fails)
    for _ in range(TRIES):
        with pytest.raises(StorageError):
            await home.judge()
    assert await home.judge() == 1
    assert [rule for rule, *_ in await rung(home)] == ["judging-health"]
