"""What is said about one subject, term by term: who says it now, and how often it was said before. Bounded, and kept in parts."""

from __future__ import annotations

import math
import zlib
from collections.abc import Mapping
from typing import Any, NamedTuple, Self

PARTS = 64
TERMS_A_PART = 32
_ROOM = 16  # how many make room at once: each time all of a part are compared
SLICES = 30
"""The memory of a term is kept in so many slices."""

LEAST_EXACT = 50
"""Different authors of one term are counted exactly up to this many, or twice what a rule asks; beyond, it is a lower bound."""


_Stay = tuple[int, int]


class Voice(NamedTuple):
    """The newest that one author said with a term in it. `at` in epoch seconds; reach -1: unknown; a sentiment may be unknown."""

    at: float
    mention: int
    reach: int
    sentiment: float | None


class Span(NamedTuple):
    """How a rule looks at terms: who says one now (`within`, in seconds), and how long that is remembered (`memory`)."""

    within: float
    memory: float
    most: int  # authors that are told apart

    def slice_of(self, at: float) -> int:
        """The slice of the memory that a moment falls into."""
        return math.floor(at * SLICES / self.memory)


KEPT = 2
"""So many whiles it is remembered who carried a term: whoever comes late may have carried it in the while before."""


class Term:
    """One term. `voices` are those of the last while, by author; `before` counts the authors of earlier whiles, by slice.

    `carriers` are those who said it where a window counted them, if anybody asks: each with the slices of that window from
    which until which they said it and were never missing.
    """

    __slots__ = ("_head", "_oldest", "before", "carriers", "fired_at", "newest", "spelt", "voices")

    def __init__(self, spelt: str) -> None:
        self.spelt = spelt  # as it was written when it was first seen
        self.newest = -math.inf  # when it was last said
        self.voices: dict[int, Voice] = {}
        self.before: dict[int, int] = {}
        self.carriers: dict[int, list[_Stay]] = {}
        self.fired_at: float | None = None
        self._oldest = math.inf  # of the voices; they may all be younger
        self._head: float = -math.inf  # the newest slice in which it was carried

    def add(self, who: int, voice: Voice, span: Span) -> None:
        """Take in that somebody said it. What is older than the last while belongs to what was before."""
        self.newest = max(self.newest, voice.at)
        self.advance(self.newest, span)
        if voice.at <= self.newest - span.within:
            self._remember(voice.at, span)
            return
        known = self.voices.get(who)
        if known is not None and math.floor(known.at / span.within) != math.floor(voice.at / span.within):
            self._remember(min(known.at, voice.at), span)  # who says it all day says it in each while of the day
        if known is None or voice.at > known.at:
            self.voices[who] = voice
            self._oldest = min(self._oldest, voice.at)
        if len(self.voices) > span.most:
            del self.voices[min(self.voices, key=lambda each: (self.voices[each].at, each))]

    def carry(self, who: int, at: int, lasting: int, most: int) -> None:
        """Somebody said it in slice `at` of a window that they stay in for `lasting` slices. So many are told apart."""
        stays = self.carriers.get(who, [])
        if stays and stays[-1][0] <= at <= stays[-1][1]:
            return
        self.carriers[who] = _with_stay(stays, at, lasting)
        if at > self._head:
            self._head = at
            self._drop(at - KEPT * lasting)
        if len(self.carriers) > most:
            del self.carriers[min(self.carriers, key=lambda each: (self.carriers[each][-1][1], each))]

    def _drop(self, until: int) -> None:
        """Forget who has carried it up to this slice alone: once a slice is enough."""
        known = {who: [stay for stay in stays if stay[1] > until] for who, stays in self.carriers.items()}
        self.carriers = {who: stays for who, stays in known.items() if stays}

    def carried(self, at: int, lasting: int) -> int:
        """How many authors carry it in a slice."""
        begin = at - lasting
        return sum(1 for stays in self.carriers.values() for first, last in stays if first <= at and last > begin)

    def advance(self, to: float, span: Span) -> bool:
        """Move the end of the last while; never backwards. Whether anybody has left it."""
        end = to - span.within
        if self._oldest > end:
            return False
        gone = [who for who, voice in self.voices.items() if voice.at <= end]
        for who in gone:
            self._remember(self.voices.pop(who).at, span)
        self._oldest = min((voice.at for voice in self.voices.values()), default=math.inf)
        self.forget(to, span)
        return bool(gone)

    def forget(self, to: float, span: Span) -> None:
        """Forget what was said before the memory begins."""
        oldest = span.slice_of(to) - SLICES
        for forgotten in [at for at in self.before if at <= oldest]:
            del self.before[forgotten]

    def _remember(self, at: float, span: Span) -> None:
        here = span.slice_of(at)
        self.before[here] = self.before.get(here, 0) + 1

    def mean_sentiment(self) -> float | None:
        """Of those whose sentiment is known."""
        known = [voice.sentiment for voice in self.voices.values() if voice.sentiment is not None]
        return math.fsum(known) / len(known) if known else None

    def evidence(self, top: int, *, newest_first: bool = False) -> tuple[int, ...]:
        """Mentions of the last while, the largest reach first, then the newest; or the newest alone."""
        ranked = sorted(
            self.voices.values(),
            key=lambda voice: (0 if newest_first else voice.reach, voice.at, voice.mention),
            reverse=True,
        )
        return tuple(voice.mention for voice in ranked[:top])

    def weight(self) -> tuple[int, float]:
        """How much is lost with it: how often it was said, then how lately."""
        return len(self.voices) + sum(self.before.values()), self.newest

    def dump(self) -> list[Any]:
        """Ready for JSON, and short: most terms are said once."""
        voices = [[who, *voice] for who, voice in self.voices.items()]
        said = [self.spelt, self.newest, voices, list(self.before.items()), self.fired_at]
        return [*said, list(self.carriers.items())] if self.carriers else said

    @classmethod
    def load(cls, saved: list[Any]) -> Term:
        """Take back what `dump` gave."""
        spelt, newest, voices, before, fired_at, *carriers = saved
        term = cls(spelt)
        term.newest = newest
        term.voices = {who: Voice(*voice) for who, *voice in voices}
        term.before = dict(before)
        term.fired_at = fired_at
        term.carriers = {who: [(first, last) for first, last in stays] for each in carriers for who, stays in each}
        term._head = max((stays[-1][1] for stays in term.carriers.values()), default=-math.inf)
        term._oldest = min((voice.at for voice in term.voices.values()), default=math.inf)
        return term


