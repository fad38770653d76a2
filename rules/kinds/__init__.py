"""One module per kind of rule: each a pure function from what was seen to a finding with its reasons."""

from collections.abc import Sequence

from rules.campaign import Campaign
from rules.kinds.flatline import CompiledFlatline
from rules.kinds.kind import Kind
from rules.kinds.mention import CompiledMention
from rules.kinds.window import CompiledWindow
from rules.matching import Compiler
from rules.model import AnyRule, FlatlineRule, MentionRule, SentimentDropRule, WindowRule

__all__ = ["REMEMBERING", "compiled"]

REMEMBERING = ("window", "sentiment_drop", "flatline")
"""The kinds whose alert is over when what the rule remembers says so."""


def compiled(rule: AnyRule, compiler: Compiler, campaigns: Sequence[Campaign]) -> Kind:
    """A rule, ready to look at mentions. What cannot be compiled is among the compiler's problems."""
    match rule:
        case MentionRule():
            return CompiledMention(rule, compiler)
        case WindowRule():
            return CompiledWindow(rule, compiler, campaigns)
        case FlatlineRule():
            return CompiledFlatline(rule, compiler)
    if isinstance(rule, SentimentDropRule):
        return CompiledWindow(rule.as_window(), compiler, kind=rule.kind)
    if isinstance(rule, FlatlineRule):
        return CompiledFlatline(rule, compiler)
    return CompiledMention(rule, compiler) if isinstance(rule, MentionRule) else CompiledWindow(rule, compiler)
