"""What a window rule remembers: an empty window to begin with, for how long, and what makes it the memory of another rule."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from rules.duration import format_duration
from rules.kinds.shaping import shaped
from rules.model import Distinct, Mean, Share, Signal, Sum, WindowRule
from rules.season import HourOfWeek
from rules.state import SLICES, WindowState
from rules.surprise import BUCKETS, RING, Surprise
from rules.tally import Beside, Different, MeanOf, Mentions, ShareOf, SumOf, Tally

_SHAPING = {"kind", "where", "key", "measure", "window"}
_FORMAT = 1
_HALF_LIVES = 4  # after so many, one sixteenth of what was usual then is left

Teaches = Callable[[float, float], float]
"""From how many seconds of a stretch (epoch seconds) one learns what is usual."""


def fresh(rule: WindowRule, teaches: Teaches | None) -> WindowState:
    """A window that nothing is in yet. It learns from what `teaches` says; None: from all."""
    width, half_life = rule.window.total_seconds() / SLICES, rule.baseline.level.total_seconds()
    return WindowState(
        _tally(rule, half_life / width),
        slice_seconds=width,
        half_life=half_life,
        surprise=_surprise(rule, teaches) if rule.asks_for_surprise else None,
        teaches=teaches,
        season=HourOfWeek(half_life, rule.timezone or "UTC") if rule.baseline.season != "none" else None,
        mood=MeanOf(half_life / width) if rule.unless and rule.unless.mean_sentiment else None,
        newest_first=rule.evidence.by == "newest",
        beside=Beside(remembers=bool(rule.unless and (rule.unless.mentions or rule.unless.copied))),
    )


def of_signal(rule: WindowRule, signal: Signal) -> WindowRule:
    """A signal as a window of its own, with the rule's keys and its idea of what is usual."""
    own = {"where": signal.where, "measure": signal.measure, "window": signal.window or rule.window, "fire": signal}
    return rule.model_copy(update={**own, "raise_": (), "signals": None, "unless": None, "for_": timedelta(0)})


def shape(rule: WindowRule, signal: Signal | None) -> str:
    """A hash of what the state depends on: a rule that tells other people keeps it, one that counts otherwise needs another.

    The entries of lists are left out: after a word more or less the old level is a better guess than none.
    """
    shaping = rule.model_dump(mode="json", by_alias=True, exclude_none=True, include=_SHAPING)
    more = [signal.id] if signal else []
    more += [rule.timezone or "UTC"] if rule.baseline.season != "none" else []
    return shaped(_FORMAT, SLICES, shaping, format_duration(rule.baseline.level), *more)


def history(rule: WindowRule) -> timedelta:
    """How far back what was said is part of what is usual."""
    baseline = rule.baseline
    half_life = max(baseline.level, baseline.dispersion) if rule.asks_for_surprise else baseline.level
    return max(baseline.min_history, _HALF_LIVES * half_life)


def looked_at(rule: WindowRule) -> float:
    """For how many seconds a mention is looked at: after a campaign, what it made people say still is."""
    windows = (RING + 1) / BUCKETS if rule.asks_for_surprise else (SLICES + 1) / SLICES
    return rule.window.total_seconds() * windows


def _tally(rule: WindowRule, half_life: float) -> Tally:
    """`half_life` is in slices."""
    match rule.measure:
        case Share():
            return ShareOf()
        case Mean():
            return MeanOf(half_life)
        case Sum():
            return SumOf()
        case Distinct():
            return Different()
    return Mentions()


def _surprise(rule: WindowRule, teaches: Teaches | None) -> Surprise:
    bucket = rule.window / BUCKETS
    level, dispersion, width = rule.baseline.level / bucket, rule.baseline.dispersion / bucket, bucket.total_seconds()

    def whole(at: int) -> bool:
        return teaches is None or teaches(at * width, (at + 1) * width) == width

    return Surprise(level=level, dispersion=dispersion, teaches=whole if teaches else None)
