"""What an edited rule remembers is built anew from what is stored: as if it had always been so, and without a word to anybody."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from monitor.domain.clock import ManualClock
from monitor.domain.errors import StorageError
from monitor.pipeline import rebuild

if TYPE_CHECKING:
    from monitor.storage import Store
    from tests.monitor.pipeline.conftest import Build, Configure, FragileStore, House

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
WINDOW: dict[str, Any] = {"kind": "window", "measure": {"distinct": "author"}, "fire": {"at_least": 3, "times_expected": 2}}
CRISIS = {**WINDOW, "id": "crisis", "where": {"text": {"any_of": ["fire"]}}, "window": "60m", "notify": "room"}
EDITED = CRISIS | {"where": {"text": {"any_of": ["fire", "smoke"]}}, "measure": "count", "window": "30m"}
TWIN = EDITED | {"id": "twin", "notify": "desk"}


async def a_past(home: House, days: int = 3) -> None:
    """For so many days until now, somebody speaks of a fire every hour, and of smoke every other."""
    hours = [days * 24 - hour for hour in range(days * 24)]
    said = [home.mention("Acme: smoke" if hour % 3 else "Acme on fire", by=f"p{hour % 5}", ago=hour * HOUR) for hour in hours]
    await home.brings(*said)
    await home.judge()


async def remembered(home: House, rule: str) -> dict[str, str]:
    """What the store holds of a rule's memory, by key."""
    async with home.store.read() as tx:
        found = await tx.rule_states.load()
    return {key: json.dumps(state, sort_keys=True) for (of, _, key), state in found.items() if of == rule}


async def wants_rebuild(home: House) -> bool:
    """Whether something is left to be built when this process has taken the lead."""
    await home.stages.evaluate.tick()
    memory = home.stages.evaluate._memory
    assert memory is not None
    return memory.rebuild is not None


async def test_an_edited_rule_remembers_as_if_it_had_always_been_so(house: Build, configure: Configure) -> None:
    """To the last digit: its twin was in force all the time."""
    home = house(rules=[CRISIS, TWIN])
    await a_past(home)
    home.restart(configure(rules=[EDITED, TWIN]))
    await home.judge()
    twin = await remembered(home, "twin")
    assert list(twin) == ['{"subject":"acme"}']
    assert await remembered(home, "crisis") == twin


async def test_what_rang_in_the_past_is_not_told(hut: Build, configure: Configure) -> None:
    """A new rule that would have rung yesterday is silent, and knows what is usual: one more mention is no news."""
    home = hut(rules=[CRISIS])
    await a_past(home)
    home.clock.advance(DAY)
    await home.storm(5, text="Acme in the river")
    home.clock.advance(DAY)
    flood = CRISIS | {"id": "flood", "where": {"text": {"any_of": ["river"]}}}
    home.restart(configure(rules=[CRISIS, flood]))
    await home.hears("Acme: still in the river")
    await home.act()
    assert await home.alerts() == []
    assert json.loads((await remembered(home, "flood"))['{"subject":"acme"}'])["usual"][0] > 0


async def test_an_alert_that_still_holds_goes_on(hut: Build, configure: Configure) -> None:
    """Nobody is told of the edit, and the end comes when it is over."""
    home = hut(rules=[CRISIS])
    await home.storm()
    await home.act()
    home.restart(configure(rules=[EDITED]))
    await home.judge()
    await home.wait(20 * MINUTE, step=MINUTE)
    assert (home.kinds("room"), (await home.alert()).state) == (["first"], "open")
    await home.wait(2 * HOUR)
    assert (home.kinds("room"), (await home.alert()).resolved_reason) == (["first", "resolved"], "back to normal")


async def test_an_alert_of_a_rule_that_is_of_another_kind_now_ends(hut: Build, configure: Configure) -> None:
    """Its key means nothing to the new one, which is taken over like any other."""
    home = hut(rules=[CRISIS | {"key": ["author"], "fire": {"at_least": 1}}])
    await home.hears("Acme on fire")
    assert (await home.alert()).state == "open"
    home.restart(
        configure(rules=[{"id": "crisis", "kind": "new_term", "field": "hashtags", "fire": {"at_least": 3}, "notify": "room"}])
    )
    await home.judge()
    assert (await home.alert()).resolved_reason == "the rule was changed"
    assert not await wants_rebuild(home)


