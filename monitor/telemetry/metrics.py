"""Every figure that `/metrics` shows, defined once: the reference documentation is generated from the same table."""

from __future__ import annotations

import platform
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib.metadata import version
from typing import Literal, Self

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from monitor.domain.alert import ReceiverState
from monitor.domain.source import SourceState
from monitor.telemetry import process

PREFIX = "tocsin_"

# From a cached answer to a source's longest patience, in seconds.
_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)


@dataclass(frozen=True, slots=True)
class Definition:
    """One metric as Prometheus and the documentation show it."""

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    help: str
    labels: tuple[str, ...]
    group: str


class Stage:
    """Times one pass through a stage, also one that fails. Made by `Metrics.stage`."""

    def __init__(self, metrics: Metrics, name: str, events: int) -> None:
        self._metrics = metrics
        self._name = name
        self._events = events
        self._began = 0.0

    def __enter__(self) -> Self:
        self._began = time.perf_counter()
        return self

    def __exit__(self, *failure: object) -> None:
        self._metrics.stage_seconds.labels(stage=self._name).observe(time.perf_counter() - self._began)
        if self._events:
            self._metrics.stage_events.labels(stage=self._name).inc(self._events)

    async def __aenter__(self) -> Self:
        return self.__enter__()

    async def __aexit__(self, *failure: object) -> None:
        self.__exit__(*failure)


