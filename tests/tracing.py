"""Coverage looks away while SQLAlchemy works in a greenlet: hardly a line there is ours.

Its own way (`concurrency = greenlet`) asks at each call and return in which greenlet it is: tests that use the store took 1.7
times as long as without coverage, and take 1.2 times as long with this. What is ours there (listeners of the engine, types of
columns, migrations) counts as not reached; nothing counts that was not.
"""

from __future__ import annotations

import sys
from typing import Any

import greenlet

_tracer: Any = None


def _switched(event: str, between: tuple[greenlet.greenlet, greenlet.greenlet]) -> None:
    """Called by greenlet, in the one that goes on."""
    global _tracer  # noqa: PLW0603 - a thread has one tracer, whichever greenlet runs
    del event
    left, entered = between
    if left.parent is None:
        _tracer = sys.gettrace()
    sys.settrace(_tracer if entered.parent is None else None)


def look_away_in_greenlets() -> None:
    """From now on, in this thread."""
    greenlet.settrace(_switched)
