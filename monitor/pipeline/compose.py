"""Turns a notification, which only refers, into a message, which tells: the facts as they stand when it is sent."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from functools import partial
from types import MappingProxyType
from typing import get_args

from monitor.domain.alert import BY_HAND, BY_HAND_TITLE, SEVERITIES, Alert, AlertEvent, Notification, NotificationKind, Severity
from monitor.domain.mention import Observed
from monitor.domain.plan import (
    ChecklistStep,
    Plan,
    PlanRun,
    RunState,
    StatementStep,
    Step,
    StepRun,
    StepState,
    TimelineEvent,
    UnreadableRunError,
    filled,
    localized,
)
from monitor.pipeline import observing
from monitor.pipeline.account import PlanAccount, RuleAccount, account_of, addressed
from monitor.pipeline.counting import counted
from monitor.pipeline.drills import answers_of
from monitor.pipeline.links import Links
from monitor.pipeline.new_words import NewWords, gravest
from monitor.pipeline.places import places_of
from monitor.pipeline.seals import Seal
from monitor.pipeline.standing import standing_of, with_standing
from monitor.plans import Why, report_due
from monitor.plans.answers import Answer, pace, silent_roles
from monitor.plans.approval import usable
from monitor.plans.ladder import next_climb
from monitor.plans.steps import NOT_REACHED, is_automatic
from monitor.settings import Contacts, Settings
from monitor.storage import Store, UnitOfWork
from notifiers.message import (
    AccountFacts,
    AlertFacts,
    AnswerFacts,
    CountFacts,
    Language,
    Message,
    PaceFacts,
    PlanFacts,
    PlanStepFacts,
    Post,
    StatementFacts,
    SwitchFacts,
    WouldOpenFacts,
    WouldRingFacts,
    WouldTellFacts,
)
from notifiers.wording import opening

_OF_THE_REPORT = frozenset({Why.REPORT, Why.UNSIGNED})
_LOOKED_AT = 100  # posts behind a message, the loudest, of which one is shown for each cluster of copies

_LANGUAGES: Sequence[Language] = get_args(Language)
_Places = Mapping[Language, Mapping[str, str]]

_Alerts = Sequence[tuple[AlertEvent, Alert]]


class Composer:
    """Reads what a notification refers to and speaks the receiver's language."""

    def __init__(
        self, settings: Settings, installation: str, *, replay: bool, seal: Seal | None = None, links: Links | None = None
    ) -> None:
        self._settings = settings
        self._links = links
        self._installation = installation.replace("-", "")[:12]
        self._seal = seal
        self._replay = replay
        self._owners = called(settings.contacts)
        self._titles = {rule.id: rule.title for rule in settings.rules} | {BY_HAND: BY_HAND_TITLE}
        self._newest_first = {rule.id for rule in settings.rules if rule.evidence.by == "newest"}
        self._new_words = NewWords()

    async def compose(self, store: Store, notification: Notification) -> Message:
        """The message to send. Its id depends on the notification alone, so that a repeat is recognised as one."""
        resolved = notification.kind is NotificationKind.RESOLVED
        async with store.read() as tx:
            if notification.kind is NotificationKind.ACCOUNT:
                return await self._account(tx, notification)
            alerts = await _alerts(tx, notification)
            message = await self._message(tx, notification, alerts)
            if resolved and notification.incident_id is not None:
                message = await self._with_what_is_open(tx, message, notification.incident_id)
            first = await self._opening(tx, notification)
            opened = await self._message(tx, first or notification, await _alerts(tx, first) if first else alerts, as_opened=True)
        alert = None if resolved else gravest(alerts)
        words = await self._new_words.of(store, alert) if alert else ()
        return replace(message, topic=opening(opened), new_words=words)

    async def _account(self, tx: UnitOfWork, notification: Notification) -> Message:
        """The account that was owed in the same transaction as the message."""
        event = observing.in_time(await tx.timeline.of_kinds(observing.KINDS), notification.created_at)
        since, until = observing.span(event) if event is not None else (notification.created_at, notification.created_at)
        last = event is not None and event.kind == observing.ENDED
        return await self.account(tx, notification, since, until, last=last)

    async def account(
        self, tx: UnitOfWork, notification: Notification, since: datetime, until: datetime, *, last: bool = False
    ) -> Message:
        """What was only observed from `since` until before `until`, and how to let it ring. After the `last`, nothing is."""
        plain, settings = self.plain(notification), self._settings
        found = await account_of(tx, settings, since, until)
        alerts, receiver = found.alerts, settings.receivers[notification.receiver]
        shares = [AlertEvent.of(each, NotificationKind.ACCOUNT) for each in alerts]
        newest = {alert.id for alert in alerts if alert.rule in self._newest_first}
        posts, more = await self._posts(tx, notification, shares, receiver.posts, newest)
        ends = settings.observing.ends(settings.timezone)
        facts = AccountFacts(
            since,
            until,
            heard=found.heard,
            rules=tuple(self._would_ring(each, plain.language) for each in found.rules),
            plans=tuple(self._would_open(each, plain.language) for each in found.plans),
            yours=_count(found.messages.get(notification.receiver, ()), plain.timezone),
            all=_count([at for moments in found.messages.values() for at in moments], plain.timezone),
            receivers=tuple(self._owners.get(name, name) for name in found.messages),
            ends=ends if ends is not None and until < ends else None,
            ended=last or (ends is not None and since < ends <= until),
            switches=tuple(_switches(settings, until)),
        )
        kept_together = f"{self._installation}.account.{notification.receiver}"
        return replace(plain, conversation=kept_together, account=facts, posts=posts, more_posts=more)

    def _would_ring(self, found: RuleAccount, language: Language) -> WouldRingFacts:
        gravest = found.gravest
        to = dict.fromkeys(each.name for alert in found.rang for each in alert.alert.goes_to)
        return WouldRingFacts(
            alert=_facts(AlertEvent.of(gravest, NotificationKind.FIRST), gravest, self._title(gravest, language)),
            at=tuple(each.at for each in found.rang),
            to=tuple(self._called(to)),
            subject=self._display(gravest.labels.get("subject")),
            ringing=sum(each.alert.resolved_at is None and not each.alert.personal for each in found.rang),
            removed=gravest.rule not in self._titles,
        )

    def _would_open(self, found: PlanAccount, language: Language) -> WouldOpenFacts:
        plan = found.run.definition
        opened = [WouldTellFacts(found.opened_at, tuple(self._called(plan.notify)))] if found.opened_at is not None else []
        told = [
            WouldTellFacts(event.at, tuple(self._called(addressed(event))), _step_called(plan, event, language))
            for event in found.would
        ]
        return WouldOpenFacts(plan.id, localized(plan.title, language), found.opened_at, (*opened, *told))

    def _called(self, names: Iterable[str]) -> Iterator[str]:
        """As people call them; of `default` and `ops`, those for whom they stand."""
        routing = {"default": self._settings.routing.default, "ops": self._settings.routing.ops}
        known = dict.fromkeys(each for name in names for each in routing.get(name, (name,)))
        return (self._owners.get(name, name) for name in known)

    @staticmethod
    async def _opening(tx: UnitOfWork, notification: Notification) -> Notification | None:
        """The message that began this conversation, unless it is this one: its headline names all of them."""
        if notification.sequence == 1 or notification.incident_id is None:
            return None
        return await tx.notifications.opening(notification.incident_id, notification.receiver)

    async def _with_what_is_open(self, tx: UnitOfWork, message: Message, incident_id: int) -> Message:
        """The end of one thing is no end of the incident: what else rings, what grave thing nobody took, the plan under way."""
        alerts = [alert for alert in await tx.alerts.of_incident(incident_id) if _holds_open(alert)]
        runs = [run for run in await tx.plans.of_incident(incident_id) if run.state is not RunState.CLOSED]
        facts = [_facts(AlertEvent.of(each, NotificationKind.MORE), each, self._title(each, message.language)) for each in alerts]
        try:
            day = message.created_at.date()
            plan = plan_facts(runs[0], message.language, None, self._owners, day=day) if runs else None
        except UnreadableRunError:
            plan = None  # another version opened it: the end is told all the same
        return replace(message, still_open=tuple(facts), plan=plan)

    async def _message(self, tx: UnitOfWork, notification: Notification, alerts: _Alerts, *, as_opened: bool = False) -> Message:
        """The facts as they stand. `as_opened` leaves out what changes or may be erased: the posts, and how the plan stands."""
        receiver = self._settings.receivers[notification.receiver]
        language: Language = receiver.language or self._settings.language
        newest = {alert.id for _, alert in alerts if alert.rule in self._newest_first}
        ringing, limit = _ringing(notification, alerts), 0 if as_opened else receiver.posts
        posts, more = await self._posts(tx, notification, ringing, limit, newest)
        run = await tx.plans.get(notification.plan_run_id) if notification.plan_run_id is not None else None
        if run is not None and as_opened:
            # What a person opens begins at once, whatever the plan asks for of what a rule opens.
            run = replace(run, state=run.opened_as if alerts else RunState.RUNNING)
        facts = tuple(_facts(event, alert, self._title(alert, language)) for event, alert in alerts)
        step = notification.plan_step or notification.plan_about
        subject = next((alert.labels.get("subject") for _, alert in alerts), None)
        plain = self.plain(notification)
        if run is not None and not alerts:  # a person opened it: nothing rings
            incident = await tx.incidents.get(run.incident_id)
            assert incident is not None
            plain, subject = replace(plain, severity=incident.severity), incident.subject
        if notification.kind is NotificationKind.READ:
            return replace(plain, plan=self._to_read(notification, language))
        return replace(
            plain,
            subject=self._display(subject),
            alerts=facts,
            posts=posts,
            more_posts=more,
            more_alerts=notification.more,
            links=self._links.taking(notification, run, [alert for _, alert in alerts]) if self._links else {},
            plan=await self._plan(tx, run, notification, plain, self._display(subject), step) if run is not None else None,
        )

    async def _plan(
        self, tx: UnitOfWork, run: PlanRun, notification: Notification, plain: Message, subject: str | None, step: str | None
    ) -> PlanFacts:
        """How a run stands, its words with their places filled in."""
        now, brand = notification.created_at, self._settings.brand
        fill = await places_of(tx, run, now, brand=brand, subject=subject, people=self._owners, zone=plain.timezone)
        known = {language: fill(language=language, now=now) for language in _LANGUAGES}
        why, day = notification.plan_why, now.date()
        page = self._links.page(notification, run) if self._links else ""
        facts = plan_facts(run, plain.language, step, self._owners, why=why, known=known, day=day, page=page)
        if why == Why.DRILLED:
            return await self._answered(tx, run, facts)
        standing = await standing_of(tx, run, now, language=plain.language, people=self._owners, why=why, step=step)
        return with_standing(facts, run, standing, plain.language, partial(fill, language=plain.language))

    async def _answered(self, tx: UnitOfWork, run: PlanRun, facts: PlanFacts) -> PlanFacts:
        """With who answered the drill, and how fast."""
        found = await answers_of(tx, run, self._settings.contacts)
        people = self._settings.contacts.people
        answers = tuple(_answer(each, people[each.who].name if each.who in people else each.who) for each in found)
        took = pace(found)
        quick = PaceFacts(took.first, took.half, took.last) if took is not None else None
        return replace(facts, answers=answers, pace=quick, silent_roles=tuple(silent_roles(found)))

    def _to_read(self, notification: Notification, language: Language) -> PlanFacts | None:
        """The plan as it stands in the configuration; None when it was taken out since."""
        plan = self._settings.plans.get(notification.plan_about or "")
        if plan is None:
            return None
        steps = tuple(StepRun(each.id, place, StepState.WAITING) for place, each in enumerate(plan.steps))
        unopened = PlanRun(0, plan.id, 0, RunState.OBSERVING, plan.snapshot(), notification.created_at, steps)
        facts = plan_facts(unopened, language, None, self._owners, why=notification.plan_why, day=notification.created_at.date())
        return replace(facts, version=plan.version)

    def plain(self, notification: Notification) -> Message:
        """What can be said without looking anything up: that there is something, and how grave it is."""
        receiver = self._settings.receivers[notification.receiver]
        name = f"msg_{self._installation}_{notification.id}"
        return Message(
            id=name,
            seal=self._seal.of(name) if self._seal is not None else "",
            answered=self._settings.replies is not None,
            kind=notification.kind.value,
            severity=_gravest(notification.events),
            language=receiver.language or self._settings.language,
            timezone=receiver.timezone or self._settings.timezone,
            created_at=notification.created_at,
            conversation=f"{self._installation}.{notification.incident_id or 'digest'}.{notification.receiver}",
            sequence=notification.sequence,
            brand=self._settings.brand,
            incident_id=notification.incident_id,
            replay=self._replay,
            receiver=notification.receiver,
        )

    async def _posts(
        self,
        tx: UnitOfWork,
        notification: Notification,
        events: Sequence[AlertEvent],
        limit: int,
        newest: Collection[int],
    ) -> tuple[tuple[Post, ...], int]:
        """The posts behind the alerts, those of the gravest first and the loudest among them, and how many are not shown.

        Where all alerts of one severity are among `newest`, the newest come first. Of posts that are nearly the same the first
        stands for all, so that copies do not hide what others say.
        What was deleted comes last: nobody can read or answer it any more.
        """
        if notification.kind in {NotificationKind.RESOLVED, NotificationKind.OVER} or not limit:
            return (), 0
        posts: dict[int, Observed] = {}
        erased: set[int] = set()
        for severity in reversed(SEVERITIES):
            alert_ids = [event.alert_id for event in events if event.severity == severity]
            if alert_ids and len(posts) < _LOOKED_AT:
                found = await tx.alerts.evidence(alert_ids, _LOOKED_AT, newest=set(alert_ids) <= set(newest))
                erased |= {post.id for post in found if post.is_erased}
                posts |= {post.id: post for post in sorted(found, key=_is_gone) if not post.is_erased}
        shown = _without_copies(list(posts.values())[:_LOOKED_AT])[:limit]
        all_ids = [event.alert_id for event in events]
        told = len(erased) + sum(1 + post.copies for post in shown)
        return tuple(shown), max(await tx.alerts.evidence_count(all_ids) - told, 0)

    def _title(self, alert: Alert, language: Language) -> str:
        """What the rule is called by those who read about it."""
        title = self._titles.get(alert.rule)
        return localized(title, language) if title else ""

    def _display(self, subject: str | None) -> str | None:
        if subject is None or subject not in self._settings.subjects:
            return subject
        return self._settings.subjects[subject].names[0]


