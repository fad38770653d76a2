"""Old news is told, gently: what is past its source's `max_age` is gathered per rule instead of ringing one by one."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from monitor.domain.alert import BY_HAND, Alert
from monitor.domain.mention import Observed
from monitor.settings import Settings
from rules import AbsenceRule, AnyRule, Finding, MentionRule

LASTS = timedelta(hours=24)
"""How long after its last old mention the catch-up of a rule ends that does not say when its alerts do."""


def is_fresh(mention: Observed, settings: Settings) -> bool:
    """Whether it was written within its source's `max_age` before we saw it."""
    source = settings.sources.get(mention.source)
    return source is None or mention.seen_at - mention.written_at <= source.max_age


def gently(finding: Finding, mention: Observed, settings: Settings) -> Finding:
    """The finding itself when the mention is fresh; for an old one, its place in the rule's catch-up.

    That of a window that filled up long ago, too: it is no emergency any more, but perhaps nobody heard of it.
    """
    if is_fresh(mention, settings):
        return finding
    return replace(
        finding,
        key={"catch_up": mention.source},
        labels={**finding.labels, "catch_up": mention.source},
        subject=None,
        severity="info",
        plan=None,
        reasons=(*finding.reasons, f"written {mention.written_at:%Y-%m-%d}, before we were looking"),
    )


def is_gathered(alert: Alert) -> bool:
    """Whether an alert is a catch-up: a person ends it, or its time."""
    return "catch_up" in alert.labels


def lasts(alert: Alert, rule: AnyRule | None) -> timedelta | None:
    """How long an alert that ends by its time goes on after it was seen last; None when its rule is gone."""
    if isinstance(rule, MentionRule | AbsenceRule):
        return rule.resolve.after
    if alert.rule == BY_HAND:
        return LASTS
    return LASTS if rule is not None and is_gathered(alert) else None
