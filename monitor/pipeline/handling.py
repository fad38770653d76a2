"""What people do with a mention in the shared inbox: each act is one transaction, one deed, and refused if another was faster."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from monitor.domain.alert import BY_HAND, Alert, AlertState, Severity, fingerprint
from monitor.domain.errors import UsageError
from monitor.domain.feedback import Feedback
from monitor.domain.handling import LONGEST_NOTE, Deed, HandledMeanwhileError, Handling, Seen, Verb, after
from monitor.domain.mention import Observed
from monitor.pipeline.alerting import Alerting
from monitor.pipeline.open_alerts import OpenAlerts
from monitor.pipeline.operations import Actor, keep_feedback, whoever_contends
from monitor.settings import Settings
from monitor.storage import Store, UnitOfWork
from rules import Finding, MentionRule
from rules.base import suggest


@dataclass(frozen=True, slots=True)
class Act:
    """Who acts on which mention, as they saw it, when (story time, aware), and what they say about it."""

    seen: Seen
    actor: Actor
    at: datetime
    note: str = ""


async def assign(store: Store, settings: Settings, act: Act, assignee: str) -> Handling:
    """Give a mention to a person or a role of contacts.yaml. Who takes one gives it to themselves, in contacts.yaml or not.

    Raises `UsageError` for anybody else, and, as all of these, `HandledMeanwhileError` where another was faster.
    """
    known = (*settings.contacts.people, *settings.contacts.roles)
    if assignee not in {*known, act.actor.name}:
        raise UsageError(f"nobody in contacts.yaml is called `{assignee}`; {suggest(assignee, known)}")
    return await _change(store, act, Verb.ASSIGN, assignee)


async def close(store: Store, act: Act) -> Handling:
    """There is nothing to answer."""
    return await _change(store, act, Verb.CLOSE)


async def reopen(store: Store, act: Act) -> Handling:
    """It is somebody's work again. What a person called answered is not, unless one of our own accounts was seen to answer."""

    async def work() -> Handling:
        async with store.begin() as tx:
            known = await _known(tx, act)
            await tx.handling.take_back_answer(known.mention)
            now = await _done(tx, act, known, Verb.REOPEN)
            await tx.commit()
            return now

    return await whoever_contends(work)


async def answer(store: Store, settings: Settings, act: Act) -> Handling:
    """Somebody has answered: rules that wait for an answer wait no more, and alerts that end by one end."""

    async def work() -> Handling:
        async with store.begin() as tx:
            known = await _known(tx, act)
            await tx.handling.note_answer(known.mention, act.at)
            await _end_alerts(tx, settings, act)
            now = await _done(tx, act, known, Verb.ANSWER)
            await tx.commit()
            return now

    return await whoever_contends(work)


async def not_about(store: Store, act: Act, subjects: Sequence[str]) -> Handling:
    """It is not about these subjects (decision 19); about nothing that is listened for, it is nobody's work any more.

    Raises `UsageError` for a subject that it is not about.
    """

    async def work() -> Handling:
        async with store.begin() as tx:
            known, mention = await _known(tx, act), await _mention(tx, act.seen.mention)
            for subject in dict.fromkeys(subjects):
                word = Feedback(mention.id, "not_about", subject, act.actor.name, act.at, act.note)
                await keep_feedback(tx, word, mention, act.actor.through)
            ends = mention.subjects <= set(subjects)
            now = await (_done(tx, act, known, Verb.NOT_ABOUT_US) if ends else _noted(tx, act, known, Verb.NOT_ABOUT_US))
            await tx.commit()
            return now

    return await whoever_contends(work)


async def wrong_score(store: Store, act: Act, words: Sequence[Feedback]) -> Handling:
    """What its complaint or its sentiment is, in somebody's words (decision 19). The version they saw does not matter."""

    async def work() -> Handling:
        async with store.begin() as tx:
            mention = await _mention(tx, act.seen.mention)
            for word in words:
                await keep_feedback(tx, word, mention, act.actor.through)
            now = await _noted(tx, act, (await tx.handling.of([mention.id]))[mention.id], Verb.SCORE)
            await tx.commit()
            return now

    return await whoever_contends(work)


async def note(store: Store, act: Act) -> Handling:
    """Say something about it to the others. The version that was seen does not matter. Raises `UsageError` for nothing said."""
    if not act.note.strip():
        raise UsageError("a note says something: write it")

    async def work() -> Handling:
        async with store.begin() as tx:
            mention = await _mention(tx, act.seen.mention)
            now = await _noted(tx, act, (await tx.handling.of([mention.id]))[mention.id], Verb.NOTE)
            await tx.commit()
            return now

    return await whoever_contends(work)


