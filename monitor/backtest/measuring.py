"""Looks at the past with the same rules again, to see what they saw: minute by minute, whether something rang or not.

They remember in states of their own, so that looking changes nothing of what rings.
"""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from operator import attrgetter
from typing import NamedTuple

from monitor.backtest.past import Past, Progress, Span, once_more
from monitor.domain.mention import Observed
from monitor.pipeline.copies import Copies
from monitor.settings import Settings
from rules import Engine, MentionRule, Reading, Rule, States
from rules.thresholds import Threshold, thresholds, with_value

_AT_ONCE = 500
_STEPS = 60  # looks at a rule while its window passes
_SHORTEST, _LONGEST = timedelta(minutes=1), timedelta(hours=1)
_APART = " "  # no id has a space
_NEVER, _ALWAYS = "never", "always"  # in this order

Key = tuple[tuple[str, str], ...]


class Held(NamedTuple):
    """Up to which value of a threshold a rule held for one key at a moment (epoch seconds)."""

    at: float
    strength: float


@dataclass
class Measured:
    """What the rules saw in the past, by rule and key.

    `readings` are of rules that count over time; `held` of each threshold that can be moved, by its path.
    """

    readings: dict[str, dict[Key, list[Reading]]] = field(default_factory=lambda: defaultdict(dict))
    held: dict[tuple[str, Threshold], dict[Key, list[Held]]] = field(default_factory=dict)


async def measure(settings: Settings, past: Past, span: Span, progress: Progress) -> Measured:
    """What the rules of `settings` see in the past, from the beginning of what they learn from to the end of the span."""
    looking = _Looking(settings, span)
    done = 0
    async with once_more(past) as store:
        copies = Copies()
        while True:
            async with store.read() as tx:
                mentions = await tx.mentions.after(done, _AT_ONCE, copies.place)
            if not mentions:
                break
            for mention in mentions:
                looking.at(mention)
            done = mentions[-1].id
            copies.take_found()
            progress("measuring", done, past.mentions + past.before)
    looking.pass_time(span.until)
    return looking.seen


class _Looking:
    def __init__(self, settings: Settings, span: Span) -> None:
        self.seen = Measured()
        self._since = span.since
        self._engine = Engine(settings.rules, settings.lists, settings.calendar)
        self._states = States()
        self._single = _Single(settings.rules, settings.lists, self.seen)
        self._thresholds = {rule.id: thresholds(rule) for rule in settings.rules}
        self._steps = {rule.id: _step(rule) for rule in settings.rules}
        self._busy: dict[tuple[str, Key], datetime] = {}  # when to look again
        self._next: datetime | None = None

    def at(self, mention: Observed) -> None:
        """Let a mention come, at its moment."""
        self.pass_time(mention.written_at)
        self._engine.observe(mention, self._states)
        for rule, _, key in sorted(self._states.take_changed()):
            self._look(rule, tuple(json.loads(key).items()), mention.written_at)
        self._single.at(mention)

    def pass_time(self, until: datetime) -> None:
        """Look at what is under way while nothing comes."""
        while self._next is not None and self._next < until:
            now = self._next
            for rule, key in [each for each, due in self._busy.items() if due <= now]:
                self._look(rule, key, now)
            self._states.take_changed()
            self._next = min(self._busy.values(), default=None)

    def _look(self, rule: str, key: Key, now: datetime) -> None:
        reading = self._engine.read(rule, dict(key), self._states, now)
        if reading is None:
            self._busy.pop((rule, key), None)
            return
        if now >= self._since:
            self.seen.readings[rule].setdefault(key, []).append(reading)
        for threshold in self._thresholds[rule]:
            strength = reading.reached.get(str(threshold.path[-1]))
            if strength is not None:
                of_threshold = self.seen.held.setdefault((rule, threshold), {})
                of_threshold.setdefault(key, []).append(Held(now.timestamp(), strength))
        if reading.quiet:
            self._busy.pop((rule, key), None)
        else:
            due = now.replace(second=0, microsecond=0) + self._steps[rule]
            self._busy[rule, key] = due
            self._next = min(due, self._next or due)


class _Single:
    """Rules that ring for single mentions: by which value of their one threshold each mention would have rung."""

    def __init__(self, rules: Sequence[Rule], lists: Mapping[str, Sequence[str]], seen: Measured) -> None:
        self._thresholds = {rule.id: found[0] for rule in rules if isinstance(rule, MentionRule) and (found := thresholds(rule))}
        self._engine = Engine([tried for rule in rules if rule.id in self._thresholds for tried in self._tried(rule)], lists)
        self._seen = seen

    def _tried(self, rule: Rule) -> Iterator[Rule]:
        """The rule as if its number were out of reach, and as if every number were enough."""
        threshold = self._thresholds[rule.id]
        most = math.inf if threshold.rising else -math.inf
        yield with_value(rule, threshold, most).model_copy(update={"id": f"{rule.id}{_APART}{_NEVER}"})
        yield with_value(rule, threshold, -most).model_copy(update={"id": f"{rule.id}{_APART}{_ALWAYS}"})

    def at(self, mention: Observed) -> None:
        """Note by which value a mention would have rung: by any where it rings whatever the number is."""
        strengths: dict[tuple[str, Key], float] = {}
        for finding in self._engine.observe(mention, States()):
            rule, _, which = finding.rule.partition(_APART)
            strength = math.inf if which == _NEVER else _value(mention, self._thresholds[rule])
            strengths.setdefault((rule, tuple(finding.key.items())), strength)
        for (rule, key), strength in strengths.items():
            held = self._seen.held.setdefault((rule, self._thresholds[rule]), {})
            held.setdefault(key, []).append(Held(mention.written_at.timestamp(), strength))


def _value(mention: Observed, threshold: Threshold) -> float:
    value = attrgetter(str(threshold.field))(mention)
    return threshold.strength(float(value)) if value is not None else -math.inf


def _step(rule: Rule) -> timedelta:
    window = getattr(rule, "window", None)
    return min(max(window / _STEPS, _SHORTEST), _LONGEST) if isinstance(window, timedelta) else _LONGEST
