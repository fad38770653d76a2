"""Plays a plan against a recording: the stages of the daemon, a clock that stops wherever something is due, people made up.

Nothing is asked or sent: what is owed is recorded as `dry_run`. The same recording gives the same story each time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from pydantic import SecretStr

from monitor.domain.alert import Alert, DeliveryRecord, Notification
from monitor.domain.clock import ReplayClock
from monitor.domain.errors import InputError, UsageError
from monitor.domain.plan import PlanRun, TimelineEvent
from monitor.pipeline import flow, leases, operations
from monitor.pipeline.evaluate import BATCH
from monitor.pipeline.outcome import Nobody
from monitor.plans import Act, RefusedError, moments
from monitor.replay import BEFORE_ALL, seldom_collected
from monitor.settings import Settings
from monitor.settings.duty import names_of, on_duty
from monitor.simulation.people import Answers, Deed, next_deed
from monitor.sources.file import File, FileSettings
from monitor.storage import StorageSettings, Store, UnitOfWork
from rules.base import suggest
from rules.figures import Figures

THROUGH = "simulation"
# Story time after the last post in which a run has to come to its end: later, nothing new can come of it.
PATIENCE = timedelta(days=2)
# What the plan refuses at this moment is tried again so much later, and at last with a reason.
# How long after a post a rule may still open a plan by the passing of time alone.
SILENCE = timedelta(hours=2)
TICK = timedelta(minutes=1)
AGAIN = timedelta(minutes=15)
_OVER = "the recording is over, and nothing rings any more"


@dataclass(frozen=True, slots=True)
class PlayedRun:
    """A run from its opening to where the story left it: what happened in it, and what was owed to whom."""

    run: PlanRun
    events: Sequence[TimelineEvent]
    alerts: Mapping[int, Alert]
    messages: Sequence[tuple[Notification, DeliveryRecord]]


@dataclass(frozen=True, slots=True)
class Played:
    """A whole simulation. `opened_by` names the rules that open the plan, `last` is when the last post was written."""

    plan: str
    answers: Answers
    mentions: int
    runs: Sequence[PlayedRun] = ()
    opened_by: Sequence[str] = ()
    first: datetime | None = None
    last: datetime | None = None
    names: Mapping[str, str] = field(default_factory=dict)  # what people are called


def about(settings: Settings, plan: str) -> Settings:
    """The same settings with this plan alone, in a store that vanishes.

    Where no rule opens it, it takes the place of the plans that rules do open. Raises `UsageError` for a plan that is not there,
    or when no rule opens any.
    """
    if plan not in settings.plans:
        raise UsageError(f"there is no plan `{plan}`; {suggest(plan, settings.plans)}")
    openers = {rule.id for rule in settings.rules if rule.plan == plan} or {rule.id for rule in settings.rules if rule.plan}
    if not openers:
        raise UsageError("no rule opens a plan: write `plan: …` at one that should")
    rules = tuple(rule.model_copy(update={"plan": plan}) if rule.id in openers else rule for rule in settings.rules)
    return settings.ringing().model_copy(
        update={
            "rules": rules,
            "plans": {plan: settings.plans[plan]},
            "storage": StorageSettings(url=SecretStr("sqlite://")),
        }
    )


async def play(settings: Settings, plan: str, answers: Answers) -> Played:
    """Play the one file source of `settings`, which are `about` a plan, to the end of the runs that it opens."""
    async with AsyncExitStack() as stack:
        stack.enter_context(seldom_collected())
        store = await Store.open(settings.storage, in_place=True)
        stack.push_async_callback(store.close)
        simulation = await _Simulation.begin(settings, store, answers)
        stack.push_async_callback(simulation.stages.evaluate.release)
        await simulation.play()
        return await simulation.told(plan)


class _Simulation:
    def __init__(self, settings: Settings, store: Store, clock: ReplayClock, stages: flow.Flow, answers: Answers) -> None:
        self.stages = stages
        self._settings = settings
        self._store = store
        self._clock = clock
        self._answers = answers
        self._source = next(iter(settings.sources))
        (self._plan,) = settings.plans.values()
        self._due: Sequence[datetime | None] = ()  # when a plan, or a message, has its next moment
        self._open = False  # whether a run goes on
        self._deeds: Sequence[tuple[PlanRun, Deed]] = ()  # what people do next, and when
        self._not_before: dict[tuple[int, str, str | None], datetime] = {}  # what was refused
        self._mentions = 0
        self._heard = BEFORE_ALL  # when the last post was written that was judged
        self._first: datetime | None = None
        self._last: datetime | None = None

    @classmethod
    async def begin(cls, settings: Settings, store: Store, answers: Answers) -> _Simulation:
        clock = ReplayClock(BEFORE_ALL)
        sources = {name: File(each, clock) for name, each in settings.sources.items() if isinstance(each, FileSettings)}
        nobody = dict.fromkeys(settings.receivers, Nobody())
        stages = flow.build(settings, store, clock, sources, nobody, owner=leases.owner(), drive=clock, dry_run=True)
        async with store.begin() as tx:
            await tx.sources.register(settings.fingerprints.sources)
            await tx.receivers.register(settings.fingerprints.receivers)
            await tx.commit()
        return cls(settings, store, clock, stages, answers)

    async def play(self) -> None:
        """Let each post be judged at its moment, and everything between them happen at its own."""
        while await self._read():
            for moment in await self._ahead():
                await self._pass_time(moment)
                await self._advance(moment)
                await self.stages.evaluate.step(1)
                self._heard = moment
                await self._live()
        if self._last is not None:
            await self._pass_time(self._last + PATIENCE, while_open=True)

    async def _read(self) -> bool:
        polled = await self.stages.intake.poll(self._source)
        async with self._store.read() as tx:
            state = await tx.sources.get(self._source)
        if state.trouble is not None:
            raise InputError(f"{state.detail}")
        self._mentions += polled.stored
        return polled.more or polled.read > 0

    async def _ahead(self) -> list[datetime]:
        """When each post was written that is stored and not judged."""
        async with self._store.read() as tx:
            mentions = await tx.mentions.after(await tx.evaluator.offset(), BATCH)
        moments = [each.written_at for each in mentions]
        if moments:
            self._first = self._first or moments[0]
            self._last = max(moments[-1], self._last or moments[-1])
        return moments

    async def _pass_time(self, until: datetime, *, while_open: bool = False) -> None:
        """Stop wherever something is due: a rule, a plan, a message, a person. Long silences without a plan pass at once."""
        while (moment := self._next_moment()) is not None and moment <= until and (self._open or not while_open):
            silent = not self._open and self._clock.now() > self._heard + SILENCE
            await self._advance(until if silent else moment)
            await self._live()

    def _next_moment(self) -> datetime | None:
        now = self._clock.now()  # at which everything that can happen has: what is left of it waits for something
        due = [*self._due, self.stages.evaluate.wakes_at, *(deed.at for _, deed in self._deeds)]
        return min((each if each > now else now + TICK for each in due if each is not None), default=None)

    async def _advance(self, moment: datetime) -> None:
        wakes = self.stages.evaluate.wakes_at
        if wakes is not None and wakes <= moment:
            await self.stages.evaluate.pass_time(moment)
        self._clock.advance_to(moment)

    async def _live(self) -> None:
        """Everything that is due at this moment: stages, then people, until both are at rest."""
        await self._act()
        while await self._somebody_acts():
            await self._act()

    async def _act(self) -> None:
        """Let the stages act, and see how that leaves things."""
        await self.stages.act()
        async with self._store.read() as tx:
            runs, owed = await tx.plans.open_runs(), await tx.deliveries.next_due()
            self._due = await self._next_of_plans(tx, runs), owed
        self._open = bool(runs)
        self._deeds = [(run, deed) for run in runs if (deed := self._next_deed(run)) is not None]

    async def _next_of_plans(self, tx: UnitOfWork, runs: Sequence[PlanRun]) -> datetime | None:
        """When a plan has its next moment. When all is calm, no look at the figures shows anything new."""
        calm = self._clock.now() > self._heard + self._plan.window
        if calm and runs and all(alert.personal for alert in await tx.alerts.open_alerts()):
            return min((moment for run in runs for moment in moments(self._plan, run, self._clock.now())), default=None)
        return await tx.plans.next_wake()

    # --- people ----------------------------------------------------------------------------------------------------------

    def _next_deed(self, run: PlanRun) -> Deed | None:
        deed = next_deed(self._plan, run, self._answers, self._first_to_answer())
        if deed is None:
            return None
        return replace(deed, at=max(deed.at, self._not_before.get((run.id, deed.verb, deed.step), deed.at)))

    def _first_to_answer(self) -> str:
        """The first person or role of the plan; where it names receivers alone, the first of those."""
        known = {*self._settings.contacts.people, *self._settings.contacts.roles}
        return next((name for name in self._plan.named() if name in known), self._plan.notify[0])

    async def _somebody_acts(self) -> bool:
        """Whether somebody whose time has come has changed anything."""
        now = self._clock.now()
        return any([await self._do(run, deed, now) for run, deed in self._deeds if deed.at <= now])

    async def _do(self, run: PlanRun, deed: Deed, now: datetime) -> bool:
        """Act. What the plan refuses, or people know better than to do, is tried again later."""
        by, names = self._who(deed.name, now)
        figures = await operations.figures_now(self._store, run.id, now) if deed.verb == "stand_down" else Figures()
        over = self._last is not None and now >= self._last + PATIENCE / 2
        text = deed.text or (_OVER if deed.verb == "stand_down" and over else None)
        act = Act(deed.verb, by, now, names, deed.step, level=deed.level, text=text, figures=figures)
        after = run
        if over or not figures.firing:  # nobody stands down while it rings
            with suppress(RefusedError):
                after = await operations.act_in_plan(self._store, run.id, act, THROUGH)
        if after == run:
            self._not_before[run.id, deed.verb, deed.step] = now + AGAIN
        return after != run

    def _who(self, name: str, at: datetime) -> tuple[str, frozenset[str]]:
        """The person behind a name at a moment, and all that stands for them; somebody unknown by the name itself."""
        contacts, zone = self._settings.contacts, self._settings.timezone
        person = on_duty(contacts, name, at, zone)[0].person if name in contacts.roles else name
        return person, names_of(contacts, person, at, zone) | {name, person}

    # --- what came of it -------------------------------------------------------------------------------------------------

    async def told(self, plan: str) -> Played:
        """What the store holds now."""
        opened_by = [rule.id for rule in self._settings.rules if rule.plan == plan]
        people = {name: person.name or name for name, person in self._settings.contacts.people.items()}
        async with self._store.read() as tx:
            runs = [
                PlayedRun(
                    run,
                    await tx.timeline.of_incident(run.incident_id),
                    {alert.id: alert for alert in await tx.alerts.of_incident(run.incident_id)},
                    _with_records(
                        messages := await tx.notifications.of_run(run.id),
                        await tx.deliveries.of_messages([each.id for each in messages]),
                    ),
                )
                for run in reversed(await tx.plans.list(limit=1000))
            ]
        return Played(plan, self._answers, self._mentions, runs, opened_by, self._first, self._last, people)


def _with_records(
    messages: Sequence[Notification], records: Mapping[int, DeliveryRecord]
) -> list[tuple[Notification, DeliveryRecord]]:
    return [(each, records[each.id]) for each in messages if each.id in records]
