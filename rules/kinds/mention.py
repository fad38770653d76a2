"""The kind `mention`: every mention that matches rings."""

from __future__ import annotations

import re
from collections.abc import Iterable

from rules.condition import Condition, Seen
from rules.finding import Finding, Verdict
from rules.kinds.keys import Keys, labels
from rules.matching import Compiler
from rules.model import MentionRule

_QUOTE = re.compile("“.*”", re.DOTALL)


class CompiledMention:
    """A mention rule, ready to look at mentions. It remembers nothing."""

    def __init__(self, rule: MentionRule, compiler: Compiler) -> None:
        self.rule = rule
        self.where: Condition = compiler.compile(rule.where, rule.id)
        self.admits = compiler.admits(rule.where)
        self._keys = Keys(rule.key, self.admits)

    def observe(self, seen: Seen) -> Iterable[Finding]:
        """A finding for each key of the mention, if it matches."""
        if self.where.holds(seen) is not True:
            return ()
        return [self._finding(seen, key) for key in self._keys.of(seen.mention)]

    def explain(self, seen: Seen) -> list[Verdict]:
        """How each condition fared."""
        return list(self.where.explain(seen))

    def _finding(self, seen: Seen, key: dict[str, str]) -> Finding:
        mention, rule, reasons = seen.mention, self.rule, self.where.reasons(seen)
        about = self._keys.subjects(mention)
        return Finding(
            rule=rule.id,
            kind=rule.kind,
            key=key,
            labels={**labels(mention), **key},
            subject=key.get("subject") or next(iter(about), None),
            at=mention.written_at,
            severity=rule.severity,
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