class Metrics:
    """The daemon's metrics, in a registry of their own. `definitions` is the table, in the order of the flow.

    A counter is `metrics.polls.labels(source="news", outcome="ok").inc()`; a wrong label raises ValueError at once.
    """

    content_type = CONTENT_TYPE_LATEST

    def __init__(self) -> None:
        disable_created_metrics()  # one more series per counter that nobody reads
        self.registry = CollectorRegistry()
        self.definitions: list[Definition] = []
        self._standing: defaultdict[str, list[Gauge]] = defaultdict(list)  # by their one label
        for group, define in (
            ("Sources", self._sources),
            ("Judging", self._judging),
            ("Telling people", self._acting),
            ("The process", self._process),
        ):
            self._group = group
            define()

    def render(self) -> bytes:
        """The Prometheus text format, to be sent with `content_type`."""
        return generate_latest(self.registry)

    def stage(self, name: str, events: int = 0) -> Stage:
        """Adds the time inside `with` or `async with` to a stage of the flow, and `events` to what it has worked through."""
        return Stage(self, name, events)

    def reloaded(self, *, ok: bool, at: datetime) -> None:
        """The configuration was read at `at`, or could not be, and the one before stays in force."""
        self.config_reload_successful.set(ok)
        if ok:
            self.config_reload_at.set(at.timestamp())

    def queue(self, pending: Mapping[str, int], behind: int, oldest: timedelta = timedelta(0)) -> None:
        """How much is owed to each receiver, for how long at most, and how many mentions wait to be judged."""
        self.deliveries_pending.clear()
        for receiver, count in pending.items():
            self.deliveries_pending.labels(receiver=receiver).set(count)
        self.delivery_oldest.set(max(oldest.total_seconds(), 0.0))
        self.evaluator_lag.set(behind)

    def heartbeat(self, every: timedelta | None) -> None:
        """How often a heartbeat is sent from now on. Without one nobody is told of its silence, nor at once when one is back."""
        self.heartbeat_every.set(every.total_seconds() if every else 0)
        if every is None:
            self.heartbeat_last_success.set(0)

    def keep(self, sources: Collection[str], receivers: Collection[str]) -> None:
        """Let go of how sources and receivers stand that are no longer there: nobody is to be told of their silence."""
        for gauge in self._standing["source"]:
            _keep(gauge, "source", sources)
        self.source_quota_left.clear()
        for gauge in self._standing["receiver"]:
            _keep(gauge, "receiver", receivers)

    def source(self, name: str, state: SourceState, every: timedelta, waiting: int) -> None:
        """What is known of a source between two polls."""
        self.source_every.labels(source=name).set(every.total_seconds())
        self.source_failures.labels(source=name).set(state.failures)
        self.source_stopped.labels(source=name).set(state.stopped)
        self.inbox_pending.labels(source=name).set(waiting)
        if state.last_success_at is not None:
            self.source_last_success.labels(source=name).set(state.last_success_at.timestamp())
        if state.watermark is not None:
            self.source_watermark.labels(source=name).set(state.watermark.timestamp())

    def source_health(
        self,
        name: str,
        *,
        lag: timedelta | None,
        errors_left: float | None,
        next_poll: datetime | None,
        brought_at: datetime | None,
        quiet: bool,
        quotas: Iterable[tuple[str, str, float]],
    ) -> None:
        """How a source stands now. `quotas`: what is counted, in which period, and how much of it is left."""
        _told(self.source_lag, name, lag.total_seconds() if lag is not None else None)
        _told(self.source_errors_left, name, errors_left)
        _told(self.source_next_poll, name, next_poll.timestamp() if next_poll else None)
        _told(self.source_brought, name, brought_at.timestamp() if brought_at else None)
        self.source_quiet.labels(source=name).set(quiet)
        for counts, per, left in quotas:
            self.source_quota_left.labels(source=name, counts=counts, per=per).set(left)

    def receiver(self, state: ReceiverState) -> None:
        """How a receiver stands."""
        self.receiver_failures.labels(receiver=state.receiver).set(state.failures)
        self.receiver_disabled.labels(receiver=state.receiver).set(state.disabled_at is not None)

    def _sources(self) -> None:
        self.polls = self._counter(
            "polls_total", "Polls of a source that ended, by how: ok, or the trouble that stopped it.", "source", "outcome"
        )
        self.poll_seconds = self._histogram("poll_seconds", "How long one poll of a source took.", "source")
        self.source_last_success = self._gauge(
            "source_last_success_timestamp_seconds", "When a source last answered (Unix time): alert on its age.", "source"
        )
        self.source_every = self._gauge("source_interval_seconds", "How often a source is asked.", "source")
        self.source_failures = self._gauge("source_failures", "Polls that failed in a row; 0 when the source answers.", "source")
        self.source_stopped = self._gauge(
            "source_stopped", "1 when a source is not asked any more until a person has mended its settings.", "source"
        )
        self.source_newest = self._gauge(
            "source_newest_mention_timestamp_seconds",
            "When the newest mention was written that a source has brought since the start (Unix time).",
            "source",
        )
        self.source_watermark = self._gauge(
            "source_watermark_timestamp_seconds",
            "All that a source said before this moment (Unix time) has been seen.",
            "source",
        )
        self.source_lag = self._gauge(
            "source_lag_seconds", "How long ago the moment is up to which all that a source said has been seen.", "source"
        )
        self.source_errors_left = self._gauge(
            "source_error_budget_left_ratio",
            "What is left of the share of a day's polls that may fail: 1 untouched, 0 used up, less than 0 overspent.",
            "source",
        )
        self.source_next_poll = self._gauge(
            "source_next_poll_timestamp_seconds",
            "When a source is asked next (Unix time); missing while it is stopped.",
            "source",
        )
        self.source_brought = self._gauge(
            "source_last_brought_timestamp_seconds",
            "When a source last brought something that it had not brought before (Unix time).",
            "source",
        )
        self.source_quiet = self._gauge(
            "source_quiet", "1 while a source answers, and brings nothing although by its own habit it should.", "source"
        )
        self.source_quota_left = self._gauge(
            "source_quota_left",
            "What is left of a budget: of what (`counts`; empty: calls), in which period (`per`).",
            "source", "counts", "per",
        )  # fmt: skip
        self.mentions = self._counter(
            "mentions_total", "Mentions a source brought, by what became of it: stored, duplicate, changed, rejected, kept_out.",
            "source", "outcome",
        )  # fmt: skip
        self.hooks = self._counter(
            "hooks_total", "Inbound webhook requests: accepted, duplicate, refused, too_large, failed.", "source", "outcome"
        )
        self.http_circuit_open = self._gauge(
            "http_circuit_open", "1 while a host that failed again and again is left alone, 0 while it is asked.", "host"
        )
        self.http_spared = self._counter(
            "http_spared_total", "Requests that were not made because their host is left alone.", "host"
        )
        self.http_inward = self._counter(
            "http_inward_refused_total", "Connections refused because they would have led to a private address."
        )
        self.inbox_pending = self._gauge("inbox_pending", "Inbound webhook bodies committed and not yet read.", "source")

    def _judging(self) -> None:
        self.second_opinions = self._counter(
            "second_opinions_total",
            "Mentions whose sentiment a slower engine was asked about: agreed, differed, or none where it gave no answer.",
            "outcome",
        )
        self.stage_events = self._counter("stage_events_total", "What a stage of the flow has worked through.", "stage")
        self.stage_seconds = self._histogram("stage_seconds", "How long a stage took for one batch.", "stage")
        self.evaluated = self._counter("evaluated_total", "Mentions the rules have judged.")
        self.unjudged = self._counter(
            "mentions_unjudged_total", "Mentions that a fault of ours kept from being judged, and that ops were told of."
        )
        self.evaluator_lag = self._gauge("evaluator_lag_mentions", "Mentions stored that the rules have not judged yet.")
        self.evaluator_leads = self._gauge("evaluator_leads", "1 while this process judges; of several on one store one does.")
        self.alerts_opened = self._counter("alerts_opened_total", "Alerts opened.", "rule", "severity")
        self.alerts_resolved = self._counter("alerts_resolved_total", "Alerts resolved.", "rule")
        self.alerts_open = self._gauge("alerts_open", "Alerts open now.", "severity")
        self.held_back = self._counter(
            "alerts_held_back_total",
            "Times an alert was told to nobody, or later, or only among others: `quiet_hours`, `inhibited`, `limited`, `silenced`"
            " or `observed`.",
            "rule",
            "reason",
        )
        self.plans_opened = self._counter("plans_opened_total", "Emergency plans opened.", "plan")

    def _acting(self) -> None:
        self.deliveries = self._counter(
            "deliveries_total", "Attempts to deliver a message: delivered, or the reason why not.", "receiver", "outcome"
        )
        self.delivery_seconds = self._histogram("delivery_seconds", "How long one attempt to deliver took.", "receiver")
        self.deliveries_pending = self._gauge("deliveries_pending", "Messages owed to a receiver, not yet delivered.", "receiver")
        self.receiver_failures = self._gauge(
            "receiver_failures", "Attempts to reach a receiver that failed in a row; 0 when it takes messages.", "receiver"
        )
        self.receiver_disabled = self._gauge(
            "receiver_disabled", "1 when a receiver has asked never to be called again: it is not tried any more.", "receiver"
        )
        self.mail_replies = self._counter(
            "mail_replies_total",
            "Letters that name one of our e-mails, by what became of them: acknowledged, noted, nothing (taken before, over, or"
            " not understood), automatic, stranger, gone (forgotten or closed), unreadable.",
            "outcome",
        )
        self.delivery_oldest = self._gauge(
            "delivery_oldest_pending_seconds", "How long the oldest message that is due has been waiting."
        )

    def _process(self) -> None:
        self.config_reload_successful = self._gauge(
            "config_last_reload_successful",
            "1 if the configuration was last read successfully, 0 if the one before is in force.",
        )
        self.config_reload_at = self._gauge(
            "config_last_reload_timestamp_seconds", "When the configuration was last read successfully (Unix time)."
        )
        self.loop_lag = self._gauge("loop_lag_seconds", "How late the event loop was when last looked at.")
        self.loop_late = self._counter("loop_late_seconds_total", "By how much the event loop has been late, all in all.")
        self.clock_jumps = self._counter("clock_jumps_total", "How often the wall clock has jumped, or the machine has slept.")
        self.store_refuses = self._gauge(
            "store_refuses",
            "1 while the store takes in nothing new: it is full, damaged, read-only or away. `/-/ready` says which.",
        )
        self.store_bytes = self._gauge("store_bytes", "How large the store's files are. SQLite only.")
        self.store_disk_free = self._gauge("store_disk_free_bytes", "What is free on the store's disk. SQLite only.")
        self.store_disk_size = self._gauge("store_disk_size_bytes", "How large the store's disk is. SQLite only.")
        self.build_info = self._gauge("build_info", "Always 1: which version runs, on which Python.", "version", "python")
        self.build_info.labels(version=version("tocsin"), python=platform.python_version()).set(1)
        self.heartbeat_every = self._gauge(
            "heartbeat_interval_seconds", "How often the outbound heartbeat is sent; 0: there is none."
        )
        self.heartbeat_last_success = self._gauge(
            "heartbeat_last_success_timestamp_seconds",
            "When the outbound heartbeat last arrived (Unix time); 0: never, or there is none.",
        )
        self.worker_failures = self._counter("worker_failures_total", "Errors of ours that a worker survived.", "worker")
        # prometheus_client's own ProcessCollector reads /proc/stat, which our unit hides, and then shows nothing at all.
        self._read("resident_memory_bytes", "How much memory the process has.", process.resident_bytes)
        self._read("open_fds", "How many files and connections the process has open.", process.open_descriptors)
        self._read("max_fds", "How many files and connections the process may have open.", process.most_descriptors)
        self.start = self._gauge("start_timestamp_seconds", "When the process began (Unix time).")
        self.start.set_to_current_time()

    def _counter(self, name: str, words: str, *labels: str) -> Counter:
        return Counter(self._define(name, "counter", words, labels), words, labels, registry=self.registry)

    def _gauge(self, name: str, words: str, *labels: str) -> Gauge:
        gauge = Gauge(self._define(name, "gauge", words, labels), words, labels, registry=self.registry)
        if len(labels) == 1:
            self._standing[labels[0]].append(gauge)
        return gauge

    def _read(self, name: str, words: str, read: Callable[[], float]) -> None:
        """A gauge that is read whenever somebody asks."""
        self._gauge(name, words).set_function(read)

    def _histogram(self, name: str, words: str, *labels: str) -> Histogram:
        name = self._define(name, "histogram", words, labels)
        return Histogram(name, words, labels, registry=self.registry, buckets=_SECONDS)

    def _define(self, name: str, kind: Literal["counter", "gauge", "histogram"], words: str, labels: tuple[str, ...]) -> str:
        self.definitions.append(Definition(PREFIX + name, kind, words, labels, self._group))
        return PREFIX + name


def _told(gauge: Gauge, source: str, value: float | None) -> None:
    """Set what is known of a source; what is not is not shown, rather than shown as it was."""
    if value is not None:
        gauge.labels(source=source).set(value)
    else:
        with suppress(KeyError):  # some versions of the library mind that there is none
            gauge.remove(source)


def _keep(gauge: Gauge, label: str, names: Collection[str]) -> None:
    known = {sample.labels[label] for family in gauge.collect() for sample in family.samples}
    for gone in known.difference(names):
        gauge.remove(gone)


metrics = Metrics()