def _with_stay(stays: list[_Stay], at: int, lasting: int) -> list[_Stay]:
    """Stays in a window, and one more slice in which something was said: it may join two of them."""
    joined = [(first, last) for first, last in stays if first - lasting <= at <= last + lasting]
    apart = [stay for stay in stays if stay not in joined]
    return sorted([*apart, (min([at, *(first for first, _ in joined)]), max([at, *(last for _, last in joined)]))])


class Part:
    """Some of the terms of one subject: those that fall into the same part. When it is full, those said least make room."""

    def __init__(self) -> None:
        self.terms: dict[str, Term] = {}

    def get(self, name: str, spelt: str, at: float, span: Span) -> Term:
        """The term of this name, perhaps a new one."""
        if name not in self.terms:
            if len(self.terms) >= TERMS_A_PART + _ROOM:
                self._make_room(at, span)
            self.terms[name] = Term(spelt)
        return self.terms[name]

    def _make_room(self, at: float, span: Span) -> None:
        for term in self.terms.values():
            term.forget(at, span)
        ranked = sorted(self.terms, key=lambda name: (*self.terms[name].weight(), name))
        for name in ranked[:_ROOM]:
            del self.terms[name]

    def dump(self) -> dict[str, Any]:
        """The whole state, ready for JSON."""
        return {"terms": {name: term.dump() for name, term in self.terms.items()}}

    def load(self, saved: Mapping[str, Any]) -> Self:
        """Take back what `dump` gave."""
        self.terms = {name: Term.load(term) for name, term in saved["terms"].items()}
        return self


class Listened:
    """Since when one subject is listened to, and until when. Epoch seconds of event time."""

    def __init__(self) -> None:
        self.since = math.inf
        self.until = -math.inf

    def hear(self, at: float) -> bool:
        """Note a mention. Whether that is news."""
        if self.since <= at <= self.until:
            return False
        self.since, self.until = min(self.since, at), max(self.until, at)
        return True

    def dump(self) -> dict[str, Any]:
        """The whole state, ready for JSON."""
        return {"since": self.since, "until": self.until}

    def load(self, saved: Mapping[str, Any]) -> Self:
        """Take back what `dump` gave."""
        self.since, self.until = saved["since"], saved["until"]
        return self


class Carrying(Listened):
    """The same, the names of terms that were new when many last said them, and in which slice these were last looked through."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.cleared = 0

    def dump(self) -> dict[str, Any]:
        """The whole state, ready for JSON."""
        return super().dump() | {"names": sorted(self.names), "cleared": self.cleared}

    def load(self, saved: Mapping[str, Any]) -> Self:
        """Take back what `dump` gave."""
        self.names, self.cleared = set(saved["names"]), saved["cleared"]
        return super().load(saved)


def part_of(name: str) -> str:
    """Into which part of the terms this one falls."""
    return str(zlib.crc32(name.encode("utf-8", "surrogatepass")) % PARTS)
