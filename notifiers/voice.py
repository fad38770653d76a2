"""One message's voice: its reader, its subject, its leading alert, and the phrases with their usual values in place."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from functools import cached_property

from notifiers.catalogue import say, typeset
from notifiers.message import AlertFacts, Message, PlanFacts, PlanStepFacts, Post, Severity
from notifiers.reader import Reader
from notifiers.safe import one_line

NATURES = ("complaint", "safety", "praise", "talk")
_NAME = 80
_FEW_ALERTS = 6  # as many as one still checks and types
_RANK: dict[Severity, int] = {"info": 0, "warning": 1, "critical": 2}
# What a rule's id or title gives away when no label `nature` says it, without accents.
_GUESSES = (
    ("safety", ("safety", "danger", "securite", "risk", "risque", "injur", "blesse")),
    ("praise", ("praise", "eloge", "merci", "thank", "positive", "positif")),
    ("complaint", ("complain", "plaint", "negativ", "negatif", "unhappy", "mecontent", "outage", "panne", "crisis", "crise")),
)


class Voice:
    """What `wording` and `render` share about one message. Cheap to make; holds no state of its own."""

    def __init__(self, message: Message) -> None:
        self.message = message
        self.reader = Reader(message.language, message.timezone)
        self.subject = one_line(message.subject or message.brand, _NAME)

    def say(self, key: str, **values: str) -> str:
        """A phrase; `{subject}` and `{of_subject}` are filled in."""
        known = {"subject": self.subject, "of_subject": self.reader.of(self.subject)}
        return say(self.message.language, key, **(known | values))

    def count(self, key: str, count: float, **values: str) -> str:
        """A phrase with a number in it, in the right plural form."""
        return self.say(f"{key}.{self.reader.plural(count)}", n=self.reader.number(count), **values)

    @cached_property
    def lead(self) -> AlertFacts | None:
        """The alert the message is mostly about: the gravest, then a crowd before one person, then the largest.

        After quiet hours what still rings comes before what is over.
        """
        return max(self.message.alerts, key=lambda alert: (not self.over(alert), *_weight(alert)), default=None)

    @cached_property
    def peers(self) -> list[AlertFacts]:
        """The leading alert and those like it: complaints of the same rule are told together."""
        lead = self.lead
        alike = (lead.rule, self.over(lead)) if lead and lead.personal else None
        return [each for each in self.message.alerts if each is lead or (each.personal and (each.rule, self.over(each)) == alike)]

    def over(self, alert: AlertFacts) -> bool:
        """Whether it rang and was over while quiet hours held the message."""
        return self.message.kind == "held" and alert.resolved_at is not None and not alert.unwatched

    def title(self, written: str, limit: int) -> str:
        """What the brand's people called something, on one line, set so that no French colon begins a line."""
        said = one_line(written, limit)
        return typeset(said) if self.message.language == "fr" else said

    def moment(self, alert: AlertFacts) -> str:
        """When the alert began, for this reader."""
        return self.reader.moment(alert.fired_at, self.message.created_at)

    def who(self, post: Post) -> str:
        """The author with their reach when it is known: « @lea (120 abonnés) »; empty without a name."""
        name = one_line(post.author, _NAME)
        if not name or post.reach is None:
            return name
        return f"{name} ({self.count('followers', post.reach)})"

    @property
    def step(self) -> PlanStepFacts | None:
        """The step this message is, if it is one."""
        plan = self.message.plan
        return next((step for step in plan.steps if step.id == plan.step), None) if plan and plan.step else None

    @property
    def undoes(self) -> bool:
        """Whether the message takes back what a step did."""
        plan = self.message.plan
        return plan is not None and plan.why == "undo" and self.step is not None

    def progress(self, plan: PlanFacts) -> str:
        """« 2 étapes faites sur 5 »."""
        done = sum(step.state == "done" for step in plan.steps)
        return self.count("plan.progress", done, total=str(len(plan.steps)))

    @property
    def unfinished(self) -> bool:
        """Whether the message tells the end of something, and no calm: the incident goes on, or nobody watches any more."""
        return self.message.kind == "resolved" and (self.goes_on or bool(self.unwatched))

    @property
    def goes_on(self) -> bool:
        """Whether something of the incident is open."""
        return bool(self.message.still_open or self.open_plan)

    @property
    def unwatched(self) -> list[AlertFacts]:
        """The alerts that ended because their rule was removed or changed."""
        return [alert for alert in self.message.alerts if alert.unwatched]

    @property
    def open_plan(self) -> PlanFacts | None:
        """The plan, unless it was closed."""
        plan = self.message.plan
        return plan if plan and plan.state != "closed" else None

    @property
    def to_take(self) -> Sequence[AlertFacts]:
        """The alerts of which whoever acknowledges the message takes charge: all of a few, of a crowd the leading one."""
        ringing = [alert for alert in self.message.alerts if not self.over(alert)]
        return ringing if len(ringing) <= _FEW_ALERTS or not self.lead else [self.lead]

    @property
    def ack(self) -> str:
        """The command that acknowledges the message's alerts."""
        return ack(self.to_take)


def ack(alerts: Sequence[AlertFacts]) -> str:
    """The command that acknowledges these; empty for none."""
    return " ".join(["tocsin ack", *(str(id_) for id_ in sorted({alert.id for alert in alerts}))]) if alerts else ""


def nature(alert: AlertFacts) -> str:
    """What kind of talk the alert is about: its label says so, or the rule gives it away, or it is just talk."""
    said = alert.labels.get("nature", "")
    if said in NATURES:
        return said
    if alert.category == "opportunity":
        return "praise"
    rule = unicodedata.normalize("NFD", f"{alert.rule} {alert.title}".lower()).encode("ascii", "ignore").decode()
    return next((kind for kind, words in _GUESSES if any(word in rule for word in words)), "talk")


def _weight(alert: AlertFacts) -> tuple[int, bool, float]:
    return _RANK[alert.severity], not alert.personal, alert.observed
