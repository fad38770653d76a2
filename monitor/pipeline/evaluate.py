"""Judges what was committed: one leased evaluator advances its offset, the rules' state and all alerts in one transaction."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from datetime import datetime, timedelta

import structlog

from monitor.domain.alert import RULE_CHANGED, Silence
from monitor.domain.clock import Clock, ManualClock
from monitor.domain.mention import Observed
from monitor.domain.plan import TOCSIN, EventKind, TimelineEvent
from monitor.pipeline import catch_up, health, quiet_sources, second_opinion
from monitor.pipeline.alerting import Alerting
from monitor.pipeline.copies import Copies
from monitor.pipeline.habits import Habits
from monitor.pipeline.memory import Memory
from monitor.pipeline.open_alerts import OpenAlerts
from monitor.pipeline.passing import Passing
from monitor.pipeline.rebuild import Rebuild, incomplete
from monitor.pipeline.suspects import Suspects
from monitor.pipeline.waking import TICK, Waking
from monitor.settings import Settings
from monitor.storage import LeaseLost, Store, StoreAwayError, UnitOfWork
from monitor.telemetry import metrics
from rules import Calm, Engine, Finding, MentionRule, Rule, States

log = structlog.get_logger(__name__)

BATCH = 500
IN_A_ROW = 25  # mentions that are judged without letting anybody else work
LEASE = timedelta(seconds=60)  # real time


class Evaluator:
    """Applies the rules to stored mentions, in the order in which they were committed.

    `drive` is the clock of a replay: it is moved to each mention's time before the mention is judged, and whatever falls
    due in between (a `for` that has lasted, an alert that is over) happens at its own moment.
    """

    def __init__(
        self,
        settings: Settings,
        store: Store,
        clock: Clock,
        engine: Engine,
        alerting: Alerting,
        *,
        owner: str,
        drive: ManualClock | None = None,
    ) -> None:
        self._settings = settings
        self._store = store
        self._clock = clock
        self._engine = engine
        self._alerting = alerting
        self._owner = owner
        self._drive = drive
        self._epoch: int | None = None  # of the lease we hold or held
        self._renew_at = clock.wall()
        self._offset = 0
        self._memory: Memory | None = None  # None: claim, and load
        self._suspects, self._edit_suspects = Suspects(), Suspects()
        self._passed_over: list[tuple[int, str]] = []  # in this transaction, and why
        self._silences: Sequence[Silence] = ()
        self._started_at = clock.now()
        self._was_set_back = False
        self._look_at_clocks: Callable[[], object] = lambda: None
        self._waking = Waking(engine, self._started_at)
        self._habits = Habits(settings.timezone)
        self._passing = Passing(settings, engine, alerting, self._waking, self._started_at, recorded=drive is not None)

    @property
    def leads(self) -> bool:
        """Whether this process is the one that judges."""
        return self._memory is not None

    @property
    def wakes_at(self) -> datetime | None:
        """When the passing of time alone may next change what rings; None: not until more is said. Only the leader knows."""
        return self._waking.next if self.leads else self._clock.now()

    @property
    def due_at(self) -> datetime | None:
        """When (event time) what waits for its time next rings, if nothing is said; None: never. Only the leader knows."""
        return self._engine.next_due(self._memory.states) if self._memory is not None else None

    def resumed(self) -> None:
        """Time has passed in which we were not running: it is not our sources' fault."""
        self._started_at = self._clock.now()

    def set_back(self) -> None:
        """The clock was set back: windows that it had moved on take all that is said now for old, so they are built anew.

        Where that happened while nobody judged, whoever takes the lease finds it out.
        """
        self._was_set_back = True

    def watch_clocks(self, look: Callable[[], object]) -> None:
        """Call `look` before sources are blamed: it calls `resumed` if we were not running until a moment ago."""
        self._look_at_clocks = look

    async def step(self, at_most: int = BATCH) -> int:
        """Judge one batch, or what was edited since it was judged, and read a page for the rules that were edited.

        Returns how many mentions were judged: 0 when nothing waits, or when another process leads; 1 while there is more to read.
        """
        if not await self._is_ready():
            return 0
        judged = await self._judge_batch(at_most) or await self._judge_edited()
        reads = await self._read_again()
        return judged or int(reads)

    async def _judge_batch(self, at_most: int) -> int:
        if self._memory is None:
            return 0
        async with self._store.read() as tx:
            if self._memory.copies is None:
                self._memory.copies = await Copies.load(tx, self._offset)
            at_once = self._suspects.at_once(self._offset, at_most)
            mentions = await tx.mentions.after(self._offset, at_once, self._memory.copies.place)
        if not mentions:
            return 0
        with metrics.stage("evaluate", len(mentions)):
            if not await self._judge_or_pass_over(mentions):
                return 0
        metrics.evaluated.inc(len(mentions))
        return len(mentions)

    async def _judge_edited(self) -> int:
        """One mention that says something else since it was judged: what did not ring before may ring now, by itself."""
        if self._memory is None:
            return 0
        async with self._store.read() as tx:
            mention = await tx.mentions.edited(self._offset)
        if mention is None:
            return 0
        why = self._edit_suspects.why([mention])

        async def work(tx: UnitOfWork, memory: Memory) -> int:
            fresh = await tx.mentions.judged_again(mention)
            if why is not None:
                await self._pass_over(tx, memory, mention, why)
            elif fresh:
                found = await self._observe(tx, memory, mention, self._engine.observe_edited)
                await self._raise(tx, memory, mention, found, self._clock.now())
            return self._offset

        try:
            return int(await self._transaction(work))
        except StoreAwayError:
            raise
        except Exception as error:
            self._edit_suspects.failed([mention], error)
            raise

    async def _read_again(self) -> bool:
        """Read on what was judged before some rules were edited, so that they remember it. False: nothing of it is left."""
        if self._memory is None or self._memory.rebuild is None:
            return False
        rebuild = self._memory.rebuild
        try:
            async with self._store.read() as tx:
                complete = await rebuild.read(tx, self._offset)
        except StoreAwayError:
            raise
        except Exception:
            log.exception("rules.not_rebuilt", rules=rebuild.rules)  # they learn anew; the next start tries again
            self._memory.rebuild = None
            return False
        if complete and await self._transaction(self._take_over):
            log.info("rules.rebuilt", rules=rebuild.rules, mentions=rebuild.mentions)
        return True

    async def _judge_or_pass_over(self, mentions: Sequence[Observed]) -> bool:
        """One mention that fails again and again must not keep all others from being judged. A replay's user sees it fail."""
        why = self._suspects.why(mentions) if self._drive is None else None
        if why is not None:
            return await self._transaction(lambda tx, memory: self._pass_over(tx, memory, mentions[0], why))
        try:
            return await self._transaction(lambda tx, memory: self._judge(tx, memory, mentions))
        except StoreAwayError:
            raise
        except Exception as error:
            self._suspects.failed(mentions, error)
            raise

    async def tick(self) -> None:
        """Do what the passing of time alone asks for: resolve what is over, fire what has lasted, notice what went silent."""
        if await self._is_ready():
            await self._transaction(self._tick)

    async def tick_behind(self) -> None:
        """Notice what went silent, and nothing else: mentions wait that could not be judged, so nothing may be called over."""
        if await self._is_ready():
            await self._transaction(self._look)

    async def pass_time(self, until: datetime) -> None:
        """Let time pass in a replay, as between two mentions: whatever falls due happens at its own moment."""
        drive = self._drive
        assert drive is not None, "only a replay's clock is moved"

        async def work(tx: UnitOfWork, memory: Memory) -> int:
            await self._drive_to(tx, memory, drive, until)
            return self._offset

        if await self._lead():
            await self._transaction(work)

    async def release(self) -> None:
        """Give the lease back, so that another process need not wait for it to expire."""
        if self._epoch is None:
            return
        async with self._store.begin() as tx:
            await tx.evaluator.release(self._owner, self._epoch)
            await tx.commit()
        self._epoch, self._memory = None, None

    async def _is_ready(self) -> bool:
        """Hold the lease, and remember nothing that a clock has taught which was set back since."""
        return await self._lead() and (not self._was_set_back or await self._transaction(self._begin_anew))

    async def _lead(self) -> bool:
        """Hold the lease: claim it, or renew it well before it expires. A lost one is claimed anew at the next step."""
        wall = self._clock.wall()
        if self._memory is not None and timedelta(0) < self._renew_at - wall <= LEASE / 3:  # unless the clock was set back
            return True
        try:
            async with self._store.begin() as tx:
                if self._memory is not None and self._epoch is not None:
                    await tx.evaluator.renew(self._owner, self._epoch, wall=wall, lease=LEASE)
                    leads = True
                else:
                    leads = await self._claim(tx, wall)
                await tx.commit()
        except LeaseLost:
            self._lose()
            return False
        except BaseException:
            self._memory = None
            raise
        self._renew_at = wall + LEASE / 3
        return leads

    async def _claim(self, tx: UnitOfWork, wall: datetime) -> bool:
        """Take the lease, and read where judging stands and all that it remembers: only the store knows for certain."""
        lease = await tx.evaluator.claim(self._owner, wall=wall, lease=LEASE)
        if lease is None:
            return False
        await tx.rule_states.prune(self._engine.shapes())
        self._epoch, self._offset = lease.epoch, lease.offset
        self._was_set_back |= await self._is_behind(tx)
        saved = await tx.rule_states.load()
        self._memory = Memory(States.load(saved), await OpenAlerts.load(tx), await self._rebuild(tx, {key[:2] for key in saved}))
        if self._drive is None or self._offset:  # a recording begins with its first mention
            now = self._clock.now()
            self._waking.soon(now)  # of what is open, an earlier process knew when to look again
            self._waking.heard(self._memory.states, now)
        return True

    async def _is_behind(self, tx: UnitOfWork) -> bool:
        """Whether rules learnt from a clock that was later than ours: it was set back while nobody judged."""
        if self._drive is not None:  # that of a recording begins with its first mention
            return False
        saved_at, now = await tx.rule_states.saved_at(self._looking_back()), self._clock.now()
        if saved_at is None or saved_at - now <= TICK:  # two machines may share a store, and their clocks differ a little
            return False
        log.warning("rules.ahead", seconds=round((saved_at - now).total_seconds()))
        return True

    async def _rebuild(self, tx: UnitOfWork, known: Collection[tuple[str, str]]) -> Rebuild | None:
        """For the rules that are new, or were edited so that they must remember otherwise; None: there are none."""
        now = self._clock.now()
        wanting = {rule for rule, _ in await incomplete(tx, self._looking_back(), known, self._offset, now)}
        rules = [rule for rule in self._settings.rules if rule.id in wanting]
        return self._rebuilding(rules, now)

    def _looking_back(self) -> set[tuple[str, str]]:
        """The shapes of the rules that are to remember what was said before they were there. Others wait for what comes."""
        return {(id_, shape) for id_, shape in self._engine.shapes() if self._engine.looks_back(id_)}

    def _rebuilding(self, rules: Sequence[Rule], now: datetime) -> Rebuild | None:
        """Campaigns taught nothing when they were, and teach nothing when they are read again."""
        return Rebuild(rules, self._settings.lists, now, self._settings.calendar) if rules else None

    def _lose(self) -> None:
        log.warning("evaluator.lease_lost", owner=self._owner)
        self._epoch, self._memory = None, None

    async def _transaction(self, work: Callable[[UnitOfWork, Memory], Awaitable[int]]) -> bool:
        """Do `work` (which returns the new offset) fenced by our epoch.

        If it fails, memory is forgotten with the transaction, and the lease claimed anew: a commit whose answer was lost may
        have been made, and what it judged must not be judged again.
        """
        memory = self._memory
        assert memory is not None
        assert self._epoch is not None
        try:
            async with self._store.begin() as tx:
                await tx.evaluator.fence(self._owner, self._epoch)
                self._silences = await tx.silences.not_over(self._clock.now())
                offset = await work(tx, memory)
                await tx.mentions.mark(memory.copies.take_found() if memory.copies else ())
                await memory.rings.save(tx)
                await self._alerting.save(tx)
                await tx.rule_states.save(memory.states.take_dirty(), self._clock.now())
                await tx.evaluator.advance(self._owner, self._epoch, offset)
                await tx.commit()
            self._alerting.committed()
            self._committed()
        except LeaseLost:
            self._lose()
            return False
        except BaseException:
            self._memory = None
            raise
        finally:
            self._alerting.forget()
            self._passed_over.clear()
        self._offset = offset
        return True

    def _committed(self) -> None:
        """It did happen: log and count what was left out."""
        for mention, why in self._passed_over:
            log.error("mention.unjudged", mention=mention, reason=why)
            metrics.unjudged.inc()

    async def _judge(self, tx: UnitOfWork, memory: Memory, mentions: Sequence[Observed]) -> int:
        for number, mention in enumerate(mentions, 1):
            if self._drive is not None:
                await self._drive_to(tx, memory, self._drive, mention.written_at)
            elif number % IN_A_ROW == 0:
                await asyncio.sleep(0)
            now = self._clock.now()
            found = await self._observe(tx, memory, mention, lambda said: self._engine.observe(said, memory.states))
            await self._raise(tx, memory, mention, found, now)
            if mention.is_own and mention.in_thread:
                asked = await tx.mentions.answer(mention.id)
                await tx.handling.answered(asked, TOCSIN, "network")
                await self._answered(tx, memory.rings, asked, now)
            elif mention.answered and self._drive is None:  # our answer was seen first: in a recording it follows
                await tx.mentions.answered_first(mention.id)
                await tx.handling.answered([mention.id], TOCSIN, "network")
                if found:
                    await self._answered(tx, memory.rings, [mention.id], now)
            self._waking.heard(memory.states, now)
        return mentions[-1].id

    async def _raise(self, tx: UnitOfWork, memory: Memory, mention: Observed, found: Sequence[Finding], now: datetime) -> None:
        for finding in found:
            told = catch_up.gently(finding, mention, self._settings)
            told = second_opinion.noted(told, mention) if told.kind == "mention" else told
            await self._alerting.raise_(tx, memory.rings, told, now, self._silences, mention)
            self._waking.soon(now)

    async def _answered(self, tx: UnitOfWork, rings: OpenAlerts, mentions: list[int], now: datetime) -> None:
        """One of our own accounts replied to these: what its rule calls over by that ends, and nobody is told."""
        await rings.save(tx)
        for alert in await tx.alerts.behind(mentions):
            rule = self._engine.rule(alert.rule)
            if isinstance(rule, MentionRule) and rule.resolve.answered:
                await self._alerting.resolve(tx, rings, alert, now, "answered by us", tell=False)

    async def _observe(
        self, tx: UnitOfWork, memory: Memory, mention: Observed, observe: Callable[[Observed], Sequence[Finding]]
    ) -> Sequence[Finding]:
        """What rings because of this mention. One that the rules trip over must not keep all others from being judged.

        Who was erased before they were judged, rules never know.
        """
        if mention.is_erased:
            return ()
        try:
            return observe(mention)
        except Exception as error:
            log.exception("rules.failed", mention=mention.id)
            metrics.worker_failures.labels(worker="rules").inc()
            if self._drive is None:
                await self._pass_over(tx, memory, mention, type(error).__name__)
            return ()

    async def _pass_over(self, tx: UnitOfWork, memory: Memory, mention: Observed, why: str) -> int:
        """Leave out a mention, aloud: whoever is told must read it instead. If that fails, too, nothing is left out."""
        now = self._clock.now()
        self._passed_over.append((mention.id, why))
        await tx.timeline.add(
            TimelineEvent(at=now, kind=EventKind.MENTION_UNJUDGED, detail={"mention": mention.id, "reason": why})
        )
        await self._alerting.raise_(tx, memory.rings, health.unjudged(mention.id, why, now), now, self._silences)
        return mention.id

    async def _drive_to(self, tx: UnitOfWork, memory: Memory, clock: ManualClock, moment: datetime) -> None:
        while self._waking.next is not None and self._waking.next <= moment:
            clock.advance_to(self._waking.next)
            await self._tick(tx, memory, goes_on=True)
        clock.advance_to(moment)

    async def _tick(self, tx: UnitOfWork, memory: Memory, *, goes_on: bool = False) -> int:
        """Look at the clock. `goes_on`: it is that of a recording in which more follows."""
        await self._passing.look(tx, memory, self._clock.now(), self._silences, self._offset, goes_on=goes_on)
        if self._drive is None:  # a replay's file is neither healthy nor ill
            await self._look(tx, memory)
        return self._offset

    async def _look(self, tx: UnitOfWork, memory: Memory) -> int:
        trouble = await self._store.trouble()
        now, silences = self._clock.now(), self._silences
        self._look_at_clocks()  # after `now` was read, and with nothing in between: the machine may fall asleep at any moment
        started = self._started_at
        known = tx, self._alerting, memory.rings, self._settings
        await health.look(*known, now, started_at=started, silences=silences, trouble=trouble)
        if trouble is None:
            await quiet_sources.look(*known, self._habits, now, silences)
        return self._offset

    async def _begin_anew(self, tx: UnitOfWork, memory: Memory) -> int:
        """Forget what rules remember of the past, and build it anew: whoever is killed on the way leaves it to the next."""
        now, shapes = self._clock.now(), self._looking_back()
        memory.states.take_over(States(), shapes)
        await tx.rule_states.note(dict.fromkeys(shapes, False), now)
        rules = [rule for rule in self._settings.rules if self._engine.looks_back(rule.id)]
        memory.rebuild = self._rebuilding(rules, now)
        self._was_set_back = False
        return self._offset

    async def _take_over(self, tx: UnitOfWork, memory: Memory) -> int:
        """Rules that were edited remember now what they should. What they ring for goes on; what they would not, is over."""
        rebuild, now = memory.rebuild, self._clock.now()
        assert rebuild is not None
        memory.states.take_over(rebuild.states, rebuild.shapes)
        memory.rebuild = None
        await tx.rule_states.note(dict.fromkeys(rebuild.shapes, True), now)
        seen_until, delivered = await self._passing.seen_until(tx, now), await self._passing.delivered(tx, self._offset)
        for alert in [alert for alert in memory.ringing(gathered=False) if alert.rule in rebuild.rules]:
            until = self._engine.until(alert.rule, seen_until, now, delivered)
            if until is not None and isinstance(self._engine.tick(alert.rule, alert.key, memory.states, until), Calm):
                await self._alerting.resolve(tx, memory.rings, alert, now, RULE_CHANGED, tell=True)
        self._waking.heard(memory.states, now)
        return self._offset
