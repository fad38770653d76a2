"""The watch that measures what hostile input costs: whatever keeps the loop from its turn is counted, save others' work."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bench import hostile
from bench.hostile import STALL, Cost, Scene, Springing, Trap, Watch, watched


async def stall(block: Callable[[], object]) -> float:
    """What the watch says of a loop that something blocks."""

    async def spring(scene: Scene) -> str:
        del scene
        block()
        return ""

    watch = Watch()
    await watched(Trap("", spring), Scene(Path(), "", None), watch)  # type: ignore[arg-type]  # nothing of it is used
    return watch.stall


@pytest.mark.parametrize(
    "block", [lambda: time.sleep(1.5), lambda: threading.Event().wait(1.5)], ids=["synchronous wait", "lock"]
)
async def test_a_loop_that_waits_is_a_loop_that_stalls(block: Callable[[], object]) -> None:
    """It uses no processor meanwhile, and nobody else has a turn all the same."""
    assert await stall(block) > STALL


async def test_the_time_of_others_is_not_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the kernel says that one of our threads stood in the queue for a processor is taken off; the loop may wait for it."""
    queued = {"loop": 0.0, "another": 0.0}
    monkeypatch.setattr(hostile, "_queued", queued.copy)

    def block() -> None:
        time.sleep(0.5)
        queued["another"] += 0.5

    assert await stall(block) < 0.5


@pytest.mark.parametrize(("stalls", "counted"), [([0.2], 0.2), ([3.0, 0.3], 0.3), ([3.0, 2.5], 2.5)])
def test_a_long_stall_is_measured_again(monkeypatch: pytest.MonkeyPatch, stalls: list[float], counted: float) -> None:
    """The smaller of two counts: a hiccup of the machine does not come back, a stall of ours does."""
    left: Iterator[float] = iter(stalls)
    monkeypatch.setattr(Springing, "_sprung", lambda self, what: Cost(0, 0, next(left), 0, ""))
    assert Springing().cost("any").stall == counted
    assert list(left) == []
