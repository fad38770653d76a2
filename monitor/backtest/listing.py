"""What stands beside a chart, in the reader's words: each rule, what was suggested for it, and its alerts."""

from __future__ import annotations

from typing import Any

from monitor.backtest.course import Backtest
from monitor.backtest.judging import Rang
from monitor.backtest.panels import about, moment, titled
from monitor.backtest.suggesting import Suggestion
from monitor.backtest.words import say
from monitor.settings import Settings
from notifiers.reader import Reader

_HEADS = ("at", "about", "severity", "seen", "usual", "lasted", "told")


def listing(found: Backtest, settings: Settings, reader: Reader) -> dict[str, Any]:
    """The values of the page. People are numbers in it, and nothing of what they said is: it is passed on."""
    language = reader.language
    rules = [
        {
            "title": titled(rule, reader),
            "id": rule.id,
            "told": _told(found, rule.id, reader),
            "suggestions": [_suggested(each, reader) for each in found.suggestions if each.rule == rule.id],
            "alerts": [_alert(each, found, settings, reader) for each in found.judged.of(rule.id)],
        }
        for rule in found.rules
    ]
    wanted = say(language, "wanted", n=reader.decimal(found.wanted)) if found.wanted is not None else ""
    brand = settings.brand or next(iter(settings.subjects.values())).names[0]
    heads = [say(language, f"head.{name}") for name in _HEADS]
    return {"title": say(language, "title", brand=brand), "rules": rules, "heads": heads, "wanted": wanted}


def _told(found: Backtest, rule: str, reader: Reader) -> str:
    alerts = len(found.judged.of(rule))
    said = say(reader.language, f"alerts.{reader.plural(alerts)}", n=reader.number(alerts))
    return f"{said}, {reader.number(found.a_week(alerts))} {say(reader.language, 'per_week')}"


def _suggested(each: Suggestion, reader: Reader) -> str:
    name, n = each.threshold.name, reader.number(each.alerts)
    if each.value is None:
        return say(reader.language, "no_value", name=name, n=n)
    told = say(reader.language, "suggested", name=name, value=reader.decimal(each.value), n=n)
    if not each.missed:
        return told
    gravest, number = each.missed[0], reader.number(len(each.missed))
    return told + say(
        reader.language, "missed", n=number, at=moment(gravest.at, reader), severity=say(reader.language, gravest.severity)
    )


def _alert(each: Rang, found: Backtest, settings: Settings, reader: Reader) -> list[str]:
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
