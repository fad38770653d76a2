"""Plays a story of a rule test: from the store to the messages it goes the daemon's own way, on a clock that the story moves.

Nothing is asked, scored or sent: what is said comes from the test with its scores, and messages are recorded as `dry_run`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import groupby
from urllib.parse import quote, unquote

from pydantic import SecretStr

from monitor.domain.alert import Alert
from monitor.domain.clock import ReplayClock
from monitor.domain.mention import Author, Enriched, Form, Mention, Scores
from monitor.pipeline import flow, leases
from monitor.pipeline.outcome import Nobody, Outcome, messages_about, tell
from monitor.pipeline.preview import observed
from monitor.settings import RuleTests, Settings
from monitor.sources.file import FileSettings
from monitor.storage import StorageSettings, Store, UnitOfWork
from rules import Engine, RuleTest, States
from rules.cases import NUMBER, Downtime, Expected, Explained, History, Said, Saying

# A Monday at work, in Europe: whoever has hours is there.
BEGINNING = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
_NAMED = "https://story.invalid/named/"
SOURCE = "story"  # the source of what names none
TICK = timedelta(minutes=1)
_NEVER = datetime.max.replace(tzinfo=UTC)
_WEEK = timedelta(days=7)  # how long a story is watched whose rules ring for what is not said


@dataclass(frozen=True, slots=True)
class StoryAlert:
    """An alert of a story. `at` counts from its beginning; authors in `key` go by their names.

    `plans` are those that are open for its incident, `notifications` the messages about it to whoever got most of them.
    """

    rule: str
    key: Mapping[str, str]
    severity: str
    at: timedelta
    plans: frozenset[str] = frozenset()
    notifications: int = 0


@dataclass(frozen=True, slots=True)
class Looked:
    """How a rule took a single mention. `failed_at` are the fields because of which it did not match."""

    rule: str
    matched: bool
    failed_at: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Missed:
    """What a test expected, and what was seen instead: None for what was not expected, or not seen."""

    expected: Expected | Explained | None
    seen: StoryAlert | Looked | None


async def rehearse(settings: Settings, tests: RuleTests, test: RuleTest) -> list[Missed]:
    """Play one test of a file by the receivers, plans and lists of `settings`. Returns what went otherwise than expected."""
    settings = _of_a_story(settings, tests)
    if test.explain is not None:
        return _explained(settings, test.explain)
    return compare(await _play(settings, test), test.expect or (), strict=tests.strict)


def compare(rang: Sequence[StoryAlert], expected: Sequence[Expected], *, strict: bool) -> list[Missed]:
    """What was expected and did not ring so, in its order, then, if `strict`, what rang besides."""
    left = list(rang)
    seen: dict[int, StoryAlert | None] = {}
    # Who says whose alert it is chooses first: the others take any.
    for index, each in sorted(enumerate(expected), key=lambda item: item[1].key is None):
        seen[index] = found = next((alert for alert in left if _is_of(alert, each)), None)
        if found is not None:
            left.remove(found)
    missed = [Missed(each, seen[index]) for index, each in enumerate(expected) if not _is_as(seen[index], each)]
    return [*missed, *(Missed(None, alert) for alert in left if strict)]


def _is_of(alert: StoryAlert, expected: Expected) -> bool:
    return alert.rule == expected.rule and (expected.key is None or alert.key == expected.key)


def _is_as(alert: StoryAlert | None, expected: Expected) -> bool:
    return (
        alert is not None
        and alert.at <= expected.firing_by
        and expected.severity in {None, alert.severity}
        and (expected.plan is None or expected.plan in alert.plans)
        and expected.notifications in {None, alert.notifications}
    )


def _of_a_story(settings: Settings, tests: RuleTests) -> Settings:
    """The same settings with the rules of one file, a store that vanishes, and sources that nobody asks."""
    ages = {name: source.max_age for name, source in settings.sources.items()}
    sources = {name: FileSettings(kind="file", path="-", max_age=age) for name, age in ages.items()}
    sources[SOURCE] = FileSettings(kind="file", path="-")
    storage = StorageSettings(url=SecretStr("sqlite://"))
    # A story is told on a day of its own: which campaigns and silences are on in the calendar must not decide how it ends.
    calendar: dict[str, object] = {"campaigns": {}, "silences": {}}
    return settings.ringing().model_copy(update={"rules": tests.rules, "sources": sources, "storage": storage, **calendar})


def _explained(settings: Settings, wanted: Explained) -> list[Missed]:
    engine = Engine(settings.rules, settings.lists)
    mention = observed(_enriched(wanted.mention, BEGINNING, 0, 0, settings), wanted.mention.source or SOURCE, BEGINNING)
    matched = engine.explain(wanted.rule, mention)[0].held is True
    seen = Looked(wanted.rule, matched, tuple(engine.failed_at(wanted.rule, mention)))
    right = matched is wanted.matched and (wanted.failed_at is None or wanted.failed_at in seen.failed_at)
    return [] if right else [Missed(wanted, seen)]


async def _play(settings: Settings, test: RuleTest) -> list[StoryAlert]:
    async with AsyncExitStack() as stack:
        store = await Store.open(settings.storage, in_place=True)
        stack.push_async_callback(store.close)
        await _remember(settings, store, test.history)
        story = _Story(settings, store)
        stack.push_async_callback(story.stop)
        await story.play(test)
        return await story.rang()


async def _remember(settings: Settings, store: Store, histories: Sequence[History]) -> None:
    """What the rules had learnt when the story begins, as the daemon would have stored it."""
    engine, states = Engine(settings.rules, settings.lists), States()
    for past in histories:
        engine.learnt(past, past.of(settings.subjects), states, BEGINNING)
    async with store.begin() as tx:
        await tx.rule_states.save(states.take_dirty(), BEGINNING)
        await tx.commit()


@dataclass(frozen=True, slots=True)
class _Arrival:
    """Something said, on its way to us."""

    source: str
    item: Enriched


class _Story:
    """Tocsin in a story: started, stopped and started again, with a store that stays."""

    def __init__(self, settings: Settings, store: Store) -> None:
        self._settings = settings
        self._store = store
        self._clock = ReplayClock(BEGINNING)
        self._stages = self._start()
        self._ticks_from = BEGINNING + TICK
        within = Engine(settings.rules, settings.lists).rings_within
        self._patience = (_WEEK if within is None else within) + TICK  # what was said may ring so long after, and then no more
        self._busy_until = BEGINNING + self._patience

    def _start(self) -> flow.Flow:
        nobody = dict.fromkeys(self._settings.receivers, Nobody())
        return flow.build(self._settings, self._store, self._clock, {}, nobody, owner=leases.owner(), dry_run=True)

    async def stop(self) -> None:
        """Let somebody else judge."""
        await self._stages.evaluate.release()

    async def play(self, test: RuleTest) -> None:
        """Let everything happen at its moment, and what is owed then leave at its own."""
        arrivals = _arrivals(test, self._settings)
        stops = {BEGINNING + each.from_: BEGINNING + each.to for each in test.downtime}
        for moment in sorted({*arrivals, *stops, *(BEGINNING + each.firing_by for each in test.expect or ())}):
            await self._pass_time(moment)
            if moment in arrivals:
                await self._arrive(arrivals[moment])
            if moment in stops:
                await self._restart(stops[moment])
        await self._pass_time(max(self._clock.now() + TICK, self._busy_until))
        while (due := self._stages.evaluate.due_at) is not None and due + TICK > self._clock.now():
            await self._pass_time(due + TICK)
        await self._deliver_the_rest()

    async def _pass_time(self, until: datetime) -> None:
        """Tick at each whole minute before `until` at which something may happen."""
        while (tick := await self._next_tick()) < until:
            self._clock.advance_to(tick)
            await self._tick()
            self._ticks_from = tick + TICK
        self._clock.advance_to(until)

    async def _next_tick(self) -> datetime:
        """The next whole minute at which a rule or a message may fall due: a week of silence has few of them."""
        wakes = [when for when in (self._stages.evaluate.wakes_at, await self._next_due()) if when is not None]
        return _whole_minute(max(self._ticks_from, self._clock.now(), min(wakes))) if wakes else _NEVER

    async def _tick(self) -> None:
        async with self._store.begin() as tx:
            for source in self._settings.sources:  # each was asked and is well
                await tx.sources.succeeded(source, cursor=None, watermark=None, at=self._clock.now())
            await tx.commit()
        await self._stages.evaluate.tick()
        await self._stages.act()

    async def _arrive(self, arrived: Sequence[_Arrival]) -> None:
        async with self._store.begin() as tx:
            for source, together in groupby(arrived, key=lambda each: each.source):
                await tx.mentions.add([each.item for each in together], source=source, seen_at=self._clock.now())
            await tx.commit()
        while await self._stages.evaluate.step():
            await self._stages.act()
        self._busy_until = self._clock.now() + self._patience

    async def _restart(self, at: datetime) -> None:
        """Be away until then. What remembers is the store alone."""
        await self.stop()
        self._clock.advance_to(at)
        self._ticks_from = at
        self._busy_until = max(self._busy_until, at + self._patience)
        self._stages = self._start()

    async def _deliver_the_rest(self) -> None:
        await self._stages.act()
        while (due := await self._next_due()) is not None:
            self._clock.advance_to(due)
            await self._stages.act()

    async def _next_due(self) -> datetime | None:
        async with self._store.read() as tx:
            return await tx.deliveries.next_due()

    async def rang(self) -> list[StoryAlert]:
        """The alerts that the store holds, as they came about."""
        outcome = Outcome()
        await tell(outcome, self._store)
        async with self._store.read() as tx:
            told = await messages_about(tx, outcome)
            names = await _names(tx, outcome)
        plans: defaultdict[int, set[str]] = defaultdict(set)
        for run in outcome.plan_runs:
            plans[run.incident_id].add(run.plan)
        return [
            StoryAlert(
                alert.rule,
                _named(alert, names),
                alert.severity,
                alert.opened_at - BEGINNING,
                frozenset(plans[alert.incident_id]),
                max((number for (id_, _), number in told.items() if id_ == alert.id), default=0),
            )
            for alert in outcome.alerts
        ]


async def _names(tx: UnitOfWork, outcome: Outcome) -> dict[tuple[str, str], str]:
    """What the test calls the authors and mentions that stand in keys by their numbers."""
    numbers = {int(alert.key["mention"]) for alert in outcome.alerts if "mention" in alert.key}
    mentions = await tx.mentions.get(sorted(numbers))
    called = {("mention", str(each.id)): unquote((each.url or "").removeprefix(_NAMED)) for each in mentions}
    return {("author", number): name for number, name in outcome.authors.items()} | called


def _named(alert: Alert, names: Mapping[tuple[str, str], str]) -> dict[str, str]:
    return {part: names.get((part, value), value) for part, value in alert.key.items()}


def _whole_minute(moment: datetime) -> datetime:
    """The first whole minute of a story that is not before `moment`."""
    return moment + (BEGINNING - moment) % TICK


def _arrivals(test: RuleTest, settings: Settings) -> dict[datetime, list[_Arrival]]:
    """Everything said, by when it reaches us, in the order in which it was written."""
    by_moment: defaultdict[datetime, list[_Arrival]] = defaultdict(list)
    for moment, arrival in sorted(_said(test, settings), key=lambda pair: pair[1].item.mention.written_at):
        by_moment[moment].append(arrival)
    return dict(by_moment)


def _said(test: RuleTest, settings: Settings) -> Iterator[tuple[datetime, _Arrival]]:
    for entry, saying in enumerate(test.mentions):
        for number, at in enumerate(saying.moments()):
            item = _linked(_enriched(saying, BEGINNING + at, entry, number, settings), saying, number)
            yield BEGINNING + _reaches_us(saying, at, test.downtime), _Arrival(saying.source or SOURCE, item)


def _linked(item: Enriched, saying: Saying, number: int) -> Enriched:
    """What is said at the address that its name gives it, and below the address of what it answers."""
    mention = replace(
        item.mention,
        uri=_address(saying.name, number) or item.mention.uri,
        parent=_address(saying.replies_to, number),
    )
    return replace(item, mention=mention)


def _address(name: str | None, number: int) -> str | None:
    return None if name is None else _NAMED + quote(name.replace(NUMBER, str(number)), safe="")


def _reaches_us(saying: Saying, at: timedelta, downtimes: Sequence[Downtime]) -> timedelta:
    arrives = max(at, saying.arrives or at)
    for away in downtimes:  # in their order: another may begin at the end of one
        if away.from_ <= arrives < away.to:
            arrives = away.to
    return arrives


def _enriched(said: Said, at: datetime, entry: int, number: int, settings: Settings) -> Enriched:
    """What a test says, as if it had been enriched: scores and subjects are those of the test."""
    speaker = said.speaker
    name = speaker.id.replace(NUMBER, str(number)) if speaker else ""
    mention = Mention(
        network=said.network,
        text=said.text.replace(NUMBER, str(number)),
        written_at=at,
        uri=f"https://story.invalid/{entry}/{number}",
        form=Form(said.form),
        author=Author(name, name, reach=speaker.reach, verified=speaker.verified, own=speaker.own) if speaker else None,
    )
    scores = Scores(
        language=said.language,
        sentiment=said.sentiment,
        complaint=said.complaint,
        safety_risk=said.safety_risk,
        topics=frozenset(said.topics),
        intents=frozenset(said.intents),
    )
    subjects = said.subjects if said.subjects is not None else tuple(settings.subjects)[:1]
    return Enriched(mention, frozenset(subjects), frozenset(said.hashtags), scores)
