"""Silences for programs: which are in force, and new ones; a deployment may keep quiet what it is going to break."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Annotated, Any, Final, Self

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from monitor.console.api.endpoint import Asked, Endpoint, Nothing
from monitor.console.api.problems import not_here, wrong
from monitor.console.api.words import Moment, Name, Page, Record, Said
from monitor.domain.account import Permission
from monitor.domain.alert import Silence
from monitor.pipeline import operations
from monitor.pipeline.dangers import dangers_in
from monitor.pipeline.silencing import EVERYTHING
from notifiers.safe import clean
from rules.base import suggest
from rules.words import fold_label

_LONGEST: Final = timedelta(days=366)
_Reason = Annotated[
    str, StringConstraints(min_length=1, max_length=500), AfterValidator(lambda said: clean(said, 500)), Field(min_length=1)
]


class SilenceRecord(Record):
    """Told to nobody from `starts_at` until before `ends_at`. One of the configuration has a name instead of a number."""

    id: int | str
    matcher: dict[str, Any]
    author: str
    reason: str
    created_at: datetime
    starts_at: datetime
    ends_at: datetime
    every: list[str] | None
    timezone: str | None


class Quiet(Said):
    """For how long, and why. Rules about dangers to people are not covered unless that is said."""

    reason: _Reason = Field(description="the next person will ask")
    ends_at: Moment
    starts_at: Moment | None = Field(None, description="without: now")
    including_safety: bool = Field(default=False, description="also alerts that people may be hurt")


class NewSilence(Quiet):
    """What is kept quiet: a rule, a subject, both together, or everything."""

    rule: Name | None = None
    subject: Name | None = None
    everything: bool = False

    @model_validator(mode="after")
    def _covers_something(self) -> Self:
        if self.everything == bool(self.rule or self.subject):
            raise ValueError("say what is kept quiet: `rule`, `subject`, both of them, or `everything` alone")
        return self


async def listed(asked: Asked[Nothing, Nothing]) -> Page[SilenceRecord]:
    """Silences that are in force or planned, and those of the configuration."""
    now, standing = asked.desk.now(), asked.desk.settings.standing_silences
    async with asked.desk.store.read() as tx:
        found = [*await tx.silences.not_over(now), *(each for each in standing if each.ends_at > now)]
    return Page[SilenceRecord](items=[SilenceRecord.model_validate(each) for each in found], next=None)


async def add(asked: Asked[Nothing, NewSilence]) -> SilenceRecord:
    """Keep alerts quiet for a while: they are opened and kept; what still rings at the end is told once."""
    said, settings = asked.body, asked.desk.settings
    _require_known("rule", said.rule, [each.id for each in settings.rules])
    _require_known("subject", said.subject, list(settings.subjects))
    named = {name: value for name, value in (("rule", said.rule), ("subject", said.subject)) if value}
    return await keep_quiet(asked, dict(EVERYTHING) if said.everything else named, said)


def _require_known(field: str, name: str | None, known: Sequence[str]) -> None:
    if name is not None and fold_label(name) not in {fold_label(each) for each in known}:
        raise wrong(field, f"there is no {field} of this name; {suggest(name, known)}")


async def keep_quiet(asked: Asked[Any, Any], matcher: Mapping[str, object], said: Quiet) -> SilenceRecord:
    """The silence that was made. Raises 422 for one that lasts for no time, for ever, or covers dangers unasked."""
    now, settings = asked.desk.now(), asked.desk.settings
    begin = max(said.starts_at or now, now)
    if not timedelta(0) < said.ends_at - begin <= _LONGEST:
        raise wrong("ends_at", f"a silence ends after it begins, and lasts up to {_LONGEST.days} days")
    grave = () if said.including_safety else dangers_in(matcher, settings.rules, settings.lists, now)
    if grave:
        rules = ", ".join(f"`{each}`" for each in grave)
        raise wrong("including_safety", f"this would also silence {rules}, by which you hear that people may be hurt")
    number = await operations.silence(
        asked.desk.store,
        matcher,
        lasting=said.ends_at - begin,
        reason=said.reason,
        actor=asked.actor,
        at=now,
        starts_at=begin,
        once=asked.mark,
    )
    async with asked.desk.store.read() as tx:
        return SilenceRecord.model_validate((await tx.silences.many([number]))[str(number)])


async def end(asked: Asked[Nothing, Nothing]) -> SilenceRecord:
    """End a silence before its time. One that is over stays as it is."""
    now = asked.desk.now()
    found = await _silence(asked)
    if found.ends_at > now:
        await operations.end_silence(asked.desk.store, asked.number, asked.actor, now)
    return SilenceRecord.model_validate(await _silence(asked))


async def _silence(asked: Asked[Any, Any]) -> Silence:
    async with asked.desk.store.read() as tx:
        found = (await tx.silences.many([asked.number])).get(str(asked.number))
    if found is None:
        raise not_here("silence", asked.number)
    return found


ENDPOINTS: Final = (
    Endpoint("GET", "/silences", listed, Permission.LOOK),
    Endpoint("POST", "/silences", add, Permission.SILENCE, HTTPStatus.CREATED, once=True),
    Endpoint("POST", "/silences/{number:[0-9]{1,18}}/end", end, Permission.SILENCE),
)
