"""What people do, from wherever they do it: each is one transaction and one timeline event, with the same result everywhere."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import TypeVar

from monitor.domain.alert import OBSERVED, Alert, AlertEvent, AlertState, NewAlert, NotificationKind
from monitor.domain.errors import UsageError
from monitor.domain.feedback import Feedback
from monitor.domain.mention import Observed
from monitor.domain.plan import EventKind, Plan, PlanRun, RunState, TimelineEvent
from monitor.pipeline.evidence import digest
from monitor.pipeline.figures import figures_of
from monitor.pipeline.opening import open_by_hand
from monitor.pipeline.threads import Talk
from monitor.plans import Act, Moved, Note, Why, act, owe
from monitor.sources.text import canonical_uri
from monitor.storage import Erased, Hold, Store, StoreContendedError, UnitOfWork
from monitor.storage.holds import What
from rules.base import suggest
from rules.figures import Figures

T = TypeVar("T")

# How often what touches records all over the store is begun, when PostgreSQL breaks it off in favour of somebody else's work.
CONTENDED = 5
_NOTHING: Mapping[str, object] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts, and through what (`cli`, `web`, `mail` …)."""

    name: str
    through: str


@dataclass(frozen=True, slots=True)
class Once:
    """What makes an act one that is done once, however often it is asked for: the `key` that its repeats carry too.

    `means` is what it came by, the kind of link or the caller. What is refused was not done, and may be asked for again.
    """

    means: str
    key: str


class DoneBeforeError(UsageError):
    """The very same was asked for before, and done."""

    def __init__(self) -> None:
        super().__init__("this was done already: the same was asked for twice")


async def _require_new(tx: UnitOfWork, once: Once | None, at: datetime) -> None:
    """Raises `DoneBeforeError`."""
    if once is not None and not await tx.inbox.mark(once.means, once.key, at):
        raise DoneBeforeError


async def acknowledge(store: Store, alert_id: int, actor: Actor, at: datetime, note: str | None = None) -> Alert:
    """« Je prends en charge »: reminders stop for this alert. Raises `UsageError` for an alert that does not exist."""
    async with store.begin() as tx:
        alert = await _alert(tx, alert_id)
        await _acknowledge(tx, alert, actor, at, {"note": note} if note else {})
        await tx.commit()
        return alert


async def acknowledge_by_link(
    store: Store, alert_ids: Sequence[int], actor: Actor, at: datetime, once: Once, more: Mapping[str, object]
) -> bool:
    """The same for all alerts of a message, by its link. False: they were taken before, or the link was used."""
    async with store.begin() as tx:
        fresh = await tx.inbox.mark(once.means, once.key, at)
        alerts = (await tx.alerts.many(alert_ids)).values() if fresh else ()
        taken = [await _acknowledge(tx, each, actor, at, more) for each in alerts]
        await tx.commit()
        return any(taken)


async def _acknowledge(tx: UnitOfWork, alert: Alert, actor: Actor, at: datetime, more: Mapping[str, object]) -> bool:
    if not await tx.alerts.acknowledge(alert.id, actor.name, at):
        return False
    await tx.incidents.acknowledge(alert.incident_id, actor.name, at)
    await tx.timeline.add(_event(EventKind.ALERT_ACKNOWLEDGED, actor, at, {"rule": alert.rule, **more}, alert))
    return True


async def call_false(store: Store, alert_id: int, actor: Actor, at: datetime, why: str) -> Alert:
    """« Fausse alerte »: it rang for nothing, which its rule's record keeps. Nobody is reminded; it ends when it is over.

    Returns the alert as it was. What was said before is not said again. Raises `UsageError` without a reason.
    """
    if not why.strip():
        raise UsageError("say what made it ring for nothing: whoever looks after the rule reads that")
    async with store.begin() as tx:
        alert = await _alert(tx, alert_id)
        if not await tx.timeline.called_false([alert_id]):
            await tx.timeline.add(_event(EventKind.ALERT_FALSE_ALARM, actor, at, {"rule": alert.rule, "why": why.strip()}, alert))
            await _acknowledge(tx, alert, actor, at, {})
        await tx.commit()
        return alert


