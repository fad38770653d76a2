"""A mention that a fault of ours keeps from being judged: all others are judged, and somebody is told of that one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from structlog.testing import capture_logs

from monitor.pipeline.health import FORGIVEN
from monitor.pipeline.suspects import TRIES
from monitor.storage import StoreAwayError, UnitOfWork
from monitor.telemetry import metrics
from notifiers.wording import headline, next_action
from rules import Finding, States

if TYPE_CHECKING:
    from tests.monitor.pipeline.conftest import Build, House

MINUTE = timedelta(minutes=1)
RULE = "judging-health"


def about(*mentions: int) -> Callable[[Finding], bool]:
    """What the rules say of these mentions."""
    return lambda finding: finding.rule != RULE and not set(mentions).isdisjoint(finding.evidence)


def trip(home: House, monkeypatch: pytest.MonkeyPatch, over: Callable[[Finding], bool], error: Exception) -> list[int]:
    """Let alerting fail over some findings, half-way through its writing. Returns a list that grows with each failure."""
    alerting = home.stages.evaluate._alerting
    raise_ = alerting.raise_
    failed: list[int] = []

    async def trips(tx: Any, rings: Any, finding: Finding, *more: Any) -> None:
        await raise_(tx, rings, finding, *more)
        if over(finding):
            failed.extend(finding.evidence)
            raise error

    monkeypatch.setattr(alerting, "raise_", trips)
    return failed


async def persist(home: House) -> int:
    """What the daemon does: try again and again, a moment later. Returns how often judging failed."""
    failures = 0
    while True:
        try:
            if not await home.stages.evaluate.step():
                return failures
        except ZeroDivisionError:
            failures += 1


async def evidence(home: House, rule: str) -> list[int]:
    """The mentions behind the alerts of a rule."""
    async with home.store.read() as tx:
        behind = await tx.alerts.evidence([each.id for each in await home.alerts() if each.rule == rule], 10)
    return sorted(each.id for each in behind)


@pytest.mark.fault("hostile", "a mention that a bug of ours keeps from being judged")
async def test_what_cannot_be_judged_is_left_out_and_told(house: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    """After some tries it alone is passed over, ops are told with the post, and all before and behind it ring as always."""
    home = house()
    before = metrics.unjudged._value.get()
    failed = trip(home, monkeypatch, about(2), ZeroDivisionError("with somebody's words"))
    await home.brings(
        home.mention("Acme broken"), home.mention("Acme broken, says zalgo", by="zed"), home.mention("Acme broken", by="bob")
    )
    assert await persist(home) == 1 + TRIES
    assert failed == [2] * (1 + TRIES)
    assert await evidence(home, "complaint") == [1, 3]
    assert await evidence(home, RULE) == [2]
    told = await home.alert(RULE)
    assert (told.kind, told.severity) == ("judging_health", "critical")
    assert told.reasons == ("mention 2 was not judged: ZeroDivisionError",)
    (event,) = await home.timeline("mention.unjudged")
    assert event.detail == {"mention": 2, "reason": "ZeroDivisionError"}
    assert metrics.unjudged._value.get() == before + 1
    await home.act()
    (message,) = home.told("tech")
    assert headline(message) == "1 post could not be judged: a fault of Tocsin's own"
    assert [post.text for post in message.posts] == ["Acme broken, says zalgo"]
    assert next_action(message).startswith("Read it yourself")


async def test_what_was_not_committed_was_not_left_out(hut: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    """A commit that fails leaves the mention to the next try: log and count speak of it once, when it is done."""
    home = hut()
    before = metrics.unjudged._value.get()
    trip(home, monkeypatch, about(1), ZeroDivisionError())
    await home.brings(home.mention("Acme broken, says zalgo"))
    for _ in range(TRIES):
        with pytest.raises(ZeroDivisionError):
            await home.stages.evaluate.step()
    alerting = home.stages.evaluate._alerting

    async def lost(tx: UnitOfWork) -> None:
        raise StoreAwayError("the connection was lost")

    async def saves(tx: UnitOfWork) -> None:
        patch.setattr(UnitOfWork, "commit", lost)

    with capture_logs() as said, monkeypatch.context() as patch:
        patch.setattr(alerting, "save", saves)
        with pytest.raises(StoreAwayError):
            await home.stages.evaluate.step()
        assert metrics.unjudged._value.get() == before
        patch.undo()
        assert await persist(home) == 0
    assert [line["mention"] for line in said if line["event"] == "mention.unjudged"] == [1]
    assert metrics.unjudged._value.get() == before + 1


async def test_the_next_batch_is_judged_together_again(hut: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once the culprit is found there is no reason to go on one by one."""
    home = hut()
    trip(home, monkeypatch, about(1), ZeroDivisionError())
    await home.brings(home.mention("Acme broken, says zalgo"), home.mention("Acme"))
    await persist(home)
    await home.brings(*(home.mention(f"Acme {n}") for n in range(5)))
    assert await home.stages.evaluate.step() == 5


