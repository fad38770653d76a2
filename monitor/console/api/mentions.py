"""Mentions for programs: the shared inbox through its filters, and what a person does with a mention there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final, Literal

from pydantic import Field

from monitor.console.api.alerts import AlertRecord
from monitor.console.api.endpoint import Asked, Endpoint, Nothing, Work
from monitor.console.api.mention_records import DeedRecord, HandlingRecord, MentionRecord, mention_record
from monitor.console.api.problems import not_here, wrong
from monitor.console.api.words import Moment, Name, Note, Page, PageQuery, Said
from monitor.domain.account import Permission
from monitor.domain.alert import Severity
from monitor.domain.feed import FeedFilters, Tone
from monitor.domain.feedback import Feedback, Kind
from monitor.domain.handling import HandlingState, Seen, Verb
from monitor.domain.mention import Form, Observed
from monitor.pipeline import handling
from monitor.pipeline.handling import Act
from monitor.storage import UnitOfWork

_Names = Annotated[list[Name], Field(max_length=20)]


class MentionQuery(PageQuery):
    """Values of one filter are alternatives; a mention passes all filters."""

    subject: _Names = Field([])
    network: _Names = Field([])
    source: _Names = Field([])
    language: _Names = Field([])
    form: list[Form] = Field([])
    intent: _Names = Field([])
    topic: _Names = Field([])
    tone: list[Tone] = Field([])
    state: list[HandlingState] = Field([])
    assignee: _Names = Field([])
    sentiment_from: float | None = Field(None, ge=-1, le=1)
    sentiment_to: float | None = Field(None, ge=-1, le=1)
    reach: int | None = Field(None, ge=0, le=10**12, description="the least that its author has")
    since: Moment | None = Field(None, description="seen at this moment or later")
    until: Moment | None = Field(None, description="seen before this moment")
    q: str = Field("", max_length=1000, description='words, "phrases" and -exclusions')

    def filters(self) -> FeedFilters:
        """As the store reads them."""
        given = [(name, value) for name, value in self.model_dump(exclude={"before", "limit"}).items() if value not in (None, [])]
        return FeedFilters.from_query(
            (name, _plain(each)) for name, value in given for each in (value if isinstance(value, list) else [value])
        )


def _plain(value: Any) -> str:
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


class Remark(Said):
    """What is said to the others about it."""

    note: Note = ""


class Change(Remark):
    """A change of how a mention is handled: refused with 409 when somebody else was faster."""

    version: int = Field(ge=0, le=10**9, description="`handling.version`, as it was when you looked")


class Assignment(Change):
    """To whom it is given."""

    assignee: Name = Field(description="a person or a role of contacts.yaml")


class NotAbout(Change):
    """What it is not about."""

    subjects: Annotated[list[Name], Field(min_length=1, max_length=20)]


class Correction(Remark):
    """What was scored wrongly; at least one of the two."""

    complaint: bool | None = None
    sentiment: Literal["negative", "neutral", "positive"] | None = None


class Ring(Remark):
    """How grave it is."""

    severity: Severity = "warning"


async def listed(asked: Asked[MentionQuery, Nothing]) -> Page[MentionRecord]:
    """Mentions, the newest first.

    A page may hold fewer than `limit`, even none, and yet have a `next`: the look back ended before enough was found.
    Who wrote a mention (`author.handle`, `author.name`) is told to whoever may `export`.
    """
    async with asked.desk.store.read() as tx:
        page = await tx.feed.page(asked.query.filters(), before=asked.query.before, limit=asked.query.limit)
        return Page[MentionRecord](items=await _records(tx, asked, page.mentions), next=page.before)


async def one(asked: Asked[Nothing, Nothing]) -> MentionRecord:
    """One mention."""
    async with asked.desk.store.read() as tx:
        (found,) = await _records(tx, asked, [await _mention(tx, asked.number)])
        return found


async def deeds(asked: Asked[Nothing, Nothing]) -> Page[DeedRecord]:
    """All that people did with one mention, in order."""
    async with asked.desk.store.read() as tx:
        await _mention(tx, asked.number)
        done = await tx.handling.history(asked.number)
    return Page[DeedRecord](items=[DeedRecord.model_validate(each) for each in done], next=None)


async def _records(tx: UnitOfWork, asked: Asked[Any, Any], mentions: Sequence[Observed]) -> list[MentionRecord]:
    known = await tx.handling.of([each.id for each in mentions])
    named = asked.visitor.may(Permission.EXPORT)
    return [mention_record(each, known[each.id], named=named) for each in mentions]


async def _mention(tx: UnitOfWork, number: int) -> Observed:
    found = await tx.mentions.get([number])
    if not found:
        raise not_here("mention", number)
    return found[0]


async def assign(asked: Asked[Nothing, Assignment]) -> HandlingRecord:
    """Give a mention to a person or a role; who takes one, gives it to themselves."""
    act = await _act(asked, asked.body.version)
    return HandlingRecord.model_validate(await handling.assign(asked.desk.store, asked.desk.settings, act, asked.body.assignee))


async def answer(asked: Asked[Nothing, Change]) -> HandlingRecord:
    """Somebody has answered: rules that wait for an answer wait no more, and alerts that end by one end."""
    act = await _act(asked, asked.body.version)
    return HandlingRecord.model_validate(await handling.answer(asked.desk.store, asked.desk.settings, act))


async def close(asked: Asked[Nothing, Change]) -> HandlingRecord:
    """There is nothing to answer."""
    return HandlingRecord.model_validate(await handling.close(asked.desk.store, await _act(asked, asked.body.version)))


async def reopen(asked: Asked[Nothing, Change]) -> HandlingRecord:
    """It is somebody's work again."""
    return HandlingRecord.model_validate(await handling.reopen(asked.desk.store, await _act(asked, asked.body.version)))