async def call_in(
    store: Store, alert_id: int, to: str, receivers: Sequence[str], actor: Actor, at: datetime, *, once: Once | None = None
) -> Alert:
    """Have somebody else told of an alert, now: `to` is a person or role, `receivers` those that reach them at this moment.

    Raises `UsageError` for an alert that is over, `DoneBeforeError` for what was done `once`.
    """
    async with store.begin() as tx:
        alert = await _alert(tx, alert_id)
        await _require_new(tx, once, at)
        if alert.state is not AlertState.OPEN:
            raise UsageError(f"alert {alert_id} is over: there is nothing to call anybody for")
        share = AlertEvent.of(alert, NotificationKind.FIRST)
        for receiver in receivers:
            await tx.notifications.add(
                incident_id=alert.incident_id,
                receiver=receiver,
                kind=NotificationKind.FIRST,
                events=(share,),
                created_at=at,
                due_at=at,
            )
        await tx.timeline.add(_event(EventKind.ALERT_ESCALATED, actor, at, {"rule": alert.rule, "to": to}, alert))
        await tx.commit()
        return alert


async def _alert(tx: UnitOfWork, number: int) -> Alert:
    alert = await tx.alerts.get(number)
    if alert is None:
        raise UsageError(f"there is no alert {number}; `tocsin alerts --all` lists them")
    return alert


async def silence(
    store: Store,
    matcher: Mapping[str, object],
    *,
    lasting: timedelta,
    reason: str,
    actor: Actor,
    at: datetime,
    starts_at: datetime | None = None,
    every: Sequence[str] = (),
    timezone: str | None = None,
    once: Once | None = None,
) -> int:
    """Alerts that match stay quiet for a while: they are opened and kept, and nobody is told. Returns the silence's id.

    It lasts from `starts_at`, or from now; of that time, `every` may leave times of the week alone, by the clock of `timezone`.
    Raises `DoneBeforeError` for what was done `once`.
    """
    if not matcher:
        raise UsageError("a silence must say what it covers: a rule, a subject, or both")
    begin = starts_at or at
    end = begin + lasting
    async with store.begin() as tx:
        await _require_new(tx, once, at)
        number = await tx.silences.add(
            matcher=dict(matcher),
            author=actor.name,
            reason=reason,
            created_at=at,
            starts_at=begin,
            ends_at=end,
            every=every,
            timezone=timezone,
        )
        detail = {"silence": number, "matcher": dict(matcher), "reason": reason, "until": end.isoformat()}
        if begin > at:
            detail["from"] = begin.isoformat()
        if every:
            detail |= {"every": list(every), "timezone": timezone}
        await tx.timeline.add(_event(EventKind.SILENCE_ADDED, actor, at, detail))
        await tx.commit()
        return number


async def end_silence(store: Store, number: int, actor: Actor, at: datetime) -> None:
    """End a silence before its time, or before it begins. Raises `UsageError` when it is over."""
    async with store.begin() as tx:
        if number not in {each.id for each in await tx.silences.not_over(at)}:
            raise UsageError(f"silence {number} is not in force; `tocsin silences` lists those that are")
        await tx.silences.end(number, at)
        await tx.timeline.add(_event(EventKind.SILENCE_ENDED, actor, at, {"silence": number}))
        await tx.commit()


async def act_in_plan(
    store: Store, run_id: int, done: Act, through: str, *, once: Once | None = None, more: Mapping[str, object] = _NOTHING
) -> PlanRun:
    """What a person does in a plan run: one change, one event each. What it asks to be told, the daemon tells a moment later.

    Returns the run as it is then. Of two who act at one moment, the second acts on what the first left. What was done `once`
    changes nothing again; `more` is kept with the events. Raises `UsageError` for a run that does not exist, `RefusedError` for
    what is not possible in it, or not for this person.
    """

    async def work() -> PlanRun:
        async with store.begin() as tx:
            run = await tx.plans.get(run_id)
            if run is None:
                raise UsageError(f"there is no plan run {run_id}; `tocsin plan list` lists them")
            if once is not None and not await tx.inbox.mark(once.means, once.key, done.at):
                return run
            moved = act(run, done)
            if moved.effects:
                run = await _acted(tx, run, moved, done, through, more)
            await tx.commit()  # else of a mark
            return run

    return await whoever_contends(work)


