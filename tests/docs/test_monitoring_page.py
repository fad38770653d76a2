"""The alert rules ring when they should and the dashboard shows what there is, by the word of Prometheus' own tool."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from itertools import combinations
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

from monitor.telemetry import metrics
from tests.docs.conftest import ROOT, script

RULES = ROOT / "config" / "prometheus" / "tocsin.rules.yaml"
DASHBOARD = ROOT / "config" / "grafana" / "tocsin.json"

JOB = 'job="tocsin", instance="a"'


def heartbeat(*, last: str, every: str, read: str = "0x100") -> Mapping[str, str]:
    """When it last arrived, how often it is sent, and when the configuration was read."""
    return {
        f"tocsin_heartbeat_last_success_timestamp_seconds{{{JOB}}}": last,
        f"tocsin_heartbeat_interval_seconds{{{JOB}}}": every,
        f"tocsin_config_last_reload_timestamp_seconds{{{JOB}}}": read,
    }


# For each alert: series (one value a minute), and the minutes at which it must be silent and must ring.
CASES: Mapping[str, tuple[Mapping[str, str], int, int]] = {
    "TocsinDown": ({f"up{{{JOB}}}": "1x5 0x10"}, 5, 9),
    "TocsinNobodyJudges": ({f"tocsin_evaluator_leads{{{JOB}}}": "1x5 0x20"}, 8, 14),
    "TocsinJudgingBehind": ({f"tocsin_evaluator_lag_mentions{{{JOB}}}": "0x5 6000x20"}, 12, 18),
    "TocsinMentionUnjudged": ({f"tocsin_mentions_unjudged_total{{{JOB}}}": "0x10 1x20"}, 9, 15),
    "TocsinSourceSilent": (
        {
            f'tocsin_source_last_success_timestamp_seconds{{{JOB}, source="news"}}': "0x60",
            f'tocsin_source_interval_seconds{{{JOB}, source="news"}}': "300x60",
        },
        14,
        22,
    ),
    "TocsinSourceStopped": ({f'tocsin_source_stopped{{{JOB}, source="news"}}': "0x5 1x5"}, 5, 7),
    "TocsinSourceNotUnderstood": (
        {
            f'tocsin_mentions_total{{{JOB}, source="news", outcome="stored"}}': "0+1x90",
            f'tocsin_mentions_total{{{JOB}, source="news", outcome="rejected"}}': "0x40 0+9x60",
        },
        39,
        80,
    ),
    "TocsinQueueOld": ({f"tocsin_delivery_oldest_pending_seconds{{{JOB}}}": "0+60x20"}, 6, 10),
    "TocsinReceiverFailing": ({f'tocsin_receiver_failures{{{JOB}, receiver="hub"}}': "0+1x10"}, 2, 6),
    "TocsinReceiverDisabled": ({f'tocsin_receiver_disabled{{{JOB}, receiver="hub"}}': "0x5 1x5"}, 5, 7),
    "TocsinReloadFailed": ({f"tocsin_config_last_reload_successful{{{JOB}}}": "1x5 0x20"}, 8, 14),
    "TocsinLoopLate": ({f"tocsin_loop_late_seconds_total{{{JOB}}}": "0x10 0+12x30"}, 10, 25),
    "TocsinWorkerFails": ({f'tocsin_worker_failures_total{{{JOB}, worker="evaluate"}}': "0x10 0+1x30"}, 10, 30),
    "TocsinStoreRefuses": ({f"tocsin_store_refuses{{{JOB}}}": "0x5 1x5"}, 5, 8),
    "TocsinDiskFull": (
        {
            f"tocsin_store_disk_free_bytes{{{JOB}}}": "500x10 50x20",
            f"tocsin_store_disk_size_bytes{{{JOB}}}": "1000x30",
        },
        9,
        20,
    ),
    "TocsinMemory": ({f"tocsin_resident_memory_bytes{{{JOB}}}": "100000000x5 900000000x30"}, 12, 20),
    "TocsinDescriptors": ({f"tocsin_open_fds{{{JOB}}}": "10x5 900x30", f"tocsin_max_fds{{{JOB}}}": "1000x35"}, 12, 20),
    "TocsinHeartbeatSilent": (heartbeat(last="60x30", every="60x30"), 10, 16),
}
# The same alert for other reasons.
MORE: Sequence[tuple[str, tuple[Mapping[str, str], int, int]]] = (
    ("TocsinHeartbeatSilent", (heartbeat(last="0x30", every="60x30", read="60x30"), 10, 16)),  # never arrived since the start
    ("TocsinHeartbeatSilent", (heartbeat(last="60x100", every="900x100"), 72, 80)),
)
INSTALLED = "file:///usr/share/doc/tocsin/"
# What must never ring: a value that stands for "does not apply".
SILENT: Sequence[tuple[str, Mapping[str, str]]] = (
    ("TocsinHeartbeatSilent", heartbeat(last="0x60", every="0x60")),
    ("TocsinHeartbeatSilent", heartbeat(last="0x14 900x14 1800x14 2700x14", every="900x60")),
    ("TocsinHeartbeatSilent", heartbeat(last="0x60", every="0x48 60x20", read="0x48 2940x20")),  # a reload asks for one
    (
        "TocsinDiskFull",
        {
            f"tocsin_store_disk_free_bytes{{{JOB}}}": "0x60",
            f"tocsin_store_disk_size_bytes{{{JOB}}}": "0x60",
        },
    ),
    (
        "TocsinSourceSilent",
        {
            f'tocsin_source_last_success_timestamp_seconds{{{JOB}, source="news"}}': "0+60x60",
            f'tocsin_source_interval_seconds{{{JOB}, source="news"}}': "3600x60",
            f'tocsin_source_failures{{{JOB}, source="news"}}': "9x60",
        },
    ),
)


@pytest.fixture(scope="module")
def monitoring() -> ModuleType:
    """The generator of both files."""
    return script("monitoring_page")


def promtool(*arguments: str | Path, given: bytes = b"") -> None:
    """Prometheus' own tool must be content."""
    if shutil.which("promtool") is None:
        pytest.skip("promtool is not installed (Debian: apt-get install prometheus)")
    done = subprocess.run(["promtool", *map(str, arguments)], input=given, capture_output=True, timeout=60, check=False)
    assert done.returncode == 0, (done.stdout + done.stderr).decode()


