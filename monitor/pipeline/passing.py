"""What the passing of time brings: what rings without a new mention, what is over, and who is told only now."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

import structlog

from monitor.domain.alert import PERSONAL, RULE_CHANGED, RULE_GONE, Alert, Silence
from monitor.domain.mention import Observed
from monitor.pipeline import catch_up, health
from monitor.pipeline.alerting import Alerting
from monitor.pipeline.memory import Memory
from monitor.pipeline.rebuild import SWEEP
from monitor.pipeline.waking import Waking
from monitor.settings import Settings
from monitor.storage import UnitOfWork
from monitor.telemetry import metrics
from rules import Calm, Engine, Finding, States

log = structlog.get_logger(__name__)

# Complaints that a single look may end: a storm of a day ago must not hold up what happens now.
ENDED_AT_ONCE = 200


class Passing:
    """Looks at the clock, within the evaluator's transaction. All times are story time."""

    def __init__(
        self, settings: Settings, engine: Engine, alerting: Alerting, waking: Waking, now: datetime, *, recorded: bool
    ) -> None:
        """`recorded`: the clock is that of a recording. Nothing of it is on its way, and nothing of it is healthy or ill."""
        self._settings = settings
        self._engine = engine
        self._alerting = alerting
        self._waking = waking
        self._recorded = recorded
        self._swept_at = now

    async def look(
        self,
        tx: UnitOfWork,
        memory: Memory,
        now: datetime,
        silences: Sequence[Silence],
        offset: int,
        *,
        goes_on: bool = False,
    ) -> None:
        """Do all that is due. Mentions were judged up to `offset`. `goes_on`: more follows in the recording."""
        self._waking.looks(now)
        seen_until = await self.seen_until(tx, now)
        self._sweep(memory.states, now, seen_until)
        delivered = None if goes_on else await self.delivered(tx, offset)
        for finding in await self._due(tx, memory, now, seen_until, delivered):
            await self._alerting.raise_(tx, memory.rings, finding, now, silences)
        self._waking.again(memory.states, now)
        await self._end_what_is_over(tx, memory, now, silences, lambda rule: self._engine.until(rule, seen_until, now, delivered))
        await self._end_by_their_time(tx, memory, now)
        await self._tell_what_was_held_back(tx, memory, now, silences)
        await self._alerting.carry_on_plans(tx, memory.rings, now, silences)

    async def seen_until(self, tx: UnitOfWork, now: datetime) -> datetime:
        """Up to when everything that was said has come (event time): of a recording, nothing is on its way."""
        return now if self._recorded else await health.horizon(tx, self._settings, now)

    async def delivered(self, tx: UnitOfWork, offset: int) -> dict[str, datetime | None] | None:
        """Up to when each source has brought everything that is judged by now."""
        if not self._engine.waits_for_sources:
            return None
        if self._recorded:  # the recording is over: what was said since then, nobody knows
            return dict.fromkeys(self._settings.sources)
        sources = await health.delivered(tx, self._settings)
        # What was brought since the last look is not judged yet: it is missing no less than what is still on its way.
        return sources if await tx.mentions.newest_id() <= offset else dict.fromkeys(sources)

    def _sweep(self, states: States, now: datetime, seen_until: datetime) -> None:
        """Let go of keys long silent. A rule that trips over that must not keep the clock from being looked at."""
        if self._recorded or now - self._swept_at < SWEEP:  # a recording ends by itself, and gives the same each time
            return
        self._swept_at = now
        try:
            self._engine.sweep(states, seen_until)
        except Exception:
            log.exception("rules.not_swept")
            metrics.worker_failures.labels(worker="rules").inc()

    async def _due(
        self,
        tx: UnitOfWork,
        memory: Memory,
        now: datetime,
        seen_until: datetime,
        delivered: Mapping[str, datetime | None] | None,
    ) -> list[Finding]:
        """What rings because time has passed. Of what waited for an answer, what was erased, or answered unseen, does not."""
        well = None if self._recorded else await health.wellness(tx, self._settings, now)
        found = self._engine.due(memory.states, now, seen_until, delivered, well)
        waited = [finding.evidence[0] for finding in found if finding.kind in PERSONAL]
        mentions = {mention.id: mention for mention in await tx.mentions.get(waited)} if waited else {}
        told = (self._still_due(finding, mentions) if finding.kind in PERSONAL else finding for finding in found)
        return [finding for finding in told if finding is not None]

    def _still_due(self, finding: Finding, mentions: Mapping[int, Observed]) -> Finding | None:
        mention = mentions.get(finding.evidence[0])
        if mention is None or mention.is_erased or mention.answered:
            return None
        return catch_up.gently(finding, mention, self._settings)

    async def _end_what_is_over(
        self,
        tx: UnitOfWork,
        memory: Memory,
        now: datetime,
        silences: Sequence[Silence],
        until: Callable[[str], datetime | None],
    ) -> None:
        """What rings may be over; data that is missing delays that, and nothing else. `until`: of a rule, how far to look."""
        for alert in memory.ringing(gathered=False):
            seen_until = until(alert.rule)
            over = None if seen_until is None else self._over(alert, memory, seen_until)
            if over is not None:
                await self._alerting.resolve(tx, memory.rings, alert, now, over.why, tell=over.tell)
            else:
                await self._alerting.remind(tx, memory.rings, alert, now, silences)
            self._wake_while_it_rings(alert, now)

    def _wake_while_it_rings(self, alert: Alert, now: datetime) -> None:
        """What rings for what is missing is looked at, at its pace, anyway, and told again in between; all else may end soon."""
        if self._engine.pace_of(alert.rule) is None:
            self._waking.soon(now)
        else:
            self._waking.at(self._alerting.reminds_at(alert), now)

    def _over(self, alert: Alert, memory: Memory, seen_until: datetime) -> _Over | None:
        """Why an alert does not ring any more, or None. A rule that was edited knows too little: that is no all-clear."""
        rule = self._engine.remembering(alert.rule)
        if rule is None:
            return _Over(RULE_GONE)
        if memory.rebuild is not None and alert.rule in memory.rebuild.rules:
            return None
        if not rule.remembers(alert.key, memory.states):
            return _Over(RULE_CHANGED) if alert.last_seen_at + rule.patience <= seen_until else None
        stands = rule.tick(alert.key, memory.states, seen_until)
        return _Over(stands.why, stands.tell) if isinstance(stands, Calm) else None

    async def _end_by_their_time(self, tx: UnitOfWork, memory: Memory, now: datetime) -> None:
        """An alert of a mention rule, or of old news, ends by a person, or by its time; nobody is told of the latter."""
        ended = 0
        for alert in [*memory.rings.of_kind("mention"), *memory.ringing(gathered=True)]:
            lasts = catch_up.lasts(alert, self._engine.rule(alert.rule))
            why = RULE_GONE if lasts is None else "its time is over"
            # What was written long ago and seen today lasts from today: the former is event time, the others are story time.
            until = max(alert.last_seen_at, alert.told_at or alert.opened_at) + (lasts or timedelta(0))
            if until <= now and ended < ENDED_AT_ONCE:
                ended += 1
                await self._alerting.resolve(tx, memory.rings, alert, now, why, tell=False)
            elif until <= now:
                self._waking.soon(now)
            else:
                self._waking.by(until)

    async def _tell_what_was_held_back(self, tx: UnitOfWork, memory: Memory, now: datetime, silences: Sequence[Silence]) -> None:
        """A silence, or an inhibition, may have ended."""
        for alert in memory.rings.silenced():
            until = await self._alerting.after_silence(tx, memory.rings, alert, now, silences)
            if until is not None:
                self._waking.by(until)
        for alert in memory.rings.waiting():
            await self._alerting.after_inhibition(tx, memory.rings, alert, now, silences)
            self._waking.soon(now)


class _Over(NamedTuple):
    """Why an alert is over, and whether that is news to whoever was told of it."""

    why: str
    tell: bool = True