async def test_an_alert_goes_on_until_it_is_known_whether_it_holds(
    hut: Build, configure: Configure, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On the way nothing is called over."""
    monkeypatch.setattr(rebuild, "PAGE", 1)
    home = hut(rules=[CRISIS])
    await home.storm()
    home.restart(configure(rules=[CRISIS | {"where": {"text": {"any_of": ["smoke"]}}}]))
    await home.stages.evaluate.step()
    await home.wait(3 * HOUR)
    assert (await home.alert()).state == "open"
    await home.judge()
    assert (await home.alert()).resolved_reason == "the rule was changed"


async def test_what_must_last_has_lasted(hut: Build, configure: Configure) -> None:
    """A rule that was edited ten minutes into its `for` rings when the rest has passed."""
    lasting = CRISIS | {"for": "20m"}
    home = hut(rules=[lasting])
    await home.storm()
    await home.wait(15 * MINUTE, step=MINUTE)
    home.restart(configure(rules=[lasting | {"measure": "count"}]))
    await home.judge()
    await home.wait(4 * MINUTE, step=MINUTE)
    assert await home.alerts() == []
    await home.wait(2 * MINUTE, step=MINUTE)
    assert home.kinds("room") == ["first"]


async def test_a_start_without_an_edit_builds_nothing(hut: Build, configure: Configure) -> None:
    """Not even for a rule that has nothing to remember; nor does one that tells others, or asks for more."""
    home = hut(rules=[CRISIS, TWIN | {"where": {"text": {"any_of": ["never said"]}}}])
    await a_past(home)
    home.restart()
    assert not await wants_rebuild(home)
    other = CRISIS | {"fire": {"at_least": 9, "times_expected": 5}, "notify": "desk"}
    home.restart(configure(rules=[other]))
    assert not await wants_rebuild(home)


async def test_a_store_of_an_earlier_version_is_taken_as_it_is(hut: Build, configure: Configure) -> None:
    """It did not note that a rule's states are complete: those that are there are."""
    home = hut(rules=[CRISIS])
    await a_past(home)
    async with home.store.begin() as tx:
        complete = await tx.rule_states.complete()
        states = await tx.rule_states.load()
        await tx.rule_states.prune([])
        await tx.rule_states.save(states, home.clock.now())
        await tx.commit()
    assert set(complete.values()) == {True}
    home.restart()
    assert not await wants_rebuild(home)
    home.restart(configure(rules=[CRISIS, TWIN]))
    assert await wants_rebuild(home)


async def test_judging_goes_on_meanwhile_and_counts_everything_once(
    hut: Build, configure: Configure, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is judged on the way is remembered once, whichever of the two saw it first."""
    monkeypatch.setattr(rebuild, "PAGE", 7)
    home = hut(rules=[CRISIS, TWIN])
    await a_past(home, 1)
    home.restart(configure(rules=[EDITED, TWIN]))
    for minute in range(10):
        home.clock.advance(MINUTE)
        await home.brings(home.mention(f"Acme: smoke {minute}", by=f"r{minute}"))
        assert await home.stages.evaluate.step() == 1
        await home.stages.evaluate.tick()
    assert not await wants_rebuild(home)
    assert await remembered(home, "crisis") == await remembered(home, "twin")
    assert await home.judge() == 0


@pytest.mark.parametrize("pages", [1, 3])
async def test_a_kill_on_the_way_costs_nothing_but_time(
    pages: int, hut: Build, configure: Configure, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next process begins again, though the rule has remembered something meanwhile."""
    monkeypatch.setattr(rebuild, "PAGE", 5)
    home = hut(rules=[CRISIS, TWIN])
    await a_past(home, 1)
    home.restart(configure(rules=[EDITED, TWIN]))
    for _ in range(pages):
        await home.stages.evaluate.step()
    await home.brings(home.mention("Acme on fire"))
    await home.stages.evaluate.step()
    home.restart()
    assert await wants_rebuild(home)
    await home.judge()
    assert await remembered(home, "crisis") == await remembered(home, "twin")


@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_commit_that_fails_changes_nothing(
    when: str, hut: Build, configure: Configure, fragile: tuple[FragileStore, Store]
) -> None:
    """Whether taking over was committed or not, the rule remembers what it should, and its alert ends once."""
    flaky, as_store = fragile
    home = hut(rules=[CRISIS, TWIN], store=as_store)
    await home.storm()
    await home.act()
    home.restart(configure(rules=[CRISIS | {"where": {"text": {"any_of": ["smoke"]}}}, TWIN]))
    await home.stages.evaluate.tick()
    setattr(flaky, when, 1)
    with pytest.raises(StorageError):
        await home.judge()
    await home.judge()
    assert not await wants_rebuild(home)
    await home.wait(10 * MINUTE)
    assert home.kinds("room") == ["first", "resolved"]
    assert await remembered(home, "crisis") == {}


async def test_what_was_forgotten_is_missing(hut: Build, configure: Configure) -> None:
    """Nobody is remembered by way of a rule who is not in the store any more; and what is too old to matter is not read."""
    home = hut(rules=[TWIN])
    await home.brings(home.mention("Acme on fire", ago=60 * DAY), home.mention("Acme on fire", ago=2 * DAY))
    await home.judge()
    home.restart(configure(rules=[CRISIS]))
    await home.judge()
    (state,) = (await remembered(home, "crisis")).values()
    assert json.loads(state)["started"] == (home.clock.now() - 2 * DAY).timestamp()


async def test_who_was_erased_is_not_brought_back(house: Build, configure: Configure) -> None:
    """Neither by what was not judged yet, nor by what is read again: rules know nothing of them."""
    everybody = WINDOW | {"id": "crisis", "where": {"subjects": "acme"}, "window": "60m"}
    home = house(rules=[everybody])
    await home.brings(home.mention("Acme on fire", by="ada"), home.mention("Acme on fire", by="bob"))
    async with home.store.begin() as tx:
        await tx.erasures.erase("mastodon", "ada", home.clock.now())
        await tx.commit()
    for window in ("60m", "50m"):
        home.restart(configure(rules=[everybody | {"window": window}]))
        await home.judge()
        (state,) = (await remembered(home, "crisis")).values()
        assert [len(who) for _, who in json.loads(state)["tally"]["inside"]] == [1]


async def test_a_rebuild_that_fails_holds_nothing_up(hut: Build, configure: Configure, monkeypatch: pytest.MonkeyPatch) -> None:
    """The rule learns anew, and the next start tries again."""
    home = hut(rules=[TWIN])
    await a_past(home, 1)

    def broken(*given: object) -> None:
        raise ZeroDivisionError

    with monkeypatch.context() as patch:
        patch.setattr(rebuild.Rebuild, "read", broken)
        home.restart(configure(rules=[CRISIS]))
        await home.storm()
    assert (await home.alert("crisis")).learning
    home.restart()
    assert await wants_rebuild(home)
    await home.judge()
    assert (await home.alert("crisis")).state == "open"


async def test_a_replay_that_was_interrupted_remembers_too(hut: Build, configure: Configure) -> None:
    """A recording that goes on by other rules goes on as if they had always been so."""
    home = hut(rules=[CRISIS, TWIN], drive=True)
    await a_past(home)
    home.restart(configure(rules=[EDITED, TWIN]))
    await home.judge()
    assert await remembered(home, "crisis") == await remembered(home, "twin")


async def test_keys_long_silent_are_let_go_on_the_way(hut: Build, configure: Configure) -> None:
    """A rule by author does not bring back everybody who ever spoke."""
    by_author = CRISIS | {"id": "loud", "key": ["author"], "baseline": {"level": "12h"}}
    home = hut(rules=[CRISIS])
    await home.brings(*(home.mention("Acme on fire", by=f"p{n}", ago=3 * DAY) for n in range(20)), home.mention("fire", by="x"))
    await home.judge()
    home.restart(configure(rules=[by_author]))
    await home.judge()
    assert len(await remembered(home, "loud")) == 1


async def test_a_campaign_teaches_nothing_when_the_clock_was_set_back(house: Build) -> None:
    """What is read again is remembered as it was the first time."""
    sale = {"sale": {"subjects": "acme", "from": "2026-01-01", "to": "2026-12-31", "times": 2}}
    home = house(rules=[CRISIS], campaigns=sale)
    await a_past(home)
    before = await remembered(home, "crisis")
    home.stages.evaluate.set_back()
    await home.judge()
    assert await remembered(home, "crisis") == before


@pytest.mark.parametrize("rule", [CRISIS, WINDOW | {"id": "crisis", "window": "5m", "fire": {"at_least": 3}}])
async def test_a_clock_set_back_while_nobody_judged_is_found_out(house: Build, rule: dict[str, Any]) -> None:
    """By what is stored: the next process takes nothing that is said for old, rings, and builds once."""
    home = house(rules=[rule])
    await home.hears("Acme on fire")
    await home.wait(HOUR)
    await home.stages.evaluate.release()
    home.clock = ManualClock(home.clock.now() - DAY)
    home.restart()
    await home.hears("Acme on fire", by="p1")
    assert not await wants_rebuild(home)
    home.clock.advance(MINUTE)
    await home.storm()
    assert (await home.alert("crisis")).observed == 4
    await home.stages.evaluate.release()
    home.restart()
    assert not await wants_rebuild(home)


async def test_a_clock_that_is_hardly_behind_builds_nothing(hut: Build) -> None:
    """Two machines that share a store do not show the same second."""
    home = hut(rules=[CRISIS])
    await home.hears("Acme on fire")
    await home.stages.evaluate.release()
    home.clock = ManualClock(home.clock.now() - MINUTE / 2)
    home.restart()
    assert not await wants_rebuild(home)


async def test_a_rule_that_looks_at_nothing_before_it_is_built_anew_once(hut: Build) -> None:
    """What waits for an answer is left as it is, however late it was saved: it has no clock of its own."""
    waits = {"id": "waits", "kind": "absence", "where": {"text": {"any_of": ["fire"]}}, "within": "1h"}
    home = hut(rules=[CRISIS, waits])
    await home.hears("Acme on fire")
    await home.stages.evaluate.release()
    home.clock = ManualClock(home.clock.now() - DAY)
    for built in (True, False):
        home.restart()
        assert await wants_rebuild(home) is built
        await home.judge()
        await home.stages.evaluate.release()
    assert await remembered(home, "waits")
