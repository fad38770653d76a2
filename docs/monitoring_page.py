"""What an operator's own tools need: alert rules for Prometheus, a dashboard for Grafana. Both speak of our metrics alone.

The dashboard has a panel for every metric: its kind, its unit and its labels say how it is drawn. What is worth waking somebody
for is a judgement, and stands here in a table.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import yaml

from monitor.telemetry import Definition, metrics

OF_PROMETHEUS = {"up"}  # what it says of each scrape job
_NAMES = re.compile(r"\b(?:tocsin|process)_\w+|\bup\b")
_SUFFIX = re.compile(r"_(?:bucket|sum|count)$")
# Where the Debian package puts the page: whoever publishes it elsewhere replaces the beginning.
_PAGE = "file:///usr/share/doc/tocsin/reference/alerts.md"


@dataclass(frozen=True, slots=True)
class Alert:
    """One rule. `lasts` is how long it must hold; `todo` is what the person who is woken does first."""

    name: str
    severity: str
    lasts: str
    expr: str
    summary: str
    todo: str


ALERTS = (
    Alert(
        "TocsinDown", "critical", "2m", 'absent(up{job="tocsin"} == 1)',
        "No Tocsin answers: nothing is watched and nobody is told.",
        "Look at `systemctl status tocsin` and its journal. Exit code 78: the configuration is wrong; 69: no store, or no port.",
    ),
    Alert(
        "TocsinNobodyJudges", "critical", "5m", "sum by (job) (tocsin_evaluator_leads) == 0",
        "Mentions are stored, and no process applies the rules to them.",
        "`/-/ready` says why. Otherwise another process holds the lease: it ends by itself after a minute.",
    ),
    Alert(
        "TocsinJudgingBehind", "warning", "10m", "tocsin_evaluator_lag_mentions > 5000",
        "{{ $value }} mentions wait to be judged: alerts come late.",
        "After a long stop this is the backlog, and sinks. Otherwise look at the loop's lag and at the store's disk.",
    ),
    Alert(
        "TocsinMentionUnjudged", "critical", "0m", "increase(tocsin_mentions_unjudged_total[1h]) > 0",
        "A fault of Tocsin's own kept a mention from being judged: no rule has read it.",
        "The alert `judging-health` shows the mention: read it yourself. `mention.unjudged` in the log says what to report.",
    ),
    Alert(
        "TocsinSourceSilent", "warning", "5m",
        "time() - tocsin_source_last_success_timestamp_seconds > clamp_min(3 * tocsin_source_interval_seconds, 600)"
        " or (tocsin_source_failures >= 3 unless tocsin_source_last_success_timestamp_seconds)",
        "{{ $labels.source }} has not answered for three of its turns: what is said there is not seen.",
        "`tocsin sources try NAME` shows what it answers.",
    ),
    Alert(
        "TocsinSourceStopped", "critical", "0m", "tocsin_source_stopped == 1",
        "{{ $labels.source }} is not asked any more: it refuses us for good, as with a wrong password.",
        "Mend its settings or its token, then reload.",
    ),
    Alert(
        "TocsinSourceNotUnderstood", "warning", "15m",
        'sum by (job, instance, source) (rate(tocsin_mentions_total{outcome="rejected"}[30m]))'
        " > 0.5 * sum by (job, instance, source) (rate(tocsin_mentions_total[30m]))",
        "Most of what {{ $labels.source }} brings cannot be understood, and is lost.",
        "The events `mention.rejected` in the log say why; `tocsin sources try NAME` shows the rest.",
    ),
    Alert(
        "TocsinQueueOld", "critical", "2m", "tocsin_delivery_oldest_pending_seconds > 300",
        "A message has been due for {{ $value | humanizeDuration }}: somebody has not been told.",
        "`tocsin status` says whom; `tocsin receivers try NAME` sends a test.",
    ),
    Alert(
        "TocsinReceiverFailing", "warning", "1m", "tocsin_receiver_failures >= 3",
        "{{ $labels.receiver }} has not taken {{ $value }} messages in a row.",
        "`tocsin receivers try NAME` says why. Until then tell its people another way.",
    ),
    Alert(
        "TocsinReceiverDisabled", "critical", "0m", "tocsin_receiver_disabled == 1",
        "{{ $labels.receiver }} has asked never to be called again, and is not.",
        "Give it another address in monitor.yaml, then reload.",
    ),
    Alert(
        "TocsinReloadFailed", "warning", "5m", "tocsin_config_last_reload_successful == 0",
        "The configuration that lies there was refused; the one before is in force, until the next start.",
        "`tocsin check` says what is wrong with it.",
    ),
    Alert(
        "TocsinLoopLate", "warning", "5m", "rate(tocsin_loop_late_seconds_total[5m]) > 0.1",
        "The event loop is late a tenth of the time or more: everything waits for everything.",
        "The machine is too busy or swaps; the events `loop.blocked` say when it began.",
    ),
    Alert(
        "TocsinWorkerFails", "warning", "5m", "increase(tocsin_worker_failures_total[10m]) > 3",
        "{{ $labels.worker }} fails again and again for a reason of ours.",
        "The events `worker.failed` in the log have the traceback; `/-/ready` names the workers.",
    ),
    Alert(
        "TocsinStoreRefuses", "critical", "1m", "tocsin_store_refuses == 1",
        "Nothing new is kept: callers are answered 503, and nobody is told of what is said now.",
        "`/-/ready` says why, and the events `store.…` in the log what to do.",
    ),
    Alert(
        "TocsinDiskFull", "critical", "5m",
        "tocsin_store_disk_free_bytes < 0.1 * tocsin_store_disk_size_bytes"
        " or (predict_linear(tocsin_store_disk_free_bytes[6h], 86400) < 0 and tocsin_store_disk_size_bytes > 0)",
        "The store's disk is almost full, or will be within a day.",
        "Free some space, or shorten `storage.retention` and reload.",
    ),
    Alert(
        "TocsinMemory", "warning", "10m", "tocsin_resident_memory_bytes > 800000000",
        "Tocsin uses {{ $value | humanize1024 }}B; the unit ends it at 1 GiB.",
        "Restart it when it suits you, nothing is lost; and report what it was doing.",
    ),
    Alert(
        "TocsinDescriptors", "warning", "10m", "tocsin_open_fds > 0.8 * tocsin_max_fds",
        "Tocsin is about to run out of file descriptors.",
        "Many callers at the public door? Otherwise restart it, and report what it was doing.",
    ),
    Alert(
        "TocsinHeartbeatSilent", "warning", "1m",
        # One that has never arrived is waited for since the configuration was read that asks for it.
        "time() - (tocsin_heartbeat_last_success_timestamp_seconds > 0 or tocsin_config_last_reload_timestamp_seconds)"
        " > clamp_min(5 * tocsin_heartbeat_interval_seconds, 600) and tocsin_heartbeat_interval_seconds > 0",
        "The heartbeat has not arrived for {{ $value | humanizeDuration }}: whoever expects it thinks that we are gone.",
        "The event `heartbeat.silent` says why.",
    ),
)  # fmt: skip


def used(expr: str) -> set[str]:
    """The metrics that an expression names."""
    return {_SUFFIX.sub("", name) for name in _NAMES.findall(re.sub(r'"[^"]*"', "", expr))}


def rules_file(note: str) -> str:
    """Alert rules, for `rule_files` of prometheus.yml."""
    rules = [
        {
            "alert": alert.name,
            "expr": alert.expr,
            "for": alert.lasts,
            "labels": {"severity": alert.severity},
            "annotations": {
                "summary": alert.summary,
                "description": alert.todo,
                "runbook_url": f"{_PAGE}#{alert.name.lower()}",
            },
        }
        for alert in ALERTS
    ]
    head = f"# {note.removeprefix('<!-- ').removesuffix(' -->')}\n# The scrape job must be called `tocsin`.\n"
    return head + yaml.safe_dump({"groups": [{"name": "tocsin", "rules": rules}]}, sort_keys=False, width=130, allow_unicode=True)


def alerts_page(note: str) -> str:
    """What each alert means and what to do."""
    lines = [note, "", "# Alerts about Tocsin itself", ""]
    lines += ["What [the rules for Prometheus](../how-to/watch-the-watcher.md#prometheus) ring for, and what to do first."]
    for alert in ALERTS:
        lines += ["", f"## {alert.name}", "", _in_general(alert.summary), "", alert.todo, ""]
        lines += [f"*{alert.severity}, when this holds for {alert.lasts}:*", "", "```promql", alert.expr, "```"]
    return "\n".join(lines) + "\n"


def _in_general(summary: str) -> str:
    """What Prometheus fills in stands as *source*, *receiver*, *N*: the label's name, or a number."""
    return re.sub(r"\{\{ (?:\$labels\.(\w+)|\$value).*?\}\}", lambda filled: f"*{filled[1] or 'N'}*", summary)


