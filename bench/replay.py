"""How many mentions a second a replay judges on one core, scored, on SQLite, by two mention rules and one window rule."""

from __future__ import annotations

import asyncio
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

import yaml

from bench import machine, stream
from bench.figure import Figure
from monitor.domain.mention import Scores

MENTIONS = 50_000
RUNS = 3
AT_LEAST = 3_000
UNSCORED = "--unscored"
RULES = ("complaint", "influencer", "crisis")  # of the shipped ones: two mention rules, one window rule
SHIPPED = Path(__file__).resolve().parent.parent / "config"


def measure() -> list[Figure]:
    """Replay the same stream in fresh processes, each pinned to one core, and take medians."""
    with tempfile.TemporaryDirectory(prefix="tocsin-bench-") as folder:
        here = Path(folder)
        configure(here)
        stream.write(here / "stream.jsonl", MENTIONS)
        runs, unscored = [_run(here) for _ in range(RUNS)], [_run(here, UNSCORED) for _ in range(RUNS)]
    left = median(MENTIONS / run["seconds"] for run in unscored)
    return [*_figures(runs), Figure("replay", "  mentions per second if none were scored", left, "/s")]


def configure(folder: Path) -> None:
    """A configuration with the shipped word lists and plan, and three of the shipped rules."""
    for part in ("words", "plans"):
        shutil.copytree(SHIPPED / part, folder / part)
    (folder / "rules").mkdir()
    for file in (each for each in sorted((SHIPPED / "rules").glob("*.yaml")) if not each.stem.endswith(".test")):
        written = yaml.safe_load(file.read_text(encoding="utf-8"))
        written["rules"] = [rule for rule in written["rules"] if rule["id"] in RULES]
        (folder / "rules" / file.name).write_text(yaml.safe_dump(written, allow_unicode=True), encoding="utf-8")
    settings = {
        "version": 1,
        "subjects": {"lumora": {"names": ["Lumora"], "handles": ["@lumora"], "hashtags": ["#lumora"]}},
        "receivers": {"hub": {"kind": "webhook", "url": "https://never-called.invalid/"}},
        "routing": {"default": "hub"},
    }
    (folder / "monitor.yaml").write_text(yaml.safe_dump(settings), encoding="utf-8")


def _run(folder: Path, *how: str) -> dict[str, Any]:
    # A process of its own: nothing is warm, and the core is pinned before the first thread starts.
    typed = [sys.executable, "-m", "bench.replay", str(folder), *how]
    done = subprocess.run(typed, check=True, capture_output=True, text=True, cwd=SHIPPED.parent)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _figures(runs: list[dict[str, Any]]) -> list[Figure]:
    rate = median(MENTIONS / run["seconds"] for run in runs)
    alerts = runs[0]["alerts"]
    how = f"{MENTIONS:,} mentions, {alerts:,} alerts, one storm, {runs[0]['deliveries']:,} messages; median of {RUNS} runs"
    figures = [Figure("replay", "mentions judged per second, one core", rate, "/s", AT_LEAST, at_least=True, how=how)]
    for stage in runs[0]["stages"]:
        spent = median(run["stages"][stage] for run in runs)
        figures.append(Figure("replay", f"  stage {stage}", spent / MENTIONS * 1e6, "µs per mention"))
    rest = median(run["seconds"] - sum(run["stages"].values()) for run in runs)
    figures.append(Figure("replay", "  opening the store, the model, reading back", rest, "s"))
    worked = median(MENTIONS / run["cpu"] for run in runs)  # what a core of its own would give, but for the disk
    figures.append(Figure("replay", "  mentions per second of processor time", worked, "/s"))
    return [*figures, Figure("replay", "  most memory", median(run["rss"] for run in runs), "MB")]


def _silent(_: object, said: Sequence[object]) -> list[Scores]:
    """Scores that take no time, and say nothing."""
    return [Scores()] * len(said)


def _child(folder: Path, *, scored: bool) -> None:
    """Replay once, on one core, and print what it came to."""
    os.sched_setaffinity(0, {machine.one_core()})
    from pydantic import SecretStr  # noqa: PLC0415 after the pinning

    from monitor.replay import recording, replay  # noqa: PLC0415 likewise: numpy starts threads
    from monitor.sentiment import Scorer  # noqa: PLC0415 likewise
    from monitor.settings import load  # noqa: PLC0415 likewise
    from monitor.storage import StorageSettings  # noqa: PLC0415 likewise
    from monitor.telemetry import configure_logging  # noqa: PLC0415 likewise

    configure_logging("console", "error")
    if not scored:
        Scorer.score_all = _silent  # type: ignore[assignment,method-assign]  # what is left is the price of everything else
    settings = recording(load(folder), folder / "stream.jsonl")
    with tempfile.TemporaryDirectory(prefix="tocsin-bench-") as scratch:
        storage = StorageSettings(url=SecretStr(f"sqlite:///{scratch}/replay.db"))
        before = time.process_time()
        outcome = asyncio.run(replay(settings.model_copy(update={"storage": storage})))
        worked = time.process_time() - before
    assert outcome.stored == outcome.read, "the stream holds nothing twice"
    found = {
        "seconds": outcome.seconds,
        "cpu": worked,
        "rss": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "alerts": len(outcome.alerts),
        "windows": sum(alert.kind == "window" for alert in outcome.alerts),
        "deliveries": len(outcome.deliveries),
        "stages": outcome.stages,
    }
    print(json.dumps(found))


if __name__ == "__main__":
    _child(Path(sys.argv[1]), scored=UNSCORED not in sys.argv)
