"""What a plan needs of people and of the calendar: whoever it waits for can be told, and somebody has read it lately."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date, timedelta

from monitor.domain.plan import SOON, Channel, NotifyStep, Plan, StatementStep, drill_due
from monitor.settings.model import Settings
from monitor.settings.plan_names import acting
from monitor.settings.problems import Problem, choices
from monitor.settings.reading import Document, Path_
from rules.duration import format_duration

_SOON = timedelta(minutes=30)
"""Where the gravest level must be taken so soon, silence must ring."""
_CARRIED: Mapping[str, Collection[Channel]] = {"email": ["email"], "webhook": ["webhook"], "apprise": ["chat", "sms", "push"]}
"""What each kind of receiver may carry; which of them a service of Apprise is, only its address tells."""


def unheard(document: Document, plan: Plan, settings: Settings) -> Iterator[Problem]:
    """People whom the plan waits for, or tells, and whom nothing reaches."""
    if not settings.routing.default:
        return  # nobody is told anything yet, and that is said elsewhere
    for path, name, _ in acting(document):
        if not settings.resolve(name):
            what = f"`{name}` cannot be told anything: the plan would wait for somebody who hears nothing of it."
            yield document.problem(path, what, f"Give `{name}` an `email` or `receivers` in contacts.yaml.")
    for path, names in _told(plan):
        if not any(settings.resolve(name) for name in names):
            what = f"this reaches nobody: there is no receiver behind {choices(names)}."
            yield document.problem(path, what, "Name somebody who has an `email` or `receivers`.")


def _told(plan: Plan) -> Iterator[tuple[Path_, Sequence[str]]]:
    """Whoever is told at each place of the plan."""
    yield ("plan", "notify"), plan.notify
    for index, step in enumerate(plan.steps):
        if isinstance(step, NotifyStep):
            yield ("plan", "steps", index, "receiver"), step.receiver
    for index, rung in enumerate(plan.escalation):
        if rung.notify:
            yield ("plan", "escalation", index, "notify"), rung.notify


def unwise(document: Document, plan: Plan, settings: Settings, today: date) -> Iterator[Problem]:
    """What works, and that somebody may regret. None of it ever keeps Tocsin from starting."""
    yield from _quiet_rungs(document, plan, settings)
    yield from _unread(document, plan, settings)
    yield from _without_phone(document, plan, settings)
    yield from _drafts(document, plan)
    yield from _expired(document, plan, today)
    yield from _unreviewed(document, plan, today)


# --- people --------------------------------------------------------------------------------------------------------------


def _quiet_rungs(document: Document, plan: Plan, settings: Settings) -> Iterator[Problem]:
    """Rungs of a ladder in a hurry that nothing but e-mail carries; of those that tell the same, the first."""
    within = plan.severity[0].ack_within if plan.severity else None
    said: set[tuple[str, ...]] = set()
    for index, rung in enumerate(plan.escalation):
        receivers = {receiver for name in rung.notify for receiver in settings.resolve(name)}
        told = {name for name in receivers if not rung.by or {*rung.by} & {*_CARRIED[settings.receivers[name].kind]}}
        path: Path_ = ("plan", "escalation", index)
        if receivers and not told:
            what = f"nobody whom this rung names has {choices(rung.by)}."
            yield document.problem((*path, "by"), what, "Add a receiver that does, or name another channel.")
        elif within and within <= _SOON and receivers and all(settings.receivers[name].kind == "email" for name in told):
            if (who := tuple(sorted(told))) not in said:
                what = f"within {format_duration(within)} somebody must answer, and e-mail alone, which wakes nobody, tells them."
                yield document.problem((*path, "notify"), what, "Add a receiver that rings: see `kind: apprise`.")
            said.add(who)


def _unread(document: Document, plan: Plan, settings: Settings) -> Iterator[Problem]:
    """Statements in a language that nobody of the plan reads."""
    receivers = {receiver for name in plan.named() for receiver in settings.resolve(name)}
    read = {settings.receivers[name].language or settings.language for name in receivers}
    for index, statement in enumerate(plan.statements):
        if read and not read & statement.text.keys():
            written, wanted = " and ".join(sorted(statement.text)), " or ".join(sorted(read))
            what = f"the statement `{statement.id}` is written in {written}, and the people of this plan read {wanted}."
            yield document.problem(("plan", "statements", index, "text"), what, f"Write it in {wanted}, too.")


def _without_phone(document: Document, plan: Plan, settings: Settings) -> Iterator[Problem]:
    """People whom the card of the plan names without a telephone, where others have one: somebody was forgotten."""
    people, roles = settings.contacts.people, settings.contacts.roles
    if not any(person.phone for person in people.values()):
        return
    named = dict.fromkeys(
        person for name in plan.named() for person in (roles[name].everybody if name in roles else (name,)) if person in people
    )
    if missing := [name for name in named if not people[name].phone]:
        what = f"the plan's card has no telephone for {choices(missing)}."
        yield document.problem(("plan",), what, "Give them a `phone` in contacts.yaml.")


# --- the calendar, and what is not finished ------------------------------------------------------------------------------


def _drafts(document: Document, plan: Plan) -> Iterator[Problem]:
    """Words that nobody has approved, and that nobody would be asked to."""
    for index, step in enumerate(plan.steps):
        statement = plan.statement(step.statement) if isinstance(step, StatementStep) and step.approval is None else None
        if statement is not None and statement.status == "draft":
            what = f"the statement `{statement.id}` is a draft, and this step asks for nobody's approval."
            fix = "Have it approved (`status: approved`, `approved_by: …`), or write `approval: {role: …}` here."
            yield document.problem(("plan", "steps", index, "statement"), what, fix)


def _expired(document: Document, plan: Plan, today: date) -> Iterator[Problem]:
    """Statements whose day has passed, or is near: still there, not to be used unread."""
    for index, statement in enumerate(plan.statements):
        if statement.expires and statement.expires - SOON <= today:
            path: Path_ = ("plan", "statements", index, "expires")
            when = f"expire{'d' if statement.expired(today) else 's'} on {statement.expires}"
            what = f"the statement `{statement.id}` {when}: a run then asks for a new yes before it is used."
            yield document.problem(path, what, "Read it again, then move the date.")


def unrehearsed(document: Document, plan: Plan, drilled_on: date | None, today: date) -> Iterator[Problem]:
    """A plan that was not rehearsed for too long: when that last was, the store knows."""
    for due in drill_due(plan, drilled_on, today):
        last = f"the last one was on {drilled_on}" if drilled_on else "nobody has held one yet"
        what = f"the drill is due since {due.on}: {last}."
        yield document.problem(("plan", "drill", "every"), what, f"Hold it: `tocsin plan drill {plan.id}`.")


def _unreviewed(document: Document, plan: Plan, today: date) -> Iterator[Problem]:
    """A plan that nobody has read through for too long, or ever."""
    path: Path_ = ("plan", "reviewed_on")
    if plan.reviewed_on is None:
        fix = f"Read it through, then write the day: `reviewed_on: {today}`."
        yield document.problem(path, "nobody has noted that they read this plan through.", fix)
    elif (due := plan.reviewed_on + plan.review_every) < today:
        what = f"the review was due on {due}, {format_duration(plan.review_every)} after the last one."
        yield document.problem(path, what, "Read it through, then move the date.")