async def _alerts(tx: UnitOfWork, notification: Notification) -> _Alerts:
    """What happened, each with its alert as it stands; without those that were erased since."""
    known = await tx.alerts.many([event.alert_id for event in notification.events])
    return [(event, known[event.alert_id]) for event in notification.events if event.alert_id in known]


def _count(moments: Sequence[datetime], zone: str) -> CountFacts:
    found = counted(moments, zone)
    return CountFacts(found.messages, found.by_night)


def _switches(settings: Settings, at: datetime) -> Iterator[SwitchFacts]:
    """Where what is only observed at a moment can be made to ring."""
    if settings.observes_all(at):
        yield SwitchFacts("all", "", settings.places.get("all", ""))
    for what, name in settings.observed_by_themselves:
        yield SwitchFacts(what, name, settings.places.get(f"{what}.{name}", ""))


def _step_called(plan: Plan, event: TimelineEvent, language: Language) -> str:
    step = plan.step(str((event.detail or {}).get("step") or ""))
    return localized(step.called, language) if step is not None else ""


def _ringing(notification: Notification, alerts: _Alerts) -> Sequence[AlertEvent]:
    """What the posts of a message are about: after quiet hours what still rings, unless nothing does."""
    ringing = [event for event, alert in alerts if alert.resolved_at is None]
    return ringing if notification.kind is NotificationKind.HELD and ringing else notification.events


