"""Conditions on alerts, compiled once: for routes, silences, inhibition, and whatever else picks alerts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol, cast

from rules.alert_where import AlertWhere, SeverityTest
from rules.condition import Condition, Seen
from rules.engine import RuleError
from rules.finding import Finding, Verdict
from rules.lists import Lists
from rules.logic import Test
from rules.matching import SETS, Compiler
from rules.model import SEVERITIES, Severity, gravity
from rules.observation import Observation
from rules.where import LabelTest, WordsTest

OF_ONE_MENTION = frozenset({"mention", "absence"})
"""Kinds of rules whose alerts are about what one person said; those of other kinds are about many mentions, or about none."""

_SAID_AS_IS = ("network", "source", "form", "language")  # of a key or of labels: called as the field is


class Ringing(Protocol):
    """What an alert must say of itself to be asked. A stored alert does, today and after a restart."""

    @property
    def rule(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def severity(self) -> Severity: ...
    @property
    def category(self) -> str: ...
    @property
    def key(self) -> Mapping[str, str]: ...
    @property
    def labels(self) -> Mapping[str, str]: ...


@dataclass(frozen=True, slots=True)
class AlertSeen:
    """An alert as conditions see it. `facts` are what it says of itself, by field; the rest is read off its mention, if any."""

    facts: Mapping[str, object]
    mention: Observation | None = None

    @classmethod
    def of(cls, alert: Ringing, mention: Observation | None = None) -> AlertSeen:
        """An alert and the mention that rang it (or its newest evidence): without one, what only that says is unknown.

        The mention of an alert about many is left aside: it is one of them by accident. The subject is that of the key; without
        one there, those of the mention; without a mention, the one under which the alert is kept.
        """
        return cls._of(alert, alert.labels, mention)

    @classmethod
    def of_finding(cls, finding: Finding, mention: Observation | None = None) -> AlertSeen:
        """What rings and is no alert yet, seen as the alert that it becomes."""
        return cls._of(finding, {**({"subject": finding.subject} if finding.subject else {}), **finding.labels}, mention)

    @classmethod
    def _of(cls, alert: Ringing, labels: Mapping[str, str], mention: Observation | None) -> AlertSeen:
        single = alert.kind in OF_ONE_MENTION
        itself = {"rule": alert.rule, "kind": alert.kind, "severity": alert.severity, "category": alert.category}
        if mention is not None and single:
            return cls({**_facts(alert.key), **itself}, mention)
        kept = labels if single else {name: labels[name] for name in ("subject",) if name in labels}
        return cls({**_facts(kept), **_facts(alert.key), **itself})

    @property
    def title(self) -> str:
        """The title of its mention; nothing where that is unknown."""
        return self.mention.title if self.mention is not None else ""

    @property
    def text(self) -> str:
        """The text of its mention; nothing where that is unknown."""
        return self.mention.text if self.mention is not None else ""

    def value(self, field: str, of_mention: Callable[[Observation], object]) -> object:
        """What is known of a field: None is unknown."""
        if field in self.facts:
            return self.facts[field]
        return of_mention(self.mention) if self.mention is not None else None


class SeenAlert(Seen):
    """An alert on its way past conditions, in the place of a mention."""

    __slots__ = ()

    def __init__(self, alert: AlertSeen, compiler: Compiler) -> None:
        super().__init__(cast("Observation", alert), compiler.index)  # the compiler below asks it for its fields by `value`


class AlertCompiler(Compiler):
    """Compiles conditions on alerts: of these even the text may be unknown, and sets of names."""

    def _getter(self, field: str) -> Callable[[Any], Any]:
        of_mention = super()._getter(field)
        return lambda alert: alert.value(field, of_mention)

    def decider(self, field: str, test: Any) -> Test[Any]:
        if isinstance(test, SeverityTest):
            return _severity_test(test)
        decide = super().decider(field, test)
        if field not in SETS:
            return decide
        return lambda names: of_the_unknown(test) if names is None else decide(names)

    def _words_leaf(self, field: str, test: WordsTest, path: str) -> Condition:
        condition = super()._words_leaf(field, test, path)
        said, unsaid = condition.holds, of_the_unknown(test)

        def holds(seen: Seen) -> bool | None:
            return unsaid if cast("AlertSeen", seen.mention).mention is None else said(seen)

        return replace(condition, holds=holds)


class AlertCondition:
    """Conditions on alerts, compiled: stateless, and the same for an alert just raised and for one read from the store.

    Give it `AlertSeen.of(alert, mention)`. Of the alert it needs rule, kind, severity, category, key and labels; the mention is
    the one that rang it or its newest evidence, and may be missing: then what only that says is unknown, and matches nothing.
    """

    def __init__(self, where: AlertWhere, lists: Mapping[str, Sequence[str]], *, path: str = "where") -> None:
        """`path` is where the conditions stand, for explanations and errors. Raises RuleError."""
        self._compiler = AlertCompiler(Lists(lists))
        self._condition = self._compiler.compile(where, "", path)
        if self._compiler.problems:
            raise RuleError([*self._compiler.problems])

    def holds(self, alert: AlertSeen) -> bool | None:
        """True, False, or None: nobody can tell."""
        return self._condition.holds(SeenAlert(alert, self._compiler))

    def matches(self, alert: AlertSeen) -> bool:
        """Whether it holds for certain."""
        return self.holds(alert) is True

    def explain(self, alert: AlertSeen) -> list[Verdict]:
        """How each condition fares: what it asks, what it sees, and True, False or None (unknown)."""
        return [*self._condition.explain(SeenAlert(alert, self._compiler))]

    def failed_at(self, alert: AlertSeen) -> list[str]:
        """The fields because of which it does not hold for certain, in their order; none when it does."""
        return [*dict.fromkeys(self._condition.failed_at(SeenAlert(alert, self._compiler)))]


def _facts(said: Mapping[str, str]) -> dict[str, object]:
    """What a key or labels say, by field. An author nobody knows is no number."""
    facts: dict[str, object] = {name: said[name] for name in _SAID_AS_IS if name in said}
    if "subject" in said:
        facts["subjects"] = frozenset({said["subject"]})
    if said.get("author", "").isdecimal():
        facts["author.id"] = int(said["author"])
    return facts


def of_the_unknown(test: LabelTest | WordsTest) -> bool | None:
    """How a test fares with what nobody knows: only `exists` has an answer."""
    if test.exists is None:
        return None
    if test.exists:
        return False
    return True if test.model_fields_set == {"exists"} else None


def _severity_test(test: SeverityTest) -> Test[Severity]:
    allowed = frozenset(severity for severity in SEVERITIES if _allows(test, severity))
    return lambda severity: severity in allowed


def _allows(test: SeverityTest, severity: Severity) -> bool:
    return (
        test.is_ in {None, severity}
        and (test.in_ is None or severity in test.in_)
        and severity not in (test.not_ or ())
        and (test.lte is None or gravity(severity) <= gravity(test.lte))
        and (test.gte is None or gravity(severity) >= gravity(test.gte))
    )