async def _acted(tx: UnitOfWork, run: PlanRun, moved: Moved, done: Act, through: str, more: Mapping[str, object]) -> PlanRun:
    """Write a run as a person's act leaves it, and what follows from that."""
    owed = () if run.state is RunState.OBSERVING else owe(moved.effects)  # what is only observed tells nobody
    kept = run.owed if moved.run.open else _owed_still(run)
    wake_at = done.at if run.wake_at is None else min(run.wake_at, done.at)
    told = replace(moved.run, owed=(*kept, *owed), wake_at=wake_at)
    await _save(tx, run, told)
    if not moved.run.open:  # what was approved and did not arrive must not be published after the end
        await tx.deliveries.call_off(run.id, done.at, "the run is closed")
    actor = Actor(done.by, through)
    notes = [each for each in moved.effects if isinstance(each, Note)]
    await tx.timeline.add_all([_plan_event(each.kind, run, actor, done.at, {**each.detail, **more}) for each in notes])
    ended = told.state in {RunState.STOOD_DOWN, RunState.CLOSED}
    if ended and run.state is not RunState.STOOD_DOWN:  # what rang after that is not what the signature is about
        await _call_over(tx, run, actor, done.at)
    if done.verb == "false_alarm":
        await _take_alerts(tx, run, actor, done.at)
    return told


async def _save(tx: UnitOfWork, run: PlanRun, after: PlanRun) -> None:
    """Raises `StoreContendedError` where somebody else changed the run since it was read."""
    if not await tx.plans.save(run, after):
        raise StoreContendedError(f"plan run {run.id} changes faster than anybody can act in it: try again")


def _owed_still(run: PlanRun) -> Sequence[Mapping[str, object]]:
    """What a run that ends still asks to be told: steps that have not left yet leave no more."""
    return [each for each in run.owed if each["why"] != Why.STEP]


async def _call_over(tx: UnitOfWork, run: PlanRun, actor: Actor, at: datetime) -> None:
    """Have each alert remember that this is over from which the run may go, or which may leave the run's incident.

    All others are held against the end of the run of their incident (`Timeline.rang_before_end`).
    """
    for alert in await _parted(tx, run):
        detail = {"rule": alert.rule, "run": run.id}
        await tx.timeline.add(_event(EventKind.ALERT_CALLED_OVER, actor, at, detail, alert))


async def _parted(tx: UnitOfWork, run: PlanRun) -> list[Alert]:
    """The alerts that a run was about, and that may find themselves in an incident without it.

    A trial gives way to others: it was about its own incidents. What is carried out stays, and was about the crowd of its subject
    that is only observed, too, wherever that waits. A customer's was about nobody else, and a drill about nothing.
    """
    asking = [] if run.drill else await tx.alerts.asking_for(run.plan)
    if run.state is RunState.OBSERVING:
        own = {run.incident_id, *await tx.timeline.left_by(run.id)}
        return [alert for alert in asking if alert.incident_id in own]
    incident = await tx.incidents.get(run.incident_id)
    rang = await tx.alerts.of_incident(run.incident_id)
    if incident is None or incident.subject is None or (rang and all(alert.personal for alert in rang)):
        return []
    crowd = [alert for alert in asking if _is_observed(alert) and not alert.personal]
    return [alert for alert in crowd if alert.labels.get("subject") == incident.subject]


def _is_observed(alert: Alert) -> bool:
    """Whether nobody was told of an alert because it is only observed, whatever silence covers it at this moment."""
    return OBSERVED in alert.labels and alert.told_at is None and alert.silenced_by is not None