async def not_about(asked: Asked[Nothing, NotAbout]) -> HandlingRecord:
    """It is not about these subjects: rules and windows stop counting it for them."""
    act = await _act(asked, asked.body.version)
    return HandlingRecord.model_validate(await handling.not_about(asked.desk.store, act, asked.body.subjects))


async def wrong_score(asked: Asked[Nothing, Correction]) -> HandlingRecord:
    """It was scored wrongly: what is right goes into the next training, its scores stay."""
    act, said = await _act(asked), asked.body
    complaint = {True: "yes", False: "no"}[said.complaint] if said.complaint is not None else None
    right: list[tuple[Kind, str | None]] = [("complaint", complaint), ("sentiment", said.sentiment)]
    words = [Feedback(asked.number, kind, value, act.actor.name, act.at, act.note) for kind, value in right if value is not None]
    if not words:
        raise wrong("", "say what is right: `complaint`, `sentiment`, or both")
    return HandlingRecord.model_validate(await handling.wrong_score(asked.desk.store, act, words))


async def note(asked: Asked[Nothing, Remark]) -> HandlingRecord:
    """Say something about it to the others."""
    if not asked.body.note:
        raise wrong("note", "a note says something: write it")
    return HandlingRecord.model_validate(await handling.note(asked.desk.store, await _act(asked)))


async def open_alert(asked: Asked[Nothing, Ring]) -> AlertRecord:
    """Ring because of a mention, though no rule did. Where it rings so already, that alert comes back."""
    act = await _act(asked)
    return AlertRecord.of(await handling.open_alert(asked.desk.store, asked.desk.settings, act, asked.body.severity), asked.desk)


async def _act(asked: Asked[Any, Any], version: int = 0) -> Act:
    """Raises 404 for a mention that is not here."""
    async with asked.desk.store.read() as tx:
        await _mention(tx, asked.number)
    return Act(Seen(asked.number, version), asked.actor, asked.desk.now(), asked.body.note)


ACTS: Final[Mapping[Verb, Work]] = {
    Verb.ASSIGN: assign,
    Verb.ANSWER: answer,
    Verb.NOT_ABOUT_US: not_about,
    Verb.CLOSE: close,
    Verb.REOPEN: reopen,
    Verb.NOTE: note,
    Verb.SCORE: wrong_score,
    Verb.ALERT: open_alert,
}
_ONE: Final = "/mentions/{number:[0-9]{1,18}}"

ENDPOINTS: Final = (
    Endpoint("GET", "/mentions", listed, Permission.LOOK),
    Endpoint("GET", _ONE, one, Permission.LOOK),
    Endpoint("GET", f"{_ONE}/deeds", deeds, Permission.LOOK),
    *(Endpoint("POST", f"{_ONE}/{work.__name__}", work, Permission.HANDLE) for work in ACTS.values()),
)
