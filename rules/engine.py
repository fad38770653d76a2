"""Applies all rules to a mention: compiled once, then one pass over the rules that may concern its subjects."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from rules.base import suggest
from rules.campaign import Campaign
from rules.cases import History
from rules.condition import Seen
from rules.finding import Calm, Finding, Reading, Verdict
from rules.kinds import compiled
from rules.kinds.kind import Kind, Learning, Readable, Remembering, Scheduled, Watermarked
from rules.kinds.mention import CompiledMention
from rules.lists import Lists
from rules.matching import Compiler, Problem
from rules.model import AnyRule
from rules.observation import Observation
from rules.state import States
from rules.words import WordList

_SUBJECT_SETS_REMEMBERED = 4_096
_EPOCH = datetime.fromtimestamp(0, UTC)

Delivered = Mapping[str, datetime | None]
"""Sources, and up to when each has brought everything that was said there; None: nobody knows."""


class RuleError(ValueError):
    """Rules that cannot be compiled. `problems` names every one of them."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = tuple(problems)


class Engine:
    """All rules, compiled. It remembers nothing of what it saw: that stands in the `States` it is given."""

    def __init__(self, rules: Sequence[AnyRule], lists: Mapping[str, Sequence[str]], campaigns: Sequence[Campaign] = ()) -> None:
        """`lists` maps the names of lists to their entries; `campaigns` raise the thresholds of windows. Raises RuleError."""
        compiler = Compiler(Lists(lists))
        ready = [compiled(rule, compiler, campaigns) for rule in rules]
        problems = [*_doubled(rules), *compiler.problems]
        if problems:
            raise RuleError(problems)
        self._compiled: dict[str, Kind] = {each.rule.id: each for each in ready}
        self._remembering = {id_: each for id_, each in self._compiled.items() if isinstance(each, Remembering)}
        self._watermarked = {id_: each for id_, each in self._compiled.items() if isinstance(each, Watermarked)}
        self._scheduled = {id_: each for id_, each in self._compiled.items() if isinstance(each, Scheduled)}
        self._places = {each: at for at, each in enumerate(ready)}
        self._index = compiler.index
        self._concerned: dict[frozenset[str], _Concerned] = {}

    def observe(self, mention: Observation, states: States) -> list[Finding]:
        """What rings because of this mention, in the order of the rules. It must come once only; event time is `written_at`."""
        seen = Seen(mention, self._index)
        findings: list[Finding] = []
        for rule in self._candidates(seen):
            findings += rule.observe(seen, states)
        return findings

    def observe_edited(self, mention: Observation) -> list[Finding]:
        """What rings by this mention alone, now that it says something else. What counts has counted it already, as it was."""
        seen, nothing = Seen(mention, self._index), States()
        rules = (rule for rule in self._candidates(seen) if isinstance(rule, CompiledMention))
        return [finding for rule in rules for finding in rule.observe(seen, nothing)]

    @property
    def rings_within(self) -> timedelta | None:
        """For how long after a mention something may still ring because time has passed, but for `next_due`; None: for ever."""
        return self._longest(self._scheduled)

    def remembering(self, rule_id: str) -> Remembering | None:
        """The rule of this id, if there is one (still) and what it remembers says when its alerts are over."""
        return self._remembering.get(rule_id)

    def looks_back(self, rule_id: str) -> bool:
        """Whether a rule that is new is to remember what was said before it was there."""
        remembering = self.remembering(rule_id)
        return remembering is not None and bool(remembering.memory)

    def tick(self, rule_id: str, key: Mapping[str, str], states: States, at: datetime) -> Finding | Calm:
        """Look at one key of a rule that remembers at a moment (event time): Finding while it rings; Calm otherwise.

        Raises KeyError if there is no such rule.
        """
        remembering = self.remembering(rule_id)
        if remembering is None:
            raise KeyError(f"no rule `{rule_id}` remembers anything; {suggest(rule_id, self._remembering)}")
        return remembering.tick(key, states, at)

    def due(
        self,
        states: States,
        at: datetime,
        seen_until: datetime | None = None,
        delivered: Delivered | None = None,
        well: Mapping[str, bool] | None = None,
    ) -> list[Finding]:
        """What rings at this moment (event time) without a new mention.

        Up to `seen_until` everything was seen (None: up to `at`): what has not come by then will not. `delivered` as of `until`.
        `well` says of every source that is asked whether it answers (None: nothing is asked, and all is there).
        """
        untils = {id_: self.until(id_, min(seen_until or at, at), at, delivered) for id_ in self._remembering}
        return [
            finding
            for id_, until in untils.items()
            if until is not None
            for finding in self._remembering[id_].due(states, at, until, well)
        ]

    def until(self, rule_id: str, seen_until: datetime, at: datetime, delivered: Delivered | None) -> datetime | None:
        """Up to when a rule that remembers can be judged: `seen_until`, unless it rings for what is missing.

        Such a rule waits for every source that feeds it. `delivered` says up to when each source that is asked has brought
        everything (None: nobody knows, as of one that has never answered; in all: nothing is on its way). None: not at all.
        """
        if rule_id not in self._watermarked or delivered is None:
            return at if rule_id in self._watermarked else seen_until
        feeds = self._watermarked[rule_id].feeds
        moments = [delivered.get(source) for source in (delivered if feeds is None else feeds)]
        known = [moment for moment in moments if moment is not None]
        return min([at, *known]) if known and len(known) == len(moments) else None

    @property
    def watch_for(self) -> timedelta | None:
        """As `rings_within`, of the rules that say neither at which `pace` nor when they are looked at: these are watched."""
        return self._longest({*self._watermarked, *self._scheduled})

    def _longest(self, but_for: Collection[str]) -> timedelta | None:
        """The longest time within which rules ring, some left out; None: for ever."""
        times = [each.rings_within for id_, each in self._remembering.items() if id_ not in but_for]
        return None if None in times else max((each for each in times if each is not None), default=timedelta(0))

    @property
    def pace(self) -> timedelta | None:
        """How often it is worth looking, for ever, for the sake of rules that ring for what is missing; None: there are none."""
        return min((each.pace for each in self._watermarked.values()), default=None)

    def pace_of(self, rule_id: str) -> timedelta | None:
        """How often it is worth looking whether a rule that rings for what is missing still does; None: it is none of these."""
        watermarked = self._watermarked.get(rule_id)
        return watermarked.pace if watermarked is not None else None

    def next_due(self, states: States) -> datetime | None:
        """When (event time) it is next worth looking at the rules that know; perhaps long ago. None: nothing waits."""
        soonest = min((each.next_due(states) for each in self._scheduled.values()), default=math.inf)
        return None if soonest == math.inf else datetime.fromtimestamp(max(soonest, 0), UTC)

    @property
    def waits_for_sources(self) -> bool:
        """Whether any rule rings for what is missing."""
        return bool(self._watermarked)

    def sweep(self, states: States, at: datetime) -> int:
        """Forget keys that have long been silent, so that states stay bounded; now and then is enough. Returns how many."""
        return sum(each.sweep(states, at) for each in self._remembering.values())

    def learnt(self, past: History, key: Mapping[str, str], states: States, at: datetime) -> None:
        """Remember of a key what a story says of the time before it begins (`at`, event time).

        Raises KeyError if there is no rule of this id that learns what is usual.
        """
        learning = self._compiled.get(past.rule)
        if not isinstance(learning, Learning):
            raise KeyError(f"no rule `{past.rule}` learns what is usual")
        learning.learnt(key, states, at, level=past.level, dispersion=past.dispersion, age=past.age)

    def rule(self, rule_id: str) -> AnyRule | None:
        """The rule of this id, as it is written; None if there is none (any more)."""
        compiled = self._compiled.get(rule_id)
        return compiled.rule if compiled else None

    def ids(self) -> list[str]:
        """The ids of all rules, in their order."""
        return list(self._compiled)

    def standing(self, rule_id: str, mention: Observation, states: States, at: datetime) -> list[Finding | Calm]:
        """How the keys of a rule for which this mention counts, or would, stand at a moment (event time).

        None where the rule remembers nothing. One that rings for what is missing stands as it did when it was last looked at:
        since then, nobody here knows. Raises KeyError if there is no rule of this id.
        """
        each = self._compiled[rule_id]
        if not isinstance(each, Remembering):
            return []
        until = _EPOCH if rule_id in self._watermarked else at
        return [each.tick(key, states, until) for key in each.keys(mention)]

    def usual(self, states: States) -> dict[str, tuple[Mapping[str, str], float]]:
        """Of each rule that has learnt what is usual, the key for which most is, and how much that is."""
        found = {id_: list(each.usual(states)) for id_, each in self._remembering.items() if isinstance(each, Learning)}
        return {rule: max(levels, key=lambda each: each[1]) for rule, levels in found.items() if levels}

    def read(self, rule_id: str, key: Mapping[str, str], states: States, at: datetime) -> Reading | None:
        """What a rule sees of one key at a moment (event time), for a chart; None where it counts nothing, or knows nothing.

        It moves the clock of what is remembered: give it states of its own, not those that decide what rings.
        """
        each = self._remembering.get(rule_id)
        if isinstance(each, Readable):
            return each.read(key, states, at)
        try:
            seen = self.tick(rule_id, key, states, at)
        except KeyError:
            return None
        return Reading(seen.at, seen.observed, seen.expected, seen.measure)

    def shapes(self) -> set[tuple[str, str]]:
        """Rule and shape of every rule that remembers: states of any other pair are of no use any more."""
        parts = {(part.rule.id, part.shape) for each in self._remembering.values() for part in getattr(each, "parts", ())}
        return parts | {(id_, each.shape) for id_, each in self._remembering.items()}

    def explain(self, rule_id: str, mention: Observation) -> list[Verdict]:
        """How each condition of a rule fares with a mention: what it asks, what it sees, and True, False or None (unknown).

        Raises KeyError if there is no rule of this id.
        """
        if rule_id not in self._compiled:
            raise KeyError(f"there is no rule `{rule_id}`; {suggest(rule_id, self._compiled)}")
        return self._compiled[rule_id].explain(Seen(mention, self._index))

    def failed_at(self, rule_id: str, mention: Observation) -> list[str]:
        """The fields because of which a rule's `where` does not hold for a mention, in the rule's order; none when it holds.

        Raises KeyError if there is no rule of this id.
        """
        return list(dict.fromkeys(self._compiled[rule_id].where.failed_at(Seen(mention, self._index))))

    def _candidates(self, seen: Seen) -> Sequence[Kind]:
        """The rules that can match, in their order: by the subjects, and by the words that some of them cannot do without."""
        subjects = seen.mention.subjects
        concerned = self._concerned.get(subjects) or self._concerning(subjects)
        if not concerned.needing:
            return concerned.others
        possible = concerned.needing.keys() & seen.possible
        if not possible:
            return concerned.others
        candidates = {*concerned.others, *(rule for words in possible for rule in concerned.needing[words])}
        return sorted(candidates, key=self._places.__getitem__)

    def _concerning(self, subjects: Collection[str]) -> _Concerned:
        """The rules whose conditions on subjects let these through; remembered, for the same few sets come again and again."""
        concerned = _Concerned([], {})
        for each in self._compiled.values():
            if each.admits is not None and each.admits(subjects) is not True:
                continue
            if each.needs is None:
                concerned.others.append(each)
            for words in each.needs or ():
                concerned.needing.setdefault(words, []).append(each)
        if len(self._concerned) >= _SUBJECT_SETS_REMEMBERED:
            self._concerned.clear()
        self._concerned[frozenset(subjects)] = concerned
        return concerned


class _Concerned(NamedTuple):
    """Rules that let certain subjects through: by the list without which they cannot match, and those that need none."""

    others: list[Kind]
    needing: dict[WordList, list[Kind]]


def _doubled(rules: Sequence[AnyRule]) -> list[Problem]:
    counted = Counter(rule.id for rule in rules)
    return [Problem(name, "id", f"{count} rules have this id: give each its own") for name, count in counted.items() if count > 1]