async def _take_alerts(tx: UnitOfWork, run: PlanRun, actor: Actor, at: datetime) -> None:
    """What rang for nothing reminds nobody any more. It stays open until it is over: it may still become something."""
    for alert in await tx.alerts.of_incident(run.incident_id):
        if alert.state is not AlertState.OPEN:
            continue
        detail = {"rule": alert.rule, "note": f"plan run {run.id} was a false alarm"}
        if await tx.alerts.acknowledge(alert.id, actor.name, at):
            await tx.incidents.acknowledge(alert.incident_id, actor.name, at)
            await tx.timeline.add(_event(EventKind.ALERT_ACKNOWLEDGED, actor, at, detail, alert))
        if _is_observed(alert):  # another plan that it asks for is not to open either, when it begins to ring
            await tx.timeline.add(_event(EventKind.ALERT_CALLED_OVER, actor, at, detail, alert))


async def open_plan_by_hand(
    store: Store,
    plan: Plan,
    subject: str | None,
    actor: Actor,
    at: datetime,
    *,
    why: str,
    drill: bool = False,
    level: int | None = None,
    once: Once | None = None,
) -> PlanRun:
    """« Ouvrir le plan »: for what no rule sees, such as a call from the authorities; or as a drill, calling nothing.

    A drill is held at `level`, or at the gravest that the plan has. Raises `UsageError` without a reason, and
    `DoneBeforeError` for what was done `once`.
    """
    if not why.strip():
        raise UsageError("say why the plan is opened: its people read that first")

    async def work() -> PlanRun:
        async with store.begin() as tx:
            await _require_new(tx, once, at)
            graded = _rehearsed(plan, level) if drill else None
            run = await open_by_hand(tx, plan, subject, actor.name, at, drill=drill, level=graded)
            detail: dict[str, object] = {"why": why.strip(), "mode": "drill" if drill else "by hand"}
            if run.level is not None:
                detail["level"] = run.level
            await tx.timeline.add(_plan_event(EventKind.PLAN_OPENED, run, actor, at, detail))
            await tx.commit()
            return run

    return await whoever_contends(work)


def _rehearsed(plan: Plan, level: int | None) -> int | None:
    """The level at which a drill is held. Raises `UsageError` for one that the plan has not."""
    known = [each.level for each in plan.severity]
    if level is not None and level not in known:
        raise UsageError(f"plan {plan.id} has no level {level}; {suggest(str(level), map(str, known))}")
    return level if level is not None else max(known, default=None)


async def close_unread(store: Store, run_id: int, actor: Actor, at: datetime) -> None:
    """Close a run that another version of Tocsin opened and this one cannot read: it was carried out by hand."""

    async def work() -> None:
        async with store.begin() as tx:
            run = await tx.plans.get(run_id)
            if run is None or not run.open:
                return
            closed = replace(run, state=RunState.CLOSED, closed_at=at, closed_by=actor.name, wake_at=at, owed=_owed_still(run))
            await _save(tx, run, closed)
            await tx.deliveries.call_off(run_id, at, "the run is closed")
            await tx.timeline.add(_plan_event(EventKind.PLAN_CLOSED, run, actor, at))
            if run.state is not RunState.STOOD_DOWN:
                await _call_over(tx, run, actor, at)
            await tx.commit()

    await whoever_contends(work)


async def figures_now(store: Store, run_id: int, at: datetime) -> Figures:
    """The figures of a run's incident, which standing down is held against."""
    async with store.read() as tx:
        run = await tx.plans.get(run_id)
        return await figures_of(tx, run, run.definition.window, at) if run is not None else Figures()


async def ring_for_test(store: Store, rule: str, receiver: str, actor: Actor, at: datetime) -> int:
    """Open an alert that says it is a test, owe it to one receiver, and end it. Returns the incident's id."""
    async with store.begin() as tx:
        incident = await tx.incidents.open(
            subject=None, open_key=f"test:{rule}:{receiver}:{at.isoformat()}", severity="info", at=at
        )
        new = NewAlert(
            rule=rule,
            kind="test",
            key={"test": at.isoformat()},
            severity="info",
            fired_at=at,
            observed=1.0,
            expected=0.0,
            measure="tests",
            category="test",
            reasons=(f"{actor.name} asked for a test",),
        )
        alert = await tx.alerts.open(new, incident.id, at)
        share = AlertEvent(alert.id, NotificationKind.TEST, "info", 1.0, 0.0, 1)
        await tx.notifications.add(
            incident_id=incident.id,
            receiver=receiver,
            kind=NotificationKind.TEST,
            events=(share,),
            created_at=at,
            due_at=at,
        )
        await tx.alerts.resolve(alert.id, at, "it was a test")
        await tx.incidents.resolve(incident.id, at)
        await tx.timeline.add(_event(EventKind.ALERT_TESTED, actor, at, {"rule": rule, "receiver": receiver}, alert))
        await tx.commit()
        return incident.id