async def open_alert(store: Store, settings: Settings, act: Act, severity: Severity = "warning") -> Alert:
    """Ring because of a mention, though no rule did: told, acknowledged and ended as the alert of a rule about one mention.

    Whoever leads the judging reads the open alerts again: it holds them in memory. While an alert of this mention that was opened
    so is open, it is not opened twice. Raises `UsageError`.
    """

    async def work() -> Alert:
        async with store.begin() as tx:
            mention = await _mention(tx, act.seen.mention)
            await tx.evaluator.dispossess()
            rings, alerting = await OpenAlerts.load(tx), Alerting(settings)
            found = _finding(mention, act, severity)
            known = rings.find(found)
            if known is None:
                await alerting.raise_(tx, rings, found, act.at, await tx.silences.not_over(act.at), mention)
                await alerting.save(tx)
                known = rings.find(found)
                await _noted(tx, act, (await tx.handling.of([mention.id]))[mention.id], Verb.ALERT)
            assert known is not None, f"an alert was opened: {fingerprint(found.rule, found.key)}"
            await tx.commit()
            alerting.committed()
            return known

    return await whoever_contends(work)


async def end_alert(store: Store, settings: Settings, alert_id: int, actor: Actor, at: datetime, note: str = "") -> Alert:
    """End an alert that a person has opened because of a mention; whoever was told of it is told. Returns it as it was.

    Raises `UsageError` for any other alert: it ends when what its rule watches is over.
    """

    async def work() -> Alert:
        async with store.begin() as tx:
            await tx.evaluator.dispossess()
            alert = await tx.alerts.get(alert_id)
            if alert is None or alert.rule != BY_HAND:
                raise UsageError(f"{alert_id} is no alert that a person has opened: only those are ended by a person")
            rings, alerting = await OpenAlerts.load(tx), Alerting(settings)
            said = f": {note.strip()[:LONGEST_NOTE]}" if note.strip() else ""
            if alert.state is AlertState.OPEN:
                await alerting.resolve(tx, rings, alert, at, f"{actor.name} ended it{said}", tell=True)
                await alerting.save(tx)
            await tx.commit()
            alerting.committed()
            return alert

    return await whoever_contends(work)


def _finding(mention: Observed, act: Act, severity: Severity) -> Finding:
    said = f": {act.note.strip()}" if act.note.strip() else ""
    return Finding(
        rule=BY_HAND,
        kind="mention",
        key={"mention": str(mention.id)},
        labels={"network": mention.network},
        subject=min(mention.subjects, default=None),
        at=mention.written_at,
        severity=severity,
        category="alert",
        observed=1.0,
        expected=None,
        measure="mentions",
        window=None,
        learning=False,
        reasons=(f"{act.actor.name} opened it by hand{said}",),
        evidence=(mention.id,),
        plan=None,
        notify=(),
    )


async def _end_alerts(tx: UnitOfWork, settings: Settings, act: Act) -> None:
    """What is called over by an answer ends, and nobody is told: as when one of our own accounts is seen to answer."""
    if not await _ending(tx, settings, act.seen.mention):
        return
    await tx.evaluator.dispossess()  # it holds what rings in memory; what it is about to write, it writes before us
    rings, alerting = await OpenAlerts.load(tx), Alerting(settings)
    for alert in await _ending(tx, settings, act.seen.mention):
        await alerting.resolve(tx, rings, alert, act.at, f"answered: {act.actor.name} says so", tell=False)
    await alerting.save(tx)


async def _ending(tx: UnitOfWork, settings: Settings, mention: int) -> list[Alert]:
    rules = {rule.id for rule in settings.rules if isinstance(rule, MentionRule) and rule.resolve.answered} | {BY_HAND}
    return [alert for alert in await tx.alerts.behind([mention]) if alert.rule in rules or alert.kind == "absence"]


async def _change(store: Store, act: Act, verb: Verb, assignee: str | None = None) -> Handling:
    async def work() -> Handling:
        async with store.begin() as tx:
            now = await _done(tx, act, await _known(tx, act), verb, assignee)
            await tx.commit()
            return now

    return await whoever_contends(work)


async def _known(tx: UnitOfWork, act: Act) -> Handling:
    """How a mention is handled, if that is what was seen."""
    number = (await _mention(tx, act.seen.mention)).id
    known = (await tx.handling.of([number]))[number]
    if known.version != act.seen.version:
        raise HandledMeanwhileError(known)
    return known


async def _mention(tx: UnitOfWork, number: int) -> Observed:
    found = await tx.mentions.get([number])
    if not found:
        raise UsageError(f"there is no mention {number}: it may be past the time for which mentions are kept")
    return found[0]


async def _done(tx: UnitOfWork, act: Act, known: Handling, verb: Verb, assignee: str | None = None) -> Handling:
    """Change how it is handled, where that changes anything, and keep the deed."""
    now = after(known, verb, act.actor.name, act.at, assignee=assignee)
    if now != known and not await tx.handling.save(known, now):
        raise HandledMeanwhileError((await tx.handling.of([known.mention]))[known.mention])
    return await _noted(tx, act, now, verb)


async def _noted(tx: UnitOfWork, act: Act, now: Handling, verb: Verb) -> Handling:
    said = act.note.replace("\x00", "").strip()[:LONGEST_NOTE]
    deed = Deed(now.mention, verb, act.actor.name, act.actor.through, act.at, now.state, now.assignee, said)
    await tx.handling.add([deed])
    return now
