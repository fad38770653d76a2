"""What a program may ask for in a plan run: its signed call as it is written, and whether it may, and in whose name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Final

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from monitor.domain.errors import TocsinError
from monitor.domain.plan import Language
from monitor.plans import VERBS, Act
from monitor.settings import CallerSettings
from monitor.sources import strict_json
from monitor.web.desk import Desk
from notifiers.safe import clean
from notifiers.signing import SignatureError, verify
from rules.base import suggest
from rules.figures import Figures

_LONGEST_NOTE: Final = 5_000
_LONGEST_WORDS: Final = 20_000

_Name = Annotated[str, StringConstraints(min_length=1, max_length=64)]
_Note = Annotated[str, AfterValidator(lambda said: clean(said, _LONGEST_NOTE))]
_Words = Annotated[str, StringConstraints(min_length=1), AfterValidator(lambda said: clean(said, _LONGEST_WORDS))]


class MalformedError(TocsinError):
    """The call does not say what is to be done. `field` is where."""

    def __init__(self, field: str, words: str) -> None:
        super().__init__(f"{field}: {words}" if field else words)
        self.field = field


class ForbiddenError(TocsinError):
    """The caller may not do that, or not in this name."""


class Wanted(BaseModel):
    """What an act in a run is about. `item` counts from 1, as people do."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    step: _Name | None = None
    item: Annotated[int, Field(ge=1, le=1_000)] | None = None
    to: _Name | None = None
    level: Annotated[int, Field(ge=0, le=100)] | None = None
    text: _Note | None = None
    words: Annotated[Mapping[Language, _Words], Field(min_length=1)] | None = None
    fingerprint: _Name | None = None


class Call(Wanted):
    """One act. `run` is that of the address once more, for the address is not signed."""

    run: Annotated[int, Field(ge=1, lt=2**63)]
    verb: _Name
    by: _Name | None = None


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls: a name of `callers` in monitor.yaml, with what it may, and the id of this call."""

    name: str
    settings: CallerSettings
    call_id: str


def identify(desk: Desk, headers: Mapping[str, str], body: bytes) -> Caller:
    """The caller with whose secret a call is signed. Raises `SignatureError`."""
    refusal = SignatureError("nobody may call: there are no `callers` in monitor.yaml")
    for name, settings in desk.settings.callers.items():
        try:
            return Caller(name, settings, verify(settings.keys, headers, body, now=desk.wall()))
        except SignatureError as error:
            refusal = error
    raise refusal


def read(body: bytes, run_id: int) -> Call:
    """What is asked for. Raises `MalformedError`, which names the field and quotes nothing."""
    try:
        call = Call.model_validate(strict_json.loads(body))
    except strict_json.NotJsonError as error:
        raise MalformedError("", f"the body is not JSON: {error}") from None
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        raise MalformedError(".".join(str(part) for part in first["loc"] if part != "[key]"), first["msg"]) from None
    if call.run != run_id:
        raise MalformedError("run", f"is not that of the address, {run_id}")
    if call.verb not in VERBS:
        raise MalformedError("verb", f"nobody can do that in a plan run; {suggest(call.verb, VERBS)}")
    return call


def in_the_name_of(desk: Desk, caller: Caller, call: Call) -> str:
    """Who acts. Raises `ForbiddenError`, or `MalformedError` where the call must say it."""
    allowed = caller.settings
    if allowed.verbs and call.verb not in allowed.verbs:
        raise ForbiddenError(f"{caller.name} may not `{call.verb}`: its `verbs` are {', '.join(allowed.verbs)}")
    people = [name for name in desk.settings.contacts.people if desk.names(name) & {*allowed.acts_as}]
    if call.by is None:
        return _only(caller, people)
    if call.by not in people:
        whom = f"as {', '.join(people)}" if people else "in nobody's name"
        raise ForbiddenError(f"{caller.name} may act {whom}, and not as `{clean(call.by, 64)}`")
    return call.by


def _only(caller: Caller, people: list[str]) -> str:
    if len(people) > 1:
        raise MalformedError("by", f"say in whose name: {', '.join(people)}")
    if caller.settings.acts_as and not people:
        raise ForbiddenError(f"nobody has {' or '.join(caller.settings.acts_as)} at this moment")
    return people[0] if people else caller.name


def act_of(desk: Desk, verb: str, call: Wanted, by: str, figures: Figures) -> Act:
    """The act as people's acts are."""
    return Act(
        verb=verb,
        by=by,
        at=desk.now(),
        names=desk.names(by),
        step=call.step,
        item=call.item - 1 if call.item is not None else None,
        to=call.to,
        level=call.level,
        text=call.text or None,
        words=call.words,
        fingerprint=call.fingerprint,
        contacts={*desk.settings.contacts.people, *desk.settings.contacts.roles},
        figures=figures,
    )
