"""Looks for rules that load and cannot be meant so: what never rings, rings always, or says nothing that another does not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from rules.contradiction import Possibilities
from rules.lint.dead import dead_alternatives, dead_signals, never_rings
from rules.lint.doubled import doubled
from rules.lint.louder import pointless_raises
from rules.lint.noise import noise
from rules.lint.remark import Comparable, Conditional, Remark, Surroundings, blocks, conditions, remark, why
from rules.lint.timing import timing
from rules.model import AnyRule, SourceHealthRule, WindowRule

__all__ = ["CODES", "Remark", "Surroundings", "blocks", "lint", "why"]

CODES: Mapping[str, str] = {
    "never-rings": "no mention can ever match, or no window can ever hold so many",
    "dead-alternative": "a part of `any` can never hold: the rule rings without it",
    "dead-signal": "a signal that can never hold: the rule rings without it",
    "never-louder": "a `raise` that can never apply, or says no more than the rule's own severity",
    "always-louder": "a `raise` that applies whenever the rule rings",
    "always-rings": "a threshold at or below what is usual: the alert never ends",
    "low-floor": "one or two are enough for a window, its share or its mean, or for a new word, and nothing else is asked",
    "by-chance": "chance passes it every few windows: `times_expected` or `surprise` too low, or `at_most_expected` too high",
    "adds-nothing": "another rule rings whenever this one does, no quieter, and tells the same people",
    "unheard": "nobody is behind the names in `notify`",
    "rings-again": "`realert` is shorter than the window: the same mentions are told again and again",
    "outlasts-window": "`for` is longer than the window: what is over sooner never rings",
    "flaps": "`keep_firing_for` is shorter than the time between two looks at a source: the alert ends and rings again",
    "told-late": "`within`, or the window of a flatline, is shorter than the time between two looks at a source",
    "forgets": "`min_history` is so long that what was learnt first is forgotten when it is first asked",
    "no-effect": "a setting that nothing asks for",
    "bad-language": "a language that is no code such as fr or en",
}
"""What is looked for in rules, by the stable name of each finding."""

_CODE_LETTERS = (2, 3)


def lint(rules: Sequence[AnyRule], amid: Surroundings) -> list[Remark]:
    """Everything that is remarkable, in the order of the rules. The rules must compile."""
    possible = Possibilities(amid.lists, amid.names)
    found = [each for rule in rules for each in _of_one(rule, amid, possible)]
    dead = {each.rule for each in found if each.code == "never-rings"}
    found += doubled([rule for rule in rules if isinstance(rule, Comparable) and rule.id not in dead], possible)
    places = {rule.id: at for at, rule in enumerate(rules)}
    return sorted(found, key=lambda each: places[each.rule])


def _of_one(rule: AnyRule, amid: Surroundings, possible: Possibilities) -> Iterator[Remark]:
    yield from _unheard(rule, amid)
    if isinstance(rule, SourceHealthRule):
        return
    dead = list(never_rings(rule, amid, possible))
    yield from dead
    if not dead:
        yield from dead_alternatives(rule, amid, possible)
        yield from pointless_raises(rule, amid, possible)
    yield from _bad_languages(rule)
    if isinstance(rule, WindowRule) and not dead:
        yield from dead_signals(rule, amid, possible)
    yield from noise(rule, amid)
    yield from timing(rule, amid)


def _bad_languages(rule: Conditional) -> Iterator[Remark]:
    """What looks like a name of a language, and is none of the codes in which languages are known."""
    for wanted in conditions(rule):
        for path, where in [(wanted.path, wanted.where), *blocks(wanted.where, wanted.path)]:
            test = where.language
            for name in (*((test.is_,) if test.is_ else ()), *(test.in_ or ()), *(test.not_ or ())) if test else ():
                if len(name) not in _CODE_LETTERS or not name.isalpha():
                    what = f"no mention is ever in the language `{name}`: languages are codes such as `fr`, `en` or `und`."
                    yield remark("bad-language", rule, (*path, "language"), what, "Write its code (ISO 639-1).")


def _unheard(rule: AnyRule, amid: Surroundings) -> Iterator[Remark]:
    names = rule.notify or (("ops",) if isinstance(rule, SourceHealthRule) else ("default",))
    if all(name in amid.unheard for name in names):
        what = f"nobody is told: there is no receiver behind {', '.join(f'`{name}`' for name in names)}."
        yield remark("unheard", rule, ("notify",), what, "Name a receiver, a person or a role that somebody has.")
