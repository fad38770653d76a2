"""How many mentions a second one core takes in from a network's pages: from an answer's bytes to mentions, and to stored rows."""

from __future__ import annotations

import asyncio
import cProfile
import json
import os
import pstats
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median

from bench import machine, networks
from bench.figure import Figure

RUNS = 3
AT_LEAST = 10_000
BUSIEST = (networks.X, networks.Facebook, networks.Instagram)
OTHERS = (networks.Mastodon, networks.YouTube, networks.Reddit)
_RECORDED = {kind.kind: networks.recorded(kind.kind) for kind in (networks.X, networks.Facebook, networks.Instagram)}


def measure() -> list[Figure]:
    """Take in the same pages in fresh processes, each pinned to one core, and take medians."""
    return [figure for kind in (*BUSIEST, *OTHERS) for figure in _figures(kind, [_run(kind.kind) for _ in range(RUNS)])]


def _run(kind: str) -> dict[str, float]:
    # A process of its own: nothing is warm, and the core is pinned before the first thread starts.
    typed = [sys.executable, "-m", "bench.source_parsing", kind]
    done = subprocess.run(typed, check=True, capture_output=True, text=True, cwd=Path(__file__).resolve().parent.parent)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def _figures(kind: type[networks.Network], runs: Sequence[Mapping[str, float]]) -> list[Figure]:
    name, bar = kind.__name__, AT_LEAST if kind in BUSIEST else None
    rates = {what: median(run["mentions"] / run[what] for run in runs) for what in ("parsed", "taken_in", "scored", "worked")}
    made = f"{len(found)} recorded posts in turn" if (found := _RECORDED.get(kind.kind)) else "made-up posts"
    how = f"{name}: {runs[0]['mentions']:,.0f} mentions on full pages of {made}; median of {RUNS} runs, each pinned to a core"
    return [
        Figure(
            "sources",
            f"{name}: mentions stored per second, parsed, not scored",
            rates["taken_in"],
            "/s",
            bar,
            at_least=True,
            how=how,
        ),
        Figure("sources", "  per second of processor time", rates["worked"], "/s"),
        Figure("sources", "  parsing alone", rates["parsed"], "/s"),
        *(
            Figure("sources", f"  stage {stage}", median(run[stage] / run["mentions"] for run in runs) * 1e6, "µs per mention")
            for stage in ("read", "enrich", "store")
        ),
        Figure("sources", "  the same, scored as well", rates["scored"], "/s"),
    ]


def _child(kind: type[networks.Network], *, profiled: bool) -> None:
    """Take in once, on one core, and print what it came to."""
    os.sched_setaffinity(0, {machine.one_core()})
    asyncio.run(_measured(kind, profiled=profiled))


async def _measured(kind: type[networks.Network], *, profiled: bool) -> None:
    from bench.source_desk import Desk  # noqa: PLC0415 after the pinning: numpy starts threads

    found: dict[str, float] = {}
    async with Desk(kind, scored=False) as desk:
        await desk.parse()  # once without the watch: the pages are made
        found["mentions"], found["parsed"] = await desk.parse()
        profile = cProfile.Profile()
        if profiled:
            profile.enable()
        found |= await desk.take_in()
        profile.disable()
    async with Desk(kind, scored=True) as desk:
        await desk.parse()
        found["scored"] = (await desk.take_in())["taken_in"]
    print(json.dumps(found))
    if profiled:
        pstats.Stats(profile, stream=sys.stderr).sort_stats("tottime").print_stats(40)


if __name__ == "__main__":
    _child(
        next(each for each in (*BUSIEST, *OTHERS) if each.kind == sys.argv[1]),
        profiled="--profile" in sys.argv,
    )
