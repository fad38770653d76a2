"""The severities: three packages may not know each other, and must mean the same by them."""

from __future__ import annotations

from monitor.domain import alert
from notifiers import message
from rules import model


def test_all_know_the_same_severities_in_the_same_order() -> None:
    """From the mildest to the gravest: what rules find, what the daemon stores, what people are told."""
    assert model.SEVERITIES == alert.SEVERITIES == message.SEVERITIES == ("info", "warning", "critical")