def _gravest(events: Sequence[AlertEvent]) -> Severity:
    return max((event.severity for event in events), key=SEVERITIES.index, default="info")


def _facts(event: AlertEvent, alert: Alert, title: str) -> AlertFacts:
    """The alert with the figures of the moment when the message was decided."""
    return AlertFacts(
        id=alert.id,
        rule=alert.rule,
        title=title,
        kind=alert.kind,
        category=alert.category,
        event=NotificationKind(event.event).value,
        severity=event.severity,
        labels=alert.labels,
        fired_at=alert.fired_at,
        observed=float(event.observed),
        expected=event.expected,
        measure=alert.measure,
        window=alert.window,
        learning=alert.learning if event.learning is None else event.learning,
        coverage=alert.coverage,
        unscored=event.unscored,
        copies=event.copies,
        occurrences=event.occurrences,
        reasons=tuple(event.reasons or alert.reasons),
        resolved_at=alert.resolved_at,
        acknowledged=alert.acknowledged_at is not None,
        unwatched=alert.unwatched,
    )


def _holds_open(alert: Alert) -> bool:
    """Whether an incident is not over because of this alert; a single mention counts when it is grave and nobody took it."""
    grave = alert.severity == "critical" and alert.acknowledged_at is None
    return alert.resolved_at is None and (not alert.personal or grave)


