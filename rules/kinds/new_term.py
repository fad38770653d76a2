"""The kind `new_term`: many people suddenly say what nobody said before, or hardly anybody."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta

from rules.condition import Condition, Seen
from rules.duration import format_duration
from rules.epoch import moment
from rules.finding import Calm, Finding, Verdict
from rules.kinds.keys import Keys, labels
from rules.kinds.kind import Wellness
from rules.kinds.listening import Listening, shown
from rules.kinds.shaping import shaped
from rules.logic import Test
from rules.matching import Compiler
from rules.model import NewTermFire, NewTermRule, RaisedByTerm, louder
from rules.observation import Observation
from rules.state import States
from rules.terms import LEAST_EXACT, Listened, Span, Term

_FORMAT = 1
_SHAPING = {"kind", "where", "field", "memory"}
_DAY = timedelta(days=1)


class CompiledNewTerm:
    """A rule for new terms, ready to look at mentions. What it remembers stands in `States`, a subject's terms in parts."""

    def __init__(self, rule: NewTermRule, compiler: Compiler) -> None:
        self.rule = rule
        self.where: Condition = compiler.compile(rule.where, rule.id)
        self.admits = compiler.admits(rule.where)
        self.needs = compiler.needs(rule.where)
        self._unless: Test[float | None] = compiler.number(rule.unless.mean_sentiment) if rule.unless else lambda _: False
        self._subjects = Keys(("subject",), self.admits)
        most = max([LEAST_EXACT, 2 * rule.fire.at_least, *(each.at_least or 0 for each in rule.raise_)])
        self._span = Span(rule.fire.within.total_seconds(), rule.memory.total_seconds(), most)
        self.shape = _shape(rule)
        self._listening = Listening(rule.id, self.shape, rule.field, self._span, rule.warm_up)
        self.rings_within: timedelta | None = timedelta(0)
        self.patience = rule.fire.within + rule.keep_firing_for
        self.memory = rule.memory

    def observe(self, seen: Seen, states: States) -> Iterable[Finding]:
        """Note who says what, and a finding for each term that now rings."""
        if self.where.holds(seen) is not True:
            return []
        mention, terms = seen.mention, self._listening.terms(seen)
        found = (self._hear(mention, subject, terms, states) for subject in self._subjects.subjects(mention))
        return [finding for of_subject in found for finding in of_subject]

    def tick(self, key: Mapping[str, str], states: States, at: datetime) -> Finding | Calm:
        """Whether a term rings at this moment; it does until `keep_firing_for` has passed since it last held."""
        term = self._find(key, states)
        if term is None:  # the key may be that of another rule, which had this id before: what it names is unknown here
            return self._calm(key, at, None, Listened())
        listened = self._listening.listened({"subject": key["subject"]}, states)
        now = max(at.timestamp(), term.newest)
        if term.advance(now, self._span):
            states.changed(self._listening.part({"subject": key["subject"]}, key["term"]))
        if self._holds(term, listened, now) or self._lingers(term, now):
            return self._finding(key, {}, term, listened, now)
        return self._calm(key, at, term, listened)

    def keys(self, mention: Observation) -> list[dict[str, str]]:
        """The subjects and terms of a mention."""
        terms = self._listening.terms(Seen.alone(mention))
        return [{"subject": subject, "term": name} for subject in self._subjects.subjects(mention) for name in terms]

    def remembers(self, key: Mapping[str, str], states: States) -> bool:
        """Whether the term is among those that are remembered."""
        return self._find(key, states) is not None

    def due(self, states: States, at: datetime, seen_until: datetime, well: Wellness = None) -> list[Finding]:  # noqa: ARG002 as of every kind
        """Nothing: nobody says anything new by saying nothing."""
        return []

    def sweep(self, states: States, at: datetime) -> int:
        """Forget terms that nobody has said for as long as the memory goes. Returns how many."""
        return self._listening.sweep(states, at.timestamp(), self.rule.keep_firing_for.total_seconds())

    def explain(self, seen: Seen) -> list[Verdict]:
        """How each condition fared."""
        return list(self.where.explain(seen))

    def _hear(self, mention: Observation, subject: str, terms: Mapping[str, str], states: States) -> Iterator[Finding]:
        key = {"subject": subject}
        for name, term in self._listening.hear(mention, key, terms, states):
            now, listened = term.newest, self._listening.listened(key, states)
            if self._holds(term, listened, now):
                term.fired_at = now
                yield self._finding({"subject": subject, "term": name}, labels(mention), term, listened, now)

    def _holds(self, term: Term, listened: Listened, now: float) -> bool:
        return (
            self._says_enough(self.rule.fire, len(term.voices), self._listening.usual(term, listened, now))
            and self._listening.has_warmed_up(listened)
            and self._unless(term.mean_sentiment()) is not True
        )

    @staticmethod
    def _says_enough(asked: NewTermFire | RaisedByTerm, authors: int, usual: float) -> bool:
        """Whether so many say it, and so many more than usual."""
        return authors >= (asked.at_least or 0) and authors >= (asked.times_expected or 0) * usual

    def _lingers(self, term: Term, now: float) -> bool:
        return term.fired_at is not None and now - term.fired_at < self.rule.keep_firing_for.total_seconds()

    def _find(self, key: Mapping[str, str], states: States) -> Term | None:
        named = key.keys() == {"subject", "term"}
        return self._listening.find({"subject": key["subject"]}, key["term"], states) if named else None

    def _finding(self, key: Mapping[str, str], said: Mapping[str, str], term: Term, listened: Listened, now: float) -> Finding:
        rule = self.rule
        usual = self._listening.usual(term, listened, now)
        return Finding(
            rule=rule.id,
            kind=rule.kind,
            key=dict(key),
            labels={**said, **key, "term": shown(rule.field, term), "field": rule.field},
            subject=key["subject"],
            at=moment(now),
            severity=louder(rule, lambda each: self._says_enough(each, len(term.voices), usual)),
            category=rule.category,
            observed=len(term.voices),
            expected=usual,
            measure="authors",
            window=rule.fire.within,
            learning=False,
            reasons=self._reasons(term, listened, now),
            evidence=term.evidence(rule.evidence.top, newest_first=rule.evidence.by == "newest"),
            plan=rule.plan,
            notify=rule.notify,
        )

    def _calm(self, key: Mapping[str, str], at: datetime, term: Term | None, listened: Listened) -> Calm:
        now = max(at.timestamp(), term.newest) if term else at.timestamp()
        return Calm(
            rule=self.rule.id,
            key=key,
            at=at,
            observed=len(term.voices) if term else 0,
            expected=self._listening.usual(term, listened, now) if term else None,
            measure="authors",
            window=self.rule.fire.within,
            reasons=self._reasons(term, listened, now) if term else ("nothing was seen yet",),
            last_fired=moment(term.fired_at) if term and term.fired_at is not None else None,
        )

    def _reasons(self, term: Term, listened: Listened, now: float) -> tuple[str, ...]:
        """Who says it now, who said it before, what others feel about it, and what the rule asks."""
        fire, authors = self.rule.fire, len(term.voices)
        bound = "at least " if authors >= self._span.most else ""
        seen = f"{bound}{authors:,} authors within {format_duration(fire.within)}"
        if sum(term.before.values()):
            facts = [f"{seen}, usually {self._listening.usual(term, listened, now):,.1f}"]
        else:
            facts = [seen, f"nobody said it in the {_days(self._listening.known(listened, now))} before"]
        if not self._listening.has_warmed_up(listened):
            facts.append(f"what is usual is still being learnt (needs {format_duration(self.rule.warm_up)})")
        mood = term.mean_sentiment()
        if self.rule.unless is not None and mood is not None:
            held_back = ", which keeps it from ringing" if self._unless(mood) is True else ""
            facts.append(f"mean sentiment {mood:.2f}{held_back}")
        return (*facts, f"rings from {fire.at_least} authors, {fire.times_expected:g} times the usual")


def _days(seconds: float) -> str:
    """A length of time in its largest unit: nobody needs the minutes of a month."""
    days = int(seconds // _DAY.total_seconds())
    return f"{days}d" if days else format_duration(timedelta(hours=int(seconds // 3600)))


def _shape(rule: NewTermRule) -> str:
    """A hash of what its memory depends on: a rule that rings sooner keeps what it knows, one that looks elsewhere does not."""
    shaping = rule.model_dump(mode="json", by_alias=True, exclude_none=True, include=_SHAPING)
    within = format_duration(rule.fire.within)
    return shaped(_FORMAT, shaping, within)
