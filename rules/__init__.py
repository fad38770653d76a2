"""The rule language: what is worth telling somebody. Pure: no input, no output, no clock of its own."""

from rules.alert_condition import AlertCondition, AlertSeen
from rules.alert_where import AlertWhere
from rules.campaign import Campaign
from rules.cases import RuleTest, RuleTestFile
from rules.engine import Engine, RuleError
from rules.finding import Calm, Finding, Reading, Verdict
from rules.kinds import REMEMBERING
from rules.matching import Problem
from rules.model import (
    AbsenceRule,
    AnyRule,
    FlatlineRule,
    MentionRule,
    NewTermRule,
    Rule,
    RuleFile,
    SentimentDropRule,
    SourceHealthRule,
    WindowRule,
)
from rules.state import States

__all__ = [
    "REMEMBERING",
    "AbsenceRule",
    "AlertCondition",
    "AlertSeen",
    "AlertWhere",
    "AnyRule",
    "Calm",
    "Campaign",
    "Engine",
    "Finding",
    "FlatlineRule",
    "MentionRule",
    "NewTermRule",
    "Problem",
    "Reading",
    "Rule",
    "RuleError",
    "RuleFile",
    "RuleTest",
    "RuleTestFile",
    "SentimentDropRule",
    "SourceHealthRule",
    "States",
    "Verdict",
    "WindowRule",
]
