"""The figures, read back with Prometheus' own parser."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from math import isnan
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from monitor.domain.alert import ReceiverState
from monitor.domain.source import SourceState
from monitor.telemetry import Metrics, process


def figures(metrics: Metrics) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """Every sample by name and labels."""
    families = text_string_to_metric_families(metrics.render().decode())
    return {(s.name, tuple(sorted(s.labels.items()))): s.value for family in families for s in family.samples}


@pytest.fixture
def metrics() -> Metrics:
    """Metrics of its own, so that tests share no figures."""
    return Metrics()


def test_a_counter_counts_by_its_labels(metrics: Metrics) -> None:
    """What is counted for one source stands under its name."""
    metrics.mentions.labels(source="news", outcome="stored").inc(3)
    metrics.mentions.labels(source="news", outcome="duplicate").inc()
    read = figures(metrics)
    assert read["tocsin_mentions_total", (("outcome", "stored"), ("source", "news"))] == 3
    assert read["tocsin_mentions_total", (("outcome", "duplicate"), ("source", "news"))] == 1


def test_a_wrong_label_is_an_error(metrics: Metrics) -> None:
    """A label that the table does not name is refused where it is used."""
    with pytest.raises(ValueError, match="label"):
        metrics.polls.labels(feed="news")


def test_the_table_is_what_is_shown(metrics: Metrics) -> None:
    """Every metric of ours is in the table that the documentation is made from: same name, kind and words; all are prefixed."""
    families = {f.name: f for f in text_string_to_metric_families(metrics.render().decode()) if f.name.startswith("tocsin_")}
    table = {d.name.removesuffix("_total"): d for d in metrics.definitions}
    assert families.keys() == table.keys()
    for name, definition in table.items():
        assert (families[name].type, families[name].documentation) == (definition.kind, definition.help)
        assert definition.help.endswith(".") or "alert on its age" in definition.help


def test_every_attribute_is_defined_once(metrics: Metrics) -> None:
    """No two metrics share a name."""
    names = [definition.name for definition in metrics.definitions]
    assert len(names) == len(set(names)) > 20


async def test_a_stage_is_timed_also_when_it_fails(metrics: Metrics) -> None:
    """Both forms of `with` add time and events to their stage; a failure is timed and passed on."""
    with metrics.stage("enrich", 50):
        pass
    async with metrics.stage("enrich", 7):
        pass
    with pytest.raises(RuntimeError), metrics.stage("store"):
        raise RuntimeError
    read = figures(metrics)
    assert read["tocsin_stage_events_total", (("stage", "enrich"),)] == 57
    assert read["tocsin_stage_seconds_count", (("stage", "enrich"),)] == 2
    assert read["tocsin_stage_seconds_count", (("stage", "store"),)] == 1


def test_a_refused_reload_keeps_the_moment_of_the_good_one(metrics: Metrics) -> None:
    """The timestamp is that of the configuration in force."""
    good = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
    metrics.reloaded(ok=True, at=good)
    assert figures(metrics)["tocsin_config_last_reload_successful", ()] == 1
    metrics.reloaded(ok=False, at=good + timedelta(hours=1))
    read = figures(metrics)
    assert read["tocsin_config_last_reload_successful", ()] == 0
    assert read["tocsin_config_last_reload_timestamp_seconds", ()] == good.timestamp()


def test_a_receiver_owed_nothing_is_no_longer_shown(metrics: Metrics) -> None:
    """The queue's depth is what it is now, not what it once was."""
    metrics.queue({"ops": 3, "boss": 1}, behind=12, oldest=timedelta(seconds=90))
    metrics.queue({"boss": 2}, behind=0)
    read = figures(metrics)
    assert read["tocsin_deliveries_pending", (("receiver", "boss"),)] == 2
    assert ("tocsin_deliveries_pending", (("receiver", "ops"),)) not in read
    assert read["tocsin_evaluator_lag_mentions", ()] == 0
    assert read["tocsin_delivery_oldest_pending_seconds", ()] == 0


def test_what_is_gone_stands_nowhere(metrics: Metrics) -> None:
    """After a reload nobody is told of the silence of a source that was removed; what stays keeps its figures."""
    for name in ("news", "former"):
        metrics.source(name, SourceState(name, failures=2), timedelta(minutes=5), waiting=0)
        metrics.receiver(ReceiverState(name, failures=1))
        metrics.polls.labels(source=name, outcome="ok").inc()
    metrics.keep(["news"], ["news"])
    read = figures(metrics)
    assert read["tocsin_source_failures", (("source", "news"),)] == 2
    assert read["tocsin_source_interval_seconds", (("source", "news"),)] == 300
    standing = {name for name, labels in read if ("source", "former") in labels or ("receiver", "former") in labels}
    assert standing == {"tocsin_polls_total"}, "a counter keeps what it counted"


def test_a_source_and_a_receiver_show_how_they_stand(metrics: Metrics) -> None:
    """Stopped, disabled, and since when."""
    good = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
    metrics.source("news", SourceState("news", last_success_at=good, watermark=good, stopped=True), timedelta(hours=1), waiting=4)
    metrics.receiver(ReceiverState("hub", disabled_at=good, failures=3))
    read = figures(metrics)
    about = (("source", "news"),)
    assert read["tocsin_source_stopped", about] == 1
    assert read["tocsin_inbox_pending", about] == 4
    assert read["tocsin_source_last_success_timestamp_seconds", about] == good.timestamp()
    assert read["tocsin_source_watermark_timestamp_seconds", about] == good.timestamp()
    assert read["tocsin_receiver_disabled", (("receiver", "hub"),)] == 1
    assert read["tocsin_receiver_failures", (("receiver", "hub"),)] == 3


