"""What rules remember per key, bounded and ready for JSON. A window rule: the open window, what is usual, since when it rings."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Collection, Hashable, Iterator, Mapping
from copy import copy
from itertools import pairwise
from typing import Any, Protocol, Self, TypeVar, cast

from rules.model import Severity, loudest
from rules.season import HourOfWeek
from rules.surprise import BUCKETS, Surprise
from rules.tally import LATENESS, Beside, Different, MeanOf, Tally

SLICES = 60
"""A window is kept in this many slices, and the one that is being filled: never shorter than asked, at most a slice longer."""

StateKey = tuple[str, str, str]
"""Rule, shape (a hash of what shapes its state), and the alert's key as canonical JSON."""

SPAN = SLICES + 1
"""So many slices something stays in a window, that in which it is taken in included."""

_PER_BUCKET = SLICES // BUCKETS
_END = 0.999  # of a slice: still within it, whatever is rounded
_LOUDEST, _NEWEST = 15, 5
_NOTHING = 0.01  # a usual level, or a weight of the past, that counts as none

_Shown = tuple[int, float | None]

Contributor = tuple[int, float, int]
"""Reach (-1: unknown), epoch seconds, id of the mention."""


def window_slice(at: float, window: float) -> int:
    """The slice of a window of so many seconds that a moment falls into."""
    return math.floor(at / (window / SLICES))


class State(Protocol):
    """What a rule remembers of one key."""

    def dump(self) -> dict[str, Any]:
        """The whole state, ready for JSON."""

    def load(self, saved: Mapping[str, Any]) -> Self:
        """Take back what `dump` gave."""


AState = TypeVar("AState", bound=State)
Made = TypeVar("Made")


class Usual:
    """A fading mean of what the window showed, learnt slice by slice; an unbroken stretch of one value costs one step."""

    def __init__(self, half_life: float) -> None:
        self._memory = half_life / math.log(2)  # in slices: the weight of the past falls to 1/e in this time
        self._weight = 0.0
        self._sum = 0.0

    def learn(self, value: float | None, slices: float) -> None:
        """Take in `value` for this many slices; None says that there was nothing to measure."""
        if value is None:
            return
        if not slices:
            return
        fade = math.exp(-slices / self._memory)
        self._weight = 1 - (1 - self._weight) * fade
        self._sum = self._sum * fade + value * (1 - fade)

    @property
    def level(self) -> float | None:
        return self._sum / self._weight if self._weight > 0 else None

    def dump(self) -> list[float]:
        return [self._weight, self._sum]

    def load(self, saved: list[float]) -> None:
        self._weight, self._sum = saved


