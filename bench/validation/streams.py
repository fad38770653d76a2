"""Judges a recorded stream by one of the configurations beside this file, from the file to the plan."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path

from pydantic import SecretStr

from monitor.pipeline.outcome import Outcome
from monitor.replay import recording, replay
from monitor.settings import load
from monitor.simulation import Answers, Played, about, lines, play
from monitor.storage import StorageSettings

CONFIGURATIONS = Path(__file__).parent


def judged(stream: Path, config: str, folder: Path) -> Outcome:
    """What came of it, with a store in `folder`. A function of a module, so that another process can be given it."""
    settings = recording(load(CONFIGURATIONS / config), stream)
    storage = StorageSettings(url=SecretStr(f"sqlite:///{folder / 'replay.db'}"))
    return asyncio.run(replay(settings.model_copy(update={"storage": storage})))


def simulated(stream: Path, config: Path, plan: str, environ: Mapping[str, str] | None = None) -> tuple[Played, list[str]]:
    """What came of a plan that prompt people carried out against it, and the account of that."""
    settings = about(recording(load(config, environ=environ), stream), plan)
    played = asyncio.run(play(settings, plan, Answers.PROMPT))
    return played, list(lines(played, settings, stream.name))