async def give_feedback(store: Store, words: Sequence[Feedback], through: str) -> Observed:
    """Keep what a person says of one mention that was judged wrongly, all or nothing. Returns the mention as it was before.

    What it is not about is taken out of its subjects, so that rules and windows stop counting it; its scores stay what the scorer
    said. Raises `UsageError` for a mention that does not exist, or is not about that subject.
    """
    async with store.begin() as tx:
        found = await tx.mentions.get([words[0].mention_id])
        if not found:
            raise UsageError(f"there is no mention {words[0].mention_id}; `tocsin alert show N` names those behind an alert")
        for said in words:
            await keep_feedback(tx, said, found[0], through)
        await tx.commit()
        return found[0]


async def keep_feedback(tx: UnitOfWork, said: Feedback, mention: Observed, through: str) -> None:
    """One word of it, in the caller's transaction. Raises `UsageError` for a mention that is not about that subject."""
    if said.kind == "not_about" and not await tx.feedback.remove_subject(mention.id, said.value):
        about = ", ".join(sorted(mention.subjects)) or "nothing that is listened for"
        raise UsageError(f"mention {mention.id} is not about `{said.value}`: it is about {about}")
    await tx.feedback.give(said)
    detail = {"mention": mention.id, said.kind: said.value}
    await tx.timeline.add(_event(EventKind.FEEDBACK_GIVEN, Actor(said.by, through), said.at, detail))


async def erase(store: Store, network: str, who: str, actor: Actor, at: datetime) -> tuple[Erased, bool]:
    """Forget a person. Returns what was done, and whether the list beside the store could be written.

    The list comes first: should we die in between, the next start finishes what was asked. Raises `UsageError` when nobody, or
    more than one, is known by that name.
    """

    async def work() -> tuple[Erased, bool]:
        async with store.begin() as tx:
            erased = await tx.erasures.erase(network, who, at, actor.name)
            listed = await store.erased_list.add(erased.buried)
            if not erased.already:
                await tx.timeline.add(_event(EventKind.AUTHOR_ERASED, actor, at, _outcome(erased)))
            await tx.commit()
            return erased, listed

    done = await whoever_contends(work)
    await store.scrub()
    return done


async def whoever_contends(work: Callable[[], Awaitable[T]]) -> T:
    """Do a transaction anew that was broken off because it and another waited for one another."""
    for _ in range(CONTENDED - 1):
        with suppress(StoreContendedError):
            return await work()
    return await work()


async def place_hold(
    store: Store, what: What, number: int, *, reason: str, actor: Actor, at: datetime, until: datetime | None
) -> Hold:
    """Keep something for a legal claim. Raises `UsageError` when it does not exist."""
    async with store.begin() as tx:
        hold = await tx.holds.place(what, number, reason=reason, by=actor.name, at=at, until=until)
        detail = {"hold": hold.id, "on": f"{what} {number}", "mentions": len(hold.covers), "evidence_hash": hold.evidence_hash}
        event = _event(EventKind.HOLD_PLACED, actor, at, detail | {"reason": reason})
        await tx.timeline.add(replace(event, incident_id=number if what == "incident" else None))
        await tx.commit()
        return hold


