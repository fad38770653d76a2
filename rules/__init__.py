"""The rule language: what is worth telling somebody. Pure: no input, no output, no clock of its own."""

from rules.alert_condition import AlertCondition, AlertSeen
from rules.alert_where import AlertWhere
from rules.campaign import Campaign
from rules.cases import RuleTest, RuleTestFile
from rules.engine import Engine, RuleError
from rules.finding import Calm, Finding, Verdict
from rules.kinds import REMEMBERING
from rules.matching import Problem
from rules.model import AnyRule, FlatlineRule, MentionRule, Rule, RuleFile, SentimentDropRule, WindowRule
from rules.state import States

__all__ = [
    "REMEMBERING",
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
    "Problem",
    "Rule",
    "RuleError",
    "RuleFile",
    "RuleTest",
    "RuleTestFile",
    "SentimentDropRule",
    "States",
    "Verdict",
    "WindowRule",
]