def shown() -> list[dict[str, Any]]:
    """The panels of the dashboard that show something."""
    panels = json.loads(DASHBOARD.read_text("utf-8"))["panels"]
    return [panel for panel in panels if panel["type"] != "row"]


def test_prometheus_takes_the_rules() -> None:
    """As they are shipped."""
    promtool("check", "rules", RULES)


def test_every_alert_rings_when_it_should_and_not_before(monitoring: ModuleType, tmp_path: Path) -> None:
    """Each is silent while all is well, and rings with its severity after it has lasted."""
    assert {alert.name for alert in monitoring.ALERTS} == set(CASES)
    tests = [
        {
            "interval": "1m",
            "input_series": [{"series": series, "values": values} for series, values in data.items()],
            "alert_rule_test": [
                {"eval_time": f"{calm}m", "alertname": name, "exp_alerts": []},
                {"eval_time": f"{rings}m", "alertname": name, "exp_alerts": [expected(monitoring, name, data)]},
            ],
        }
        for name, (data, calm, rings) in [*CASES.items(), *MORE]
    ]
    never = [
        {
            "interval": "1m",
            "input_series": [{"series": series, "values": values} for series, values in data.items()],
            "alert_rule_test": [{"eval_time": f"{at}m", "alertname": name, "exp_alerts": []} for at in (20, 45, 55)],
        }
        for name, data in SILENT
    ]
    (tmp_path / "rules.yaml").write_text(without_values(RULES.read_text("utf-8")), "utf-8")
    (tmp_path / "test.yaml").write_text(yaml.safe_dump({"rule_files": ["rules.yaml"], "tests": tests + never}), "utf-8")
    promtool("test", "rules", tmp_path / "test.yaml")


def without_values(text: str) -> str:
    """The rules, with the measured value left out of their words: it is not what is tested."""
    return re.sub(r"\{\{ \$value[^}]*\}\}", "so much", text)


def expected(monitoring: ModuleType, name: str, data: Mapping[str, str]) -> dict[str, Any]:
    """The alert as Prometheus sends it on."""
    alert = next(each for each in monitoring.ALERTS if each.name == name)
    labels = dict(re.findall(r'(\w+)="([^"]*)"', next(iter(data))))
    labels.pop("outcome", None)
    for lost in {"TocsinDown": ("job", "instance"), "TocsinNobodyJudges": ("instance",)}.get(name, ()):
        labels.pop(lost)
    words = without_values(alert.summary)
    for label, value in labels.items():
        words = words.replace(f"{{{{ $labels.{label} }}}}", value)
    return {
        "exp_labels": {"severity": alert.severity, **labels},
        "exp_annotations": {
            "summary": words,
            "description": alert.todo,
            "runbook_url": f"{INSTALLED}reference/alerts.md#{name.lower()}",
        },
    }


