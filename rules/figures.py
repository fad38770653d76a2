"""The figures of a crisis, and conditions on them: they grade an incident, open and close gates of a plan."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Self

from pydantic import AfterValidator, ConfigDict, Field, model_validator

from rules.base import some
from rules.logic import Test, every, negation
from rules.logic import some as any_of
from rules.matching import asked_in_words, value_test
from rules.where import Asking, Flag, FlagTest, Number, NumberTest

_AtLeastOne = Field(json_schema_extra={"minItems": 1})


@dataclass(frozen=True, slots=True)
class Figures:
    """How an incident stands: what was said of its subject in the last while, and what rings. None: nobody can tell.

    `mentions`, `authors` and `reach` are of all posts about its subject within the plan's `window`, `negative_share` is among
    the `scored` ones (0 to 1). `times_expected` is the highest of its alerts' observed over expected.
    """

    firing: bool | None = None
    level: int | None = None
    mentions: int | None = None
    authors: int | None = None
    scored: int | None = None
    negative_share: float | None = None
    times_expected: float | None = None
    reach: int | None = None
    safety_risk: bool | None = None


class FiguresWhere(Asking):
    """Conditions on the figures of a crisis; all must hold. What is unknown never matches, not even under `not`."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1})

    firing: Flag | None = Field(None, description="an alert of the incident rings still")
    level: Number | None = Field(None, description="the level that the run has reached")
    mentions: Number | None = Field(None, description="how many posts spoke of the subject")
    authors: Number | None = Field(None, description="how many different people did")
    scored: Number | None = Field(None, description="how many posts have a sentiment: the denominator of `negative_share`")
    negative_share: Number | None = Field(None, description="which share of those is negative, 0 to 1")
    times_expected: Number | None = Field(None, description="how many times the usual the loudest alert of the incident counts")
    reach: Number | None = Field(None, description="followers of the author with the most")
    safety_risk: Flag | None = Field(None, description="a post may tell of somebody who is hurt, or may be")
    any_: Annotated[tuple[FiguresWhere, ...], AfterValidator(some), _AtLeastOne] | None = Field(
        None, alias="any", description="at least one of these holds"
    )
    all_: Annotated[tuple[FiguresWhere, ...], AfterValidator(some), _AtLeastOne] | None = Field(
        None, alias="all", description="every one of these holds"
    )
    not_: FiguresWhere | None = Field(None, alias="not", description="this does not hold; the unknown stays unknown")

    @model_validator(mode="after")
    def _asks_something(self) -> Self:
        if not self.model_fields_set:
            raise ValueError("an empty condition asks nothing, and would always hold: write a figure, or remove the line")
        return self

    def holds(self, figures: Figures) -> bool | None:
        """True, False, or None: nobody can tell."""
        return _compiled(self)(figures)

    def said(self, figures: Figures) -> Mapping[str, object]:
        """The figures that it asks for, with their values: what a level rose for."""
        return {name: getattr(figures, name) for name in dict.fromkeys(_asked(self))}


def _tests(where: FiguresWhere) -> Iterator[tuple[str, NumberTest | FlagTest]]:
    for name in FiguresWhere.model_fields:
        test = getattr(where, name)
        if isinstance(test, NumberTest | FlagTest):
            yield name, test


def _blocks(where: FiguresWhere) -> Iterator[FiguresWhere]:
    yield from (*(where.any_ or ()), *(where.all_ or ()), *((where.not_,) if where.not_ is not None else ()))


def _compiled(where: FiguresWhere) -> Test[Figures]:
    tests = [_of(name, test) for name, test in _tests(where)]
    if where.any_ is not None:
        tests.append(any_of([_compiled(block) for block in where.any_]))
    if where.all_ is not None:
        tests.extend(_compiled(block) for block in where.all_)
    if where.not_ is not None:
        tests.append(negation(_compiled(where.not_)))
    return every(tests)


def _of(name: str, test: NumberTest | FlagTest) -> Test[Figures]:
    decide = value_test(test)
    return lambda figures: decide(getattr(figures, name))


def _asked(where: FiguresWhere) -> Iterator[str]:
    yield from (name for name, _ in _tests(where))
    for block in _blocks(where):
        yield from _asked(block)


def in_words(where: FiguresWhere) -> str:
    """What is asked, as people write it: `negative_share gte 0.4, scored gte 30`; blocks in brackets."""
    said = [f"{name} {asked_in_words(test)}" for name, test in _tests(where)]
    if where.any_ is not None:
        said.append("(" + " or ".join(in_words(block) for block in where.any_) + ")")
    said += [in_words(block) for block in where.all_ or ()]
    if where.not_ is not None:
        said.append(f"not ({in_words(where.not_)})")
    return ", ".join(said)
