"""The emergency plan as it is written, in calm weather: one file of `plans/`."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import Annotated, Any, Final, Literal, Self

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, model_validator

from monitor.domain.plan.words import Localized
from rules.base import Settings, some
from rules.duration import PositiveDuration
from rules.figures import Figures, FiguresWhere

Id = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")]
EVERYONE: Final = "everyone"
"""Whoever the plan names anywhere."""


def _several(written: Any) -> Any:
    return (written,) if isinstance(written, str) else written


Ids = Annotated[tuple[Id, ...], BeforeValidator(_several, json_schema_input_type=Id | list[Id])]
SomeIds = Annotated[Ids, AfterValidator(some)]
CALLED_WITHIN: Final = timedelta(minutes=15)
"""How long what Tocsin calls has to answer, where the plan says nothing of it."""

Channel = Literal["email", "webhook", "chat", "sms", "push"]
Posture = Literal["deny", "diminish", "rebuild", "bolster"]


class Activation(Settings):
    """How a plan starts. Its people are told at once in each mode but `observe`, which only writes down what it would do."""

    mode: Literal["confirm", "automatic", "manual", "observe"] = Field(
        "confirm",
        description="`confirm` holds the automatic steps until somebody confirms (`tocsin plan confirm RUN`), and chases whoever"
        " should; `automatic` carries them out straight away; `manual` waits for somebody, and chases nobody; `observe` tells"
        " nobody and does nothing, and its timeline says what it would have done",
    )
    confirm_within: PositiveDuration = Field(
        timedelta(minutes=10), description="with `confirm`: how long to wait for somebody's word"
    )
    on_timeout: Literal["escalate", "activate"] = Field(
        "escalate",
        description="when nobody confirmed in time: `escalate` tells the next rung of `escalation`, `activate` begins",
    )
    cooldown: PositiveDuration = Field(
        timedelta(hours=2),
        description="a crisis that comes back so soon after its run was closed goes on in that run; later it is confirmed anew",
    )


class Level(Settings):
    """How grave the incident is. From the top, the first whose `when` holds is the level that the figures ask for."""

    level: int = Field(ge=0, le=9, description="its rank: the higher, the graver")
    name: Localized = Field(description="what people call it")
    ack_within: PositiveDuration | None = Field(
        None, description="how soon somebody takes it: the rungs of `escalation` are fractions of this"
    )
    approver: Id | None = Field(None, description="who approves what is said at this level: a person or role of contacts.yaml")
    when: FiguresWhere | None = Field(None, description="the figures that ask for it; without any it always holds")

    @model_validator(mode="after")
    def _goes_by_what_is_seen(self) -> Self:
        if self.when is not None and "level" in self.when.said(Figures()):
            raise ValueError("a level does not go by the level, which would raise itself: ask for other figures")
        return self


class Deescalation(Settings):
    """When a run falls to a lower level. It rises by itself."""

    below_level: int = Field(ge=1, le=9, description="the figures ask for a lower level than this")
    for_: PositiveDuration = Field(alias="for", description="and have done so for this long")
    by: Literal["human", "rule"] = Field(
        "human", description="`human` proposes it to the people of the plan, `rule` does it and tells them"
    )


class Assessment(Settings):
    """Hypotheses, until a named person confirms them."""

    triage: tuple[Literal["misguided", "unhappy_customer", "virulent", "coordinated"], ...] = Field(
        (), description="the kinds of posts to sort by; posts are sorted, not people"
    )
    responsibility: Literal["victim", "accidental", "preventable"] | None = Field(
        None, description="how far the trouble is ours, as situational crisis communication theory parts it"
    )
    posture: tuple[Posture, ...] = Field((), description="how we answer; who denies does not apologise")

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> Self:
        if "deny" in self.posture and (others := {"diminish", "rebuild"} & {*self.posture}):
            raise ValueError(f"`deny` says that nothing happened, and `{min(others)}` that it did: keep one of them")
        if "deny" in self.posture and self.responsibility == "preventable":
            raise ValueError("`deny` does not go with `preventable`: what we could have prevented did happen")
        return self


class Approval(Settings):
    """Whose recorded word a step needs before its words are used."""

    role: SomeIds = Field(description="who may give it: people or roles of contacts.yaml")
    within: PositiveDuration = Field(timedelta(minutes=30), description="how long to wait for it")
    on_timeout: Literal["escalate", "wait"] = Field(
        "escalate",
        description="`escalate` asks the level's approver and the next rung, too; time never approves anything",
    )


class Undo(Settings):
    """How a step is taken back at the end."""

    receiver: Id = Field(description="the webhook receiver that takes it back, such as one that lets posts go out again")
    approval: Ids = Field((), description="whose word that needs; without any, whoever stands down gives it")


class _Step(Settings):
    id: Id
    phase: Literal["contain", "assess", "respond", "recover"] = Field("respond", description="where it belongs in the plan")
    title: Localized | None = Field(None, description="one line a person can follow at two in the morning")
    role: Id | None = Field(None, description="who does it, or sees to it: a person or role of contacts.yaml")
    needs: Ids = Field((), description="the steps that must have ended before; without any it begins with the plan")
    min_level: int = Field(0, ge=0, le=9, description="it waits until the run has reached this level")
    when: FiguresWhere | None = Field(
        None, description="figures that are asked when it begins; where they do not hold, it is skipped"
    )
    deadline: PositiveDuration | None = Field(
        None, description="how long after it could begin it is late; 15m for a `webhook` that says nothing else"
    )
    on_failure: Literal["continue", "escalate"] = Field(
        "escalate", description="what a failure, or being late, brings about: `escalate` tells who is next, `continue` notes it"
    )

    @property
    def called(self) -> Localized:
        """Its title, or its id in plain letters."""
        plain = self.id.replace("-", " ").replace("_", " ")
        return self.title or {"fr": plain, "en": plain}


class NotifyStep(_Step):
    """Tell a receiver, person or role: once, or every so often."""

    action: Literal["notify"]
    receiver: SomeIds = Field(description="receivers, people or roles")
    every: PositiveDuration | None = Field(
        None, description="told anew so often until the run is stood down: the situation report"
    )
    auto: bool = Field(True, description="false leaves it to a person")


class WebhookStep(_Step):
    """Call a webhook receiver, for instance to pause the publishing queue."""

    action: Literal["webhook"]
    receiver: Id = Field(description="a receiver of kind `webhook`")
    auto: bool = Field(True, description="false leaves it to a person")
    undo: Undo | None = Field(None, description="how it is taken back when the run ends")


class CaptureStep(_Step):
    """Keep the posts behind the alerts, with the SHA-256 of each, to prove what stood there; pictures are for people to keep."""

    action: Literal["capture"]
    auto: bool = Field(True, description="false leaves it to a person")


class ChecklistStep(_Step):
    """Things a person does and ticks off."""

    action: Literal["checklist"]
    items: tuple[Localized, ...] = Field(min_length=1, description="the things to do, in order")


class AssignStep(_Step):
    """Give the run to somebody, who leads it from there."""

    action: Literal["assign"]
    to: Id = Field(description="a person or role of contacts.yaml")


class WaitStep(_Step):
    """Let time pass before what needs it."""

    action: Literal["wait"]
    lasting: PositiveDuration = Field(alias="for", description="how long")


class ConditionStep(_Step):
    """A gate: what needs it happens only if its `when` holds at that moment, and is skipped otherwise."""

    model_config = ConfigDict(json_schema_extra={"required": ["id", "action", "when"]})

    action: Literal["condition"]

    @model_validator(mode="after")
    def _asks(self) -> Self:
        if self.when is None:
            raise ValueError("a condition asks nothing: write `when` with the figures that must hold")
        return self


class StatementStep(_Step):
    """A prepared statement: copied by a person, or sent to a publishing webhook after a recorded approval, never before."""

    model_config = ConfigDict(json_schema_extra={"dependentRequired": {"publish": ["approval"]}})

    action: Literal["statement"]
    statement: Id = Field(description="the id of one of the plan's statements")
    publish: Id | None = Field(None, description="a receiver of kind `webhook` that publishes it once it is approved")
    approval: Approval | None = Field(
        None, description="whose recorded word it needs before it is used; what `publish` sends always needs one"
    )

    @model_validator(mode="after")
    def _is_approved_before_it_goes_out(self) -> Self:
        if self.publish and self.approval is None:
            raise ValueError("nothing is published without a recorded approval: write `approval: {role: …}` beside `publish`")
        return self


Step = Annotated[
    NotifyStep | WebhookStep | CaptureStep | ChecklistStep | AssignStep | WaitStep | ConditionStep | StatementStep,
    Field(discriminator="action"),
]


class Statement(Settings):
    """Words prepared in calm weather, per language. Nothing publishes them without a person."""

    id: Id
    text: Localized = Field(description="the words themselves, per language")
    status: Literal["draft", "approved"] = Field("draft", description="`approved` text may be used unchanged")
    approved_by: Id | None = Field(None, description="who approved it: a person or role of contacts.yaml")
    expires: date | None = Field(
        None,
        description="the last day on which it may be used as approved: afterwards `tocsin check` warns, and in a run somebody"
        " has to approve the words anew",
    )

    def expired(self, day: date) -> bool:
        """Whether its last day has passed."""
        return self.expires is not None and self.expires < day


class Rung(Settings):
    """Whom silence reaches next: told when nobody has taken the run, or done what was asked, in time."""

    at: float | None = Field(None, ge=0, le=100, description="in parts of the level's `ack_within`: 0 at once, 1 at its end")
    unless: Literal["acknowledged"] | None = Field(None, description="not when somebody has taken it")
    notify: Ids = Field((), description="receivers, people or roles")
    by: Annotated[tuple[Channel, ...], BeforeValidator(_several, json_schema_input_type=Channel | list[Channel])] = Field(
        (), description="through which of their channels; without any, all of them"
    )
    repeat_from: int | None = Field(None, ge=0, description="from the end of the ladder, go on at this rung (the first is 0)")
    every: PositiveDuration = Field(timedelta(minutes=15), description="how long the ladder then rests between two rungs")
    max: int = Field(4, ge=1, le=100, description="how many more rungs are told")
    then: Literal["everyone"] | None = Field(
        None, description="who is told at last: `everyone` whom the plan names, as after any ladder, until somebody takes the run"
    )

    @model_validator(mode="after")
    def _is_one_or_the_other(self) -> Self:
        if self.repeat_from is None and (self.at is None or not self.notify):
            raise ValueError("a rung says when and whom: write `at` and `notify`, or `repeat_from` to begin anew")
        if self.repeat_from is not None and (self.at is not None or self.notify):
            raise ValueError("`repeat_from` tells rungs again that stand above: `at` and `notify` belong to those")
        return self


class Stakeholder(Settings):
    """A group that waits for news from us. `tocsin plan updated RUN GROUP` says that it has heard something."""

    group: Id = Field(description="who: customers, employees, partners, authorities …")
    channel: str = Field("", max_length=200, description="where they hear from us")
    update_every: PositiveDuration | None = Field(
        None, description="how often they must hear something, even without news: whoever leads is reminded when they have not"
    )


class Closure(Settings):
    """When a run may end, and who says so."""

    when: FiguresWhere | None = Field(
        None, description="figures that must hold; whoever stands down while they do not, says why it is over all the same"
    )
    for_: PositiveDuration = Field(timedelta(hours=24), alias="for", description="for how long `when` must have held")
    sign_off: Id | None = Field(None, description="who signs off: a person or role of contacts.yaml; without, who stands down")


class AfterAction(Settings):
    """The review once it is over: `tocsin plan report RUN` prepares it, and its owner is reminded until somebody signs it."""

    due: PositiveDuration = Field(timedelta(days=5), description="how soon after the end the report is signed")
    owner: Id | None = Field(
        None, description="who writes it, and is told so at the end: a person or role of contacts.yaml; without, nobody is"
    )


class Drill(Settings):
    """The rehearsal."""

    every: PositiveDuration = Field(
        timedelta(days=180),
        description="how often, from the last drill that ended, or from `reviewed_on`: later, `tocsin check` warns, and the owner"
        " is told",
    )
    prefix: str = Field("[EXERCICE]", min_length=3, max_length=40, description="stands before every subject and title of a drill")


class Plan(Settings):
    """One emergency plan."""

    id: Id
    title: Localized = Field(description="what people call it")
    owner: Id | None = Field(None, description="who keeps it up to date: a person or role")
    reviewed_on: date | None = Field(None, description="when somebody last read it through")
    review_every: PositiveDuration = Field(
        timedelta(days=180), description="how often that is due: later, `tocsin check` warns; it never stops the start"
    )
    read_by: Ids = Field((), description="who must have read and understood it: people or roles; for people to read")
    room: Localized | None = Field(
        None, description="where the crisis room is: a place, a link, a telephone bridge; it stands on the plan's card"
    )
    notify: SomeIds = Field(description="told the moment it opens: receivers, people, roles")
    window: PositiveDuration = Field(timedelta(hours=1), description="how far back the figures of levels and conditions look")
    severity: tuple[Level, ...] = Field((), description="the levels of gravity, the gravest first")
    deescalate: Deescalation | None = Field(None, description="when the level falls; without it, only by a person")
    activation: Activation = Field(default_factory=Activation, description="how it starts")
    assessment: Assessment = Field(default_factory=Assessment, description="what is thought of it, and how it is answered")
    steps: tuple[Step, ...] = Field(min_length=1, description="what is done")
    remind_every: PositiveDuration = Field(
        timedelta(hours=1),
        description="a run that somebody has taken, and that rests for so long, is brought to mind",
    )
    escalation: tuple[Rung, ...] = Field((), description="who is told when nobody answers, rung by rung")
    statements: tuple[Statement, ...] = Field((), description="words prepared in advance")
    stakeholders: tuple[Stakeholder, ...] = Field((), description="who waits for news")
    never: tuple[Localized, ...] = Field((), description="what nobody does, whatever happens")
    closure: Closure = Field(default_factory=Closure, description="when it may end")
    after_action: AfterAction = Field(default_factory=AfterAction, description="the review afterwards")
    drill: Drill = Field(default_factory=Drill, description="the rehearsal")

    def snapshot(self) -> dict[str, Any]:
        """Plain data that reads back as the same plan: by the names of the file, and without what it does not say."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)

    @property
    def version(self) -> str:
        """Which version it is: ten letters that change with whatever its readers would do otherwise, and with nothing else.

        Comments, the order of settings and the days on which somebody looked at it again are no new version, nor is a setting
        that only a newer Tocsin knows and that nobody has written.
        """
        said = self.model_dump(mode="json", by_alias=True, exclude_defaults=True, exclude=_NO_NEWS)
        plain = json.dumps(said, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(plain.encode()).hexdigest()[:10]

    def step(self, id_: str) -> Step | None:
        """The step of this id."""
        return next((each for each in self.steps if each.id == id_), None)

    def statement(self, id_: str) -> Statement | None:
        """The statement of this id."""
        return next((each for each in self.statements if each.id == id_), None)

    def level(self, number: int | None) -> Level | None:
        """The level of this rank."""
        return next((each for each in self.severity if each.level == number), None)

    def named(self) -> Sequence[str]:
        """Every receiver, person and role whom the plan names for anything, each once: `everyone`."""
        return tuple(dict.fromkeys(self._named()))

    def _named(self) -> Iterator[str]:
        yield from self.notify
        for rung in self.escalation:
            yield from rung.notify
        yield from (each for each in (self.owner, self.closure.sign_off, self.after_action.owner) if each)
        yield from (level.approver for level in self.severity if level.approver)
        for step in self.steps:
            if isinstance(step, NotifyStep):
                yield from step.receiver
            if isinstance(step, StatementStep) and step.approval:
                yield from step.approval.role
            if isinstance(step, AssignStep):
                yield step.to
            if step.role:
                yield step.role


_NO_NEWS: Mapping[str, Any] = {
    "owner": True,
    "reviewed_on": True,
    "review_every": True,
    "read_by": True,
    "statements": {"__all__": {"expires": True}},
}
"""What of a plan is about its upkeep: to change it asks nobody to read the plan again."""


class PlanFile(Settings):
    """A file of `plans/`."""

    version: Literal[1]
    plan: Plan
