"""What a person must learn, before it becomes an e-mail, a webhook or a chat line. Facts only: `wording` finds the words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Literal, get_args

from notifiers.letter import Letter

Language = Literal["fr", "en"]
Severity = Literal["info", "warning", "critical"]
SEVERITIES: tuple[Severity, ...] = get_args(Severity)  # from the mildest to the gravest
Kind = Literal[
    "first", "more", "worse", "reminder", "resolved", "plan", "step", "call", "over", "read", "held", "account", "digest", "test"
]


@dataclass(frozen=True, slots=True)
class Post:
    """One mention, worth showing. Its text is hostile until escaped. `reach` None means unknown, not zero."""

    text: str
    network: str
    written_at: datetime
    author: str = ""
    reach: int | None = None
    url: str | None = None
    language: str | None = None
    sentiment: float | None = None
    sensitive: bool = False  # health, politics, religion …: the text is not shown, only the link
    copies: int = 0  # how many others say nearly the same, for whom it stands
    edited: bool = False  # its author has changed it; evidence keeps the words that rang
    deleted: bool = False  # its network says that it is no longer there: there is nothing to follow its link to


@dataclass(frozen=True, slots=True)
class AlertFacts:
    """One alert as it stood when the message was decided. `observed`/`expected` count `measure` within `window`.

    Labels that choose the words: `nature` (complaint, safety, praise, talk; else guessed from the rule's id and title),
    `term` (what is new, as people write it), `catch_up` (these are old mentions, told together), `source` or `receiver` (whose
    health it is about), `trouble` (a word of `monitor.domain.errors.Trouble`), `last_success` and `last_brought` (ISO 8601, or
    `never`).
    """

    id: int
    rule: str
    kind: str  # of its rule: mention, window, flatline …; or what of our own is ill: source_health, plan_health …
    category: str
    event: Kind
    severity: Severity
    labels: Mapping[str, str]
    fired_at: datetime
    observed: float
    expected: float | None
    measure: str  # mentions, authors, texts, share, mean sentiment, sum author.reach, seconds …
    window: timedelta | None = None
    learning: bool = False
    coverage: float | None = None
    unscored: int = 0  # mentions that might belong to it, for a score is missing
    copies: int = 0  # mentions in it that copy one text, the one with most copies
    occurrences: int = 1
    reasons: Sequence[str] = ()
    resolved_at: datetime | None = None
    title: str = ""  # the rule's title in the receiver's language, when it has one
    acknowledged: bool = False  # somebody has taken it
    unwatched: bool = False  # it ended because its rule was removed or changed: it may go on, and nobody sees it

    @property
    def figure(self) -> bool:
        """Whether it measures the mean or the sum of a number."""
        return self.measure.startswith(("mean ", "sum "))

    @property
    def personal(self) -> bool:
        """Whether it is about what one person said."""
        return self.kind in {"mention", "absence"}


@dataclass(frozen=True, slots=True)
class PlanStepFacts:
    """One step, in the receiver's language. `text` is a statement ready to copy; `items` a checklist.

    `words` are the statement in every language there is, `fingerprint` is what names these very words, and `expired` the day on
    which they ended to be approved. `deadline` is aware; `late` says that it has passed. `checked` are the places of the ticked
    items, from 0. `note` is why it was rejected, failed or was skipped, in the words of whoever said so: hostile until escaped.
    """

    id: str
    phase: str
    action: Literal["notify", "webhook", "capture", "checklist", "assign", "wait", "condition", "statement"]
    title: str
    state: str
    automatic: bool = False
    owner: str = ""
    items: Sequence[str] = ()
    text: str = ""
    approved: bool = False
    deadline: datetime | None = None
    late: bool = False
    checked: Sequence[int] = ()
    note: str = ""
    ended: datetime | None = None
    words: Mapping[Language, str] = field(default_factory=dict)
    fingerprint: str = ""
    expired: date | None = None


@dataclass(frozen=True, slots=True)
class StatementFacts:
    """Words that the plan holds ready, in the receiver's language. Only approved ones may be used as they stand.

    `expired` is the last day on which they were.
    """

    id: str
    text: str
    approved: bool = False
    expired: date | None = None


@dataclass(frozen=True, slots=True)
class FigureFacts:
    """A figure of a crisis: as it is, as it was in the report before, and at its highest. None: nobody can tell."""

    name: Literal["mentions", "authors", "negative_share"]
    now: float | None
    before: float | None = None
    peak: float | None = None


@dataclass(frozen=True, slots=True)
class DoneFacts:
    """Something that happened in a run. `what` is an event of its timeline without `plan.`, such as `step.done`.

    `who` did it, empty for Tocsin; `about` is the step, level, person or group in question, as people call it; `note` is
    somebody's own words: hostile until escaped. `said` is all but the note as a sentence in the reader's language; empty: it
    is not for somebody who was not there.
    """

    at: datetime
    what: str
    who: str = ""
    about: str = ""
    note: str = ""
    said: str = ""


@dataclass(frozen=True, slots=True)
class GroupFacts:
    """A group that waits for news from us: when it last heard something, and by when it must."""

    name: str
    channel: str = ""
    told: datetime | None = None
    due: datetime | None = None


@dataclass(frozen=True, slots=True)
class StandingFacts:
    """Where a run stands, for whoever was not there: what was done since `since`, and how the figures of `window` went.

    `next_at` is when the next report leaves, if there is one.
    """

    since: datetime
    began: datetime
    window: timedelta
    level_since: datetime | None = None
    figures: Sequence[FigureFacts] = ()
    done: Sequence[DoneFacts] = ()
    notes: Sequence[DoneFacts] = ()
    groups: Sequence[GroupFacts] = ()
    next_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class AnswerFacts:
    """How somebody took part in a drill. `told_at` None: they answered without having been told by name.

    `through` are the receivers that took a message for them, `refused` those that took none. `roles` are theirs in the
    plan. How long a single person took is nobody's business: see `PaceFacts`.
    """

    who: str
    told_at: datetime | None = None
    through: Sequence[str] = ()
    refused: Sequence[str] = ()
    answered: bool = False
    roles: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class PaceFacts:
    """How fast a team answered a drill: the first, half of them, the last; the latter two None where few answered."""

    first: timedelta
    half: timedelta | None = None
    last: timedelta | None = None


@dataclass(frozen=True, slots=True)
class PlanFacts:
    """The emergency plan that was opened. `step` is the step that the message is, or is about.

    `why` is the word of `monitor.plans.Why` that a `call`, a `step` or an `over` is written for. `since` is since when that is
    so; `deadline` is the one of the step in question, or the moment until which somebody must act; both are aware. `drill` is
    the prefix of a drill, empty when this is none; `page` the address of the run's page, empty when there is none. `answers`
    say who answered a drill, once it has ended, `pace` how fast, and `silent_roles` of which roles nobody did.
    """

    run_id: int
    id: str
    title: str
    state: str  # awaiting_confirmation, running, observing, stood_down, closed
    steps: Sequence[PlanStepFacts]
    never: Sequence[str] = ()
    step: str | None = None
    statements: Sequence[StatementFacts] = ()
    why: str | None = None
    level: str = ""  # the name of the level, empty when there is none
    risen: bool = False  # the figures have just raised the level
    proposed: tuple[int, str] | None = None  # the level that it may fall to: its rank and its name
    lead: str = ""  # who leads the run
    acknowledged: bool = False  # somebody has taken the run
    since: datetime | None = None
    deadline: datetime | None = None
    drill: str = ""
    page: str = ""
    version: str = ""  # which version of the plan somebody is to read, empty for a run
    standing: StandingFacts | None = None  # of a report to people who were not there, such as a board or the next shift
    answers: Sequence[AnswerFacts] = ()
    pace: PaceFacts | None = None
    silent_roles: Sequence[str] = ()

    @property
    def wants_answers(self) -> bool:
        """Whether « je prends en charge » is waited for: nobody has said it, or this is a drill, which asks everybody."""
        return not self.acknowledged or bool(self.drill)


@dataclass(frozen=True, slots=True)
class WouldRingFacts:
    """A rule that was only observed: `alert` is the gravest of those that would have rung `at` these moments.

    `subject` is the display name of what it is about, `to` are those who would have been told, as people call them, `ringing`
    says how many of them ring still. `removed`: the configuration has no such rule any more.
    """

    alert: AlertFacts
    at: Sequence[datetime]
    to: Sequence[str]
    subject: str | None = None
    ringing: int = 0
    removed: bool = False


@dataclass(frozen=True, slots=True)
class WouldTellFacts:
    """Whom a plan would have told, and of which step, if it is one."""

    at: datetime
    to: Sequence[str]
    step: str = ""


@dataclass(frozen=True, slots=True)
class WouldOpenFacts:
    """A plan that was only observed. `opened` None: it would have been opened before the account begins."""

    id: str
    title: str
    opened: datetime | None
    told: Sequence[WouldTellFacts] = ()


@dataclass(frozen=True, slots=True)
class SwitchFacts:
    """Where it is written that something is only observed: everything, a rule or a plan. `place` is `file:line`."""

    what: Literal["all", "rule", "plan"]
    id: str = ""
    place: str = ""


@dataclass(frozen=True, slots=True)
class CountFacts:
    """How many messages would have left, and how many of them by night."""

    messages: int = 0
    by_night: int = 0


@dataclass(frozen=True, slots=True)
class AccountFacts:
    """What was only observed, from `since` (aware) until the message. `heard` counts the mentions that came.

    `yours` are the messages that this reader would have had, `all` those of all `receivers`. `ends` is when everything begins
    to ring by itself, `ended` says that it has by now. `switches` are what is only observed, still.
    """

    since: datetime
    until: datetime
    heard: int = 0
    rules: Sequence[WouldRingFacts] = ()
    plans: Sequence[WouldOpenFacts] = ()
    yours: CountFacts = CountFacts()
    all: CountFacts = CountFacts()
    receivers: Sequence[str] = ()
    ends: datetime | None = None
    ended: bool = False
    switches: Sequence[SwitchFacts] = ()

    @property
    def alerts(self) -> int:
        """How many alerts would have rung."""
        return sum(len(rule.at) for rule in self.rules)

    @property
    def calm(self) -> bool:
        """Whether nothing would have been told."""
        return not self.rules and not self.plans


@dataclass(frozen=True, slots=True)
class Message:
    """One message to one receiver.

    `id` is stable over retries: the receiver deduplicates by it. `conversation` is the same for all messages about one
    incident to one receiver, `sequence` their order in it. Times are aware; `timezone` (IANA) is where the reader lives.
    `topic` is what the conversation is about, the same words in all its messages (`wording.opening` of the first one):
    mail programs keep a conversation together only under one subject.
    """

    id: str
    kind: Kind
    severity: Severity
    language: Language
    timezone: str
    created_at: datetime
    conversation: str
    sequence: int
    brand: str
    incident_id: int | None = None
    subject: str | None = None  # the subject's display name
    alerts: Sequence[AlertFacts] = ()
    posts: Sequence[Post] = ()
    more_posts: int = 0  # how many are not shown
    new_words: Sequence[str] = ()  # what far more people say than usual; strangers' words, hostile until escaped
    more_alerts: int = 0  # complaints beyond `alerts`: counted, not named
    plan: PlanFacts | None = None
    account: AccountFacts | None = None  # of the daily account of what is only observed
    letter: Letter | None = None  # of a digest: its words are written already
    links: Mapping[str, str] = field(default_factory=dict)
    replay: bool = False
    topic: str = ""
    receiver: str = ""  # the receiver's name in monitor.yaml
    seal: str = ""  # what nobody can guess, part of its name as an e-mail: whoever answers with it was told by us
    answered: bool = False  # somebody reads what is answered to e-mails: « OK » acknowledges
    still_open: Sequence[AlertFacts] = ()  # of a `resolved` message: what of the incident is not over; `plan` is then open, too