def _without_copies(mentions: Sequence[Observed]) -> list[Post]:
    """One post for each cluster of those that say nearly the same: its first."""
    together: dict[tuple[str, int], list[Observed]] = {}
    for each in mentions:
        said_by = ("mention", each.id) if each.cluster is None else ("cluster", each.cluster)
        together.setdefault(said_by, []).append(each)
    return [_post(first, copies=len(copies)) for first, *copies in together.values()]


def _is_gone(mention: Observed) -> bool:
    return mention.deleted_at is not None


def _text(mention: Observed) -> str:
    return f"{mention.title}\n{mention.text}".strip() if mention.title else mention.text


def _post(mention: Observed, copies: int) -> Post:
    author = mention.author
    return Post(
        text=_text(mention),
        network=mention.network,
        written_at=mention.written_at,
        author=author.handle or author.name,
        reach=author.reach,
        url=mention.page,
        language=mention.language,
        sentiment=mention.sentiment,
        sensitive=bool(mention.sensitive),
        copies=copies,
        edited=mention.edited_at is not None,
        deleted=mention.deleted_at is not None,
    )


def plan_facts(
    run: PlanRun,
    language: Language,
    step: str | None,
    owners: Mapping[str, str],
    *,
    why: str | None = None,
    page: str = "",
    known: _Places = MappingProxyType({}),
    day: date | None = None,
) -> PlanFacts:
    """What a message says of a run: how it stands, in the reader's language.

    `step` is the step that the message is, or is about; `owners` say what people and roles are called; `why` is a word of `Why`;
    `page` is the address of the run's page; `known` fills the places in statements, for each language; `day` is today, on which
    words may have expired.
    """
    today = day or date.min
    plan = run.definition
    level, proposed = plan.level(run.level), plan.level(run.proposed_level)
    return PlanFacts(
        run_id=run.id,
        id=plan.id,
        title=localized(plan.title, language),
        state=str(run.state),
        steps=tuple(_step(run, plan, each, language, owners, known, today) for each in plan.steps),
        never=tuple(localized(each, language) for each in plan.never),
        step=step,
        statements=tuple(
            StatementFacts(
                each.id,
                _filled(each.text, language, known),
                approved=each.status == "approved" and not each.expired(today),
                expired=each.expires if each.expired(today) else None,
            )
            for each in plan.statements
        ),
        why=why,
        level=localized(level.name, language) if level is not None else "",
        risen=_has_risen(run),
        proposed=(proposed.level, localized(proposed.name, language)) if proposed is not None else None,
        lead=owners.get(run.lead, run.lead) if run.lead is not None else "",
        acknowledged=run.acknowledged_at is not None,
        since=_since(plan, run, step, why),
        deadline=_deadline(plan, run, step, why),
        drill=plan.drill.prefix if run.drill else "",
        page=page,
    )


