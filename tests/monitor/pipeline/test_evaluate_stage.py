"""Evaluation: offset, states and alerts move in one transaction, one process leads, and a restart changes nothing."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import SecretStr
from structlog.testing import capture_logs

from monitor.domain.clock import ManualClock
from monitor.domain.errors import StorageError
from monitor.pipeline import evaluate
from monitor.settings import Settings
from monitor.storage import StorageSettings, Store
from monitor.telemetry import metrics
from rules import States

if TYPE_CHECKING:
    from tests.monitor.pipeline.conftest import Build, Configure, FragileStore, House

HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)

COMPLAINT = {"id": "complaint", "kind": "mention", "where": {"text": {"any_of": ["broken"]}}, "resolve": {"after": "2h"}}
WINDOW: dict[str, Any] = {"kind": "window", "window": "10m", "keep_firing_for": "5m", "notify": "room"}
FEW = {**WINDOW, "id": "few", "where": {"text": {"any_of": ["fire"]}}, "fire": {"at_least": 2}}
LASTING = {**WINDOW, "id": "lasting", "where": {}, "window": "30m", "fire": {"at_least": 2}, "for": "10m"}


async def offset(house: House) -> int:
    """How far judging has come, in the store."""
    async with house.store.read() as tx:
        return await tx.evaluator.offset()


async def everything(house: House) -> list[object]:
    """What judging left behind: alerts without their numbers, the rules' states, what is owed."""
    async with house.store.read() as tx:
        states = sorted((key, json.dumps(state, sort_keys=True)) for key, state in (await tx.rule_states.load()).items())
        owed = [await tx.notifications.get(each.notification_id) for each in reversed(await tx.deliveries.list(1000))]
        told = [event for event in await tx.timeline.list(1000) if event.kind.startswith("alert")]
    return [await house.alerts(), states, owed, told]


async def test_what_was_judged_is_not_judged_again(house: Build) -> None:
    """The offset follows the mentions; without new ones there is nothing to do."""
    home = house()
    assert await home.stages.evaluate.step() == 0
    await home.brings(*(home.mention("Acme broken", by=f"p{n}") for n in range(3)))
    assert await home.stages.evaluate.step() == 3
    assert (await offset(home), len(await home.alerts())) == (3, 3)
    assert await home.stages.evaluate.step() == 0
    home.restart()
    assert await home.judge() == 0
    assert len(await home.alerts()) == 3


@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_commit_that_fails_changes_nothing(house: Build, fragile: tuple[FragileStore, Store], when: str) -> None:
    """A failing commit leaves offset, states and alerts as they were; one whose success got lost is not repeated."""
    flaky, as_store = fragile
    home = house(store=as_store)
    await home.judge()  # so that the next commit is that of the judging
    await home.brings(*(home.mention("Acme: broken, on fire", by=f"p{n}") for n in range(3)))
    setattr(flaky, when, 1)
    with pytest.raises(StorageError):
        await home.stages.evaluate.step()
    if when == "before":
        assert (await offset(home), await home.alerts(), await home.deliveries()) == (0, [], [])
    await home.judge()
    assert await offset(home) == 3
    assert [(each.rule, each.occurrences) for each in await home.alerts()] == [
        ("complaint", 1),
        ("complaint", 1),
        ("complaint", 1),
        ("crisis", 1),
    ]
    assert len(await home.deliveries()) == 4


async def test_a_second_try_gives_exactly_the_same(hut: Build, fragile: tuple[FragileStore, Store]) -> None:
    """After a failed commit the same alerts, states and messages come about as without it."""
    flaky, as_store = fragile
    tried, calm = hut(store=as_store), hut()
    for home in (tried, calm):
        await home.judge()
        await home.storm(5, text="Acme on fire and broken")
    later = [tried.mention("Acme on fire", by=f"q{n}") for n in range(4)]
    for home in (tried, calm):
        await home.brings(*later)
    flaky.before = 1
    with pytest.raises(StorageError):
        await tried.judge()
    await tried.judge()
    await calm.judge()
    assert await everything(tried) == await everything(calm)


