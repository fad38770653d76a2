"""What would these rules have done last week? Judges the past by rules that may not be at work yet, and measures what they saw.

Nothing is sent, and nothing stored: the store is read, and what is judged vanishes afterwards.
"""

from __future__ import annotations

from monitor.backtest.course import Backtest, backtest, warm_up
from monitor.backtest.judging import Judged, PastAlert
from monitor.backtest.measuring import Key, Measured
from monitor.backtest.past import Past, Progress, Read, Span, extracted, read_recording, storage, written
from monitor.backtest.suggesting import Suggestion

__all__ = [
    "Backtest",
    "Judged",
    "Key",
    "Measured",
    "Past",
    "PastAlert",
    "Progress",
    "Read",
    "Span",
    "Suggestion",
    "backtest",
    "extracted",
    "read_recording",
    "storage",
    "warm_up",
    "written",
]
