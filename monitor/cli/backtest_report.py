"""What `tocsin backtest` says: for people in eighty columns, and for scripts."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from monitor.cli.context import about, local, out, plural, row, said, say, table

if TYPE_CHECKING:
    from monitor.backtest import Backtest, PastAlert, Span, Suggestion
    from monitor.settings import Settings
    from rules import Rule

SHOWN = 20  # alerts of one rule
_EXPLAINED = 10  # alerts of one rule
_WIDTH = 80
_SELDOM = 0.1  # alerts a week


def show(found: Backtest, settings: Settings, *, everything: bool) -> None:
    """All that rang, rule by rule, and in sum."""
    for rule in found.rules:
        alerts = found.judged.of(rule.id)
        if alerts:
            say((rule.id, "bold"), f": {plural(len(alerts), 'alert')}")
            _list(alerts if everything else alerts[:SHOWN], found, settings, everything=everything)
            if len(alerts) > SHOWN and not everything:
                say(f"… and {len(alerts) - SHOWN} more; --all lists them.", style="dim")
            say("")
    _summary(found, settings)
    _facts_of(found, settings)


def _list(alerts: Sequence[PastAlert], found: Backtest, settings: Settings, *, everything: bool) -> None:
    rows = table("rang at", "about", "severity", "seen", "usual", "lasted", "told")
    for each in alerts:
        row(
            rows,
            local(each.at, settings),
            about(each.labels, each.key, settings, found.judged.authors),
            each.severity,
            _amount(each.observed, each.measure),
            "–" if each.expected is None else _amount(each.expected, each.measure),
            _lasted(each, found.span),
            str(each.notifications),
        )
    out.print(rows)
    for each in alerts if len(alerts) <= _EXPLAINED or everything else ():
        why = f"{local(each.at, settings)}  {'; '.join(map(said, each.reasons))}"
        for line in textwrap.wrap(why, _WIDTH, subsequent_indent=" " * 18, break_on_hyphens=False):
            say(line, style="dim")


def _summary(found: Backtest, settings: Settings) -> None:
    suggests = found.wanted is not None
    rows = table("rule", "alerts", "a week", *([f"for at most {found.wanted:g} a week"] if suggests else []))
    for rule in found.rules:
        alerts = len(found.judged.of(rule.id))
        own = [_suggested(each) for each in found.suggestions if each.rule == rule.id]
        also = [own[0] if own else _none_suggested(rule)] if suggests else []
        row(rows, rule.id, str(alerts), _a_week(found.a_week(alerts)), *also)
        for each in own[1:]:
            row(rows, "", "", "", f"or {each}")
    out.print(rows)
    told = [words for each in found.suggestions if (words := _beside(each, found, settings))]
    for words in ["", *told] if told else []:
        for line in textwrap.wrap(words, _WIDTH, subsequent_indent="  ", break_on_hyphens=False) or [""]:
            say(line, style="dim")


def _none_suggested(rule: Rule) -> str:
    """Why a rule has no suggestion."""
    from rules.thresholds import has_thresholds, thresholds

    if not has_thresholds(rule):
        return "(no suggestion for this kind yet)"
    return "(nothing to try it on)" if thresholds(rule) else "(no single threshold to set)"


def _a_week(alerts: float) -> str:
    return f"{alerts:.1f}" if alerts >= _SELDOM or not alerts else f"< {_SELDOM}"


def _suggested(each: Suggestion) -> str:
    if each.value is None:
        return f"{each.threshold.name}: rings {each.alerts} times whatever it is"
    now = " (as it is)" if each.value == each.threshold.value else ""
    return f"{each.threshold.name}: {each.value:.10g}{now} rang {plural(each.alerts, 'time')}"


def _beside(each: Suggestion, found: Backtest, settings: Settings) -> str:
    """Between which numbers a suggested one lies, and what it would miss."""
    named = f"{each.rule}, {each.threshold.name}"
    alike = f" from {each.low:.10g} to {each.high:.10g} it rings as often." if each.alerts and each.low < each.high else ""
    missed = f" {_missed(each, found, settings)}" if each.missed else ""
    return f"{named}:{alike}{missed}" if alike or missed else ""


def _missed(each: Suggestion, found: Backtest, settings: Settings) -> str:
    gravest, *others = each.missed
    whom = about(gravest.labels, gravest.key, settings, found.judged.authors)
    first = f"{local(gravest.at, settings)} {whom}, {gravest.severity}"
    more = f", and {len(others)} more" if others else ""
    return f"{each.value:.10g} misses {len(each.missed)} of {plural(len(found.judged.of(each.rule)), 'alert')}: {first}{more}."


def _facts_of(found: Backtest, settings: Settings) -> None:
    span, past = found.span, found.past
    say("")
    say(f"{local(span.since, settings)} to {local(span.until, settings)} ({settings.timezone}), {past.mentions} mentions.")
    say(f"Learnt from the {past.before} that came before." if past.before else "Nothing came before to learn from.")
    if span.is_short:
        say("Less than a week is counted as one.")
    if any(each.over is None for each in found.judged.alerts):
        say("+ is what was not over at the end.")
    if found.wanted is None:
        say("`--wanted 2` suggests thresholds for two alerts a week.", style="dim")
        say("`--chart FILE.html` draws what was seen.", style="dim")


def _lasted(each: PastAlert, span: Span) -> str:
    told = _minutes(each.lasted(span.until))
    return told if each.over else f"{told} +"


def _minutes(length: timedelta) -> str:
    """A length of time in whole minutes, one at least."""
    from rules.duration import format_duration

    minute = timedelta(minutes=1)
    return format_duration(max(length - length % minute, minute))


def _amount(value: float, measure: str) -> str:
    if measure == "share":
        return f"{value:.0%}"
    return f"{value:,.0f}" if value == round(value) else f"{value:,.1f}"


def facts(found: Backtest) -> dict[str, Any]:
    """For scripts. Durations are in seconds, authors are numbers."""
    span = found.span
    return {
        "from": span.since,
        "to": span.until,
        "mentions": found.past.mentions,
        "learnt_from": found.past.before,
        "wanted": found.wanted,
        "rules": [
            {
                "rule": rule.id,
                "alerts": len(found.judged.of(rule.id)),
                "per_week": round(found.a_week(len(found.judged.of(rule.id))), 3),
                "suggestions": [_suggestion(each) for each in found.suggestions if each.rule == rule.id],
            }
            for rule in found.rules
        ],
        "alerts": [_alert(each, span) for each in found.judged.alerts],
    }


def _suggestion(each: Suggestion) -> dict[str, Any]:
    now = {"threshold": each.threshold.name, "now": each.threshold.value, "value": each.value}
    missed = [{"key": dict(alert.key), "severity": alert.severity, "at": alert.at} for alert in each.missed]
    return {**now, "low": each.low, "high": each.high, "alerts": each.alerts, "missed": missed}


def _alert(each: PastAlert, span: Span) -> dict[str, Any]:
    return {
        "rule": each.rule,
        "key": dict(each.key),
        "severity": each.severity,
        "at": each.at,
        "over": each.over,
        "lasted": round(each.lasted(span.until).total_seconds()),
        "observed": each.observed,
        "expected": each.expected,
        "measure": each.measure,
        "learning": each.learning,
        "reasons": list(each.reasons),
        "notifications": each.notifications,
    }
