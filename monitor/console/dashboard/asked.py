"""What somebody wants to see on the dashboard: a stretch of days, a subject, and by what it is told apart."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final
from urllib.parse import urlencode

from monitor.console.tongue import N_
from monitor.domain.tally import ALL
from monitor.figures.course import By
from monitor.figures.span import Span

PERIODS: Final[Mapping[str, tuple[int, str]]] = {
    "24h": (2, N_("Since yesterday")),
    "7d": (7, N_("7 days")),
    "30d": (30, N_("30 days")),
    "90d": (90, N_("90 days")),
    "1y": (365, N_("A year")),
}
"""How many days, today included, and what that is called."""

WAYS: Final[Mapping[By, str]] = {"subject": N_("By subject"), "network": N_("By network"), "topic": N_("By topic")}
_USUAL: Final = "30d"
_LONGEST: Final = timedelta(days=1100)  # tallies are kept for three years


@dataclass(frozen=True, slots=True)
class Asked:
    """`period` is one of `PERIODS`, or "" for days that were chosen; `subject` an id, or `ALL`."""

    span: Span
    period: str
    subject: str
    by: By

    def query(self, **other: str) -> str:
        """The same in an address, with something else in it."""
        days = {"period": self.period} if self.period else {"from": str(self.span.first), "to": str(self.last)}
        asked = {**days, "subject": self.subject, "by": self.by} | other
        return urlencode({name: value for name, value in asked.items() if value})

    @property
    def last(self) -> date:
        """Its last day."""
        return self.span.until - timedelta(days=1)


def asked(query: Mapping[str, str], subjects: Collection[str], now: datetime, zone: str) -> Asked:
    """Whatever is not understood is as if nobody had said it."""
    period = query.get("period", "")
    chosen = _chosen(query, zone) if not period else None
    if chosen is None and period not in PERIODS:
        period = _USUAL
    subject = query.get("subject", ALL)
    by: By = next((way for way in WAYS if way == query.get("by")), "network")
    return Asked(
        chosen or Span.last(PERIODS[period][0], now, zone), "" if chosen else period, subject if subject in subjects else ALL, by
    )


def _chosen(query: Mapping[str, str], zone: str) -> Span | None:
    """From one day to another, whichever was said first; three years at most."""
    try:
        first, last = sorted(date.fromisoformat(query.get(name, "")) for name in ("from", "to"))
        until = last + timedelta(days=1)
        return Span(max(first, until - _LONGEST), until, zone) if first.year > 1970 else None  # noqa: PLR2004 days are numbered from there
    except (ValueError, OverflowError):
        return None
