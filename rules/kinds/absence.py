"""The kind `absence`: somebody asked or complained, and none of our own accounts has answered in time."""

from __future__ import annotations

import json
import math
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from heapq import heappush

from rules.condition import Condition, Seen
from rules.duration import format_duration, format_hours
from rules.epoch import moment
from rules.finding import Calm, Finding, Verdict
from rules.kinds.absence_memory import Heard, Queue, Unanswered, is_old
from rules.kinds.keys import Keys, canonical, labels
from rules.kinds.kind import Wellness
from rules.kinds.shaping import shaped
from rules.logic import Test
from rules.matching import Compiler
from rules.model import AbsenceRule, RaisedByAbsence, louder, loudest
from rules.observation import Observation
from rules.state import StateKey, States
from rules.words import WordList

MOST_WAITING = 10_000
"""Mentions of one rule that wait at once; of more, the one that has waited longest is told before its time."""

_FORMAT = 1
_SHAPING = {"kind", "where"}
_SETTLED = timedelta(days=1).total_seconds()  # until then the end of an alert has long been told
_NETWORK = "network"


class CompiledAbsence:
    """An absence rule, ready to look at mentions. Each mention that waits has a state of its own."""

    def __init__(self, rule: AbsenceRule, compiler: Compiler) -> None:
        self.rule = rule
        self.where: Condition = compiler.compile(rule.where, rule.id)
        self.admits: Test[Collection[str]] | None = None  # what we answer need not be about the subject that was asked about
        self.needs: frozenset[WordList] | None = None
        self._keys = Keys(("subject",), compiler.admits(rule.where))
        self.shape = _shape(rule)
        self.rings_within: timedelta | None = timedelta(0)
        self.patience = rule.resolve.after
        self.memory = timedelta(0)  # what waited for an answer before the rule was there, nobody is told of
        self._hours = rule.working_hours
        self._after = rule.resolve.after.total_seconds()
        self._timing = repr((rule.within, self._hours, rule.raise_, self._after))  # what decides when it is looked at
        self._louder = {
            name: compiler.compile(each.where, rule.id, f"raise[{at}].where")
            for at, each in enumerate(rule.raise_)
            if each.where is not None and (name := each.condition)
        }

    def observe(self, seen: Seen, states: States) -> Iterable[Finding]:
        """Let the mention wait if it matches; what our own accounts say ends the waiting of what they answer."""
        mention = seen.mention
        if mention.is_own is True:
            self._hear(mention, states)
            return ()
        if mention.answered is True or self.where.holds(seen) is not True or self._adds_to_what_waits(mention, states):
            return ()
        self._wait(seen, states)
        return self._too_many(states)

    def tick(self, key: Mapping[str, str], states: States, at: datetime) -> Finding | Calm:
        """Whether the mention still has no answer, once it has rung, and until `resolve.after` has passed."""
        waiting = self._find(key, states)
        if waiting is None:
            return self._calm(key, at, "nothing waits for an answer")
        if waiting.answered_at is not None:
            return self._calm(key, at, "one of our own accounts has answered", why="answered")
        if waiting.rang_at is None:
            return self._calm(key, at, *self._why_it_waits(waiting, states, at))
        if at.timestamp() >= waiting.rang_at + self._after:
            return self._calm(key, at, "nobody has answered", why="its time is over", tell=False)
        return self._finding(key["mention"], waiting, at.timestamp())

    def keys(self, mention: Observation) -> list[dict[str, str]]:
        """The key of this mention alone."""
        return [{"mention": str(mention.id)}]

    def remembers(self, key: Mapping[str, str], states: States) -> bool:
        """Whether the mention waits, or waited a while ago."""
        return self._here(key) in states

    def due(self, states: States, at: datetime, seen_until: datetime, well: Wellness = None) -> list[Finding]:
        """The mentions that have waited too long: if an answer would have been seen."""
        queue, until, rings = self._queue(states), seen_until.timestamp(), []
        queue.looks_again |= well is not None  # a source may be well again
        for over, number in queue.take(until):
            waiting = self._find({"mention": str(number)}, states)
            if waiting is None or self._next(waiting) > until:
                continue
            if self._would_have_seen_an_answer(waiting, states, at, well):
                rings.append(self._ring(str(number), waiting, states, until))
            else:
                queue.held.append((over, number))
        queue.looked_at = at.timestamp()
        return rings

    def next_due(self, states: States) -> float:
        """When the first has waited long enough; now, where a reply of ours may tell of those that waited in vain."""
        queue = self._queue(states)
        if queue.looks_again and queue.held:
            return -math.inf
        return queue.waiting[0][0] if queue.waiting else math.inf

    def sweep(self, states: States, at: datetime) -> int:
        """Forget what is over, what nobody could know, and networks on which we have long answered nobody. Returns how many."""
        before, now = len(states), at.timestamp()
        since = self._queue(states).since
        for here in states.keys(self.rule.id, self.shape):
            key = json.loads(here[2])
            if _NETWORK in key:
                gone = not states.get(here, Heard).lately(now)
            elif gone := self._is_over(states.get(here, Unanswered), now):
                since.pop(int(key["mention"]), None)
            if gone:
                states.forget(here)
        return before - len(states)

    def explain(self, seen: Seen) -> list[Verdict]:
        """How each condition fared, whether it is ours, and whether it was answered."""
        mention = seen.mention
        verdicts = self.where.explain(seen)
        first = next(verdicts)
        held = False if mention.is_own is True or mention.answered is True else first.held
        ours = Verdict("written by one of our own accounts (waits for no answer)", mention.is_own, mention.is_own is not True)
        answered = Verdict("answered by one of our own accounts", mention.answered, mention.answered is not True)
        raised = (verdict for condition in self._louder.values() for verdict in condition.explain(seen))
        return [first._replace(held=held), *verdicts, *raised, ours, answered]

    def _is_over(self, waiting: Unanswered, now: float) -> bool:
        """Whether it was answered or given up long ago."""
        if waiting.answered_at is not None:
            return now - waiting.answered_at > _SETTLED
        given_up = self._after + _SETTLED
        return now - waiting.at > given_up and now - self._deadline(waiting) > given_up

    def _why_it_waits(self, waiting: Unanswered, states: States, at: datetime) -> Iterator[str]:
        yield f"waits for an answer since {moment(waiting.at):%Y-%m-%d %H:%M} UTC"
        if self._hours is not None:
            due = moment(self._deadline(waiting))
            yield f"rings at {due:%Y-%m-%d %H:%M} UTC, after {self._said(self.rule.within)}"
        if not self._would_have_seen_an_answer(waiting, states, at, None):
            yield f"no reply of ours was seen on {waiting.network} in the 30 days before: nobody knows whether it was answered"

    def _hear(self, mention: Observation, states: States) -> None:
        """One of our own accounts has answered somebody: there that is seen, and what it answers waits no longer."""
        if mention.in_thread is not True:
            return
        at = mention.written_at.timestamp()
        here = self._here({_NETWORK: mention.network})
        heard = states.get(here, Heard)
        queue, before = self._queue(states), heard.sources.get(mention.source)
        heard.hear(mention.source, at)
        states.changed(here)
        queue.looks_again |= before is None or before[0] != heard.sources[mention.source][0] or is_old(before, queue.looked_at)
        for answered in {each for each in (mention.replies_to, mention.began_by) if each is not None}:
            waits = self._here({"mention": str(answered)})
            if waits in states:
                states.get(waits, Unanswered).answered_at = at
                states.changed(waits)
                queue.since.pop(answered, None)

    def _adds_to_what_waits(self, mention: Observation, states: States) -> bool:
        """Whether its author asks on in the thread in which they began to wait."""
        if mention.began_by is None or mention.began_by == mention.id:
            return False
        began = self._find({"mention": str(mention.began_by)}, states)
        return began is not None and began.answered_at is None and None is not began.author == mention.author.id

    def _queue(self, states: States) -> Queue:
        return states.beside((self.rule.id, self.shape, self._timing), lambda: self._queued(states))

    def _queued(self, states: States) -> Queue:
        numbers = ((json.loads(here[2]).get("mention"), here) for here in states.keys(self.rule.id, self.shape))
        found = {int(number): states.get(here, Unanswered) for number, here in numbers if number is not None}
        dues = ((self._next(waiting), number) for number, waiting in found.items())
        since = {number: waiting.at for number, waiting in found.items() if waiting.is_due}
        return Queue((each for each in dues if each[0] != math.inf), since)

    def _deadline(self, waiting: Unanswered, wait: timedelta | None = None) -> float:
        """When it has waited for so long, of the hours that count: `within`, if nothing is said."""
        length = self.rule.within if wait is None else wait
        if self._hours is None:
            return waiting.at + length.total_seconds()
        return self._hours.after(moment(waiting.at), length).timestamp()

    def _next(self, waiting: Unanswered) -> float:
        """When it rings, or rings louder; infinity: never, or never again."""
        if waiting.answered_at is not None:
            return math.inf
        if waiting.rang_at is None:
            return self._deadline(waiting)
        known = waiting.loud or self.rule.severity
        steps = (
            self._deadline(waiting, each.waited)
            for each in self.rule.raise_
            if each.waited and loudest([known, each.severity]) != known and _is_met(each, waiting)
        )
        return min((step for step in steps if step < waiting.rang_at + self._after), default=math.inf)

    def _wait(self, seen: Seen, states: States) -> None:
        mention = seen.mention
        queue, here = self._queue(states), self._here({"mention": str(mention.id)})
        waiting = states.get(here, Unanswered)
        waiting.at = mention.written_at.timestamp()
        waiting.author = mention.author.id
        waiting.subject = next(iter(self._keys.subjects(mention)), None)
        waiting.network = mention.network
        waiting.labels = labels(mention)
        waiting.met = [name for name, condition in self._louder.items() if condition.holds(seen) is True]
        states.changed(here)
        heappush(queue.waiting, (self._deadline(waiting), mention.id))
        queue.since[mention.id] = waiting.at

    def _too_many(self, states: States) -> list[Finding]:
        """The mention that has waited longest, once more wait than are kept. What has rung is bounded by its alert.

        Where nobody could know that it was answered it is forgotten: it would never have rung.
        """
        since = self._queue(states).since
        if len(since) <= MOST_WAITING:
            return []
        _, first = min((at, number) for number, at in since.items())
        here = self._here({"mention": str(first)})
        longest = states.get(here, Unanswered)
        if not self._would_have_seen_an_answer(longest, states, moment(longest.at), None):
            states.forget(here)
            del since[first]
            return []
        return [self._ring(str(first), longest, states, longest.at)]

    def _would_have_seen_an_answer(self, waiting: Unanswered, states: States, at: datetime, well: Wellness) -> bool:
        """Whether replies of ours were seen there in time, and are until now, by sources that are still asked and all answer."""
        here = self._here({_NETWORK: waiting.network})
        if here not in states:
            return False
        lately = states.get(here, Heard).lately(at.timestamp(), before=self._deadline(waiting))
        if well is None:
            return bool(lately)
        answer = [well[source] for source in lately if source in well]
        return bool(answer) and all(answer)

    def _ring(self, number: str, waiting: Unanswered, states: States, until: float) -> Finding:
        """It rings by what is known up to this moment, and may ring louder later."""
        at = self._deadline(waiting) if waiting.rang_at is None else self._next(waiting)
        waiting.rang_at = waiting.rang_at if waiting.rang_at is not None else at
        waiting.loud = louder(self.rule, lambda each: _is_met(each, waiting) and self._has_waited(waiting, each.waited, until))
        states.changed(self._here({"mention": number}))
        self._queue(states).since.pop(int(number), None)
        if (again := self._next(waiting)) != math.inf:
            heappush(self._queue(states).waiting, (again, int(number)))
        return self._finding(number, waiting, max(at, until))

    def _said(self, wait: timedelta) -> str:
        return f"{format_hours(wait)} of work" if self._hours else format_duration(wait)

    def _has_waited(self, waiting: Unanswered, wait: timedelta | None, until: float) -> bool:
        """Whether it has waited so long by this moment; None is no time at all."""
        return wait is None or self._deadline(waiting, wait) <= until

    def _find(self, key: Mapping[str, str], states: States) -> Unanswered | None:
        here = self._here(key)
        return states.get(here, Unanswered) if "mention" in key and here in states else None

    def _here(self, key: Mapping[str, str]) -> StateKey:
        return (self.rule.id, self.shape, canonical(key))

    def _finding(self, number: str, waiting: Unanswered, now: float) -> Finding:
        rule, key = self.rule, {"mention": number}
        waits = sorted({rule.within, *(each.waited for each in rule.raise_ if each.waited is not None)})
        waited = max((each for each in waits if self._deadline(waiting, each) <= now), default=rule.within)
        at = moment(self._deadline(waiting, waited))
        return Finding(
            rule=rule.id,
            kind=rule.kind,
            key=key,
            labels={**waiting.labels, **key},
            subject=waiting.subject,
            at=at,
            severity=waiting.loud or rule.severity,
            category=rule.category,
            observed=1,
            expected=None,
            measure="mentions",
            window=at - moment(waiting.at),  # nights and weekends included
            learning=False,
            reasons=(f"not answered by any of our own accounts within {self._said(waited)}",),
            evidence=(int(number),),
            plan=rule.plan,
            notify=rule.notify,
        )

    def _calm(self, key: Mapping[str, str], at: datetime, *reasons: str, why: str = "back to normal", tell: bool = True) -> Calm:
        return Calm(
            rule=self.rule.id,
            key=key,
            at=at,
            observed=0,
            expected=None,
            measure="mentions",
            window=self.rule.within,
            reasons=reasons,
            why=why,
            tell=tell,
        )


def _is_met(raised: RaisedByAbsence, waiting: Unanswered) -> bool:
    """Whether its condition held, if it has one, when the mention was seen."""
    return raised.condition is None or raised.condition in waiting.met


def _shape(rule: AbsenceRule) -> str:
    """A hash of what lets a mention wait: a rule that is told to others, or waits for longer, keeps those that wait."""
    shaping = rule.model_dump(mode="json", by_alias=True, exclude_none=True, include=_SHAPING)
    return shaped(_FORMAT, shaping)
