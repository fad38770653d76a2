"""One module per kind of rule: each a pure function from what was seen to a finding with its reasons."""

from collections.abc import Callable, Sequence
from typing import Any

from rules.campaign import Campaign
from rules.kinds.absence import CompiledAbsence
from rules.kinds.flatline import CompiledFlatline
from rules.kinds.kind import Kind
from rules.kinds.mention import CompiledMention
from rules.kinds.new_term import CompiledNewTerm
from rules.kinds.source_health import CompiledSourceHealth
from rules.kinds.window import CompiledWindow
from rules.matching import Compiler
from rules.model import AnyRule

__all__ = ["REMEMBERING", "compiled"]

REMEMBERING = ("window", "sentiment_drop", "flatline", "new_term", "absence")
"""The kinds whose alert is over when what the rule remembers says so."""

_MADE: dict[str, Callable[[Any, Compiler, Sequence[Campaign]], Kind]] = {
    "mention": lambda rule, compiler, _: CompiledMention(rule, compiler),
    "window": CompiledWindow,
    "sentiment_drop": lambda rule, compiler, _: CompiledWindow(rule.as_window(), compiler, kind=rule.kind),
    "flatline": lambda rule, compiler, _: CompiledFlatline(rule, compiler),
    "new_term": lambda rule, compiler, _: CompiledNewTerm(rule, compiler),
    "absence": lambda rule, compiler, _: CompiledAbsence(rule, compiler),
    "source_health": lambda rule, *_: CompiledSourceHealth(rule),
}


def compiled(rule: AnyRule, compiler: Compiler, campaigns: Sequence[Campaign]) -> Kind:
    """A rule, ready to look at mentions. What cannot be compiled is among the compiler's problems."""
    return _MADE[rule.kind](rule, compiler, campaigns)
