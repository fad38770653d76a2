"""The kind `mention`: every mention that matches rings."""

from __future__ import annotations

import re
from collections.abc import Iterable

from rules.condition import Condition, Seen
from rules.finding import Finding, Verdict
from rules.kinds.keys import Keys, labels
from rules.matching import Compiler
from rules.model import MentionRule, loudest
from rules.state import States

_QUOTE = re.compile("“.*”", re.DOTALL)


class CompiledMention:
    """A mention rule, ready to look at mentions. It remembers nothing."""

    def __init__(self, rule: MentionRule, compiler: Compiler) -> None:
        self.rule = rule
        self.where: Condition = compiler.compile(rule.where, rule.id)
        self.admits = compiler.admits(rule.where)
        self.needs = compiler.needs(rule.where)
        self._keys = Keys(rule.key, self.admits)
        self._louder = [
            (compiler.compile(each.where, rule.id, f"raise[{at}].where"), each.severity) for at, each in enumerate(rule.raise_)
        ]

    def observe(self, seen: Seen, states: States) -> Iterable[Finding]:  # noqa: ARG002 as of every kind
        """A finding for each key of the mention, if it matches."""
        if self.where.holds(seen) is not True:
            return ()
        return [self._finding(seen, key) for key in self._keys.of(seen.mention)]

    def explain(self, seen: Seen) -> list[Verdict]:
        """How each condition fared."""
        louder = (verdict for condition, _ in self._louder for verdict in condition.explain(seen))
        return [*self.where.explain(seen), *louder]

    def _finding(self, seen: Seen, key: dict[str, str]) -> Finding:
        mention, rule = seen.mention, self.rule
        louder = [(condition, severity) for condition, severity in self._louder if condition.holds(seen) is True]
        reasons = [*self.where.reasons(seen), *(reason for condition, _ in louder for reason in condition.reasons(seen))]
        about = self._keys.subjects(mention)
        return Finding(
            rule=rule.id,
            kind=rule.kind,
            key=key,
            labels={**labels(mention), **key},
            subject=key.get("subject") or next(iter(about), None),
            at=mention.written_at,
            severity=loudest([rule.severity, *(severity for _, severity in louder)]),
            category=rule.category,
            observed=1,
            expected=None,
            measure="mentions",
            window=None,
            learning=False,
            reasons=tuple(dict.fromkeys(map(_unquoted, reasons) if mention.sensitive else reasons)),
            evidence=(mention.id,),
            plan=rule.plan,
            notify=rule.notify,
        )


def _unquoted(reason: str) -> str:
    """Of a sensitive mention not even the words that rang are repeated: reasons travel by e-mail, and are kept longer."""
    return _QUOTE.sub("“…”", reason)