async def test_a_look_at_the_clock_is_one_transaction_too(hut: Build, fragile: tuple[FragileStore, Store]) -> None:
    """A tick whose commit fails resolves nothing; the next one does."""
    flaky, as_store = fragile
    home = hut(store=as_store)
    await home.hears("Acme broken")
    home.clock.advance(25 * HOUR)
    await home.stages.evaluate._lead()
    flaky.before = 1
    with pytest.raises(StorageError):
        await home.stages.evaluate.tick()
    assert (await home.alert()).state == "open"
    await home.stages.evaluate.tick()
    assert (await home.alert("complaint")).state == "resolved"


async def test_one_process_leads(house: Build) -> None:
    """Of two evaluators one judges; the other takes over when the first gives up the lease."""
    first = house(owner="first")
    second = house(owner="second")
    await first.brings(first.mention("Acme broken"))
    assert await first.stages.evaluate.step() == 1
    await first.brings(first.mention("Acme broken", by="bob"))
    assert await second.stages.evaluate.step() == 0
    await second.stages.evaluate.tick()
    await first.stages.evaluate.release()
    await first.stages.evaluate.release()
    assert await second.stages.evaluate.step() == 1
    assert len(await first.alerts()) == 2


async def test_a_lease_in_use_is_renewed(hut: Build) -> None:
    """Who works keeps the lease for longer than it was given."""
    first, second = hut(owner="first"), hut(owner="second")
    for _ in range(10):
        first.clock.advance(evaluate.LEASE / 2)
        await first.hears("Acme broken")
        assert await second.judge() == 0
    assert (await first.alert()).occurrences == 10


async def test_a_lease_is_renewed_though_the_clock_was_set_back(hut: Build) -> None:
    """Nobody would notice our death for an hour if our lease were left to end by the clock of before."""
    home = hut()
    await home.hears("Acme broken")
    home.clock.current -= HOUR
    await home.judge()
    async with home.store.read() as tx:
        assert await tx.evaluator.holder(home.clock.wall()) == home.owner
        assert await tx.evaluator.holder(home.clock.wall() + evaluate.LEASE) is None


async def test_a_claim_that_fails_is_made_again(hut: Build, fragile: tuple[FragileStore, Store]) -> None:
    """Whether it was made or not, nothing is judged on the strength of a claim whose commit failed."""
    flaky, as_store = fragile
    home = hut(store=as_store)
    await home.brings(home.mention("Acme broken"))
    flaky.before = 1
    with pytest.raises(StorageError):
        await home.stages.evaluate.step()
    flaky.after = 1
    with pytest.raises(StorageError):
        await home.stages.evaluate.step()
    assert await home.judge() == 1
    assert (await home.alert()).occurrences == 1


async def test_a_process_taken_for_dead_commits_nothing(house: Build) -> None:
    """A process that froze while another took over is fenced off, forgets what it remembered, and can lead again later."""
    zombie, other = house(owner="zombie"), house(owner="other")
    await zombie.hears("Acme broken, fire", by="a")
    zombie.clock.advance(evaluate.LEASE)
    await other.brings(other.mention("Acme fire", by="b"), other.mention("Acme fire", by="c"))
    await other.judge()
    zombie.stages.evaluate._renew_at = zombie.clock.now() + evaluate.LEASE / 3  # its own clock stood still, too
    await zombie.brings(zombie.mention("Globex broken", by="d"))
    assert await zombie.judge() == 0
    assert [each.rule for each in await zombie.alerts()] == ["complaint", "crisis"]
    await other.stages.evaluate.release()
    assert await zombie.judge() == 1
    assert (await zombie.alert("crisis")).occurrences == 1
    await other.judge()
    other.clock.advance(evaluate.LEASE)
    await other.judge()
    assert await zombie.stages.evaluate.step() == 0, "a lost lease is noticed when it is renewed"
    assert len(await other.alerts()) == 3


async def test_an_evaluator_killed_in_a_transaction_goes_on(hut: Build) -> None:
    """A step that was cancelled leaves nothing half done."""
    home = hut()
    await home.brings(home.mention("Acme broken"))
    entered, never = asyncio.Event(), asyncio.Event()
    judge = home.stages.evaluate._judge

    async def hangs(*given: Any) -> int:
        await judge(*given)
        entered.set()
        await never.wait()
        return 0

    vars(home.stages.evaluate)["_judge"] = hangs
    step = asyncio.ensure_future(home.stages.evaluate.step())
    await entered.wait()
    step.cancel()
    with pytest.raises(asyncio.CancelledError):
        await step
    vars(home.stages.evaluate)["_judge"] = judge
    assert await home.judge() == 1
    assert (await home.alert()).occurrences == 1