def _answer(answer: Answer, called: str) -> AnswerFacts:
    """How somebody answered; the receiver that is a person's own has no name beside theirs."""
    through = tuple("e-mail" if each == answer.who != called else each for each in answer.through)
    refused = tuple("e-mail" if each == answer.who != called else each for each in answer.refused)
    answered = answer.answered_at is not None
    return AnswerFacts(called, answer.told_at, through, refused, answered, answer.roles)


def _has_risen(run: PlanRun) -> bool:
    """Whether the level is the one that the figures asked for when it last changed, and they ask for nothing else since."""
    return run.level is not None and run.asked_level == run.level and run.level_since == run.asked_since


def _since(plan: Plan, run: PlanRun, step: str | None, why: str | None) -> datetime | None:
    """Since when what the message is about has been so."""
    if why == Why.QUIET and all(each.ended for each in run.steps):
        return max((each.ended_at for each in run.steps if each.ended_at is not None), default=None)
    if why == Why.QUIET:  # being reminded of it counts as a touch, so that it is not said again at once
        return run.touched_at - plan.remind_every if run.touched_at is not None else None
    if why == Why.LEVEL:
        return run.asked_since if run.proposed_level is not None else run.level_since
    if why in _OF_THE_REPORT:
        return run.closed_at
    return run.step(step).ready_at if step is not None else run.opened_at