def test_prometheus_understands_every_expression_of_the_dashboard(tmp_path: Path) -> None:
    """Each is tried as a rule, with Grafana's own variable filled in."""
    expressions = [target["expr"].replace("$__rate_interval", "5m") for panel in shown() for target in panel["targets"]]
    rules = [{"record": f"panel:{number}", "expr": expr} for number, expr in enumerate(expressions)]
    file = tmp_path / "dashboard.rules.yaml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": rules}]}), "utf-8")
    promtool("check", "rules", file)


def test_prometheus_finds_no_fault_with_our_metrics() -> None:
    """Names, units and help texts follow its conventions."""
    promtool("check", "metrics", given=metrics.render())


def test_every_runbook_is_a_page_of_the_package(monitoring: ModuleType) -> None:
    """The address leads to a file that is there once the package is installed, and to its heading."""
    build = (ROOT / "packaging" / "debian" / "build").read_text("utf-8")
    assert 'cd "$source/docs"' in build
    assert '"$stage/usr/share/doc/tocsin"' in build
    for rule in yaml.safe_load(RULES.read_text("utf-8"))["groups"][0]["rules"]:
        page, _, heading = rule["annotations"]["runbook_url"].removeprefix(INSTALLED).partition("#")
        headings = re.findall(r"^## (.*)$", (ROOT / "docs" / page).read_text("utf-8"), re.MULTILINE)
        assert heading in [each.lower() for each in headings]


def test_no_expression_names_a_metric_that_is_gone(monitoring: ModuleType) -> None:
    """Rules and dashboard speak of metrics in our table, and of what Prometheus says of its job."""
    known = {definition.name for definition in metrics.definitions} | monitoring.OF_PROMETHEUS
    for alert in monitoring.ALERTS:
        assert monitoring.used(alert.expr) <= known, alert.name
        assert monitoring.used(alert.expr), alert.name
    for panel in shown():
        for target in panel["targets"]:
            assert monitoring.used(target["expr"]) <= known, panel["title"]


def test_the_dashboard_shows_every_metric(monitoring: ModuleType) -> None:
    """Whoever adds a metric has its panel."""
    drawn = {name for panel in shown() for target in panel["targets"] for name in monitoring.used(target["expr"])}
    assert {definition.name for definition in metrics.definitions} <= drawn


def test_the_dashboard_is_one_that_grafana_takes() -> None:
    """By its structure: ids once, everything within 24 columns, nothing on top of anything else, the source a variable."""
    whole = json.loads(DASHBOARD.read_text("utf-8"))
    assert (whole["uid"], whole["schemaVersion"]) == ("tocsin", 39)
    assert [each["type"] for each in whole["templating"]["list"]] == ["datasource"]
    panels = whole["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels) > 40
    for panel in panels:
        assert panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24
    for panel in shown():
        assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
        assert panel["description"]
        assert len({target["refId"] for target in panel["targets"]}) == len(panel["targets"])
    for first, second in combinations((panel["gridPos"] for panel in panels), 2):
        assert not overlap(first, second)


def overlap(first: Mapping[str, int], second: Mapping[str, int]) -> bool:
    """Whether two panels cover each other."""
    beside = first["x"] + first["w"] <= second["x"] or second["x"] + second["w"] <= first["x"]
    above = first["y"] + first["h"] <= second["y"] or second["y"] + second["h"] <= first["y"]
    return not beside and not above


def test_every_log_event_has_the_form_of_one_and_stands_once_in_the_reference() -> None:
    """`thing.happened`; words of a sentence cannot be searched for."""
    page = (ROOT / "docs" / "reference" / "log-events.md").read_text("utf-8")
    names = re.findall(r"^\| `([^`]+)`", page, re.MULTILINE)
    assert len(names) == len(set(names)) > 30
    logged = [
        (path, said)
        for package in ("monitor", "notifiers")
        for path in sorted((ROOT / package).rglob("*.py"))
        for said in re.findall(
            r"^\s*log\.(?:info|warning|error|exception)\(\s*\"([^\"]*)\"", path.read_text("utf-8"), re.MULTILINE
        )
    ]
    for path, said in logged:
        assert said in names, f"{path}: {said!r} is no event like `thing.happened`"
