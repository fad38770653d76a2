"""What can never hold: a rule, a part of `any`, a signal."""

from __future__ import annotations

from collections.abc import Iterator

from rules.contradiction import Path, Possibilities, Wanted
from rules.lint.remark import Conditional, Remark, Surroundings, blocks, conditions, place, remark, waits_for_a_list, why
from rules.model import Distinct, Share, Signal, WindowRule
from rules.where import Where


def never_rings(rule: Conditional, amid: Surroundings, possible: Possibilities) -> Iterator[Remark]:
    """Why no mention, or no number of them, can make it ring."""
    clash = possible.clash(*conditions(rule))
    if clash is not None and waits_for_a_list(clash, amid):
        return
    if clash is not None:
        what = f"no mention ever matches: {why(clash, amid)}."
        yield remark("never-rings", rule, place(clash), what, "Change one of the conditions, or remove the rule.")
    elif "subject" in rule.key and amid.names.get("subjects") and not possible.subjects(rule.where):
        what = "no mention ever rings it: its key is made of the subject, and the conditions let no single subject through."
        yield remark("never-rings", rule, ("where",), what, "Ask for one subject, or write another `key`.")
    elif isinstance(rule, WindowRule) and _counts_one(rule, rule) and rule.fire.at_least > 1:
        what = f"at most 1 author is ever counted, for each has a window of their own, and it rings from {rule.fire.at_least}."
        yield remark("never-rings", rule, ("key",), what, "Take `author` out of `key`, or write `measure: count`.")


def _counts_one(rule: WindowRule, counted: WindowRule | Signal) -> bool:
    return isinstance(counted.measure, Distinct) and counted.measure.distinct == "author" and "author" in rule.key


def dead_signals(rule: WindowRule, amid: Surroundings, possible: Possibilities) -> Iterator[Remark]:
    """Signals that can never hold: the rule may ring by the others alone, if it needs no more than these."""
    signals = rule.signals.of if rule.signals else ()
    dead = [found for at, each in enumerate(signals) if (found := _why_dead(rule, each, at, amid, possible)) is not None]
    hopeless = rule.signals is not None and len(signals) - len(dead) < rule.signals.need
    for path, reason in dead:
        if hopeless:
            yield remark("never-rings", rule, path, f"a signal that it needs never holds: {reason}.", "Change it, or need fewer.")
        else:
            yield remark("dead-signal", rule, path, f"this signal never holds: {reason}.", "Change it, or remove it.")


def _why_dead(rule: WindowRule, signal: Signal, at: int, amid: Surroundings, possible: Possibilities) -> tuple[Path, str] | None:
    """Where and why a signal never holds; None if it may."""
    here: Path = ("signals", "of", at)
    wanted = [Wanted(signal.where, path=(*here, "where"))]
    if signal.new_term is not None:
        wanted.append(Wanted(rule.where))  # whom the rule does not count carries nothing
    if isinstance(signal.measure, Share):
        wanted.append(Wanted(signal.measure.share, path=(*here, "measure", "share")))
    clash = possible.clash(*wanted)
    if clash is not None and not waits_for_a_list(clash, amid):
        return (*here, "where"), why(clash, amid)
    if _counts_one(rule, signal) and signal.at_least > 1:
        return (*here, "at_least"), "at most 1 author is ever counted, for each has a window of their own"
    return None


def dead_alternatives(rule: Conditional, amid: Surroundings, possible: Possibilities) -> Iterator[Remark]:
    """Parts of `any` that can never hold: the rule rings by the others."""
    for wanted in conditions(rule):
        for path, block in _alternatives(wanted.where, wanted.path):
            clash = possible.clash(Wanted(block, path=path))
            if clash is not None:
                what = f"this alternative never holds: {why(clash, amid)}."
                yield remark("dead-alternative", rule, path, what, "Change one of its conditions, or remove it.")


def _alternatives(where: Where, path: Path) -> Iterator[tuple[Path, Where]]:
    """Every block of every `any`, with its path."""
    return ((here, block) for here, block in blocks(where, path) if here[-2:-1] == ("any",))