def _deadline(plan: Plan, run: PlanRun, step: str | None, why: str | None) -> datetime | None:
    """Until when somebody must act: in the step that it is about, or in the run, before the next people are told."""
    if step is not None:
        at = run.step(step)
        return (at.approval_by if why == Why.APPROVAL else None) or at.deadline_at
    if why in _OF_THE_REPORT:
        return report_due(run)
    if run.state is RunState.AWAITING_CONFIRMATION and why is None:
        return run.confirm_by
    return next_climb(plan, run) if why == Why.UNTAKEN else None


def _step(
    run: PlanRun, plan: Plan, step: Step, language: Language, owners: Mapping[str, str], known: _Places, today: date
) -> PlanStepFacts:
    at = run.step(step.id)
    words: Mapping[Language, str] = run.words(step) if isinstance(step, StatementStep) else {}
    prepared = plan.statement(step.statement) if isinstance(step, StatementStep) and at.words is None else None
    owner = at.owner or step.role or ""
    return PlanStepFacts(
        id=step.id,
        phase=step.phase,
        action=step.action,
        title=localized(step.called, language),
        state=str(at.state),
        automatic=is_automatic(step),
        owner=owners.get(owner, owner),
        items=tuple(localized(item, language) for item in step.items) if isinstance(step, ChecklistStep) else (),
        text=_filled(words, language, known),
        words={each: _filled(words, each, known) for each in words},
        fingerprint=run.fingerprint(step) if isinstance(step, StatementStep) else "",
        approved=isinstance(step, StatementStep) and usable(plan, run, step, today),
        expired=prepared.expires if prepared is not None and prepared.expired(today) and at.approved_at is None else None,
        deadline=at.deadline_at,
        late=at.late,
        checked=tuple(at.checked),
        note=_note(at),
        ended=at.ended_at,
    )


def _filled(texts: Mapping[Language, str], language: Language, known: _Places) -> str:
    """The words in this language, or in whichever there is, their places filled in as that one writes them."""
    chosen = language if language in texts else next(iter(texts), language)
    return filled(texts.get(chosen, ""), known.get(chosen, {}))


def _note(at: StepRun) -> str:
    """Why a step went otherwise; how a delivery ended well is no news, nor is a condition that did not hold."""
    said = at.state in {StepState.FAILED, StepState.SKIPPED} or (at.state is not StepState.DONE and at.approved_at is None)
    return at.detail or "" if said and at.detail != NOT_REACHED else ""


def called(contacts: Contacts) -> dict[str, str]:
    """Who is meant by the name of a person or role, as people call them."""
    people = {name: person.name or name for name, person in contacts.people.items()}
    roles = {
        name: f"{people[role.primary]}, {name}" if role.primary else name for name, role in contacts.roles.items()
    }  # of a roster, the message may be read in another's turn
    return roles | people
