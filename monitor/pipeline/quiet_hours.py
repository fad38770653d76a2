"""Whose quiet hours it is, and until when they hold what is not critical."""

from __future__ import annotations

from datetime import datetime

from monitor.domain.alert import AlertEvent
from monitor.settings import Settings
from monitor.settings.quiet import QuietHours


class Quiet:
    """The quiet hours of each receiver: its own, or those of everybody who has none."""

    def __init__(self, settings: Settings) -> None:
        self._zone = settings.timezone
        self._own: dict[str, list[QuietHours]] = {}
        for hours in settings.routing.quiet_hours:
            for receiver in (receiver for name in hours.for_ for receiver in settings.resolve(name)):
                self._own.setdefault(receiver, []).append(hours)
        self._all = [hours for hours in settings.routing.quiet_hours if not hours.for_]

    def until(self, receiver: str, share: AlertEvent, moment: datetime) -> datetime | None:
        """When a receiver is told what is told at `moment`, if that has to wait; None when it has not.

        That moment lies outside all of its hours, unless these leave no time of the day.
        """
        if share.exempt or share.severity == "critical":
            return None
        holding = [hours for hours in self._of(receiver) if share.severity in hours.holds]
        latest = None
        for _ in holding:  # the end of one may lie in another; not for ever: whoever is quiet day and night is told, too
            ends = (hours.end(latest or moment, self._zone) for hours in holding)
            end = max((end for end in ends if end is not None), default=None)
            if end is None:
                break
            latest = end
        return latest

    def may_hold(self, receiver: str) -> bool:
        """Whether anything is ever held for a receiver; just before its hours that begins, for what would leave in them."""
        return bool(self._of(receiver))

    def _of(self, receiver: str) -> list[QuietHours]:
        return self._own.get(receiver, self._all)