async def test_each_one_left_out_is_told(hut: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second one is one more of the same alert, and a message of its own; a quiet day ends it."""
    home = hut()
    trip(home, monkeypatch, about(1, 2), ZeroDivisionError())
    for who in ("ada", "bob"):
        await home.brings(home.mention("Acme broken, says zalgo", by=who))
        await persist(home)
        await home.wait(10 * MINUTE)
    assert (await home.alert(RULE)).occurrences == 2
    assert home.kinds("tech") == ["first", "more"]
    await home.wait(FORGIVEN + 60 * MINUTE, step=60 * MINUTE)
    assert (await home.alert(RULE)).state == "resolved"
    assert home.kinds("tech")[-1] == "resolved"


async def test_trouble_that_passes_leaves_nothing_out(hut: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    """Failing once or twice is no proof: the mention is judged when it can be."""
    home = hut()
    with monkeypatch.context() as patch:
        trip(home, patch, about(1), ZeroDivisionError())
        await home.brings(home.mention("Acme broken, says zalgo"))
        for _ in range(TRIES - 1):
            with pytest.raises(ZeroDivisionError):
                await home.stages.evaluate.step()
    assert await persist(home) == 0
    assert (await home.alert()).rule == "complaint"


async def test_a_store_that_is_away_accuses_no_mention(hut: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    """However often it fails, what waits is judged when the store is back."""
    home = hut()
    with monkeypatch.context() as patch:
        trip(home, patch, about(1), StoreAwayError("the connection was lost"))
        await home.brings(home.mention("Acme broken"))
        for _ in range(3 * TRIES):
            with pytest.raises(StoreAwayError):
                await home.stages.evaluate.step()
    assert await persist(home) == 0
    assert (await home.alert()).rule == "complaint"


async def test_nothing_is_left_out_that_nobody_can_be_told_of(hut: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the alert about it fails, too, alerting as a whole is broken: better to stand still, loudly, than to lose."""
    home = hut()
    with monkeypatch.context() as patch:
        trip(home, patch, lambda _: True, ZeroDivisionError())
        await home.brings(home.mention("Acme broken"))
        for _ in range(3 * TRIES):
            with pytest.raises(ZeroDivisionError):
                await home.stages.evaluate.step()
    home.restart()
    assert await persist(home) == 0
    assert (await home.alert()).rule == "complaint"


async def test_what_a_rule_trips_over_is_told(hut: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fault in a rule stops nothing, and is told like one in alerting."""
    home = hut()
    engine = home.stages.evaluate._engine
    observe = engine.observe

    def trips(mention: Any, states: States) -> list[Finding]:
        if "zalgo" in mention.text:
            raise ZeroDivisionError
        return observe(mention, states)

    monkeypatch.setattr(engine, "observe", trips)
    await home.brings(home.mention("Acme broken"), home.mention("zalgo"), home.mention("Acme broken", by="bob"))
    assert await home.judge() == 3
    assert [each.rule for each in await home.alerts()] == ["complaint", RULE, "complaint"]
    assert await evidence(home, RULE) == [2]


async def test_a_replay_raises_what_it_trips_over(hut: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody sits before it, and a recording can be judged again: nothing is left out of one."""
    home = hut(drive=True)
    trip(home, monkeypatch, about(1), ZeroDivisionError())
    await home.brings(home.mention("Acme broken, says zalgo"))
    for _ in range(3 * TRIES):
        with pytest.raises(ZeroDivisionError):
            await home.stages.evaluate.step()
