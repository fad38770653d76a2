"""The shape of a rule file. The descriptions here are the reference: docs and the JSON Schema are made from them.

One module for each kind of rule, and those of what several kinds have in common.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal, get_args

from pydantic import Field

from rules.base import Settings
from rules.holidays import Holiday
from rules.model.absence import AbsenceRule, RaisedByAbsence
from rules.model.flatline import FlatlineFire, FlatlineRule, RaisedByFlatline
from rules.model.measure import DISTINCT_COUNTED, AnyMeasure, Distinct, Mean, Share, Sum
from rules.model.mention import MentionRule, RaisedByMention
from rules.model.new_term import NewTerm, NewTermFire, NewTermRule, RaisedByTerm, TermField
from rules.model.parts import (
    SEVERITIES,
    AnyKeyPart,
    Category,
    Id,
    KeyPart,
    Raised,
    Realert,
    Receivers,
    Severity,
    gravity,
    louder,
    loudest,
)
from rules.model.sentiment_drop import SentimentDropRule
from rules.model.source_health import SourceHealthRule
from rules.model.window import Fire, RaisedByWindow, Signal, WindowRule
from rules.wall_clock import Zone

__all__ = [
    "DISTINCT_COUNTED",
    "RULE_KINDS",
    "SEVERITIES",
    "AbsenceRule",
    "AnyKeyPart",
    "AnyMeasure",
    "AnyRule",
    "Category",
    "Defaults",
    "Distinct",
    "Fire",
    "FlatlineFire",
    "FlatlineRule",
    "Id",
    "KeyPart",
    "Mean",
    "MentionRule",
    "NewTerm",
    "NewTermFire",
    "NewTermRule",
    "Raised",
    "RaisedByAbsence",
    "RaisedByFlatline",
    "RaisedByMention",
    "RaisedByTerm",
    "RaisedByWindow",
    "Rule",
    "RuleFile",
    "SentimentDropRule",
    "Severity",
    "Share",
    "Signal",
    "SourceHealthRule",
    "Sum",
    "TermField",
    "WindowRule",
    "gravity",
    "louder",
    "loudest",
]

AnyRule = MentionRule | WindowRule | SentimentDropRule | FlatlineRule | NewTermRule | AbsenceRule | SourceHealthRule
Rule = Annotated[AnyRule, Field(discriminator="kind")]
RULE_KINDS: tuple[str, ...] = tuple(kind for rule in get_args(AnyRule) for kind in get_args(rule.model_fields["kind"].annotation))


class Defaults(Settings):
    """What the rules of this file have where they say nothing themselves."""

    severity: Severity | None = Field(None, description="how loud its rules ring")
    realert: Realert | None = Field(None, description="an alert that stays open is not told again before this")
    notify: Receivers | None = Field(None, description="receivers, people or roles")
    timezone: Zone | None = Field(None, description="of the rules that go by clocks; else that of monitor.yaml")


class RuleFile(Settings):
    """A file of `rules/`."""

    version: Literal[1] = Field(description="of this format")
    defaults: Defaults = Field(default_factory=Defaults, description="for the rules of this file that say nothing themselves")
    lists: dict[Id, str | tuple[str, ...]] = Field(
        default_factory=dict,
        description="lists by name: entries in brackets, or the path of a text file with one entry a line (`#` starts a comment);"
        " ` ~` at an entry's end: not where a negation stands before it",
    )
    rules: tuple[Rule, ...] = Field((), description="the rules")

    def effective(self, timezone: str = "UTC", holidays: Sequence[Holiday] = ()) -> tuple[AnyRule, ...]:
        """The rules with this file's defaults filled in where they are silent; the others where neither says anything."""
        given = {"timezone": timezone, "holidays": tuple(holidays)}
        given |= {name: value for name, value in self.defaults if value is not None}
        return tuple(_filled(rule, given) for rule in self.rules)


def _filled(rule: AnyRule, defaults: dict[str, Any]) -> AnyRule:
    silent = set(type(rule).model_fields) - rule.model_fields_set
    return rule.model_copy(update={name: value for name, value in defaults.items() if name in silent})
