"""What stands beside a chart, in the reader's words: each rule, what was suggested for it, and its alerts."""

from __future__ import annotations

from typing import Any

from monitor.backtest.course import Backtest
from monitor.backtest.judging import PastAlert
from monitor.backtest.panels import about, moment, titled
from monitor.backtest.suggesting import Suggestion
from monitor.backtest.words import say
from monitor.settings import Settings
from notifiers.reader import Reader

_LONG = 20  # alerts of one rule: more are folded away, or nobody reaches the next rule
_HEADS = ("at", "about", "severity", "seen", "usual", "lasted", "told")


def listing(found: Backtest, settings: Settings, reader: Reader) -> dict[str, Any]:
    """The values of the page. People are numbers in it, and nothing of what they said is: it is passed on."""
    language = reader.language
    rules = [
        {
            "title": titled(rule, reader),
            "id": rule.id,
            "told": _told(found, rule.id, reader),
            "suggestions": [_suggested(each, found, reader) for each in found.suggestions if each.rule == rule.id],
            "is_long": len(found.judged.of(rule.id)) > _LONG,
            "alerts": [_alert(each, found, settings, reader) for each in found.judged.of(rule.id)],
        }
        for rule in found.rules
    ]
    brand = settings.brand or next(iter(settings.subjects.values())).names[0]
    heads = [say(language, f"head.{name}") for name in _HEADS]
    return {
        "title": say(language, "title", brand=brand),
        "rules": rules,
        "heads": heads,
        "one_by_one": say(language, "one_by_one"),
    }


def _told(found: Backtest, rule: str, reader: Reader) -> str:
    alerts = len(found.judged.of(rule))
    said = say(reader.language, f"alerts.{reader.plural(alerts)}", n=reader.number(alerts))
    return f"{said}, {reader.number(found.a_week(alerts))} {say(reader.language, 'per_week')}"


def _suggested(each: Suggestion, found: Backtest, reader: Reader) -> str:
    key = "no_value" if each.value is None else "suggested"
    value = f"{each.value:g}" if each.value is not None else ""  # as it is typed into the rule, in French, too
    suggested = say(reader.language, key, name=each.threshold.name, value=value, n=reader.number(each.alerts))
    if each.missed:
        gravest, number = each.missed[0], reader.number(len(each.missed))
        severity = say(reader.language, gravest.severity)
        suggested += say(reader.language, "missed", n=number, at=moment(gravest.at, reader), severity=severity)
    return say(reader.language, "wanted", n=reader.decimal(found.wanted or 0), suggested=suggested)


def _alert(each: PastAlert, found: Backtest, settings: Settings, reader: Reader) -> list[str]:
    lasted = reader.span(each.lasted(found.span.until), short=True) if each.over else say(reader.language, "still")
    return [
        moment(each.at, reader),
        about(each.key, settings.subjects, reader),
        say(reader.language, each.severity),
        _amount(each.observed, each.measure, reader),
        "–" if each.expected is None else _amount(each.expected, each.measure, reader),
        lasted,
        reader.number(each.notifications),
    ]


def _amount(value: float, measure: str, reader: Reader) -> str:
    return reader.percent(value) if measure == "share" else reader.number(value)
