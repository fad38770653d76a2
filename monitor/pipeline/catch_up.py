"""Old news is told, gently: what is past its source's `max_age` is gathered per rule instead of ringing one by one."""

from __future__ import annotations

from dataclasses import replace

from monitor.domain.alert import PERSONAL
from monitor.domain.mention import Observed
from monitor.settings import Settings
from rules import Finding


def is_fresh(mention: Observed, settings: Settings) -> bool:
    """Whether it was written within its source's `max_age` before we saw it."""
    source = settings.sources.get(mention.source)
    return source is None or mention.seen_at - mention.written_at <= source.max_age


def gently(finding: Finding, mention: Observed, settings: Settings) -> Finding | None:
    """The finding itself when the mention is fresh; for an old one, its place in the rule's catch-up; None for old windows.

    A window that filled up long ago is history: it has taught the baseline, and ringing for it now would mislead.
    """
    if is_fresh(mention, settings):
        return finding
    if finding.kind not in PERSONAL:
        return None
    return replace(
        finding,
        key={"catch_up": mention.source},
        labels={**finding.labels, "catch_up": mention.source},
        subject=None,
        severity="info",
        plan=None,
        reasons=(*finding.reasons, f"written {mention.written_at:%Y-%m-%d}, before we were looking"),
    )
