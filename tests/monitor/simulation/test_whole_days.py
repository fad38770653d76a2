"""Two bad days, from the first post to the signature: each opens one run, and walks it to its end in virtual time."""

from __future__ import annotations

import json
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest

from bench.validation.streams import CONFIGURATIONS, simulated
from monitor.domain.alert import DeliveryState
from monitor.domain.plan import RunState
from monitor.settings import shipped
from monitor.simulation import Played

# What the demo fills in; nothing of it is used, for nothing is sent.
ENVIRON = {
    "DEMO_SMTP_PORT": "25",
    "DEMO_WEBHOOK_URL": "https://wall.example/",
    "DEMO_WEBHOOK_SECRET": "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3",
}
DAY = "2024-07-19"


def _apart(stream: Path, config: Path, plan: str, environ: Mapping[str, str] | None = None) -> tuple[Played, list[str]]:
    """In a process of its own: measuring which lines it covers would double its time."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as apart:
        return apart.submit(simulated, stream, config, plan, environ).result()


def _holds(played: Played, said: list[str]) -> None:
    """One run that was taken, walked through, stood down and closed, and told in 80 columns without sending anything."""
    (one,) = played.runs
    assert one.run.state is RunState.CLOSED
    assert one.run.acknowledged_at is not None
    assert one.run.stood_down_at is not None
    assert {record.state for _, record in one.messages} == {DeliveryState.DRY_RUN}
    assert max(map(len, said)) <= 80


@pytest.mark.timeout(120)
def test_the_demos_bad_day_opens_one_run_and_ends_it() -> None:
    """The shipped story, with the demo's people."""
    story = shipped() / "demo"
    played, said = _apart(story / "story.jsonl", story, "product-outage", ENVIRON)
    _holds(played, said)
    assert "       Plan clos, par Bastien Roche" in said


@pytest.mark.soak
@pytest.mark.timeout(120)
def test_the_outage_of_july_2024_opens_one_run_and_ends_it(shared: Path, tmp_path: Path) -> None:
    """The day of the crisis, from the telecom company's stream, with the shipped plan."""
    stream = (shared / "data/streams/free-fr-2020-2025.jsonl").read_text("utf-8").splitlines()
    day = tmp_path / "day.jsonl"
    day.write_text("\n".join(line for line in stream if json.loads(line)["created_at"].startswith(DAY)) + "\n", "utf-8")
    played, said = _apart(day, CONFIGURATIONS / "free-fr", "negative-storm")
    _holds(played, said)
    assert "19 juillet 2024" in said