class WindowState:
    """One window of one key. Times are epoch seconds of event time.

    What the window showed is learnt only when it has left the window: a storm does not teach that storms are usual while it
    lasts, and what arrives late is still counted where it belongs. (`surprise` learns by itself, and sooner.) `teaches` says
    how many seconds of a stretch one learns from; None: all.
    """

    def __init__(
        self,
        tally: Tally,
        *,
        slice_seconds: float,
        half_life: float,
        surprise: Surprise | None = None,
        teaches: Callable[[float, float], float] | None = None,
        season: HourOfWeek | None = None,
        mood: MeanOf | None = None,
        newest_first: bool = False,
        beside: Beside | None = None,
    ) -> None:
        self.tally = tally
        self._teaches = teaches
        self.surprise = surprise  # where the rule asks for it
        self.mood = mood  # the mean sentiment of all that is inside, whatever is measured
        self._season = season
        self._newest_first = newest_first
        self.beside = beside or Beside()
        self.pending_since: float | None = None
        self.last_fired: float | None = None
        self.rang_late: Severity | None = None  # how loud, where that was of a moment that was over
        self.started = math.inf
        self.latest = -math.inf
        self._width = slice_seconds
        self._bucket = slice_seconds * SLICES / BUCKETS
        self._usual = Usual(half_life / slice_seconds)
        self._shown: list[_Shown] = []  # what it showed, from this slice on, up to the open one
        self._contributors: list[Contributor] = []

    @property
    def expected(self) -> float | None:
        """What the window usually shows; None before a window's length is known."""
        if isinstance(self.tally, MeanOf):
            return self.tally.usual
        return self._season.at(self.latest) if self._season is not None else self._usual.level

    @property
    def forgotten(self) -> bool:
        """Whether nothing ever matched, or nothing is usual at any hour any more; of a mean, whether none of its past is left."""
        if self.latest == -math.inf:
            return True
        if isinstance(self.tally, MeanOf):  # nought is a mean like any other
            return self.tally.weight(self._head) < _NOTHING
        highest = self._season.highest if self._season is not None else self._usual.level
        return (highest or 0) < _NOTHING

    def surprised(self, *, slow_storms: bool, times: float = 1.0) -> float:
        """The surprise at this moment, of a rule that asks for it, where so many times the usual is expected."""
        assert self.surprise is not None
        at = self.latest / self._bucket
        self.surprise.advance(math.floor(at))  # only now: a key that is silent costs nothing until somebody asks
        return self.surprise.score(at % 1, slow_storms=slow_storms, times=times)

    @property
    def surprise_history(self) -> float:
        """For how many seconds it was looked at what would be a surprise."""
        return self.surprise.history * self._bucket if self.surprise else 0.0

    def evidence(self, top: int) -> tuple[int, ...]:
        """Mentions inside the window, the largest reach first, then the newest; or the newest alone, as the rule has it."""
        oldest = self._slice(self.latest) - SPAN
        inside = [each for each in self._contributors if self._slice(each[1]) > oldest]
        ranked = sorted(inside, key=_newness, reverse=True) if self._newest_first else sorted(inside, reverse=True)
        return tuple(mention for _, _, mention in ranked[:top])

    def advance(self, to: float) -> None:
        """Move the open end of the window; never backwards. One that nothing has matched yet has none."""
        if to <= self.latest or self.latest == -math.inf:
            return
        if self._slice(to) > self._head:
            self._close(self._head, self._slice(to))
        self.latest = to

    def learnt(self, level: float, dispersion: float | None, *, since: float, until: float) -> None:
        """Remember that the window always showed `level`, and that nothing is in it now: instead of what was said meanwhile."""
        self.started, self.latest = since, until
        self._usual.learn(level, math.floor((until - since) / self._width))
        if self._season is not None:
            self._season.learn(level, since, until)
        self._show(self._head)
        if self.surprise is not None:
            buckets = math.floor((until - since) / self._bucket)
            self.surprise.learnt(level / BUCKETS, dispersion, buckets=buckets, until=math.floor(until / self._bucket))

    def add(
        self,
        at: float,
        who: int,
        *,
        matches: bool | None,
        contributor: Contributor | None,
        copy_of: int | None = None,
        figure: float | None = None,
        sentiment: float | None = None,
    ) -> bool:
        """Take in a mention written at `at`. False: it is older than the window, and was left out.

        `copy_of` is the cluster of a mention that others of it came before, `figure` what a mean or a sum is of.
        """
        if self.latest == -math.inf:
            self.latest = at
            self.beside.drop(self._head - SPAN)
        self.advance(at)
        here = self._slice(at)
        if here <= self._head - SPAN:
            return False
        self.started = min(self.started, at)
        if here < self._head:
            self._add_late(here, who, matches=matches, figure=figure)
        else:
            more = self.tally.add(here, who, matches=matches, figure=figure)
            if self.surprise is not None:
                self.surprise.add(math.floor(at / self._bucket), round(more))
        if self.mood is not None:
            self.mood.add(here, who, matches=None, figure=sentiment)
        if contributor is not None:
            self._contributors = _kept([*self._contributors, contributor], newest_first=self._newest_first)
        self.beside.mentions.add(here, who, matches=None)
        if copy_of is not None:
            self.beside.copied.add(here, copy_of)
        return True

    def past(self, since: float) -> Iterator[WindowState]:
        """How the window stood at the end of slices that are over, from a moment on, wherever that was something else.

        They are to be read alone. What is usual is as it is now, but for the hour of the week; what is said beside the measure is
        known of then where it remembers that. A surprise is known of whole buckets: at the end of each.
        """
        first, head = max(self._slice(since), self._head - LATENESS), self._head
        if self.surprise is not None:
            ends = [at for at in range(first, head) if at % _PER_BUCKET == _PER_BUCKET - 1]
        else:
            ends = [first, *(at for at, _ in self._shown if first < at < head)] if first < head else []
        for at in ends:
            past = self._stood(at)
            if past is not None:
                yield past

    def as_of(self, moment: float) -> WindowState | None:
        """How the window stood at a moment: itself from its open slice on; None where that is not known."""
        at = self._slice(moment)
        if self.latest == -math.inf or at >= self._head:
            return self
        return self._stood(at) if at >= self._head - LATENESS else None

    def rings_late(self, at: float, loud: Severity, keep: float) -> bool:
        """Whether a moment that is over rings: once, unless what rang of it late was not as loud. It lasts for `keep` seconds."""
        rang, told = self.last_fired, self.rang_late
        known = rang is not None and at <= rang + keep
        self.last_fired = max(at, rang) if known and rang is not None else at
        if known and (told is None or loudest([told, loud]) == told):
            return False
        self.rang_late = loud
        return True

    def pass_by(self, at: float) -> None:
        """Note a mention of which nobody can tell whether it belongs here: a score is missing. The window stays where it is."""
        here, unscored = self._slice(at), self.beside.unscored
        oldest = (here if self.latest == -math.inf else max(here, self._head)) - SPAN
        for gone in unscored.expiring(oldest):
            unscored.drop(gone)
        if here > oldest:
            unscored.add(here, 0, matches=None)

    @property
    def _head(self) -> int:
        return self._slice(self.latest)

    def _slice(self, at: float) -> int:
        return math.floor(at / self._width)

    def _close(self, head: int, to: int) -> None:
        """Note what was shown in the slices from `head` up to (not including) `to`, as one slice after the other left."""
        self._show(head)
        for leaving in self.tally.expiring(to - SPAN):
            self.tally.drop(leaving)
            if leaving + SPAN < to:
                self._show(leaving + SPAN)
        self.beside.drop(to - SPAN)
        if self.mood is not None:
            for leaving in self.mood.expiring(to - SPAN):
                self.mood.drop(leaving)
        self._learn(before=to - SLICES)

    def _show(self, at: int) -> None:
        value = self.tally.value
        if not self._shown or self._shown[-1][1] != value:
            self._shown.append((at, value))

    def _learn(self, before: int) -> None:
        """Learn what was shown before this slice, and forget it."""
        gone = 0
        for (at, value), (end, _) in pairwise(self._shown):
            if end > before:
                break
            self._teach(value, at, end)
            gone += 1
        at, value = self._shown[gone]
        if at < before:
            self._teach(value, at, before)
        self._shown[: gone + 1] = [(max(at, before), value)]

    def _teach(self, value: float | None, begin: int, end: int) -> None:
        taught = self._taught(begin, end)
        self._usual.learn(value, taught)
        if self._season is not None and value is not None and taught:
            self._season.learn(value, begin * self._width, end * self._width)

    def _taught(self, begin: int, end: int) -> float:
        """How many of these slices one learns from."""
        if self._teaches is None:
            return end - begin
        return self._teaches(begin * self._width, end * self._width) / self._width

    def _add_late(self, here: int, who: int, *, matches: bool | None, figure: float | None) -> None:
        """Take in a mention of a slice that is over; what the window showed since is amended."""
        since, until = self.tally.missing(here, who, SPAN) if isinstance(self.tally, Different) else (here, None)
        more = self.tally.add(here, who, matches=matches, figure=figure)
        if isinstance(self.tally, Different):
            more = 1
        end = self._head + 1 if until is None else until
        self._amend(since, end, more)
        if self.surprise is None or since >= end:
            return
        if since == here:
            self.surprise.add(here // _PER_BUCKET, round(more))
        if until is not None:  # who was new in that slice had been there before
            self.surprise.add(until // _PER_BUCKET, -1)

    def _amend(self, since: int, until: int, more: float) -> None:
        """From slice `since` up to (not including) `until` the window would have shown so much more."""
        if since >= until:
            return
        self._part(since)
        self._part(until)
        self._shown = [(at, (value or 0) + more if more and since <= at < until else value) for at, value in self._shown]

    def _part(self, at: int) -> None:
        """Let what was shown from this slice on stand by itself."""
        if at > self._head or any(since == at for since, _ in self._shown):
            return
        before = [shown for shown in self._shown if shown[0] < at]
        self._shown[len(before) : len(before)] = [(at, before[-1][1] if before else None)]

    def _stood(self, at: int) -> WindowState | None:
        """The window at the end of a slice that is over."""
        past = copy(self)
        past.latest = (at + _END) * self._width
        if self.surprise is not None:
            past.surprise = self.surprise.as_of(at // _PER_BUCKET) if at % _PER_BUCKET == _PER_BUCKET - 1 else None
            if past.surprise is None:
                return None
        shown = next((value for since, value in reversed(self._shown) if since <= at), None)
        past.tally = self.tally.past(at - SPAN, at, shown)
        past.beside = self.beside.past(at - SPAN, at)
        past.mood = self.mood.past(at - SPAN, at, None) if self.mood is not None else None
        past._contributors = [each for each in self._contributors if self._slice(each[1]) <= at]  # noqa: SLF001  it is one of us
        return past

    def dump(self) -> dict[str, Any]:
        """The whole state, ready for JSON."""
        return {
            "latest": self.latest if self.latest != -math.inf else None,
            "started": self.started if self.started != math.inf else None,
            "tally": self.tally.dump(),
            "beside": self.beside.dump(),
            "shown": self._shown,
            "usual": self._usual.dump(),
            "surprise": self.surprise.dump() if self.surprise else None,
            "season": self._season.dump() if self._season else None,
            "mood": self.mood.dump() if self.mood else None,
            "contributors": self._contributors,
            "pending_since": self.pending_since,
            "last_fired": self.last_fired,
            "rang_late": self.rang_late,
        }

    def load(self, saved: Mapping[str, Any]) -> Self:
        """Take back what `dump` gave."""
        self.latest = -math.inf if saved["latest"] is None else saved["latest"]
        self.started = math.inf if saved["started"] is None else saved["started"]
        self.tally.load(saved["tally"])
        if "beside" in saved:  # states were written without it once
            self.beside.load(saved["beside"])
        self._shown = [(at, value) for at, value in saved["shown"]]
        self._usual.load(saved["usual"])
        if self.surprise is not None and saved.get("surprise"):  # the rule may not have asked for it until now
            self.surprise.load(saved["surprise"])
        if self._season is not None and saved.get("season"):
            self._season.load(saved["season"])
        if self.mood is not None and saved.get("mood"):
            self.mood.load(saved["mood"])
        self._contributors = [(reach, at, mention) for reach, at, mention in saved["contributors"]]
        self.pending_since = saved["pending_since"]
        self.last_fired = saved["last_fired"]
        self.rang_late = saved.get("rang_late")
        return self


def _newness(contributor: Contributor) -> tuple[float, int]:
    return contributor[1:]


def _kept(contributors: list[Contributor], *, newest_first: bool) -> list[Contributor]:
    """The loudest, and the newest of the others, who follow once the loudest have left the window; or the newest alone."""
    if len(contributors) <= _LOUDEST + _NEWEST:
        return contributors
    if newest_first:
        return sorted(contributors, key=_newness)[1:]
    ranked = sorted(contributors, reverse=True)
    others = sorted(ranked[_LOUDEST:], key=lambda each: each[1], reverse=True)
    return ranked[:_LOUDEST] + others[:_NEWEST]


class States:
    """All states in memory, and which of them changed since they were last saved."""

    def __init__(self) -> None:
        self._saved: dict[StateKey, dict[str, Any]] = {}
        self._live: dict[StateKey, State] = {}
        self._dirty: set[StateKey] = set()
        self._of_rule: defaultdict[tuple[str, str], set[StateKey]] = defaultdict(set)  # the keys of each rule
        self._beside: dict[Hashable, object] = {}

    @classmethod
    def load(cls, saved: Mapping[StateKey, dict[str, Any]]) -> Self:
        """States as the store gave them; each is decoded when it is first needed."""
        states = cls()
        states._saved = dict(saved)
        for key in saved:
            states._of_rule[key[:2]].add(key)
        return states

    def take_dirty(self) -> dict[StateKey, dict[str, Any] | None]:
        """What to save: changed states, ready for JSON; None for those to delete. Asking again gives only what changed since."""
        dirty = {key: self._live[key].dump() if key in self._live else None for key in self._dirty}
        self._dirty.clear()
        return dirty

    def take_changed(self) -> set[StateKey]:
        """Which states changed since this was asked, for whoever saves none of them."""
        changed, self._dirty = self._dirty, set()
        return changed

    def get(self, key: StateKey, fresh: Callable[[], AState]) -> AState:
        """The state of this key; `fresh` makes an empty one, of the kind that belongs to the rule."""
        if key not in self._live:
            saved = self._saved.pop(key, None)
            self._live[key] = fresh().load(saved) if saved is not None else fresh()
            self._of_rule[key[:2]].add(key)
        return cast("AState", self._live[key])

    def beside(self, name: Hashable, make: Callable[[], Made]) -> Made:
        """What a rule has made of its states to find them faster: never saved, and made anew once states were taken over."""
        if name not in self._beside:
            self._beside[name] = make()
        return cast("Made", self._beside[name])

    def keys(self, rule: str, shape: str) -> list[StateKey]:
        """The keys of one rule."""
        return sorted(self._of_rule.get((rule, shape), ()))

    def changed(self, key: StateKey) -> None:
        """This state is to be saved."""
        self._dirty.add(key)

    def forget(self, key: StateKey) -> None:
        """This state is to be deleted."""
        self._saved.pop(key, None)
        self._live.pop(key, None)
        self._of_rule[key[:2]].discard(key)
        self._dirty.add(key)

    def take_over(self, built: States, shapes: Collection[tuple[str, str]]) -> None:
        """Remember of these rules (and shapes) what `built` does, and nothing else. `built` is of no use afterwards."""
        for key in [key for key in {*self._saved, *self._live} if key[:2] in shapes]:
            self.forget(key)
        self._beside.clear()
        self._live |= built._live
        self._dirty |= built._live.keys()
        for key in built._live:
            self._of_rule[key[:2]].add(key)

    def __contains__(self, key: StateKey) -> bool:
        return key in self._live or key in self._saved

    def __len__(self) -> int:
        return len(self._saved) + len(self._live)