# The first row: one look tells whether all is well.
_GLANCE = (
    ("Alerts open", "sum(tocsin_alerts_open) or vector(0)", "none", "What rings now."),
    ("Oldest message due", "max(tocsin_delivery_oldest_pending_seconds)", "s", "How long somebody has been waiting to be told."),
    ("Waiting to be judged", "sum(tocsin_evaluator_lag_mentions)", "none", "Mentions that the rules have not seen."),
    ("Most silent source", "max(time() - tocsin_source_last_success_timestamp_seconds)", "s", "Since one last answered."),
    (
        "Configuration in force",
        "min(tocsin_config_last_reload_successful)",
        "bool_yes_no",
        "No: the newest file was refused.",
    ),
    ("Up since", "min(tocsin_start_timestamp_seconds) * 1000", "dateTimeFromNow", "When the process began."),
)
_SOURCE = {"type": "prometheus", "uid": "${datasource}"}


def dashboard() -> str:
    """The dashboard, to be imported or provisioned."""
    panels = [_numbered(number, panel) for number, panel in enumerate(_panels(), start=1)]
    whole = {
        "uid": "tocsin",
        "title": "Tocsin",
        "tags": ["tocsin"],
        "schemaVersion": 39,
        "version": 1,
        "editable": True,
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "timezone": "browser",
        "templating": {"list": [{"name": "datasource", "type": "datasource", "query": "prometheus", "label": "Data source"}]},
        "annotations": {"list": []},
        "panels": panels,
    }
    return json.dumps(whole, indent=2, ensure_ascii=False) + "\n"


