"""What the daemon says about itself: one log line per event, figures for Prometheus, its state for systemd."""

from __future__ import annotations

from monitor.telemetry import systemd
from monitor.telemetry.logs import configure_logging
from monitor.telemetry.loop import watch_loop
from monitor.telemetry.metrics import Definition, Metrics, metrics
from monitor.telemetry.redact import hide_secrets, one_line, safe_address

__all__ = [
    "Definition",
    "Metrics",
    "configure_logging",
    "hide_secrets",
    "metrics",
    "one_line",
    "safe_address",
    "systemd",
    "watch_loop",
]