async def keep_post(
    store: Store, run_id: int, which: str, *, note: str, actor: Actor, at: datetime, until: datetime | None
) -> tuple[Hold, Observed, bool]:
    """Keep one post with a plan run: neither retention nor erasure takes it. `which` is its number, or its address.

    Returns its hold, the post, and whether it is a new one: what this run keeps already is not kept twice. Raises `UsageError`.
    """
    async with store.begin() as tx:
        run = await tx.plans.get(run_id)
        if run is None:
            raise UsageError(f"there is no plan run {run_id}; `tocsin plan list` lists them")
        post = await _post(tx, which)
        reason = _kept_for(run)
        for each in await tx.holds.all():
            if (each.what, each.number) == ("mention", post.id) and each.reason.partition(": ")[0] == reason:
                return each, post, False
        said = f"{reason}: {note}" if note else reason
        hold = await tx.holds.place("mention", post.id, reason=said, by=actor.name, at=at, until=until)
        detail = {"mention": post.id, "sha256": digest(post), "hold": hold.id, "note": note or None}
        await tx.timeline.add(_plan_event(EventKind.PLAN_KEPT, run, actor, at, detail))
        await tx.commit()
        return hold, post, True


async def note_thread(store: Store, run_id: int, talk: Talk, sha256: str, *, actor: Actor, at: datetime) -> None:
    """The thread around a post was written into a file with this SHA-256, for a plan run. Raises `UsageError`."""
    async with store.begin() as tx:
        run = await tx.plans.get(run_id)
        if run is None:
            raise UsageError(f"there is no plan run {run_id}; `tocsin plan list` lists them")
        facts = {"post": talk.mention.id, "posts": len(talk.said), "asked": talk.source, "file_sha256": sha256}
        await tx.timeline.add(_plan_event(EventKind.PLAN_THREAD, run, actor, at, facts))
        await tx.commit()


def _kept_for(run: PlanRun) -> str:
    return f"plan {run.plan}, run {run.id}"


async def _post(tx: UnitOfWork, which: str) -> Observed:
    """The one post that is meant."""
    if which.isascii() and which.isdecimal():
        found = await tx.mentions.get([int(which)])
    else:
        address = canonical_uri(which)
        found = await tx.mentions.at(address) if address else []
    if len(found) == 1:
        return found[0]
    if found:
        numbers = ", ".join(str(each.id) for each in found)
        raise UsageError(f"several posts have this address; give the number of one of them: {numbers}")
    raise UsageError(f"there is no post `{which}` here: give its number, as `tocsin alert show` names it, or its whole address")


async def release_hold(store: Store, number: int, actor: Actor, at: datetime) -> list[Erased]:
    """End a hold, and carry out the erasures that waited for it. Raises `UsageError` when it is not in force."""

    async def work() -> list[Erased]:
        async with store.begin() as tx:
            hold = await tx.holds.get(number)
            if hold is None or not await tx.holds.release(number, actor.name, at):
                raise UsageError(f"hold {number} is not in force; `tocsin hold list` lists those that are")
            event = _event(EventKind.HOLD_RELEASED, actor, at, {"hold": number})
            await tx.timeline.add(replace(event, incident_id=hold.number if hold.what == "incident" else None))
            erased = await tx.erasures.carry_out(at)
            await store.enlist(buried for each in erased for buried in each.buried)
            await tx.timeline.add_all([_event(EventKind.AUTHOR_ERASED, actor, at, _outcome(each)) for each in erased])
            await tx.commit()
            return erased

    done = await whoever_contends(work)
    await store.scrub()
    return done


def _outcome(erased: Erased) -> dict[str, object]:
    """Nothing that says who it was: the number alone."""
    return {"author": erased.author, "mentions": erased.mentions, "kept": erased.kept, "told": erased.told}


def _event(
    kind: EventKind, actor: Actor, at: datetime, detail: Mapping[str, object], alert: Alert | None = None
) -> TimelineEvent:
    return TimelineEvent(
        at=at,
        kind=kind,
        actor=actor.name,
        through=actor.through,
        detail=detail,
        incident_id=alert.incident_id if alert else None,
        alert_id=alert.id if alert else None,
    )


def _plan_event(
    kind: EventKind, run: PlanRun, actor: Actor, at: datetime, more: Mapping[str, object] | None = None
) -> TimelineEvent:
    return TimelineEvent(
        at=at,
        kind=kind,
        actor=actor.name,
        through=actor.through,
        detail={"plan": run.plan, **(more or {})},
        incident_id=run.incident_id,
        plan_run_id=run.id,
    )
