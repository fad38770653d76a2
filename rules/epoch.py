"""Moments as states keep them: seconds since the epoch."""

from __future__ import annotations

from datetime import UTC, datetime


def moment(seconds: float) -> datetime:
    """The same moment for people, in UTC."""
    return datetime.fromtimestamp(seconds, UTC)
