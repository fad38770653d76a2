"""The numbers of a rule that say from where on it rings: found, and set to another value."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

from rules.model import MentionRule, Rule, WindowRule
from rules.where import NumberTest, Where

OF_WINDOWS = ("at_least", "times_expected", "surprise", "share", "drop")
"""The settings of a window's `fire` that can be moved: the larger, the less often it rings."""

_FIRE = "fire"
_STEPS = {
    "at_least": 1.0,
    "share": 0.01,
    "drop": 0.01,
    "complaint": 0.01,
    "safety_risk": 0.01,
    "sentiment": 0.01,
    "confidence": 0.01,
}
_WHOLE = {"copies", "author.reach", "author.prior_mentions", "engagement.replies", "engagement.shares", "engagement.likes"}
_STEP = 0.1
_Node = TypeVar("_Node")


@dataclass(frozen=True, slots=True)
class Threshold:
    """One number of a rule. `path` leads to it through the rule's model; `rising`: the larger it is, the less often it rings.

    `field` is what of a mention it is compared with, as `where` names it; None for a threshold of `fire`.
    """

    path: tuple[str | int, ...]
    value: float
    rising: bool = True
    field: str | None = None

    @property
    def name(self) -> str:
        """As people write it: `fire.at_least`, `complaint.gte`."""
        return f"{self.field or _FIRE}.{self.path[-1]}"

    @property
    def step(self) -> float:
        """How finely it is worth setting."""
        if self.field in _WHOLE:
            return 1.0
        return _STEPS.get(self.field or str(self.path[-1]), _STEP)

    def strength(self, value: float) -> float:
        """A value of what is compared, so that more of it rings sooner."""
        return value if self.rising else -value


def has_thresholds(rule: Rule) -> bool:
    """Whether thresholds are known of its kind: of the others nobody looks for any yet."""
    return isinstance(rule, WindowRule | MentionRule)


def thresholds(rule: Rule) -> list[Threshold]:
    """The thresholds of a rule, each of which can be moved while the others stay.

    Those of `fire` of a window; of a mention rule, the single number that its `where` compares with. Several would be several
    questions: of such a rule there is none, nor of the other kinds.
    """
    if isinstance(rule, WindowRule):
        found = [(name, getattr(rule.fire, name)) for name in OF_WINDOWS]
        return [Threshold((_FIRE, name), float(value)) for name, value in found if value is not None]
    compared = list(_compared(rule.where, ("where",))) if isinstance(rule, MentionRule) else []
    return compared if len(compared) == 1 else []


def with_value(rule: Rule, threshold: Threshold, value: float) -> Rule:
    """The same rule with another value of one threshold."""
    return _replaced(rule, threshold.path, int(value) if threshold.path == (_FIRE, "at_least") else value)


def _compared(where: Where, path: tuple[str | int, ...]) -> Iterator[Threshold]:
    for name in Where.model_fields:
        inner = getattr(where, name)
        if isinstance(inner, NumberTest):
            yield from _of_test(inner, (*path, name), Where.model_fields[name].alias or name)
        elif isinstance(inner, Where) and name != "not_":  # what may not be so has its numbers turned round
            yield from _compared(inner, (*path, name))
        elif isinstance(inner, tuple):
            for place, block in enumerate(inner):
                yield from _compared(block, (*path, name, place))


def _of_test(test: NumberTest, path: tuple[str | int, ...], field: str) -> Iterator[Threshold]:
    for operator in ("gte", "gt", "lte", "lt"):
        value = getattr(test, operator)
        if value is not None:
            yield Threshold((*path, operator), value, rising=operator.startswith("g"), field=field)


def _replaced(node: _Node, path: tuple[str | int, ...], value: float) -> _Node:
    """The same tree of models and tuples with one leaf replaced. What is put in is not validated: it may be infinite."""
    made: Any = value
    if path:
        here, rest = path[0], path[1:]
        tree: Any = node
        if isinstance(here, int):
            made = (*tree[:here], _replaced(tree[here], rest, value), *tree[here + 1 :])
        else:
            made = tree.model_copy(update={here: _replaced(getattr(tree, here), rest, value)})
    same: _Node = made
    return same
