"""New words in messages: looked for beside the loop, once for everybody, and never at the price of the message."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from monitor.domain.mention import Utterance
from monitor.pipeline import new_words
from monitor.pipeline.new_words import NewWords
from monitor.storage import Store, UnitOfWork
from notifiers import DeliveryError, Reason

if TYPE_CHECKING:
    from tests.monitor.pipeline.conftest import Build, House

HOOK = {"kind": "webhook", "url": "https://hooks.example/x"}
CRISIS: dict[str, Any] = {
    "id": "crisis",
    "title": {"en": "Under fire"},
    "kind": "window",
    "where": {"text": {"any_of": ["fire"]}},
    "key": ["subject"],
    "window": "60m",
    "fire": {"at_least": 3},
    "severity": "critical",
    "notify": ["desk", "bureau"],
}


class Comparison:
    """Stands in for the comparison of texts: counts how often it is asked for, and takes what it is made to take."""

    def __init__(self) -> None:
        self.asked: list[tuple[int, int]] = []
        self.longest = 0
        self.began, self.go_on = threading.Event(), threading.Event()
        self.go_on.set()
        self.error: Exception | None = None

    def __call__(self, now: Iterable[Utterance], usually: Sequence[Utterance]) -> list[str]:
        texts = list(now)
        self.asked.append((len(texts), len(usually)))
        self.longest = max(len(text) for _, text in (*texts, *usually))
        self.began.set()
        assert self.go_on.wait(60)
        if self.error:
            raise self.error
        return ["fire"]


@pytest.fixture
def comparison(monkeypatch: pytest.MonkeyPatch) -> Comparison:
    """In the place of the real one."""
    stand_in = Comparison()
    monkeypatch.setattr(new_words, "emerging", stand_in)
    return stand_in


async def on_fire(build: Build) -> House:
    """A house in which a crisis is owed to two receivers."""
    home = build(rules=[CRISIS], receivers={"desk": HOOK, "bureau": HOOK}, routing={"default": "desk"}, people={})
    await home.brings(home.mention("Acme is late " * 100, by="eve", ago=timedelta(hours=20)))
    await home.storm(3, "Acme is on fire " * 100)
    return home


async def test_the_loop_and_the_store_go_on_while_texts_are_compared(house: Build, comparison: Comparison) -> None:
    """It takes as long as it takes: meanwhile others have their turn, and no transaction is open."""
    home = await on_fire(house)
    comparison.go_on.clear()
    opened = watch_transactions(home.store)
    sending = asyncio.create_task(home.stages.deliver.step("desk"))
    async with asyncio.timeout(60):
        assert await asyncio.to_thread(comparison.began.wait, 60)
        assert (opened, sending.done()) == ([], False)
        await home.hears("Acme is fine", by="bob")
    comparison.go_on.set()
    await sending
    assert home.told("desk")[0].new_words == ("fire",)
    assert comparison.longest <= 500


def watch_transactions(store: Store) -> list[object]:
    """Those of reading that are open, from now on."""
    opened: list[object] = []
    read = store.read

    @asynccontextmanager
    async def watched() -> AsyncIterator[UnitOfWork]:
        async with read() as tx:
            opened.append(tx)
            yield tx
            opened.remove(tx)

    vars(store)["read"] = watched
    return opened


async def test_all_receivers_and_tries_share_one_comparison(hut: Build, comparison: Comparison) -> None:
    """It is the same alert for each of them, and the second time, too; until more is seen."""
    home = await on_fire(hut)
    home.doors["desk"].troubles.append(DeliveryError(Reason.TIMEOUT, "no route"))
    await home.act()
    await home.wait(timedelta(minutes=10))
    assert [home.told(name)[0].new_words for name in ("desk", "bureau")] == [("fire",)] * 2
    assert comparison.asked == [(3, 1)]
    found, alert = NewWords(), await home.alert()
    await asyncio.gather(*(found.of(home.store, alert) for _ in range(3)))
    assert len(comparison.asked) == 2


async def test_only_the_newest_answers_are_kept(hut: Build, comparison: Comparison, monkeypatch: pytest.MonkeyPatch) -> None:
    """A daemon that runs for a year remembers no more than one that runs for a day."""
    monkeypatch.setattr(new_words, "_KEPT", 2)
    home = await on_fire(hut)
    alert, found = await home.alert(), NewWords()
    for minutes in (0, 1, 2, 2, 0):
        await found.of(home.store, replace(alert, last_seen_at=alert.last_seen_at + timedelta(minutes=minutes)))
    assert len(comparison.asked) == 4


async def test_without_new_words_a_message_still_tells_all_else(hut: Build, comparison: Comparison) -> None:
    """A bug in what is nice to know costs nobody the posts."""
    comparison.error = ArithmeticError("a bug")
    home = await on_fire(hut)
    await home.act()
    message = home.told("desk")[0]
    assert (message.new_words, len(message.posts), message.alerts[0].rule) == ((), 3, "crisis")