async def test_a_window_that_must_last_rings_without_a_new_mention(hut: Build, moment: datetime) -> None:
    """`for` passes while nobody speaks: the look at the clock rings."""
    home = hut(rules=[LASTING])
    await home.storm(3)
    await home.wait(9 * MINUTE, step=MINUTE)
    assert await home.alerts() == []
    await home.wait(2 * MINUTE, step=MINUTE)
    assert home.kinds("room") == ["first"]


async def test_a_replay_rings_what_lasted_at_its_own_moment(hut: Build, moment: datetime) -> None:
    """In a recording, too, `for` passes while nobody speaks, and what is over ends before the next mention is judged."""
    home = hut(rules=[LASTING], drive=True)
    await home.storm(3)
    await home.brings(home.mention("much later", written_at=moment + 5 * HOUR))
    await home.judge()
    alert = await home.alert()
    assert alert.opened_at == moment + 10 * MINUTE
    assert alert.resolved_at is not None
    assert alert.resolved_at < moment + HOUR


async def test_keys_that_fell_silent_are_forgotten(hut: Build) -> None:
    """The rules' memory does not grow for ever."""
    by_author = {**FEW, "id": "spam", "key": ["author"], "fire": {"at_least": 50}}
    home = hut(rules=[by_author])
    await home.storm(20)
    async with home.store.read() as tx:
        assert len(await tx.rule_states.load()) == 20
    await home.wait(30 * 24 * HOUR, step=24 * HOUR)
    async with home.store.read() as tx:
        assert len(await tx.rule_states.load()) == 0


async def test_a_sweep_that_fails_holds_nothing_up(hut: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is logged and counted, what is over ends all the same, and the next try comes in its time."""
    home = hut()
    await home.storm(3)
    tried: list[datetime] = []

    def trips(_: States, at: datetime) -> int:
        tried.append(at)
        raise ZeroDivisionError

    monkeypatch.setattr(home.stages.evaluate._engine, "sweep", trips)
    before = metrics.worker_failures.labels(worker="rules")._value.get()
    with capture_logs() as logs:
        await home.wait(7 * HOUR)
    assert len(tried) == 1
    assert metrics.worker_failures.labels(worker="rules")._value.get() == before + 1
    assert [each["event"] for each in logs if each["log_level"] == "error"] == ["rules.not_swept"]
    assert (await home.alert("crisis")).state == "resolved"


# What happens in a recording: (minutes since the one before, who, what).
_said = st.tuples(st.integers(-3, 200), st.sampled_from("abc"), st.sampled_from(["fire", "broken", "fire, broken", "hello"]))


async def _replayed(hut: Build, configured: Settings, said: Sequence[tuple[int, str, str]], cuts: set[int]) -> list[object]:
    """What a recording came to, restarted behind the mentions at `cuts`."""
    store = await Store.open(StorageSettings(url=SecretStr("sqlite:///:memory:")))
    try:
        at = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
        home = hut(configured, store=store, clock=ManualClock(at), drive=True)
        for number, (gap, who, what) in enumerate(said):
            at += gap * MINUTE / 3
            await home.brings(home.mention(f"Acme {what}", by=who, written_at=at))
            await home.judge()
            if number in cuts:
                home.restart()
        return await everything(home)
    finally:
        await store.close()


@settings(max_examples=12)
@given(said=st.lists(_said, max_size=30), cuts=st.sets(st.integers(0, 29)))
def test_a_restart_between_batches_changes_nothing(
    hut: Build, configure: Configure, said: list[tuple[int, str, str]], cuts: set[int]
) -> None:
    """Wherever a recording is interrupted, the same alerts, states and messages come about as without it."""
    configured = configure(rules=[COMPLAINT, FEW, LASTING])

    async def both() -> None:
        assert await _replayed(hut, configured, said, cuts) == await _replayed(hut, configured, said, set())

    asyncio.run(both())
