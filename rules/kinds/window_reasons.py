"""The sentences in which a window says what it has seen and what its rule asks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rules.duration import format_duration
from rules.kinds.asked import Asked
from rules.kinds.figures import amount, measured, odds
from rules.model import WindowRule
from rules.state import WindowState
from rules.surprise import BUCKETS, RING
from rules.tally import MeanOf, ShareOf, SumOf

_COPIES = 3  # of one text from which they are news, if they are one mention in ten


def reasons(rule: WindowRule, asked: Asked, state: WindowState, signals: Iterable[str], *, held_back: bool) -> Iterator[str]:
    """What was seen against what is usual, what those signals have seen that hold, and what the rule asks."""
    yield shown(rule, asked, state)
    surprise = None if asked.learns(state) else asked.surprise(state)
    if surprise is not None:
        yield odds(surprise, rule.window / BUCKETS * RING)
    yield from _copied(state)
    if asked.learns(state):
        yield f"what is usual is still being learnt (needs {format_duration(rule.baseline.min_history)})"
    if asked.is_silent(state):
        yield "does not ring before that is known"
    held = list(signals)
    yield from held
    if rule.signals and len(held) < rule.signals.need:
        yield f"{len(held)} of {len(rule.signals.of)} signals hold, and {rule.signals.need} must"
    if held_back:
        yield "held back by `unless`"
    yield _asks(rule, asked)
    yield from asked.why()


def shown(rule: WindowRule, asked: Asked, state: WindowState) -> str:
    """What the window shows, against what is usual."""
    measure = measured(rule.measure)
    usual = "" if asked.learns(state) else f", usually {amount(state.expected or 0, measure)}"
    return f"{_figure(state, measure)} within {format_duration(rule.window)}{usual}"


def unscored(state: WindowState) -> int:
    """How many nobody could judge for lack of a score."""
    return state.tally.untold if isinstance(state.tally, ShareOf | MeanOf | SumOf) else state.beside.unscored.floor


def _figure(state: WindowState, measure: str) -> str:
    """What was counted or measured; a share or a mean says of how many, and each measure how many could not be told."""
    tally, untold = state.tally, unscored(state)
    not_scored = f" ({untold:,} not scored)" if untold else ""
    if isinstance(tally, MeanOf):
        return f"a {measure} of {amount(tally.value or 0, measure)} in {tally.floor:,} scored mentions{not_scored}"
    if isinstance(tally, SumOf):
        return f"a {measure} of {amount(tally.value, measure)}"
    if isinstance(tally, ShareOf):
        of = f"{tally.value or 0:.0%} of {tally.judged:,}"
        return f"{of} scored mentions{not_scored}" if untold else f"{of} mentions"
    said = amount(tally.value or 0, measure)
    return f"{said} ({untold:,} more could not be scored)" if untold else said


def _copied(state: WindowState) -> Iterator[str]:
    """That a crowd says one text: a campaign of copies is not so many people who found their own words."""
    most, mentions = state.beside.copied.most, state.beside.mentions.floor
    if most >= _COPIES and most * 10 >= mentions:
        yield f"{most:,} of {mentions:,} mentions are copies of one text"


def _asks(rule: WindowRule, asked: Asked) -> str:
    """From what on it rings."""
    fire = rule.fire
    floor = f"rings from {_floor(asked.floor(fire.at_least), measured(rule.measure))}"
    share = f", {fire.share:.0%} of the mentions" if fire.share else ""
    times = f", {asked.ratio(fire.times_expected):g} times the usual" if fire.times_expected else ""
    surprise = f", a surprise of {fire.surprise:g}" if fire.surprise else ""
    means = {"a mean of at least": fire.above, "a mean of at most": fire.below, "a mean lower than usual by": fire.drop}
    return floor + share + times + surprise + "".join(f", {what} {n:g}" for what, n in means.items() if n is not None)


def _floor(at_least: int, measure: str) -> str:
    """What `at_least` counts: of a sum it is the sum itself."""
    if measure.startswith("sum "):
        return f"a {measure} of {at_least:,}"
    return f"{at_least} {'mentions' if measure == 'share' or measure.startswith('mean ') else measure}"
