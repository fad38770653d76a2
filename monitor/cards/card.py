"""What stands on the card of a plan: all that people need when nothing answers but the telephone. Plain words, no layout."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from monitor.cards.tongue import Tongue
from monitor.cards.tree import Branch, Call, Tree
from monitor.domain.plan import ChecklistStep, Level, NotifyStep, Plan, Statement, StatementStep, Step, filled
from monitor.plans.steps import is_automatic
from monitor.settings import Settings
from notifiers.catalogue import group
from notifiers.message import Language
from notifiers.reader import Reader

_FIRST = timedelta(hours=1)  # what is due so soon is written out


@dataclass(frozen=True, slots=True)
class Rank:
    """A level: its name, which figures ask for it, and what it asks of people."""

    name: str
    when: str
    asks: str


@dataclass(frozen=True, slots=True)
class Deed:
    """A step. `meta` is when, who and after what; `items` are written out only of those that come first."""

    number: int
    title: str
    meta: str
    items: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Words:
    """A statement, and whether it may be used as it stands."""

    id: str
    label: str
    text: str
    approved: bool


@dataclass(frozen=True, slots=True)
class Card:
    """One card, from top to bottom, in one language."""

    language: Language
    plan: str
    brand: str
    title: str
    about: str
    room: str
    levels: tuple[Rank, ...]
    tree: tuple[Branch, ...]
    tree_note: str
    others: tuple[Call, ...]
    steps: tuple[Deed, ...]
    statements: tuple[Words, ...]
    never: tuple[str, ...]
    stakeholders: tuple[str, ...]
    footer: tuple[str, ...]
    words: Mapping[str, str]

    @property
    def without_phone(self) -> tuple[str, ...]:
        """Whoever should be called, and has no number in contacts.yaml."""
        calls = [*(each for branch in self.tree for each in branch.calls), *self.others]
        return tuple(dict.fromkeys(each.name for each in calls if not each.phone and not each.receiver))


_HEADINGS = ("kind", "room", "levels", "tree", "others", "steps", "statements", "never", "stakeholders", "no_phone")


def card(plan: Plan, settings: Settings, language: Language, at: datetime) -> Card:
    """The card of a plan as it is at a moment (aware)."""
    tongue = Tongue(Reader(language, settings.timezone))
    tree = Tree(settings, plan, tongue, at)
    return Card(
        language=language,
        plan=plan.id,
        brand=tongue.line(settings.brand),
        title=tongue.line(plan.title),
        about=_about(plan, tongue, tree, at),
        room=tongue.text(plan.room) if plan.room else "",
        levels=tuple(_rank(level, tongue, tree) for level in plan.severity),
        tree=tree.branches(),
        tree_note=tongue.say("tree.level", level=tree.level) if tree.level and plan.escalation else "",
        others=tree.others(),
        steps=tuple(_deed(plan, number, step, tongue, tree) for number, step in enumerate(plan.steps, 1)),
        statements=tuple(_words(each, settings, tongue, tree, at) for each in _ready(plan)),
        never=tuple(tongue.line(each) for each in plan.never),
        stakeholders=tuple(_stakeholders(plan, tongue)),
        footer=(tongue.say("silent"), tongue.say("speaks", plan=plan.id), tongue.say("private")),
        words={key: tongue.say(key) for key in _HEADINGS},
    )


def _about(plan: Plan, tongue: Tongue, tree: Tree, at: datetime) -> str:
    reviewed = tongue.say("reviewed", day=tongue.day(plan.reviewed_on)) if plan.reviewed_on else tongue.say("unreviewed")
    owner = tongue.say("owner", who=tree.who(plan.owner)) if plan.owner else ""
    state = tongue.say("state", day=tongue.day(tongue.today(at)))
    return " · ".join(filter(None, (state, tongue.say("version", version=plan.version), reviewed, owner)))


def _rank(level: Level, tongue: Tongue, tree: Tree) -> Rank:
    taken = tongue.say("taken", span=tongue.span(level.ack_within)) if level.ack_within else ""
    approver = tongue.say("approver", who=tree.who(level.approver)) if level.approver else ""
    asks = " · ".join(filter(None, (taken, approver)))
    return Rank(f"{level.level} {tongue.line(level.name)}", tongue.asks(level.when), asks)


def _deed(plan: Plan, number: int, step: Step, tongue: Tongue, tree: Tree) -> Deed:
    first = not step.needs and (step.deadline is None or step.deadline <= _FIRST)
    items = step.items if isinstance(step, ChecklistStep) and first else ()
    meta = " · ".join(filter(None, _meta(plan, step, tongue, tree)))
    return Deed(number, tongue.line(step.called), meta, tuple(tongue.line(each) for each in items))


def _meta(plan: Plan, step: Step, tongue: Tongue, tree: Tree) -> Iterator[str]:
    if step.deadline is not None:
        yield tongue.say("within", span=tongue.span(step.deadline))
    if isinstance(step, NotifyStep) and step.every is not None:
        yield tongue.say("step.every", span=tongue.span(step.every))
    if step.role is not None:
        yield tree.who(step.role)
    if step.needs:
        numbers = {each.id: str(number) for number, each in enumerate(plan.steps, 1)}
        yield tongue.say("step.after", steps=tongue.say("and").join(numbers[each] for each in step.needs))
    if (level := plan.level(step.min_level)) is not None and step.min_level:
        yield tongue.say("step.level", level=tongue.line(level.name))
    if isinstance(step, StatementStep):
        yield tongue.say("step.statement", id=step.statement)
        if step.approval is not None:
            yield tongue.say("step.approval", who=tongue.say("or").join(map(tree.who, step.approval.role)))
    if is_automatic(step):
        yield tongue.say("step.automatic")


def _ready(plan: Plan) -> list[Statement]:
    """The words that are used first: those of steps that need nothing, and whatever is approved already."""
    first = {step.statement for step in plan.steps if isinstance(step, StatementStep) and not step.needs}
    found = [each for each in plan.statements if each.id in first or each.status == "approved"]
    return sorted(found, key=lambda each: each.status != "approved")


def _words(statement: Statement, settings: Settings, tongue: Tongue, tree: Tree, at: datetime) -> Words:
    """With its places filled in as far as paper can; the rest stays for a pen."""
    pen = {place: tongue.say("hour") for place in ("since", "now")} | {
        "next_update": tongue.say("update"),
        "mentions": tongue.say("number"),
        "authors": tongue.say("number"),
        "level": tongue.say("level"),
        "lead": tongue.say("lead"),
        "brand": settings.brand,
        "subject": settings.brand,
    }
    expired = statement.expires is not None and statement.expires < tongue.today(at)
    approved = statement.status == "approved" and not expired
    text = tongue.text({language: filled(said, pen) for language, said in statement.text.items()})
    return Words(statement.id, _label(statement, tongue, tree, expired=expired), text, approved)


def _label(statement: Statement, tongue: Tongue, tree: Tree, *, expired: bool) -> str:
    if statement.status != "approved":
        return tongue.say("draft")
    if expired and statement.expires is not None:
        return tongue.say("expired", day=tongue.day(statement.expires))
    by = statement.approved_by
    said = tongue.say("approved.by", who=tree.who(by)) if by else tongue.say("approved")
    return tongue.say("approved.until", said=said, day=tongue.day(statement.expires)) if statement.expires else said


def _stakeholders(plan: Plan, tongue: Tongue) -> Iterator[str]:
    for each in plan.stakeholders:
        name = group(tongue.reader.language, each.group)
        said = tongue.say("news", group=name, channel=tongue.line(each.channel)) if each.channel else name
        yield tongue.say("news.every", said=said, span=tongue.span(each.update_every)) if each.update_every else said
