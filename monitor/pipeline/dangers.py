"""Which rules a silence would also keep quiet by which people hear of dangers: nobody means to sleep through an accident."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from monitor.pipeline.silencing import Silencing
from notifiers.message import AlertFacts
from notifiers.voice import nature
from rules import Rule


def dangers_in(
    matcher: Mapping[str, object], rules: Sequence[Rule], lists: Mapping[str, Sequence[str]], now: datetime
) -> list[str]:
    """The ids of the rules about dangers that may be covered."""
    silencing = Silencing(lists)
    return [each.id for each in rules if _is_danger(each, now) and silencing.may_cover(matcher, each)]


def _is_danger(rule: Rule, now: datetime) -> bool:
    """Whether messages of this rule call it one."""
    titles = ("", *(rule.title or {}).values())
    return rule.exempt or any(_nature(rule, title, now) == "safety" for title in titles)


def _nature(rule: Rule, title: str, now: datetime) -> str:
    return nature(AlertFacts(0, rule.id, rule.kind, rule.category, "first", "info", {}, now, 1.0, None, "mentions", title=title))