def _numbered(number: int, panel: dict[str, Any]) -> dict[str, Any]:
    return {"id": number, **panel}


def _panels() -> Iterator[dict[str, Any]]:
    for column, (title, expr, unit, words) in enumerate(_GLANCE):
        yield _panel("stat", title, words, unit, {"h": 4, "w": 4, "x": column * 4, "y": 0}, (expr, ""))
    top = 4
    for group, definitions in groupby(metrics.definitions, key=lambda each: each.group):
        yield {"type": "row", "title": group, "collapsed": False, "gridPos": {"h": 1, "w": 24, "x": 0, "y": top}, "panels": []}
        drawn = list(definitions)
        for index, definition in enumerate(drawn):
            place = {"h": 7, "w": 8, "x": index % 3 * 8, "y": top + 1 + index // 3 * 7}
            yield _panel("timeseries", definition.name, definition.help, _unit(definition), place, query(definition))
        top += 1 + (len(drawn) + 2) // 3 * 7


def _panel(kind: str, title: str, words: str, unit: str, place: dict[str, int], shown: tuple[str, str]) -> dict[str, Any]:
    expr, legend = shown
    return {
        "type": kind,
        "title": title,
        "description": words,
        "gridPos": place,
        "datasource": _SOURCE,
        "fieldConfig": {"defaults": {"unit": unit}, "overrides": []},
        "options": {},
        "targets": [{"refId": "A", "datasource": _SOURCE, "expr": expr, "legendFormat": legend or "__auto"}],
    }


def query(metric: Definition) -> tuple[str, str]:
    """How one metric is drawn, and what its lines are called: rates of counters, the slow end of histograms, ages of moments."""
    legend = " ".join(f"{{{{{label}}}}}" for label in metric.labels)
    by = ", ".join(metric.labels)
    if metric.kind == "counter":
        rate = f"rate({metric.name}[$__rate_interval])"
        return (f"sum by ({by}) ({rate})" if by else f"sum({rate})"), legend
    if metric.kind == "histogram":
        slow = f"sum by (le, {by}) (rate({metric.name}_bucket[$__rate_interval]))"
        return f"histogram_quantile(0.95, {slow})", legend
    shown = f"time() - ({metric.name} > 0)" if metric.name.endswith("_timestamp_seconds") else metric.name
    return (f"max by ({by}) ({shown})" if by else f"max({shown})"), legend


def _unit(metric: Definition) -> str:
    """Grafana's name of the unit."""
    if metric.kind == "counter":
        return "percentunit" if metric.name.endswith("_seconds_total") else "ops"
    return "s" if metric.name.endswith("_seconds") else "bytes" if metric.name.endswith("_bytes") else "none"
