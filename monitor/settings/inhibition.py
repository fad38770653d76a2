"""Inhibition: while one thing rings, another is not told. What a configuration says of it, and what cannot be meant."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from typing import Annotated, Literal, NamedTuple

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from monitor.domain.alert import HEALTH_KINDS, SEVERITIES, Severity
from monitor.settings.kinds import Names, one_or_many
from monitor.settings.problems import Problem, suggest
from monitor.settings.reading import Document, Path_, at
from rules import AlertCondition, AlertSeen, AlertWhere, Rule, RuleError

Equal = Literal["subject", "author", "network", "source", "language"]
# Rules of our own, about ourselves, which stand in no file.
_OURS = {kind.replace("_", "-"): kind for kind in HEALTH_KINDS}


class Inhibition(BaseModel):
    """While an alert of `source` is open, alerts of `target` are not told; those still open afterwards are told once."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    source: AlertWhere = Field(description="conditions on the alert that keeps others quiet, such as `{rule: crisis}`")
    target: AlertWhere = Field(description="conditions on the alerts that are kept quiet, such as `{rule: complaint}`")
    equal: Annotated[tuple[Equal, ...], BeforeValidator(one_or_many, json_schema_input_type=Equal | list[Equal])] = Field(
        ("subject",), description="what both must have in common, and know: subject, author, network, source, language"
    )
    for_: Names = Field(
        (), alias="for", description="who is not told: receivers, people or roles; the others are. None: nobody is told"
    )


class Ring(NamedTuple):
    """An alert as far as its rule alone tells what it will be."""

    rule: str
    kind: str
    category: str
    severity: Severity
    key: Mapping[str, str] = {}
    labels: Mapping[str, str] = {}


@dataclass(frozen=True)
class Compiled:
    """An inhibition, ready to look at alerts."""

    said: Inhibition
    source: AlertCondition
    target: AlertCondition

    @classmethod
    def of(cls, said: Inhibition, lists: Mapping[str, Sequence[str]]) -> Compiled:
        """Raises `RuleError`."""
        source, target = (
            AlertCondition(where, lists, path=path) for path, where in (("source", said.source), ("target", said.target))
        )
        return cls(said, source, target)


def possible(condition: AlertCondition, rules: Sequence[Rule]) -> set[tuple[str, Severity]]:
    """The rules, each with its severities, whose alerts may meet a condition."""
    return {(ring.rule, ring.severity) for ring in _rings(rules) if condition.holds(AlertSeen.of(ring)) is not False}


def impossible(
    document: Document, said: Sequence[Inhibition], rules: Sequence[Rule], lists: Mapping[str, Sequence[str]]
) -> list[Problem]:
    """Inhibitions that inhibit themselves or one another, that no alert ever meets, or that cannot be understood."""
    compiled: list[Compiled] = []
    for place, each in enumerate(said):
        try:
            compiled.append(Compiled.of(each, lists))
        except RuleError as error:
            first = error.problems[0]
            return [document.problem(_path(document, place), f"{first}.")]
    sources = [possible(each.source, rules) for each in compiled]
    targets = [possible(each.target, rules) for each in compiled]
    return [*_unmet(document, said, rules, sources, targets), *_circles(document, sources, targets)]


_Rings = set[tuple[str, Severity]]


def _unmet(
    document: Document, said: Sequence[Inhibition], rules: Sequence[Rule], sources: Sequence[_Rings], targets: Sequence[_Rings]
) -> Iterator[Problem]:
    known = [*(rule.id for rule in rules), *_OURS]
    for place, each in enumerate(said):
        for part, where, found in (("source", each.source, sources[place]), ("target", each.target, targets[place])):
            if not found:
                named = where.rule.is_ if where.rule and where.rule.is_ else None
                unknown = named is not None and named not in known
                what = f"there is no rule called `{named}`." if unknown else "no alert of any rule is ever like this."
                fix = suggest(named, known) if named is not None and unknown else "Look at the rules' ids and severities."
                yield document.problem((*_path(document, place), part, *(("rule",) if unknown else ())), what, fix)


def _circles(document: Document, sources: Sequence[_Rings], targets: Sequence[_Rings]) -> Iterator[Problem]:
    """An alert that is kept quiet must be kept so by one that is told in the end."""
    quietens = {place: [other for other, them in enumerate(sources) if them & theirs] for place, theirs in enumerate(targets)}
    for place, theirs in enumerate(targets):
        both = sorted({rule for rule, _ in theirs & sources[place]})
        if both:
            what = f"an alert of `{both[0]}` would keep quiet others that would do the same to it."
            yield document.problem(_path(document, place), what, "Name different rules or severities in `source` and `target`.")
            return
    try:
        TopologicalSorter(quietens).prepare()
    except CycleError as error:
        *_, first, second = sorted(set(error.args[1]), reverse=True)
        there = f"line {document.line(_path(document, first))}"
        what = f"this inhibition and that of {there} keep each other's sources quiet: nothing would be told."
        yield document.problem(_path(document, second), what, "Remove one of them.")


def _path(document: Document, place: int) -> Path_:
    """Where the entry of this number stands; a single one may stand without a list."""
    entries: Path_ = ("routing", "inhibit")
    return (*entries, place) if isinstance(at(document.data, entries), list) else entries


def _rings(rules: Sequence[Rule]) -> Iterator[Ring]:
    for rule in rules:
        for severity in rule.severities:
            yield Ring(rule.id, rule.kind, rule.category, severity)
        if rule.kind == "mention":
            yield Ring(rule.id, rule.kind, rule.category, "info")  # what is old is told gently
    for name, kind in _OURS.items():
        for severity in SEVERITIES:
            yield Ring(name, kind, "health", severity)
