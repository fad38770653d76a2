"""Thresholds that chance alone passes again and again, or that lie below what is usual."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import floor

from rules.chance import improbability, scarcity
from rules.duration import format_duration
from rules.lint.remark import Conditional, Remark, Surroundings, remark
from rules.model import FlatlineRule, Mean, NewTermRule, Share, Sum, WindowRule

_LOW = 3
_EVERYDAY = 1.2  # times the usual, or less: whatever is counted comes and goes by so much from hour to hour
_OFTEN = 0.2  # of all windows
_SURPRISING = 1.0  # what is less of a surprise comes by chance once in ten looks, however much is usual
_BY_CHANCE_ALONE = 1e6  # as size of a negative binomial: it spreads no wider than chance has it, and what people say does
_ROUNDING = 1e-9


def noise(rule: Conditional, amid: Surroundings) -> Iterator[Remark]:
    """What a rule asks for that is no news: it is usual, comes by chance every few windows, or is said by one or two."""
    if isinstance(rule, WindowRule) and not (rule.signals or rule.unless):
        yield from _usual(rule, amid) or _few(rule) or _by_chance(rule)
    elif isinstance(rule, NewTermRule):
        yield from _no_news(rule)
    elif isinstance(rule, FlatlineRule):
        yield from _no_silence(rule)


def _usual(rule: WindowRule, amid: Surroundings) -> Sequence[Remark]:
    """A threshold below what is usual, where a store has learnt that, and nothing is compared with it."""
    if rule.fire.compares or rule.id not in amid.usual:
        return ()
    (key, usual), (name, bar) = amid.usual[rule.id], _bar(rule)
    if bar is None or usual < bar:
        return ()
    of = ", ".join(f"{part} {value}" for part, value in key.items())
    amount = f"{usual:,.0f} are" if name == "at_least" else f"{usual:.2g} is"
    what = f"it rings nearly always: {amount} usual within {format_duration(rule.window)} for {of}."
    other = "" if name == "above" else ", or add `times_expected: 3`"
    return (remark("always-rings", rule, ("fire", name), what, f"Write a higher `{name}`{other}."),)


def _bar(rule: WindowRule) -> tuple[str, float | None]:
    """Which setting says how much of the measure is too much, and how much that is."""
    if isinstance(rule.measure, Share):
        return "share", rule.fire.share
    if isinstance(rule.measure, Mean):
        return "above", rule.fire.above if rule.fire.below is None else None
    return "at_least", rule.fire.at_least


def _few(rule: WindowRule) -> Sequence[Remark]:
    """A floor too low to be told from chance, where nothing is compared with what is usual."""
    few, within, path = rule.fire.at_least, format_duration(rule.window), ("fire", "at_least")
    if few >= _LOW or rule.fire.compares or isinstance(rule.measure, Sum):
        return ()
    if isinstance(rule.measure, Share | Mean):
        figure = "share" if isinstance(rule.measure, Share) else "mean"
        what = f"it rings for {few} within {within}: a {figure} of so few is chance."
        return (remark("low-floor", rule, path, what, "Write a higher floor: 10 is a good start."),)
    what = f"it rings for {few} within {within}, and asks for nothing else."
    fix = "For each single mention there is `kind: mention`; else write a higher floor, or add `times_expected: 3`."
    return (remark("low-floor", rule, path, what, fix),)


def _by_chance(rule: WindowRule) -> Sequence[Remark]:
    """What is compared with the usual and is no more than chance brings. One comparison that means something is enough."""
    fire, found = rule.fire, list[Remark | None]()
    if isinstance(rule.measure, Share | Mean):
        return ()
    if fire.times_expected is not None:
        found.append(_everyday(rule, fire.times_expected) or _so_many(rule, fire.at_least, fire.times_expected))
    if fire.surprise is not None:
        found.append(_no_surprise(rule, fire.surprise, start=2.1))
    return _first(found)


def _no_news(rule: NewTermRule) -> Iterator[Remark]:
    everyday = _everyday(rule, rule.fire.times_expected)
    if everyday:
        yield everyday
    if rule.field == "words" and rule.fire.at_least < _LOW:
        what = f"it rings for every rare word that {rule.fire.at_least} people say within {format_duration(rule.fire.within)}."
        yield remark("low-floor", rule, ("fire", "at_least"), what, "Write a higher floor: 10 is a good start.")


def _no_silence(rule: FlatlineRule) -> Sequence[Remark]:
    fire, found = rule.fire, list[Remark | None]()
    if fire.at_most_expected is not None:
        found.append(_so_few(rule, fire.usually, fire.at_most_expected))
    if fire.surprise is not None:
        found.append(_no_surprise(rule, fire.surprise, start=3))
    return _first(found)


def _first(found: Sequence[Remark | None]) -> Sequence[Remark]:
    """The first of these, if there is something to say of all that is asked."""
    said = [each for each in found if each is not None]
    return said[:1] if len(said) == len(found) else ()


def _everyday(rule: WindowRule | NewTermRule, times: float) -> Remark | None:
    if times > _EVERYDAY:
        return None
    what = f"{times:g} times the usual is what comes and goes from hour to hour."
    return remark("by-chance", rule, ("fire", "times_expected"), what, "Write a larger number: 3 is a good start.")


def _so_many(rule: WindowRule, least: int, times: float) -> Remark | None:
    """Where so many are usual that the floor is just that many times as much, chance passes it most often."""
    if isinstance(rule.measure, Sum):
        return None
    usual = least / times
    often = 10 ** -improbability(least, usual, _BY_CHANCE_ALONE)
    if often < _OFTEN:
        return None
    what = f"where {_usually(usual)}, about one window in {1 / often:.0f} holds {least} or more by chance alone."
    fix = "Write a larger number (3 is a good start), a higher floor, or add `surprise: 2.1`."
    return remark("by-chance", rule, ("fire", "times_expected"), what, fix)


def _so_few(rule: FlatlineRule, usually: float, part: float) -> Remark | None:
    """Where no more are usual than the rule asks for, chance brings so few most often."""
    few = floor(part * usually + _ROUNDING)
    often = 10 ** -scarcity(few, usually, _BY_CHANCE_ALONE)
    if often < _OFTEN:
        return None
    held = f"{few} or fewer" if few else "none"
    what = f"where {_usually(usually)}, about one window in {1 / often:.0f} holds {held} by chance alone."
    fix = "Write a higher `usually`, a smaller part, or add `surprise: 3`."
    return remark("by-chance", rule, ("fire", "at_most_expected"), what, fix)


def _no_surprise(rule: WindowRule | FlatlineRule, surprise: float, *, start: float) -> Remark | None:
    if surprise >= _SURPRISING:
        return None
    what = f"it rings by chance about once in {10**surprise:.0f} windows, however many are usual."
    return remark("by-chance", rule, ("fire", "surprise"), what, f"Write a larger number: {start:g} is a good start.")


def _usually(count: float) -> str:
    return f"{f'{count:,.1f}'.removesuffix('.0')} {'is' if count == 1 else 'are'} usual"
