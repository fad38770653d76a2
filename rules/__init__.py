"""The rule language: what is worth telling somebody. Pure: no input, no output, no clock of its own."""

from rules.model import MentionRule, Rule, RuleFile, WindowRule

__all__ = ["MentionRule", "Rule", "RuleFile", "WindowRule"]
