"""What docs/reference/validation.md promises of real streams, from the file to the plan, with the configurations it names."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from multiprocessing import get_context
from pathlib import Path

import pytest

from bench.validation.streams import CONFIGURATIONS, judged
from monitor.domain.alert import Alert, DeliveryState, NotificationKind
from monitor.pipeline.outcome import Outcome
from monitor.settings import load

# Neither stream says who answers whom, who is followed, or what is a reply; nobody is praised more than every day.
SILENT = {
    *("unanswered-question", "unanswered-complaint", "engagement-soars", "engagement-falls", "ambassador", "praise"),
    *("new-hashtag", "own-hashtag-misspelt", "hashtag-misspelt", "rival-spike", "rival-new-hashtag"),
}
MOST_CRISES = 8  # in five bad days of six airlines, which are 720 hours


def _judged(stream: Path, config: str, folder: Path) -> Outcome:
    """In a process of its own: measuring which lines it covers would double its time."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as apart:
        return apart.submit(judged, stream, config, folder).result()


def _of(outcome: Outcome, rule: str) -> list[Alert]:
    return [alert for alert in outcome.alerts if alert.rule == rule]


@pytest.mark.parametrize("config", ["free-fr", "airlines"])
def test_the_configurations_read_well_without_the_data(config: str) -> None:
    """They judge by the shipped rules, and by nothing else."""
    settings = load(CONFIGURATIONS / config)
    assert {"complaint", "influencer", "crisis", "storm", "safety"} <= {rule.id for rule in settings.rules}


@pytest.mark.timeout(600)
def test_the_outage_of_july_2024_rings_once(shared: Path, tmp_path: Path) -> None:
    """Four years of posts to a telecom company: one crisis, on the evening of the outage, with one plan and the reason why."""
    outcome = _judged(shared / "data/streams/free-fr-2020-2025.jsonl", "free-fr", tmp_path)
    assert (outcome.read, outcome.stored, outcome.rejected) == (2_796, 2_796, 0)
    (crisis,), (storm,), (run,) = _of(outcome, "crisis"), _of(outcome, "storm"), outcome.plan_runs
    assert datetime(2024, 7, 19, 17, 0, tzinfo=UTC) <= crisis.fired_at <= datetime(2024, 7, 19, 18, 35, tzinfo=UTC)
    assert "authors within 1h, usually" in crisis.reasons[0]
    assert crisis.observed >= 15 > (crisis.expected or 0.0) * 3
    assert (storm.incident_id, run.incident_id) == (crisis.incident_id, crisis.incident_id)
    assert (run.plan, run.opened_at) == ("negative-storm", crisis.opened_at)
    told = [each for each in outcome.deliveries if each.kind is NotificationKind.PLAN]
    assert [each.state for each in told] == [DeliveryState.DRY_RUN]
    assert {each.key["term"] for each in _of(outcome, "new-topic")} == {"outage", "network"}
    assert all(crisis.fired_at < each.fired_at < datetime(2024, 7, 19, 18, 30, tzinfo=UTC) for each in _of(outcome, "new-topic"))
    assert len(_of(outcome, "purchase-intent")) == 18
    assert not SILENT & {each.rule for each in outcome.alerts}


@pytest.mark.soak
@pytest.mark.timeout(600)
def test_unhappy_passengers_are_no_crisis_an_hour(shared: Path, tmp_path: Path) -> None:
    """Five days of tweets to six airlines: all stored once, some bad days, hundreds of single complaints, no storm."""
    outcome = _judged(shared / "data/streams/airlines-2015-02-16-to-21.jsonl", "airlines", tmp_path)
    assert (outcome.read, outcome.stored, outcome.duplicates, outcome.rejected) == (6_597, 6_597, 0, 0)
    crises = _of(outcome, "crisis")
    assert 1 <= len(crises) <= MOST_CRISES
    assert max(Counter((each.key["subject"], each.fired_at.date()) for each in crises).values()) == 1
    # In a replay nobody closes a run: another crisis of the same airline joins the one that is open, once its incident is calm.
    assert len({each.key["subject"] for each in crises}) <= len(outcome.plan_runs) < len({each.incident_id for each in crises})
    assert _of(outcome, "storm") == []
    assert len(_of(outcome, "complaint")) > 1_000
    assert len(_of(outcome, "purchase-intent")) == 7
    assert not (SILENT | {"new-topic"}) & {each.rule for each in outcome.alerts}