def test_a_heartbeat_that_is_no_longer_wanted_is_forgotten(metrics: Metrics) -> None:
    """Nobody rings for its silence, nor at once when there is one again."""
    metrics.heartbeat(timedelta(minutes=15))
    metrics.heartbeat_last_success.set(7)
    metrics.heartbeat(timedelta(minutes=1))
    read = figures(metrics)
    assert (read["tocsin_heartbeat_interval_seconds", ()], read["tocsin_heartbeat_last_success_timestamp_seconds", ()]) == (60, 7)
    metrics.heartbeat(None)
    read = figures(metrics)
    assert (read["tocsin_heartbeat_interval_seconds", ()], read["tocsin_heartbeat_last_success_timestamp_seconds", ()]) == (0, 0)


def test_the_build_is_named(metrics: Metrics) -> None:
    """The version that runs stands among the figures."""
    text = metrics.render().decode()
    assert 'tocsin_build_info{python="3.' in text
    assert "_created" not in text


def test_the_process_shows_what_it_takes(metrics: Metrics) -> None:
    """Memory, descriptors and their limit are what the kernel says at this moment."""
    before = figures(metrics)
    assert before["tocsin_resident_memory_bytes", ()] > 10_000_000
    assert before["tocsin_max_fds", ()] == resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    opened = [os.open(os.devnull, os.O_RDONLY) for _ in range(20)]
    try:
        assert figures(metrics)["tocsin_open_fds", ()] == before["tocsin_open_fds", ()] + 20
    finally:
        for each in opened:
            os.close(each)


SEALED = "mount -t proc -o subset=pid proc /proc"


def test_the_process_is_measured_within_the_sandbox_of_the_unit() -> None:
    """`ProcSubset=pid` hides all of /proc but processes: how large and since when this one is can be seen all the same."""
    if subprocess.run(["unshare", "-m", "sh", "-c", SEALED], capture_output=True, check=False).returncode != 0:
        pytest.skip("no /proc can be mounted here: only root may, and not in every container")
    show = "from monitor.telemetry import metrics; print(metrics.render().decode())"
    script = f'{SEALED} && [ ! -e /proc/stat ] && exec "$0" -c "$1"'
    done = subprocess.run(["unshare", "-m", "sh", "-c", script, sys.executable, show], capture_output=True, text=True, check=True)
    read = {family.name: family.samples[0].value for family in text_string_to_metric_families(done.stdout) if family.samples}
    assert read["tocsin_resident_memory_bytes"] > 10_000_000
    assert 0 < read["tocsin_open_fds"] < read["tocsin_max_fds"]
    assert 0 <= datetime.now(UTC).timestamp() - read["tocsin_start_timestamp_seconds"] < 60


def test_without_proc_the_other_figures_are_shown(metrics: Metrics, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Where the kernel is no Linux, what cannot be read is not a number, and the page is there."""
    monkeypatch.setattr(process, "SELF", tmp_path / "none")
    read = figures(metrics)
    assert isnan(read["tocsin_resident_memory_bytes", ()])
    assert isnan(read["tocsin_open_fds", ()])
    assert read["tocsin_start_timestamp_seconds", ()] > 0


def test_the_health_of_a_source_is_shown_as_far_as_it_is_known(metrics: Metrics) -> None:
    """What is not known any more is missing: an old figure would say that all is well."""
    at = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
    quotas = [("", "day", 40.0), ("posts", "month", 7.0)]
    metrics.source_health(
        "news", lag=timedelta(minutes=2), errors_left=0.5, next_poll=at, brought_at=at, quiet=True, quotas=quotas
    )
    labels = {"source": "news"}
    value = metrics.registry.get_sample_value
    assert value("tocsin_source_lag_seconds", labels) == 120
    assert value("tocsin_source_error_budget_left_ratio", labels) == 0.5
    assert value("tocsin_source_next_poll_timestamp_seconds", labels) == at.timestamp()
    assert value("tocsin_source_last_brought_timestamp_seconds", labels) == at.timestamp()
    assert value("tocsin_source_quiet", labels) == 1
    assert value("tocsin_source_quota_left", labels | {"counts": "posts", "per": "month"}) == 7
    metrics.source_health("news", lag=None, errors_left=None, next_poll=None, brought_at=None, quiet=False, quotas=[])
    assert value("tocsin_source_lag_seconds", labels) is None
    assert value("tocsin_source_next_poll_timestamp_seconds", labels) is None


def test_quotas_of_a_source_that_was_removed_are_gone(metrics: Metrics) -> None:
    """A reload lets go of them with all else that is known of the source."""
    metrics.source_health(
        "news", lag=None, errors_left=None, next_poll=None, brought_at=None, quiet=False, quotas=[("", "day", 40.0)]
    )
    metrics.keep(["other"], [])
    assert b"tocsin_source_quota_left{counts" not in metrics.render()
