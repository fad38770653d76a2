"""The kind `source_health`: it says how a source that fell silent is told, and looks at no mention."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from rules.condition import Condition, Seen
from rules.finding import Finding, Verdict
from rules.logic import Test
from rules.model import SourceHealthRule
from rules.state import States
from rules.words import WordList


class CompiledSourceHealth:
    """A rule about sources, among those about mentions: it lets none of these through."""

    def __init__(self, rule: SourceHealthRule) -> None:
        self.rule = rule
        self.where = Condition("a rule about sources looks at no mention", lambda _: False)
        self.admits: Test[Collection[str]] | None = lambda _: False
        self.needs: frozenset[WordList] | None = None

    def observe(self, seen: Seen, states: States) -> Iterable[Finding]:  # noqa: ARG002 as of every kind
        """Nothing: sources are looked at by the clock."""
        return ()

    def explain(self, seen: Seen) -> list[Verdict]:
        """That it looks at no mention."""
        return list(self.where.explain(seen))
